"""Models that were not tuned on the step format: the prompt they get, and the habits they have.

Such a model bootstraps round 1, and it is what most people try first. It is told the format, with
two worked examples, and still writes as chat models do: a fence of Markdown around the code, a line
of prose before it, a heading that is no comment.
"""

import ast
import keyword
import re
import sys
import warnings
from pathlib import Path

from files import UserError

# Instructions and two worked examples.
STOCK_PROMPT = Path(__file__).with_name("stock_prompt.txt").read_text().rstrip("\n")
# Put before a chat template. Some print the date: every day would have another prompt and, since
# samples are seeded by the text, other samples. The day of the paper is our choice.
ONE_DAY = "{%- macro strftime_now(format) -%}08 Jan 2025{%- endmacro -%}"


def format_stock_prompt(question: str, tokenizer, own: str = "") -> str:
    """The prompt for a question without markers, as a chat if it is a chat model's.

    own   a prompt to use instead of ours. It is sent as plain text, not as a chat: its examples
          show a base model what to write, and an instruct model follows them more closely than a
          description.
    """
    content = (own or STOCK_PROMPT).replace("{question}", question)
    if own or not tokenizer.chat_template:
        return f"{tokenizer.bos_token or ''}{content}\n<code>\n"
    try:
        prompt = tokenizer.apply_chat_template(
            [dict(role="user", content=content)],
            chat_template=ONE_DAY + tokenizer.get_chat_template(),
            tokenize=False,
            add_generation_prompt=True,
        )
    except Exception as error:  # a template runs code of its own, which raises whatever it likes
        reason = f"its chat template fails on a single question of a user ({error})"
        raise UserError(f"policy: {reason}; give another model") from error
    return prompt + "<code>\n"


# A fence of Markdown, the name of the language alone on its line, or a tag around the code.
FENCE = re.compile(r"\s*(```.*|~~~.*|python|</?code>|</?python>)\s*", re.IGNORECASE)
# A line of prose: perhaps a number, a letter or a bullet, then two words, or one with a mark behind
# it. Or a formula of LaTeX.
PROSE = re.compile(
    r"\W*(\w{1,2}[.)]\s+)?[A-Za-z][\w'’-]*([!.,:]*\**\s+[^\s=+*/<>(-]|[!.:]+\**\s*$)"
    r"|\s*(\\\[|\\\(|\$)"
)
# A line of code with a mistake in it, such as a loop without its colon. Its words look like prose.
STATEMENT = re.compile(
    rf"\s*(print|{'|'.join(keyword.kwlist)})\b(.*[()\[\]<>=]|(\s+\S+){{0,3}}\s*$)"
)
# "\(" in a string is a warning of Python's, which is of no use to anybody here.
warnings.filterwarnings("ignore", category=SyntaxWarning, module="<candidate>")


def repair(code: str) -> str:
    """Code without what chat models write around it; as it is if that does not make it code.

    Fences and tags go, and lines of prose, headings such as "Step 1: ..." among them, become
    comments. Only lines that Python cannot read are touched.
    """
    lines = code.splitlines(keepends=True)
    lines = [line for line in lines if not FENCE.fullmatch(line.rstrip("\n"))]
    # Each round comments out one line, the first that Python stumbles over.
    for _ in range(len(lines) + 1):
        lines = at_the_margin(lines)
        number = syntax_error("".join(lines))
        if number is None:
            return "".join(lines)
        if number >= len(lines) or not is_prose(lines[number]):
            break
        lines[number] = f"# {lines[number].lstrip()}"
    return code


def is_prose(line: str) -> bool:
    return bool(PROSE.match(line)) and not STATEMENT.match(line)


def dedent(code: str) -> str:
    """Code without an indentation of the whole."""
    return "".join(at_the_margin(code.splitlines(keepends=True)))


def at_the_margin(lines: list[str]) -> list[str]:
    """Lines without the indentation that all of them share, comments aside."""
    indents = [len(line) - len(line.lstrip()) for line in lines]
    is_code = [line.strip() != "" and not line.lstrip().startswith("#") for line in lines]
    shift = min((indent for indent, code in zip(indents, is_code) if code), default=0)
    return [line[min(shift, indent) :] for line, indent in zip(lines, indents)]


def syntax_error(code: str) -> int | None:
    """The number of the line, from 0, that Python stumbles over; None if it reads the code."""
    try:
        ast.parse(code, filename="<candidate>")
    except SyntaxError as error:
        return (error.lineno or 1) - 1
    except (ValueError, RecursionError, MemoryError):  # null bytes, or nested too deeply
        return sys.maxsize
    return None

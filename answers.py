r"""Are two final answers the same? Decided without ever evaluating text.

    answers_equal("1/2", r"\dfrac{1}{2}")       # True
    answers_equal("0.33", r"\frac13")           # False: decimals are exact
    extract_answer(r"so it is \boxed{42}.")     # '42'

How it goes, top to bottom: an answer is unwrapped and rewritten by one table into a plain notation (READ); a small parser
with a whitelist turns that into a tree of tuples (PARSE); two trees are compared, structure first (COMPARE); and only numbers
and expressions are ever computed (COMPUTE). An answer may have several readings ("100,200" is one number or two): two
answers are equal when some reading of the one equals some reading of the other.

What is decided. Integers, decimals and fractions are exact; a relative tolerance holds only where one side is a float as
Python prints it, of 15 digits or more. Expressions are equal when they agree at every point tried, as complex functions with
principal branches: |x| is not x, and \ln x^2 is not 2 \ln x. (But an odd root of a negative constant is the real one.)
log is the natural one, as in sympy. A unit, a currency, a degree or percent sign may be left out but not changed: 50% is
50, never 1/2 and never 50 cm, and 1 m is not 100 cm. (a, b) is a tuple or an open interval, [a, b] a list or a closed
interval, and (a, b) never equals [a, b]. Order counts in a tuple, not in a set or a list of solutions; a tuple equals a bare
list in the same order, as Python prints it. A base is part of the answer: 52_8 is neither 52 nor 42. 5:9 is 5/9, 3:1 isn't 3.
10-12 may be a difference or a range: it is -2, but not 12-14. 5m is 5 meters, but not 5, for m may be a variable.

What isn't. Sums, integrals, limits and other commands unknown here are compared as text. Hedges ("2 or 3"), empty, truncated
and garbage answers equal nothing, not even themselves, and so does what goes beyond the bounds below.
"""
import functools
import itertools
import math
import random
import re
import threading
import time
import unicodedata
from collections.abc import Sequence
from fractions import Fraction

MAX_LENGTH = 2_000  # characters of an answer; longer ones are garbage
MAX_DEPTH = 25  # of brackets, roots and exponents within each other: keeps far from Python's recursion limit
MAX_DIGITS = 600  # of a number as written; Python's own limit may be set to 640
MAX_BITS = 1 << 14  # of an exact number; larger ones are undecided
MAX_FLOAT_BITS = 1_500  # of an inexact one
MAX_FACTORIAL = 1_500
MAX_EXPONENT = 1e6  # of e; larger powers are undecided
DEADLINE = 0.4  # seconds of computing for a comparison, of this thread, so that a loaded machine changes no label
POINTS = 5  # tried to see whether two expressions agree; where some are undefined, two are enough
LONG_FLOAT = 15  # significant digits from which a decimal is a float as Python prints it ...
FLOAT_DIGITS = 13  # ... and so many of them are right
FIRST_BITS = 200  # of an inexact computation; more where the numbers have more
GUARD_BITS = 40  # of these, left to rounding errors
SMALL_INTEGER = re.compile(r"-?[0-9]{1,18}")


class Unreadable(ValueError):
    """The text is no answer: truncated, malformed, garbage."""


class Undecided(Exception):
    """To compute this would go over a bound."""


class OutOfTime(Exception):
    """... over the deadline."""


def answers_equal(prediction: str, reference: str) -> bool:
    r"""Whether two answers are the same. Symmetric; never raises; takes less than a second.

    >>> answers_equal(r"x = \frac{1}{2}", "0.5"), answers_equal("0.33", "1/3")
    (True, False)
    """
    if SMALL_INTEGER.fullmatch(prediction) and SMALL_INTEGER.fullmatch(reference):
        return int(prediction) == int(reference)
    clock = time.thread_time() + DEADLINE
    try:
        return _same_reading(prediction, reference, clock)
    except (OutOfTime, RecursionError):  # the latter when the caller is near the limit itself
        return False


def _same_reading(a, b, clock):
    return any(_same(*trees, clock) for trees in itertools.product(_readings(a), _readings(b)))


def extract_answer(text: str) -> str | None:
    r"""The answer in a solution: the last \boxed{}, else the last printed output, else what follows GSM8K's ####; or None.

    >>> extract_answer(r"\boxed{1}, no: \boxed{\frac{1}{2}}"), extract_answer("9 * 2 = <<9*2=18>>18\n#### 18")
    ('\\frac{1}{2}', '18')
    """
    closed = _closing_braces(text)
    for match in reversed(list(re.finditer(r"\\(?:f?boxed|fbox)(?![a-zA-Z])[ \t]*", text))):
        if text.startswith("{", match.end()):
            if match.end() in closed:  # an unclosed box is no answer
                return text[match.end() + 1:closed[match.end()]].strip()
        elif plain := re.compile(r"[^\s$\\{}]+").match(text, match.end()):
            return _trimmed(plain.group())
    outputs = [part.split("<end_of_output>")[0].strip() for part in text.split("<output>")[1:] if "<end_of_output>" in part]
    marked = re.findall(r"####[ \t]*(\S.*)", text)
    return next(filter(None, reversed(outputs)), None) or (_trimmed(marked[-1]) if marked else None)


def _trimmed(text):
    r"""Without the punctuation of the sentence. 4... was cut off and stays so, 5! is a factorial, 7\, ends in a space.

    >>> _trimmed("72,"), _trimmed("**1,234**."), _trimmed("4...")
    ('72', '1,234', '4...')
    """
    text = text.strip()
    trimmed = text.strip("*`").rstrip(" ,;:，；：。*`")
    if trimmed.endswith(".") and not trimmed.endswith(".."):
        trimmed = trimmed[:-1].rstrip(" ,;:*`")
    return text if trimmed.endswith("\\") else trimmed


def unmatchable(references: Sequence[str]) -> list[int]:
    """Indices of the references that equal nothing, not even themselves: no answer to these problems can ever be right.

    >>> unmatchable(["9 (apples)", "We see that x is either 1 or 2.", r"\\frac{1}{2"])
    [1, 2]
    """
    return [index for index, reference in enumerate(references) if not answers_equal(reference, reference)]


def _closing_braces(text):
    """Where each opening brace is closed, in one pass: a text may be long and open many."""
    opened, closed = [], {}
    for match in re.finditer(r"\\.|[{}]", text, re.DOTALL):
        if match.group() == "{":
            opened.append(match.start())
        elif match.group() == "}" and opened:
            closed[opened.pop()] = match.start()
    return closed


# READ: from what people, models, LaTeX, Python and sympy write to one plain notation

@functools.lru_cache(maxsize=4096)
def _readings(answer):
    """All the ways to read an answer, as trees; none if it is no answer.

    >>> _readings("7"), _readings("3 +")
    ((('num', Fraction(7, 1), False),), ())
    """
    if len(answer) > MAX_LENGTH:
        return ()
    answer = _without_unit_brackets(_unwrapped(answer))
    if not answer or NO_ANSWER.search(answer):
        return ()
    bare = re.sub(SPACE + "+", " ", re.sub(FONT, r" \1 ", answer)).strip()
    if NAME.fullmatch(bare):
        return (_read_text(bare),)
    if re.search(r"[a-z]|:0\d", bare, re.IGNORECASE) and (clock_time := _read_time(bare)):
        return (clock_time,)  # 2:30 pm is no ratio, and not 3:45 pm
    trees = [read(bare) for read in (_read_choice, _read_time, _read_based, _read_words)]
    plain = _normalised(answer)
    joined, padded = plain, re.search(r",0\d\d(?!\d)", plain)  # no list has an item such as 050
    if padded or not re.search(r"[(\[{]", plain):
        joined = THOUSANDS.sub(lambda match: re.sub("[, ]", "", match.group()), plain)
    plain = joined if padded else plain
    variants = dict.fromkeys((joined, plain, ONE_LETTER_UNIT.sub(r' "\1"', joined), MIXED.sub(r"\1 ", joined)))
    trees += [_parsed(variant) for variant in variants]
    if not any(trees):
        trees = [_read_text(bare) or _read_opaque(answer), _parsed(plain, spelled_out=True)]
    return tuple(dict.fromkeys(filter(None, trees)))


def _parsed(text, spelled_out=False):
    try:
        return _Parser(text, spelled_out).answer()
    except (ValueError, ArithmeticError, TypeError):  # Unreadable, or a sympy class with other arguments
        return None


def _unwrapped(answer):
    r"""
    >>> _unwrapped(r"$\boxed{5}$."), _unwrapped("The answer is: **7**")
    ('5', '7')
    """
    before = None
    while before != answer:
        before = answer = re.sub(SPACE + "+$", "", answer).strip()
        for wrapping in WRAPPINGS:
            match = wrapping.fullmatch(answer)
            if match and _is_balanced(match.group(1)):
                answer = match.group(1).strip()
    return answer


def _is_balanced(text):
    return _closing_braces("{" + text + "}").get(0) == len(text) + 1


def _without_unit_brackets(answer):
    r"""A unit in brackets would be read as a factor. Words that the parser would split into letters become one \text{}.

    >>> _without_unit_brackets("9(apples)"), _without_unit_brackets("3 (x + 1)")
    ('9 \\text{apples}', '3 (x + 1)')
    """
    answer = FONT_OF_BRACKETS.sub(r"(\1{\2})", answer)
    answer = OPTIONAL_PLURAL.sub(lambda match: match[1] + match[2] if _word(match[1])[0][0] == "text" else match[0], answer)
    if (leading := BRACKETED.match(answer)) and (unit := _unit_in(leading)) and LEADS_NUMBER.match(answer, leading.end()):
        return f"{answer[leading.end():].strip()} {unit}"

    def opened(match):
        before = answer[max(0, match.start() - 40):match.start()]
        quantity = re.sub(SPACE + "+$", "", before)
        word = re.search(r"[A-Za-z]+$", quantity)
        after_quantity = re.search(r"[\d}\])°%$€£¥₹]$|\\pi$", quantity) or word and _word(word[0])[0][0] == "text"
        unit = after_quantity and _unit_in(match, beside=quantity != before and quantity[-1:].isdigit())
        return f" {unit}" if unit else match[0]

    answer = BRACKETED.sub(opened, answer)
    counted = COUNTED.fullmatch(answer)
    if counted and (unit := _unit_text(counted[2])):
        return f"{counted[1]} {unit}"
    return answer


def _unit_in(brackets, beside=False):
    return _unit_text(brackets[1] if brackets[1] is not None else brackets[2], beside)


def _unit_text(content, beside=False):
    r"""The words of a unit in \text{}, or None. A single letter is one only with a space before its brackets: 4 (m), not 4(m).

    >>> _unit_text("km per hour"), _unit_text("in cm^2"), _unit_text("ab")
    ('\\text{km per hour}', '\\text{cm}^2', None)
    """
    content = re.sub(SPACE + "+", " ", re.sub(FONT, r" \1 ", content)).strip()
    content = re.sub(r"^in (?=\w)", "", content).rstrip(".")
    if re.fullmatch(r"\\?[%$]|[€£¥₹¢]|°[CF]?|[ap]\.?m", content):
        return content
    words = re.findall("[A-Za-z]+", content)
    if not UNIT_WORDS.fullmatch(content) or any(word in FUNCTIONS or word in CONSTANTS or word in GREEK for word in words):
        return None
    is_unit = any(_word(word)[0][0] == "text" for word in words) or re.search("[A-Za-z]-[a-z]+s$", content)
    if not is_unit and not (beside and re.fullmatch("[mgshLlNJWVK]", words[0])):
        return None
    return re.sub(r"[A-Za-z](?:[A-Za-z '’.-]*[A-Za-z])?", r"\\text{\g<0>}", content)


def _normalised(answer):
    r"""
    >>> _normalised("π/2"), _normalised(r"\dfrac{1}{10,\!080}")
    ('\\pi /2', '\\frac{1}{10080}')
    """
    answer = unicodedata.normalize("NFKC", answer.translate(UNICODE)).translate(UNICODE)
    if NUMPY_PRINT.fullmatch(answer):
        answer = re.sub(r"(?<=[\d.\]])\s+(?=[-+]?[\d.\[])", ", ", answer)
    if len(re.findall(r"(?<!\\)\$", answer)) % 2 == 0:  # in pairs they are math mode, else a currency
        answer = re.sub(r"(?<!\\)\$", " ", answer)
    for pattern, new in NORMALISATIONS:
        answer = pattern.sub(new, answer)
    return answer.strip()


def _read_choice(bare):
    """A letter of a multiple choice, alone or before the text of the choice.

    >>> _read_choice("(B)"), _read_choice("C) all of them"), _read_choice("2B")
    (('choice', 'B', ''), ('choice', 'C', 'all of them'), None)
    """
    match = CHOICE.fullmatch(bare) or CHOICE_WITH_VALUE.match(bare)
    if not match or SEVERAL_PARTS.search(bare) or CHOICE_WITH_VALUE.match(bare[match.end():]):
        return None
    return ("choice", next(filter(None, match.groups())).upper(), bare[match.end():])


def _read_time(bare):
    """
    >>> _read_time("3:05 p.m."), _read_time("3:5")
    (('time', 11100, 'p'), None)
    """
    match = re.fullmatch(r"([01]?\d|2[0-4])(?::([0-5]\d)(?::([0-5]\d))?)?[ ,]*(?:([ap])\.?\s?m\.?|o'clock)?", bare, re.IGNORECASE)
    if not match or not (match[2] or match[4]):
        return None
    hour, half = int(match[1]), (match[4] or "").lower()
    return ("time", (hour % 12 * 60 + int(match[2] or 0)) * 60 + int(match[3] or 0), "p" if hour > 12 else half)


def _read_based(bare):
    """A number in another base than ten: the base is part of the answer, so that 52_8 is neither 52 nor 42.

    >>> _read_based("204_{ five }"), _read_based("0b101"), _read_based("92_8")
    (('based', Fraction(54, 1), 5), ('based', Fraction(5, 1), 2), None)
    """
    if prefixed := re.fullmatch(r"0([box])([0-9a-fA-F]{1,100})", bare):
        digits, base = prefixed[2], {"b": "2", "o": "8", "x": "16"}[prefixed[1]]
    elif match := re.fullmatch(r"\(?(-?[0-9][0-9A-Fa-f]{0,99}(?:\.[0-9A-Fa-f]{1,99})?)\)?(?: ?_ ?\{? ?|,? \(?(?:in )?base )(\w+) ?\}?\)?", bare):
        digits, base = match.groups()
    else:
        return None
    base = ONES.index(base) if base in ONES else int(base) if re.fullmatch("[0-9]{1,2}", base) else 0
    if not 2 <= base <= 16 or any(int(digit, 16) >= base for digit in re.sub("[-.]", "", digits)):
        return None
    whole, _, part = digits.partition(".")
    value = Fraction(int(whole + part, base), base ** len(part))
    return ("num", value, False) if base == 10 else ("based", value, base)


def _read_words(bare):
    """A number in words, perhaps with one word for what is counted.

    >>> _read_words("twenty-five"), _read_words("three quarters"), _read_words("one of them")
    (('num', Fraction(25, 1), False), ('num', Fraction(3, 4), False), None)
    """
    words = re.sub(r"[\s,-]+", " ", bare.lower()).split()
    sign = -1 if words[:1] in (["minus"], ["negative"]) else 1
    words = words[1:] if sign < 0 else words
    if not words or len(words) > 20:
        return None
    *front, last = words
    number = _spelled(words)
    if number is None:
        last = ORDINALS.get(last) or (last.removesuffix("ieth") + "y" if last.endswith("ieth") else last.removesuffix("th"))
        number = _counted([*front, last])
    if number is not None:
        return ("num", Fraction(sign * number), False)
    if not front or (number := _spelled(front)) is None or NO_UNIT.search(words[-1]) or not words[-1].isalpha():
        return None
    return ("unit", ("num", Fraction(sign * number), False), _unit_name(words[-1:]))


def _spelled(words):
    """A whole number, a part, or both.

    >>> _spelled("two and a half".split()), _spelled(["half"]), _spelled("one and three halves".split())
    (Fraction(5, 2), Fraction(1, 2), None)
    """
    whole, _, part = " ".join(words).rpartition(" and ")
    *count, name = part.split()
    count = ["one"] if count == ["a"] or part == "half" else count
    below = PARTS.get(name) or PARTS.get(name.removesuffix("s"))
    if not below or len(count) != 1 or count[0] not in ONES:
        return _counted(words)
    above, whole = ONES.index(count[0]), _counted(whole.split())
    return None if whole is None or whole and above >= below else whole + Fraction(above, below)


def _counted(words):
    """
    >>> _counted("two thousand five hundred six".split()), _counted(["many"])
    (2506, None)
    """
    total = group = 0
    for word in filter("and".__ne__, words):
        if word in ONES or word in TENS:
            number = ONES.index(word) if word in ONES else 10 * TENS.index(word)
            if group % (10 if number < 10 else 100):
                return None  # three four
            group += number
        elif word == "hundred":
            group = 100 * max(group, 1)
        elif word in SCALES and (group or not total):  # not million million
            total, group = total + SCALES[word] * max(group, 1), 0
        else:
            return None
    return total + group


def _read_text(bare):
    """Plain words, whatever their case and punctuation; garbage has none.

    >>> _read_text("The ellipse"), _read_text("Yes (")
    (('text', 'ellipse'), None)
    """
    if re.search(r"[<>=\\{}\[\]|^_@#*]|\w\(|[-+,(:/]$|\d.*\bor\b", bare) or not re.search(r"[^\W\d_]{2}", bare):
        return None
    words = re.sub(r"^(?:the|an?) (?=.)", "", " ".join(re.findall(r"[-+]?\d+(?:[.,/:]\d+)*|\w+|/|(?<= )[-+](?= )", bare.lower())))
    empty = re.fullmatch("no (real )?solutions?( exists?)?|empty set", words)
    return ("empty",) if empty else ("text", "does not exist" if words == "dne" else words)


def _read_opaque(answer):
    r"""A formula beyond the parser, or 5'3" (feet? minutes?) or 3:30-4:30: as it is written.

    >>> _read_opaque(r"\sum_{k} k^2"), _read_opaque(r"\sum_{k")
    (('text', '\\sum_kk^2'), None)
    """
    known = re.search(r"\\(?:sum|prod|int|lim|partial|vec|hat|overline|triangle|cong|sim|perp|parallel|equiv|mathbb)(?![a-z])"
                      r"""|\d\s*'\s*[\d.]+\s*"$|^\d\d?:\d\d\s*[-–]\s*\d\d?:\d\d$""", answer)
    known = known or "{cases}" in answer or any(name not in KNOWN for name in re.findall(r"\\([a-zA-Z]+)", answer))
    if not known or not _is_balanced(answer) or len(re.findall(r"\\begin\b", answer)) != len(re.findall(r"\\end\b", answer)):
        return None
    answer = re.sub(r"\\(l|g|n)eq?(?:slant)?(?![a-zA-Z])", r"\\\1e ", re.sub(r",(?=\s*&)", "", _normalised(answer)))
    return ("text", re.sub(r"\{(\w)\}|\s+", r"\1", answer))


CHOICE = re.compile(r"([A-J]|[a-e])|\(?\s*([A-Ja-j])\s*[).:]|(?i:option|choice)\s+\(?([A-Ja-j])\)?")
CHOICE_WITH_VALUE = re.compile(  # after a space the value is whatever does not make a formula of the letter
    r"(?:(?i:option|choice)\s+)?(?:[(\[]\s*([A-Ja-e])\s*[)\]]\s*[.:]?|([A-J])\s*[.:)])(?:\s+(?=[^\s=+*/^,;!&<>|_)\]])|(?<!\.)(?=[\d$]))")
SEVERAL_PARTS = re.compile(r"[,;]\s*(?:and\s)?\(?[A-Ja-j][).:]")
FONT_COMMAND = (r"\\(?:text(?:rm|bf|it|sf|normal)?|math(?:rm|bf|it|sf)|boldsymbol|[mh]box|operatorname\*?|emph|underline|rm|bf)")
FONT = FONT_COMMAND + r"\s*\{([^{}]*)\}"
MATRIX = r"\{(?:[pbB]?(?:small)?matrix|array)\}"
SPACE = r"(?:\s|~|\\(?:[ ,;:!>]|q?quad\b))"
FONT_OF_BRACKETS = re.compile(rf"({FONT_COMMAND})\s*\{{{SPACE}*\(([^{{}}()]*)\){SPACE}*\}}")  # \text{(apples)}
OPTIONAL_PLURAL = re.compile(r"\b([A-Za-z]{2,})\((e?s)\)")  # apple(s)
BRACKETED = re.compile(r"(?:\\left\s*)?(?:\(([^()\[\]]*?)(?:\\right\s*)?\)|\[([^()\[\]]*?)(?:\\right\s*)?\])")
LEADS_NUMBER = re.compile(rf"{SPACE}*[-\d.$\\]")
COUNTED = re.compile(r"([-+$€£]*(?:\d[\d,.]*|\d+/\d+)) +((?:[A-Za-z]{2,}|[A-Za-z]+-[A-Za-z-]+)(?: [A-Za-z-]{2,})*)")  # 3 pet fish
UNIT_WORDS = re.compile(r"[A-Za-z](?:[A-Za-z '’./²³-]|\^\{?[23]\}?)*")

UNICODE = str.maketrans({
    **dict.fromkeys("−–—‐‑﹣", "-"), **dict.fromkeys("×·⋅∙∗", "*"), **dict.fromkeys("÷∕⁄", "/"), **dict.fromkeys("′’‘", "'"),
    **dict.fromkeys("“”", '"'), **dict.fromkeys("°º", r"^\circ "), **dict.fromkeys("\u200b\u200c\u200d\u2060\u2061\ufeff", ""),
    **dict.fromkeys("≤⩽", r"\le "), **dict.fromkeys("≥⩾", r"\ge "), "≠": r"\ne ", "≈": r"\approx ", "…": "...", "∣": "|",
    "π": r"\pi ", "∞": r"\infty ", "√": r"\surd ", "∛": r"\sqrt[3]", "∪": r"\cup ", "∩": r"\cap ", "∖": r"\setminus ", "∈": r"\in ",
    "±": r"\pm ", "∓": r"\mp ", "∅": r"\emptyset ", "ℝ": r"\mathbb{R}", "∧": r"\land ", "∨": r"\lor ", "¢": r"\text{ cents}",
    "⌊": r"\lfloor ", "⌋": r"\rfloor ", "⌈": r"\lceil ", "⌉": r"\rceil ", "⟨": r"\langle ", "⟩": r"\rangle ", "ℯ": "e", "ⅈ": "i",
    **{c: rf"\{name} " for c, name in zip("αβγδθλμρσφωΔ", "alpha beta gamma delta theta lambda mu rho sigma phi omega Delta".split())},
    **{c: f"^{{{d}}}" for c, d in zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻ⁿ", "0123456789-n")}, **{c: f"_{{{d}}}" for c, d in zip("₀₁₂₃₄₅₆₇₈₉", "0123456789")},
    **{c: rf"\frac{{{n}}}{{{d}}}" for c, n, d in zip("½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞", "112131234151357", "233445555668888")},
})

WRAPPINGS = [re.compile(pattern, re.DOTALL | re.IGNORECASE) for pattern in (  # of a whole answer; the group is what counts
    r"\$\$(.*)\$\$", r"\$([^$]*)(?<!\\)\$", r"\\\((.*)\\\)", r"\\\[(.*)\\\]", r"\\(?:f?boxed|fbox)\s*\{(.*)\}", r"\\f?boxed\s+(\S+)",
    FONT, r"\{\\(?:bf|rm|it|sf|em)\b(.*)\}", r"\\(?:text)?color\{\w+\}\s*\{(.*)\}", r"\\(?:display|text)style\b(.*)",
    r"\\begin\{(?:align|equation|gather)(?:ed)?\*?\}(.*)\\end\{(?:align|equation|gather)(?:ed)?\*?\}", r"(.*[^\\])\\\\",
    r"\*\*(.*)\*\*", r"`+(.*?)`+", r"'([^']*)'", r'"([^"]*)"', r"<answer>(.*)</answer>", r"####(.*)",
    r"(.*[^.\s\\])\s*\.", r"(.*[^\\\s])\s*;", r"=\s*([^=].*)", r"(.*\S)\s*\\approx.*",
    r"(?:(?:so|thus|hence|therefore),?\s)?(?:(?:the|our|my)\s)?(?:(?:final|correct)\s)?answer\s*(?:is|:|=)\s*:?\s*(\S.*)",
    r"(?:so|thus|hence|therefore),?\s+(.*)",
)]

NO_ANSWER = re.compile(
    r"\b(?:maybe|perhaps|probably|possibly|approximately|approx|roughly|about|around|either|i think|not sure|unsure|guess|likely|do(?:n['’]t| not) know)\b"
    r"|\?|\.\.\.|\\[lc]?dots|\\approx|^(?:nan|null|n/a|error)$|\w(?:error|exception):|^error:|traceback|<\w+ .* at 0x", re.IGNORECASE)

UNITS = {  # an abbreviation: its name. What else stands as text after a number is its own name
    "usd": "dollar", "buck": "dollar", "cm": "centimeter", "mm": "millimeter", "km": "kilometer", "m": "meter", "metre": "meter",
    "centimetre": "centimeter", "kilometre": "kilometer", "inche": "inch", "in": "inch", "ft": "foot", "feet": "foot", "yd": "yard",
    "mi": "mile", "kg": "kilogram", "g": "gram", "mg": "milligram", "lb": "pound", "oz": "ounce", "sec": "second", "s": "second",
    "min": "minute", "h": "hour", "hr": "hour", "l": "liter", "litre": "liter", "ml": "milliliter", "mph": "mile/hour", "deg": "degree",
    "percent": "%", "sq": "square", "cu": "cubic", "mb": "mb", "gb": "gb", "kb": "kb", "hz": "hertz", "rad": "radian", "n": "newton",
    "j": "joule", "w": "watt", "v": "volt", "k": "kelvin", "kw": "kilowatt", "euro": "€", "eur": "€", "gbp": "£", "yen": "¥",
    "yr": "year", "wk": "week", "gal": "gallon", "qt": "quart", "tsp": "teaspoon", "tbsp": "tablespoon", "mol": "mole", "rpm": "rpm",
    "kph": "kilometer/hour", "kmph": "kilometer/hour", "kwh": "kwh", "squared": "^2", "cubed": "^3",
    "men": "man", "women": "woman", "children": "child", "people": "person",
}
CURRENCY = {"$": "dollar", "€": "€", "£": "£", "¥": "¥", "₹": "rupee", "¢": "cent"}
LEADING = {"USD": "$", "EUR": "€", "GBP": "£", "INR": "₹", "Rs": "₹", "cents": "¢"}  # currencies before a number, as ¢50 was
SHORT_WORDS = set("the no not yes odd old new hot one two six ten is are of to on if so per day cup cups men box bit bits boy cat dog red her his "
                  "she he for win may be by at it its any all ant bag bee bus can cap car cow egg fan gum hat hen jar key kid leg map mug nut owl pan "
                  "pen pet pie pig pin pot rat row rug toy tub van".split())  # up to three letters that are no product of variables

ONES = ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen "
        "nineteen").split()
TENS = "zero ten twenty thirty forty fifty sixty seventy eighty ninety".split()
SCALES = {"hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12, "dozen": 12, "score": 20,
          "lakh": 10**5, "crore": 10**7}
ORDINALS = {"first": "one", "second": "two", "third": "three", "fifth": "five", "eighth": "eight", "ninth": "nine", "twelfth": "twelve"}
PARTS = {"half": 2, "halves": 2, "third": 3, "quarter": 4, "fifth": 5, "eighth": 8, "ninth": 9, "twelfth": 12,
         **{f"{name}th": number for number, name in enumerate(ONES) if number > 3},
         **{f"{name[:-1]}ieth": 10 * number for number, name in enumerate(TENS) if number > 1},
         **{f"{name}th": SCALES[name] for name in ("hundred", "thousand", "million")}}
NO_UNIT = re.compile(  # words that say more than a unit, or change the number (3 fifth graders, $3 per dozen and 4 left over don't)
    r"\b(?:no|not|or|and|than|least|most|more|less|if|when|is|are|(?<!of )the|true|false"
    r"|plus|minus|below|above|under|(?<!left )over|fewer|twice|thrice|gross)\b|\b(?:negative|short|down)$"
    rf"|(?<!/ )(?<!per )\b(?:hal[fv]e?|{'|'.join({*ONES, *TENS, *SCALES} - {'one'})})s?\b(?<!\bscores)"
    rf"|\b(?:{'|'.join({*PARTS} - {'quarter'})})(?:s\b|$)")


def _worded(match):
    r"""What stands in \text{}: words are quoted, a formula isn't. A letter may be a unit, after a number."""
    body = match.group(1).strip(" ~.").replace('"', "")
    if body in ("and", "or") or body in FUNCTIONS or body in CONSTANTS:
        return f" {body} "
    if re.fullmatch("(?!OR)[A-Z]{2}", body) and body.lower() not in SHORT_WORDS and not re.search(rf"\d{SPACE}*$", match.string[:match.start()]):
        return f" {body} "  # the product of variables that it is without a font
    is_unit = body.lower() in UNITS and re.search(rf"\d{SPACE}*$", match.string[:match.start()])
    return f' "{body}"' if is_unit or re.search("[A-Za-z]{2}", body) else f" {body} "


def _repeating(match):
    r"""A repeating decimal.

    >>> _normalised(r"0.1\overline{6}")
    '(15/90)'
    """
    whole, fixed, repeated = match.groups()
    value = int((whole or "0") + fixed + repeated) - int((whole or "0") + fixed)
    return f"({value}/{'9' * len(repeated)}{'0' * len(fixed)})"


NORMALISATIONS = [(re.compile(pattern), new) for pattern, new in (
    # numbers: 10,\!080 and 10_080, 0.1\overline{6} and 0.(6) (but 0.1(6) is a product), 5^{th}, 3 to 4
    (r"(?<=\d)(?:\{,\}|\\?,\\!|\\[, ;:])\s*(?=\d{3}(?!\d))", ""), (r"(?<=\d)_(?=\d{3}(?:_|\b))", ""),
    (r"(\d{0,99})\.(\d{0,99})\\(?:overline|bar)\s*\{?(\d{1,99})\}?", _repeating), (r"(\d{1,99})\.()\((\d{1,99})\)", _repeating),
    (r'(?<=\d)\s*\^?\{?\s*(?:\\text\{)?(?:st|nd|rd|th)(?![a-zA-Z])\}?\}?', " "), (r"(?<=\d)\s+to\s+(?=\d)", ":"),
    # LaTeX: brackets, words, spaces, fractions, matrices
    (r"\\left\s*(?:\||\\vert(?![a-z]))", r"\\lvert "), (r"\\right\s*(?:\||\\vert(?![a-z]))", r"\\rvert "),
    (r"\\(?:left|right|[bB]igg?[lrm]?)(?![a-zA-Z])\.?", ""), (r"\\(?:f?boxed|fbox)\s*\{", "{"),
    (FONT, _worded), (r"\\\\\s*\[\d+[a-z]*\]", r"\\\\"), (rf"(?<!\\){SPACE}|\\(?:displaystyle|textstyle|limits|hline)\b", " "),
    (r"\\[dtc]frac(?![a-z])", r"\\frac"), (r"\\[dt]binom", r"\\binom"), (r"\{([^{}]*)\\over\b([^{}]*)\}", r"\\frac{\1}{\2}"),
    (r"\{([^{}]*)\\choose\b([^{}]*)\}", r"\\binom{\1}{\2}"),
    (rf"\\begin{MATRIX}(?:\{{[clr|\s]*\}})?", r"\\matrix{"), (rf"\\end{MATRIX}", "}"),
    (r"\\mathbb\s*\{?\s*R\s*\}?(?!\s*\^|\})|\b(?:S\.)?Reals\b|\b[Aa]ll real numbers\b", " AllReals "),
    (r"&\s*=", "="),
    # words: 1.2 x 10^3, negative 5
    (r"(?<=\d)(?:\s+[xX]\s+|[xX])(?=10\s*(?:\^|\*\*))", "*"),
    (r'(?:^|(?<=[=(,]))\s*"?(?i:minus|negative)\b"?\s*(?=[\d.\\$(])', "-"),
    # signs: degrees, angles, currencies, roots as in √2x, the U of a union
    (r"\^\s*\{?\s*\\circ\s*\}?|\\degree\b", "°"),
    (r'"?(?:°|\bdegrees?\b)\s*"?([CF]|(?i:C(?=elsius)|F(?=ahrenheit)))(?i:elsius|ahrenheit)?\b"?', r' "°\1"'),
    (r"m?\\angle\b|∠", " "), (r"\\([%$])", r"\1"),
    (r"\\surd\s*(\d+(?:\.\d+)?|[a-z]\b)", r"sqrt(\1)"), (r"\\surd", "sqrt"), (r"(?<=[\])}])\s*[uU]\s*(?=[\[({])", r"\\cup "),
    (r"(?<=\d)\s*([$€£¥₹])(?=\s*$)", lambda match: f' "{CURRENCY[match[1]]}"'),
    (rf'^\s*"?({"|".join(LEADING)})\b"?\.?\s*(?=[\d.])', lambda match: LEADING[match[1]]),
    # units: 5 sec, 5 ft.
    (r"(?<=\d)\s*sec(?=\s*$)", ' "second"'), (r"(?<=[a-z])\.(?=\s|$)", " "),
    # Python and sympy: np.float64(5), Interval.open(0, 1), Float('0.5', precision=53), 2j, (x > 1) & (x < 2), {x: 1, y: 2}
    (r"\b(?:math|np|numpy|sp|sympy|fractions|decimal|mpmath)\.", ""), (r"\b(?:float|int)(?:32|64)\(", "N("),
    (r"\bInterval\.(open|Lopen|Ropen)\b", r"Interval\1"), (r"\b(?:S\.)?EmptySet\b|\bset\(\)", r"\\emptyset "),
    (r",\s*(?:dtype|precision|evaluate)=[\w.]+", ""), (r"""(?<=\()['"]([\d./eE+-]+)['"](?=\))""", r"\1"),
    (r"^[^ik]*$", lambda match: re.sub(r"(?<=\d)j\b", "*i", match[0])),  # 3i + 4j is a vector
    (r"\)\s*&\s*\(", r") \\land ("), (r"\)\s*\|\s*\(", r") \\lor ("), (r"([{,])\s*([a-z])\s*:\s*(?!\s|\2)(?=-?[\w(][^<>=\\]*$)", r"\1\2="),
    (r"^\s*[a-zA-Z](?:_\{?\w\}?)?\s*\([a-z](?:,\s*[a-z])*\)\s*=(?!=)", ""),  # f(x) =
    (r"^\s*([a-zA-Z](?:'+|\^\{?-1\}?))\s*(\([a-z](?:,\s*[a-z])*\))\s*=(?!=)", r'"\1\2" ='),  # f'(x) = isn't f(x) =
    (r"(?:^|(?<=[,;])|(?<=\band))\s*([ABD-Z])\s*(?=\([^(),]+,[^()]+\)\s*(?:$|[,;]|and\b))", r" \1="),  # A(1, 2)
    (r"^\s*([f-hF-HP-T])\s*(\(-?[\d./]+\))\s*=(?!=)", r'"\1\2" ='),  # f(2) = isn't f(3) =
)]
THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?:(?:,\d{3})+|(?: \d{3})+)(?!\d|,\d)")
NAME = re.compile(r"[A-Z]{3,}|[IVX]{2,}|[A-Z][a-z]{2}")  # BAC, IV, Tom: no products
NUMPY_PRINT = re.compile(r"\[[\d\s.eE+\-\[\]]+\]")
MIXED = re.compile(r"^(\d+) and (?=\d+/\d+(?: (?!and|or)[a-z]+)?$)")  # 1 and 1/2: a mixed number, or else a list
ONE_LETTER_UNIT = re.compile(r"(?<=\d) +([mgshLlNJWVK])(?=\s*(?:$|[\^/]))")


# PARSE: a tree is a tuple of a kind and its parts
#   number      ("num", Fraction, printed float?)  ("const", name)  ("sym", name)
#   expression  ("add", ...)  ("mul", ...)  ("neg", x)  ("inv", x)  ("deg", x)  ("pow", base, exponent)  ("call", function, ...)
#               ("pm", x)  ("mp", x)  ("unit", x, name)
#   structure   ("seq", open, close, ...)  ("interval", open, close, low, high)  ("matrix", row, ...)  ("eq", left, right, ...)
#               ("empty",)  ("reals",)  ("ratio", a, b, ...)  ("rel", operators, left, right, ...)  ("cup" | "cap" | "setminus", set, ...)
#   words       ("text", words)  ("based", value, base)  ("choice", letter, what follows it)  ("time", seconds, half of the day)

FUNCTIONS = {name: name for name in "sqrt cbrt root exp log lg sin cos tan cot sec csc sinh cosh tanh asinh acosh atanh asin acos "
             "atan abs floor ceil factorial binomial".split()}
FUNCTIONS |= {"ln": "log", "arcsin": "asin", "arccos": "acos", "arctan": "atan", "Abs": "abs", "ceiling": "ceil",
              "comb": "binomial", "binom": "binomial"}
CONSTANTS = {"pi": ("const", "pi"), **dict.fromkeys("eE", ("const", "e")), **dict.fromkeys("iI", ("const", "i")),
             **dict.fromkeys(["oo", "infty", "infinity", "Infinity", "inf"], ("const", "oo")),
             "AllReals": ("reals",), **dict.fromkeys(["emptyset", "varnothing"], ("empty",)),
             "True": ("text", "true"), "False": ("text", "false")}
GREEK = set("alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi rho sigma tau phi varphi chi "
            "psi omega Gamma Delta Theta Lambda Sigma Phi Psi Omega ell angle".split())
COMMANDS = {
    "cdot": "*", "times": "*", "ast": "*", "div": "/", "le": "<=", "leq": "<=", "leqslant": "<=", "ge": ">=", "geq": ">=",
    "geqslant": ">=", "ne": "!=", "neq": "!=", "lt": "<", "gt": ">", "mid": "|", "vert": "|",
    "lbrack": "[", "rbrack": "]", "lbrace": "\\{", "rbrace": "\\}", "langle": "(", "rangle": ")", "land": "and", "wedge": "and",
    "lor": "or", "vee": "or", "colon": ":", **{name: name for name in
    "frac matrix cup cap setminus in pm mp lvert rvert lfloor rfloor lceil rceil".split()}}
KNOWN = {*FUNCTIONS, *CONSTANTS, *GREEK, *COMMANDS, *"left right text textbf mathrm mathbf mathbb boxed dfrac tfrac quad begin end".split()}
COMMAND = re.compile("|".join(sorted((*FUNCTIONS, *CONSTANTS, *GREEK, *COMMANDS), key=len, reverse=True)))
TOKEN = re.compile(r"""\s*(?:(?P<num>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)|"(?P<text>[^"]*)"|\\(?P<command>[a-zA-Z]+|[{}\\])
    |(?P<word>[A-Za-z]+)|(?P<op>\*\*|<=|>=|!=|==|[-+*/^_!%=<>()\[\]{},;:|&°$€£¥₹¢]))""", re.VERBOSE)
RELATIONS = ("=", "!=", "<", "<=", ">", ">=", "in")
CLOSING = {"(": (")", "]"), "[": ("]", ")"), "\\{": ("\\}",), "{": ("}",), "lfloor": ("rfloor",), "lceil": ("rceil",)}


def _tokens(text):
    r"""Pairs of a kind (num, text, name, sym, op) and a value.

    >>> _tokens(r"2\pi r")
    [('num', '2'), ('name', 'pi'), ('sym', 'r')]
    >>> _tokens(r"\pih \le 5")
    [('name', 'pi'), ('sym', 'h'), ('op', '<='), ('num', '5')]
    """
    tokens, at, text = [], 0, text.rstrip()
    while at < len(text):
        match = TOKEN.match(text, at)
        if not match:
            raise Unreadable(text[at:])
        at, kind, value = match.end(), match.lastgroup, match.group(match.lastgroup)
        if kind == "word":
            tokens += _word(value)
        elif kind == "command" and value.isalpha():
            known = COMMAND.match(value)  # \pih is \pi h: what follows the longest known command is read on
            if not known:
                raise Unreadable(value)
            at -= len(value) - known.end()
            tokens.append(_word(known.group())[0] if known.group() not in COMMANDS else ("op", COMMANDS[known.group()]))
        elif kind == "command":
            tokens.append(("op", "\\" + value))
        else:
            tokens.append((kind, {"**": "^", "==": "="}.get(value, value)))
    return tokens


def _word(word):
    """A run of letters: a name, text, or a product of symbols.

    >>> _word("sqrt"), _word("xy"), _word("east")
    ([('name', 'sqrt')], [('sym', 'x'), ('sym', 'y')], [('text', 'east')])
    """
    if word in FUNCTIONS or word in CONSTANTS or word in CLASSES:
        return [("name", word)]
    if word in GREEK:
        return [("sym", word)]
    if split := re.fullmatch(r"([a-z]?)(sin|cos|tan|ln|log|exp|sqrt|pi)([a-z]?)", word):
        return [token for part in split.groups() if part for token in _word(part)]
    if word in ("and", "or"):
        return [("op", word)]
    small = word.lower()
    if len(word) > 3 or small in SHORT_WORDS or re.fullmatch("[A-Z]{2,}s", word) or len(word) > 1 and small in UNITS or len(word) > 2 and small.removesuffix("s") in UNITS:
        return [("text", word)]
    return _letters(word)


def _letters(text):
    """A short text as a product of variables: mg in mg/k is no milligram.

    >>> _letters("mg"), _letters("the")
    ([('sym', 'm'), ('sym', 'g')], [('text', 'the')])
    """
    if not re.fullmatch("[A-Za-z]{1,3}", text) or text.lower() in SHORT_WORDS:
        return [("text", text)]
    return [("name" if letter in CONSTANTS else "sym", letter) for letter in text]


class _Parser:
    r"""Recursive descent, a method per level of precedence, from loose to tight.

    >>> _Parser("1/2x").answer()
    ('mul', ('num', Fraction(1, 1), False), ('inv', ('num', Fraction(2, 1), False)), ('sym', 'x'))
    >>> _Parser(r"(1, \infty]").answer()
    ('interval', '(', ']', ('num', Fraction(1, 1), False), ('const', 'oo'))
    """

    def __init__(self, text, spelled_out=False):
        self.tokens = [*_tokens(text), ("end", "")]
        if spelled_out:
            self.tokens = [token for kind, value in self.tokens for token in (_letters(value) if kind == "text" else [(kind, value)])]
        self.at = self.depth = self.bars = 0
        self.currency = ()

    def peek(self, *operators):
        return self.tokens[self.at][0] == "op" and self.tokens[self.at][1] in operators

    def accept(self, *operators):
        if self.peek(*operators):
            self.at += 1
            return self.tokens[self.at - 1][1]
        return None

    def expect(self, *operators):
        if not self.peek(*operators):
            raise Unreadable(f"{self.tokens[self.at]} where {operators} should be")
        return self.accept(*operators)

    def answer(self):
        tree = self.listed("", "")
        parts = [tree[3]]
        while len(tree) == 4 and self.accept(":"):
            parts.append(self.signed())  # no sum: 3:30-4:30 is no ratio
        if len(parts) > 1:
            tree = ("seq", "", "", ("ratio", *parts))
        if self.tokens[self.at][0] != "end":
            raise Unreadable(f"{self.tokens[self.at]} is left over")
        return tree[3] if len(tree) == 4 else tree

    def listed(self, opening, closing):
        """Everything between two brackets, or none: items, and what separates them."""
        items, separators = [self.item()], set()
        while separator := self.accept(",", ";", "and", "or"):
            separators.add(self.accept("and", "or") or separator)
            if separators == {","} and self.peek(*closing) and len(items) == 1 and opening:
                break  # Python's (1,)
            items.append(self.item())
        if items[0][0] == "rel":
            bare = [item[0] in ("num", "neg", "add", "mul", "inv", "pow", "call", "pm", "mp", "const") for item in items]
            if any(bare) and items[0][1] != ("!=",):
                raise Unreadable("x > 2, 5")
            items = [("rel", *items[0][1:3], item) if is_bare else item for item, is_bare in zip(items, bare)]  # x != 2, 3
        if len(items) > 1 and any(item[0] in ("rel", "cup", "cap") for item in items):
            return ("seq", opening, "", ("cup" if "or" in separators else "cap", *items))
        if "or" in separators and items[0][0] != "eq":
            raise Unreadable("a hedge: 2 or 3 is no answer, x = 2 or 3 is one")
        return ("seq", opening, "", *items)

    def item(self):
        """A relation, or what has none: a set, a quantity."""
        parts, operators = [self.quantity()], []
        while self.peek(*RELATIONS):
            operators.append(self.accept(*RELATIONS))
            parts.append(self.quantity())
        if "in" in operators and (len(parts) > 2 or parts[0][0] != "sym"):
            raise Unreadable("membership of something else")
        if "in" in operators:
            return parts[1]  # x \in A is A
        if set(operators) == {"="}:
            return ("eq", *parts)
        return ("rel", tuple(operators), *parts) if operators else parts[0]

    def quantity(self):
        """An expression or set, with the unit that may follow."""
        kind, value = self.tokens[self.at]
        if kind == "text" and self.tokens[self.at + 1][1] == "=":  # Area = 5
            self.at += 1
            return ("sym", value)
        if kind == "text" and self.tokens[self.at - 1][1] == "=" and _letters(value)[0][0] == "text":  # colour = red
            self.at += 1
            return ("text", value.lower())
        self.currency = ()
        tree = self.sum()
        while operator := self.accept("cup", "cap", "setminus"):
            tree = (*tree, self.sum()) if tree[0] == operator else (operator, tree, self.sum())
        currency, words = [*self.currency], [*self.currency]
        self.currency = ()
        while self.tokens[self.at][0] == "text" or self.peek("%") or words and self.peek("/", "^"):
            kind, value = self.tokens[self.at]
            self.at += 1
            if value == "^":
                words.append("^" + self.index())
                continue
            for word in value.split():
                scale = word.lower() != "scores" and SCALES.get(word.lower().removesuffix("s"))
                if scale and words == currency:  # 5 million, but not 5 per million
                    tree = ("mul", tree, ("num", Fraction(scale), False))
                else:
                    words.append(word)
            if value == "/" and self.tokens[self.at][0] == "sym":  # km/h
                words.append(self.index())
        if words and tree[0] == "sym":
            raise Unreadable("words")
        return ("unit", tree, _unit_name(words)) if words else tree

    def sum(self):
        terms = [self.signed()]
        while operator := self.accept("+", "-", "pm", "mp"):
            term = self.signed()
            if operator in ("pm", "mp"):
                term = (operator, term)
            terms.append(("neg", term) if operator == "-" else term)
        return ("add", *terms) if len(terms) > 1 else terms[0]

    def signed(self):
        negative = False
        while sign := self.accept("-", "+"):
            negative ^= sign == "-"
        if sign := self.accept("pm", "mp"):
            return (sign, self.product())
        return ("neg", self.product()) if negative else self.product()

    def product(self):
        factors = [self.power()]
        while not (self.currency and self.peek("/") and self.tokens[self.at + 1][0] in ("text", "sym")):  # $10/hour
            if operator := self.accept("*", "/"):
                negative = self.accept("-")
                factor = ("inv", self.power()) if operator == "/" else self.power()
                factors.append(("neg", factor) if negative else factor)
            elif self.starts_factor():
                if self.tokens[self.at][0] == self.tokens[self.at - 1][0] == "num":
                    raise Unreadable("two numbers side by side")
                factors.append(self.power())
            else:
                break
        return ("mul", *factors) if len(factors) > 1 else factors[0]

    def starts_factor(self):
        kind, value = self.tokens[self.at]
        return (kind in ("num", "sym", "name") or self.peek("(", "[", "\\{", "{", "frac", "lvert", "lfloor", "lceil", "matrix")
                or not self.bars and self.peek("|"))

    def power(self, exponent=False):
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unreadable("nested too deep")
        negative = exponent and self.accept("-", "+") == "-"
        tree = self.postfix(self.primary(mixed=not exponent))
        if self.accept("^"):
            tree = self.postfix(("pow", tree, self.power(exponent=True)))
        self.depth -= 1
        return ("neg", tree) if negative else tree

    def postfix(self, tree):
        while operator := self.accept("!", "°"):
            if self.peek("!"):
                raise Unreadable("a double factorial")
            tree = ("call", "factorial", tree) if operator == "!" else ("deg", tree)
        return tree

    def primary(self, mixed=True):
        kind, value = self.tokens[self.at]
        self.at += 1
        if kind == "num":
            return self.number(value, mixed)
        if kind == "name" and value in CONSTANTS and not self.has_index(value):
            return CONSTANTS[value]
        if kind == "name" and value not in CONSTANTS and (len(value) > 1 or self.peek("(")):
            return self.call(value)
        if kind in ("sym", "name"):
            return self.symbol(value)
        if kind != "op":
            raise Unreadable(f"unexpected {value}")
        if value in CLOSING:
            return self.group(value)
        if value in CURRENCY:
            self.currency = (CURRENCY[value],)
            return self.signed()
        if value == "frac":
            return ("mul", self.argument(), ("inv", self.argument()))
        if value in ("|", "lvert"):
            return self.absolute("|" if value == "|" else "rvert")
        if value == "matrix":
            return self.matrix()
        raise Unreadable(f"unexpected {value}")

    def number(self, digits, mixed):
        mantissa, _, exponent = digits.lower().partition("e")
        if len(mantissa) > MAX_DIGITS or len(exponent) > 5:
            raise Unreadable("too many digits")
        whole, _, decimals = mantissa.partition(".")
        value = Fraction(int(whole + decimals), 10 ** len(decimals))
        if exponent:
            value *= Fraction(10) ** max(-2000, min(2000, int(exponent)))
        if mixed and digits.isdigit():
            value += self.fraction_part()
        return ("num", value, "." in mantissa and len((whole + decimals).lstrip("0")) >= LONG_FLOAT)

    def fraction_part(self):
        r"""Of a mixed number, 1\frac{4}{5} or 1 4/5: the proper fraction that follows, else 0 and nothing is read."""
        start = self.at
        if self.accept("frac"):
            top, bottom = self.argument(), self.argument()
        elif [kind for kind, _ in self.tokens[start:start + 3]] == ["num", "op", "num"] and self.tokens[start + 1][1] == "/":
            top, bottom = (self.number(self.tokens[at][1], False) for at in (start, start + 2))
            self.at += 3
        else:
            return 0
        if top[0] == bottom[0] == "num" and top[1].denominator == bottom[1].denominator == 1 and 0 < top[1] < bottom[1]:
            return top[1] / bottom[1]
        self.at = start
        return 0

    def has_index(self, name):
        """e_1 and e1 are names; e, and the 2 of 2e, are not."""
        kind, value = self.tokens[self.at]
        return self.peek("_") or len(name) == 1 and kind == "num" and value.isdigit()

    def symbol(self, name):
        kind, value = self.tokens[self.at]
        if self.accept("_"):
            return ("sym", f"{name}_{self.index()}")
        if kind == "num" and value.isdigit():  # Python's x1 is x_1
            self.at += 1
            return ("sym", f"{name}_{value}")
        return ("sym", name)

    def argument(self):
        r"""Of a LaTeX command: a group, or one digit, letter or command as in \frac12."""
        kind, value = self.tokens[self.at]
        if kind == "num" and re.match("[0-9]{2}", value):
            self.tokens[self.at:self.at + 1] = [("num", value[0]), ("num", value[1:])]
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unreadable("nested too deep")
        tree = self.primary(mixed=False)
        if tree[0] == "unit":
            raise Unreadable("a unit within a formula")
        self.depth -= 1
        return tree

    def index(self):
        """An argument that is only a name: of x_1, v_{max} or cm^2."""
        braces = int(self.peek("{"))
        kind, value = self.tokens[self.at + braces]
        if kind == "text":
            self.at += braces + 1
            if braces:
                self.expect("}")
            return value
        tree = self.argument()
        parts = tree[1:] if tree[0] == "mul" else (tree,)
        if all(part[0] in ("num", "sym", "const") for part in parts):
            return "".join(str(part[1]) for part in parts)
        return str(tree)

    def group(self, opening):
        if self.accept(*CLOSING[opening]):
            if opening not in ("[", "\\{"):
                raise Unreadable("an empty group")
            return ("empty",)
        bars, self.bars = self.bars, int(opening == "\\{")  # in {x | x > 2} the bar isn't an absolute value's
        tree = self.listed(opening, CLOSING[opening])
        comma = self.tokens[self.at - 1][1] == ","
        if opening in ("{", "\\{") and len(tree) == 4 and self.accept(":", "|"):
            tree = self.listed(opening, CLOSING[opening])  # {x | x > 2}
        closing = self.expect(*CLOSING[opening])
        self.bars = bars
        if opening in ("lfloor", "lceil"):
            return ("call", {"lfloor": "floor", "lceil": "ceil"}[opening], tree[3])
        if len(tree) == 4 and opening in ("(", "{") and not comma:
            return tree[3]
        kind = "interval" if opening + closing in ("(]", "[)") else "seq"
        if kind == "interval" and len(tree) != 5:
            raise Unreadable("brackets of an interval round something else")
        return (kind, opening[-1], closing[-1], *tree[3:])

    def absolute(self, closing):
        bars, self.bars = self.bars, self.bars + 1 if closing == "|" else 0
        tree = self.sum()
        self.expect(closing)
        self.bars = bars
        return ("call", "abs", tree)

    def matrix(self):
        rows, row = [], []
        self.expect("{")
        while not self.accept("}"):
            row.append(self.item())
            if self.accept("\\\\") or self.peek("}"):
                rows.append(tuple(row))
                row = []
            else:
                self.expect("&")
        return _rectangular(rows)

    def call(self, name):
        power, order = None, ()
        if name == "sqrt" and self.accept("["):
            order = (self.sum(),)
            self.expect("]")
        if name == "log" and self.accept("_"):
            order = (self.argument(),)
        if name not in CLASSES and self.accept("^"):
            power = self.power(exponent=True)
        arguments = self.arguments(name)
        if name in CLASSES and arguments:
            return CLASSES[name](*arguments)
        if name in CLASSES or len(arguments) not in {"binomial": (2,), "root": (2,), "log": (1, 2)}.get(FUNCTIONS[name], (1,)):
            raise Unreadable(f"{name} of {len(arguments)} arguments")
        if power == ("neg", ONE) and "a" + name in FUNCTIONS:
            name, power = "a" + name, None  # \sin^{-1} is the arcsine
        tree = ("call", FUNCTIONS[name], *arguments, *order)
        return ("pow", tree, power) if power else tree

    def arguments(self, name):
        if self.accept("("):
            bars, self.bars = self.bars, 0
            arguments = self.listed("(", ")")[3:] if not self.peek(")") else ()
            self.expect(")")
            self.bars = bars
            return arguments
        if name in CLASSES:
            raise Unreadable(f"{name} without arguments")
        if name in ("sqrt", "binom"):
            return [self.argument() for _ in range(2 if name == "binom" else 1)]
        if self.peek("{"):  # sympy's \log{\left(x \right)}^{2} squares the logarithm
            return [self.primary()]
        factors = [self.power()]  # \sin 2x
        while self.starts_factor() and self.tokens[self.at][1] not in FUNCTIONS:
            factors.append(self.power())
        return [("mul", *factors) if len(factors) > 1 else factors[0]]


ONE = ("num", Fraction(1), False)


def _interval(opening, closing):
    """A maker of sympy's Interval(low, high, left_open, right_open), which is open at infinity without saying so."""
    def build(low, high, left_open=None, right_open=None):
        is_open = [flag == CONSTANTS["True"] or end in (("const", "oo"), ("neg", ("const", "oo")))
                   for flag, end in ((left_open, low), (right_open, high))]
        return ("interval", "(" if is_open[0] else opening, ")" if is_open[1] else closing, low, high)
    return build


def _matrix(*parts):
    """From sympy's and numpy's notation: nested lists; a flat one is a column.

    >>> _matrix(("seq", "[", "]", ONE, ONE))
    ('matrix', (('num', Fraction(1, 1), False),), (('num', Fraction(1, 1), False),))
    """
    return _rectangular([part[3:] if part[0] == "seq" else (part,) for part in _unpacked(parts)])


def _rectangular(rows):
    if len({len(row) for row in rows}) != 1:
        raise Unreadable("no rows, or of different lengths")
    return ("matrix", *rows)


def _unpacked(parts):
    return parts[0][3:] if len(parts) == 1 and parts[0][0] == "seq" else parts


def _joined(kind):
    return lambda *sets: (kind, *sets)


def _related(operator):
    return lambda a, b: ("rel", (operator,), a, b)


CLASSES = {  # what Python, numpy and sympy print round their objects
    **dict.fromkeys("Integer Float Decimal mpf S N list".split(), lambda x: x),
    **dict.fromkeys("Rational Fraction".split(), lambda top, bottom=ONE: ("mul", top, ("inv", bottom))),
    **dict.fromkeys("Matrix ImmutableMatrix ImmutableDenseMatrix MutableDenseMatrix array".split(), _matrix),
    **dict.fromkeys("FiniteSet set frozenset".split(), lambda *parts: ("seq", "{", "}", *_unpacked(parts))),
    **dict.fromkeys("Tuple tuple Point Point2D Point3D".split(), lambda *parts: ("seq", "(", ")", *_unpacked(parts))),
    "Interval": _interval("[", "]"), "Intervalopen": _interval("(", ")"),
    "IntervalLopen": _interval("(", "]"), "IntervalRopen": _interval("[", ")"),
    **dict.fromkeys(("Union", "Or"), _joined("cup")), **dict.fromkeys(("Intersection", "And"), _joined("cap")),
    "Complement": _joined("setminus"),
    "Eq": lambda a, b: ("eq", a, b), "Ne": _related("!="), "Lt": _related("<"), "Le": _related("<="), "Gt": _related(">"),
    "Ge": _related(">="), "Pow": lambda a, b: ("pow", a, b), "Add": lambda *parts: ("add", *parts),
    "Mul": lambda *parts: ("mul", *parts),
}


def _unit_name(words):
    """
    >>> _unit_name(["square", "inches"]), _unit_name(["in", "^2"])
    ('inch^2', 'inch^2')
    """
    names, power = [], ""
    words = " ".join(words).lower().replace("/", " / ").replace(".", " ").replace("-", " ").split()
    if NO_UNIT.search(" ".join(words)):
        raise Unreadable("no unit")
    for word in words:
        word = UNITS.get(word) or UNITS.get(word.removesuffix("s")) or _singular(word)
        if word.isdigit() or not names and word[:1] == "^":
            raise Unreadable("no unit")
        if word in ("square", "cubic"):
            power = {"square": "^2", "cubic": "^3"}[word]
        elif word.startswith("^"):
            names.append(names.pop() + word)
        else:
            names.append(("/" if word == "per" else word) + power)
            power = ""
    return "".join(names)


def _singular(word):
    """The same stem for one and for many, not always a word.

    >>> _singular("boxes") == _singular("box"), _singular("cookies") == _singular("cookie"), _singular("loaves") == _singular("loaf")
    (True, True, True)
    """
    word = re.sub("(?<![su])s$", "", word)
    word = re.sub("([xsz]|[cs]h|o)e$", r"\1", word)
    return re.sub("[vf]e$", "f", re.sub("ie$", "y", word))


# COMPARE: structure first


def _same(a, b, clock):
    """Any two trees. Symmetric.

    >>> soon = time.thread_time() + 1
    >>> _same(*_readings("7"), *_readings("7.0"), soon), _same(*_readings("7"), *_readings("8"), soon)
    (True, False)
    """
    try:
        a, b = _branches(a), _branches(b)
        compare = next((compare for kinds, compare in STRUCTURES if a[0] in kinds or b[0] in kinds), _same_value)
        return compare(a, b, clock)
    except Undecided:
        return a == b
    except (ValueError, ArithmeticError, TypeError):  # Unreadable, or complex where only real will do
        return False


def _branches(tree):
    r"""A tree without ±: a list of solutions in its place. And without brackets round a single thing.

    >>> _branches(_readings(r"x \pm y")[0])
    ('seq', '', '', ('add', ('sym', 'x'), ('sym', 'y')), ('add', ('sym', 'x'), ('neg', ('sym', 'y'))))
    >>> _branches(_readings("[x]")[0])
    ('sym', 'x')
    """
    if tree[0] == "seq" and len(tree) == 4 and tree[3] != ("empty",):
        return _branches(tree[3])
    count = _count_signs(tree)
    if not count:
        return tree
    if tree[0] == "seq" and tree[1] != "(":
        flat = [_branches(part) for part in tree[3:]]
        return (*tree[:3], *itertools.chain(*(part[3:] if part[:3] == ("seq", "", "") else (part,) for part in flat)))
    if count > 4:
        raise Undecided("too many ±")
    together = "'mp'" in str(tree)  # ∓ takes the sign that ± hasn't: then all go together
    choices = ([True] * count, [False] * count) if together else itertools.product((True, False), repeat=count)
    return ("seq", "", "", *(_choose_signs(tree, iter(signs)) for signs in choices))


def _count_signs(tree):
    return (tree[0] in ("pm", "mp")) + sum(_count_signs(part) for part in tree if isinstance(part, tuple)) if tree else 0


def _choose_signs(tree, signs):
    if tree[0] in ("pm", "mp"):
        positive = next(signs) == (tree[0] == "pm")
        part = _choose_signs(tree[1], signs)
        return part if positive else ("neg", part)
    return tuple(_choose_signs(part, signs) if isinstance(part, tuple) and part else part for part in tree)


def _same_quantity(a, b, clock):
    """A unit may be left out, not changed.

    >>> answers_equal("5 cm", "5"), answers_equal("5 cm", "5 km")
    (True, False)
    """
    (a, unit_a), (b, unit_b) = _measured(a, b), _measured(b, a)
    return (unit_a == unit_b or not unit_a or not unit_b) and _same(a, b, clock)


def _measured(tree, other):
    """Its number and its unit. 5m is 5 meters beside these only: alone it is a product, and not 5."""
    if tree[0] == "mul" and len(tree) == 3 and tree[2][0] == "sym" and other[0] == "unit" and UNITS.get(tree[2][1]) == other[2]:
        return tree[1], other[2]
    return tree[1:] if tree[0] == "unit" else (tree[1], "degree") if tree[0] == "deg" else (tree, "")


def _same_words(a, b, clock):
    """
    >>> answers_equal("3:30", "3:30 pm"), answers_equal("3:30 am", "3:30 pm")
    (True, False)
    """
    if a[0] == b[0] == "time":
        return a[1] == b[1] and (a[2] == b[2] or not a[2] or not b[2])
    return a == b


def _same_choice(a, b, clock):
    """A letter with its value equals either of them alone.

    >>> answers_equal("(C) 12", "12"), answers_equal("(C) 12", "C"), answers_equal("(C) 12", "(B) 12")
    (True, True, False)
    """
    if a[0] == b[0]:
        return a[1] == b[1] and (not a[2] or not b[2] or _same_reading(a[2], b[2], clock))
    choice, other = (a, b) if a[0] == "choice" else (b, a)
    if other[0] in ("sym", "const") and re.fullmatch("[A-Ja-e]", other[1]):
        return False  # B is another choice than (C) B
    return any(_same(value, other, clock) for value in _readings(choice[2]) if value[0] != "choice")


def _same_ratio(a, b, clock):
    """5:9 is 10:18 and the fraction 5/9; but 3:1 isn't 3.

    >>> answers_equal("5:9", "10 to 18"), answers_equal("3:1", "3")
    (True, False)
    """
    if a[0] == b[0]:
        zero = ("num", Fraction(0), False)
        if any(_same(part, zero, clock) for part in (*a[1:], *b[1:])):
            return a == b  # 25:00 is not 30:00
        return len(a) == len(b) and all(_same(("mul", a[1], y), ("mul", b[1], x), clock) for x, y in zip(a[2:], b[2:]))
    ratio, other = (a, b) if a[0] == "ratio" else (b, a)
    whole = other[0] == "num" and other[1].denominator == 1
    return len(ratio) == 3 and not whole and _same(("mul", ratio[1], ("inv", ratio[2])), other, clock)


def _same_equation(a, b, clock):
    """Two equations up to a factor; or an assignment and a value.

    >>> answers_equal("y = 2x + 3", "4x - 2y = -6"), answers_equal("x = 5", "y = 5")
    (True, False)
    """
    if a[0] == b[0] == "eq":
        name_a, value_a = _assignment(a, clock)
        name_b, value_b = _assignment(b, clock)
        if name_a and name_a == name_b:
            return _same(value_a, value_b, clock)
        return len(a) == len(b) == 3 and _ratio(a, b, clock) is not None
    (name, value), other = (_assignment(a, clock), b) if a[0] == "eq" else (_assignment(b, clock), a)
    return value is not None and _same(value, other, clock)


def _assignment(tree, clock):
    """The name and the value of x = 5, or x = 2 + 3 = 5, or 2 + 3 = 5; (None, None) of another equation."""
    if tree[0] != "eq":
        return None, None
    parts, name = list(tree[1:]), None
    for end in (0, -1):
        if name is None and _is_name(parts[end]):
            name = parts.pop(end)
    if (name is None and _symbols(tree)) or not all(_same(part, parts[-1], clock) for part in parts):
        return None, None
    return name or "=", parts[-1]


def _is_name(tree):
    """x, or AB as in AB = 5, or (x, y)."""
    parts = tree[1:] if tree[0] == "mul" else tree[3:] if tree[0] == "seq" else [tree]
    return tree[0] == "const" and tree[1] in "ei" or all(
        part[0] == "sym" and (tree[0] != "mul" or part[1].isupper()) for part in parts)  # I = 3


def _ratio(a, b, clock):
    """Of two equations or inequalities, left - right: the constant ratio, or None."""
    a, b = (("add", tree[-2], ("neg", tree[-1])) for tree in (a, b))
    ratios = []
    for point in _points(_symbols(a) | _symbols(b)):
        (x, y), run = _values((a, b), point, clock)
        ratio = run.quotient(x, y)
        if not ratio or ratios and not run.close(ratio, ratios[0], _inexact(a) or _inexact(b)):
            return None
        ratios.append(ratio)
    return ratios[0] if len(ratios) == POINTS else None


def _same_region(a, b, clock):
    """Sets of real numbers: intervals and unions, and inequalities in one variable.

    >>> answers_equal("(-oo, 1) U [2, 3)", "x < 1 or 2 <= x < 3"), answers_equal("[2, 3)", "[2, 3]")
    (True, False)
    """
    if a == b:
        return True  # whatever stands at the ends
    if _is_interval(a) and _is_interval(b):
        return a[1:3] == b[1:3] and _same(a[3], b[3], clock) and _same(a[4], b[4], clock)
    if a[0] == b[0] == "rel" and len(a) == len(b) == 4:
        return _same_inequality(a, b, clock)
    names = [_symbols(tree) for tree in (a, b)]
    if len(names[0] | names[1]) > 1:  # in several variables: part by part
        return a[0] == b[0] in ("cup", "cap") and _same_sequence(("seq", "", "", *a[1:]), ("seq", "", "", *b[1:]), clock)
    places = 11 if _inexact(a) or _inexact(b) else 30
    return _region(a, clock, places) == _region(b, clock, places)


def _is_interval(tree):
    return tree[0] == "interval" or tree[0] == "seq" and len(tree) == 5 and tree[1] + tree[2] in ("()", "[]")


def _region(tree, clock, places):
    """A set of real numbers as a sorted tuple of disjoint (from, to), each a cut: (v, 0) just below v, (v, 1) just above.

    >>> _region(_readings("x > 2")[0], time.thread_time() + 1, 0)
    (((2, 1), (inf, 0)),)
    """
    if _is_interval(tree):
        low, high = (_place(end, clock, places) for end in tree[3:])
        return _merged([((low, int(tree[1] == "(")), (high, int(tree[2] == "]")))])
    if tree[0] in ("reals", "empty"):
        return EVERYTHING if tree[0] == "reals" else ()
    if tree[0] in ("cup", "cap", "setminus"):
        first, *others = [_region(part, clock, places) for part in tree[1:]]
        if tree[0] == "cup":
            return _merged(itertools.chain(first, *others))
        return _complement(itertools.chain(_complement(first), *(map(_complement, others) if tree[0] == "cap" else others)))
    if tree[0] == "rel":
        parts, outside = tree[2:], []
        for left, operator, right in zip(parts, tree[1], parts[1:]):
            if left[0] != "sym":
                left, operator, right = right, FLIPPED[operator], left
            if left[0] != "sym":
                raise Unreadable("not an inequality in x")
            outside += _complement(_half_line(operator, _place(right, clock, places)))
        return _complement(outside)
    if tree[0] == "eq":
        tree = _assignment(tree, clock)[1] or tree
    points = [_place(part, clock, places) for part in (tree[3:] if tree[0] == "seq" and tree[1] != "(" else [tree])]
    return _merged([((point, 0), (point, 1)) for point in points])


EVERYTHING = (((-math.inf, 1), (math.inf, 0)),)
FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "!=": "!=", "=": "="}


def _place(tree, clock, places):
    """A real number, scaled to an integer so that equal ones compare equal, or an infinity."""
    value = _values((tree,), {}, clock)[0][0]
    if abs(value) == math.inf:
        return math.inf if value > 0 else -math.inf
    return int(round(value * 10**places))


def _half_line(operator, end):
    low, high = EVERYTHING[0]
    return {"<": ((low, (end, 0)),), "<=": ((low, (end, 1)),), ">": (((end, 1), high),), ">=": (((end, 0), high),),
            "=": (((end, 0), (end, 1)),), "!=": ((low, (end, 0)), ((end, 1), high))}[operator]


def _merged(pieces):
    merged = []
    for low, high in sorted(piece for piece in pieces if piece[0] < piece[1]):
        if merged and low <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)


def _complement(pieces):
    low, gaps = EVERYTHING[0][0], []
    for start, end in _merged(pieces):
        gaps.append((low, start))
        low = end
    return _merged([*gaps, (low, EVERYTHING[0][1])])


def _same_inequality(a, b, clock):
    """
    >>> answers_equal("y > 2x", "2x - y < 0"), answers_equal("y > 2x", "y < 2x")
    (True, False)
    """
    ratio = _ratio(a, b, clock)
    operator = a[1][0] if ratio and ratio.real > 0 else FLIPPED[a[1][0]]
    return ratio is not None and operator == b[1][0]


def _same_matrix(a, b, clock):
    r"""
    >>> answers_equal("Matrix([[1, 2], [3, 4]])", r"\begin{pmatrix}1 & 2 \\ 3 & 4\end{pmatrix}")
    True
    >>> answers_equal("Matrix([[1, 2]])", r"\begin{pmatrix}1 \\ 2\end{pmatrix}")
    False
    """
    if b[0] == "seq":
        a, b = b, a
    rows_a, rows_b = (tree[1:] if tree[0] == "matrix" else _matrix(tree)[1:] for tree in (a, b))
    if a[0] == "seq" and len(rows_b) == 1 and all(part[0] != "seq" for part in a[3:]):
        rows_a = (a[3:],)  # a flat list stands for a column and for a row
    return len(rows_a) == len(rows_b) and len(rows_a[0]) == len(rows_b[0]) and all(
        _same(x, y, clock) for row_a, row_b in zip(rows_a, rows_b) for x, y in zip(row_a, row_b))


def _same_sequence(a, b, clock):
    """Order counts in a tuple, not in a set or a list of solutions; [1, 2] is a list of solutions beside one, else ordered.

    >>> answers_equal("1, 2", "{2, 1}"), answers_equal("(1, 2)", "(2, 1)")
    (True, False)
    """
    if a[0] != b[0]:
        return False
    a, b = _named_tuple(a), _named_tuple(b)
    parts_a, parts_b = (tuple(dict.fromkeys(tree[3:])) if tree[1] == "{" else tree[3:] for tree in (a, b))
    brackets = {a[1] + a[2], b[1] + b[2]}
    if len(parts_a) != len(parts_b) or brackets == {"()", "{}"} or brackets == {"()", "[]"} and len(parts_a) == 2:
        return False
    if brackets == {"[]"} or "()" in brackets:
        return all(_same(x, y, clock) for x, y in zip(parts_a, parts_b))
    rest = list(parts_b)
    for x in parts_a:
        match = next((at for at, y in enumerate(rest) if _same(x, y, clock)), None)
        if match is None:
            return False
        del rest[match]
    return True


def _named_tuple(tree):
    """x = 1, y = 2 is the tuple (1, 2), in the order of the names.

    >>> answers_equal("y = 2, x = 1", "(1, 2)"), answers_equal("y = 2, x = 1", "(2, 1)")
    (True, False)
    """
    names = [part[1][1] for part in tree[3:] if part[0] == "eq" and part[1][0] == "sym"]
    if len(set(names)) != len(tree) - 3:
        return tree
    return ("seq", "(", ")", *(part for _, part in sorted(zip(names, tree[3:]))))


STRUCTURES = (  # the first of these kinds that either side is tells how the two are compared
    ({"choice"}, _same_choice),
    ({"eq"}, _same_equation),
    ({"unit", "deg"}, _same_quantity),
    ({"text", "time", "based"}, _same_words),
    ({"ratio"}, _same_ratio),
    ({"interval", "rel", "cup", "cap", "setminus", "reals", "empty"}, _same_region),
    ({"matrix"}, _same_matrix),
    ({"seq"}, _same_sequence),
)


# COMPUTE: exactly over the rationals while that lasts, then with mpmath and more digits than the numbers have


def _same_value(a, b, clock):
    """Numbers and expressions: they agree at every point tried.

    >>> answers_equal("(x + 1)^2", "x^2 + 2x + 1"), answers_equal("3.14", r"\\pi")
    (True, False)
    """
    if a[0] == b[0] == "num" and not (a[2] or b[2]):
        return a[1] == b[1]
    chains = [_chain(a), _chain(b)]
    if a != b and (any(map(_is_date, chains)) or a[0] == b[0] == "add" and all(chains)):
        return False
    names = _symbols(a) | _symbols(b)
    inexact = _inexact(a) or _inexact(b)
    agreed = 0
    for point in _points(names):
        try:
            (x, y), run = _values((a, b), point, clock)
        except ZeroDivisionError:
            continue
        if not run.close(x, y, inexact):
            return False
        agreed += 1
    return agreed >= (2 if names else 1)


def _chain(tree):
    """The numbers of 10-12, which may be a range: it equals -2, but not 12-14. Or of 2023-01-05 or 1/5/2023."""
    joint = {"add": "neg", "mul": "inv"}.get(tree[0])
    if not joint or tree[1][0] != "num" or any(part[0] != joint or part[1][0] != "num" for part in tree[2:]):
        return []
    return [tree[1][1], *(part[1][1] for part in tree[2:])]


def _is_date(numbers):
    """A year, a month and a day: nothing to compute."""
    return len(numbers) == 3 and min(numbers) > 0 and sorted(numbers)[1] <= 31 and 1000 <= max(numbers) < 3000


def _symbols(tree):
    if tree[0] == "sym":
        return {tree[1]}
    return set().union(*(_symbols(part) for part in tree if isinstance(part, tuple) and part))


def _inexact(tree):
    """Is there a float as Python prints it?"""
    return tree[0] == "num" and tree[2] or any(_inexact(part) for part in tree if isinstance(part, tuple) and part)


def _points(names):
    """Always the same ones: two that are positive in every variable, the others of mixed signs."""
    rng = random.Random(0)
    for k in range(POINTS if names else 1):
        yield {name: Fraction(rng.randint(100, 999), rng.randint(100, 999)) * (-1 if k > 1 and (k + at) % 2 else 1)
               for at, name in enumerate(sorted(names))}


def _values(trees, point, clock):
    """Fractions, or mpmath numbers with enough digits; and the run that can compare them."""
    run = _Run(point, clock, FIRST_BITS)
    values = [run.value(tree) for tree in trees]
    if run.need > FIRST_BITS // 2:
        run = _Run(point, clock, FIRST_BITS + run.need)
        values = [run.value(tree) for tree in trees]
    return values, run


class _Run:
    """One evaluation of trees at a point.

    peak is the largest thing that was added or rounded before a function, so that 2**-bits * peak is about the error;
    need is how many bits it takes to tell apart numbers of the size that occurred."""

    def __init__(self, point, clock, bits):
        if bits > MAX_FLOAT_BITS:
            raise Undecided("too many digits")
        if not hasattr(LOCAL, "context"):
            from mpmath.ctx_mp import MPContext  # of our own, for each thread: the global one is anybody's
            LOCAL.context = MPContext()
        self.point, self.clock, self.bits, self.context = point, clock, bits, LOCAL.context
        self.context.prec = bits
        self.peak, self.need = 0, 0

    def close(self, x, y, inexact):
        if isinstance(x, Fraction) and isinstance(y, Fraction) and not inexact:
            return x == y
        x, y = self.rounded(x), self.rounded(y)
        if self.context.isinf(x) or self.context.isinf(y):
            return x == y
        tolerance = self.context.mpf(10) ** -FLOAT_DIGITS * max(abs(x), abs(y)) if inexact else 0
        return abs(x - y) <= max(tolerance, self.context.ldexp(max(abs(x), abs(y), self.peak), GUARD_BITS - self.bits))

    def quotient(self, x, y):
        return x / y if isinstance(x, Fraction) and isinstance(y, Fraction) else self.rounded(x) / self.rounded(y)

    def rounded(self, x):
        if not isinstance(x, Fraction):
            return x
        self.need = max(self.need, x.numerator.bit_length() + x.denominator.bit_length())
        return self.context.mpf(x.numerator) / x.denominator

    def noted(self, x):
        """x, which has an error of 2**-bits * x that stays in what is computed from it."""
        x = self.rounded(x)
        if self.context.isfinite(x):
            self.peak = max(self.peak, abs(x))
            self.need = max(self.need, abs(self.context.mag(x))) if x else self.need
        return x

    def value(self, tree):
        match tree:
            case ("num", number, _):
                return number
            case ("sym", name) if name in self.point:
                return self.point[name]
            case ("const", name):
                return {"pi": +self.context.pi, "e": +self.context.e, "i": self.context.j, "oo": self.context.inf}[name]
            case ("seq", "[" | "{", _, part):  # alone between brackets: they group
                return self.value(part)
            case ("neg", part):
                return -self.value(part)
            case ("inv", part):
                return 1 / self.value(part)
            case ("deg", part):
                return self.rounded(self.value(part)) * self.context.pi / 180
            case ("add", *parts):
                return self.checked(self.sum([self.value(part) for part in parts]))
            case ("mul", *parts):
                return self.product([self.value(part) for part in parts])
            case ("pow", base, exponent):
                return self.checked(self.power(self.value(base), self.value(exponent), real=not _symbols(exponent)))
            case ("call", name, *parts):
                return self.checked(self.call(name, *(self.value(part) for part in parts)))
        raise Unreadable(f"no number: {tree[0]}")

    def checked(self, x):
        """Every result passes here: the deadline is kept, and no exact number outgrows its bound."""
        if time.thread_time() > self.clock:
            raise OutOfTime
        if isinstance(x, Fraction) and x.numerator.bit_length() + x.denominator.bit_length() > MAX_BITS:
            raise Undecided("too large a number")
        if x != x:
            raise Unreadable("not a number")
        return x

    def sum(self, terms):
        if not all(isinstance(term, Fraction) for term in terms):
            terms = [self.noted(term) for term in terms]
        return sum(terms)

    def product(self, factors):
        product = Fraction(1)
        for factor in factors:
            if not (isinstance(product, Fraction) and isinstance(factor, Fraction)):
                product, factor = self.rounded(product), self.rounded(factor)
            product = self.checked(product * factor)
        return product

    def power(self, base, exponent, real=False):
        """With real, an odd root of a negative number is the real one."""
        if isinstance(base, Fraction) and isinstance(exponent, Fraction) and exponent.denominator == 1:
            size = max(base.numerator.bit_length(), base.denominator.bit_length())
            if abs(exponent) * size > MAX_BITS and base not in (0, 1, -1):
                raise Undecided("too large a power")
            return base ** int(exponent)
        if base == 0:
            return Fraction(0) ** (1 if exponent.real > 0 else -1)
        odd_root = real and isinstance(exponent, Fraction) and exponent.denominator % 2
        if odd_root and not isinstance(base, self.context.mpc) and base < 0:
            return self.power(-base, exponent) * (-1) ** (exponent.numerator % 2)
        base, exponent = self.rounded(base), self.rounded(exponent)
        if not abs(exponent * self.context.log(base)) < MAX_EXPONENT:
            raise Undecided("too large a power")
        return base ** exponent

    def call(self, name, x, *more):
        context = self.context
        if name in ("sqrt", "cbrt", "root"):
            return self.power(x, 1 / (more[0] if more else Fraction(3 if name == "cbrt" else 2)), real=True)
        if name in ("abs", "floor", "ceil") and isinstance(x, Fraction):
            return {"abs": abs, "floor": lambda x: Fraction(math.floor(x)), "ceil": lambda x: Fraction(math.ceil(x))}[name](x)
        if name in ("floor", "ceil"):
            return self.whole(name, x)
        if name == "factorial":
            return self.factorial(x)
        if name == "binomial":
            return self.factorial(x) / (self.factorial(more[0]) * self.factorial(x - more[0]))
        if name == "exp":
            return self.power(+context.e, x)
        x = self.noted(x)
        if name in ("log", "lg"):
            if x == 0:
                raise ZeroDivisionError
            return context.log(x) / context.log(self.rounded(more[0]) if more else 10 if name == "lg" else context.e)
        if more or name != "abs" and not abs(x) < 1e12:
            raise Undecided("too large an argument")
        return getattr(context, "fabs" if name == "abs" else name)(x)

    def whole(self, name, x):
        if isinstance(x, self.context.mpc):
            raise Undecided("no real number")
        near = self.context.nint(x)
        if not abs(x) < 1e12 or abs(x - near) < 1e-12:
            raise Undecided("too near a whole number")
        return Fraction(int(self.context.floor(x))) + (name == "ceil")

    def factorial(self, x):
        if isinstance(x, Fraction) and x.denominator == 1:
            if x > MAX_FACTORIAL:
                raise Undecided("too large a factorial")
            return 1 / Fraction(0) if x < 0 else Fraction(math.factorial(int(x)))
        if not abs(x) < 1000 or self.bits > 600:
            raise Undecided("too large a factorial")
        return self.context.gamma(self.rounded(x) + 1)


LOCAL = threading.local()

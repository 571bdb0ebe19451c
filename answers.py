r"""Are two final answers the same? Decided without ever evaluating text.

    answers_equal("1/2", r"\dfrac{1}{2}")       # True
    answers_equal("0.33", r"\frac13")           # False: decimals are exact
    extract_answer(r"so it is \boxed{42}.")     # '42'

How it works, top to bottom: an answer is unwrapped and rewritten by one table into a plain notation
(READ); a small parser with a whitelist turns that into a tree of tuples (PARSE); two trees are
compared, structure first (COMPARE); and only numbers and expressions are ever computed (COMPUTE).
An answer may have several readings ("100,200" is one number or two): two answers are equal when
some reading of one equals some reading of the other.

What is decided:
- Integers, decimals and fractions are exact; a relative tolerance holds only where one side is a
  float as Python prints it, of 15 digits or more.
- Expressions are equal when they agree at every point tried, as complex functions with principal
  branches: |x| is not x, and \ln x^2 is not 2 \ln x. (But an odd root of a negative constant is the
  real one.) log is the natural one, as in sympy.
- A unit, a currency, a degree or percent sign may be left out but not changed: 50% is 50, never 1/2
  and never 50 cm, and 1 m is not 100 cm. 9 (apples) is 9 apples, but 3 (x + 1) is a product. 5m is
  5 meters, but not 5, for m may be a variable.
- (a, b) is a tuple or an open interval, [a, b] a list or a closed interval, and (a, b) never equals
  [a, b]. Around one expression, within a larger one, [ ] and { } only group. Order counts in a
  tuple, not in a set or a list of solutions; a tuple equals a bare list in the same order, as
  Python prints it.
- A letter of a multiple choice with its value, (C) 12, equals C and 12.
- A base is part of the answer: 52_8 is neither 52 nor 42. 5:9 is 5/9, but 3:1 isn't 3. 10-12 may be
  a difference or a range: it is -2, but not 12-14.

What isn't: sums, integrals, limits and other commands unknown here are compared as text. Hedges
("2 or 3"), empty, truncated and garbage answers equal nothing, not even themselves, and neither
does anything beyond the bounds below.
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
MAX_DEPTH = 25  # of brackets, roots and exponents: stays far from Python's recursion limit
MAX_DIGITS = 600  # of a number as written; Python's own limit may be set to 640
MAX_BITS = 1 << 14  # of an exact number; larger ones are undecided
MAX_FLOAT_BITS = 1_500  # of an inexact one
MAX_FACTORIAL = 1_500
MAX_EXPONENT = 1e6  # of e; larger powers are undecided
# Seconds of computing for a comparison, of this thread: a busy machine must not change a label.
DEADLINE = 0.4
POINTS = 5  # tried to see whether two expressions agree; where some are undefined, two are enough
LONG_FLOAT = 15  # significant digits from which a decimal is a float as Python prints it ...
FLOAT_DIGITS = 13  # ... and that many of them are right
FIRST_BITS = 200  # of an inexact computation; more where the numbers have more
GUARD_BITS = 40  # of these, left to rounding errors
SMALL_INTEGER = re.compile(r"-?[0-9]{1,18}")


class Unreadable(ValueError):
    """The text is not an answer: truncated, malformed, garbage."""


class Undecided(Exception):
    """Computing this would exceed a bound."""


class OutOfTime(Exception):
    """Computing this would exceed the deadline."""


def _table(text):
    """A dictionary from text, several keys to a value.

    >>> _table("cm centimetre: centimeter, ft feet: foot")
    {'cm': 'centimeter', 'centimetre': 'centimeter', 'ft': 'foot', 'feet': 'foot'}
    """
    table = {}
    for entry in text.split(","):
        keys, value = entry.split(":", 1)
        table.update(dict.fromkeys(keys.split(), value.strip()))
    return table


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
    """Whether some reading of one text equals some reading of the other."""
    return any(_same(*trees, clock) for trees in itertools.product(_readings(a), _readings(b)))


def extract_answer(text: str) -> str | None:
    r"""The final answer in a solution, or None.

    It is the last \boxed{}, else the last printed output, else what follows GSM8K's ####.

    >>> extract_answer(r"\boxed{1}, no: \boxed{\frac{1}{2}}")
    '\\frac{1}{2}'
    >>> extract_answer("9 * 2 = <<9*2=18>>18\n#### 18.")
    '18'
    """
    closed = _closing_braces(text)
    for box in reversed(list(re.finditer(r"\\(?:f?boxed|fbox)(?![a-zA-Z])\s*", text))):
        start = box.end()
        if text.startswith("{", start):
            # An unclosed box was cut off: an earlier whole one is the better answer.
            if start in closed:
                return text[start + 1 : closed[start]].strip()
        elif unbraced := re.compile(r"[^\s$\\{}]+").match(text, start):
            return _trimmed(unbraced.group())

    # The verifier writes the output between markers; without the second one it is unfinished.
    outputs = [part.partition("<end_of_output>") for part in text.split("<output>")[1:]]
    printed = [output.strip() for output, end, _ in outputs if end and output.strip()]
    if printed:
        return printed[-1]
    marked = re.findall(r"####\s*(\S.*)", text)
    return _trimmed(marked[-1]) if marked else None


def _trimmed(text):
    r"""An answer without the punctuation of its sentence.

    4... was cut off and stays as it is, 5! is a factorial, and the comma of 7\, belongs to a space.

    >>> _trimmed("72,"), _trimmed("**1,234**."), _trimmed("4...")
    ('72', '1,234', '4...')
    """
    text = text.strip()
    trimmed = text.strip("*`").rstrip(" ,;:，；：。、．*`")
    if trimmed.endswith(".") and not trimmed.endswith(".."):
        trimmed = trimmed[:-1].rstrip(" ,;:*`")
    return text if trimmed.endswith("\\") else trimmed


def unmatchable(references: Sequence[str]) -> list[int]:
    r"""Indices of the references that equal nothing, not even themselves.

    No answer to such a problem can ever count as right, so its reader should hear of it.

    >>> unmatchable(["9 (apples)", "We see that x is either 1 or 2.", r"\frac{1}{2"])
    [1, 2]
    """
    return [
        index
        for index, reference in enumerate(references)
        if not answers_equal(reference, reference)
    ]


def _closing_braces(text):
    """Where each opening brace is closed, in one pass: a text may be long and open many."""
    opened = []
    closed = {}
    for match in re.finditer(r"\\.|[{}]", text, re.DOTALL):
        if match.group() == "{":
            opened.append(match.start())
        elif match.group() == "}" and opened:
            closed[opened.pop()] = match.start()
    return closed


# READ: from what people, models, LaTeX, Python and sympy write to one plain notation


@functools.lru_cache(maxsize=4096)
def _readings(answer):
    """Every way to read an answer, as trees; none if it is not an answer.

    >>> _readings("7"), _readings("3 +")
    ((('num', Fraction(7, 1), False),), ())
    """
    if len(answer) > MAX_LENGTH:
        return ()
    answer = _without_unit_brackets(_unwrapped(answer))
    if not answer or NO_ANSWER.search(answer):
        return ()
    bare = _without_fonts(answer)
    if NAME.fullmatch(bare):
        return (_read_text(bare),)
    # 2:30 pm is not a ratio, and not 3:45 pm, which has the same ratio.
    if re.search(r"[a-z]|:0\d", bare, re.IGNORECASE) and (clock_time := _read_time(bare)):
        return (clock_time,)

    readers = (_read_choice, _read_time, _read_based, _read_words)
    trees = [_attempted(read, bare) for read in readers]
    plain = _normalised(answer)
    trees += [_attempted(_parsed, variant) for variant in _variants(plain)]
    # Words and unknown formulas are compared as text, but only where nothing better is known:
    # as text, x + 1 and 1 + x would differ.
    if not any(trees):
        spelled_out = _attempted(functools.partial(_parsed, spelled_out=True), plain)
        trees = [_read_text(bare) or _read_opaque(answer), spelled_out]
    return tuple(dict.fromkeys(filter(None, trees)))


def _without_fonts(text):
    r"""\textbf{(C)}\ 12 as (C) 12."""
    return re.sub(SPACE + "+", " ", re.sub(FONT, r" \1 ", text)).strip()


def _variants(plain):
    """The readings of a plain notation that a parser can't tell apart by itself.

    >>> list(_variants("1,050")), list(_variants("5 m"))
    (['1050'], ['5 m', '5 "m"'])
    """
    joined = plain
    padded = re.search(r",0\d\d(?!\d)", plain)  # no list has an item such as 050
    if padded or not re.search(r"[(\[{]", plain):
        joined = THOUSANDS.sub(lambda match: re.sub("[, ]", "", match.group()), plain)
    separate = joined if padded else plain
    with_unit = ONE_LETTER_UNIT.sub(r' "\1"', joined)
    mixed = MIXED.sub(r"\1 ", joined)
    return dict.fromkeys((joined, separate, with_unit, mixed))


def _attempted(read, text):
    """What a reader makes of a text, or None where it gives up."""
    try:
        return read(text)
    # Unreadable is a ValueError; a sympy class with other arguments raises a TypeError.
    except (ValueError, ArithmeticError, TypeError):
        return None


def _parsed(text, spelled_out=False):
    return _Parser(text, spelled_out).answer()


def _unwrapped(answer):
    r"""An answer without what a solution wraps around it.

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
    """Whether the braces close each other: an unbalanced match would cut an answer apart."""
    return _closing_braces("{" + text + "}").get(0) == len(text) + 1


def _without_unit_brackets(answer):
    r"""An answer with \text{} in place of brackets around its units, for 9(apples) isn't a product.

    >>> _without_unit_brackets("9(apples)"), _without_unit_brackets("3 (x + 1)")
    ('9 \\text{apples}', '3 (x + 1)')
    """
    answer = FONT_OF_BRACKETS.sub(r"(\1{\2})", answer)
    answer = OPTIONAL_PLURAL.sub(_plural, answer)
    leading = BRACKETED.match(answer)
    if leading and LEADS_NUMBER.match(answer, leading.end()):
        unit = _unit_text(leading[1] or leading[2] or "")
        if unit:
            return f"{answer[leading.end() :].strip()} {unit}"

    answer = BRACKETED.sub(_opened, answer)
    # The parser takes a short word for a product of variables: the first of "3 pet fish" isn't.
    counted = COUNTED.fullmatch(answer)
    unit = counted and _unit_text(counted[2])
    return f"{counted[1]} {unit}" if unit else answer


def _plural(match):
    """apple(s) as apples; sin(s) stays as it is."""
    return match[1] + match[2] if _is_word(match[1]) else match[0]


def _opened(match):
    """What stands in a pair of brackets: as a unit where it follows a quantity, else as before."""
    # A look at the last characters is enough, and keeps the work linear.
    before = match.string[max(0, match.start() - 40) : match.start()]
    quantity = re.sub(SPACE + "+$", "", before)
    last_word = re.search(r"[A-Za-z]+$", quantity)
    follows_word = last_word and _is_word(last_word[0])
    if not follows_word and not re.search(r"[\d}\])°%$€£¥₹]$|\\pi$", quantity):
        return match[0]
    unit = _unit_text(
        match[1] if match[1] is not None else match[2],
        beside_number=quantity != before and quantity[-1:].isdigit(),
    )
    return f" {unit}" if unit else match[0]


def _unit_text(content, beside_number=False):
    r"""The words of a unit in \text{}, or None.

    A single letter is a unit only beside a number: of 4 (m), not of 4(m).

    >>> _unit_text("km per hour"), _unit_text("in cm^2"), _unit_text("ab")
    ('\\text{km per hour}', '\\text{cm}^2', None)
    """
    content = re.sub(r"\^?\{?\\circ\}? *", "°", _without_fonts(content))
    content = re.sub(r"\\cdot\b *|[·⋅*]", " ", re.sub(r"^in (?=\w)", "", content)).rstrip(".")
    if re.fullmatch(r"\\?[%$]|[€£¥₹¢]|°[CF]?|[ap]\.?m", content):
        return content
    content = re.sub(r"(?<=/)sec\b|^sec$", "second", content)
    words = re.findall("[A-Za-z]+", content)
    if not UNIT_WORDS.fullmatch(content) or any(map(_is_mathematical, words)):
        return None
    # One certain word is enough for the others (pet fish); yo-yos have none but are no difference.
    is_unit = any(map(_is_word, words)) or re.search("[A-Za-z]-[a-z]+s$", content)
    if not is_unit and not (beside_number and re.fullmatch("[mgshLlNJWVK]", words[0])):
        return None
    return re.sub(r"[A-Za-z](?:[A-Za-z '’.-]*[A-Za-z])?", r"\\text{\g<0>}", content)


def _is_word(letters):
    """Whether the parser takes these letters for a word and not for a product."""
    return _word(letters)[0][0] == "text"


def _is_mathematical(word):
    return word in FUNCTIONS or word in CONSTANTS or word in GREEK


def _normalised(answer):
    r"""The plain notation that the parser reads.

    >>> _normalised("π/2"), _normalised(r"\dfrac{1}{10,\!080}")
    ('\\pi /2', '\\frac{1}{10080}')
    """
    # NFKC turns more signs into ones of the table, and undoes some replacements of it.
    answer = unicodedata.normalize("NFKC", answer.translate(UNICODE)).translate(UNICODE)
    if NUMPY_PRINT.fullmatch(answer):
        answer = re.sub(r"(?<=[\d.\]])\s+(?=[-+]?[\d.\[])", ", ", answer)
    # In pairs they are math mode, else a currency.
    if len(re.findall(r"(?<!\\)\$", answer)) % 2 == 0:
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
    # (a) 5, (b) 6 answers two questions. The last test keeps (A) (A) (A) ... from nesting.
    if not match or SEVERAL_PARTS.search(bare) or CHOICE_WITH_VALUE.match(bare[match.end() :]):
        return None
    letter = next(filter(None, match.groups()))
    return ("choice", letter.upper(), bare[match.end() :])


def _read_time(bare):
    """A time of day, in seconds, and its half of the day where it is known.

    >>> _read_time("3:05 p.m."), _read_time("3:5")
    (('time', 11100, 'p'), None)
    """
    match = CLOCK_TIME.fullmatch(bare)
    if not match or not (match[2] or match[4]):
        return None
    hour = int(match[1])
    half = (match[4] or "").lower()
    minutes = hour % 12 * 60 + int(match[2] or 0)
    return ("time", minutes * 60 + int(match[3] or 0), "p" if hour > 12 else half)


def _read_based(bare):
    """A number in another base than ten: the base is part of the answer.

    So 52_8 is neither 52 nor 42.

    >>> _read_based("204_{ five }"), _read_based("0b101"), _read_based("92_8")
    (('based', Fraction(54, 1), 5), ('based', Fraction(5, 1), 2), None)
    """
    if prefixed := re.fullmatch(r"0([box])([0-9a-fA-F]{1,100})", bare):
        digits = prefixed[2]
        base = {"b": 2, "o": 8, "x": 16}[prefixed[1]]
    elif match := BASED.fullmatch(bare):
        digits = match[1]
        base = _small_number(match[2])
    else:
        return None
    if not 2 <= base <= 16:
        return None
    if any(int(digit, 16) >= base for digit in re.sub("[-.]", "", digits)):
        return None
    whole, _, part = digits.partition(".")
    value = Fraction(int(whole + part, base), base ** len(part))
    return ("num", value, False) if base == 10 else ("based", value, base)


def _small_number(text):
    """A base, in digits or in words; 0 of anything else."""
    if text in ONES:
        return ONES.index(text)
    return int(text) if re.fullmatch("[0-9]{1,2}", text) else 0


def _read_words(bare):
    """A number in words, perhaps with one word for what is counted.

    >>> _read_words("twenty-five"), _read_words("three quarters"), _read_words("one of them")
    (('num', Fraction(25, 1), False), ('num', Fraction(3, 4), False), None)
    """
    words = re.sub(r"[\s,-]+", " ", bare.lower()).split()
    sign = -1 if words[:1] in (["minus"], ["negative"]) else 1
    if sign < 0:
        words = words[1:]
    if not words or len(words) > 20:
        return None

    *front, last = words
    number = _spelled(words)
    if number is None:
        number = _counted([*front, _cardinal(last)])
    if number is not None:
        return ("num", Fraction(sign * number), False)

    # Two words after the number would be a sentence: "one of them" isn't 1.
    number = _spelled(front) if front else None
    if number is None or NO_UNIT.search(last) or not last.isalpha():
        return None
    return ("unit", ("num", Fraction(sign * number), False), _unit_name([last]))


def _cardinal(word):
    """
    >>> _cardinal("third"), _cardinal("twentieth"), _cardinal("sixth")
    ('three', 'twenty', 'six')
    """
    if word in ORDINALS:
        return ORDINALS[word]
    return word.removesuffix("ieth") + "y" if word.endswith("ieth") else word.removesuffix("th")


def _spelled(words):
    """A whole number, a part, or both.

    >>> _spelled("two and a half".split()), _spelled(["half"])
    (Fraction(5, 2), Fraction(1, 2))
    >>> _spelled("one and three halves".split())
    """
    whole, _, part = " ".join(words).rpartition(" and ")
    *count, name = part.split()
    if count == ["a"] or part == "half":
        count = ["one"]
    below = PARTS.get(name) or PARTS.get(name.removesuffix("s"))
    if not below or len(count) != 1 or count[0] not in ONES:
        return _counted(words)
    above = ONES.index(count[0])
    whole = _counted(whole.split())
    if whole is None or (whole and above >= below):
        return None
    return whole + Fraction(above, below)


def _counted(words):
    """A whole number in words, or None.

    >>> _counted("two thousand five hundred six".split()), _counted(["many"])
    (2506, None)
    """
    total = 0
    group = 0  # what the next scale multiplies: 506 in "five hundred six thousand"
    for word in filter("and".__ne__, words):
        if word in ONES or word in TENS:
            number = ONES.index(word) if word in ONES else 10 * TENS.index(word)
            if group % (10 if number < 10 else 100):
                return None  # three four
            group += number
        elif word == "hundred":
            group = 100 * max(group, 1)
        elif word in SCALES and (group or not total):  # not million million
            total += SCALES[word] * max(group, 1)
            group = 0
        else:
            return None
    return total + group


def _read_text(bare):
    """Plain words, whatever their case and punctuation; garbage has none.

    >>> _read_text("The ellipse"), _read_text("Yes (")
    (('text', 'ellipse'), None)
    """
    unfinished = re.search(r"[<>=\\{}\[\]|^_@#*]|\w\(|[-+,(:/]$|\d.*\bor\b", bare)
    if unfinished or not re.search(r"[^\W\d_]{2}", bare):
        return None
    tokens = re.findall(r"[-+]?\d+(?:[.,/:]\d+)*|\w+|/|(?<= )[-+](?= )", bare.lower())
    words = re.sub(r"^(?:the|an?) (?=.)", "", " ".join(tokens))
    if re.fullmatch("no (real )?solutions?( exists?)?|empty set", words):
        return ("empty",)
    return ("text", "does not exist" if words == "dne" else words)


def _read_opaque(answer):
    r"""A formula beyond the parser, or 5'3" (feet? minutes?) or 3:30-4:30: as it is written.

    >>> _read_opaque(r"\sum_{k} k^2"), _read_opaque(r"\sum_{k")
    (('text', '\\sum_kk^2'), None)
    """
    commands = re.findall(r"\\([a-zA-Z]+)", answer)
    is_beyond = OPAQUE.search(answer) or "{cases}" in answer
    if not is_beyond and all(name in KNOWN for name in commands):
        return None
    # What was cut off must equal nothing.
    if not _is_balanced(answer) or commands.count("begin") != commands.count("end"):
        return None
    formula = re.sub(r",(?=\s*&)", "", _normalised(answer))
    formula = re.sub(r"\\(l|g|n)eq?(?:slant)?(?![a-zA-Z])", r"\\\1e ", formula)
    return ("text", re.sub(r"\{(\w)\}|\s+", r"\1", formula))


CLOCK_TIME = re.compile(
    r"([01]?\d|2[0-4])(?::([0-5]\d)(?::([0-5]\d))?)?[ ,]*(?:([ap])\.?\s?m\.?|o'clock)?",
    re.IGNORECASE,
)
BASED = re.compile(  # 52_8, 52_{eight}, (52) base 8, 52 (in base 8)
    r"\(?(-?[0-9][0-9A-Fa-f]{0,99}(?:\.[0-9A-Fa-f]{1,99})?)\)?"
    r"(?: ?_ ?\{? ?|,? \(?(?:in )?base )(\w+) ?\}?\)?"
)
OPAQUE = re.compile(
    r"\\(?:sum|prod|int|lim|partial|vec|hat|overline|triangle|cong|sim|perp|parallel|equiv|mathbb)"
    r"""(?![a-z])|\d\s*'\s*[\d.]+\s*"$|^\d\d?:\d\d\s*[-–]\s*\d\d?:\d\d$"""
    r"""|\{\s*\\begin\{array\}|\d\s*(?:''?|")$"""
)


CHOICE = re.compile(r"([A-J]|[a-e])|\(?\s*([A-Ja-j])\s*[).:]|(?i:option|choice)\s+\(?([A-Ja-j])\)?")
CHOICE_WITH_VALUE = re.compile(
    r"(?:(?i:option|choice)\s+)?(?:[(\[]\s*([A-Ja-e])\s*[)\]]\s*[.:]?|([A-J])\s*[.:)])"
    # after a space the value is anything that doesn't make a formula of the letter
    r"(?:\s+(?=[^\s=+*/^,;!&<>|_)\]])|(?<!\.)(?=[\d$]))"
)
SEVERAL_PARTS = re.compile(r"[,;]\s*(?:and\s)?\(?[A-Ja-j][).:]")  # 5, (b)
FONT_COMMAND = (
    r"\\(?:text(?:rm|bf|it|sf|normal)?|math(?:rm|bf|it|sf)|boldsymbol|[mh]box"
    r"|operatorname\*?|emph|underline|rm|bf)"
)
FONT = FONT_COMMAND + r"\s*\{([^{}]*)\}"
MATRIX = r"\{(?:[pbB]?(?:small)?matrix|array)\}"
SPACE = r"(?:\s|~|\\(?:[ ,;:!>]|q?quad\b))"
FONT_OF_BRACKETS = re.compile(  # \text{(apples)}
    rf"({FONT_COMMAND})\s*\{{{SPACE}*\(([^{{}}()]*)\){SPACE}*\}}"
)
OPTIONAL_PLURAL = re.compile(r"\b([A-Za-z]{2,})\((e?s)\)")  # apple(s)
# Anything in round or square brackets without brackets inside.
BRACKETED = re.compile(
    r"(?:\\left\s*)?(?:\(([^()\[\]]*?)(?:\\right\s*)?\)|\[([^()\[\]]*?)(?:\\right\s*)?\])"
)
LEADS_NUMBER = re.compile(rf"{SPACE}*[-\d.$\\]")
COUNTED = re.compile(  # 3 pet fish
    r"([-+$€£]*(?:\d[\d,.]*|\d+/\d+)) +"
    r"((?:[A-Za-z]{2,}|[A-Za-z]+-[A-Za-z-]+)(?: [A-Za-z-]{2,})*)"
)
COMMAND_SIGNS = _table(
    """≤ ⩽: le, ≥ ⩾: ge, ≠: ne, ≈: approx, π: pi, ∞: infty, √: surd, ∪: cup, ∩: cap, ∖: setminus,
    ∈: in, ±: pm, ∓: mp, ∅: emptyset, ∧: land, ∨: lor, ⌊: lfloor, ⌋: rfloor, ⌈: lceil, ⌉: rceil,
    ⟨: langle, ⟩: rangle, α: alpha, β: beta, γ: gamma, δ: delta, θ: theta, λ: lambda, μ: mu,
    ρ: rho, σ: sigma, φ: phi, ω: omega, Δ: Delta"""
)
# Flat on purpose: a repetition of words, each a repetition of letters, backtracks exponentially.
UNIT_WORDS = re.compile(r"[A-Za-z](?:[A-Za-z '’./²³-]|\^\{?-?[123]\}?)*")

UNICODE = str.maketrans(
    {
        **{sign: rf"\{command} " for sign, command in COMMAND_SIGNS.items()},
        **dict.fromkeys("−–—‐‑﹣", "-"),
        **dict.fromkeys("×·⋅∙∗", "*"),
        **dict.fromkeys("÷∕⁄", "/"),
        **dict.fromkeys("′’‘", "'"),
        **dict.fromkeys("“”", '"'),
        **dict.fromkeys("°º", r"^\circ "),
        **dict.fromkeys("\u200b\u200c\u200d\u2060\u2061\ufeff", ""),
        **{"…": "...", "∣": "|", "∛": r"\sqrt[3]", "ℝ": r"\mathbb{R}", "¢": r"\text{ cents}"},
        **{"ℯ": "e", "ⅈ": "i"},
        **{
            sign: f"^{{{digit}}}"
            for sign, digit in zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻ⁿ", "0123456789-n", strict=True)
        },
        **{sign: f"_{{{digit}}}" for sign, digit in zip("₀₁₂₃₄₅₆₇₈₉", "0123456789", strict=True)},
        **{
            sign: rf"\frac{{{top}}}{{{bottom}}}"
            for sign, top, bottom in zip(
                "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞", "112131234151357", "233445555668888", strict=True
            )
        },
    }
)

WRAPPINGS = [
    re.compile(pattern, re.DOTALL | re.IGNORECASE)
    for pattern in (  # of a whole answer; the group is what counts
        # math mode, boxes, fonts and environments
        r"\$\$(.*)\$\$",
        r"\$([^$]*)(?<!\\)\$",
        r"\\\((.*)\\\)",
        r"\\\[(.*)\\\]",
        r"\\(?:f?boxed|fbox)\s*\{(.*)\}",
        r"\\f?boxed\s+(\S+)",
        FONT,
        r"\{\\(?:bf|rm|it|sf|em)\b(.*)\}",
        r"\\(?:text)?color\{\w+\}\s*\{(.*)\}",
        r"\\(?:display|text)style\b(.*)",
        r"\\begin\{(?:align|equation|gather)(?:ed)?\*?\}(.*)\\end\{(?:align|equation|gather)(?:ed)?\*?\}",
        r"(.*[^\\])\\\\",
        # Markdown, quotes, tags
        r"\*\*(.*)\*\*",
        r"`+(.*?)`+",
        r"'([^']*)'",
        r'"([^"]*)"',
        r"<answer>(.*)</answer>",
        r"####(.*)",
        # the sentence around: a final period (an ellipsis stays: it marks a truncated answer)
        r"(.*[^.\s\\])\s*\.",
        r"(.*[^\\\s])\s*[;,]",
        r"=\s*([^=].*)",
        r"(.*\S)\s*\\approx.*",
        r"(?:\\text\{)?(?:(?:so|thus|hence|therefore),?\s)?(?:(?:the|our|my)\s)?"
        r"(?:(?:final|correct)\s)?(?:answer|solution)\s*(?:is|:|=)\s*:?\s*\}?\s*(\S.*)",
        r"(?:so|thus|hence|therefore),?\s+(.*)",
    )
]

NO_ANSWER = re.compile(
    r"\b(?:maybe|perhaps|probably|possibly|approximately|approx|roughly|about|around|either|i think"
    r"|not sure|unsure|guess|likely|do(?:n['’]t| not) know)\b"
    r"|\?|\.\.\.|\\[lc]?dots|\\approx"
    r"|^(?:nan|null|n/a|error)$|\w(?:error|exception):|^error:|traceback|<\w+ .* at 0x",
    re.IGNORECASE,
)

UNITS = _table(  # an abbreviation: its name. Any other word after a number is its own name
    """usd buck: dollar, cm centimetre: centimeter, mm: millimeter, km kilometre: kilometer,
    m metre: meter, inche in: inch, ft feet: foot, yd: yard, mi: mile, kg: kilogram, g: gram,
    mg: milligram, lb: pound, oz: ounce, sec s: second, min: minute, h hr: hour, l litre: liter,
    ml: milliliter, mph: mile/hour, deg: degree, percent: %, sq: square, cu: cubic, mb: mb, gb: gb,
    kb: kb, hz: hertz, rad: radian, n: newton, j: joule, w: watt, v: volt, k: kelvin, kw: kilowatt,
    euro eur: €, gbp: £, yen: ¥, yr: year, wk: week, gal: gallon, qt: quart, tsp: teaspoon,
    tbsp: tablespoon, mol: mole, rpm: rpm, kph kmph: kilometer/hour, kwh: kwh, squared: ^2,
    cubed: ^3, men: man, women: woman, children: child, people: person"""
)
CURRENCY = {"$": "dollar", "€": "€", "£": "£", "¥": "¥", "₹": "rupee", "¢": "cent"}
# Currencies before a number. ¢50 has become "cents 50" by then.
LEADING = _table("USD: $, EUR: €, GBP: £, INR Rs: ₹, cents: ¢")
# Words of up to three letters that aren't products of variables.
SHORT_WORDS = set(
    """the no not yes odd old new hot one two six ten is are of to on if so per day cup cups men box
    bit bits boy cat dog red her his she he for win may be by at it its any all ant bag bee bus can
    cap car cow egg fan gum hat hen jar key kid leg map mug nut owl pan pen pet pie pig pin pot rat
    row rug toy tub van""".split()
)

ONES = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen
    fifteen sixteen seventeen eighteen nineteen""".split()
TENS = "zero ten twenty thirty forty fifty sixty seventy eighty ninety".split()
SCALES = {
    "hundred": 100,
    "thousand": 10**3,
    "million": 10**6,
    "billion": 10**9,
    "trillion": 10**12,
    "dozen": 12,
    "score": 20,
    "lakh": 10**5,
    "crore": 10**7,
}
ORDINALS = _table(
    """first: one, second: two, third: three, fifth: five, eighth: eight, ninth: nine,
    twelfth: twelve"""
)
PARTS = {
    "half": 2,
    "halves": 2,
    "third": 3,
    "quarter": 4,
    "fifth": 5,
    "eighth": 8,
    "ninth": 9,
    "twelfth": 12,
    **{f"{name}th": number for number, name in enumerate(ONES) if number > 3},
    **{f"{name[:-1]}ieth": 10 * number for number, name in enumerate(TENS) if number > 1},
    **{f"{name}th": SCALES[name] for name in ("hundred", "thousand", "million")},
}
# Words that say more than a unit or change the number; "3 fifth graders", "$3 per dozen" and
# "4 left over" don't.
NO_UNIT = re.compile(
    r"\b(?:no|not|or|and|than|least|most|more|less|if|when|is|are|(?<!of )the|true|false"
    r"|plus|minus|below|above|under|(?<!left )over|fewer|twice|thrice|gross)\b"
    r"|\b(?:negative|short|down)$"
    rf"|(?<!/ )(?<!per )\b(?:hal[fv]e?|{'|'.join({*ONES, *TENS, *SCALES} - {'one'})})s?\b"
    r"(?<!\bscores)"
    rf"|\b(?:{'|'.join({*PARTS} - {'quarter'})})(?:s\b|$)"
)


def _worded(match):
    r"""What stands in \text{}: words are quoted, a formula isn't."""
    body = match.group(1).strip(" ~.").replace('"', "")
    if body in ("and", "or") or body in FUNCTIONS or body in CONSTANTS:
        return f" {body} "
    after_number = re.search(rf"\d{SPACE}*$", match.string[: match.start()])
    # Two capitals are a product of variables, as they are without a font.
    if re.fullmatch("(?!OR)[A-Z]{2}", body) and body.lower() not in SHORT_WORDS:
        return f' "{body}"' if after_number else f" {body} "
    # A single letter is a unit only after a number, or after the space of \mathrm{~m}.
    is_unit = body.lower() in UNITS and (after_number or match[1].startswith("~"))
    return f' "{body}"' if is_unit or re.search("[A-Za-z]{2}", body) else f" {body} "


def _repeating(match):
    r"""A repeating decimal.

    >>> _normalised(r"0.1\overline{6}")
    '(15/90)'
    """
    whole, fixed, repeated = match.groups()
    value = int((whole or "0") + fixed + repeated) - int((whole or "0") + fixed)
    return f"({value}/{'9' * len(repeated)}{'0' * len(fixed)})"


NORMALISATIONS = [
    (re.compile(pattern), new)
    for pattern, new in (
        # numbers: 10,\!080 and 10_080, 0.1\overline{6} and 0.(6) (but 0.1(6) is a product),
        # 5^{th}, 3 to 4
        (r"(?<=\d)(?:\{,\}|\\?,\\!|\\[, ;:])\s*(?=\d{3}(?!\d))", ""),
        (r"(?<=\d)_(?=\d{3}(?:_|\b))", ""),
        (r"(\d{0,99})\.(\d{0,99})\\(?:overline|bar)\s*\{?(\d{1,99})\}?", _repeating),
        (r"(\d{1,99})\.()\((\d{1,99})\)", _repeating),
        (r"(?<=\d)\s*\^?\{?\s*(?:\\text\{)?(?:st|nd|rd|th)(?![a-zA-Z])\}?\}?", " "),
        (r"(?<=\d)\s+to\s+(?=\d)", ":"),
        # LaTeX: brackets, words, spaces, fractions, matrices
        (r"\\left\s*(?:\||\\vert(?![a-z]))", r"\\lvert "),
        (r"\\right\s*(?:\||\\vert(?![a-z]))", r"\\rvert "),
        (r"\\(?:left|right|[bB]igg?[lrm]?)(?![a-zA-Z])\.?", ""),
        (r"\\(?:f?boxed|fbox)\s*\{", "{"),
        (FONT, _worded),
        (r"\\\\\s*\[\d+[a-z]*\]", r"\\\\"),
        (rf"(?<!\\){SPACE}|\\(?:displaystyle|textstyle|limits|hline)\b", " "),
        (r"\\[dtc]frac(?![a-z])", r"\\frac"),
        (r"\\[dt]binom", r"\\binom"),
        (r"\{([^{}]*)\\over\b([^{}]*)\}", r"\\frac{\1}{\2}"),
        (r"\{([^{}]*)\\choose\b([^{}]*)\}", r"\\binom{\1}{\2}"),
        (rf"\\begin{MATRIX}(?:\{{[clr|\s]*\}})?", r"\\matrix{"),
        (rf"\\end{MATRIX}", "}"),
        (
            r"\\mathbb\s*\{?\s*R\s*\}?(?!\s*\^|\})|\b(?:S\.)?Reals\b|\b[Aa]ll real numbers\b",
            " AllReals ",
        ),
        (r"&\s*=", "="),
        # words: 1.2 x 10^3, negative 5
        (r"(?<=\d)(?:\s+[xX]\s+|[xX])(?=10\s*(?:\^|\*\*))", "*"),
        (r'(?:^|(?<=[=(,]))\s*"?(?i:minus|negative)\b"?\s*(?=[\d.\\$(])', "-"),
        # signs: degrees, angles, currencies, roots as in √2x, the U of a union
        (r"\^\s*\{?\s*\\circ\s*\}?|\\degree\b", "°"),
        (r"\^\s*\{?\s*((?:\\prime\s*)+)\}?", lambda match: "'" * match[1].count("prime")),
        (
            r'"?(?:°|\bdegrees?\b)\s*"?([CF]|(?i:C(?=elsius)|F(?=ahrenheit)))(?i:elsius|ahrenheit)?\b"?',
            r' "°\1"',
        ),
        (r"m?\\angle\b|∠", " "),
        (r"\\([%$])", r"\1"),
        (r"\\surd\s*(\d+(?:\.\d+)?|[a-z]\b)", r"sqrt(\1)"),
        (r"\\surd", "sqrt"),
        (r"(?<=[\])}])\s*[uU]\s*(?=[\[({])", r"\\cup "),
        (r"(?<=\d)\s*([$€£¥₹])(?=\s*$)", lambda match: f' "{CURRENCY[match[1]]}"'),
        (rf'^\s*"?({"|".join(LEADING)})\b"?\.?\s*(?=[\d.])', lambda match: LEADING[match[1]]),
        # units: 5 sec, 5 ft.
        (r"(?<=[\d/])\s*sec(?=\s*(?:\^\{?\d\}?)?\s*$)", ' "second"'),
        (r"(?<=[a-z])\.(?=\s|$)", " "),
        # Python and sympy: np.float64(5), Interval.open(0, 1), Float('0.5', precision=53), 2j,
        # (x > 1) & (x < 2), {x: 1, y: 2}
        (r"\b(?:math|np|numpy|sp|sympy|fractions|decimal|mpmath)\.", ""),
        (r"\b(?:float|int)(?:32|64)\(", "N("),
        (r"\bInterval\.(open|Lopen|Ropen)\b", r"Interval\1"),
        (r"\b(?:S\.)?EmptySet\b|\bset\(\)", r"\\emptyset "),
        (r",\s*(?:dtype|precision|evaluate)=[\w.]+", ""),
        (r"""(?<=\()['"]([\d./eE+-]+)['"](?=\))""", r"\1"),
        (r"^[^ik]*$", lambda match: re.sub(r"(?<=\d)j\b", "*i", match[0])),  # 3i + 4j is a vector
        (r"\)\s*&\s*\(", r") \\land ("),
        (r"\)\s*\|\s*\(", r") \\lor ("),
        (r"([{,])\s*([a-z])\s*:\s*(?!\s|\2)(?=-?[\w(][^<>=\\]*$)", r"\1\2="),
        (r"^\s*[a-zA-Z](?:_\{?\w\}?)?\s*\([a-z](?:,\s*[a-z])*\)\s*=(?!=)", ""),  # f(x) =
        (
            r"^\s*([a-zA-Z](?:'+|\^\{?-1\}?))\s*(\([a-z](?:,\s*[a-z])*\)|)\s*=(?!=)",
            r'"\1\2" =',
        ),  # f'(x) = isn't f(x) =, and B^{-1} = is a name
        (
            r"(?:^|(?<=[,;])|(?<=\band))\s*([ABD-Z])\s*(?=\([^(),]+,[^()]+\)\s*(?:$|[,;]|and\b))",
            r" \1=",
        ),  # A(1, 2)
        (r"^\s*([f-hF-HP-T]'*)\s*(\(-?[\d./]+\))\s*=(?!=)", r'"\1\2" ='),  # f(2) = isn't f(3) =
    )
]
THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?:(?:,\d{3})+|(?: \d{3})+)(?!\d|,\d)")
NAME = re.compile(r"[A-Z]{3,}|[IVX]{2,}|[A-Z][a-z]{2}")  # BAC, IV, Tom: no products
NUMPY_PRINT = re.compile(r"\[[\d\s.eE+\-\[\]]+\]")
MIXED = re.compile(
    r"^(\d+) and (?=\d+/\d+(?: (?!and|or)[a-z]+)?$)"
)  # 1 and 1/2: a mixed number, or else a list
ONE_LETTER_UNIT = re.compile(r"(?<=\d) +([mgshLlNJWVK])(?=\s*(?:$|[\^/]))")


# PARSE: a tree is a tuple of a kind and its parts
#   number      ("num", Fraction, printed float?)  ("const", name)  ("sym", name)
#   expression  ("add", ...)  ("mul", ...)  ("neg", x)  ("inv", x)  ("pow", base, exponent)
#               ("deg", x)  ("call", function, ...)  ("pm", x)  ("mp", x)  ("unit", x, name)
#   structure   ("seq", open, close, ...)  ("interval", open, close, low, high)
#               ("matrix", row, ...)  ("eq", left, right, ...)  ("rel", operators, left, right, ...)
#               ("empty",)  ("reals",)  ("cup" | "cap" | "setminus", set, ...)  ("ratio", a, b, ...)
#   words       ("text", words)  ("based", value, base)  ("time", seconds, half of the day)
#               ("choice", letter, what follows it)

FUNCTIONS = {
    name: name
    for name in """sqrt cbrt root exp log lg sin cos tan cot sec csc sinh cosh tanh asinh acosh
    atanh asin acos atan abs floor ceil factorial binomial""".split()
} | _table(
    """ln: log, arcsin: asin, arccos: acos, arctan: atan, Abs: abs, ceiling: ceil,
    comb binom: binomial"""
)
CONSTANTS = {
    "pi": ("const", "pi"),
    **dict.fromkeys("eE", ("const", "e")),
    **dict.fromkeys("iI", ("const", "i")),
    **dict.fromkeys(["oo", "infty", "infinity", "Infinity", "inf"], ("const", "oo")),
    "AllReals": ("reals",),
    **dict.fromkeys(["emptyset", "varnothing"], ("empty",)),
    "True": ("text", "true"),
    "False": ("text", "false"),
}
ARGUMENT_COUNTS = {"binomial": (2,), "root": (2,), "log": (1, 2)}  # of all others: one
GREEK = set(
    """alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi
    rho sigma tau phi varphi chi psi omega Gamma Delta Theta Lambda Sigma Phi Psi Omega ell
    angle""".split()
)
COMMANDS = {
    name: name
    for name in """frac matrix cup cap setminus in pm mp lvert rvert lfloor rfloor lceil
    rceil""".split()
} | _table(
    r"""cdot times ast: *, div: /, le leq leqslant: <=, ge geq geqslant: >=, ne neq: !=, lt: <,
    gt: >, mid vert: |, lbrack: [, rbrack: ], lbrace: \{, rbrace: \}, langle: (, rangle: ),
    land wedge: and, lor vee: or, colon: :"""
)
KNOWN = {
    *FUNCTIONS,
    *CONSTANTS,
    *GREEK,
    *COMMANDS,
    *"left right text textbf mathrm mathbf mathbb boxed dfrac tfrac quad begin end".split(),
}
COMMAND = re.compile(
    "|".join(sorted((*FUNCTIONS, *CONSTANTS, *GREEK, *COMMANDS), key=len, reverse=True))
)
TOKEN = re.compile(
    r"""\s*(?:
    (?P<num>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    |"(?P<text>[^"]*)"
    |\\(?P<command>[a-zA-Z]+|[{}\\])
    |(?P<word>[A-Za-z]+)
    |(?P<op>\*\*|<=|>=|!=|==|'(?![st]\b)|[-+*/^_!%=<>()\[\]{},;:|&°$€£¥₹¢]))""",
    re.VERBOSE,
)
EXPRESSIONS = {"num", "neg", "add", "mul", "inv", "pow", "call", "pm", "mp", "const"}
RELATIONS = ("=", "!=", "<", "<=", ">", ">=", "in")
CLOSING = {
    "(": (")", "]"),
    "[": ("]", ")"),
    "\\{": ("\\}",),
    "{": ("}",),
    "lfloor": ("rfloor",),
    "lceil": ("rceil",),
}


def _tokens(text):
    r"""Pairs of a kind (num, text, name, sym, op) and a value.

    >>> _tokens(r"2\pi r")
    [('num', '2'), ('name', 'pi'), ('sym', 'r')]
    >>> _tokens(r"\pih \le 5")
    [('name', 'pi'), ('sym', 'h'), ('op', '<='), ('num', '5')]
    """
    tokens = []
    text = text.rstrip()
    at = 0
    while at < len(text):
        match = TOKEN.match(text, at)
        if not match:
            raise Unreadable(text[at:])
        kind = match.lastgroup
        value = match.group(kind)
        at = match.end()
        if kind == "word":
            tokens += _word(value)
        elif kind == "command" and value.isalpha():
            # \pih is \pi h: what follows the longest known command is read on.
            known = COMMAND.match(value)
            if not known:
                raise Unreadable(value)
            at -= len(value) - known.end()
            name = known.group()
            tokens.append(("op", COMMANDS[name]) if name in COMMANDS else _word(name)[0])
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
    # Spaces get lost: \sin x and 2 \pi r arrive as sinx and pir.
    if split := re.fullmatch(r"([a-z]?)(sin|cos|tan|ln|log|exp|sqrt|pi)([a-z]?)", word):
        return [token for part in split.groups() if part for token in _word(part)]
    if word in ("and", "or"):
        return [("op", word)]
    # CDs and TVs are counted, cm and lbs are measured; other short runs are variables.
    small = word.lower()
    is_unit = len(word) > 1 and small in UNITS
    is_units = len(word) > 2 and small.removesuffix("s") in UNITS
    is_counted = len(word) > 3 or small in SHORT_WORDS or re.fullmatch("[A-Z]{2,}s", word)
    return [("text", word)] if is_unit or is_units or is_counted else _letters(word)


def _letters(text):
    """A short text as a product of variables: mg in mg/k isn't a milligram.

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
        """With spelled_out, short words are products of variables instead of units."""
        self.tokens = []
        for kind, value in _tokens(text):
            self.tokens += _letters(value) if spelled_out and kind == "text" else [(kind, value)]
        self.tokens.append(("end", ""))
        self.at = 0
        self.depth = 0
        self.bars = 0  # how many |...| are open: inside of them | closes
        self.currency = ()

    def peek(self, *operators):
        """Whether one of the operators comes next."""
        return self.tokens[self.at][0] == "op" and self.tokens[self.at][1] in operators

    def accept(self, *operators):
        """The next operator if it is one of these, which is then read; else None."""
        if self.peek(*operators):
            self.at += 1
            return self.tokens[self.at - 1][1]
        return None

    def expect(self, *operators):
        """The next operator, which has to be one of these."""
        if not self.peek(*operators):
            raise Unreadable(f"{self.tokens[self.at]} where {operators} should be")
        return self.accept(*operators)

    def answer(self):
        """The tree of the whole text."""
        tree = self.listed("", "")
        parts = [tree[3]]
        if parts[0][0] in ("rel", "cup") and self.accept(":"):  # x < 2: (-oo, 2)
            tree = ("seq", "", "", ("cap", *parts, self.quantity()))
        while len(tree) == 4 and self.accept(":"):
            parts.append(self.signed())  # no sum: 3:30-4:30 is no ratio
        if len(parts) > 1:
            tree = ("seq", "", "", ("ratio", *parts))
        if self.tokens[self.at][0] != "end":
            raise Unreadable(f"{self.tokens[self.at]} is left over")
        return tree[3] if len(tree) == 4 else tree

    def listed(self, opening, closing):
        """Everything between two brackets, or none: items, and what separates them."""
        items = [self.item()]
        separators = set()
        while separator := self.accept(",", ";", "and", "or"):
            separators.add(self.accept("and", "or") or separator)
            if separators == {","} and self.peek(*closing) and len(items) == 1 and opening:
                break  # Python's (1,)
            items.append(self.item())

        # In x != 2, 3 the relation holds for both numbers; x > 2, 5 says nothing clear.
        if items[0][0] == "rel":
            bare = [item[0] in EXPRESSIONS for item in items]
            if any(bare) and items[0][1] != ("!=",):
                raise Unreadable("x > 2, 5")
            relation = items[0][1:3]
            items = [
                ("rel", *relation, item) if is_bare else item
                for item, is_bare in zip(items, bare, strict=True)
            ]
        if len(items) > 1 and any(item[0] in ("rel", "cup", "cap") for item in items):
            return ("seq", opening, "", ("cup" if "or" in separators else "cap", *items))
        if "or" in separators and items[0][0] != "eq":
            raise Unreadable("a hedge: 2 or 3 is not an answer, x = 2 or 3 is one")
        return ("seq", opening, "", *items)

    def item(self):
        """A relation, or what has none: a set, a quantity."""
        parts = [self.quantity()]
        operators = []
        while self.peek(*RELATIONS):
            operators.append(self.accept(*RELATIONS))
            parts.append(self.quantity())
        if "in" in operators:
            if len(parts) > 2 or parts[0][0] != "sym":
                raise Unreadable("membership of something else")
            return parts[1]  # x \in A is A
        if set(operators) == {"="}:
            return ("eq", *parts)
        return ("rel", tuple(operators), *parts) if operators else parts[0]

    def quantity(self):
        """An expression or set, with the unit that may follow."""
        kind, value = self.tokens[self.at]
        is_text = kind == "text"
        if is_text and self.tokens[self.at + 1][1] == "=":  # Area = 5
            self.at += 1
            return ("sym", value)
        # colour = red; but the mg of F = mg is left to be read as letters
        is_value = is_text and self.tokens[self.at - 1][1] == "="
        if is_value and _letters(value)[0][0] == "text":
            self.at += 1
            return ("text", value.lower())

        self.currency = ()
        tree = self.sum()
        while operator := self.accept("cup", "cap", "setminus"):
            # A longer chain of the same operator stays flat, so that brackets don't matter.
            tree = (*tree, self.sum()) if tree[0] == operator else (operator, tree, self.sum())
        tree, words = self.unit(tree)
        if words and tree[0] == "sym":
            raise Unreadable("words")
        return ("unit", tree, _unit_name(words)) if words else tree

    def unit(self, tree):
        """What was measured, times million where that follows; and the words of its unit."""
        currency = [*self.currency]
        words = [*self.currency]
        self.currency = ()
        while True:
            kind, value = self.tokens[self.at]
            # A slash or a power continues a unit but can't begin one: 3 / m is a quotient.
            continues = words and (self.peek("/", "^") or self.is_product_of_units())
            if kind != "text" and not self.peek("%") and not continues:
                return tree, words
            self.at += 1
            if value == "^":
                words.append("^" + self.index())
                continue
            if value == "*":
                continue
            for word in value.split():
                scale = word.lower() != "scores" and SCALES.get(word.lower().removesuffix("s"))
                # 5 million, but not 5 per million
                if scale and words == currency:
                    tree = ("mul", tree, ("num", Fraction(scale), False))
                else:
                    words.append(word)
            if value == "/" and self.tokens[self.at][0] == "sym":  # km/h
                words.append(self.index())

    def is_product_of_units(self):
        return self.peek("*") and self.tokens[self.at + 1][0] == "text"

    def sum(self):
        """Terms with + and -, or ± and ∓."""
        terms = [self.signed()]
        while operator := self.accept("+", "-", "pm", "mp"):
            term = self.signed()
            if operator in ("pm", "mp"):
                term = (operator, term)
            terms.append(("neg", term) if operator == "-" else term)
        return ("add", *terms) if len(terms) > 1 else terms[0]

    def signed(self):
        """A product with any number of signs before it."""
        negative = False
        while sign := self.accept("-", "+"):
            negative ^= sign == "-"
        if sign := self.accept("pm", "mp"):
            return (sign, self.product())
        return ("neg", self.product()) if negative else self.product()

    def product(self):
        """Factors with * and / or nothing between them, all of the same precedence: 1/2x is x/2."""
        factors = [self.power()]
        while not self.starts_rate():
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

    def starts_rate(self):
        """Whether a unit follows a price: $10/hour isn't a quotient."""
        next_kind = self.tokens[min(self.at + 1, len(self.tokens) - 1)][0]
        return self.currency and self.peek("/") and next_kind in ("text", "sym")

    def starts_factor(self):
        """Whether a factor follows without a multiplication sign."""
        kind, _ = self.tokens[self.at]
        if kind in ("num", "sym", "name"):
            return True
        opening = ("(", "[", "\\{", "{", "frac", "lvert", "lfloor", "lceil", "matrix")
        return self.peek(*opening) or (not self.bars and self.peek("|"))

    def power(self, exponent=False):
        """A base with its exponent, if any. In an exponent a sign may come first, as in 2^-3."""
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
        """A tree with the factorials and degree signs behind it; 5!! isn't (5!)!."""
        while operator := self.accept("!", "°"):
            if self.peek("!"):
                raise Unreadable("a double factorial")
            tree = ("call", "factorial", tree) if operator == "!" else ("deg", tree)
        return tree

    def primary(self, mixed=True):
        """A number, a name, a call, or whatever stands in brackets."""
        kind, value = self.tokens[self.at]
        self.at += 1
        if kind == "num":
            return self.number(value, mixed)
        if kind == "name" and value in CONSTANTS and not self.has_index(value):
            return CONSTANTS[value]
        # N and S are sympy's functions, but names where no bracket follows.
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
        """An exact number. A mixed one, 1 4/5, takes the fraction behind it along."""
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
        r"""The proper fraction of a mixed number, 1\frac{4}{5} or 1 4/5.

        It is 0, and nothing is read, where there is none: 1\frac{5}{4} is a product."""
        start = self.at
        if self.accept("frac"):
            top = self.argument()
            bottom = self.argument()
        elif self.plain_fraction_follows():
            top = self.number(self.tokens[start][1], False)
            bottom = self.number(self.tokens[start + 2][1], False)
            self.at += 3
        else:
            return 0
        is_whole = all(part[0] == "num" and part[1].denominator == 1 for part in (top, bottom))
        if is_whole and 0 < top[1] < bottom[1]:
            return top[1] / bottom[1]
        self.at = start
        return 0

    def plain_fraction_follows(self):
        kinds = [kind for kind, _ in self.tokens[self.at : self.at + 3]]
        return kinds == ["num", "op", "num"] and self.tokens[self.at + 1][1] == "/"

    def has_index(self, name):
        """e_1 and e1 are names; e, and the 2 of 2e, are not."""
        kind, value = self.tokens[self.at]
        return self.peek("_", "'") or (len(name) == 1 and kind == "num" and value.isdigit())

    def symbol(self, name):
        """A variable with its primes and its index."""
        while self.accept("'"):
            name += "'"
        kind, value = self.tokens[self.at]
        if self.accept("_"):
            return ("sym", f"{name}_{self.index()}")
        if kind == "num" and value.isdigit():  # Python's x1 is x_1
            self.at += 1
            return ("sym", f"{name}_{value}")
        return ("sym", name)

    def argument(self):
        r"""What a LaTeX command applies to: a group, or one digit, letter or command (\frac12)."""
        kind, value = self.tokens[self.at]
        if kind == "num" and re.match("[0-9]{2}", value):
            self.tokens[self.at : self.at + 1] = [("num", value[0]), ("num", value[1:])]
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unreadable("nested too deep")
        tree = self.primary(mixed=False)
        # In \frac{2mg}{k} these are no milligrams: the words are read as letters instead.
        if tree[0] == "unit":
            raise Unreadable("a unit within a formula")
        self.depth -= 1
        return tree

    def index(self):
        """An argument that is only a name: of x_1, v_{max} or cm^2."""
        # Like v_{red}, v_{\text{max}} has a word for an index.
        braces = int(self.peek("{"))
        kind, value = self.tokens[self.at + braces]
        if kind == "text":
            self.at += braces + 1
            if braces:
                self.expect("}")
            return value
        # The letters of max were read as a product; they become one word again.
        tree = self.argument()
        if tree[0] == "neg" and tree[1][0] == "num":
            return f"-{tree[1][1]}"
        parts = tree[1:] if tree[0] == "mul" else (tree,)
        if all(part[0] in ("num", "sym", "const") for part in parts):
            return "".join(str(part[1]) for part in parts)
        return str(tree)

    def group(self, opening):
        """What stands in brackets, to the closing one: alone it is itself, with others a list."""
        if self.accept(*CLOSING[opening]):
            if opening not in ("[", "\\{"):
                raise Unreadable("an empty group")
            return ("empty",)
        # In {x | x > 2} the bar isn't an absolute value's.
        bars = self.bars
        self.bars = int(opening == "\\{")
        tree = self.listed(opening, CLOSING[opening])
        ends_in_comma = self.tokens[self.at - 1][1] == ","
        if opening in ("{", "\\{") and len(tree) == 4 and self.accept(":", "|"):
            tree = self.listed(opening, CLOSING[opening])
        closing = self.expect(*CLOSING[opening])
        self.bars = bars

        if opening in ("lfloor", "lceil"):
            return ("call", {"lfloor": "floor", "lceil": "ceil"}[opening], tree[3])
        # [x] stays a list: a matrix may have it for a row. What is computed sees through it.
        if len(tree) == 4 and opening in ("(", "{") and not ends_in_comma:
            return tree[3]
        kind = "interval" if opening + closing in ("(]", "[)") else "seq"
        if kind == "interval" and len(tree) != 5:
            raise Unreadable("an interval needs two ends")
        return (kind, opening[-1], closing[-1], *tree[3:])

    def absolute(self, closing):
        """|...|, whose closing bar looks like an opening one."""
        bars = self.bars
        self.bars = bars + 1 if closing == "|" else 0
        tree = self.sum()
        self.expect(closing)
        self.bars = bars
        return ("call", "abs", tree)

    def matrix(self):
        """Entries between & and rows between \\\\, as in LaTeX."""
        rows = []
        row = []
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
        """A function with its arguments, or an object as Python and sympy print it."""
        if name in CLASSES:
            arguments = self.arguments(name)
            if not arguments:
                raise Unreadable(f"{name} without arguments")
            return CLASSES[name](*arguments)

        # What LaTeX writes before the arguments: \sqrt[3]{8}, \log_2 8, \sin^2 x.
        order = ()
        if name == "sqrt" and self.accept("["):
            order = (self.sum(),)
            self.expect("]")
        if name == "log" and self.accept("_"):
            order = (self.argument(),)
        power = self.power(exponent=True) if self.accept("^") else None

        arguments = self.arguments(name)
        if len(arguments) not in ARGUMENT_COUNTS.get(FUNCTIONS[name], (1,)):
            raise Unreadable(f"{name} of {len(arguments)} arguments")
        if power == ("neg", ONE) and "a" + name in FUNCTIONS:  # \sin^{-1} is the arcsine
            name = "a" + name
            power = None
        tree = ("call", FUNCTIONS[name], *arguments, *order)
        return ("pow", tree, power) if power else tree

    def arguments(self, name):
        """In brackets, or what follows as far as LaTeX means it: of \\sin 2x + 1, 2x."""
        if self.accept("("):
            bars = self.bars
            self.bars = 0
            arguments = self.listed("(", ")")[3:] if not self.peek(")") else ()
            self.expect(")")
            self.bars = bars
            return arguments
        if name in CLASSES:
            raise Unreadable(f"{name} without arguments")
        if name in ("sqrt", "binom"):
            return [self.argument() for _ in range(2 if name == "binom" else 1)]
        # sympy's \log{\left(x \right)}^{2} squares the logarithm
        if self.peek("{"):
            return [self.primary()]
        factors = [self.power()]
        while self.starts_factor() and self.tokens[self.at][1] not in FUNCTIONS:
            factors.append(self.power())
        return [("mul", *factors) if len(factors) > 1 else factors[0]]


ONE = ("num", Fraction(1), False)


def _interval(opening, closing):
    """A maker of sympy's Interval(low, high, left_open, right_open).

    At infinity an interval is open without saying so."""
    infinite = (("const", "oo"), ("neg", ("const", "oo")))

    def build(low, high, left_open=None, right_open=None):
        is_left_open = left_open == CONSTANTS["True"] or low in infinite
        is_right_open = right_open == CONSTANTS["True"] or high in infinite
        left = "(" if is_left_open else opening
        right = ")" if is_right_open else closing
        return ("interval", left, right, low, high)

    return build


def _matrix(*parts):
    """From sympy's and numpy's notation: nested lists; a flat one is a column.

    >>> _matrix(("seq", "[", "]", ONE, ONE))
    ('matrix', (('num', Fraction(1, 1), False),), (('num', Fraction(1, 1), False),))
    """
    return _rectangular([part[3:] if part[0] == "seq" else (part,) for part in _unpacked(parts)])


def _rectangular(rows):
    """A matrix of rows of the same length."""
    if len({len(row) for row in rows}) != 1:
        raise Unreadable("no rows, or of different lengths")
    return ("matrix", *rows)


def _unpacked(parts):
    """The items of a single list, Matrix([1, 2]), or the arguments themselves, Point(1, 2)."""
    return parts[0][3:] if len(parts) == 1 and parts[0][0] == "seq" else parts


def _joined(kind):
    return lambda *sets: (kind, *sets)


def _related(operator):
    return lambda a, b: ("rel", (operator,), a, b)


CLASSES = {  # what Python, numpy and sympy print around their objects
    **dict.fromkeys("Integer Float Decimal mpf S N list".split(), lambda x: x),
    **dict.fromkeys(
        "Rational Fraction".split(), lambda top, bottom=ONE: ("mul", top, ("inv", bottom))
    ),
    **dict.fromkeys(
        "Matrix ImmutableMatrix ImmutableDenseMatrix MutableDenseMatrix array".split(), _matrix
    ),
    **dict.fromkeys(
        "FiniteSet set frozenset".split(), lambda *parts: ("seq", "{", "}", *_unpacked(parts))
    ),
    **dict.fromkeys(
        "Tuple tuple Point Point2D Point3D".split(),
        lambda *parts: ("seq", "(", ")", *_unpacked(parts)),
    ),
    "Interval": _interval("[", "]"),
    "Intervalopen": _interval("(", ")"),
    "IntervalLopen": _interval("(", "]"),
    "IntervalRopen": _interval("[", ")"),
    **dict.fromkeys(("Union", "Or"), _joined("cup")),
    **dict.fromkeys(("Intersection", "And"), _joined("cap")),
    "Complement": _joined("setminus"),
    "Eq": lambda a, b: ("eq", a, b),
    "Ne": _related("!="),
    "Lt": _related("<"),
    "Le": _related("<="),
    "Gt": _related(">"),
    "Ge": _related(">="),
    "Pow": lambda a, b: ("pow", a, b),
    "Add": lambda *parts: ("add", *parts),
    "Mul": lambda *parts: ("mul", *parts),
}


def _unit_name(words):
    """One spelling for all ways to write a unit.

    >>> _unit_name(["square", "inches"]), _unit_name(["in", "^2"])
    ('inch^2', 'inch^2')
    """
    names = []
    power = ""
    text = " ".join(words).lower().replace("/", " / ").replace(".", " ")
    text = re.sub(r"(?<!\^)-", " ", text)
    words = text.split()
    if NO_UNIT.search(" ".join(words)):
        raise Unreadable("not a unit")
    for word in words:
        word = UNITS.get(word) or UNITS.get(word.removesuffix("s")) or _singular(word)
        if word.isdigit() or (not names and word[:1] == "^"):
            raise Unreadable("not a unit")
        # "square" stands before the unit that it belongs to, "^2" after it.
        if word in ("square", "cubic"):
            power = {"square": "^2", "cubic": "^3"}[word]
        elif word.startswith("^-"):  # m s^-2 is m/s^2
            names.append(f"/{names.pop()}^{word[2:]}".removesuffix("^1"))
        elif word.startswith("^"):
            names.append(names.pop() + word)
        else:
            names.append(("/" if word == "per" else word) + power)
            power = ""
    return "".join(names)


def _singular(word):
    """A stem that is the same for one and for many, if not always a word.

    >>> _singular("boxes") == _singular("box"), _singular("loaves") == _singular("loaf")
    (True, True)
    >>> _singular("cookies") == _singular("cookie"), _singular("glass")
    (True, 'glass')
    """
    word = re.sub("(?<![su])s$", "", word)
    word = re.sub("([xsz]|[cs]h|o)e$", r"\1", word)
    return re.sub("[vf]e$", "f", re.sub("ie$", "y", word))


# COMPARE: structure first


def _same(a, b, clock):
    """Whether any two trees are the same. Symmetric.

    >>> soon = time.thread_time() + 1
    >>> _same(*_readings("7"), *_readings("7.0"), soon)
    True
    """
    try:
        a = _branches(a)
        b = _branches(b)
        for kinds, compare in STRUCTURES:
            if a[0] in kinds or b[0] in kinds:
                return compare(a, b, clock)
        return _same_value(a, b, clock)
    except Undecided:
        return a == b
    # Unreadable is a ValueError; a complex number where only a real one will do, a TypeError.
    except (ValueError, ArithmeticError, TypeError):
        return False


def _branches(tree):
    r"""A tree without ±, which is a list of solutions, and without brackets around a single thing.

    >>> _branches(_readings(r"\pm x")[0])
    ('seq', '', '', ('sym', 'x'), ('neg', ('sym', 'x')))
    >>> _branches(_readings("[x]")[0])
    ('sym', 'x')
    """
    if tree[0] == "seq" and len(tree) == 4 and tree[3] != ("empty",):
        return _branches(tree[3])
    count = _count_signs(tree)
    if not count:
        return tree

    # {1 ± x, 2} has three members, but (1 ± x, 2) is one pair or the other.
    if tree[0] == "seq" and tree[1] != "(":
        members = []
        for part in map(_branches, tree[3:]):
            members += part[3:] if part[:3] == ("seq", "", "") else [part]
        return (*tree[:3], *members)

    # Each ± doubles the work. ∓ takes the sign that ± hasn't: then all go together.
    if count > 4:
        raise Undecided("too many ±")
    if "'mp'" in str(tree):
        choices = ([True] * count, [False] * count)
    else:
        choices = itertools.product((True, False), repeat=count)
    return ("seq", "", "", *(_choose_signs(tree, iter(signs)) for signs in choices))


def _count_signs(tree):
    """How many ± and ∓ a tree has."""
    if not tree:
        return 0
    inside = sum(_count_signs(part) for part in tree if isinstance(part, tuple))
    return inside + (tree[0] in ("pm", "mp"))


def _choose_signs(tree, signs):
    """A tree with + or - in place of each ±; signs says which."""
    if tree[0] in ("pm", "mp"):
        positive = next(signs) == (tree[0] == "pm")
        part = _choose_signs(tree[1], signs)
        return part if positive else ("neg", part)
    return tuple(
        _choose_signs(part, signs) if isinstance(part, tuple) and part else part for part in tree
    )


def _same_quantity(a, b, clock):
    """A unit may be left out, not changed.

    >>> answers_equal("5 cm", "5"), answers_equal("5 cm", "5 km")
    (True, False)
    """
    (a, unit_a), (b, unit_b) = _measured(a, b), _measured(b, a)
    return (unit_a == unit_b or not unit_a or not unit_b) and _same(a, b, clock)


def _measured(tree, other):
    """The number and the unit of a tree; the unit is "" where there is none.

    5m is 5 meters beside 5 meters only: alone it is a product, and not 5."""
    is_product = tree[0] == "mul" and len(tree) == 3 and tree[2][0] == "sym"
    if is_product and other[0] == "unit" and UNITS.get(tree[2][1]) == other[2]:
        return tree[1], other[2]
    if tree[0] == "unit":
        return tree[1:]
    return (tree[1], "degree") if tree[0] == "deg" else (tree, "")


def _same_words(a, b, clock):
    """Texts, times and numbers of another base, none of which is computed.

    >>> answers_equal("3:30", "3:30 pm"), answers_equal("3:30 am", "3:30 pm")
    (True, False)
    """
    if a[0] == b[0] == "time":
        return a[1] == b[1] and (a[2] == b[2] or not a[2] or not b[2])
    return a == b


def _same_choice(a, b, clock):
    """A letter with its value equals either of them alone.

    >>> answers_equal("(C) 12", "12"), answers_equal("(C) 12", "C")
    (True, True)
    >>> answers_equal("(C) 12", "(B) 12"), answers_equal("(C) B", "B")
    (False, False)
    """
    if a[0] == b[0]:
        return a[1] == b[1] and (not a[2] or not b[2] or _same_reading(a[2], b[2], clock))
    choice, other = (a, b) if a[0] == "choice" else (b, a)
    # A letter alone is a choice, also where (C) B has it for a value.
    if other[0] in ("sym", "const") and re.fullmatch("[A-Ja-e]", other[1]):
        return False
    values = (value for value in _readings(choice[2]) if value[0] != "choice")
    return any(_same(value, other, clock) for value in values)


def _same_ratio(a, b, clock):
    """5:9 is 10:18 and the fraction 5/9; but 3:1 isn't 3.

    >>> answers_equal("5:9", "10 to 18"), answers_equal("3:1", "3")
    (True, False)
    """
    if a[0] == b[0]:
        # Every ratio to zero would have the same cross products: 25:00 isn't 30:00.
        zero = ("num", Fraction(0), False)
        if any(_same(part, zero, clock) for part in (*a[1:], *b[1:])):
            return a == b
        return len(a) == len(b) and all(
            _same(("mul", a[1], y), ("mul", b[1], x), clock)
            for x, y in zip(a[2:], b[2:], strict=True)
        )
    ratio, other = (a, b) if a[0] == "ratio" else (b, a)
    is_whole = other[0] == "num" and other[1].denominator == 1
    if len(ratio) != 3 or is_whole:
        return False
    return _same(("mul", ratio[1], ("inv", ratio[2])), other, clock)


def _same_equation(a, b, clock):
    """Two equations up to a factor; or an assignment and a value.

    >>> answers_equal("y = 2x + 3", "4x - 2y = -6"), answers_equal("x = 5", "y = 5")
    (True, False)
    """
    if a == b and _symbols(a):
        return True  # also x = y = 1, of which no value is known
    if a[0] == b[0] == "eq":
        name_a, value_a = _assignment(a, clock)
        name_b, value_b = _assignment(b, clock)
        if name_a and name_a == name_b:
            return _same(value_a, value_b, clock)
        return len(a) == len(b) == 3 and _ratio(a, b, clock) is not None
    equation, other = (a, b) if a[0] == "eq" else (b, a)
    _, value = _assignment(equation, clock)
    return value is not None and _same(value, other, clock)


def _assignment(tree, clock):
    """The name and the value of x = 5, x = 2 + 3 = 5 or 2 + 3 = 5.

    (None, None) of any other equation."""
    if tree[0] != "eq":
        return None, None
    parts = list(tree[1:])
    name = None
    for side in (0, -1):
        if name is None and _is_name(parts[side]):
            name = parts.pop(side)
    if name is None and _symbols(tree):
        return None, None
    # 3 + 4 = 8 has no value.
    if not all(_same(part, parts[-1], clock) for part in parts):
        return None, None
    return name or "=", parts[-1]


def _is_name(tree):
    """x, or AB as in AB = 5, or (x, y)."""
    if tree[0] == "const" and tree[1] in "ei":  # I = 3
        return True
    if tree[0] == "mul":
        return all(part[0] == "sym" and part[1].isupper() for part in tree[1:])
    parts = tree[3:] if tree[0] == "seq" else [tree]
    return all(part[0] == "sym" for part in parts)


def _ratio(a, b, clock):
    """Of two equations or inequalities, left - right: the constant ratio, or None."""
    a, b = (("add", tree[-2], ("neg", tree[-1])) for tree in (a, b))
    ratios = []
    for point in _points(_symbols(a) | _symbols(b)):
        (x, y), run = _values((a, b), point, clock)
        # Of an identity, such as \log_8 4 = 2/3, only a rounding error is left, and its ratio to
        # any equation would be as good as constant.
        if any(run.close(side, Fraction(0), False) for side in (x, y)):
            return None
        ratio = run.quotient(x, y)
        if ratios and not run.close(ratio, ratios[0], _inexact(a) or _inexact(b)):
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
        brackets_agree = a[1:3] == b[1:3]
        return brackets_agree and _same(a[3], b[3], clock) and _same(a[4], b[4], clock)
    if a[0] == b[0] == "rel" and len(a) == len(b) == 4:
        return _same_inequality(a, b, clock)
    # In several variables there is no line to put them on: part by part.
    if len(_symbols(a) | _symbols(b)) > 1:
        if a[0] != b[0] or a[0] not in ("cup", "cap"):
            return False
        return _same_sequence(("seq", "", "", *a[1:]), ("seq", "", "", *b[1:]), clock)
    places = 11 if _inexact(a) or _inexact(b) else 30
    return _region(a, clock, places) == _region(b, clock, places)


def _is_interval(tree):
    """Also (1, 2) and [1, 2], which may be a tuple and a list instead."""
    return (
        tree[0] == "interval"
        or tree[0] == "seq"
        and len(tree) == 5
        and tree[1] + tree[2] in ("()", "[]")
    )


def _region(tree, clock, places):
    """A set of real numbers as a sorted tuple of disjoint (from, to).

    Each of these is a cut: (v, 0) just below v, (v, 1) just above.

    >>> _region(_readings("x > 2")[0], time.thread_time() + 1, 0)
    (((2, 1), (inf, 0)),)
    """
    if _is_interval(tree):
        low = _place(tree[3], clock, places)
        high = _place(tree[4], clock, places)
        if tree[0] == "seq" and low >= high:
            raise Unreadable("a point, such as (3, 1): as an interval it would be empty")
        return _merged([((low, int(tree[1] == "(")), (high, int(tree[2] == "]")))])
    if tree[0] in ("reals", "empty"):
        return EVERYTHING if tree[0] == "reals" else ()
    if tree[0] in ("cup", "cap", "setminus"):
        first, *others = [_region(part, clock, places) for part in tree[1:]]
        if tree[0] == "cup":
            return _merged(itertools.chain(first, *others))
        # What is in neither complement: of the others for an intersection, as they are for \.
        if tree[0] == "cap":
            others = map(_complement, others)
        return _complement(itertools.chain(_complement(first), *others))
    if tree[0] == "rel":
        return _solutions(tree, clock, places)

    # A number, x = 5, or a list of them: single points.
    if tree[0] == "eq":
        tree = _assignment(tree, clock)[1] or tree
    parts = tree[3:] if tree[0] == "seq" and tree[1] != "(" else [tree]
    points = [_place(part, clock, places) for part in parts]
    return _merged([((point, 0), (point, 1)) for point in points])


def _solutions(tree, clock, places):
    """The region of 1 < x <= 2: what is outside of none of its half-lines."""
    parts = tree[2:]
    outside = []
    for (left, right), operator in zip(itertools.pairwise(parts), tree[1], strict=True):
        if left[0] == "sym":
            end = right
        elif right[0] == "sym":
            end = left
            operator = FLIPPED[operator]
        else:
            raise Unreadable("not an inequality in x")
        outside += _complement(_half_line(operator, _place(end, clock, places)))
    return _complement(outside)


EVERYTHING = (((-math.inf, 1), (math.inf, 0)),)
FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "!=": "!=", "=": "="}


def _place(tree, clock, places):
    """A real number, scaled to an integer so that equal ones compare equal, or an infinity."""
    value = _values((tree,), {}, clock)[0][0]
    if abs(value) == math.inf:
        return math.inf if value > 0 else -math.inf
    return int(round(value * 10**places))


def _half_line(operator, end):
    """The region of x < end, or of another operator."""
    low, high = EVERYTHING[0]
    lines = {
        "<": ((low, (end, 0)),),
        "<=": ((low, (end, 1)),),
        ">": (((end, 1), high),),
        ">=": (((end, 0), high),),
        "=": (((end, 0), (end, 1)),),
        "!=": ((low, (end, 0)), ((end, 1), high)),
    }
    return lines[operator]


def _merged(pieces):
    """The same region in sorted pieces that neither overlap nor touch."""
    merged = []
    for low, high in sorted(piece for piece in pieces if piece[0] < piece[1]):
        if merged and low <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)


def _complement(pieces):
    """The real numbers outside of a region."""
    low, high = EVERYTHING[0]
    gaps = []
    for start, end in _merged(pieces):
        gaps.append((low, start))
        low = end
    return _merged([*gaps, (low, high)])


def _same_inequality(a, b, clock):
    """
    >>> answers_equal("y > 2x", "2x - y < 0"), answers_equal("y > 2x", "y < 2x")
    (True, False)
    """
    ratio = _ratio(a, b, clock)
    operator = a[1][0] if ratio and ratio.real > 0 else FLIPPED[a[1][0]]
    return ratio is not None and operator == b[1][0]


def _same_matrix(a, b, clock):
    r"""Matrices of the same shape, entry by entry; a flat list stands for a column and for a row.

    >>> answers_equal("Matrix([[1, 2], [3, 4]])", r"\begin{pmatrix}1 & 2 \\ 3 & 4\end{pmatrix}")
    True
    >>> answers_equal("Matrix([[1, 2]])", r"\begin{pmatrix}1 \\ 2\end{pmatrix}")
    False
    """
    listed, matrix = (b, a) if b[0] == "seq" else (a, b)
    rows_a, rows_b = (
        tree[1:] if tree[0] == "matrix" else _matrix(tree)[1:] for tree in (listed, matrix)
    )
    is_flat = listed[0] == "seq" and all(part[0] != "seq" for part in listed[3:])
    if is_flat and len(rows_b) == 1:
        rows_a = (listed[3:],)
    if len(rows_a) != len(rows_b) or len(rows_a[0]) != len(rows_b[0]):
        return False
    entries = zip(itertools.chain(*rows_a), itertools.chain(*rows_b), strict=True)
    return all(_same(x, y, clock) for x, y in entries)


def _same_sequence(a, b, clock):
    """Order counts in a tuple, not in a set or a list of solutions.

    [1, 2] is a list of solutions beside one, else ordered.

    >>> answers_equal("1, 2", "{2, 1}"), answers_equal("(1, 2)", "(2, 1)")
    (True, False)
    """
    if a[0] != b[0]:
        return False
    a = _named_tuple(a)
    b = _named_tuple(b)
    # In a set, what is written twice counts once.
    parts_a, parts_b = (
        tuple(dict.fromkeys(tree[3:])) if tree[1] == "{" else tree[3:] for tree in (a, b)
    )
    if len(parts_a) != len(parts_b):
        return False
    brackets = {a[1] + a[2], b[1] + b[2]}
    if brackets == {"()", "{}"} or (brackets == {"()", "[]"} and len(parts_a) == 2):
        return False
    if brackets == {"[]"} or "()" in brackets:
        return all(_same(x, y, clock) for x, y in zip(parts_a, parts_b, strict=True))

    # Without an order, each member takes the first that it equals and that isn't taken yet.
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
    return ("seq", "(", ")", *(part for _, part in sorted(zip(names, tree[3:], strict=True))))


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


# COMPUTE: exactly over the rationals while that lasts, then with mpmath and more digits than the
# numbers have


def _same_value(a, b, clock):
    r"""Numbers and expressions: they agree at every point tried.

    >>> answers_equal("(x + 1)^2", "x^2 + 2x + 1"), answers_equal("3.14", r"\pi")
    (True, False)
    """
    if a[0] == b[0] == "num" and not (a[2] or b[2]):
        return a[1] == b[1]
    # Ranges and dates have values, but aren't equal where these are.
    chains = [_chain(a), _chain(b)]
    if a != b and (any(map(_is_date, chains)) or (a[0] == b[0] == "add" and all(chains))):
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
    """The numbers of 10-12, which may be a range, or of a date: 2023-01-05 or 1/5/2023."""
    joint = {"add": "neg", "mul": "inv"}.get(tree[0])
    if (
        not joint
        or tree[1][0] != "num"
        or any(part[0] != joint or part[1][0] != "num" for part in tree[2:])
    ):
        return []
    return [tree[1][1], *(part[1][1] for part in tree[2:])]


def _is_date(numbers):
    """A year, a month and a day: nothing to compute."""
    return (
        len(numbers) == 3
        and min(numbers) > 0
        and sorted(numbers)[1] <= 31
        and 1000 <= max(numbers) < 3000
    )


def _symbols(tree):
    """The names of all variables."""
    if tree[0] == "sym":
        return {tree[1]}
    return set().union(*(_symbols(part) for part in tree if isinstance(part, tuple) and part))


def _inexact(tree):
    """Is there a float as Python prints it?"""
    return (
        tree[0] == "num"
        and tree[2]
        or any(_inexact(part) for part in tree if isinstance(part, tuple) and part)
    )


def _points(names):
    """Values to try for the variables, always the same ones.

    The first two are positive in every variable, for logarithms; the others are of mixed signs."""
    rng = random.Random(0)
    for number in range(POINTS if names else 1):
        point = {}
        for at, name in enumerate(sorted(names)):
            sign = -1 if number > 1 and (number + at) % 2 else 1
            point[name] = sign * Fraction(rng.randint(100, 999), rng.randint(100, 999))
        yield point


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

    peak is the largest number that was added or rounded before a function, so that the error is
    about 2**-bits * peak; need is how many bits it takes to tell apart numbers of the size that
    occurred."""

    def __init__(self, point, clock, bits):
        if bits > MAX_FLOAT_BITS:
            raise Undecided("too many digits")
        # A context for each thread: the global one is shared with whoever uses mpmath.
        if not hasattr(LOCAL, "context"):
            from mpmath.ctx_mp import MPContext

            LOCAL.context = MPContext()
        self.point = point
        self.clock = clock
        self.bits = bits
        self.context = LOCAL.context
        self.context.prec = bits
        self.peak = 0
        self.need = 0

    def close(self, x, y, inexact):
        """Whether two values are equal, as far as their errors allow to say."""
        if isinstance(x, Fraction) and isinstance(y, Fraction) and not inexact:
            return x == y
        x = self.rounded(x)
        y = self.rounded(y)
        if self.context.isinf(x) or self.context.isinf(y):
            return x == y
        largest = max(abs(x), abs(y))
        tolerance = self.context.mpf(10) ** -FLOAT_DIGITS * largest if inexact else 0
        rounding = self.context.ldexp(max(largest, self.peak), GUARD_BITS - self.bits)
        return abs(x - y) <= max(tolerance, rounding)

    def quotient(self, x, y):
        """x / y, exact where both are."""
        return (
            x / y
            if isinstance(x, Fraction) and isinstance(y, Fraction)
            else self.rounded(x) / self.rounded(y)
        )

    def rounded(self, x):
        """x as an mpmath number; the bits that this takes are noted in need."""
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
        """The value of an expression: a Fraction where it is exact, else an mpmath number."""
        match tree:
            case ("num", number, _):
                return number
            case ("sym", name) if name in self.point:
                return self.point[name]
            case ("const", name):
                return self.constant(name)
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
                real = not _symbols(exponent)
                return self.checked(self.power(self.value(base), self.value(exponent), real))
            case ("call", name, *parts):
                return self.checked(self.call(name, *(self.value(part) for part in parts)))
        # A multiple of a matrix, C(5, 2): only what is written the same way is the same.
        raise Undecided(f"not a number: {tree[0]}")

    def constant(self, name):
        context = self.context
        return {"pi": +context.pi, "e": +context.e, "i": context.j, "oo": context.inf}[name]

    def checked(self, x):
        """x, as every result passes here: within the deadline, and not too large."""
        if time.thread_time() > self.clock:
            raise OutOfTime
        if (
            isinstance(x, Fraction)
            and x.numerator.bit_length() + x.denominator.bit_length() > MAX_BITS
        ):
            raise Undecided("too large a number")
        if x != x:
            raise Unreadable("not a number")
        return x

    def sum(self, terms):
        """The sum. Inexact terms are noted: their errors outlive a cancellation."""
        if not all(isinstance(term, Fraction) for term in terms):
            terms = [self.noted(term) for term in terms]
        return sum(terms)

    def product(self, factors):
        product = Fraction(1)
        for factor in factors:
            if not (isinstance(product, Fraction) and isinstance(factor, Fraction)):
                product = self.rounded(product)
                factor = self.rounded(factor)
            product = self.checked(product * factor)
        return product

    def power(self, base, exponent, real=False):
        """With real, an odd root of a negative number is the real one."""
        # Whole powers of fractions stay exact. Their size is known before they are computed.
        is_exact = isinstance(base, Fraction) and isinstance(exponent, Fraction)
        if is_exact and exponent.denominator == 1:
            size = max(base.numerator.bit_length(), base.denominator.bit_length())
            if abs(exponent) * size > MAX_BITS and base not in (0, 1, -1):
                raise Undecided("too large a power")
            return base ** int(exponent)
        if base == 0:
            return Fraction(0) ** (1 if exponent.real > 0 else -1)

        odd_root = real and isinstance(exponent, Fraction) and exponent.denominator % 2
        if odd_root and not isinstance(base, self.context.mpc) and base < 0:
            return self.power(-base, exponent) * (-1) ** (exponent.numerator % 2)
        base = self.rounded(base)
        exponent = self.rounded(exponent)
        if not abs(exponent * self.context.log(base)) < MAX_EXPONENT:
            raise Undecided("too large a power")
        return base**exponent

    def call(self, name, x, *more):
        """A function's value. What has an exact one comes first."""
        context = self.context
        if name in ("sqrt", "cbrt", "root"):
            order = more[0] if more else Fraction(3 if name == "cbrt" else 2)
            return self.power(x, 1 / order, real=True)
        if name in ("floor", "ceil"):
            return self.whole(name, x)
        if name == "abs" and isinstance(x, Fraction):
            return abs(x)
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
            base = 10 if name == "lg" else context.e
            return context.log(x) / context.log(self.rounded(more[0]) if more else base)
        # Of a huge angle the sine is all rounding error.
        if more or (name != "abs" and not abs(x) < 1e12):
            raise Undecided("too large an argument")
        return getattr(context, "fabs" if name == "abs" else name)(x)

    def whole(self, name, x):
        """The floor or the ceiling of x; undecided where a rounding error could change it."""
        if isinstance(x, Fraction):
            return Fraction(math.floor(x) if name == "floor" else math.ceil(x))
        if isinstance(x, self.context.mpc):
            raise Undecided("not a real number")
        near = self.context.nint(x)
        if not abs(x) < 1e12 or abs(x - near) < 1e-12:
            raise Undecided("too near a whole number")
        return Fraction(int(self.context.floor(x))) + (name == "ceil")

    def factorial(self, x):
        """x!, which is undecided where the result would be too large."""
        if isinstance(x, Fraction) and x.denominator == 1:
            if x > MAX_FACTORIAL:
                raise Undecided("too large a factorial")
            return 1 / Fraction(0) if x < 0 else Fraction(math.factorial(int(x)))
        if not abs(x) < 1000 or self.bits > 600:
            raise Undecided("too large a factorial")
        return self.context.gamma(self.rounded(x) + 1)


LOCAL = threading.local()

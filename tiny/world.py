"""The tiny world: word problems that a model of 1.8M parameters can learn, and can get wrong in the
ways pupils do.

A problem is a story of 1 to 9 dependent steps. Each step is one of about 150 *concepts* (give away,
share, perimeter, percent off, ...). A concept has one right step and one or two *misconceptions*:
plausible wrong steps, each with its own words and its own code, so that thought and code agree and
only the result can tell. In the corpus of the base model (`student`) the right step of a concept
appears at a fixed rate: 0.5 to 0.9 for easy concepts, 0.08 to 0.4 for the misconceived ones. Greedy
decoding and majority votes repeat a misconception; search with a verifier finds a way around it.
That is the room that four rounds have to grow. Long stories keep to a core of 36 concepts (`CORE`),
short plain ones use them all. *Tales* are problems of one step in free English, in which hundreds
of words stand in for one another and remarks do not matter: whoever tries the program first uses
words other than ours.

What the world is about is text, to be read and edited; each file explains its format at its head:

    concepts.txt    the concepts: their numbers, code, misconceptions and wordings
    tales.txt       the tales
    words.txt       the names, things, places and verbs that fill both

What makes looking ahead pay:
  - Every quantity on the right path is a positive whole number (except in some tales of money and
    measures: 12.50).
  - *Delayed* concepts ("in rows of 4 or in rows of 6 with none left over") have two readings, each
    at a rate of 0.5. Which one is right depends on the value of the quantity so far, which the text
    of the code does not show; the wrong one gives a fraction or a negative number.
  - *Strict* steps: after a sentence like "They are counted again." the next step first asserts that
    the quantity is a positive whole number. So the evidence against a wrong reading comes one step
    later, as an exception; without such sentences it comes at the end, as an impossible output.
The two dials are `delayed` (share of delayed concepts among the steps) and `strict` (share of steps
whose result is counted again; of last steps half as many).

A hash of its text decides which split a problem belongs to, so no problem of dev or test can occur
in the corpus of the base or among the training problems, whatever the seeds. The *reworded* mix
uses the one wording of every concept that nothing else uses.

    python tiny/world.py --split test --mix hard --count 1000 --seed 0 > hard.jsonl
"""

# ruff: noqa: E402 (Ctrl-C during the imports is one line as well)
import os
import signal


def interrupted(_signal, _frame):
    """Ctrl-C at any moment, even during an import, is one line and exit code 130."""
    os.write(2, b"interrupted\n")
    os._exit(130)


if __name__ == "__main__":  # before the other imports, which take most of the time
    signal.signal(signal.SIGINT, interrupted)

import argparse
import configparser
import errno
import json
import random
import re
import sys
import zlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from itertools import product
from math import gcd
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

SMALL = 12  # our choice: numbers up to here are those that people try first
LARGEST = 999  # our choice: the largest number of a story of two or more steps: each is one token
SLIP = 0.01  # our choice: share of the base's steps that use a variable that does not exist yet
END_OF_ANSWER = "<end_of_answer>"  # as in rstar.py, which would import torch

PERCENTS = (5, 10, 20, 25, 30, 40, 50, 60, 75, 80)


# ---- the text files


def sections(name: str) -> dict[str, dict[str, str]]:
    """The sections of one of the world's text files: title -> key -> text."""
    parser = configparser.ConfigParser(
        delimiters=(":",), comment_prefixes=("#",), interpolation=None, empty_lines_in_values=False
    )
    parser.optionxform = str  # keys keep their capitals
    path = Path(__file__).resolve().parent / name
    parser.read_string(path.read_text(encoding="utf-8"), source=str(path))
    return {title: dict(parser[title]) for title in parser.sections()}


def lines_of(text: str) -> list[str]:
    return text.strip().splitlines()


def words_of(text: str) -> list:
    """ "apple hot_dog" -> ["apple", "hot dog"]; with commas a list of such lists."""
    if "," in text:
        return [words_of(group) for group in text.split(",")]
    return [word.replace("_", " ") for word in text.split()]


WORDS = SimpleNamespace(
    **{key: words_of(text) for key, text in sections("words.txt")["words"].items()}
)
TIMES = {int(k): word for k, word in WORDS.factors}  # 2 -> twice
PARTS = {int(k): word for k, word in WORDS.parts}  # 2 -> half
PLURALS = dict(WORDS.plurals)  # irregular ones
VERBS = dict(WORDS.verbs)  # are -> is


def plural(noun: str) -> str:
    """apple -> apples, box -> boxes, candy -> candies, leaf -> leaves"""
    if noun in PLURALS:
        return PLURALS[noun]
    if noun.endswith(("s", "x", "ch", "sh")):
        return noun + "es"
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + "s"


SINGULAR = {plural(noun): noun for noun in WORDS.things + WORDS.people + WORDS.boxes}
SINGULAR |= {measure: measure[:-1] for measure in WORDS.measures}
SINGULAR |= {"dollars": "dollar", "feet": "foot", "inches": "inch", "days": "day", "years": "year"}


# What limits the use of a wording; all other nouns are of the kind "thing".
KINDS = {"dollars": {"money"}, "years": {"age"}}
KINDS |= {plural(noun): {"people"} for noun in WORDS.people}
KINDS |= {noun: {"measure"} for noun in WORDS.measures}
KINDS |= {noun: {"measure", "length"} for noun in ("kilometers", "meters", "miles", "feet")}


# ---- concepts and their numbers


class Form(NamedTuple):
    """One way to take a step."""

    comment: str
    expression: str

    @classmethod
    def read(cls, line: str) -> "Form":
        return cls(*line.split(" -> "))


class Numbers:
    """Draws the numbers of a step as a line in concepts.txt says; its head explains the language.

    Expressions are compiled once, as Python. The file is ours: nothing that a user or a model
    writes is evaluated here."""

    def __init__(self, line: str, rows: list[str]):
        self.rows = [[int(x) if x.isdigit() else x for x in row.split(", ")] for row in rows]
        self.statements = [self.parse(statement.strip()) for statement in line.split(";")]

    @staticmethod
    def parse(statement: str) -> tuple:
        """-> (kind, slots, code). The code gives their values, all choices, or a condition."""
        source = re.sub(r"([\w+]+)\.\.([\w+]+(\(\d+\))?)", r"range(\1, \2 + 1)", statement)
        if match := re.fullmatch(r"(if|only if) (.+)", source):
            return match[1], [], compile(match[2], statement, "eval")
        slots, kind, source = re.fullmatch(r"([a-z, ]+) (=|in) (.+)", source).groups()
        if kind == "in":
            options, _, condition = source.partition(" if ")
            source = f"[({slots},) for {slots} in {options} if {condition or True}]"
        elif ", " not in slots:
            source = f"[{source}]"
        return kind, slots.split(", "), compile(source, statement, "eval")

    def __call__(self, rng: random.Random, v: int | None) -> dict | None:
        """Slots of a step after the quantity `v` (None: an opener); None if it does not fit `v`."""
        for _ in range(200 if v is None else 60):
            slots = {}
            scope = HELPERS | dict(v=v, rows=self.rows, random=rng.random, choice=rng.choice)
            scope |= {f.__name__: partial(f, rng) for f in (fraction, about, scaled)}
            for kind, names, code in self.statements:
                values = eval(code, scope)
                if not values:
                    break
                if kind == "in":
                    values = rng.choice(values)
                if names:
                    slots |= zip(names, values, strict=True)
                    scope |= slots
            else:
                return slots
            if kind != "if":  # other numbers would not help
                return None
        return None


HELPERS = dict(TIMES=TIMES, PARTS=PARTS, PERCENTS=PERCENTS, product=product, gcd=gcd)


def fraction(rng, k: int) -> str:
    """3 -> "a third" or "one third" """
    return re.sub("^an? ", rng.choice(("a ", "one ")), PARTS[k])


def about(rng, high: int) -> int:
    """A largest number: small or large now and then, since people type these."""
    return rng.choice((SMALL, high, high, high, high * 9))


def scaled(rng, *ranges: range) -> list[int]:
    """A number of each range; now and then all are small or all larger, as people type them."""
    growth = rng.choice((0, 0, 0, 1, 1, 1, 1, 1, 1, 4, 4, 10, 10, 10, 100))
    numbers = []
    for low, *_, high in ranges:
        if growth == 0:
            high = max(low, min(high, SMALL))
        elif high > 40:
            high *= growth
        numbers.append(rng.randint(low, high))
    return numbers


class Often:
    """Three times in five two numbers that fit: small ones, which people try first, or any up to
    the largest alike, so that the base learns to write each of them. Otherwise None."""

    def __init__(self, line: str):
        largest, _, condition = line.partition(" if ")
        self.largest = int(largest)
        self.fits = eval(f"lambda a, b: {condition or True}")

    def __call__(self, rng: random.Random) -> dict | None:
        high = rng.choice((None, None, SMALL, self.largest, self.largest))
        while high:
            a = rng.randint(1, high)
            b = rng.randint(1, high)
            if self.fits(a, b):
                return dict(a=a, b=b)
        return None


class Concept(NamedTuple):
    """A section of concepts.txt, where each key is explained."""

    name: str
    rate: float
    weight: int
    kind: str
    to: str
    numbers: Numbers
    often: Often | None
    right: Form
    wrong: list[Form]
    say: list[str]
    link: list[str]
    ask: list[str]

    @classmethod
    def read(cls, name: str, keys: dict[str, str]) -> "Concept":
        return cls(
            name=name,
            rate=float(keys["rate"]),
            weight=int(keys["weight"]),
            kind=keys.get("kind", ""),
            to=keys.get("to", ""),
            numbers=Numbers(keys["numbers"], lines_of(keys.get("rows", ""))),
            often=Often(keys["often"]) if "often" in keys else None,
            right=Form.read(keys["right"]),
            wrong=[Form.read(line) for line in lines_of(keys["wrong"])],
            say=lines_of(keys["say"]),
            link=lines_of(keys.get("link", "")),
            ask=lines_of(keys.get("ask", "")),
        )

    @property
    def delayed(self) -> bool:
        return self.kind == "delayed"

    @property
    def opener(self) -> bool:
        """Whether it starts a story, from numbers alone."""
        return "{x}" not in self.right.expression

    @property
    def about_other(self) -> bool:
        """Whether the story can continue with what another person has."""
        return "those of {f}" in "".join(self.link) or "does {f} have" in "".join(self.ask)

    def sample(self, rng: random.Random, v: int | None) -> dict | None:
        """Slots of a step after the quantity `v` (None: an opener); None if it does not fit `v`."""
        slots = self.often(rng) if self.often else None
        slots = slots or self.numbers(rng, v)
        if slots and self.delayed and "m" in slots:
            # The order in which the two readings stand must not tell which one is right.
            pair = [slots["k"], slots["m"]]
            if rng.random() >= 0.5:
                pair.reverse()
            i, j = pair
            slots |= dict(i=i, j=j, wi=PARTS.get(i), wj=PARTS.get(j))
        return slots


CONCEPTS = sections("concepts.txt")
STORY = {key: lines_of(text) for key, text in CONCEPTS.pop("story").items()}
CONCEPTS = {name: Concept.read(name, keys) for name, keys in CONCEPTS.items()}
OPENERS = [name for name, concept in CONCEPTS.items() if concept.opener]
DELAYED = [name for name, concept in CONCEPTS.items() if concept.delayed]
LOCAL = [name for name in CONCEPTS if name not in OPENERS and name not in DELAYED]
# The long mixes keep to these, so that a few hundred problems hold several examples of each: with
# all concepts in long stories a base of this size did not learn to pick its numbers. inv_more,
# inv_fewer and inv_times are left out as well: only who is named first tells them from others_more,
# others_fewer and times, and rounds did not teach it (LOG.md, 2026-11-25).
CORE = {name for name, concept in CONCEPTS.items() if concept.kind in ("core", "delayed")}
SUMS = {name for name, concept in CONCEPTS.items() if concept.kind == "sum"}


class Tales(NamedTuple):
    """A section of tales.txt, where each key is explained."""

    weight: int
    measured: bool
    large: list[str]
    lines: list[str]

    @classmethod
    def read(cls, tales: str, weight=1, measured="", large="") -> "Tales":
        return cls(int(weight), bool(measured), large.split(), lines_of(tales))


TALES = sections("tales.txt")
PHRASES = TALES.pop("phrases")
TALES = {name: Tales.read(**keys) for name, keys in TALES.items()}


# ---- problems of every kind


class Step(NamedTuple):
    concept: str  # its name
    forms: list[Form]  # the right one first
    recounted: bool  # whether the next step first asserts that the quantity is possible


@dataclass
class Problem:
    question: str
    answer: str  # as the right solution prints it, whole numbers without a decimal point
    steps: list[Step]

    @property
    def delayed(self) -> int:
        """Number of delayed steps."""
        return sum(CONCEPTS[step.concept].delayed for step in self.steps)


class Dials(NamedTuple):
    delayed: float = 0.12  # probability that a step is a delayed one
    strict: float = 0.0  # probability that a quantity is counted again: the next step asserts it
    concepts: Collection[str] = CONCEPTS  # those that may occur; TALES: a tale, whatever the others
    reworded: bool = False  # only the wordings that nothing else uses


USUAL = Dials()


class Mix(NamedTuple):
    steps: tuple[int, ...]  # numbers of steps, each as often as the others
    dials: Dials


MIXES = dict(
    sums=Mix((1,), Dials(0.0, 0.0, SUMS)),
    tales=Mix((1,), Dials(0.0, 0.0, TALES)),
    plain=Mix((1, 1, 1, 2, 3), Dials(0.0, 0.0)),
    short=Mix((1, 2, 3), Dials(0.2, 0.3, CORE)),
    standard=Mix((2, 3, 4, 5, 6, 7), Dials(0.06, 0.3, CORE)),
    hard=Mix((5, 6, 7, 8, 9), Dials(0.6, 1.0, CORE)),
    reworded=Mix((2, 3, 4, 5), Dials(0.06, 0.3, CORE, reworded=True)),
)
SPLITS = dict(pretrain=(0, 14), train=(14, 17), dev=(17, 18), test=(18, 20))  # 20ths of the hashes


def problems(
    split: str, mix: str = "standard", count: int = 1000, seed: int = 0, strict: float | None = None
) -> list[Problem]:
    """`count` problems of a split and mix, a function of the seed. `strict` replaces the mix's."""
    steps, dials = MIXES[mix]
    if strict is not None:
        dials = dials._replace(strict=strict)
    rng = random.Random(f"{split} {mix} {seed}")
    return [draw(rng, split, steps[i % len(steps)], dials) for i in range(count)]


def example(seed: int) -> str:
    """The question that `python rstar.py --example --seed SEED` answers."""
    return problems("test", "plain", 1, seed)[0].question


def draw(rng: random.Random, split: str, steps: int, dials: Dials = USUAL) -> Problem:
    """A problem of 1 to 9 `steps` whose text falls into `split`."""
    low, high = SPLITS[split]
    while True:
        drawn = problem(rng, steps, dials)
        if low <= zlib.crc32(drawn.question.encode()) % 20 < high:
            return drawn


def problem(rng: random.Random, steps: int, dials: Dials = USUAL) -> Problem:
    """A problem of 1 to 9 `steps`, of any split."""
    if dials.concepts is TALES:
        return draw_tale(rng)
    while True:
        # Where the numbers do not work out, all of it is drawn again: repairing a story would
        # favour the concepts that fit any number.
        attempted = attempt(rng, steps, dials)
        if attempted:
            return attempted


def attempt(rng: random.Random, length: int, dials: Dials) -> Problem | None:
    """One try at a problem of `length` steps; None if the numbers did not work out."""
    story = Story(rng, length, dials)
    teller = story.slots["n"]

    # A story starts with a quantity that is told, or with a step that needs none.
    opened = rng.random() < (0.55 if length == 1 else 0.4)
    if not opened:
        story.begin()
    for i in range(length):
        concept, numbers = pick_concept(story, opener=opened and i == 0)
        if concept is None or not story.tell(concept, numbers):
            return None

    # A misconception that leads to the right answer would be rewarded.
    if not wrong_steps_show(story.steps, story.values):
        return None

    # Told by "I" or "you" only of one boy from start to end: "her" could become "my" or "me".
    question = compose(story)
    if length <= 3 and story.slots["n"] == teller in WORDS.boys and rng.random() < 0.2:
        question = told_of(rng.choice(("I", "you")), teller, question)
    return Problem(question, str(story.quantity), story.steps)


def pick_concept(story, opener: bool) -> tuple[Concept | None, dict | None]:
    """-> (a concept that is new to the story and fits its quantity, its slots), or two Nones after
    40 tries."""
    rng = story.rng
    used = {step.concept for step in story.steps}
    for _ in range(40):
        # Drawn anew in each try: delayed concepts, which fit less often, are rarer than the dial.
        kind = OPENERS
        if not opener:
            kind = DELAYED if rng.random() < story.dials.delayed else LOCAL
        names = [name for name in kind if name in story.dials.concepts]
        if not names:
            continue
        weights = [CONCEPTS[name].weight for name in names]
        concept = CONCEPTS[rng.choices(names, weights)[0]]
        # An opener about years becomes one about things below, so any wording may do.
        renames = opener and "age" in story.kinds
        if concept.name in used or not (renames or story.fitting(concept.say)):
            continue
        slots = concept.sample(rng, None if opener else story.quantity)
        if slots and (story.length == 1 or all_small(slots)):
            if renames or concept.name == "convert":
                story.count(slots.pop("o", plural(rng.choice(WORDS.things))))
            return concept, slots
    return None, None


def all_small(slots) -> bool:
    return all(k <= LARGEST for k in slots.values() if isinstance(k, int))


# ---- a story


class Story:
    """A problem while it is being told: its people, things, places, and what was said so far."""

    def __init__(self, rng: random.Random, length: int, dials: Dials):
        self.rng = rng
        self.length = length
        self.dials = dials
        self.sentences, self.steps, self.values = [], [], []
        self.quantity = None  # the value so far; None before an opener
        self.bare = False  # whether the last step is told by its question alone
        self.people = rng.sample(WORDS.girls + WORDS.boys, 14)
        self.slots = dict(e=rng.randint(2, 60))
        self.own(self.people.pop())
        self.change_scene()
        self.count(self.first_noun())

    def first_noun(self) -> str:
        pick = self.rng.random()
        if pick < 0.62:
            return plural(self.rng.choice(WORDS.things))
        if pick < 0.76:
            return "dollars"
        if pick < 0.88:
            return self.rng.choice(WORDS.measures)
        if self.length < 3:
            return "years"
        return plural(self.rng.choice(WORDS.people))

    def own(self, name: str) -> None:
        """Makes `name` the person whose things are counted."""
        he, him, his = ("she", "her", "her") if name in WORDS.girls else ("he", "him", "his")
        self.slots.update(n=name, he=he, He=he.title(), him=him, his=his, His=his.title())

    def change_scene(self) -> None:
        """Other people, things and boxes for the next step: nothing said before is contradicted."""
        rng = self.rng
        thing, other_thing = rng.sample(WORDS.things, 2)
        box = rng.choice(WORDS.boxes)
        self.slots |= {"f": self.people.pop(), "g": self.people[0], "z": plural(box), "zs": box}
        self.slots |= {"t": thing, "t+": plural(thing), "T+": plural(thing).title()}
        self.slots |= {"u": other_thing, "u+": plural(other_thing)}
        self.slots["place"] = rng.choice(WORDS.places)
        self.slots["adj"] = rng.choice(WORDS.adjectives)
        self.slots["rel"] = rng.choice(WORDS.relatives)
        self.slots["unit"] = rng.choice(WORDS.units)
        self.slots["y"] = rng.choice(WORDS.periods)

    def count(self, noun: str) -> None:
        """Makes `noun` what is counted: {o}, {s} and the kinds that limit a wording's use."""
        self.slots.update(o=noun, s=SINGULAR.get(noun, noun))
        self.kinds = KINDS.get(noun, {"thing"})

    def begin(self) -> None:
        """Tells the first quantity in a sentence of its own."""
        ranges = ((1, SMALL), (4, 150), (4, 150), (4, LARGEST))
        if "age" in self.kinds:
            self.quantity = self.rng.randint(2, 60)
        else:
            self.quantity = self.rng.randint(*self.rng.choice(ranges))
        own, free = self.by_kind(STORY["start"])
        lines = own or free
        line = lines[-1] if self.dials.reworded else self.rng.choice(lines[:-1] or lines)
        self.sentences.append(self.fill(line, v=self.quantity))

    def tell(self, concept: Concept, numbers: dict) -> bool:
        """Adds a step to the story. False if its quantity cannot be or no wording fits."""
        last = len(self.steps) == self.length - 1
        wording, own_question = self.pick_wording(concept, last)
        if wording is None:
            return False
        said = self.fill(wording, **numbers)
        forms = self.forms(concept, numbers)
        value = evaluate(forms[0].expression, {f"n{len(self.steps)}": self.quantity})
        if not self.allows(value):
            return False

        # What follows depends on whether another step does: "Look at the rest." or the question.
        self.bare = wording == "."
        question, link = self.pick_tail(concept, numbers, wording, own_question, last)
        self.add(said, wording)
        if link:
            self.sentences.append(link)

        # What is counted from now on, and whose it is. The link still spoke of what was before.
        if concept.to:
            slot = {"box": "z", "t": "t+"}.get(concept.to)
            self.count(self.slots[slot] if slot else concept.to)
        if concept.about_other and "{f}" in wording:
            self.own(self.slots["f"])
        self.change_scene()

        # Of last steps half as many: there the printing alone is left to assert it.
        recounted = self.rng.random() < self.dials.strict and not (last and self.rng.random() < 0.5)
        if recounted:
            self.sentences.append(self.fill(self.rng.choice(STORY["recount"])))
        if last:
            self.sentences.append(question or self.fill(self.rng.choice(STORY["ask"])))
        self.quantity = value
        self.values.append(value)
        self.steps.append(Step(concept.name, forms, recounted))
        return True

    def allows(self, value) -> bool:
        """A quantity of the right path is a positive whole number, and not too large a one."""
        largest = LARGEST
        if "age" in self.kinds:
            largest = 110
        elif self.length == 1:
            largest = 100 * LARGEST
        smallest = 1 if self.length == 1 else 2  # many steps do nothing to 1
        return possible(value) and smallest <= value <= largest

    def add(self, said: str, wording: str) -> None:
        """Adds the sentence of a step, `wording` filled in."""
        name = self.slots["n"]
        if self.values and self.rng.random() < 0.5 and said.startswith(name + " "):
            said = self.slots["He"] + said[len(name) :]
        begun = self.length == 1 and self.quantity is not None
        relation = "{f}" in wording and "{n}" in wording
        if begun and relation and name in self.sentences[0] and self.rng.random() < 0.35:
            self.sentences.insert(0, said)  # the relation before the number, as in schoolbooks
        elif said != ".":
            self.sentences.append(said)

    def by_kind(self, lines: list[str]) -> tuple[list[str], list[str]]:
        """-> (the lines that are meant for this kind of quantity, those for any)."""
        tag = re.compile(r"(?:(money|thing|age|people|measure|length): )?(.*)")
        tagged = [tag.match(line).groups() for line in lines]
        own = [text for kind, text in tagged if kind in self.kinds]
        return own, [text for kind, text in tagged if kind is None]

    def fitting(self, lines: list[str]) -> list[str]:
        """The lines that can be used, those for this kind of quantity twice as often."""
        own, free = self.by_kind(lines)
        if "age" in self.kinds or not free:  # a sentence about things makes no sense of an age
            return own
        return own * 2 + free

    def pick_wording(self, concept, last) -> tuple[str | None, str]:
        """-> (a wording of the step or None, the question of this very wording or "")."""
        lines = self.fitting(concept.say[-1:] if self.dials.reworded else concept.say[:-1])
        if not last:
            # Lines with a question end a story; a lone "." needs a link to say anything at all.
            lines = [line for line in lines if " => " not in line]
            lines = [line for line in lines if line != "." or concept.link]
        if not lines:
            return None, ""
        wording, _, own_question = self.rng.choice(lines).partition(" => ")
        return wording, own_question

    def pick_tail(self, concept, numbers, wording, own_question, last) -> tuple[str, str]:
        """-> (the question at the end of the story, the link behind the step); one at most."""
        about_other = "{f}" in wording
        asks = [ask for ask in self.fitting(concept.ask) if about_other or "{f}" not in ask]
        if about_other and concept.about_other:
            asks = [ask for ask in asks if "{f}" in ask] or asks
        if own_question or last and asks:
            return self.fill(own_question or self.rng.choice(asks), **numbers), ""
        if not concept.link:
            return "", ""
        if concept.link[0].startswith("?") and self.rng.random() < 0.6:  # "?": may be left out
            return "", ""
        return "", self.fill(self.rng.choice(concept.link).lstrip("?"), **numbers)

    def forms(self, concept: Concept, numbers: dict) -> list[Form]:
        """The right form first. A comment names the quantity as the story does, in digits."""
        x = f"n{len(self.steps)}"
        if not self.steps and self.quantity is not None:
            x = str(self.quantity)
        said = self.slots | numbers | {"x": x if x.isdigit() else "the first"}
        forms = []
        for comment, expression in (concept.right, *concept.wrong):
            comment = re.sub(r"\{(\w+)\}", lambda slot: str(said[slot[1]]), comment)
            forms.append(Form(comment, expression.format(x=x, **numbers)))
        return forms[::-1] if numbers.get("flip") else forms

    def fill(self, text: str, **numbers) -> str:
        """Chooses among {a|b} from the inside out and fills the slots."""
        while "{" in text:
            text = re.sub(r"\{([^{}]*)\}", lambda match: self.slot(match, numbers), text)
        text = singular_after_one(text)
        text = re.sub(r" +", " ", text).strip()
        text = text.replace(" .", ".").replace(" ,", ",").replace(" ?", "?")
        text = re.sub(r"\b([Aa]) (?=[aeio]|hour)", r"\1n ", text)
        return text[:1].upper() + text[1:]

    def slot(self, match: re.Match, numbers: dict) -> str:
        """What the innermost braces of a wording become."""
        body = match[1]
        if "|" in body:
            return self.rng.choice(body.split("|"))
        if body.endswith("$"):
            return self.amount(numbers[body[:-1]], "dollars")
        if body == "vo":
            return self.amount(numbers["v"], self.slots["o"])
        value = numbers.get(body, self.slots.get(body))
        assert value is not None, f"{match.string}: no {{{body}}}"
        if is_small(value) and self.rng.random() < 0.1 and not re.search("[%:=^/]", match.string):
            return WORDS.numbers[value]
        return str(value)

    def amount(self, k: int, noun: str) -> str:
        if noun == "dollars" and self.rng.random() < 0.6:
            return f"${k}"
        if is_small(k) and self.rng.random() < 0.1:
            return f"{WORDS.numbers[k]} {noun}"
        return f"{k} {noun}"


def is_small(value) -> bool:
    """Whether it is a whole number that is written as a word now and then."""
    return isinstance(value, int) and 0 < value < len(WORDS.numbers)


def after_one() -> re.Pattern:
    kinds = "|".join(["more", "other", "new", "others", *WORDS.adjectives])
    nouns = "|".join(SINGULAR)
    return re.compile(rf"\b(1 |[Oo]ne )((?:{kinds}) )?({nouns})\b( \w+\b)?")


AFTER_ONE = after_one()


def singular_after_one(text: str) -> str:
    """1 apples -> 1 apple, 1 more apples are -> 1 more apple is, 1 of them were -> 1 of them was"""

    def single(match):
        count, kind, noun, verb = match.groups(default="")
        return count + kind + SINGULAR.get(noun, noun) + verb[:1] + VERBS.get(verb[1:], verb[1:])

    text = AFTER_ONE.sub(single, text)
    of_them = r"\b(1|[Oo]ne)( of (?:the )?\w+) (are|were)\b"
    text = re.sub(of_them, lambda match: f"{match[1]}{match[2]} {VERBS[match[3]]}", text)
    there = r"\bThere (are|were) (1|one) "
    return re.sub(there, lambda match: f"There {VERBS[match[1]]} {match[2]} ", text)


def whole(value):
    return int(value) if value == int(value) else value


CALLABLE = {"__builtins__": {"round": round}}  # all that the code of a step may call


def evaluate(expression: str, variables: dict):
    return whole(eval(expression, CALLABLE, variables))  # our own text, from concepts.txt


def possible(value) -> bool:
    """Whether this can be a quantity: wrong readings often give fractions or negative numbers."""
    return value == int(value) and value > 0


def wrong_steps_show(steps: list[Step], values: list) -> bool:
    """Whether every single wrong step changes the answer, and a wrong delayed one gives an
    impossible answer."""
    for i, step in enumerate(steps):
        for wrong in range(1, len(step.forms)):
            variables = {f"n{j + 1}": value for j, value in enumerate(values[:i])}
            for j in range(i, len(steps)):
                form = steps[j].forms[wrong if j == i else 0]
                variables[f"n{j + 1}"] = evaluate(form.expression, variables)
            final = variables[f"n{len(steps)}"]
            if final == values[-1] or CONCEPTS[step.concept].delayed and possible(final):
                return False
    return True


# ---- how a story is put into one text


def compose(story: Story) -> str:
    """The question, of the story's sentences."""
    rng = story.rng
    sentences = story.sentences
    if story.length == 1 and story.bare:
        # The few chain concepts with a bare wording lose their first sentence here, and with it a
        # number that the answer needs (1% of such problems). Kept: seeds and corpus depend on it.
        sentences = [as_typed(sentences[-1], rng)]
    elif rng.random() < 0.05:
        sentences.insert(rng.choice((0, 1)), story.fill(rng.choice(STORY["aside"])))
    elif can_be_joined(sentences) and rng.random() < 0.25:
        sentences = [joined(sentences, rng)]
    return " ".join(sentences)


def as_typed(ask: str, rng: random.Random) -> str:
    """A bare question, now and then typed in a hurry: "what is 2+2" for "What is 2 + 2?"."""
    if rng.random() < 0.25:
        ask = re.sub(r"(?<=[\d)]) ([-+*/x:]) (?=[\d(])", r"\1", ask)
    if rng.random() < 0.15:
        ask = ask[0].lower() + ask[1:]
    if rng.random() < 0.15:
        ask = re.sub(r" ?=?[ ?.]*$", "", ask)
    return ask


def can_be_joined(sentences: list[str]) -> bool:
    """Whether they are one or two facts, of one sentence each, and a question."""
    inner_stop = re.compile(r"(?<!Mr)(?<!Mrs)(?<!Ms)\. ")
    several = any(inner_stop.search(sentence) for sentence in sentences)
    return 1 < len(sentences) < 4 and sentences[-1].endswith("?") and not several


def joined(sentences: list[str], rng: random.Random) -> str:
    """ "A has 5. A gets 7. How many?" as one sentence: "If A has 5 and A gets 7, how many?" """
    *facts, ask = sentences
    told = " and ".join(inside(fact.rstrip(".")) for fact in facts)
    if rng.random() < 0.6:
        return f"If {told}, {inside(ask)}"
    return f"{ask.rstrip('?')} if {told}?"


def inside(sentence: str) -> str:
    """A sentence as a part of another one: without its capital, unless it starts with a name."""
    if sentence.split()[0] in WORDS.starters:
        return sentence[0].lower() + sentence[1:]
    return sentence


def told_of(who: str, name: str, text: str) -> str:
    """ "Tom has 5 apples. How many does he have?" as "I have 5 apples. How many do I have?", or
    with "you"."""
    me, my = ("me", "my") if who == "I" else ("you", "your")
    name = re.escape(name)
    numbers = "|".join(WORDS.numbers)
    objects = rf"(\d|\$|with |a |the |all |some |half |{numbers})"

    # The verbs first: once the name is gone, nothing shows whose they are.
    text = re.sub(
        rf"\b(is|was|does) ({name}|he)\b", lambda match: f"{plain_form(match[1], who)} {who}", text
    )
    text = re.sub(
        rf"\b({name}|[Hh]e)( then| already|) (\w+)",
        lambda match: f"{who}{match[2]} {plain_form(match[3], who)}",
        text,
    )
    # The second verb of a sentence: "I have 5 and *get* 7". An object must follow: "and apples".
    text = re.sub(
        rf"\b(and|but|then|{who}) ([a-z]+s)(?= {objects})",
        lambda match: f"{match[1]} {plain_form(match[2], who)}",
        text,
    )

    # The possessive before the bare name, which would leave "me's".
    text = re.sub(rf"\b{name}'s\b|\bhis\b", my, text)
    text = re.sub(r"\bHis\b", my.title(), text)
    text = re.sub(r"\bhim\b", me, text)
    text = re.sub(rf"\b{name}\b", me, text)
    text = re.sub(r"\b[Hh]e\b", who, text)

    # Behind a verb of giving the person is an object after all.
    givers = "asks|given|give|gives|gave|bring|brings|hand|hands"
    text = re.sub(rf"\b({givers}) {who}\b", rf"\1 {me}", text)
    return re.sub(r"(^|[.?] )(you|my)", lambda match: match[1] + match[2].title(), text)


def plain_form(verb: str, who: str) -> str:
    """The form of a verb behind "I" or "you": has -> have, carries -> carry, catches -> catch"""
    irregular = {"has": "have", "does": "do", "goes": "go", "ties": "tie"}
    irregular |= {"is": "am", "was": "was"} if who == "I" else {"is": "are", "was": "were"}
    if verb in irregular:
        return irregular[verb]
    if verb.endswith("ies"):
        verb = verb.removesuffix("ies") + "y"
    return re.sub(r"(?<=ch|sh|ss)es$|(?<=[^s])s$", "", verb)


# ---- tales


def draw_tale(rng: random.Random) -> Problem:
    """A problem of one step in free English."""
    names = list(TALES)
    weights = [TALES[name].weight for name in names]
    while True:
        name = rng.choices(names, weights)[0]
        concept = CONCEPTS[name]
        line = rng.choice(TALES[name].lines)

        # Other slots of the concept belong to a story: a tale has words of its own for them.
        slots = concept.sample(rng, None)
        if not slots or not all_small(slots):
            continue
        numbers = {slot: k for slot, k in slots.items() if slot in "abcdkmw"}
        numbers, decimal = dressed(rng, name, line, numbers)

        forms = []
        for comment, expression in (concept.right, *concept.wrong):
            expression = expression.format(**numbers)
            if decimal:
                expression = f"round({expression}, 2)"  # else 0.1 + 0.2 prints 0.30000000000000004
            forms.append(Form(comment.format(**numbers), expression))
        right, *wrong = [evaluate(form.expression, {}) for form in forms]
        if (right > 0 if decimal else possible(right)) and right not in wrong:
            return Problem(tell_tale(rng, line, numbers), str(right), [Step(name, forms, False)])


def dressed(rng, name, line, numbers) -> tuple[dict, bool]:
    """-> (the numbers, now and then large or with a decimal point, whether they have one)."""
    tales = TALES[name]
    money = re.findall(r"{([a-d])\$}", line)
    if (tales.large or tales.measured and not money) and rng.random() < 0.1:
        return enlarged(rng, tales, numbers), False
    # A share of an amount of money would not be a whole number of cents.
    divided = "/" in CONCEPTS[name].right.expression
    if money and not divided or tales.measured:
        if rng.random() < (0.3 if money else 0.06):
            return with_cents(rng, numbers, money or numbers), True
    return numbers, False


def enlarged(rng, tales: Tales, numbers: dict) -> dict:
    """Some of the numbers or all, now of four to six digits. People write these with a comma or
    without: as code, 12_500 or 12500."""
    if tales.measured:
        factor = rng.choice((100, 1000, 10000))
    else:
        factor = rng.randint(10, 300)
    comma = "_" if rng.random() < 0.5 else ""
    if tales.measured:
        numbers = {slot: k * factor + rng.randrange(factor) for slot, k in numbers.items()}
    else:
        growing = rng.choice(tales.large)
        numbers = numbers | {slot: numbers[slot] * factor for slot in growing}
    return {slot: f"{k:{comma}}" for slot, k in numbers.items()}


def with_cents(rng, numbers: dict, slots: Collection[str]) -> dict:
    """The numbers in `slots` now have a decimal point: as money, 12.50, or as others, 12.5."""
    kind = rng.choice(("usual", "any", "tenths"))
    dotted = dict(numbers)
    for slot, k in numbers.items():
        if slot in slots:
            before = k if rng.random() < 0.8 else 0
            dotted[slot] = f"{before}.{cents(rng, kind)}"
    return dotted


def cents(rng, kind: str) -> str:
    """The digits behind the point."""
    if kind == "usual":
        return rng.choice(("50", "25", "75", "95", "99"))
    if kind == "any":
        return f"{rng.randrange(100):02}"
    return str(rng.randint(1, 9))


def tell_tale(rng: random.Random, line: str, numbers: dict) -> str:
    """A line of tales.txt, told in words chosen at random."""
    words = vocabulary(rng)
    fill = partial(fill_tale, rng, words, numbers)
    facts, _, ask = line.rpartition(" => ")
    sentences = []
    if facts:
        stop = r"(?<=[.?]) +(?=\w)(?<!Mr. )(?<!Ms. )(?<!Mrs. )"
        sentences = re.split(stop, fill(facts))

    # Remarks that do not matter; those of the second kind have a number that does not.
    while rng.random() < 0.25:
        place = rng.randint(0, max(0, len(sentences) - 1))
        sentences.insert(place, fill(rng.choice(lines_of(PHRASES["chat"]))))
    if rng.random() < 0.12:
        place = rng.randint(0, max(0, len(sentences) - 1))
        sentences.insert(place, fill(rng.choice(lines_of(PHRASES["aside"]))))
    ask = fill(ask).strip(". ") or sentences.pop()
    ask = put_if(rng, sentences, ask)
    text = tidied(" ".join([*sentences, ask]), words)
    return as_people_type(rng, text)


def put_if(rng, sentences: list[str], ask: str) -> str:
    """Now and then takes the last fact off `sentences` and makes it a part of the question, which
    is given back."""
    if not sentences or not sentences[-1].endswith(".") or ask.startswith(("If", "What")):
        return ask
    if rng.random() < 0.75:
        return ask
    fact = sentences.pop().strip(" .")
    if fact.split()[0].rstrip(",") in WORDS.starters:
        fact = fact[0].lower() + fact[1:]
    if rng.random() < 0.3:
        return f"{ask.rstrip('?')} if {fact}?"
    return f"If {fact}{rng.choice((', ', ', ', ' '))}{ask[0].lower() + ask[1:]}"


def tidied(text: str, words: dict[str, str]) -> str:
    """One of a thing in the singular, single spaces, "an" before a vowel, capitals."""
    for many, single in dict(o="s", people="person", bags="bag").items():
        pattern = rf"(?<![.,])\b(1|[Oo]ne) {re.escape(words[many])}\b"
        text = re.sub(pattern, rf"\1 {words[single]}", text)

    # Slots that came out empty leave spaces behind.
    text = re.sub(r" +", " ", text).strip()
    text = re.sub(r" (?=[.,?])", "", text)
    text = re.sub(r"\b([Aa]) (?=[aeio]|hour)", r"\1n ", text)
    return re.sub(r"(^|[.?] )([a-z])", lambda match: match[1] + match[2].upper(), text)


def as_people_type(rng, text: str) -> str:
    """Now and then without capitals, punctuation or the question mark."""
    if rng.random() < 0.1:
        text = text.lower()
        if rng.random() < 0.5:
            text = re.sub(r",(?!\d)", "", text).replace("'s", rng.choice((" 's", "s")))
    return text.rstrip("?") if rng.random() < 0.06 else text


def fill_tale(rng, words: dict[str, str], numbers: dict, text: str) -> str:
    """Fills the braces of a tale from the inside out."""

    def slot(match):
        body = match[1]
        if "|" in body:
            body = rng.choice(body.split("|"))
            if body not in words and body not in PHRASES and body not in numbers:
                # Single letters are slots within an alternative too.
                return re.sub(r"\b[opqr]\b", r"{\g<0>}", body)
        if body in PHRASES:
            return f" {rng.choice(alternatives(PHRASES[body]))} "
        if body in ("DAY", "MONTH"):
            return rng.choice(WORDS.days if body == "DAY" else WORDS.months)
        if body == "place" and rng.random() < 0.4:  # a story may have several places
            return rng.choice(WORDS.places + WORDS.more_places)
        number = numbers.get(body.rstrip("$"))
        if number is None:
            return words[body]
        return number_in_tale(rng, number, money=body.endswith("$"))

    while "{" in text:
        text = re.sub(r"\{([^{}]*)\}", slot, text)
    return text


def number_in_tale(rng, number, money: bool) -> str:
    written_out = isinstance(number, int) and number < len(WORDS.numbers)
    if written_out and rng.random() < 0.1 and not money:
        return WORDS.numbers[number]
    digits = str(number).replace("_", ",")
    if not money:
        return digits
    return f"${digits}" if rng.random() < 0.6 else f"{digits} dollars"


def alternatives(text: str) -> list[str]:
    """ "a|{b|c}" -> ["a", "{b|c}"]"""
    parts, depth = [""], 0
    for sign in text.replace("\n", ""):
        depth += (sign == "{") - (sign == "}")
        if sign == "|" and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    return parts


def coined(rng) -> str:
    """A word that nobody knows."""

    def syllable():
        return rng.choice(WORDS.onsets) + rng.choice(WORDS.vowels) + rng.choice(WORDS.codas)

    if rng.random() < 0.5:
        return syllable()
    return syllable() + rng.choice("aeio") + rng.choice(WORDS.codas)


def coined_or_known(rng, known: list[str], taken: Collection[str]) -> str:
    """A word for a slot of a tale that no other slot has."""
    while True:
        word = coined(rng) if rng.random() < 0.12 else rng.choice(known)
        if word not in taken:
            return word


def vocabulary(rng: random.Random) -> dict[str, str]:
    """The words of one tale: slot -> word."""
    words = nouns(rng)
    fresh = partial(coined_or_known, rng, taken=words.values())
    words |= people(rng)
    words |= dict(
        coin=coined(rng).title(),
        rel=rng.choice(WORDS.relatives),
        place=fresh(WORDS.places + WORDS.more_places),
        job=rng.choice(WORDS.jobs),
        x=str(rng.randint(2, 99)),
        time=rng.choice(WORDS.times),
        ing=fresh(WORDS.doing),
        came=fresh(WORDS.come),
        unit=rng.choice(WORDS.more_units),
        unit2=rng.choice(WORDS.amounts),
    )
    # The forms of a verb belong together: "bought" goes with "buy" in one tale.
    words |= zip(("got", "get", "getting"), rng.choice(WORDS.gain), strict=True)
    words |= zip(("lost", "lose"), rng.choice(WORDS.lose), strict=True)
    words["gone"] = rng.choice(WORDS.leave)
    return words | pronouns(rng, words["N"])


def nouns(rng: random.Random) -> dict[str, str]:
    """The things of a tale, singular and plural, what holds them and how they look."""
    things = WORDS.things + WORDS.more_things
    adjectives = WORDS.adjectives + WORDS.more_adjectives
    counted = things
    if rng.random() < 0.12:
        counted = WORDS.people + WORDS.more_people
    known = dict(s=counted, p=things, p3=things, p4s=things, thing=things, tool=things)
    known |= dict(person=WORDS.people + WORDS.more_people, bag=WORDS.boxes + WORDS.more_boxes)
    known |= dict(r=adjectives, q=rng.choice((WORDS.kinds, WORDS.more_adjectives)))
    known |= dict(r3=WORDS.adjectives, adj=WORDS.more_adjectives)
    words = {}
    for slot, choices in known.items():
        words[slot] = coined_or_known(rng, choices, words.values())

    # {p} and {p3} are always several.
    several = dict(o="s", p="p", p3="p3", p4="p4s", things="thing", people="person", bags="bag")
    for many, single in several.items():
        words[many] = plural(words[single])

    # What is counted can be several words: "boxes of apples".
    if rng.random() < 0.15:
        described = f"{rng.choice(WORDS.adjectives)} {words['o']}"
        held = f"{words['bags']} of {words['o']}"
        words["o"] = rng.choice((described, held, f"pieces of {words['s']}"))
    return words


def people(rng: random.Random) -> dict[str, str]:
    """Three persons, all different."""
    while True:
        persons = {slot: person(rng) for slot in "NML"}
        if len(set(persons.values())) == 3:
            return persons


def person(rng: random.Random) -> str:
    """A name, or what somebody may be called: "the baker", "Mrs. Hill", "his uncle"."""
    pick = rng.random()
    family = rng.choice(WORDS.families)
    if pick < 0.1:
        return coined(rng).title()
    if pick < 0.25:
        return f"{rng.choice(('the', 'a', 'another'))} {rng.choice(WORDS.who)}"
    if pick < 0.3:
        title = rng.choice(("Mr.", "Mrs.", "Ms."))
        return f"{title} {rng.choice((family, coined(rng).title()))}"
    if pick < 0.35:
        whose = rng.choice(("his", "her", "my"))
        return f"{whose} {rng.choice(WORDS.relatives + WORDS.more_relatives)}"
    return rng.choice(WORDS.girls + WORDS.boys)


def pronouns(rng, name: str) -> dict[str, str]:
    female = name in WORDS.girls or name.startswith(("Mrs.", "Ms.", "her "))
    if not female and name not in WORDS.boys:
        female = rng.random() < 0.4
    if female:
        return dict(he="she", him="her", his="her", He="She", His="Her")
    return dict(he="he", him="him", his="his", He="He", His="His")


# ---- solutions, in the step format of rstar.py


def solution(
    problem: Problem, choices: list[int] | None = None, slip: Callable[[], bool] = lambda: False
) -> str:
    """The solution text up to <end_of_code>; `choices[i]` is the form taken in step i (0: right).
    Where `slip()` is true, a step uses a variable that does not exist."""
    choices = choices or [0] * len(problem.steps)
    text = ""
    check = ""
    for i, (step, choice) in enumerate(zip(problem.steps, choices, strict=True)):
        comment, expression = step.forms[choice]
        if slip():
            expression = slipped(expression, i)
        text += f"# Step {i + 1}: {comment}\n{check}n{i + 1} = {expression}\n<end_of_step>\n\n"
        check = f"assert n{i + 1} == int(n{i + 1}) > 0\n" if step.recounted else ""
    return f"{text}# Now print the final answer\n{check}print(n{len(problem.steps)})\n<end_of_code>"


def slipped(expression: str, i: int) -> str:
    """The code of step i + 1, which has n1 to n{i}, with n{i + 2} instead."""
    if f"n{i}" in expression:
        return expression.replace(f"n{i}", f"n{i + 2}")
    return f"n{i + 2} + {expression}"


def student(rng: random.Random, problem: Problem) -> tuple[list[int], str]:
    """-> (choices, solution) as in the base's corpus: right steps at the rates of their concepts,
    and slips."""
    choices = []
    for step in problem.steps:
        right = rng.random() < CONCEPTS[step.concept].rate
        choices.append(0 if right else rng.randint(1, len(step.forms) - 1))
    return choices, solution(problem, choices, slip=lambda: rng.random() < SLIP)


def output_of(problem: Problem, choices: list[int]) -> str | None:
    """What the solution with these choices prints; None if an assertion stops it."""
    variables = {}
    for i, (step, choice) in enumerate(zip(problem.steps, choices, strict=True)):
        value = eval(step.forms[choice].expression, CALLABLE, variables)
        variables[f"n{i + 1}"] = value
        if step.recounted and not possible(value):
            return None
    return str(value)


def stated(output: str) -> str:
    """The answer that is stated for a printed output: whole numbers without their decimal point."""
    return f"The answer is \\boxed{{{output.removesuffix('.0')}}}.{END_OF_ANSWER}"


def student_record(rng: random.Random, problem: Problem) -> dict[str, str] | None:
    """A student's whole solution as train_policy.py reads it, slips included; None if an assertion
    stops it."""
    choices, code = student(rng, problem)
    output = output_of(problem, choices)
    if output is None:
        return None
    response = f"{code}\n<output>{output}<end_of_output>\n<answer>{stated(output)}"
    return dict(query=problem.question, response=response)


# ---- command line


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Problems of the tiny world, one JSON line each.",
        usage=argparse.SUPPRESS,  # an error is one line
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--split", choices=SPLITS, default="test", help="no two share a problem; default test")
    add("--mix", choices=MIXES, default="standard", help="kind of problems; default standard")
    add("--count", type=int, default=100, help="number of problems; default 100")
    add("--seed", type=int, default=0, help="other seeds, other problems; default 0")
    add("--strict", type=float, help="share of quantities counted again (default: the mix's)")
    add = parser.add_mutually_exclusive_group().add_argument
    add("--solutions", action="store_true", help="add the right solution and its number of steps")
    add("--students", action="store_true", help="{query, response}, as the base's corpus has them")
    args = parser.parse_args()
    if args.count < 0:
        parser.error(f"--count {args.count}: must be 0 or more")
    if args.strict is not None and not 0 <= args.strict <= 1:
        parser.error(f"--strict {args.strict}: must be a share, from 0 to 1")
    return args


def records(args: argparse.Namespace):
    """The objects to print, one by one."""
    rng = random.Random(args.seed)
    for p in problems(args.split, args.mix, args.count, args.seed, args.strict):
        record = dict(question=p.question, answer=p.answer)
        if args.students:
            record = student_record(rng, p)
        elif args.solutions:
            record |= dict(solution=solution(p), steps=len(p.steps), delayed=p.delayed)
        if record:
            yield record


def main() -> None:
    args = parse_arguments()
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `| head` may leave early
    try:
        if sys.stdout is None:  # `>&-`: print() would say nothing
            raise OSError(errno.EBADF, "standard output is closed")
        for record in records(args):
            print(json.dumps(record))
        sys.stdout.flush()
    except OSError as error:
        # Python flushes once more when it exits, and would report the same error a second time.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        print(f"world.py: cannot write the problems: {error.strerror}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()

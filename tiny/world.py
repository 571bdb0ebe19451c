"""The tiny world: word problems that a model of 1.8M parameters can learn, and can get wrong in the ways pupils do.

A problem is a story of 1 to 9 dependent steps. Each step is one of about 150 *concepts* (give away, share,
perimeter, percent off, ...). A concept has one right step and one or two *misconceptions*: plausible wrong
steps, each with its own words and its own code, so thought and code agree and only the result can tell. In
the corpus of the base model (`student`) the right step of a concept appears at a fixed rate: .5 to .9 for
easy concepts, .08 to .4 for the misconceived ones. Greedy decoding and majority votes repeat a
misconception; search with a verifier finds a way around it. That is the room that four rounds have to grow.
Long stories keep to a core of 36 concepts (`CORE`), short plain ones use them all. The concepts, their numbers and
their wordings stand in concepts.py. *Tales* are problems of one step in free English (tales.py): what people type first is
told in other words than ours, so here hundreds of words stand in for one another, and remarks that don't matter in between.

What makes looking ahead pay:
  - Every quantity on the right path is a positive whole number (but for some tales of money and measures: 12.50).
  - *Delayed* concepts ("in rows of 4 or in rows of 6 with none left over") have two readings, each at a rate
    of .5. Which one is right depends on the value of the quantity so far, which the text of the code does not
    show; the wrong one gives a fraction or a negative number.
  - *Strict* steps: after a sentence like "They are counted again." the next step first asserts that the
    quantity is a positive whole number. So the evidence against a wrong reading comes one step later, as an
    exception; without such sentences it comes at the very end, as an impossible output.
The two dials are `delayed` (share of delayed concepts among the steps) and `strict` (share of steps whose
result is counted again; of last steps half as many).

Which split a problem belongs to is decided by a hash of its text, so no problem of dev or test can occur in
the corpus of the base or among the training problems, whatever the seeds. The *reworded* mix uses the one
wording of every concept that nothing else uses.

    python tiny/world.py --split test --mix hard --count 1000 --seed 0 > hard.jsonl
"""
import argparse
import json
import random
import re
import signal
import zlib
from dataclasses import dataclass

from concepts import CONCEPTS, CORE, DELAYED, LARGEST, LOCAL, OPENERS, SMALL
from tales import (CAME, DAYS, GAIN, GROWING, ING, JOBS, KINDS, LEFT, LOSS, MEASURED, MONTHS, MORE_ADJECTIVES, MORE_BOXES, MORE_PEOPLE, MORE_PLACES,
                   MORE_THINGS, PHRASES, TALES, WEIGHTS, WHO)

GIRLS = """Mia Ana Eva Zoe Ivy Lily Emma Nina Ruth Kate Sara Sarah Anna Lena Mary Jane Julia Lisa Amy Ella Grace Chloe
Maya Nora Alice Clara Rosa Laura Maria Sofia Olivia Emily Megan Rachel Susan Linda Karen Helen Joan Tina Nancy
Priya Aisha Fatima Mei Yuki Leila Ingrid Hannah Janet Betty Wendy Sally Molly Haley Bella Gwen Mom Grandma""".split()
BOYS = """Leo Tom Sam Max Ben Noah Omar Jack Paul Alex John Mike Peter David James Luke Adam Josh Dan Tim Bob Bill Fred
Frank George Henry Jason Kevin Mark Nick Oscar Robert Ryan Steve Victor Will Carlos Diego Ravi Ali Hassan Kenji
Wei Lars Ivan Pablo Marco Ned Cody Gary Ethan Liam Lucas Oliver Daniel Andy Ron Joe Dad Grandpa""".split()
GIRLS += ["Mrs. Hill", "Mrs. Green", "Ms. Lopez"]
BOYS += ["Mr. Brown", "Mr. Smith", "Mr. Lee"]
THINGS = """apple pear orange banana lemon plum peach mango melon cookie cake pie muffin donut candy chocolate lollipop
sandwich pizza egg potato carrot onion tomato cucumber pumpkin nut bun roll pancake cupcake pen pencil crayon marker
eraser ruler notebook book comic magazine folder card sticker stamp coin marble bead button shell seashell stone rock
feather leaf flower rose tulip daisy tree seed plant balloon ball doll toy car truck kite puzzle block brick tile
plank nail screw bolt ribbon candle lamp battery cup mug plate bowl spoon fork knife glass bottle jar can
basket ticket poster photo picture painting postcard letter envelope shirt hat cap sock glove scarf shoe dress coat
towel blanket pillow chair table bench desk fish bird duck hen chicken sheep cow horse pig goat rabbit dog cat
puppy kitten hamster turtle frog bee butterfly key ring badge medal token robot drum flute game video song
paper sheet brush tool wheel lemonade bracelet necklace peanut walnut cherry strawberry blueberry grape acorn monkey parrot lion tiger elephant bear fox
penguin owl goose mouse snail worm swan squirrel slice sweet biscuit bagel sausage fruit bike boat phone radio magnet rocket""".split()
PEOPLE = "student pupil child player visitor guest passenger worker member friend teacher girl boy fan dancer singer".split()
BOXES = """box bag basket pack crate jar tray shelf drawer carton bundle envelope packet sack row album bowl folder""".split()
MEASURES = "kilometers meters liters kilograms points pages miles minutes hours feet inches grams cups pounds".split()
PLACES = "shop store market farm school library garden park kitchen bakery zoo club museum hall town village".split()
IRREGULAR = dict(fish="fish", sheep="sheep", leaf="leaves", knife="knives", child="children", scarf="scarves",
                 shelf="shelves", goose="geese", mouse="mice", tomato="tomatoes", potato="potatoes", lemonade="lemonades")
WORDS = "zero one two three four five six seven eight nine ten eleven twelve".split()
ADJECTIVES = "red blue green yellow new old small big broken ripe good wooden empty black white".split()
UNITS = "cm meters m feet inches km yards".split()
RELATIVES = "sister brother mother father cousin friend uncle aunt son daughter neighbor".split()

END_OF_ANSWER = "<end_of_answer>"
SLIP = 0.01          # our choice: share of the base's steps that use a variable which does not exist yet


def plural(noun):
    """apple -> apples, box -> boxes, candy -> candies, leaf -> leaves"""
    if noun in IRREGULAR:
        return IRREGULAR[noun]
    if noun.endswith(("s", "x", "ch", "sh")):
        return noun + "es"
    return noun[:-1] + "ies" if noun.endswith("y") and noun[-2] not in "aeiou" else noun + "s"


SINGULAR = {plural(n): n for n in THINGS + PEOPLE + BOXES} | {m: m[:-1] for m in MEASURES} | {
    "dollars": "dollar", "feet": "foot", "inches": "inch", "days": "day", "years": "year"}

START = """{n} {has|had|owns|got|starts with} {vo}.
There are {vo} {in a {place}|in {n}'s {room|house|bag}|on a table|on the table of {n}}.
{n} {finds|collects|picks|buys|made|bought|found|collected} {vo}.
At {first|the start} {n} {has|had} {vo}.
In the beginning {vo} are counted.""".splitlines()
START_KIND = {"age": ["{n} is {v} years old."], "people": ["There are {vo} {in a {place}|on a bus|in a class|in a group}.", "{v} {o} {come to a {place}|meet}."],
              "length": ["{A road|A rope|A path|A garden|A river} is {v} {o} long.", "{n} {walks|rides|runs|drives} {v} {o}."]}
ASK = ["How many {o} {is that|are there|does {n} have} {now|in the end|at the end}?", "How many {o} is that?", "What number results?"]
RECOUNT = ["They are counted again.", "{n} counts {them|it} again.", "{n} checks the count.", "The count is checked."]
ASIDE = ["{f} is {e} years old.", "It is day {e} of the year.", "{n} lives at number {e}.", "The {place} opened {e} years ago."]


# ---------------------------------------------------------------------------------------------------------
@dataclass
class Problem:
    question: str
    answer: str
    steps: list       # of (concept name, [(comment, expression), ...]), the right form first
    checks: list      # of bool: is the quantity of this step counted again
    delayed: int      # number of delayed steps


class Story:
    """The people, things and places of one problem, and the filling of wordings with them."""

    def __init__(self, rng, length):
        self.rng = rng
        self.people = rng.sample(GIRLS + BOYS, 14)
        self.slots = dict(e=rng.randint(2, 60))
        self.owner(self.people.pop())
        self.others()
        pick = rng.random()
        noun = (plural(rng.choice(THINGS)) if pick < .62 else "dollars" if pick < .76 else rng.choice(MEASURES) if pick < .88
                else "years" if length < 3 else plural(rng.choice(PEOPLE)))
        self.now(noun)

    def owner(self, name):
        he = ("she", "her", "her") if name in GIRLS else ("he", "him", "his")
        self.slots.update(n=name, he=he[0], He=he[0].title(), him=he[1], his=he[2], His=he[2].title())

    def others(self):
        """Fresh people, things and boxes for the next step, so that nothing said before is contradicted."""
        t, u = self.rng.sample(THINGS, 2)
        z = self.rng.choice(BOXES)
        self.slots.update({"f": self.people.pop(), "g": self.people[0], "place": self.rng.choice(PLACES), "z": plural(z), "zs": z,
                           "t": t, "t+": plural(t), "T+": plural(t).title(), "u": u, "u+": plural(u), "adj": self.rng.choice(ADJECTIVES), "rel": self.rng.choice(RELATIVES), "unit": self.rng.choice(UNITS),
                           "y": self.rng.choice("day day day week week month hour".split())})

    def now(self, noun):
        """Sets what is counted: {o}, {s} and its kind."""
        self.slots.update(o=noun, s=SINGULAR.get(noun, noun))
        self.kinds = {"dollars": {"money"}, "years": {"age"}}.get(noun) or (
            {"measure", "length"} if noun in ("kilometers", "meters", "miles", "feet") else {"measure"} if noun in MEASURES else
            {"people"} if SINGULAR.get(noun) in PEOPLE else {"thing"})

    def goes_on(self, c, about_other):
        """After a step of concept `c`: what is counted now, and whose it is."""
        if c.to:
            self.now({"box": self.slots["z"], "t": self.slots["t+"], "money": "dollars"}.get(c.to, c.to))
        if c.others and about_other:
            self.owner(self.slots["f"])
        self.others()

    def fitting(self, lines):
        """The lines that may be used for this kind of quantity; special ones, if there are any, come first."""
        tagged = [re.match(r"(?:(money|thing|age|people|measure|length): )?(.*)", line).groups() for line in lines]
        own = [text for tag, text in tagged if tag in self.kinds]
        free = [] if "age" in self.kinds else [text for tag, text in tagged if tag is None]
        return own * (2 if free else 1) + free

    def amount(self, k, noun):
        if noun == "dollars" and self.rng.random() < .6:
            return f"${k}"
        word = WORDS[k] if 0 < k <= 12 and self.rng.random() < .1 else str(k)
        return f"{word} {noun}"

    def fill(self, text, **numbers):
        """Chooses among {a|b} from the inside out and fills the slots; {k$} is an amount of money."""
        def one_slot(match):
            body = match.group(1)
            if "|" in body:
                return self.rng.choice(body.split("|"))
            if body.endswith("$"):
                return self.amount(numbers[body[:-1]], "dollars")
            if body == "vo":
                return self.amount(numbers["v"], self.slots["o"])
            value = numbers.get(body, self.slots.get(body))
            assert value is not None, (text, body)
            if isinstance(value, int) and 0 < value <= 12 and self.rng.random() < .1 and not re.search("[%:=^/]", text):
                return WORDS[value]
            return str(value)
        while "{" in text:
            text = re.sub(r"\{([^{}]*)\}", one_slot, text)
        text = self.singular(text)
        text = re.sub(r" +", " ", text).strip().replace(" .", ".").replace(" ,", ",").replace(" ?", "?")
        text = re.sub(r"\b([Aa]) (?=[aeio]|hour)", r"\1n ", text)
        return text[:1].upper() + text[1:]

    def singular(self, text):
        """1 apples -> 1 apple, 1 more apples are -> 1 more apple is, 1 of them were -> 1 of them was"""
        one_of = lambda m: f"{m[1]}{m[2] or ''}{SINGULAR.get(m[3], m[3])}{VERBS.get(m[4], m[4] or '')}"
        text = re.sub(rf"\b(1 |[Oo]ne )((?:more|other|new|others|{'|'.join(ADJECTIVES)}) )?({'|'.join(SINGULAR)})\b( \w+\b)?", one_of, text)
        text = re.sub(r"\b(1|[Oo]ne)( of (?:the )?\w+)( are| were)\b", lambda m: m[1] + m[2] + VERBS[m[3]], text)
        return re.sub(r"\bThere (are|were) (1|one) ", lambda m: f"There{VERBS[' ' + m[1]]} {m[2]} ", text)


VERBS = {" are": " is", " were": " was", " come": " comes", " arrive": " arrives", " have": " has"}


def whole(value):
    return int(value) if value == int(value) else value


KNOWN = {"__builtins__": {"round": round}}      # all that the code of a step may call


def evaluate(expression, variables):
    return whole(eval(expression, KNOWN, variables))   # our own text, from concepts.py


def possible(value):
    """Could this be a quantity of the world? Wrong readings often give fractions or negative numbers."""
    return value == int(value) and value > 0


def attempt(rng, length, delayed, strict, reworded, among):
    """One try at a problem of `length` steps; None if the numbers did not work out."""
    story, sentences, steps, checks, values, used = Story(rng, length), [], [], [], [], set()
    opened = rng.random() < (.55 if length == 1 else .4)       # by an opener, else by a sentence that tells a quantity
    v, first = None, story.slots["n"]
    if not opened:
        v, sentence = begin(rng, story, reworded)
        sentences.append(sentence)
    for i in range(length):
        c, slots = pick_concept(rng, story, length, opened and not i, delayed, used, v, among)
        if c is None:
            return None
        used.add(c.name)
        last = i == length - 1
        wording, own_ask = pick_wording(rng, story, c, last, reworded)
        if wording is None:
            return None
        say = story.fill(wording, **slots)
        forms = forms_of(story, c, slots, str(v) if i == 0 and not opened else f"n{i}")
        value = evaluate(forms[0][1], {f"n{i}": v} if i else {})
        most = 110 if "age" in story.kinds else LARGEST if length > 1 else 100 * LARGEST
        if not (possible(value) and (length == 1 or value > 1) and value <= most):
            return None
        asked, tail = pick_tail(rng, story, c, slots, wording, own_ask, last)
        if values and rng.random() < .5 and say.startswith(story.slots["n"] + " "):
            say = story.slots["He"] + say[len(story.slots["n"]):]
        if length == 1 and not opened and "{f}" in wording and "{n}" in wording and story.slots["n"] in sentences[0] and rng.random() < .35:
            sentences.insert(0, say)      # the relation first, then the number: schoolbooks do that
        elif say != ".":
            sentences.append(say)
        if tail and not (last and asked):
            sentences.append(tail)
        story.goes_on(c, "{f}" in wording)
        values.append(value)
        v = value
        steps.append((c.name, forms))
        checks.append(rng.random() < strict and not (last and rng.random() < .5))
        if checks[-1]:
            sentences.append(story.fill(rng.choice(RECOUNT)))
        if last:
            sentences.append(tail if asked else story.fill(rng.choice(ASK)))
    if not wrong_steps_show(steps, values):
        return None
    if length == 1 and wording == ".":
        sentences = [as_typed(sentences[-1], rng)]
    elif rng.random() < .05:
        sentences.insert(rng.choice((0, 1)), story.fill(rng.choice(ASIDE)))
    elif can_be_joined(sentences) and rng.random() < .25:
        sentences = [joined(sentences, story)]
    question = " ".join(sentences)
    if length <= 3 and story.slots["n"] == first and first in BOYS and rng.random() < .2:
        question = told_of(rng.choice(("I", "you")), first, question)
    return Problem(question, str(v), steps, checks, sum(CONCEPTS[name].kind == "delayed" for name, _ in steps))


def begin(rng, story, reworded):
    """-> (a quantity, the sentence that tells it)."""
    v = rng.randint(2, 60) if "age" in story.kinds else rng.randint(*rng.choice(((1, SMALL), (4, 150), (4, 150), (4, LARGEST))))
    lines = START_KIND.get(min(story.kinds), START)
    return v, story.fill(lines[-1] if reworded else rng.choice(lines[:-1] or lines), v=v)


def pick_concept(rng, story, length, opener, delayed, used, v, among):
    """-> (a concept that was not used and fits the quantity `v`, its slots), or (None, None) after 40 tries."""
    for _ in range(40):
        names = [name for name in (OPENERS if opener else DELAYED if rng.random() < delayed else LOCAL) if name in among]
        if not names:
            continue
        c = CONCEPTS[rng.choices(names, [CONCEPTS[name].weight for name in names])[0]]
        if c.name in used or not (opener and "age" in story.kinds or story.fitting(c.say)):
            continue
        slots = c.sample(rng, None if opener else v)
        if slots and (length == 1 or all(k <= LARGEST for k in slots.values() if isinstance(k, int))):
            if opener and ("age" in story.kinds or c.name == "convert"):
                story.now(slots.pop("o", plural(rng.choice(THINGS))))
            return c, slots
    return None, None


def pick_wording(rng, story, c, last, reworded):
    """-> (a wording of the step, the question that belongs to this very wording or ""), or (None, None)."""
    lines = [line for line in story.fitting([c.say[-1]] if reworded else c.say[:-1])
             if last or " => " not in line and (line != "." or c.link)]
    if not lines:
        return None, None
    wording, _, own_ask = rng.choice(lines).partition(" => ")
    return wording, own_ask


def pick_tail(rng, story, c, slots, wording, own_ask, last):
    """-> (is it the question, the sentence behind the step: the question at the end of the story, else a link)."""
    about_other = "{f}" in wording
    asks = [ask for ask in story.fitting(c.ask) if about_other or "{f}" not in ask]
    asks = [ask for ask in asks if about_other and c.others and "{f}" in ask] or asks
    if own_ask or last and asks:
        return True, story.fill(own_ask or rng.choice(asks), **slots)
    if c.link and not (c.link[0].startswith("?") and rng.random() < .6):      # "?" marks a link that may be left out
        return False, story.fill(rng.choice(c.link).lstrip("?"), **slots)
    return False, ""


def forms_of(story, c, slots, x):
    """-> [(comment, expression)], the right form first. The comment names the quantity as the story does, digits only."""
    told = dict(story.slots, **slots, x=x if x.isdigit() else "the first")
    forms = [(re.sub(r"\{(\w+)\}", lambda slot: str(told[slot.group(1)]), comment), expression.format(x=x, **slots))
             for comment, expression in (c.right, *c.wrong)]
    return forms[::-1] if slots.get("flip") else forms


def as_typed(ask, rng):
    """A bare question, now and then in a hurry: "what is 2+2" for "What is 2 + 2?"."""
    if rng.random() < .25:
        ask = re.sub(r"(?<=[\d)]) ([-+*/x:]) (?=[\d(])", r"\1", ask)
    if rng.random() < .15:
        ask = ask[0].lower() + ask[1:]
    return re.sub(r" ?=?[ ?.]*$", "", ask) if rng.random() < .15 else ask


def told_of(who, name, text):
    """ "Tom has 5 apples. How many does he have?" as "I have 5 apples. How many do I have?", or with "you"."""
    me, my, am = ("me", "my", "am") if who == "I" else ("you", "your", "are")
    was = "was" if who == "I" else "were"
    def plain(verb):
        return {"has": "have", "is": am, "was": was, "does": "do", "goes": "go", "ties": "tie"}.get(verb) or (
            re.sub(r"(?<=ch|sh|ss)es$|(?<=[^s])s$", "", verb.removesuffix("ies") + "y" if verb.endswith("ies") else verb))
    text = re.sub(rf"\b(is|was|does) ({re.escape(name)}|he)\b", lambda m: f"{plain(m[1])} {who}", text)
    text = re.sub(rf"\b({re.escape(name)}|[Hh]e)( then| already|) (\w+)", lambda m: f"{who}{m[2]} {plain(m[3])}", text)
    text = re.sub(rf"\b(and|but|then|{who}) ([a-z]+s)(?= (\d|\$|with |a |the |all |some |half |{'|'.join(WORDS)}))", lambda m: f"{m[1]} {plain(m[2])}", text)
    text = re.sub(rf"\b{re.escape(name)}'s\b|\bhis\b", my, text)
    text = re.sub(r"\bHis\b", my.title(), text)
    text = re.sub(r"\bhim\b", me, text)
    text = re.sub(rf"\b{re.escape(name)}\b", me, text)
    text = re.sub(r"\b[Hh]e\b", who, text)
    text = re.sub(rf"\b(asks|given|give|gives|gave|bring|brings|hand|hands) {who}\b", rf"\1 {me}", text)
    return re.sub(r"(^|[.?] )(you|my)", lambda m: m[1] + m[2].title(), text)


def can_be_joined(sentences):
    return 1 < len(sentences) < 4 and sentences[-1].endswith("?") and not any(re.search(r"(?<!Mr)(?<!Mrs)(?<!Ms)\. ", s) for s in sentences)


def joined(sentences, story):
    """ "A has 5. A gets 7. How many?" told as one sentence: "If A has 5 and A gets 7, how many?" """
    def lower(s):
        return s[0].lower() + s[1:] if s.split()[0] in STARTERS else s
    *facts, ask = sentences
    facts = " and ".join(lower(f.rstrip(".")) for f in facts)
    return f"If {facts}, {lower(ask)}" if story.rng.random() < .6 else f"{ask.rstrip('?')} if {facts}?"


STARTERS = set("""He She His Her Its They There Then It Each The A An How What In At For Of Out That This Every One Exactly These If
Now Later After Before While Last During With To First Yesterday Together Just Some Three My Another""".split())


def wrong_steps_show(steps, values):
    """True if every single wrong step changes the answer, and a wrong delayed one gives an impossible answer."""
    for i, (name, forms) in enumerate(steps):
        for wrong in range(1, len(forms)):
            variables = {f"n{j + 1}": value for j, value in enumerate(values[:i])}
            for j in range(i, len(steps)):
                variables[f"n{j + 1}"] = evaluate(steps[j][1][wrong if j == i else 0][1], variables)
            final = variables[f"n{len(steps)}"]
            if final == values[-1] or CONCEPTS[name].kind == "delayed" and possible(final):
                return False
    return True


# ---------------------------------------------------------------------------------------------------------
# Tales. Start reading at `told`, at the end of this part.

def coined(rng):
    """A word that nobody knows."""
    syllable = lambda codas: rng.choice(ONSETS) + rng.choice(VOWELS) + rng.choice(codas)
    return syllable(CODAS) if rng.random() < .5 else syllable(CODAS) + rng.choice("aeio") + rng.choice(CODAS)


ONSETS = "b br c ch cl d dr f fl g gr h j k kl l m n p pl pr qu r s sh sk st t th tr v w y z".split()
VOWELS = "a e i o u a e i o u ai ea ee oo ou".split()
CODAS = "b ck d g l ll m mp n nd ng nk p r rd rt s sh st t x".split()


def vocabulary(rng):
    """The words of one tale: slot -> word."""
    words = {}

    def fresh(known):
        while True:
            word = coined(rng) if rng.random() < .12 else rng.choice(known).replace("_", " ")
            if word not in words.values():
                return word

    def person():
        pick, family = rng.random(), rng.choice("Hill Green Lopez Brown Smith Lee Jones Miller King Wood Clark Hall Young Baker".split())
        return (coined(rng).title() if pick < .1 else f"{rng.choice(('the', 'a', 'another'))} {rng.choice(WHO)}" if pick < .25 else
                f"{rng.choice(('Mr.', 'Mrs.', 'Ms.'))} {rng.choice((family, coined(rng).title()))}" if pick < .3 else
                f"{rng.choice(('his', 'her', 'my'))} {rng.choice(RELATIVES + ['mom', 'dad', 'teacher', 'grandmother'])}" if pick < .35 else rng.choice(GIRLS + BOYS))

    things, people, boxes = THINGS + MORE_THINGS, PEOPLE + MORE_PEOPLE, BOXES + MORE_BOXES
    for slot, known in (("s", people if rng.random() < .12 else things), ("p", things), ("p3", things), ("p4s", things), ("thing", things), ("tool", things), ("person", people),
                        ("bag", boxes), ("r", ADJECTIVES + MORE_ADJECTIVES), ("q", rng.choice((KINDS, MORE_ADJECTIVES))), ("r3", ADJECTIVES), ("adj", MORE_ADJECTIVES)):
        words[slot] = fresh(known)
    for many, one in dict(o="s", p="p", p3="p3", p4="p4s", things="thing", people="person", bags="bag").items():
        words[many] = plural(words[one])
    if rng.random() < .15:
        words["o"] = rng.choice((f"{rng.choice(ADJECTIVES)} {words['o']}", f"{words['bags']} of {words['o']}", f"pieces of {words['s']}"))
    while len({words.setdefault(slot, person()) for slot in "NML"}) < 3:
        del words["N"], words["M"], words["L"]
    words.update(coin=coined(rng).title(), rel=rng.choice(RELATIVES), place=fresh(PLACES + MORE_PLACES), job=rng.choice(JOBS), x=str(rng.randint(2, 99)),
                 time=rng.choice("day day day week month year hour morning night trip".split()), ing=fresh(ING), came=fresh(CAME),
                 unit=rng.choice("kilometers miles meters feet pages yards km blocks inches minutes".split()),
                 unit2=rng.choice("dollars dollars pounds kilograms grams points cents minutes liters cups ounces".split()))
    for slots, verbs in (("got get getting", GAIN), ("lost lose", LOSS), ("gone", LEFT)):
        words.update(zip(slots.split(), (verb.replace("_", " ") for verb in rng.choice(verbs).split())))
    she = words["N"] in GIRLS or words["N"].startswith(("Mrs.", "Ms.", "her ")) or words["N"] not in BOYS and rng.random() < .4
    words.update(zip("he him his He His".split(), ("she", "her", "her", "She", "Her") if she else ("he", "him", "his", "He", "His")))
    return words


def alternatives(text):
    """ "a|{b|c}" -> ["a", "{b|c}"] """
    parts, depth = [""], 0
    for sign in re.sub(r"\n *", "", text):
        depth += (sign == "{") - (sign == "}")
        if sign == "|" and not depth:
            parts.append("")
        else:
            parts[-1] += sign
    return parts


def tale(rng, line, numbers):
    """A line of TALES, told in words chosen at random."""
    words = vocabulary(rng)

    def word(match):
        body = match[1]
        if "|" in body:
            body = rng.choice(body.split("|"))
            if body not in words and body not in PHRASES and body not in numbers:
                return re.sub(r"\b[opqr]\b", r"{\g<0>}", body)      # these are slots within an alternative too
        if body in PHRASES:
            return f" {rng.choice(alternatives(PHRASES[body]))} "
        if body in ("DAY", "MONTH"):
            return rng.choice(DAYS if body == "DAY" else MONTHS)
        if body == "place" and rng.random() < .4:
            return rng.choice(PLACES + MORE_PLACES).replace("_", " ")
        k = numbers.get(body.rstrip("$"))
        if k is None:
            return words[body]
        if isinstance(k, int) and k < len(WORDS) and rng.random() < .1 and not body.endswith("$"):
            return WORDS[k]
        k = str(k).replace("_", ",")
        return k if not body.endswith("$") else f"${k}" if rng.random() < .6 else f"{k} dollars"

    def filled(text):
        while "{" in text:
            text = re.sub(r"\{([^{}]*)\}", word, text)
        return text

    facts, _, ask = line.rpartition(" => ")
    sentences = re.split(r"(?<=[.?]) +(?=\w)(?<!Mr. )(?<!Ms. )(?<!Mrs. )", filled(facts)) if facts else []
    while rng.random() < .25:
        sentences.insert(rng.randint(0, max(0, len(sentences) - 1)), filled(rng.choice(alternatives(PHRASES["chat"]))))
    if rng.random() < .12:
        sentences.insert(rng.randint(0, max(0, len(sentences) - 1)), filled(rng.choice(alternatives(PHRASES["aside"]))))
    ask = filled(ask).strip(". ") or sentences.pop()
    ask = put_if(rng, sentences, ask)
    text = " ".join([*sentences, ask])
    for many, one in dict(o="s", people="person", bags="bag").items():
        text = re.sub(rf"(?<![.,])\b(1|[Oo]ne) {re.escape(words[many])}\b", rf"\1 {words[one]}", text)
    text = re.sub(r" +", " ", text).strip()
    text = re.sub(r" (?=[.,?])", "", text)
    text = re.sub(r"\b([Aa]) (?=[aeio]|hour)", r"\1n ", text)
    text = re.sub(r"(^|[.?] )([a-z])", lambda m: m[1] + m[2].upper(), text)
    if rng.random() < .1:
        text = text.lower()
        if rng.random() < .5:
            text = re.sub(r",(?!\d)", "", text).replace("'s", rng.choice((" 's", "s")))
    return text.rstrip("?") if rng.random() < .06 else text


def put_if(rng, sentences, ask):
    """Now and then the last fact becomes a part of the question, which is given back; then it is taken off `sentences`."""
    if not sentences or not sentences[-1].endswith(".") or ask.startswith(("If", "What")) or rng.random() < .75:
        return ask
    fact = sentences.pop().strip(" .")
    fact = fact[0].lower() + fact[1:] if fact.split()[0].rstrip(",") in STARTERS else fact
    if rng.random() < .3:
        return f"{ask.rstrip('?')} if {fact}?"
    return f"If {fact}{rng.choice((', ', ', ', ' '))}{ask[0].lower() + ask[1:]}"


def enlarged(rng, name, numbers):
    """A tale's numbers, now of four to six digits, some of them or all. People write these with a comma or without: as code,
    12_500 or 12500."""
    factor, comma = rng.choice((100, 1000, 10000)) if name in MEASURED else rng.randint(10, 300), "_" if rng.random() < .5 else ""
    if name in MEASURED:
        numbers = {slot: k * factor + rng.randrange(factor) for slot, k in numbers.items()}
    else:
        numbers = numbers | {slot: numbers[slot] * factor for slot in rng.choice(GROWING[name].split())}
    return {slot: f"{k:{comma}}" for slot, k in numbers.items()}


def with_cents(rng, numbers, slots):
    """The numbers in `slots`, now with a decimal point: as money, 12.50, or as anything else, 12.5."""
    part = rng.choice((lambda: rng.choice(("50", "25", "75", "95", "99")), lambda: f"{rng.randrange(100):02}", lambda: str(rng.randint(1, 9))))
    return {slot: f"{k if rng.random() < .8 else 0}.{part()}" if slot in slots else k for slot, k in numbers.items()}


def told(rng):
    """A problem of one step in free English (tales.py)."""
    while True:
        name = rng.choices(list(TALES), [WEIGHTS.get(name, 1) for name in TALES])[0]
        c, line = CONCEPTS[name], rng.choice(TALES[name].splitlines()).strip()
        numbers = c.sample(rng, None)
        if not numbers or any(isinstance(k, int) and k > LARGEST for k in numbers.values()):
            continue
        numbers = {slot: k for slot, k in numbers.items() if slot in "abcdkmw"}
        decimal, money = False, re.findall(r"{([a-d])\$}", line)
        if name in (MEASURED if not money else ()) | GROWING.keys() and rng.random() < .1:
            numbers = enlarged(rng, name, numbers)
        elif (money and "/" not in c.right[1] or name in MEASURED) and rng.random() < (.3 if money else .06):
            numbers, decimal = with_cents(rng, numbers, money or numbers), True
        forms = [(comment.format(**numbers), expression.format(**numbers)) for comment, expression in (c.right, *c.wrong)]
        if decimal:      # else 0.1 + 0.2 prints 0.30000000000000004
            forms = [(comment, f"round({expression}, 2)") for comment, expression in forms]
        values = [evaluate(expression, {}) for _, expression in forms]
        if (values[0] > 0 if decimal else possible(values[0])) and values[0] not in values[1:]:
            return Problem(tale(rng, line, numbers), str(values[0]), [(name, forms)], [False], 0)


# ---------------------------------------------------------------------------------------------------------
# Problems of every kind.

def problem(rng, steps, delayed=.12, strict=0., reworded=False, among=CONCEPTS):
    """A random problem.

    steps     number of dependent steps, 1 to 9
    delayed   dial: probability that a step is a delayed one
    strict    dial: probability that a quantity is counted again, so that the next step asserts it (delta = 1)
    reworded  only the wordings that nothing else uses
    among     names of the concepts that may occur; TALES: a tale, whatever the other arguments
    """
    if among is TALES:
        return told(rng)
    while True:
        found = attempt(rng, steps, delayed, strict, reworded, among)
        if found:
            return found


# ---------------------------------------------------------------------------------------------------------
# Solutions, in the step format of rstar.py.

def solution(p, choices=None, slip=lambda: False):
    """The solution text of problem `p` up to <end_of_code>; `choices[i]` is the form taken in step i (0: right)."""
    text = ""
    for i, (_, forms) in enumerate(p.steps):
        comment, expression = forms[choices[i] if choices else 0]
        if slip():
            expression = expression.replace(f"n{i}", f"n{i + 2}") if f"n{i}" in expression else f"n{i + 2} + " + expression
        text += f"# Step {i + 1}: {comment}\n{check(p, i - 1)}n{i + 1} = {expression}\n<end_of_step>\n\n"
    return text + f"# Now print the final answer\n{check(p, len(p.steps) - 1)}print(n{len(p.steps)})\n<end_of_code>"


def check(p, i):
    """The assertion at the start of the step after a recount."""
    return f"assert n{i + 1} == int(n{i + 1}) > 0\n" if i >= 0 and p.checks[i] else ""


def student(rng, p):
    """(choices, solution) as the base's corpus has it: right steps at the rates of their concepts, and slips."""
    choices = [0 if rng.random() < CONCEPTS[name].rate else rng.randint(1, len(forms) - 1) for name, forms in p.steps]
    return choices, solution(p, choices, slip=lambda: rng.random() < SLIP)


def run(p, choices):
    """What the solution with these choices prints; None if an assertion stops it."""
    variables = {}
    for i, (_, forms) in enumerate(p.steps):
        variables[f"n{i + 1}"] = value = eval(forms[choices[i]][1], KNOWN, variables)
        if p.checks[i] and not possible(value):
            return None
    return str(value)


def stated(output):
    """The answer that is stated for a printed output: whole numbers without their decimal point."""
    return f"The answer is \\boxed{{{output.removesuffix('.0')}}}.{END_OF_ANSWER}"


def student_record(rng, p):
    """A student's whole solution as train_policy.py reads it, slips included; None if an assertion stops it."""
    choices, code = student(rng, p)
    output = run(p, choices)
    return None if output is None else dict(query=p.question, response=f"{code}\n<output>{output}<end_of_output>\n<answer>{stated(output)}")


# ---------------------------------------------------------------------------------------------------------
# Splits and mixes.

SPLITS = dict(pretrain=(0, 14), train=(14, 17), dev=(17, 18), test=(18, 20))     # buckets of the hash, of 20
SUMS = """plus minus multiply divide plus3 plus_minus minus_plus plus_times times_plus bracket multiple squared
times_minus minus_times minus_twice times3""".split()     # bare ones, that tell no story
#             steps, each as often;     delayed  strict  concepts
MIXES = dict(sums=((1,), 0., 0., SUMS), tales=((1,), 0., 0., TALES), plain=((1, 1, 1, 2, 3), 0., 0., CONCEPTS),
             short=((1, 2, 3), .2, .3, CORE), standard=((2, 3, 4, 5, 6, 7), .06, .3, CORE),
             hard=((5, 6, 7, 8, 9), .6, 1., CORE), reworded=((2, 3, 4, 5), .06, .3, CORE))


def draw(rng, split, steps, delayed, strict, reworded=False, among=CONCEPTS):
    """A problem whose text falls into `split`."""
    low, high = SPLITS[split]
    while True:
        p = problem(rng, steps, delayed, strict, reworded, among)
        if low <= zlib.crc32(p.question.encode()) % 20 < high:
            return p


def problems(split, mix="standard", count=1000, seed=0, strict=None):
    """`count` problems of a split and mix, a function of the seed. `strict` turns that dial away from the mix's own."""
    steps, delayed, usual, among = MIXES[mix]
    rng = random.Random(f"{split} {mix} {seed}")
    return [draw(rng, split, steps[i % len(steps)], delayed, usual if strict is None else strict, mix == "reworded", among)
            for i in range(count)]


def main():
    parser = argparse.ArgumentParser(description="Problems of the tiny world, one JSON line each.", usage=argparse.SUPPRESS,      # a mistake gets one line
                                     allow_abbrev=False)
    parser.add_argument("--split", choices=SPLITS, default="test")
    parser.add_argument("--mix", choices=MIXES, default="standard")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--strict", type=float, help="share of quantities that are counted again; default: the mix's own")
    parser.add_argument("--solutions", action="store_true", help="add the right solution and the number of steps")
    parser.add_argument("--students", action="store_true", help="print what the base's corpus holds, {query, response}: more pretraining, as a control")
    args = parser.parse_args()
    if args.count < 0 or not 0 <= (args.strict or 0) <= 1:
        parser.error("--count must be 0 or more" if args.count < 0 else "--strict is a share, 0 to 1")
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)      # `| head` may leave early
    rng = random.Random(args.seed)
    for p in problems(args.split, args.mix, args.count, args.seed, args.strict):
        more = dict(solution=solution(p), steps=len(p.steps), delayed=p.delayed) if args.solutions else {}
        record = student_record(rng, p) if args.students else dict(question=p.question, answer=p.answer, **more)
        if record:
            print(json.dumps(record))


if __name__ == "__main__":
    main()

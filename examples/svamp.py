"""A public benchmark as problems for evolve.sh: `python examples/svamp.py SVAMP OUT 400`

SVAMP is a clone of github.com/arkilpatel/SVAMP. OUT gets train.json (400 problems of one or two
operations from MAWPS and ASDiv, or all without the last argument), dev.json (200 problems of SVAMP)
and test.json (the other 800).
"""

import csv
import json
import random
import re
import sys
from pathlib import Path


def infix(tokens: list[str]) -> str:
    """The next term of an equation in prefix notation, which it takes from the tokens."""
    token = tokens.pop(0)
    return f"({infix(tokens)} {token} {infix(tokens)})" if token in "+-*/" else token


def whole(number: str) -> str:
    """42.0 as people write it."""
    return number.removesuffix(".0")


def fill_in(text: str, numbers: list[str]) -> str:
    """Puts the numbers where the file has number0, number1, ..."""
    return re.sub(r"number(\d+)", lambda place: whole(numbers[int(place[1])]), text)


svamp, out = map(Path, sys.argv[1:3])
train = {}  # by question, since some occur twice
for row in csv.DictReader((svamp / "data" / "mawps-asdiv-a_svamp" / "train.csv").open()):
    numbers = row["Numbers"].split()
    question = re.sub(r"\s+([.,?])", r"\1", fill_in(row["Question"], numbers)).strip()
    expression = fill_in(infix(row["Equation"].split()), numbers)
    train[question] = dict(question=question, answer=whole(row["Answer"]), expression=expression)
test = []
for row in json.loads((svamp / "SVAMP.json").read_text()):
    question = f"{row['Body'].strip().removesuffix('.')}. {row['Question'].strip()}"
    test.append(dict(question=question, answer=whole(str(row["Answer"]))))
train = [*train.values()]
for records in (train, test):
    random.Random(0).shuffle(records)
train = train[: int((sys.argv + [len(train)])[3])]
out.mkdir(parents=True, exist_ok=True)
for name, records in dict(train=train, dev=test[:200], test=test[200:]).items():
    (out / f"{name}.json").write_text(json.dumps(records, indent=1))

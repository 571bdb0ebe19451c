"""A public benchmark as problems for evolve.sh: `python examples/svamp.py SVAMP OUT 400`

SVAMP is a clone of github.com/arkilpatel/SVAMP. OUT gets train.json (400 problems from MAWPS and
ASDiv, mostly of one or two operations; all without the last argument), dev.json (200 problems of
SVAMP) and test.json (the other 800).
"""

import csv
import json
import random
import re
import sys
from pathlib import Path

HOUSE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(HOUSE))
import common  # noqa: E402


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


def read_train(path: Path) -> list[dict]:
    problems = {}  # by question, since some occur twice
    for row in csv.DictReader(common.read_text(path).splitlines(keepends=True)):
        numbers = row["Numbers"].split()
        question = re.sub(r"\s+([.,?])", r"\1", fill_in(row["Question"], numbers)).strip()
        expression = fill_in(infix(row["Equation"].split()), numbers)
        record = dict(question=question, answer=whole(row["Answer"]), expression=expression)
        problems[question] = record
    return [*problems.values()]


def read_test(path: Path) -> list[dict]:
    problems = []
    for _, row in common.read_records(path):
        body, question = row["Body"].strip(), row["Question"].strip()
        # Where the story has no full stop, the question ends its last sentence: "If he eats 2".
        if not body.endswith("."):
            body, question = body.rstrip(" ,") + ",", question[:1].lower() + question[1:]
        problems.append(dict(question=f"{body} {question}", answer=whole(str(row["Answer"]))))
    return problems


def read(reader, path: Path) -> list[dict]:
    """The problems of a file, shuffled; UserError if it is not one of SVAMP's."""
    try:
        problems = reader(path)
    except (KeyError, IndexError, TypeError, AttributeError, csv.Error):
        problems = []
    if not problems:
        raise common.UserError(
            f"{path}: not a file of SVAMP's; clone github.com/arkilpatel/SVAMP again"
        )
    random.Random(0).shuffle(problems)
    return problems


def main() -> int:
    parser = common.Parser(prog="svamp.py", description=__doc__.splitlines()[0])
    parser.add_argument("svamp", help="the clone")
    parser.add_argument("out", help="the folder to write")
    parser.add_argument("count", nargs="?", type=int, help="problems to train on (default: all)")
    args = parser.parse_args()
    if "" in (args.svamp, args.out):
        raise common.UserError("the name of a folder is empty; give the clone, then one to write")
    args.svamp, args.out = (Path(path).expanduser() for path in (args.svamp, args.out))
    train = read(read_train, args.svamp / "data" / "mawps-asdiv-a_svamp" / "train.csv")
    test = read(read_test, args.svamp / "SVAMP.json")
    count = len(train) if args.count is None else args.count
    if not 0 < count <= len(train):
        raise common.UserError(f"count {count}: must be from 1 to {len(train)}")
    args.out.mkdir(parents=True, exist_ok=True)
    for name, problems in dict(train=train[:count], dev=test[:200], test=test[200:]).items():
        common.write_whole(args.out / f"{name}.json", json.dumps(problems, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(common.run("svamp", main, less_memory="fewer problems"))

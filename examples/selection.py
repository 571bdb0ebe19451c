"""Another selection rule: `python examples/selection.py` compares UCT with two simpler ones.

It gave uct 57/60, best_q 57/60, fewest_visits 57/60 on tiny/examples.jsonl: trees of the tiny world
are so small that a search visits most of a tree, in whatever order.

With an argument N, only the first N problems are searched.
"""

import sys
from pathlib import Path

HOUSE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(HOUSE))
from answers import answers_equal  # noqa: E402
from common import read_problems  # noqa: E402
from rstar import PPM, Config, Policy, search, uct  # noqa: E402


def best_q(child, parent_visits, c):
    return child.Q


def fewest_visits(child, parent_visits, c):
    return -child.visits


problems = read_problems(HOUSE / "tiny" / "examples.jsonl")[: int((sys.argv + [60])[1])]
policy = Policy(HOUSE / "tiny" / "policy")
ppm = PPM(HOUSE / "tiny" / "ppm")
for rule in (uct, best_q, fewest_visits):
    questions = [problem["question"] for problem in problems]
    results = search(questions, policy, ppm, config=Config(c=1, stop=0), rule=rule, batch=48)
    answers = [result.chosen and result.chosen.answer for result in results]
    right = sum(answers_equal(a or "", p["reference"]) for a, p in zip(answers, problems))
    print(f"{rule.__name__}: {right}/{len(problems)}")

"""Another value of a trajectory: `python examples/value.py` compares three.

It gave value_of 56/60, agree 56/60, weakest_step 56/60 on tiny/examples.jsonl: the value only
steers the search, and the answer is chosen by the PPM in all three.

With an argument N, only the first N problems are searched.
"""

import sys
from pathlib import Path

HOUSE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(HOUSE))
from answers import answers_equal  # noqa: E402
from common import read_problems  # noqa: E402
from rstar import PPM, Config, Policy, agreement, search, terminals, value_of  # noqa: E402


def agree(node):
    """How many of the tree's samples have this answer, whatever the PPM says."""
    return 2 * agreement(node, terminals(node.root)) - 1


def weakest_step(node):
    """A trajectory is as good as its worst step."""
    return min(step.ppm for step in node.steps)


problems = read_problems(HOUSE / "tiny" / "examples.jsonl")[: int((sys.argv + [60])[1])]
policy = Policy(HOUSE / "tiny" / "policy")
ppm = PPM(HOUSE / "tiny" / "ppm")
for value in (value_of, agree, weakest_step):
    questions = [problem["question"] for problem in problems]
    results = search(questions, policy, ppm, config=Config(c=1, rollouts=8), value=value, batch=48)
    answers = [result.chosen and result.chosen.answer for result in results]
    right = sum(answers_equal(a or "", p["reference"]) for a, p in zip(answers, problems))
    print(f"{value.__name__}: {right}/{len(problems)}")

"""Another choice of the answer: `python examples/choice.py` compares three on four trees each.

It gave choose 49/60, vote_of_the_best 56/60, majority 54/60 on tiny/examples.jsonl. The trees are
sampled at temperature 1 here, so they hold more wrong answers for the PPM to like than the colder
ones that `rstar.py` answers with.

With an argument N, only the first N problems are searched.
"""

import sys
from pathlib import Path

HOUSE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(HOUSE))
from answers import answers_equal  # noqa: E402
from common import read_problems  # noqa: E402
from rstar import PPM, Config, Policy, choose, majority, search  # noqa: E402


def vote_of_the_best(ends):
    """What the authors' released script does: a vote among the four best-scored answers."""
    return majority(sorted(ends, key=lambda node: -node.ppm)[:4])


problems = read_problems(HOUSE / "tiny" / "examples.jsonl")[: int((sys.argv + [60])[1])]
policy = Policy(HOUSE / "tiny" / "policy")
ppm = PPM(HOUSE / "tiny" / "ppm")
for rule in (choose, vote_of_the_best, majority):
    questions = [problem["question"] for problem in problems]
    config = Config(c=1, rollouts=4, searches=4, temperature=1)
    results = search(questions, policy, ppm, config=config, choose=rule, batch=48)
    answers = [result.chosen and result.chosen.answer for result in results]
    right = sum(answers_equal(a or "", p["reference"]) for a, p in zip(answers, problems))
    print(f"{rule.__name__}: {right}/{len(problems)}")

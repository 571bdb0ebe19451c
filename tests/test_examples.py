"""The programs in examples/ run; the three experiments on two problems instead of sixty."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from train_policy import read_trajectories

HOUSE = Path(__file__).parent.parent
EXPERIMENTS = {
    "selection": ["uct", "best_q", "fewest_visits"],
    "value": ["value_of", "agree", "weakest_step"],
    "choice": ["choose", "vote_of_the_best", "majority"],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_prints_a_line_for_each_variant(name):
    program = HOUSE / "examples" / f"{name}.py"
    run = subprocess.run([sys.executable, program, "2"], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    lines = [line.partition(":") for line in run.stdout.splitlines()]
    assert [variant for variant, _, _ in lines] == EXPERIMENTS[name]
    assert all(counts.endswith("/2") for _, _, counts in lines)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_is_at_most_30_lines_of_script(name):
    text = (HOUSE / "examples" / f"{name}.py").read_text()
    script = text.split('"""')[2].splitlines()
    assert len([line for line in script if line.strip()]) <= 30


def test_a_reference_computation_becomes_a_trajectory(tmp_path):
    problems = tmp_path / "problems.json"
    record = dict(question="How many each?", answer="3", expression="(5 + 4) / (4 - 1)")
    problems.write_text(json.dumps([record]))
    program = HOUSE / "examples" / "references.py"
    run = subprocess.run([sys.executable, program, problems], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    out = tmp_path / "references.jsonl"
    out.write_text(run.stdout)
    (trajectory,) = read_trajectories(out)
    assert trajectory.question == "How many each?" and trajectory.right
    code = "n1 = 5 + 4", "n2 = 4 - 1", "n3 = n1 / n2", "print(n3)"
    assert all(line in trajectory.steps.splitlines() for line in code)
    assert "<output>3.0<end_of_output>" in trajectory.steps
    assert trajectory.steps.endswith("\\boxed{3}.<end_of_answer>")

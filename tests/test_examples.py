"""The three experiments in examples/ run, on two problems instead of sixty."""

import subprocess
import sys
from pathlib import Path

import pytest

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

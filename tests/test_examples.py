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


def test_svamp_becomes_problems(tmp_path):
    folder = tmp_path / "svamp" / "data" / "mawps-asdiv-a_svamp"
    folder.mkdir(parents=True)
    question = '"Tom has number0 pens , and number1 more . How many in number2 days ?"'
    row = f"{question},3.0 4.5 10.0,* number2 + number0 number1,75.0\n"
    rows = row + row + row.replace("Tom", "Ann")
    (folder / "train.csv").write_text(f"Question,Numbers,Equation,Answer\n{rows}")
    problems = [dict(Body=" Tom had 2 pens", Question="How many?", Answer=2.0)] * 201
    (tmp_path / "svamp" / "SVAMP.json").write_text(json.dumps(problems))
    program = HOUSE / "examples" / "svamp.py"
    command = [sys.executable, program, tmp_path / "svamp", tmp_path / "out"]

    def records():
        names = ("train", "dev", "test")
        return [json.loads((tmp_path / "out" / f"{name}.json").read_text()) for name in names]

    subprocess.run(command, check=True)
    train, dev, test = records()
    text = "Tom has 3 pens, and 4.5 more. How many in 10 days?"
    assert dict(question=text, answer="75", expression="(10 * (3 + 4.5))") in train
    assert (len(train), len(dev), len(test)) == (2, 200, 1)
    assert test == [dict(question="Tom had 2 pens. How many?", answer="2")]
    subprocess.run([*command, "1"], check=True)
    assert len(records()[0]) == 1

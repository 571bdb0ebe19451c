"""The programs in examples/ run; the three experiments on two problems instead of sixty."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import common
import references
import svamp
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


@pytest.fixture
def run(monkeypatch):
    """The exit code of a program's `main` with these arguments."""

    def run(program, *arguments):
        monkeypatch.setattr(sys, "argv", [program.__name__, *map(str, arguments)])
        return common.run(program.__name__, program.main, less_memory="")

    return run


@pytest.fixture
def refused(run, capsys):
    """The one line that a program ends with."""

    def refused(program, *arguments):
        assert run(program, *arguments) == 2
        line = capsys.readouterr().err
        assert line.count("\n") == 1
        return line

    return refused


def test_a_reference_computation_becomes_a_trajectory(tmp_path, run, capsys):
    problems = tmp_path / "problems.json"
    record = dict(question="How many each?", answer="3", expression="(5 + 4) / (4 - 1)")
    # An answer that is wrong, and a computation that fails, teach nothing.
    problems.write_text(
        json.dumps([record, dict(record, answer="4"), dict(record, expression="1/0")])
    )
    assert run(references, problems) == 0
    printed = capsys.readouterr()
    assert printed.err.startswith("1 of 3; ")
    out = tmp_path / "references.jsonl"
    out.write_text(printed.out)
    (trajectory,) = read_trajectories(out)
    assert trajectory.question == "How many each?" and trajectory.right
    code = "n1 = 5 + 4", "n2 = 4 - 1", "n3 = n1 / n2", "print(n3)"
    assert all(line in trajectory.steps.splitlines() for line in code)
    assert "<output>3.0<end_of_output>" in trajectory.steps
    assert trajectory.steps.endswith("\\boxed{3}.<end_of_answer>")


@pytest.mark.parametrize(
    "expression, answer", [("-2 + 5", 3), (" 5 - -2", 7), ("-(1 + 2) * 2", -6), ("-4", -4)]
)
def test_a_reference_may_have_signs_and_blanks(tmp_path, run, capsys, expression, answer):
    problems = tmp_path / "problems.jsonl"
    record = dict(question="How many?", answer=answer, expression=expression)
    problems.write_text(json.dumps(record))
    assert run(references, problems) == 0
    printed = capsys.readouterr()
    assert f"<output>{answer}<end_of_output>" in json.loads(printed.out)["response"]
    assert printed.err == "1 of 1\n"


def test_references_that_all_miss_their_answers_are_no_data(tmp_path, refused):
    problems = tmp_path / "problems.jsonl"
    problems.write_text(json.dumps(dict(question="How many?", answer="3", expression="1 + 1")))
    assert "no expression gives the answer" in refused(references, problems)


LONG = "+".join(["1"] * 5000)


@pytest.mark.parametrize(
    "expression", ["1 +", "1 ** 2", "f(1)", "n + 1", "~1", "not 1", LONG, 3, None]
)
def test_a_reference_that_is_no_computation_is_named(tmp_path, refused, expression):
    problems = tmp_path / "problems.jsonl"
    problems.write_text(json.dumps(dict(question="How many?", answer="3", expression=expression)))
    assert f'{problems}, line 1: needs an "expression"' in refused(references, problems)


def test_more_references_than_there_are(tmp_path, refused):
    problems = tmp_path / "problems.jsonl"
    problems.write_text(json.dumps(dict(question="How many?", answer="3", expression="1 + 2")))
    for count in (0, 2):
        assert f"count {count}: " in refused(references, problems, count)


def clone_of_svamp(folder: Path):
    """A clone of SVAMP with three problems to train on, two of them the same, and 201 to test."""
    train = folder / "data" / "mawps-asdiv-a_svamp"
    train.mkdir(parents=True)
    question = '"Tom has number0 pens , and number1 more . How many in number2 days ?"'
    row = f"{question},3.0 4.5 10.0,* number2 + number0 number1,75.0\n"
    rows = row + row + row.replace("Tom", "Zoë")
    text = f"Question,Numbers,Equation,Answer\n{rows}"
    (train / "train.csv").write_text(text, encoding="utf-8")
    problems = [dict(Body="Tom had 2 pens. If he buys 3", Question="How many?", Answer=5.0)] * 201
    (folder / "SVAMP.json").write_text(json.dumps(problems))
    return folder


def test_svamp_becomes_problems(tmp_path, run):
    clone = clone_of_svamp(tmp_path / "svamp")

    def records():
        names = ("train", "dev", "test")
        return [json.loads((tmp_path / "out" / f"{name}.json").read_text()) for name in names]

    assert run(svamp, clone, tmp_path / "out") == 0
    train, dev, test = records()
    text = "Tom has 3 pens, and 4.5 more. How many in 10 days?"
    assert dict(question=text, answer="75", expression="(10 * (3 + 4.5))") in train
    assert (len(train), len(dev), len(test)) == (2, 200, 1)
    assert test == [dict(question="Tom had 2 pens. If he buys 3, how many?", answer="5")]
    assert run(svamp, clone, tmp_path / "out", 1) == 0
    assert len(records()[0]) == 1


def test_what_is_not_svamp_is_named(tmp_path, refused):
    assert "there is no such file" in refused(svamp, tmp_path, tmp_path / "out")
    assert "required: svamp, out" in refused(svamp)
    clone = clone_of_svamp(tmp_path / "svamp")
    assert "count 3: must be from 1 to 2" in refused(svamp, clone, tmp_path / "out", 3)
    for name in ("SVAMP.json", "data/mawps-asdiv-a_svamp/train.csv"):
        # As in a clone whose large files were not loaded.
        (clone / name).write_text('{"version": "https://git-lfs.github.com/spec/v1"}')
        assert f"{name}: not a file of SVAMP's" in refused(svamp, clone, tmp_path / "out")
    assert not (tmp_path / "out").exists()

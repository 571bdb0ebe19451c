"""Comparing methods of answering: each gets the tokens that it may have, and results survive."""

import itertools
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

import evaluate
import rstar
from common import UserError
from evaluate import Comparison
from rstar import END_OF_CODE, Config, nodes, terminals
from scripted import TWO, ScriptedPolicy, ScriptedPPM


class WholePolicy(ScriptedPolicy):
    """Writes steps without a thought, and whole solutions of one line."""

    def step(self, code):
        return f"{code}\n" + (END_OF_CODE if "print" in code else rstar.END_OF_STEP)


SCORES = {"n1 = 2": 0.3, "print(n1)": 0.8, "print(1)": -0.1, "print(1.0)": -0.2, "print(2)": 0.6}
PROBLEM = dict(question="q", reference="2")


def test_each_method_is_judged_on_the_same_problem():
    script = {"": ["n1 = 2", "print(1)", "print(1.0)", "print(2)"], "n1 = 2": ["print(n1)"]}
    config = Config(rollouts=3, candidates=4, expansions=1)
    comparison = Comparison(samples=4, plausible="[2-9]")
    outcomes = evaluate.evaluate(
        [PROBLEM], WholePolicy(script), ScriptedPPM(SCORES), config, comparison
    )
    right = {method: results[0][0] for method, results in outcomes.items()}
    # Whole samples: n1 = 2 does not end, 1 and 1.0 agree, 2 has the best score and is the only
    # plausible answer; greedy decoding gets the first candidate only.
    assert right == {
        "tree search": True,
        "tree search, 1 trajectory": True,
        "tree search, 2 trajectories": True,
        "greedy": False,
        "majority of N": False,
        "vote among plausible answers": True,
        "best of N by the PPM": True,
        "step-wise choice by the PPM": True,
    }


@pytest.mark.parametrize(
    "methods, expected",
    [
        ("greedy", {"greedy"}),
        ("tree", {"tree search", "tree search, 1 trajectory", "greedy"}),
        (
            "tree,adaptive",
            {"tree search", "tree search, 1 trajectory", "greedy", "adaptive best of N"},
        ),
        ("samples", {"greedy", "majority of N", "best of N by the PPM"}),
    ],
)
def test_only_the_methods_asked_for_are_compared(methods, expected):
    needs_samples = methods == "samples"
    comparison = Comparison(methods=methods, samples=2 if needs_samples else 0)
    policy = WholePolicy({"": ["print(1)"]})
    ppm = ScriptedPPM({"print(1)": 0.6})
    outcomes = evaluate.evaluate([PROBLEM], policy, ppm, Config(rollouts=1, stop=0.5), comparison)
    assert outcomes.keys() == expected


@pytest.mark.parametrize(
    "setting", [dict(methods="tree,best"), dict(methods=""), dict(methods="samples"),
                dict(samples=-1), dict(plausible="(")]
)  # fmt: skip
def test_comparisons_that_make_no_sense_are_refused(setting):
    with pytest.raises(UserError):
        Comparison(**setting)


def test_first_trajectories_are_what_a_shorter_search_had_seen():
    script = {"": [f"n1 = {i}" for i in range(4)]}
    script.update({f"n1 = {i}": [f"print({i})", f"print({i + 4})"] for i in range(4)})
    scores = {f"n1 = {i}": i / 10 for i in range(4)}
    scores.update({f"print({i})": 0.5 - i / 10 for i in range(8)})
    policy = ScriptedPolicy(script)
    trees = {}
    for rollouts in (1, 2, 4, 6):
        config = Config(rollouts=rollouts, candidates=3, expansions=1)
        (result,) = rstar.search(["q"], policy, ScriptedPPM(scores), config=config)
        trees[rollouts] = result.trees
    for rollouts in (1, 2, 4):
        ends, tokens = evaluate.first_trajectories(trees[6], rollouts, policy)
        (shorter,) = trees[rollouts]
        assert [end.number for end in ends] == [end.number for end in terminals(shorter)]
        # One token per text: a proposed candidate, or a stated answer.
        copies = sum(node.copies for node in nodes(shorter)[1:])
        assert tokens == copies + len(terminals(shorter))


@pytest.mark.parametrize("enough, counts", [(None, [4, 4]), (0.5, [1, 1])])
def test_sampling_ends_at_the_budget_or_at_a_good_score(enough, counts):
    policy = WholePolicy({"": ["print(1)"]})
    ppm = ScriptedPPM({"print(1)": 0.6})
    evaluate.sample(["a", "b"], policy, ppm, Config(), 0, samples=1)
    cost = policy.tokens / 2
    solutions = evaluate.sample(["a", "b"], policy, ppm, Config(), 3.5 * cost, enough=enough)
    # Equal solutions that were drawn together are one node, which states its answer once: so the
    # budget of 7 solutions is enough for 8.
    assert [sum(end.copies for end in ends) for ends in solutions] == counts


@pytest.mark.parametrize(
    "problems, workers, bounds",
    [
        (40, 1, [0, 40]),
        (40, 2, [0, 20, 40]),  # else one process would have nothing to do
        (130, 2, [0, 32, 65, 97, 130]),
        (30, 2, [0, 30]),  # batches of 15 could hardly spend a budget evenly
        (1, 8, [0, 1]),
    ],
)
def test_batches_are_of_one_size_and_each_process_has_as_many(problems, workers, bounds):
    assert evaluate.cut(problems, 48, workers) == bounds


@pytest.mark.parametrize("workers", [1, 2, 3, 8])
@pytest.mark.parametrize("largest", [1, 2, 3, 48])
def test_no_batch_is_empty(largest, workers):
    for problems in range(1, 300):
        bounds = evaluate.cut(problems, largest, workers)
        sizes = [last - first for first, last in itertools.pairwise(bounds)]
        assert bounds[0] == 0 and sum(sizes) == problems
        assert min(sizes) > 0 and max(sizes) <= largest


def test_sampling_ends_when_nothing_can_be_written():
    class Silent(ScriptedPolicy):
        def __call__(self, texts, k, *more):
            return [[""] * k for _ in texts]

    assert evaluate.sample(["q"], Silent({}), None, Config(), 100.0) == [[]]


def test_step_wise_choice_spends_its_budget():
    policy = ScriptedPolicy(TWO)
    ppm = ScriptedPPM({"n1 = 1": 0.5, "n1 = 2": -0.5, "print(n1)": 0.2, "print(n1 )": 0.9})
    evaluate.step_wise(["a"], policy, ppm, Config(), 0, 1)
    cost, policy.tokens = policy.tokens, 0  # of one candidate per step
    questions = [f"q{i}" for i in range(20)]
    # "greedy" is given twice too high; without the correction 1.3 would be spent, not 3.
    chosen = evaluate.step_wise(questions, policy, ppm, Config(), 3 * cost, 2 * cost)
    assert len(chosen) == 20
    assert 2.5 < policy.tokens / 20 / cost < 3.2


# The command line.


@pytest.fixture
def command(monkeypatch, tmp_path):
    """Runs evaluate.py on five problems with scripted models: (exit code, path of the results)."""
    models = (
        ScriptedPolicy(TWO),
        ScriptedPPM({"n1 = 1": 0.5, "n1 = 2": -0.5, "print(n1)": 0.2, "print(n1 )": 0.9}),
    )
    monkeypatch.setattr(evaluate, "load_models", lambda *arguments: models)
    problems = tmp_path / "problems.jsonl"
    lines = [json.dumps(dict(question=f"q{i}", answer=str(1 + i % 2))) for i in range(5)]
    problems.write_text("\n".join(lines))
    out = tmp_path / "results.json"

    def run(*flags):
        files = ["--problems", str(problems), "--out", str(out)]
        return evaluate.main([*files, "--methods", "tree", "--batch", "2", *flags]), out

    return run


def test_results_hold_every_problem_and_a_rerun_changes_nothing(command, capsys):
    code, out = command()
    results = json.loads(out.read_text())
    assert code == 0
    assert len(results["outcomes"]["tree search"]) == 5
    assert {row["method"] for row in results["rows"]} >= {"tree search", "greedy"}
    before = out.read_bytes()
    assert command()[0] == 0
    assert out.read_bytes() == before
    assert "tree search" in capsys.readouterr().out


def test_a_rerun_after_a_kill_adds_only_the_missing_batches(command):
    _, out = command()
    whole = json.loads(out.read_text())
    assert list(whole["batches"]) == ["0", "1", "3"]
    cut = dict(whole, batches={"0": whole["batches"]["0"], "3": whole["batches"]["3"]})
    out.write_text(json.dumps(cut))
    assert command()[0] == 0
    assert json.loads(out.read_text())["outcomes"] == whole["outcomes"]


@pytest.mark.parametrize(
    "flags, difference",
    [(["--seed", "1"], "seed 0, not 1"), (["--batch", "3"], "batch 2, not 3")],
)
def test_results_of_other_settings_are_refused(command, capsys, flags, difference):
    command()
    assert command(*flags)[0] == 2
    assert difference in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        lambda batches: [],
        lambda batches: dict(batches, **{"2": batches["1"]}),
        lambda batches: {"-1": batches["0"]},
        lambda batches: {"0": batches["1"]},
        lambda batches: {"0": {}},
        lambda batches: {"0": dict(batches["0"], greedy=[])},
        lambda batches: {"0": {"greedy": [[True, float("nan")]]}},
        lambda batches: {"0": {"greedy": [[True, 10**400]]}},
        lambda batches: {"0": {"greedy": [["yes", 1]]}},
        lambda batches: dict(batches, **{"1": {"greedy": batches["1"]["greedy"]}}),
    ],
)
def test_nonsense_in_edited_results_is_refused(command, capsys, change):
    _, out = command()
    results = json.loads(out.read_text())
    text = json.dumps(dict(results, batches=change(results["batches"])))
    out.write_text(text)
    capsys.readouterr()
    assert command()[0] == 2
    assert out.read_text() == text
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "not an evaluation" in error


@pytest.mark.slow
@pytest.mark.parametrize("text", ["[]", "{}", "{", '{"settings": {}, "batches": {"0": 1}}'])
def test_a_file_that_is_no_evaluation_is_refused(command, capsys, text):
    _, out = command()
    out.write_text(text)
    capsys.readouterr()
    assert command()[0] == 2
    assert out.read_text() == text
    assert capsys.readouterr().err.count("\n") == 1


# evaluate.py with a scripted policy that writes nothing before the file `go` exists.
WAITING = """
import os, sys, time
sys.path[:0] = ["tests", "."]
import evaluate
from scripted import TWO, ScriptedPolicy
go, *arguments = sys.argv[1:]
class Waiting(ScriptedPolicy):
    def __call__(self, *values, **options):
        while not os.path.exists(go):
            time.sleep(0.1)
        return super().__call__(*values, **options)
evaluate.load_models = lambda *more: (Waiting(TWO), None)
sys.exit(evaluate.main(arguments))
"""


@pytest.mark.slow
def test_of_two_evaluations_into_one_file_the_second_is_refused(command, tmp_path):
    go = tmp_path / "go"
    out = tmp_path / "results.json"
    flags = ["--problems", tmp_path / "problems.jsonl", "--out", out, "--ppm", "none"]
    words = [sys.executable, "-c", WAITING, go, *flags, "--methods", "tree", "--batch", "2"]
    options = dict(cwd=Path(__file__).parents[1], stderr=subprocess.PIPE, text=True)
    with subprocess.Popen(words, **options) as first:
        deadline = time.monotonic() + 120
        while not out.with_name(".results.json.lock").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        second = subprocess.run(words, **options)
        assert second.returncode == 2
        assert second.stderr.count("\n") == 1
        assert "another run is writing" in second.stderr
        go.touch()
        assert first.wait(120) == 0
    assert len(json.loads(out.read_text())["outcomes"]["tree search"]) == 5
    names = ["go", "problems.jsonl", "results.json"]
    assert sorted(file.name for file in tmp_path.iterdir()) == names

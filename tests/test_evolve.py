"""evolve.sh and show.py: all of it runs with a handful of problems, goes on after a kill, and says what is wrong."""
import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import rstar
import show

HERE = Path(__file__).parent.parent


def evolve(out, *arguments, **environment):
    return subprocess.run([HERE / "evolve.sh", *arguments], capture_output=True, text=True,
                          env=dict(os.environ, SMOKE="1", OUT=str(out), PYTHON=sys.executable, **environment))


@pytest.mark.slow
def test_all_of_it_runs_and_a_rerun_does_nothing_again(tmp_path):
    first = evolve(tmp_path / "run")
    assert first.returncode == 0, first.stderr[-2000:]
    rows = list(csv.DictReader(open(tmp_path / "run" / "results.csv")))
    for r in range(5):
        ways = {row["what"] for row in rows if row["round"] == str(r) and row["on"] == "dev"}
        assert {"greedy", "majority of N", "tree search", "tree search, 1 trajectory"} <= ways
        assert r == 0 or {"best of N by the PPM", "step-wise choice by the PPM"} <= ways
    assert {row["round"] for row in rows if row["what"] == "coverage so far"} == {"1", "2", "3", "4"}
    last = json.loads((tmp_path / "run" / "ppm-r4" / "metrics.json").read_text())["history"][-1]
    pairs = {row["what"]: int(row["n"]) for row in rows if row["round"] == "4" and row["what"].startswith("PPM")}
    assert pairs == {f"PPM, {whose} of {kind}": last[f"{kind}_n"] for whose in ("pairs", "all rounds' pairs") for kind in ("steps", "answers") if last[f"{kind}_n"]}
    assert "## Seconds of each stage" in first.stdout and "| ppm-r4 |" in first.stdout
    again = evolve(tmp_path / "run")
    assert again.returncode == 0 and "===" not in again.stderr and again.stdout == first.stdout


def test_other_settings_are_refused(tmp_path):
    (tmp_path / "settings").write_text("SEED=7\n")
    refused = evolve(tmp_path)
    assert refused.returncode == 2 and "then SEED=7;" in refused.stderr and "now SEED=0" in refused.stderr and len(refused.stderr.splitlines()) == 1


@pytest.mark.parametrize("environment, arguments, line", [(dict(PROBLEMS="nowhere.jsonl"), (), "nowhere.jsonl: there is no such file"), ({}, ("dance",), "dance: unknown"),
    ({}, ("test", "more"), "test more: unknown"), (dict(WORKERS="0"), (), "WORKERS=0: not a whole number"), (dict(COUNT="abc"), (), "COUNT=abc: not a whole number")])
def test_what_a_user_can_get_wrong(tmp_path, environment, arguments, line):
    refused = evolve(tmp_path, *arguments, **environment)
    assert refused.returncode == 2 and line in refused.stderr and len(refused.stderr.splitlines()) == 1
    assert not (tmp_path / "settings").exists()         # or the right command would be refused


def tree(question, *right):
    root = rstar.Node(question, reference="1", expansions=1)
    root.children = [rstar.Node("print(1)", root, i + 1, answer="1" if one else "2", right=one) for i, one in enumerate(right)]
    return rstar.tree_to_line(root, 0, {}) + "\n"


def test_unsolved_and_coverage(tmp_path):
    problems = [dict(question="a", answer="1", steps=1), dict(problem="b", answer="1", steps=1), dict(query="c", answer="1", steps=2)]
    (tmp_path / "problems.train").write_text("".join(json.dumps(p) + "\n" for p in problems))
    (tmp_path / "trees.r1.0.jsonl").write_text(tree("a", True, True) + tree("b", False) + tree("c"))
    (tmp_path / "trees.r2.0.jsonl").write_text(tree("a", True, False) + tree("b", True, False) + tree("c", False))
    show.main(["unsolved", tmp_path, "r4-more"])
    assert [p["question"] for p in rstar.read_problems(tmp_path / "problems.r4-more")] == ["c"]
    found = {(row["round"], row["what"]): (row["right"], row["n"]) for row in show.coverage(tmp_path)}
    assert found[1, "coverage so far"] == (1, 3) and found[2, "coverage so far"] == (2, 3)
    assert found[2, "coverage so far, 1 steps"] == (2, 2) and found[2, "coverage so far, 2 steps"] == (0, 1)
    assert [found[1, f"trees that are {kind}"][0] for kind in ("easy", "medium", "hard")] == [1, 0, 2]


@pytest.mark.parametrize("arguments", [["results", "nowhere"], ["unsolved", "nowhere", "more"], ["pairs", "nowhere"], ["seeds", "nowhere"], ["seeds"], []])
def test_what_a_user_of_show_can_get_wrong(capsys, arguments):
    assert rstar.run("show", lambda: show.main(arguments), "") == 2
    told = capsys.readouterr().err
    assert told.startswith("show: ") and told.count("\n") == 1


def test_the_parts_of_the_workers_are_put_together(tmp_path):
    for worker, (tree_search, greedy) in enumerate((([[True, 5]], [[False, 1]]), ([[True, 7], [False, 5]], [[False, 2], [True, 3]]))):
        (tmp_path / f"eval.dev-r2.{worker}.json").write_text(json.dumps(dict(outcomes={"tree search": tree_search, "greedy": greedy})))
    rows = show.evaluations(tmp_path)
    assert [(row["round"], row["on"], row["what"], row["right"], row["n"], row["tokens_per_problem"]) for row in rows] == [
        (2, "dev", "tree search", 2, 3, 17 / 3), (2, "dev", "greedy", 1, 3, 2)]


@pytest.mark.parametrize("name, text", [
    ("eval.notes.0.json", "{}"), ("eval.dev-r1.0.json", '{"outcomes": [1]}'), ("eval.dev-r1.0.json", '{"outcomes": {"greedy": [true]}}'), ("pairs.json", "{"), ("pairs.json", "{}")])
def test_what_evolve_did_not_leave_is_told(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(rstar.UserError, match=f"{name}: not as evolve.sh leaves it"):
        show.evaluations(tmp_path), show.pair_accuracy(tmp_path)


def test_a_paper_table_stands_beside_the_papers_numbers(tmp_path):
    outcomes = {way: [[True, 9], [False, 9]] for way in ("tree search", "best of N by the PPM")}
    (tmp_path / "eval.guide-pairs-r4.0.json").write_text(json.dumps(dict(outcomes=outcomes)))
    text, = show.paper_tables(show.evaluations(tmp_path))
    assert text.startswith("## Which reward model guides") and len(text.splitlines()) == 6
    assert text.splitlines()[-1] == "| PPM, tree search | 1/2 | 50.0 | 9.5 - 90.5 | 9 | 89.4 / 50.0 |"


def test_the_seeds_are_put_side_by_side(tmp_path):
    for name, right in dict(a=1, b=3).items():
        (tmp_path / name).mkdir()
        rows = [show.counted(4, "greedy", "dev", right, 4), show.counted(4, f"only in {name}", "dev", 1, 4)]
        (tmp_path / name / "results.csv").write_text(f"{','.join(show.COLUMNS)},seconds\n" + "".join(
            ",".join(str(row.get(column, "")) for column in show.COLUMNS) + ",\n" for row in rows) + ",stage pairs,,,,,,,,9\n")
    assert show.seeds([tmp_path / "a", tmp_path / "b"]).splitlines()[2:] == ["| 4 | greedy | dev | 50.0 | 25.0 - 75.0 | 1/4, 3/4 |"]
    (tmp_path / "b" / "results.csv").write_text("a,b\n1,2\n")
    with pytest.raises(rstar.UserError, match="b/results.csv: not a table"):
        show.seeds([tmp_path / "a", tmp_path / "b"])

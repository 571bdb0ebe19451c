"""show.py: the statistics, and the tables of what evolve.sh leaves."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

import common
import show

ROOT = Path(__file__).parent.parent


def tree(question, *right):
    """A line of a file of trees; its trajectories are right or wrong as given."""
    node = dict(text="print(1)", visits=1, q=0.0, ppm=None, error="", copies=1, parent=0)
    nodes = [dict(node, parent=None, answer=None, right=None)]
    # A candidate that raised is no trajectory.
    nodes.append(dict(node, error="ValueError", answer=None, right=None))
    nodes += [dict(node, answer="1", right=value) for value in right]
    record = dict(index=0, question=question, reference="1", settings={}, nodes=nodes, events=[])
    return json.dumps(record) + "\n"


def evaluation(path, problems="a", **outcomes):
    path.write_text(json.dumps(dict(settings=dict(problems=problems), outcomes=outcomes)))


def outcomes(text):
    """Outcomes from a text of 1 (right) and 0."""
    return [[mark == "1", 9.0] for mark in text]


# --------------------------------------------------------------------------------------------------
# Statistics.


@pytest.mark.parametrize("k, n", [(0, 10), (3, 10), (10, 10), (500, 1000)])
def test_wilson_interval_ends_where_its_score_test_is_significant(k, n):
    for bound in show.wilson(k, n):
        if 0 < bound < 1:
            deviation = math.sqrt(bound * (1 - bound) / n)
            assert abs(k / n - bound) / deviation == pytest.approx(1.96)


def test_paired_p_is_the_exact_sign_test():
    first = outcomes("1111101")
    second = outcomes("1000011")
    # 4 problems gained, 1 lost: twice the tail of 0 or 1 heads of 5 coins.
    assert show.paired_p(first, second) == pytest.approx(2 * (1 + 5) / 32)
    assert show.paired_p(first, first) == 1


def test_summary_compares_with_tree_search():
    rows = show.summary({show.TREE_SEARCH: outcomes("11110"), show.GREEDY: outcomes("00001")})
    assert [(row["method"], row["right"], row["n"]) for row in rows] == [
        (show.TREE_SEARCH, 4, 5),
        (show.GREEDY, 1, 5),
    ]
    assert rows[0]["p_against_tree_search"] is None
    assert rows[1]["p_against_tree_search"] == pytest.approx(2 * (1 + 5) / 32)


def test_printed_columns_line_up(capsys):
    show.print_table(show.summary({show.TREE_SEARCH: outcomes("1"), show.STEP_WISE: outcomes("0")}))
    lines = capsys.readouterr().out.splitlines()
    assert len({len(line) for line in lines}) == 1


# --------------------------------------------------------------------------------------------------
# Tables.


def test_coverage_counts_problems_once_and_by_their_steps(tmp_path):
    problems = [
        dict(question="a", answer="1", steps=1),
        dict(problem="b", answer="1", steps=1),
        dict(query="c", answer="1", steps=2),
    ]
    lines = [json.dumps(problem) + "\n" for problem in problems]
    (tmp_path / "problems.train").write_text("".join(lines))
    (tmp_path / "trees.r1.jsonl").write_text(tree("a", True, True) + tree("b", False) + tree("c"))
    (tmp_path / "trees.r2.jsonl").write_text(tree("a", True, False) + tree("b", True, False))
    rows = {
        (row["round"], row["measure"]): (row["right"], row["n"]) for row in show.coverage(tmp_path)
    }
    assert rows == {
        (1, "coverage so far"): (1, 3),
        (1, "coverage so far, 1 steps"): (1, 2),
        (1, "coverage so far, 2 steps"): (0, 1),
        (1, "trees that are easy"): (1, 3),
        (1, "trees that are medium"): (0, 3),
        (1, "trees that are hard"): (2, 3),
        (2, "coverage so far"): (2, 3),
        (2, "coverage so far, 1 steps"): (2, 2),
        (2, "coverage so far, 2 steps"): (0, 1),
        (2, "trees that are easy"): (0, 2),
        (2, "trees that are medium"): (2, 2),
        (2, "trees that are hard"): (0, 2),
    }


def test_unsolved_problems_are_those_without_a_right_trajectory(tmp_path):
    (tmp_path / "p").write_text('{"problem": "a", "answer": "1"}\n{"query": "b", "answer": 2}\n')
    (tmp_path / "t1").write_text(tree("a", False) + tree("b", False))
    (tmp_path / "t2").write_text(tree("a", False, True))
    arguments = ["unsolved", *(str(tmp_path / name) for name in ("p", "t1", "t2"))]
    assert show.main([*arguments, "--out", str(tmp_path / "left")]) == 0
    assert common.read_problems(tmp_path / "left") == [dict(question="b", reference="2")]


def test_a_paper_table_stands_beside_the_papers_numbers(tmp_path):
    both = {show.TREE_SEARCH: outcomes("10"), show.BEST: outcomes("10")}
    evaluation(tmp_path / "eval.guide-pairs-r4.json", **both)
    guidance, lateness = show.paper_tables(show.evaluations(tmp_path))
    assert guidance.startswith("## Which reward model guides")
    lines = guidance.splitlines()
    assert len(lines) == 6
    assert lines[-1] == "| PPM, tree search | 1/2 | 50.0 | 9.5 - 90.5 | 9 | 89.4 / 50.0 |"
    assert "| delta 1, tree search | 1/2 |" in lateness


def test_results_hold_what_is_there_so_far(tmp_path):
    (tmp_path / "problems.train").write_text('{"question": "a", "answer": "1"}\n')
    (tmp_path / "trees.r1.jsonl").write_text(tree("a", True))
    evaluation(tmp_path / "eval.dev-r1.json", greedy=outcomes("1"))
    (tmp_path / "ppm-r1").mkdir()
    metrics = dict(history=[dict(steps_right=3, steps_n=4, answers_right=0, answers_n=0)])
    (tmp_path / "ppm-r1" / "metrics.json").write_text(json.dumps(metrics))
    (tmp_path / "pairs.json").write_text(json.dumps({"1": dict(steps_right=2, steps_n=4)}))
    (tmp_path / "done").mkdir()
    (tmp_path / "done" / "ppm-r1").write_text("12\npython train_ppm.py --seed 0\n")
    (tmp_path / "done" / "ppm-r2").write_text("")  # a full disk
    show.results(tmp_path)
    text = (tmp_path / "results.md").read_text()
    for line in (
        "| 1 | greedy | 1/1 | 100.0 | 20.7 - 100.0 | 9 |  |",
        "| 1 | coverage so far | 1/1 | 100.0 | 20.7 - 100.0 |  |  |",
        "| 1 | PPM, pairs of steps | 3/4 | 75.0 | 30.1 - 95.4 |  |  |",
        "| 1 | PPM, all rounds' pairs of steps | 2/4 | 50.0 | 15.0 - 85.0 |  |  |",
        "| ppm-r1 | 12 | `python train_ppm.py --seed 0` |",
    ):
        assert line in text.splitlines()
    assert "ppm-r2" not in text


def test_seeds_show_the_mean_and_the_spread_of_what_all_runs_have(tmp_path):
    for name, right in dict(a="1000", b="1110").items():
        folder = tmp_path / name
        folder.mkdir()
        (folder / "problems.train").write_text('{"question": "a", "answer": "1"}\n')
        evaluation(folder / "eval.dev-r4.json", **{"greedy": outcomes(right), name: outcomes("1")})
        show.results(folder)
    lines = show.seeds([tmp_path / "a", tmp_path / "b"]).splitlines()
    assert lines[2:] == ["| 4 | greedy | dev | 50.0 | 25.0 - 75.0 | 1/4, 3/4 |"]


def test_a_comparison_is_paired_problem_by_problem(tmp_path):
    before, after = tmp_path / "a.json", tmp_path / "b.json"
    evaluation(before, greedy=outcomes("1100000"), only_before=outcomes("1111111"))
    evaluation(after, greedy=outcomes("0111111"))
    (line,) = show.compare(before, after).splitlines()[2:]
    # Of 6 problems that one of them got right alone, 5 are the second's: 2 * (1 + 6) / 64.
    assert line == "| greedy | 2/7 | 6/7 | 5 | 1 | 0.219 |"


# --------------------------------------------------------------------------------------------------
# Mistakes.


@pytest.mark.parametrize(
    "arguments",
    [
        ["results", "nowhere"],
        ["pairs", "nowhere"],
        ["seeds", "nowhere"],
        ["compare", "nowhere", "nowhere"],
        ["check", "nowhere"],
        ["unsolved", "nowhere", "nowhere", "--out", "nowhere"],
        ["seeds"],
        ["dance"],
        [],
    ],
)
def test_a_mistake_gets_one_line(capsys, arguments):
    assert show.main(arguments) == 2
    told = capsys.readouterr().err
    assert told.startswith("show: ") and told.count("\n") == 1


@pytest.mark.parametrize(
    "name, text",
    [
        ("eval.notes.json", '{"outcomes": {}}'),
        ("eval.dev-r1.json", '{"outcomes": [1]}'),
        ("eval.dev-r1.json", '{"outcomes": {"greedy": [true]}}'),
        ("eval.dev-r1.json", '{"outcomes": {"greedy": []}}'),
        ("pairs.json", "{"),
        ("pairs.json", "[]"),
        ("pairs.json", '{"one": {}}'),
        ("ppm-r1/metrics.json", "{}"),
    ],
)
def test_a_damaged_file_is_named(tmp_path, name, text):
    (tmp_path / "ppm-r1").mkdir()
    (tmp_path / name).write_text(text)
    with pytest.raises(common.UserError, match=f"{name}: damaged, or not from evolve.sh"):
        show.evaluations(tmp_path)
        show.pair_accuracy(tmp_path)


def test_a_table_of_something_else_is_no_seed(tmp_path):
    (tmp_path / "results.csv").write_text("a,b\n1,2\n")
    with pytest.raises(common.UserError, match="results.csv: not a table"):
        show.seeds([tmp_path])


@pytest.mark.parametrize(
    "text, line",
    [
        ('{"outcomes": {}}', "not an evaluation"),
        ("[]", "not an evaluation"),
        ('{"settings": {"problems": "b"}, "outcomes": {"greedy": [[1, 2]]}}', "has other problems"),
        ('{"settings": {"problems": "a"}, "outcomes": {"other": [[1, 2]]}}', "or other methods"),
        ('{"settings": {"problems": "a"}, "outcomes": {"greedy": [[1, 2]]}}', "is not finished"),
    ],
)
def test_what_cannot_be_compared_is_refused(tmp_path, text, line):
    evaluation(tmp_path / "a.json", greedy=outcomes("11"))
    (tmp_path / "b.json").write_text(text)
    with pytest.raises(common.UserError, match=line):
        show.compare(tmp_path / "a.json", tmp_path / "b.json")


def test_tables_need_no_torch():
    code = "import sys, show; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0

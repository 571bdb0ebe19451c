"""Flags, questions, results and trees on disk, and work in several processes."""

import copy
import json
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import tqdm

import common
import rstar
from common import UserError, read_problems, setting
from scripted import TWO, ScriptedPolicy
from verifier import VerifierError

DATA = Path(__file__).parent.parent.parent / "shared" / "data"


def write(path, records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


# --------------------------------------------------------------------------------------------------
# Questions.


@pytest.mark.parametrize(
    "record, reference",
    [
        (dict(question="q", answer=None, solution="\\boxed{3}"), "3"),
        (dict(question="q", answer="18"), "18"),
        (dict(problem="q", solution="So it is $\\boxed{\\frac{1}{2}}$."), "\\frac{1}{2}"),
        (dict(query="q", ground_truth=7), "7"),
        (dict(query="q", ground_truth=0.5), "0.5"),
        (dict(query="q", ground_truth=10**400), "1" + 400 * "0"),
        (dict(question="q", answer="2 + 2 = <<2+2=4>>4\n#### 4"), "4"),
        (dict(problem="q", solution="long text \\boxed{3}", answer="3.0"), "3.0"),
        (dict(question="q", answer="\\left( 3, 4 \\right)"), "\\left( 3, 4 \\right)"),
    ],
)
def test_questions_are_read_in_all_their_forms(tmp_path, record, reference):
    forms = {
        "a.json": json.dumps([record]),
        "a.jsonl": json.dumps(record) + "\n",
        "b.json": "\ufeff" + json.dumps([record], indent=1),
        "c.json": json.dumps(record, indent=1),
        "d.jsonl": json.dumps(record) + "\r\n\r\n" + json.dumps(record),
    }
    for name, text in forms.items():
        (tmp_path / name).write_text(text, encoding="utf-8", newline="")
        expected = [dict(question="q", reference=reference)] * (2 if name == "d.jsonl" else 1)
        assert read_problems(tmp_path / name) == expected, name


BAD_FILES = {
    "cut off": (
        '{"question": "a", "answer": "1"}\n{"question": "b", "ans',
        "line 2: not valid JSON",
    ),
    "empty": ("", "is empty"),
    "blank": (" \n\n", "is empty"),
    "no records": ("[]", "holds no records"),
    "bad line": ('{"question": "a", "answer": "1"}\n{"answer": \n', "line 2: not valid JSON"),
    "bad list": ('[{"question": "a", "answer": "1"},\n{"question" "b"}]', "line 2: not valid JSON"),
    "no question": ('{"ask": "a", "answer": "1"}', "no question; one of the fields question, prob"),
    "blank question": ('{"question": " ", "answer": "1"}', "no question"),
    "a list as question": ('{"question": ["a"], "answer": "1"}', "no question"),
    "no answer": ('{"question": "a"}', "line 1: no answer; one of the fields answer, solution"),
    "null answer": ('{"question": "a", "answer": null}', "no answer"),
    "NaN": ('{"question": "a", "answer": NaN}', "no answer"),
    "true": ('{"question": "a", "answer": true}', "no answer"),
    "too deep": ("[" * 100_000, "not valid JSON"),
    "too long a number": ('{"answer": ' + "7" * 6000 + "}", "line 1: not valid JSON"),
    "not objects": ('["a", "b"]', "not an object"),
    "a number": ("7", "not an object"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_of_questions_is_refused(tmp_path, name):
    text, says = BAD_FILES[name]
    (tmp_path / "q.jsonl").write_text(text)
    with pytest.raises(UserError, match="q.jsonl") as error:
        read_problems(tmp_path / "q.jsonl")
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_or_binary_file_or_a_folder_is_refused(tmp_path):
    (tmp_path / "binary.json").write_bytes(bytes(range(256)))
    reasons = {
        "none.json": "no such file",
        "binary.json": "not text",
        "": "folder",
        "/dev/null": "a device",
    }
    for path, says in reasons.items():
        with pytest.raises(UserError, match=says):
            read_problems(tmp_path / path)


def test_a_question_that_begins_like_a_tree_is_read(tmp_path):
    records = [dict(index=i, question=f"question {i}", answer="1") for i in range(2)]
    assert len(read_problems(write(tmp_path / "q.jsonl", records))) == 2


def test_half_a_character_becomes_a_question_mark(tmp_path):
    text = '{"question": "is \\ud800 \\ud83d\\ude00?", "answer": "1"}'
    (tmp_path / "q.jsonl").write_text(text)
    assert read_problems(tmp_path / "q.jsonl")[0]["question"] == "is ? \U0001f600?"


def test_references_that_nothing_can_match_are_reported(tmp_path, capsys):
    records = [dict(question="q", answer=answer) for answer in ("3", "2 or 3", "4", "either")]
    read_problems(write(tmp_path / "q.jsonl", records))
    err = capsys.readouterr().err
    assert "2 of 4 references can never be matched" in err
    assert "the first: '2 or 3'" in err
    assert err.count("\n") == 1


@pytest.mark.skipif(not DATA.exists(), reason="the real questions are not here")
@pytest.mark.parametrize(
    "name, count",
    [("GSM8K_test", 1319), ("math500_test", 500), ("amc23_test", 40), ("aime2024_test", 30)],
)
def test_the_real_question_files_are_read(name, count):
    assert len(read_problems(DATA / f"{name}.json")) == count


# --------------------------------------------------------------------------------------------------
# Trees on disk.

SETTINGS = dict(seed=0)


@pytest.fixture(scope="module")
def tree():
    """The record of a tree with a question that has letters of several bytes."""
    config = rstar.Config(rollouts=1, candidates=2)
    (result,) = rstar.search(["Größe “x” 数?"], ScriptedPolicy(TWO), None, ["2"], config)
    return json.loads(rstar.tree_to_line(result.trees[0], 0, SETTINGS))


def line_of(tree):
    return json.dumps(tree, ensure_ascii=False).encode() + b"\n"


def rerun(path):
    with common.open_locked(path) as file:
        return common.finished_trees(file, SETTINGS)


@pytest.mark.slow
def test_a_file_of_trees_may_be_cut_at_any_byte(tmp_path, tree):
    path = tmp_path / "trees.jsonl"
    first = line_of(tree)
    second = line_of(dict(tree, index=1))
    for size in range(len(second) + 1):
        whole = size >= len(second) - 1  # perhaps without its newline
        path.write_bytes(first + second[:size])
        assert len(common.read_tree_records(path)) == 1 + whole, size
        assert common.holds_trees(path)
        assert rerun(path) == ({0, 1} if whole else {0}), size
        assert path.read_bytes() == (first + second if whole else first), size


def test_a_file_may_be_cut_in_its_first_tree(tmp_path, tree):
    path = tmp_path / "trees.jsonl"
    line = line_of(tree)
    for size in range(1, len(line) - 1):
        path.write_bytes(line[:size])
        assert common.holds_trees(path), size
        with pytest.raises(UserError, match="holds no finished tree"):
            common.read_tree_records(path)
        assert rerun(path) == set()
        assert not path.exists()  # it was left empty


def test_a_blank_line_does_no_harm(tmp_path, tree):
    path = tmp_path / "trees.jsonl"
    path.write_bytes(b"\n" + line_of(tree) + b"\n\n" + line_of(dict(tree, index=1)))
    before = path.read_bytes()
    assert len(common.read_tree_records(path)) == 2
    assert rerun(path) == {0, 1}
    assert path.read_bytes() == before


def test_numbers_without_a_decimal_point_are_read(tmp_path, tree):
    """As other JSON programs write them."""
    path = tmp_path / "trees.jsonl"
    tree = copy.deepcopy(tree)
    for node in tree["nodes"]:
        node["q"] = int(node["q"])
    path.write_bytes(line_of(tree))
    assert common.read_tree_records(path) == [tree]


def edited(tree, change):
    tree = copy.deepcopy(tree)
    where = tree
    *path, last, value = change
    for name in path:
        where = where[name]
    if value is None:
        del where[last]
    else:
        where[last] = value
    return line_of(tree)


INFINITY = float("inf")
NAN = float("nan")


@pytest.mark.parametrize(
    "change",
    [
        ("index", INFINITY),
        ("index", "0"),
        ("index", True),
        ("index", None),
        ("question", 7),
        ("question", None),
        ("reference", 2),
        ("reference", None),
        ("settings", []),
        ("settings", None),
        ("nodes", []),
        ("nodes", {}),
        ("nodes", None),
        ("nodes", 1, []),
        ("nodes", 0, "parent", 0),
        ("nodes", 1, "parent", -1),
        ("nodes", 1, "parent", 1),
        ("nodes", 1, "parent", 0.0),
        ("nodes", 1, "parent", False),
        ("nodes", 1, "parent", 10**400),
        ("nodes", 1, "parent", None),
        ("nodes", 1, "q", 10**400),
        ("nodes", 1, "q", -(10**400)),
        ("nodes", 1, "q", NAN),
        ("nodes", 1, "q", -INFINITY),
        ("nodes", 1, "q", "1"),
        ("nodes", 1, "q", True),
        ("nodes", 1, "q", None),
        ("nodes", 1, "ppm", INFINITY),
        ("nodes", 1, "ppm", "high"),
        ("nodes", 1, "visits", -1),
        ("nodes", 1, "visits", 1.5),
        ("nodes", 1, "visits", 10**300),
        ("nodes", 1, "copies", 0),
        ("nodes", 1, "copies", -2),
        ("nodes", 1, "right", "false"),
        ("nodes", 1, "right", 0),
        ("nodes", 1, "answer", 5),
        ("nodes", 0, "answer", "2"),
        ("nodes", 0, "error", "raised"),
        ("nodes", 1, "answer", "2"),
        ("nodes", 1, "error", "raised"),
        ("nodes", 1, "error", False),
        ("nodes", 1, "text", None),
        ("events", None),
        ("events", {}),
        ("events", 0, "expand"),
        ("events", 0, ["shrink", 0, 1, 2]),
        ("events", 0, ["expand", 0, 1]),
        ("events", 0, ["expand", 0, 1, 999]),
        ("events", 0, ["expand", -1, 1, 2]),
        ("events", 0, ["back_up", 999, 1.0]),
        ("events", 0, ["back_up", 0, NAN]),
        ("events", 0, ["back_up", 0, "1"]),
    ],
)
def test_nonsense_in_an_edited_tree_is_refused(tmp_path, tree, change):
    path = tmp_path / "trees.jsonl"
    path.write_bytes(line_of(tree) + edited(tree, change))
    before = path.read_bytes()
    with pytest.raises(UserError, match="line 2: not a tree"):
        common.read_tree_records(path)
    with pytest.raises(UserError, match="line 2: not a tree"):
        rerun(path)
    assert path.read_bytes() == before


def test_two_roots_are_refused(tmp_path, tree):
    tree = copy.deepcopy(tree)
    tree["nodes"][2]["parent"] = None
    (tmp_path / "trees.jsonl").write_text(json.dumps(tree) + "\n")
    with pytest.raises(UserError, match="node 2 has the parent None"):
        common.read_tree_records(tmp_path / "trees.jsonl")


@pytest.mark.parametrize("line", ["7", "[]", '"nodes"', "null", "{}", "deep", "{" * 9])
def test_other_lines_are_not_trees(tmp_path, line):
    line = line.replace("deep", "[" * 100_000)
    (tmp_path / "trees.jsonl").write_text(line + "\n")
    with pytest.raises(UserError, match="line 1: not a tree"):
        common.read_tree_records(tmp_path / "trees.jsonl")


def test_a_tree_of_1500_steps_is_read(tmp_path, tree):
    node = tree["nodes"][1]
    nodes = [tree["nodes"][0], *(dict(node, parent=i) for i in range(1500))]
    (tmp_path / "trees.jsonl").write_bytes(line_of(dict(tree, nodes=nodes, events=[])))
    (root,) = rstar.read_trees(tmp_path / "trees.jsonl")
    last = rstar.nodes(root)[-1]
    assert len(last.steps) == 1500
    assert rstar.tree_to_line(root, 0, SETTINGS).count("parent") == 1501


# --------------------------------------------------------------------------------------------------
# Writing.


def test_a_second_run_into_a_file_is_refused(tmp_path):
    path = tmp_path / "out"
    with common.open_locked(path) as file:
        common.append_line(file, "mine")
        with pytest.raises(UserError, match="another run is writing"):
            with common.open_locked(path):
                pass
    assert path.read_text() == "mine\n"


def test_a_file_that_the_other_run_has_just_removed_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "out"
    import fcntl

    def removed_in_between(file, how):
        path.unlink()

    monkeypatch.setattr(fcntl, "flock", removed_in_between)
    with pytest.raises(UserError, match="another run"):
        with common.open_locked(path):
            pass


def test_a_file_is_never_created_or_deleted_as_a_test(tmp_path):
    path = tmp_path / "out"
    assert common.check_writable(path) == path
    assert not path.exists()
    path.write_text("finished")
    common.check_writable(path)
    assert path.read_text() == "finished"


def test_a_link_is_followed_to_the_file_that_it_names(tmp_path):
    (tmp_path / "link").symlink_to("out")
    assert common.check_writable(tmp_path / "link") == tmp_path / "out"
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(UserError, match="leads nowhere"):
        common.check_writable(tmp_path / "loop")


def test_a_whole_file_replaces_the_old_one(tmp_path):
    path = tmp_path / "out"
    path.write_text("old")
    common.write_whole(path, "new")
    assert path.read_text() == "new"
    assert [file.name for file in tmp_path.iterdir()] == ["out"]


def test_a_full_disk_leaves_the_old_file_alone(tmp_path):
    path = tmp_path / "out"
    path.write_text("old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(OSError) as error:
            common.write_whole(path, "new" * 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert error.value.filename == str(path)
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["out"]


# --------------------------------------------------------------------------------------------------
# Flags.


@dataclass(frozen=True)
class Settings:
    """Settings of a program that a test runs."""

    data: list = setting((), "files")
    count: int = setting(3, "a number", 1, 10)
    share: float = setting(0.5, "a share", 0, 1)
    limit: float | None = setting(None, "a limit", -1, 1)
    kind: str = setting("a", "a kind", choices=("a", "b"))

    def __post_init__(self):
        common.check(self)


def parse(*arguments):
    parser = common.Parser(prog="x")
    common.add_flags(parser, Settings, "settings")
    return common.from_flags(Settings, parser.parse_args(arguments))


def test_flags_follow_the_settings():
    assert parse() == Settings()
    flags = ["--data", "x", "y", "--count", "4", "--share", "1", "--limit=-0.5", "--kind", "b"]
    assert parse(*flags) == Settings(["x", "y"], 4, 1.0, -0.5, "b")


@pytest.mark.parametrize(
    "values, says",
    [
        (dict(count=0), "--count must be at least 1, not 0"),
        (dict(count=11), "--count must be at most 10, not 11"),
        (dict(share=float("nan")), "--share must be at least 0, not nan"),
        (dict(limit=-2.0), "--limit must be at least -1"),
        (dict(kind="c"), "--kind c: must be one of a, b"),
    ],
)
def test_a_value_out_of_its_range_is_refused(values, says):
    with pytest.raises(UserError, match=says):
        Settings(**values)


# --------------------------------------------------------------------------------------------------
# Errors, and work in several processes.


def test_a_failure_of_the_verifier_is_one_line(capsys):
    def work():
        raise VerifierError("no Python can be started to run code in")

    assert common.run("rstar", work, "less") == 2
    assert capsys.readouterr().err == "rstar: no Python can be started to run code in\n"


def test_a_bug_keeps_its_traceback():
    def work():
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        common.run("rstar", work, "less")


slow = pytest.mark.slow
PROGRAMS = ["show.py", *(pytest.param(f"{name}.py", marks=slow) for name in
            ("evaluate", "train_policy", "train_ppm"))]  # fmt: skip


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 has no safe path")
@pytest.mark.parametrize("program", PROGRAMS)
def test_a_safe_path_does_not_hide_the_other_files(program):
    words = [sys.executable, "-P", Path(common.__file__).with_name(program), "--help"]
    assert subprocess.run(words, cwd="/", stdout=subprocess.DEVNULL).returncode == 0


def double(jobs, slow):
    """Yields (job, its double, the process)."""
    for job in jobs:
        if job in slow:
            time.sleep(3)
        yield job, 2 * job, os.getpid()


def fail(jobs, kind):
    for job in jobs:
        if kind == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        yield job
        raise dict(
            user=UserError("wrong"),
            machine=OSError(28, "No space left", "out"),
            memory=MemoryError("much"),
            verifier=VerifierError("none"),
        )[kind]


def test_one_worker_runs_in_this_process():
    results = list(common.in_processes(double, ((),), [1, 2], 1))
    assert results == [(1, 2, os.getpid()), (2, 4, os.getpid())]


@pytest.mark.slow
def test_workers_share_the_jobs():
    results = list(common.in_processes(double, ([0],), list(range(9)), 2))
    assert sorted(result[:2] for result in results) == [(i, 2 * i) for i in range(9)]
    by_process = [process for _, _, process in results]
    slow = next(process for job, _, process in results if job == 0)
    assert len(set(by_process)) == 2
    assert os.getpid() not in by_process
    assert by_process.count(slow) < 9 - by_process.count(slow)


def with_a_bar(jobs):
    yield from tqdm.tqdm(jobs)


@pytest.mark.slow
def test_a_worker_that_shows_a_bar_leaks_no_semaphore():
    work = "common.in_processes(test_common.with_a_bar, (), [1, 2, 3], 2)"
    code = f"import common, test_common; work = {work}; next(work); work.close()"
    path = os.pathsep.join([str(common.HERE), str(Path(__file__).parent)])
    environment = dict(os.environ, PYTHONPATH=path)
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert result.returncode == 0 and "leaked" not in result.stderr


def test_ctrl_c_while_workers_start_is_answered(monkeypatch):
    start = common.start_worker

    def start_interrupted(number, *more):
        os.kill(os.getpid(), signal.SIGINT)
        return start(number, *more)

    monkeypatch.setattr(common, "start_worker", start_interrupted)
    with pytest.raises(KeyboardInterrupt):
        list(common.in_processes(double, ((),), [1, 2, 3], 2))
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize(
    "kind, error, says",
    [
        ("user", UserError, "wrong"),
        ("killed", UserError, "exit code -9"),
        pytest.param("machine", OSError, "No space left", marks=pytest.mark.slow),
        pytest.param("verifier", VerifierError, "none", marks=pytest.mark.slow),
    ],
)
def test_an_error_of_a_worker_is_raised_here(kind, error, says):
    with pytest.raises(error, match=says):
        list(common.in_processes(fail, (kind,), [1, 2, 3], 2))

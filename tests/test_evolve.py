"""evolve.sh and paper_tables.sh: which programs they start, and what kills and mistakes lead to.

Most tests give the scripts a stand-in for Python that leaves the files of a program in an instant
and notes how it was called; one slow test runs everything with the real programs.
"""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import show

ROOT = Path(__file__).parent.parent
BASE = "tiny/base"
CAN_TIE = shutil.which("setpriv") is not None

STAND_IN = (
    f"#!{sys.executable}"
    + """
import json, os, sys, time
from pathlib import Path

if sys.argv[1] == "-c":  # how many GPUs?
    sys.exit(print(0))
program, *flags = sys.argv[1:]
if program == "tiny/world.py" or program == "show.py" and flags[0] != "pairs":
    os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
folder = Path(os.environ["NOTES"])
with open(folder / "calls", "a") as file:
    file.write(" ".join(sys.argv[1:]) + "\\n")
values = dict(zip(flags, flags[1:]))
out = Path(values.get("--trees" if program == "rstar.py" else "--out", flags[-1] + "/pairs.json"))
if out.name == os.environ.get("FAILS"):
    print("train_ppm: --lr -1 must be at least 0", file=sys.stderr)
    sys.exit(int(os.environ["CODE"]))
if out.name == os.environ.get("ABSENT"):
    sys.exit(0)
if out.name == os.environ.get("HANGS"):
    (folder / "pid").write_text(str(os.getpid()))
    time.sleep(600)
if program == "rstar.py":
    lines = []
    for i, line in enumerate(open(values["--problems"])):
        nodes = [dict(parent=None, text="", visits=1, q=0, ppm=None, error="", copies=1)]
        nodes.append(dict(nodes[0], parent=0, text="print(1)"))
        nodes[0].update(answer=None, right=None)
        nodes[1].update(answer="1", right=i % 2 == 0)
        question = json.loads(line)["question"]
        tree = dict(index=i, question=question, reference="1", settings={}, nodes=nodes, events=[])
        lines.append(json.dumps(tree) + "\\n")
    out.write_text("".join(lines))
elif program == "evaluate.py":
    out.write_text(json.dumps(dict(settings={}, outcomes={"greedy": [[True, 9]]})))
elif program == "show.py":
    out.write_text("{}")
else:
    out.mkdir(exist_ok=True)
"""
)


def settings(folder: Path) -> dict:
    """The environment in which the scripts run the stand-in in `folder`; OUT is folder/run."""
    program = folder / "python"
    program.write_text(STAND_IN)
    program.chmod(0o755)
    own = folder / "own.jsonl"
    own.write_text("".join(f'{{"question": "{i} + 0?", "answer": "{i}"}}\n' for i in range(1, 6)))
    names = dict(OUT=folder / "run", PYTHON=program, NOTES=folder, PROBLEMS=own, DEV=own)
    return dict(os.environ, SMOKE="1", DEV_ROUNDS="01234", **{k: str(v) for k, v in names.items()})


@pytest.fixture
def stand_in(tmp_path):
    return settings(tmp_path)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The same after a run; a test that changes it puts it right again."""
    environment = settings(tmp_path_factory.mktemp("finished"))
    done = run(environment)
    assert done.returncode == 0, done.stderr
    return environment


def run(environment, *arguments, script=ROOT / "evolve.sh", **more):
    command = [script, *arguments]
    environment = dict(environment, **more)
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def start(environment, **more):
    """The script and the pid of the program that hangs, once that has begun.

    As in a terminal, the script and its children are a process group.
    """
    script = subprocess.Popen(
        [ROOT / "evolve.sh"],
        env=dict(environment, **more),
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    pid = Path(environment["NOTES"]) / "pid"
    deadline = time.time() + 120
    while not (pid.exists() and pid.read_text()):
        assert time.time() < deadline and script.poll() is None
        time.sleep(0.05)
    return script, int(pid.read_text())


def ends(pid: int) -> bool:
    """Whether a process ends within ten seconds."""
    for _ in range(200):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        # An orphan that nobody waits for stays as a zombie where the tests run under no init.
        stat = Path(f"/proc/{pid}/stat")
        if stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.05)
    return False


def calls(environment) -> list[list[str]]:
    return [
        line.split() for line in (Path(environment["NOTES"]) / "calls").read_text().splitlines()
    ]


def value(call: list[str], flag: str) -> str:
    return call[call.index(flag) + 1]


# --------------------------------------------------------------------------------------------------
# The rounds.


def test_each_round_searches_with_the_models_of_the_round_before(finished):
    out = finished["OUT"]
    searches = [call for call in calls(finished) if call[0] == "rstar.py"][:6]
    assert [value(call, "--trees") for call in searches] == [
        f"{out}/trees.{name}.jsonl" for name in ("r1", "r2", "r3", "r4", "r4-6", "r4-12")
    ]
    models = [(value(call, "--policy"), value(call, "--ppm")) for call in searches]
    assert models[:3] == [
        (BASE, "none"),
        (f"{out}/policy-r1", "none"),  # the PPM of round 1 is too weak
        (f"{out}/policy-r2", f"{out}/ppm-r2"),
    ]
    assert set(models[3:]) == {(f"{out}/policy-r3", f"{out}/ppm-r3")}
    assert [value(call, "--rollouts") for call in searches] == ["2", "3", "3", "3", "6", "12"]
    # Fresh trees have other samples.
    assert [value(call, "--seed") for call in searches] == ["0", "0", "0", "0", "6", "12"]


def test_each_round_trains_from_the_base_on_all_trees_so_far(finished):
    out = finished["OUT"]
    trainings = [call for call in calls(finished) if call[0].startswith("train_")][:8]
    trees = []
    for r, (policy, ppm) in enumerate(zip(trainings[::2], trainings[1::2]), 1):
        names = ["r4", "r4-6", "r4-12"] if r == 4 else [f"r{r}"]
        trees += [f"{out}/trees.{name}.jsonl" for name in names]
        assert value(policy, "--base") == BASE
        assert value(ppm, "--policy") == f"{out}/policy-r{r}"
        for call in (policy, ppm):
            first = call.index("--trees") + 1
            assert call[first : first + len(trees)] == trees
            assert call[first + len(trees)].startswith("--")


def test_only_unsolved_problems_get_fresh_trees(finished):
    folder = Path(finished["OUT"])
    names = ("train", "r4-6", "r4-12")
    # The stand-in solves every second problem.
    counts = [len((folder / f"problems.{name}").read_text().splitlines()) for name in names]
    assert counts == [5, 2, 1]


@pytest.mark.slow
def test_fresh_trees_are_skipped_once_all_is_solved(stand_in, tmp_path):
    (tmp_path / "own.jsonl").write_text('{"question": "1 + 0?", "answer": "1"}\n')
    assert run(stand_in).returncode == 0
    assert len([call for call in calls(stand_in) if call[0] == "rstar.py"]) == 4


def test_a_rerun_starts_nothing_again(finished):
    before = calls(finished)
    again = run(finished)
    assert again.returncode == 0 and again.stderr == ""
    assert calls(finished) == before
    assert again.stdout == (Path(finished["OUT"]) / "results.md").read_text()


def test_a_deleted_file_alone_is_made_again(finished):
    (Path(finished["OUT"]) / "eval.dev-r2.json").unlink()
    before = len(calls(finished))
    assert run(finished).stderr == "=== eval.dev-r2.json\n"
    (call,) = calls(finished)[before:]
    assert value(call, "--out").endswith("eval.dev-r2.json")


def test_an_emptied_record_of_a_stage_costs_one_more_start(finished):
    record = Path(finished["OUT"]) / "done" / "ppm-r2"
    record.write_text("")
    again = run(finished)
    assert again.returncode == 0 and again.stderr == "=== ppm-r2\n"
    assert record.read_text().splitlines()[0].isdigit()


@pytest.mark.slow
def test_other_settings_reach_the_program_that_refuses_them(finished):
    refused = run(finished, ROLLOUTS="5", FAILS="trees.r1.jsonl", CODE="2")
    assert refused.returncode == 2 and refused.stderr.startswith("=== trees.r1.jsonl\n")
    assert value(calls(finished)[-1], "--rollouts") == "3"
    assert run(finished).stderr == ""


@pytest.mark.slow
def test_other_problems_are_refused(finished):
    path = Path(finished["OUT"]) / "problems.train"
    before = path.read_text()
    refused = run(finished, PROBLEMS="")
    assert refused.returncode == 2 and "problems.train holds other problems" in refused.stderr
    assert path.read_text() == before
    assert run(finished).stderr == ""


@pytest.mark.slow
def test_the_test_stage_gives_the_last_round_most_problems(stand_in):
    assert run(stand_in, "test", PROBLEMS="", LARGE="6").returncode == 0
    folder = Path(stand_in["OUT"])
    lines = {path.name: len(path.read_text().splitlines()) for path in folder.glob("problems.*")}
    evaluated = {
        Path(value(call, "--out")).name: lines[Path(value(call, "--problems")).name]
        for call in calls(stand_in)
        if call[0] == "evaluate.py" and "eval.dev" not in value(call, "--out")
    }
    assert evaluated == {
        "eval.standard-r4.json": 6,
        "eval.hard-r4.json": 6,
        "eval.reworded-r4.json": 4,
        **{f"eval.standard-r{r}.json": 4 for r in range(4)},
    }


@pytest.mark.slow
def test_your_own_test_file_is_taken_whole(finished):
    assert run(finished, "test", TEST=finished["PROBLEMS"]).returncode == 0
    names = sorted(path.name for path in Path(finished["OUT"]).glob("eval.test*"))
    assert names == [f"eval.test-r{r}.json" for r in range(5)]
    last = calls(finished)[-1]
    assert value(last, "--policy") == BASE and value(last, "--ppm") == "none"


@pytest.mark.slow
def test_a_file_of_settings_is_read_and_the_environment_goes_before_it(stand_in):
    mine = {name: value for name, value in stand_in.items() if name != "SMOKE"}
    mine.update(SETTINGS="examples/smollm2.sh", POLICY=BASE, ROLLOUTS="6", TEST=mine["PROBLEMS"])
    done = run(mine, "test")
    assert done.returncode == 0, done.stderr
    searches = [call for call in calls(mine) if call[0] == "rstar.py"]
    assert [value(call, "--rollouts") for call in searches] == ["3", "6", "6", "6", "12"]
    # The last one counts; evolve.sh itself has put --temperature 1 before it.
    assert all(call[::-1][call[::-1].index("--temperature") - 1] == "0.7" for call in searches)
    # Methods other than greedy decoding only for the last round's test.
    evaluations = [call for call in calls(mine) if call[0] == "evaluate.py"]
    whole = [value(call, "--out") for call in evaluations if "--methods" not in call]
    assert whole == [f"{mine['OUT']}/eval.test-r4.json"]


@pytest.mark.slow
def test_only_models_that_are_not_tuned_get_the_prompt(stand_in):
    folder = Path(stand_in["OUT"])
    mine = folder.parent / "mine.txt"
    mine.write_text("one {question}")
    prompt = dict(PROMPT=str(mine), TEST=stand_in["PROBLEMS"])
    assert run(stand_in, "test", **prompt).returncode == 0
    prompted = [call for call in calls(stand_in) if "--prompt" in call]
    assert {value(call, "--policy") for call in prompted} == {BASE}
    outs = ["trees.r1.jsonl", "eval.dev-r0.json", "eval.test-r0.json"]
    assert {path for call in prompted for path in call} >= {str(folder / out) for out in outs}
    assert len(prompted) == len(outs)

    # What is resumed reads the copy, whatever becomes of the file; a file of another name is new.
    mine.write_text("two {question}")
    assert run(stand_in, "test", **prompt).returncode == 0
    assert {Path(value(call, "--prompt")).read_text() for call in prompted} == {"one {question}"}
    other = mine.rename(folder.parent / "other.txt")
    refused = run(stand_in, PROMPT=str(other))
    assert refused.returncode == 2
    assert "prompt.base holds another prompt; set OUT to another folder" in refused.stderr


@pytest.mark.slow
def test_a_bootstrap_policy_that_is_tuned_needs_no_prompt(stand_in):
    tuned = dict(BOOTSTRAP="tiny/policy", BOOTSTRAP_PROMPT="")
    assert run(stand_in, PROMPT="stock_prompt.txt", **tuned).returncode == 0
    (prompted,) = [call for call in calls(stand_in) if "--prompt" in call]
    assert value(prompted, "--policy") == BASE


@pytest.mark.parametrize(
    "text, line",
    [
        ("false", "a command in it failed"),
        ('[ "${NOTHING:-}" = 1 ] && ROLLOUTS=5', "a command in it failed"),
        ("exit 0", "ended this run"),
        ("SMOKE=0", "sets SMOKE"),
        ("ROLLOUTS=3\r", "has Windows line ends"),
    ],
)
def test_a_file_of_settings_cannot_end_a_run_without_a_word(stand_in, text, line):
    mine = Path(stand_in["NOTES"]) / "mine.sh"
    mine.write_text(f"{text}\n")
    refused = run(stand_in, SETTINGS=str(mine))
    assert refused.returncode == 2 and refused.stderr.count("\n") == 1
    assert refused.stderr.startswith(f"evolve.sh: SETTINGS={mine}: ") and line in refused.stderr
    assert not (Path(stand_in["NOTES"]) / "calls").exists()


@pytest.mark.slow
def test_a_program_that_leaves_no_file_is_not_done(stand_in):
    # As with EACH="-h".
    refused = run(stand_in, ABSENT="eval.dev-r0.json")
    assert refused.returncode == 2 and "eval.dev-r0.json was not written" in refused.stderr
    assert run(stand_in).returncode == 0


@pytest.mark.slow
def test_the_papers_tables_have_an_evaluation_for_each_line(stand_in):
    # "more pretraining" needs the tiny world's own problems
    done = run(stand_in, script=ROOT / "paper_tables.sh", PROBLEMS="")
    assert done.returncode == 0, done.stderr
    names = {path.name for path in Path(stand_in["OUT"]).glob("eval.*-r4.json")}
    lines = [line for lines in show.TABLES.values() for line in lines]
    assert names - {"eval.dev-r4.json"} == {f"eval.{line.problems}-r4.json" for line in lines}


# --------------------------------------------------------------------------------------------------
# Kills.


@pytest.mark.slow
@pytest.mark.skipif(not CAN_TIE, reason="needs setpriv (Linux)")
@pytest.mark.parametrize("hangs", ["trees.r1.jsonl", "policy-r1"])
def test_kill_9_of_the_script_leaves_no_program_behind(stand_in, hangs):
    script, program = start(stand_in, HANGS=hangs)
    os.kill(script.pid, signal.SIGKILL)
    assert ends(program)
    again = run(stand_in, FAILS="ppm-r1", CODE="2")
    assert again.stderr.startswith(f"=== {hangs}\n")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_script_ends_its_program_with_one_line(stand_in, number):
    script, program = start(stand_in, HANGS="policy-r1")
    os.kill(script.pid, number)
    told = script.communicate(timeout=30)[1]
    assert script.returncode == 130 and ends(program)
    assert told.endswith("=== policy-r1\n\nevolve.sh: interrupted; the same command resumes\n")


@pytest.mark.skipif(shutil.which("flock") is None, reason="needs flock")
@pytest.mark.slow
def test_two_runs_do_not_share_a_folder(stand_in):
    script, program = start(stand_in, HANGS="policy-r1")
    refused = run(stand_in)
    script.kill()
    assert refused.returncode == 2 and refused.stderr.count("\n") == 1
    assert "another run is at work there" in refused.stderr
    assert ends(program)


# --------------------------------------------------------------------------------------------------
# Mistakes.


def test_the_line_of_a_program_is_the_last_one(stand_in):
    failed = run(stand_in, FAILS="ppm-r1", CODE="2")
    assert failed.returncode == 2
    assert failed.stderr.endswith("=== ppm-r1\ntrain_ppm: --lr -1 must be at least 0\n")


def test_a_program_that_was_killed_is_named(stand_in):
    failed = run(stand_in, FAILS="ppm-r1", CODE="137")
    assert failed.returncode == 137
    assert "evolve.sh: ppm-r1 ended with exit code 137; the same command resumes" in failed.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    "environment, arguments, line",
    [
        (dict(PROBLEMS="nowhere.jsonl"), [], "nowhere.jsonl: no such file"),
        (dict(TEST="nowhere.jsonl"), [], "nowhere.jsonl: no such file"),
        (dict(TEST="LICENSE"), [], "LICENSE, line 1: not valid JSON"),
        (dict(DEV=""), [], "PROBLEMS is set, but not DEV"),
        ({}, ["test"], "PROBLEMS is set, but not TEST"),
        (dict(DEV="LICENSE"), [], "LICENSE, line 1: not valid JSON"),
        ({}, ["dance"], "dance: unknown"),
        ({}, ["test", "more"], "test more: unknown"),
        (dict(WORKERS="0"), [], "WORKERS=0: must be a whole number"),
        (dict(SETTINGS="nowhere.sh"), [], "SETTINGS=nowhere.sh: no such file"),
        (dict(SETTINGS="examples"), [], "SETTINGS=examples: no such file"),
        (dict(SETTINGS="examples/smollm2.sh"), [], "POLICY is not set"),
        (dict(PROMPT="nowhere.txt"), [], "nowhere.txt: no such file"),
        (dict(PROMPT="LICENSE"), [], "LICENSE: no file with {question} in it"),
        (dict(HARDER="0"), [], "HARDER=0: must be whole numbers above 0"),
        (dict(SMOKE="yes"), [], "SMOKE=yes: must be 1 or nothing"),
        (dict(COUNT="abc"), [], "COUNT=abc: must be a whole number"),
        (dict(SEED="-1"), [], "SEED=-1: must be a whole number"),
        (dict(OUT="/dev/null/run"), [], "/dev/null/run: cannot be written"),
        (dict(PYTHON="no-such-python"), [], "no-such-python cannot import torch"),
    ],
)
def test_a_mistake_gets_one_line(stand_in, environment, arguments, line):
    refused = run(stand_in, *arguments, **environment)
    progress = re.compile("=== .*|.*own.jsonl: 5 problems")
    told = [text for text in refused.stderr.splitlines() if not progress.fullmatch(text)]
    assert refused.returncode == 2 and len(told) == 1 and line in told[0]


def test_a_mistake_does_not_spoil_the_folder(stand_in):
    assert run(stand_in, PROBLEMS="LICENSE").returncode == 2
    stopped = run(stand_in, FAILS="eval.dev-r0.json", CODE="2")
    assert stopped.stderr.endswith("=== eval.dev-r0.json\ntrain_ppm: --lr -1 must be at least 0\n")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["evolve.sh", "paper_tables.sh"])
def test_a_script_runs_through_a_symlink(finished, tmp_path, name):
    (tmp_path / "link").symlink_to(ROOT / name)
    done = run(finished, script=tmp_path / "link", FAILS="eval.data-base-r4.json", CODE="2")
    assert done.returncode == (0 if name == "evolve.sh" else 2)


@pytest.mark.slow
def test_the_modules_are_found_without_the_current_folder(stand_in):
    more = dict(PYTHONSAFEPATH="1", FAILS="eval.dev-r0.json", CODE="2")
    done = run(stand_in, PROBLEMS="", **more)
    assert done.stderr.endswith("=== eval.dev-r0.json\ntrain_ppm: --lr -1 must be at least 0\n")


# --------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_everything_runs_with_the_real_programs(tmp_path):
    environment = dict(os.environ, SMOKE="1", OUT=str(tmp_path), PYTHON=sys.executable)
    first = run(environment)
    assert first.returncode == 0, first.stderr[-2000:]
    with open(tmp_path / "results.csv") as file:
        rows = list(csv.DictReader(file))
    measured = {row["measure"] for row in rows if (row["round"], row["problems"]) == ("4", "dev")}
    assert {"tree search, 1 trajectory", show.BEST, show.STEP_WISE, show.PLAUSIBLE} <= measured
    covered = {row["round"] for row in rows if row["measure"] == "coverage so far"}
    assert covered == {"1", "2", "3", "4"}
    metrics = json.loads((tmp_path / "ppm-r4" / "metrics.json").read_text())["history"][-1]
    judged = {
        row["measure"]: int(row["n"])
        for row in rows
        if row["round"] == "4" and row["measure"].startswith("PPM")
    }
    # The pairs of round 4 and those of all rounds are the same ones.
    assert judged == {
        f"PPM, {pairs} of {kind}": metrics[f"{kind}_n"]
        for pairs in ("pairs", "all rounds' pairs")
        for kind in ("steps", "answers")
        if metrics[f"{kind}_n"]
    }
    again = run(environment)
    assert again.returncode == 0 and again.stderr == "" and again.stdout == first.stdout
    refused = run(environment, TRAIN="--epochs 1 --lr 1e-5")
    assert refused.returncode == 2 and refused.stderr.splitlines()[-1].startswith("train_policy: ")

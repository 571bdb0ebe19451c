"""The command line: what it prints, that it resumes, and one line for each error of a user."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import cli
import common
import rstar
from scripted import TWO, ScriptedPolicy, ScriptedPPM

ROOT = Path(__file__).parent.parent
SCORES = {"n1 = 1": 0.5, "n1 = 2": -0.5, "print(n1)": 0.2, "print(n1 )": 0.9}
QUESTIONS = [dict(question=f"question {i}", answer=str(1 + i % 2)) for i in range(5)]


@pytest.fixture
def scripted(monkeypatch):
    """Scripted models instead of real ones; the list holds the policies that were loaded."""
    policies = []

    def load_models(policy, ppm, machine, prompt):
        policies.append(ScriptedPolicy(TWO))
        if ppm == "none":
            return policies[-1], None
        scores = ScriptedPPM(SCORES)
        if ppm == str(cli.BUNDLED_PPM):
            scores.unsure_below = dict(score=-0.4, agreement=0.7)
        return policies[-1], scores

    monkeypatch.setattr(cli, "load_models", load_models)
    return policies


@pytest.fixture
def questions(tmp_path):
    return write(tmp_path / "q.jsonl", QUESTIONS)


@pytest.fixture
def out(tmp_path):
    return tmp_path / "trees.jsonl"


@pytest.fixture
def command(questions, out):
    """A command line that grows five small trees."""
    return ["--problems", questions, "--candidates", "2", "--rollouts", "3", "--trees", str(out)]


def write(path, records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return str(path)


def refused(capsys, *arguments):
    """The one line with which the command line refuses; the exit code must be 2."""
    code = cli.main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    assert (code, out, err.count("\n")) == (2, "", 1), (code, out, err)
    assert err.startswith("rstar: ")
    return err


def load_that_raises(error):
    def load_models(*models):
        raise error

    return load_models


# --------------------------------------------------------------------------------------------------
# One problem.


def test_the_last_line_is_the_answer_alone(scripted, capsys):
    assert cli.main(["--problem", "What is it?", "--candidates", "2"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == "Answer: 2"
    assert "[PPM +0.90]" in out
    assert "Output: 2" in out


def test_no_answer_is_exit_code_1(capsys, monkeypatch):
    policy = ScriptedPolicy({"": ["n1 = 1 / 0"]})
    monkeypatch.setattr(cli, "load_models", lambda *models: (policy, None))
    assert cli.main(["--problem", "What is it?"]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "Answer: none found"


@pytest.mark.parametrize(
    "score, candidates, warning",
    [
        (-0.7, "1", "low confidence (PPM -0.70, 100% of the tree's samples agree)"),
        (0.2, "2", "low confidence (PPM +0.90, 50% of the tree's samples agree)"),
        (0.9, "1", ""),
    ],
)
def test_low_confidence_is_reported(scripted, capsys, monkeypatch, score, candidates, warning):
    monkeypatch.setitem(SCORES, "print(n1)", score)
    assert cli.main(["--problem", "What is it?", "--candidates", candidates]) == 0
    err = capsys.readouterr().err
    assert ("low confidence" in err) == bool(warning)
    assert warning in err


def test_a_ppm_without_thresholds_reports_no_low_confidence(scripted, capsys, monkeypatch):
    monkeypatch.setitem(SCORES, "print(n1)", -0.7)
    models = ["--policy", "other", "--ppm", "other"]
    assert cli.main(["--problem", "What is it?", "--candidates", "1", *models]) == 0
    assert "low confidence" not in capsys.readouterr().err


def test_print_tree_shows_every_node(scripted, capsys):
    cli.main(["--problem", "What is it?", "--candidates", "2", "--rollouts", "4", "--print-tree"])
    out = capsys.readouterr().out
    assert out.count("└") == 4
    assert "→ 2" in out
    assert "+0.90" in out


def test_a_tree_of_1500_steps_is_printed(capsys):
    root = node = rstar.Node("q")
    for number in range(1, 1501):
        node.children = [rstar.Node("x = 1", node, number)]
        node = node.children[0]
    cli.print_tree(root)
    assert capsys.readouterr().out.count("└") == 1500


def test_a_missing_ppm_is_only_reported_when_nothing_else_is_wrong(scripted, capsys, monkeypatch):
    no_ppm = ["--problem", "What is it?", "--ppm", "none"]
    cli.main([*no_ppm, "--candidates", "2"])
    assert "no PPM" in capsys.readouterr().err
    monkeypatch.setattr(ScriptedPolicy, "length", lambda policy, text: 5000)
    assert "longer than the model can read" in refused(capsys, *no_ppm)
    monkeypatch.setattr(cli, "load_models", load_that_raises(common.UserError("no policy")))
    assert "no policy" in refused(capsys, *no_ppm)


def test_half_a_character_does_no_harm(scripted, capsys):
    assert cli.main(["--problem", "What is \udcff?", "--candidates", "2"]) == 0


# --------------------------------------------------------------------------------------------------
# A file of problems and its trees.


def test_a_rerun_of_a_finished_file_does_nothing(scripted, command, out):
    assert cli.main(command) == 0
    trees = rstar.read_trees(out)
    assert sorted(tree.text for tree in trees) == [record["question"] for record in QUESTIONS]
    assert all(tree.visits for tree in trees)
    before = out.read_bytes()
    assert cli.main(command) == 0
    assert out.read_bytes() == before


@pytest.mark.parametrize("workers, batch", [(1, 5), (2, 3), (3, 2), (8, 1)])
def test_no_process_takes_more_problems_than_its_share(
    scripted, command, out, monkeypatch, workers, batch
):
    def in_one(work, arguments, jobs, _):
        assert len(jobs) == 5 and arguments[-1] == batch
        return work(iter(jobs), *arguments)

    monkeypatch.setattr(common, "in_processes", in_one)
    assert cli.main([*command, "--workers", str(workers)]) == 0


def test_the_counts_of_a_tree_are_numbers(scripted):
    jobs = iter([(0, "question", "2")])
    config = rstar.Config(candidates=2, rollouts=3)
    _, (_, counts) = cli.grow_trees(jobs, "policy", "none", "", config, common.Machine(), {}, 1)
    # True would be printed as "solved True".
    assert [type(count) for count in counts.values()] == [int] * len(counts)
    assert counts["solved"] == 1


def test_characters_that_cut_a_line_elsewhere_do_not_here(scripted, tmp_path, command, out):
    records = [dict(question=f"What is\u2028{i}\x85?", answer="2") for i in range(3)]
    lines = [json.dumps(record, ensure_ascii=False) for record in records]
    (tmp_path / "q.jsonl").write_text("\n".join(lines), encoding="utf-8")
    assert cli.main(command) == 0
    assert cli.main(command) == 0
    assert [tree.text for tree in rstar.read_trees(out)] == [r["question"] for r in records]


def test_two_searches_into_one_file(scripted, capsys, command, out):
    with common.open_locked(out) as file:
        # The other search is in the middle of a line.
        file.write(b'{"index": 0, "quest')
        assert "another run is writing to it" in refused(capsys, *command)
    assert out.read_text() == '{"index": 0, "quest'
    assert not scripted


def test_trees_of_other_problems_are_not_mixed_in(scripted, tmp_path, capsys, command):
    cli.main(command)
    capsys.readouterr()
    write(tmp_path / "q.jsonl", [dict(QUESTIONS[0], answer="7"), *QUESTIONS[1:]])
    assert "other settings (other questions)" in refused(capsys, *command)


@pytest.mark.parametrize(
    "flags, says",
    [
        (["--rollouts", "4"], "rollouts 3, not 4"),
        (["--ppm", "mine"], "ppm 'tiny/ppm', not 'mine'"),
        (["--seed", "1"], "seed 0, not 1"),
    ],
)
def test_trees_of_other_settings_are_not_mixed_in(scripted, capsys, command, flags, says):
    cli.main(command)
    capsys.readouterr()
    assert says in refused(capsys, *command, *flags)


# A prompt that shows all markers.
PROMPT = f"1{rstar.END_OF_STEP}2{rstar.END_OF_CODE}3{rstar.END_OF_ANSWER} Problem: {{question}}"


def test_trees_of_another_prompt_are_not_mixed_in(scripted, tmp_path, capsys, command):
    prompt = tmp_path / "prompt.txt"
    prompt.write_text(PROMPT)
    assert cli.main([*command, "--prompt", str(prompt)]) == 0
    capsys.readouterr()
    prompt.write_text(PROMPT.replace("Problem", "Question"))
    assert "another prompt" in refused(capsys, *command, "--prompt", prompt)
    assert "another prompt" in refused(capsys, *command)
    prompt.write_text(PROMPT)
    assert cli.main([*command, "--prompt", str(prompt)]) == 0


@pytest.mark.parametrize(
    "text, says",
    [
        ("Problem: ", "holds no {question}"),
        (PROMPT, "tuned on the step format"),
        ("", "is empty"),
        (None, "no such file"),
    ],
)
def test_a_prompt_that_cannot_be_used(tmp_path, capsys, text, says):
    prompt = tmp_path / "prompt.txt"
    if text is not None:
        prompt.write_text(text)
    line = refused(capsys, "--problem", "1 + 1?", "--prompt", prompt)
    assert says in line and line.startswith("rstar: --prompt")


def test_a_folder_is_no_prompt(tmp_path, capsys):
    line = refused(capsys, "--problem", "1 + 1?", "--prompt", tmp_path)
    assert line == f"rstar: --prompt {tmp_path}: a folder; give a file\n"


def test_a_prompt_that_does_not_show_all_markers_is_reported(tmp_path, capsys):
    prompt = tmp_path / "prompt.txt"
    prompt.write_text(f"1{rstar.END_OF_CODE} Problem: {{question}}\n<code>\n")
    text = cli.read_prompt(str(prompt))
    assert "never shows <end_of_step>, <end_of_answer>; a model" in capsys.readouterr().err
    # It is appended to each prompt.
    assert text.endswith("{question}")


def test_a_prompt_that_the_model_cannot_read_whole_is_no_fault_of_the_question(monkeypatch):
    longest = 400

    class Untuned:
        tuned = False

        def __init__(self, name, own_prompt, **machine):
            self.own_prompt = own_prompt
            self.longest = longest

        def prompt(self, question):
            return self.own_prompt.replace("{question}", question)

        def length(self, text):
            return len(text)

    monkeypatch.setattr(cli, "Policy", Untuned)
    machine = common.Machine()
    cli.load_models("mine", "none", machine, PROMPT)
    with pytest.raises(
        common.UserError, match="--prompt: it has more than the 400 tokens that mine"
    ):
        cli.load_models("mine", "none", machine, PROMPT + "x" * longest)


def test_flags_of_the_machine_may_change_between_reruns(scripted, command):
    assert cli.main(command) == 0
    assert cli.main([*command, "--rows", "4", "--batch", "2", "--device", "cpu"]) == 0
    assert len(scripted) == 2


def test_an_interrupt_keeps_finished_trees(scripted, capsys, monkeypatch, command, out):
    propose = ScriptedPolicy.propose

    def interrupted(self, text, *arguments):
        if "question 3" in text:
            raise KeyboardInterrupt
        return propose(self, text, *arguments)

    monkeypatch.setattr(ScriptedPolicy, "propose", interrupted)
    assert cli.main([*command, "--batch", "1"]) == 130
    last_line = capsys.readouterr().err.splitlines()[-1]
    assert last_line.startswith("rstar: interrupted")
    assert "the same command resumes" in last_line
    assert len(rstar.read_trees(out)) == 3
    monkeypatch.setattr(ScriptedPolicy, "propose", propose)
    assert cli.main(command) == 0
    assert len(rstar.read_trees(out)) == 5


def test_a_full_disk_keeps_finished_trees(scripted, capsys, command, out):
    cli.main(command)
    lines = out.read_bytes().splitlines(keepends=True)
    out.unlink()
    capsys.readouterr()
    # As on a full disk: there is room for two trees and three bytes.
    size = len(lines[0] + lines[1]) + 3
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        assert cli.main(command) == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    last_line = capsys.readouterr().err.splitlines()[-1]
    assert last_line == f"rstar: {out}: File too large"
    assert out.read_bytes() == (lines[0] + lines[1] + lines[2])[:size]
    assert cli.main(command) == 0
    assert sorted(out.read_bytes().splitlines(keepends=True)) == sorted(lines)


def test_a_policy_that_cannot_be_loaded_leaves_no_file(capsys, command, out, tmp_path):
    line = refused(capsys, *command, "--policy", tmp_path)
    assert "no config.json" in line.replace("it has ", "")
    assert not out.exists()


def test_questions_that_are_too_long_are_counted(scripted, capsys, monkeypatch, command):
    def length(policy, text):
        return 5000 if "question 3" in text else 1

    monkeypatch.setattr(ScriptedPolicy, "length", length)
    assert cli.main(command) == 0
    line = "rstar: 1 of the 5 new questions are longer than the model can read: no answers\n"
    assert line in capsys.readouterr().err


@pytest.mark.parametrize(
    "text",
    ["my notes", "my notes\n", '{"a": 1}\n', '{"index": 0, "question": "mine"}\n', "[" * 9999],
)
def test_an_output_that_holds_something_else_is_not_touched(scripted, capsys, command, out, text):
    out.write_text(text)
    assert str(out) in refused(capsys, *command)
    assert out.read_text() == text


@pytest.mark.parametrize("name", ["", "no/such/folder.jsonl", "/proc/nothing.jsonl", "/dev/full"])
def test_an_output_that_cannot_be_written(scripted, capsys, tmp_path, command, name):
    assert "cannot be written" in refused(capsys, *command, "--trees", tmp_path / name)


# --------------------------------------------------------------------------------------------------
# What is refused.


@pytest.mark.parametrize(
    "arguments, says",
    [
        ([], 'give --problem "TEXT", --example, or --problems FILE'),
        (["--problem", ""], "--problem is empty"),
        (["--problem", " \n\t"], "--problem is empty"),
        (["--problem", "x", "--example"], "exclude each other"),
        (["--problem", "x", "--trees", "out"], "--trees needs --problems"),
        (["--problems", "x"], "--problems needs --trees OUT"),
        (["--problems", "x", "--trees", ""], "--trees is empty"),
        (["--problems", "x", "--trees", "out", "--searches", "2"], "one tree per problem"),
        (["--problems", "x", "--trees", "out", "--print-tree"], "--print-tree needs --problem or"),
        (["--problem", "x", "--rolouts", "3"], "--rolouts"),
        (["--problem", "x", "--rollouts", "many"], "--rollouts"),
        (["--problem", "x", "--rollouts", "0"], "--rollouts must be at least 1, not 0"),
        (["--problem", "x", "--candidates", "-3"], "--candidates must be at least 1, not -3"),
        (["--problem", "x", "--candidates", "9" * 20], "--candidates must be at most 1000000"),
        (["--problem", "x", "--depth", "0"], "--depth"),
        (["--problem", "x", "--searches", "0"], "--searches"),
        (["--problem", "x", "--batch", "0"], "--batch"),
        (["--problem", "x", "--workers", "0"], "--workers"),
        (["--problem", "x", "--step-tokens", "0"], "--step-tokens"),
        (["--problem", "x", "--seed", str(10**30)], "--seed must be at most"),
        (["--problem", "x", "--timeout", "0"], "--timeout"),
        (["--problem", "x", "--timeout", "1e300"], "--timeout"),
        (["--problem", "x", "--temperature", "-1"], "--temperature"),
        (["--problem", "x", "--temperature", "1e-37"], "--temperature"),
        (["--problem", "x", "--c", "nan"], "--c"),
        (["--problem", "x", "--stop", "nan"], "--stop"),
        (["--problem", "x", "--device", "cpu:"], "--device cpu:: must be one of"),
        (["--problem", "x", "--device", "warp"], "--device warp: must be one of"),
        (["--problem", "x", "--device", "cuda:99"], "--device cuda:99: not available"),
        (["--problem", "x", "--dtype", "int3"], "--dtype int3: must be one of"),
        (["--problem", "x", "--policy", ""], "--policy is empty"),
        (["--problem", "x", "--ppm", ""], "--ppm is empty"),
        (["--problem", "x", "--policy", "/no/such/folder"], "/no/such/folder"),
        (["--problem", "x", "--policy", "./missing"], "./missing"),
        (["--problem", "x", "--policy", "missing.gguf"], "missing.gguf"),
        (["--problem", "x", "--policy", "~nobody-at-all/model"], "begins with ~"),
        (["--problem", "-5+3"], "--FLAG=-VALUE"),
    ],
)
def test_bad_arguments_get_one_line(capsys, arguments, says):
    assert says in refused(capsys, *arguments)


@pytest.mark.parametrize(
    "error, says",
    [
        (RuntimeError("CUDA out of memory. Tried to allocate 20 GiB"), "--rows"),
        (RuntimeError("can't start new thread"), "out of memory or threads"),
        (OSError(12, "Cannot allocate memory"), "--rows"),
        (OSError(28, "No space left on device"), "No space left on device"),
        (OSError(24, "Too many open files"), "ulimit -n"),
        (MemoryError(), "--rows"),
    ],
)
def test_a_machine_at_its_limits_gets_one_line(capsys, monkeypatch, error, says):
    monkeypatch.setattr(cli, "load_models", load_that_raises(error))
    assert says in refused(capsys, "--problem", "x")


@pytest.mark.parametrize(
    "name, text, says",
    [
        (".", None, "no config.json"),
        ("config.json", "{}", ""),
        ("config.json", "not json", ""),
        ("file", "x", "a file; give a model folder"),
    ],
)
def test_a_folder_without_a_model_is_refused(capsys, tmp_path, name, text, says):
    if text:
        (tmp_path / name).write_text(text)
    policy = tmp_path / ("file" if name == "file" else "")
    line = refused(capsys, "--problem", "x", "--policy", policy)
    assert str(policy) in line
    assert says in line.replace("it has ", "")


@pytest.mark.parametrize(
    "missing",
    [["tokenizer_config.json"], ["tokenizer.json"], ["tokenizer.json", "tokenizer_config.json"]],
)
def test_a_model_without_its_tokenizer_is_refused(capsys, tmp_path, missing):
    model = shutil.copytree(ROOT / "tiny" / "policy", tmp_path / "model")
    for name in missing:
        (model / name).unlink()
    assert str(model) in refused(capsys, "--problem", "x", "--policy", model)


def test_code_in_a_model_folder_is_not_run(capsys, tmp_path):
    classes = dict(AutoConfig="code.Mine", AutoModelForCausalLM="code.Model")
    (tmp_path / "config.json").write_text(json.dumps(dict(model_type="mine", auto_map=classes)))
    (tmp_path / "code.py").write_text("raise SystemExit('run')")
    assert str(tmp_path) in refused(capsys, "--problem", "x", "--policy", tmp_path)


@pytest.mark.parametrize(
    "error, says",
    [
        (MemoryError(), "out of memory"),
        (RuntimeError("can't start new thread"), "out of memory or threads"),
        (RuntimeError("[enforce fail] . DefaultCPUAllocator: not enough memory"), "out of memory"),
        (ValueError("header too large"), "cannot be loaded"),
    ],
)
def test_a_shortage_while_loading_is_not_damage(capsys, monkeypatch, error, says):
    import transformers

    def from_pretrained(*_, **__):
        raise error

    monkeypatch.setattr(transformers.AutoTokenizer, "from_pretrained", from_pretrained)
    assert says in refused(capsys, "--problem", "x")


def test_a_hub_id_without_network(capsys, monkeypatch):
    monkeypatch.setattr(common, "hub_reachable", lambda: False)
    line = refused(capsys, "--problem", "x", "--policy", "nobody/nothing")
    assert "nobody/nothing: not found locally and not downloadable" in line


# --------------------------------------------------------------------------------------------------
# Programs of their own.


started = []


@pytest.fixture(autouse=True)
def no_program_is_left_running():
    yield
    while started:
        started.pop().kill()


def start(*arguments, python=(), **options):
    options = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) | options
    line = [sys.executable, *python, ROOT / "rstar.py", *arguments]
    started.append(subprocess.Popen([str(word) for word in line], **options))
    return started[-1]


def environment(**values):
    return dict(os.environ, **values)


@pytest.mark.slow
def test_a_downloaded_model_loads_without_network(tmp_path):
    cached = tmp_path / "models--somebody--tiny"
    shutil.copytree(ROOT / "tiny" / "policy", cached / "snapshots" / "1234")
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text("1234")
    offline = environment(HF_HUB_CACHE=str(tmp_path), HF_ENDPOINT="http://127.0.0.1:9")
    for name in list(offline):
        if name.lower().endswith("_proxy"):
            del offline[name]
    flags = ["--problem", "What is 17 + 25?", "--policy", "somebody/tiny", "--rollouts", "2"]
    program = start(*flags, env=offline)
    out, err = program.communicate()
    assert program.returncode == 0, err
    assert out.splitlines()[-1] == "Answer: 42"


@pytest.mark.slow
@pytest.mark.parametrize("python, variables", [(["-P"], {}), ([], dict(PYTHONSAFEPATH="1"))])
def test_a_safe_path_does_not_hide_the_other_files(python, variables):
    if sys.version_info < (3, 11):
        pytest.skip("Python 3.10 has no safe path")
    program = start("--problem", "", python=python, env=environment(**variables), cwd="/")
    assert program.communicate()[1].startswith("rstar: --problem is empty")
    assert program.returncode == 2


def test_an_interrupt_during_the_imports_is_one_line(tmp_path):
    # A torch whose import takes a minute.
    (tmp_path / "torch.py").write_text("import time\nprint(flush=True)\ntime.sleep(60)\n")
    program = start("--example", env=environment(PYTHONPATH=str(tmp_path)))
    program.stdout.readline()
    program.send_signal(signal.SIGINT)
    assert program.communicate()[1] == "rstar: interrupted\n"
    assert program.returncode == 130


@pytest.mark.parametrize(
    "code, says",
    [
        ("import no_such_package", "No module named 'no_such_package'; try pip install"),
        ("raise MemoryError", ""),
        ("raise OSError(24, 'Too many open files')", "Too many open files"),
    ],
)
def test_a_failing_import_is_one_line(tmp_path, code, says):
    (tmp_path / "torch.py").write_text(code)
    program = start("--example", env=environment(PYTHONPATH=str(tmp_path)))
    err = program.communicate()[1]
    assert (program.returncode, err.count("\n")) == (2, 1), err
    assert err.startswith("rstar: ")
    assert says in err


def test_a_reader_that_leaves_early_is_not_an_error():
    work = "lambda: [print('line') for _ in range(100000)] and 0"
    code = f"import common; raise SystemExit(common.run('x', {work}, ''))"
    program = subprocess.run(
        f'{sys.executable} -c "{code}" | head -1',
        shell=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert (program.stdout, program.stderr) == ("line\n", "")


def by_index(path):
    """{index: [(text, visits, error, q) of each node]} of a file of trees."""
    return {
        record["index"]: [
            (node["text"], node["visits"], node["error"], pytest.approx(node["q"], abs=1e-5))
            for node in record["nodes"]
        ]
        for record in common.read_tree_records(path)
    }


# So many that a search is still at work when a test has seen its first lines.
TREES = 40
SMALL_SEARCH = ["--batch", "2", "--rollouts", "3", "--candidates", "3"]


def write_problems(path, count):
    world = [sys.executable, ROOT / "tiny" / "world.py", "--mix", "plain", "--count", str(count)]
    path.write_bytes(subprocess.run(world, capture_output=True, check=True).stdout)
    return path


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """A command line on the bundled models, and the trees that it makes undisturbed."""
    folder = tmp_path_factory.mktemp("real")
    flags = ["--problems", write_problems(folder / "q.jsonl", TREES), *SMALL_SEARCH, "--trees"]
    program = start(*flags, folder / "whole.jsonl")
    assert program.wait() == 0, program.stderr.read()
    return flags, by_index(folder / "whole.jsonl")


def wait_for_lines(path, count, program):
    while not path.exists() or path.read_bytes().count(b"\n") < count:
        assert program.poll() is None, program.stderr.read()
        time.sleep(0.01)


def children(number, words=""):
    """The processes that a process has started, and those below; with `words` in their command."""
    # -ww: without a terminal some versions of ps cut each line at 80 columns.
    command = ["ps", "-A", "-ww", "-o", "pid=,ppid=,args="]
    listed = subprocess.run(command, capture_output=True, text=True)
    rows = [line.split(None, 2) for line in listed.stdout.splitlines()]
    below = [int(pid) for pid, parent, args in rows if int(parent) == number and words in args]
    return below + [pid for child in below for pid in children(child, words)]


def alive(numbers):
    """Those of some processes that still run, without zombies, after a while for them to end."""
    for _ in range(100):
        running = []
        for number in numbers:
            state = subprocess.run(
                ["ps", "-o", "stat=", "-p", str(number)], capture_output=True, text=True
            ).stdout
            if state and not state.startswith("Z"):
                running.append(number)
        if not running:
            return []
        time.sleep(0.1)
    return running


@pytest.mark.slow
def test_workers_grow_the_same_trees(real, out):
    flags, whole = real
    program = start(*flags, out, "--workers", "2")
    output, err = program.communicate()
    assert program.returncode == 0, err
    assert f"{TREES} trees, {TREES} of them new" in output
    assert by_index(out) == whole


@pytest.mark.slow
def test_workers_share_an_error_in_one_line(command, out, tmp_path):
    program = start(*command, "--workers", "2", "--policy", tmp_path)
    err = program.communicate()[1]
    assert (program.returncode, err.count("\n")) == (2, 1), err
    assert err.startswith(f"rstar: policy {tmp_path}")
    assert not out.exists()


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("lines", [0, 3])
def test_kill_9_loses_only_the_problems_in_hand(real, out, workers, lines):
    flags, whole = real
    program = start(*flags, out, "--workers", workers)
    wait_for_lines(out, lines, program)
    below = children(program.pid)
    program.kill()
    program.wait()
    assert alive(below) == []
    finished = [line for line in out.read_bytes().splitlines(True) if line.endswith(b"\n")]
    assert lines <= len(finished) < TREES
    program = start(*flags, out, "--workers", workers)
    assert program.wait() == 0
    assert out.read_bytes().splitlines(True)[: len(finished)] == finished
    assert by_index(out) == whole


@pytest.mark.slow
def test_kill_9_of_a_worker_is_one_line(real, out):
    flags, whole = real
    program = start(*flags, out, "--workers", "2")
    # While they import torch: on an idle machine the search itself may end before the kill.
    while program.poll() is None and len(children(program.pid, "spawn_main")) < 2:
        time.sleep(0.01)
    below = children(program.pid)
    os.kill(children(program.pid, "spawn_main")[0], signal.SIGKILL)
    err = program.communicate()[1]
    assert program.returncode == 2
    assert err.splitlines()[-1].startswith("rstar: a worker has ended with exit code -9")
    assert alive(below) == []
    assert start(*flags, out, "--workers", "2").wait() == 0
    assert by_index(out) == whole


@pytest.mark.slow
@pytest.mark.parametrize("lines", [0, 2])
def test_an_interrupt_of_all_processes_is_one_line(tmp_path, out, lines):
    """As a terminal sends Ctrl-C: to the whole group, perhaps while the workers import torch."""
    # So many that the search is still at work half a second after its second line.
    flags = ["--problems", write_problems(tmp_path / "q.jsonl", 300), *SMALL_SEARCH, "--trees"]
    program = start(*flags, out, "--workers", "2", start_new_session=True)
    wait_for_lines(out, lines, program)
    while not children(program.pid):
        time.sleep(0.01)
    time.sleep(0.5)
    below = children(program.pid)
    os.killpg(program.pid, signal.SIGINT)
    err = program.communicate()[1]
    assert program.returncode == 130
    assert "Traceback" not in err
    assert err.splitlines()[-1].startswith("rstar: interrupted")
    assert alive(below) == []


@pytest.mark.slow
def test_a_search_ends_with_the_program_that_started_it(real, out):
    flags, _ = real
    words = [sys.executable, ROOT / "rstar.py", *flags, out, "--workers", "2"]
    line = " ".join(str(word) for word in words)
    script = f"{line} & wait"
    shell = subprocess.Popen(
        ["bash", "-c", script], env=environment(END_WITH_PARENT="1"), stderr=subprocess.DEVNULL
    )
    while not out.exists() or not out.read_bytes():
        assert shell.poll() is None
        time.sleep(0.01)
    below = children(shell.pid)
    shell.kill()
    shell.wait()
    assert alive(below) == []

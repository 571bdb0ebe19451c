"""The command line: what it prints, that it goes on after a kill, and one clear line for everything a user can get wrong."""
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import rstar
from scripted import TWO, ScriptedPPM, ScriptedPolicy

ROOT = Path(__file__).parent.parent
DATA = ROOT.parent / "shared" / "data"
SCORES = {"n1 = 1": .5, "n1 = 2": -.5, "print(n1)": .2, "print(n1 )": .9}
QUESTIONS = [dict(question=f"question {i}", answer=str(1 + i % 2)) for i in range(5)]


@pytest.fixture
def scripted(monkeypatch):
    """The models are replaced by scripted ones; the list holds the policies that were made."""
    made = []

    def load_models(args, config):
        made.append(ScriptedPolicy(TWO))
        return made[-1], None if args.ppm == "none" else ScriptedPPM(SCORES)
    monkeypatch.setattr(rstar, "load_models", load_models)
    return made


def write(path, records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return str(path)


def refused(capsys, *arguments):
    """Runs the command line, checks that it refused in one line and with exit code 2, and returns that line."""
    code = rstar.main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    assert code == 2 and out == "" and err.startswith("rstar: ") and err.count("\n") == 1, (code, out, err)
    return err


def test_the_last_line_is_the_answer_alone(scripted, capsys):
    assert rstar.main(["--problem", "What is it?", "--candidates", "2"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == "Answer: 2" and "[PPM +0.90]" in out and "Output: 2" in out


def test_none_found_is_exit_code_1(scripted, capsys, monkeypatch):
    monkeypatch.setattr(rstar, "load_models", lambda args, config: (ScriptedPolicy({"": ["n1 = 1 / 0"]}), None))
    assert rstar.main(["--problem", "What is it?"]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "Answer: none found"


def test_a_low_score_is_told_for_the_bundled_model(scripted, capsys, monkeypatch):
    monkeypatch.setitem(SCORES, "print(n1)", -.7)
    assert rstar.main(["--problem", "What is it?", "--candidates", "1"]) == 0
    err = capsys.readouterr().err
    assert "low confidence (PPM -0.70, 100% of the tree's samples agree)" in err and "--policy" in err
    rstar.main(["--problem", "What is it?", "--candidates", "1", "--policy", "other", "--ppm", "other"])
    assert "low confidence" not in capsys.readouterr().err
    monkeypatch.setitem(SCORES, "print(n1)", .9)
    rstar.main(["--problem", "What is it?", "--candidates", "1"])
    assert "low confidence" not in capsys.readouterr().err


def test_disagreement_is_told_for_the_bundled_model(scripted, capsys):
    assert rstar.main(["--problem", "What is it?", "--candidates", "2"]) == 0
    assert "low confidence (PPM +0.90, 50% of the tree's samples agree)" in capsys.readouterr().err


def test_print_tree_shows_every_node(scripted, capsys):
    rstar.main(["--problem", "What is it?", "--candidates", "2", "--rollouts", "4", "--print-tree"])
    out = capsys.readouterr().out
    assert out.count("└") == 4 and "→ 2" in out and "+0.90" in out


def test_trees_and_the_rerun_that_does_nothing(scripted, tmp_path, capsys):
    questions, out = write(tmp_path / "q.jsonl", QUESTIONS), tmp_path / "trees.jsonl"
    command = ["--problems", questions, "--trees", str(out), "--candidates", "2", "--rollouts", "3"]
    assert rstar.main(command) == 0
    trees = rstar.read_trees(out)
    assert sorted(tree.text for tree in trees) == [q["question"] for q in QUESTIONS] and all(tree.visits == 3 for tree in trees)
    before = out.read_bytes()
    assert rstar.main(command) == 0 and out.read_bytes() == before and len(scripted) == 1


def test_characters_that_cut_a_line_elsewhere_do_not_here(scripted, tmp_path):
    odd = [dict(question=f"What is\u2028{i}\x85?", answer="2") for i in range(3)]
    questions, out = tmp_path / "q.jsonl", tmp_path / "trees.jsonl"
    questions.write_text("\n".join(json.dumps(one, ensure_ascii=False) for one in odd), encoding="utf-8")
    command = ["--problems", str(questions), "--trees", str(out), "--candidates", "2", "--rollouts", "3"]
    assert [rstar.main(command), rstar.main(command)] == [0, 0] and len(scripted) == 1
    assert [root.text for root in rstar.read_trees(out)] == [one["question"] for one in odd]


@pytest.mark.parametrize("left", ["", '{"index": 3, "quest'])
def test_a_rerun_after_a_kill_makes_what_is_missing(scripted, tmp_path, left):
    questions, out, whole = write(tmp_path / "q.jsonl", QUESTIONS), tmp_path / "trees.jsonl", tmp_path / "whole.jsonl"
    command = ["--problems", questions, "--candidates", "2", "--rollouts", "3", "--trees"]
    rstar.main([*command, str(whole)])
    lines = whole.read_text().splitlines(keepends=True)
    out.write_text("".join(lines[:2]) + left)       # killed after two problems, perhaps in the middle of writing the third
    assert rstar.main([*command, str(out)]) == 0
    assert out.read_text().startswith("".join(lines[:2])) and sorted(out.read_text().splitlines(True)) == sorted(lines)


def test_a_rerun_after_a_kill_in_the_first_line(scripted, tmp_path):
    questions, out = write(tmp_path / "q.jsonl", QUESTIONS), tmp_path / "trees.jsonl"
    out.write_text('{"index": 0, "quest')
    assert rstar.main(["--problems", questions, "--candidates", "2", "--trees", str(out)]) == 0 and len(rstar.read_trees(out)) == 5


def test_a_finished_tree_without_its_newline_is_kept(scripted, tmp_path, capsys):
    questions, out = write(tmp_path / "q.jsonl", QUESTIONS), tmp_path / "trees.jsonl"
    command = ["--problems", questions, "--candidates", "2", "--trees", str(out)]
    rstar.main(command)
    whole = out.read_text()
    for left in 5, 3:
        out.write_text("".join(whole.splitlines(True)[:left]).rstrip())
        assert rstar.main(command) == 0 and len(rstar.read_trees(out)) == 5
        assert f"{5 - left} of them new" in capsys.readouterr().out


def test_two_searches_into_one_file(scripted, tmp_path, capsys):
    questions, out = write(tmp_path / "q.jsonl", QUESTIONS), tmp_path / "trees.jsonl"
    with open(out, "a") as file:
        rstar.hold(file)                            # the other search
        file.write('{"index": 0, "quest')           # which is in the middle of a line
        file.flush()
        assert rstar.main(["--problems", questions, "--trees", str(out)]) == 2
    assert "another search" in capsys.readouterr().err and out.read_text() == '{"index": 0, "quest' and not scripted


def test_to_cut_a_half_written_line_rewrites_nothing(scripted, tmp_path, monkeypatch):
    questions, out = write(tmp_path / "q.jsonl", QUESTIONS), tmp_path / "trees.jsonl"
    command = ["--problems", questions, "--candidates", "2", "--trees", str(out)]
    rstar.main(command)
    lines = out.read_text().splitlines(keepends=True)
    out.write_text("".join(lines[:4]) + "\n" + lines[4][:50])        # a blank line does no harm
    monkeypatch.setattr(Path, "write_bytes", None)                   # a full disk would take what was finished
    assert rstar.main(command) == 0 and len(rstar.read_trees(out)) == 5


def test_trees_do_not_depend_on_what_evaluations_compare(scripted, tmp_path):
    questions, out = write(tmp_path / "q.jsonl", QUESTIONS), tmp_path / "trees.jsonl"
    for more in ([], ["--ways", "greedy"], ["--samples", "3"]):
        assert rstar.main(["--problems", questions, "--trees", str(out), "--rollouts", "2", *more]) == 0
    assert len(scripted) == 1


def test_a_half_written_tree_is_left_out(scripted, tmp_path):
    questions, out = write(tmp_path / "q.jsonl", QUESTIONS), tmp_path / "trees.jsonl"
    rstar.main(["--problems", questions, "--trees", str(out), "--rollouts", "2"])
    out.write_text(out.read_text()[:-30])
    assert len(rstar.read_trees(out)) == 4


def test_trees_of_other_problems_are_not_mixed_in(scripted, tmp_path, capsys):
    out = tmp_path / "trees.jsonl"
    rstar.main(["--problems", write(tmp_path / "q.jsonl", QUESTIONS), "--trees", str(out)])
    corrected = write(tmp_path / "other.jsonl", [dict(QUESTIONS[0], answer="7")] + QUESTIONS[1:])
    capsys.readouterr()
    assert "other settings (other questions)" in refused(capsys, "--problems", corrected, "--trees", out)


def test_parts_are_the_whole(scripted, tmp_path):
    questions = write(tmp_path / "q.jsonl", QUESTIONS)
    for k in range(2):
        assert rstar.main(["--problems", questions, "--part", f"{k}/2", "--trees", str(tmp_path / f"{k}.jsonl"), "--candidates", "2"]) == 0
    halves = [{tree.text for tree in rstar.read_trees(tmp_path / f"{k}.jsonl")} for k in range(2)]
    assert [len(half) for half in halves] == [3, 2] and halves[0] | halves[1] == {q["question"] for q in QUESTIONS}


def test_a_part_without_problems_leaves_no_file(scripted, tmp_path):
    questions, out = write(tmp_path / "q.jsonl", QUESTIONS[:1]), tmp_path / "trees.jsonl"
    assert rstar.main(["--problems", questions, "--part", "1/2", "--trees", str(out)]) == 0
    assert not out.exists()


def test_an_interrupt_keeps_what_is_finished(scripted, tmp_path, capsys, monkeypatch):
    questions, out = write(tmp_path / "q.jsonl", QUESTIONS), tmp_path / "trees.jsonl"
    command = ["--problems", questions, "--trees", str(out), "--candidates", "2", "--rollouts", "3", "--batch", "1"]
    propose, calls = ScriptedPolicy.propose, []

    def interrupted(self, *arguments):
        calls.append(1)
        if len(calls) == 8:
            raise KeyboardInterrupt
        return propose(self, *arguments)
    monkeypatch.setattr(ScriptedPolicy, "propose", interrupted)
    assert rstar.main(command) == 130 and "goes on from there" in capsys.readouterr().err
    kept = len(rstar.read_trees(out))
    assert 0 < kept < 5
    assert rstar.main(command) == 0 and len(rstar.read_trees(out)) == 5


def test_evaluation_writes_table_and_json(scripted, tmp_path, capsys):
    questions, out = write(tmp_path / "q.jsonl", QUESTIONS), tmp_path / "results.json"
    command = ["--problems", questions, "--evaluate", str(out), "--candidates", "2", "--rollouts", "4", "--batch", "2"]
    assert rstar.main(command) == 0
    table, result = capsys.readouterr().out, json.loads(out.read_text())
    assert [row["way"] for row in result["rows"]] == [
        "tree search", "tree search, 1 trajectory", "tree search, 2 trajectories", "tree search, 4 trajectories", "greedy", "majority of N",
        "no PPM: vote of the positive whole", "best of N by the PPM", "step-wise choice by the PPM"]
    assert all(row["n"] == 5 and row["low"] <= row["percent"] <= row["high"] and row["tokens_per_problem"] > 0 for row in result["rows"])
    assert result["rows"][0]["right"] == 2 and "2/5" in table       # all are answered with 2, which is right for two of them
    assert rstar.main(command) == 0 and capsys.readouterr().out == table and len(scripted) == 1


def test_evaluation_goes_on_after_a_kill(scripted, tmp_path, capsys):
    questions, out = write(tmp_path / "q.jsonl", QUESTIONS), tmp_path / "results.json"
    command = ["--problems", questions, "--evaluate", str(out), "--candidates", "2", "--rollouts", "4", "--batch", "2"]
    rstar.main(command)
    whole = json.loads(out.read_text())
    out.write_text(json.dumps(dict(whole, outcomes={way: results[:2] for way, results in whole["outcomes"].items()})))
    rstar.main(command)
    assert json.loads(out.read_text()) == whole


def test_questions_that_are_too_long_are_told(scripted, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(ScriptedPolicy, "length", lambda policy, text: 5000 if "question 3" in text else 1)
    questions = write(tmp_path / "q.jsonl", QUESTIONS)
    for what in ("--trees", "--evaluate"):
        assert rstar.main(["--problems", questions, what, str(tmp_path / what), "--rollouts", "1"]) == 0
        told = f"rstar: {questions}: questions longer than the model can read (4096 tokens), which count as not answered: 1 of 5; the first: 'question 3'\n"
        assert told in capsys.readouterr().err


def test_other_settings_are_not_mixed(scripted, tmp_path, capsys):
    questions, out, result = write(tmp_path / "q.jsonl", QUESTIONS), tmp_path / "trees.jsonl", tmp_path / "r.json"
    rstar.main(["--problems", questions, "--trees", str(out), "--rollouts", "2"])
    rstar.main(["--problems", questions, "--evaluate", str(result), "--rollouts", "2"])
    capsys.readouterr()
    assert "rollouts 2, not 3" in refused(capsys, "--problems", questions, "--trees", out, "--rollouts", 3)
    assert "ppm 'tiny/ppm', not 'mine'" in refused(capsys, "--problems", questions, "--trees", out, "--rollouts", 2, "--ppm", "mine")
    assert "seed 0, not 1" in refused(capsys, "--problems", questions, "--evaluate", result, "--rollouts", 2, "--seed", 1)


def test_an_output_that_is_something_else_is_not_touched(scripted, tmp_path, capsys):
    questions, out = write(tmp_path / "q.jsonl", QUESTIONS), tmp_path / "notes"
    for text in ("my notes", "my notes\n", '{"a": 1}\n', '{"index": 0, "question": "mine"}', '{"settings": {}, "outcomes": {}}', "[" * 100_000):
        out.write_text(text)
        assert str(out) in refused(capsys, "--problems", questions, "--trees", out)
        assert str(out) in refused(capsys, "--problems", questions, "--evaluate", out)
        assert out.read_text() == text


@pytest.mark.parametrize("pairs", ['["x", "y"]', "[null, null]", '"ab"', "[true, NaN]", "[true, -1]", "[[], {}]", "[true]"])
def test_a_damaged_evaluation_is_refused(scripted, tmp_path, capsys, pairs):
    questions, result = write(tmp_path / "q.jsonl", QUESTIONS), tmp_path / "r.json"
    rstar.main(["--problems", questions, "--evaluate", str(result), "--ways", "greedy"])
    capsys.readouterr()
    found = json.loads(result.read_text())
    result.write_text(json.dumps(dict(found, outcomes={})).replace('"outcomes": {}', f'"outcomes": {{"greedy": [{", ".join([pairs] * 5)}]}}'))
    assert "something else than an evaluation" in refused(capsys, "--problems", questions, "--evaluate", result, "--ways", "greedy")


def test_an_evaluation_leaves_its_neighbours_alone(scripted, tmp_path):
    (tmp_path / "r.json.part").write_text("mine")
    assert rstar.main(["--problems", write(tmp_path / "q.jsonl", QUESTIONS), "--evaluate", str(tmp_path / "r.json"), "--ways", "greedy"]) == 0
    assert sorted(one.name for one in tmp_path.iterdir()) == ["q.jsonl", "r.json", "r.json.part"] and (tmp_path / "r.json.part").read_text() == "mine"


@pytest.mark.parametrize("arguments, says", [
    ([], "nothing asked"),
    (["--problem", ""], "--problem is empty"),
    (["--problem", " \n\t"], "--problem is empty"),
    (["--problem", "x", "--example"], "exclude each other"),
    (["--problem", "x", "--trees", "out"], "--trees needs --problems"),
    (["--problems", "x"], "--trees OUT"),
    (["--problems", "x", "--trees", "out", "--part", "2/2"], "--part 2/2: not a part"),
    (["--problems", "x", "--trees", "out", "--part", "half"], "--part half: not a part"),
    (["--problem", "x", "--rolouts", "3"], "--rolouts"),
    (["--problem", "x", "--rollouts", "many"], "--rollouts"),
    (["--problem", "x", "--rollouts", "0"], "--rollouts must be at least 1, not 0"),
    (["--problem", "x", "--candidates", "-3"], "--candidates must be at least 1, not -3"),
    (["--problem", "x", "--candidates", "99999999999999999999"], "--candidates must be at most a million"),
    (["--problem", "x", "--timeout", "1e300"], "--timeout"),
    (["--problem", "x", "--temperature", "1e-37"], "--temperature"),
    (["--problem", "x", "--stop", "nan"], "--stop"),
    (["--problem", "x", "--device", "cpu:"], "--device cpu:: unknown"),
    (["--problem", "x", "--depth", "0"], "--depth"),
    (["--problem", "x", "--searches", "0"], "--searches"),
    (["--problem", "x", "--batch", "0"], "--batch"),
    (["--problem", "x", "--step-tokens", "0"], "--step-tokens"),
    (["--problem", "x", "--temperature", "-1"], "--temperature"),
    (["--problem", "x", "--c", "nan"], "--c"),
    (["--problem", "x", "--timeout", "0"], "--timeout"),
    (["--problem", "x", "--device", "warp"], "--device warp: unknown"),
    (["--problem", "x", "--device", "cuda:99"], "--device cuda:99"),
    (["--problem", "x", "--dtype", "int3"], "--dtype int3: unknown"),
    (["--problem", "x", "--policy", "/no/such/folder"], "/no/such/folder"),
    (["--problems", "x.jsonl", "--trees", "out.jsonl", "--searches", "2"], "--trees keeps one tree per problem"),
    (["--problems", "x.jsonl", "--trees", "out.jsonl", "--print-tree"], "--print-tree needs --problem or --example"),
    (["--problems", "x", "--evaluate", "out", "--ways", "tree,votes"], "--ways tree,votes: unknown; some of tree,samples"),
    (["--problems", "x", "--evaluate", "out", "--ways", "adaptive"], "--samples"),
    (["--problems", "x", "--evaluate", "out", "--ways", "tree,adaptive"], "adaptive needs a --stop"),
    (["--problems", "x", "--evaluate", "out", "--ways", "tree,step-wise", "--ppm", "none"], "need a --ppm"),
    (["--problem", "x", "--policy", ""], "--policy is empty"),
    (["--problem", "x", "--ppm", ""], "--ppm is empty"),
    (["--problems", "x", "--trees", ""], "--trees is empty"),
    (["--problem", "x", "--policy", "~nobody-at-all/model"], "begins with ~"),
    (["--problems", "x", "--trees", "out", "--part", "0/" + "9" * 5000], "not a part"),
    (["--problem", "-5+3"], "--FLAG=-VALUE"),
    (["--problem", "x", "--policy", "./missing"], "./missing"),
    (["--problem", "x", "--policy", "missing.gguf"], "missing.gguf"),
])
def test_bad_arguments_get_one_line(capsys, arguments, says):
    assert says in refused(capsys, *arguments)


def test_a_hub_id_without_network(capsys, monkeypatch):
    monkeypatch.setattr(rstar, "hub_reachable", lambda: False)
    assert "nobody/nothing: neither a folder here nor to be had from the hub" in refused(capsys, "--problem", "x", "--policy", "nobody/nothing")


def test_a_downloaded_model_loads_without_network(tmp_path):
    kept = tmp_path / "models--somebody--tiny"
    shutil.copytree(ROOT / "tiny" / "policy", kept / "snapshots" / "1234")
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text("1234")
    offline = dict(os.environ, HF_HUB_CACHE=str(tmp_path), HF_ENDPOINT="http://127.0.0.1:9", HTTPS_PROXY="", https_proxy="")
    done = subprocess.run([sys.executable, ROOT / "rstar.py", "--problem", "What is 17 + 25?", "--policy", "somebody/tiny", "--rollouts", "2"],
                          env=offline, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.splitlines()[-1] == "Answer: 42", done.stderr


def test_a_folder_without_a_model(capsys, tmp_path):
    assert "no config.json" in refused(capsys, "--problem", "x", "--policy", tmp_path)
    (tmp_path / "config.json").write_text("{}")
    assert str(tmp_path) in refused(capsys, "--problem", "x", "--policy", tmp_path)
    (tmp_path / "config.json").write_text("no json")
    assert str(tmp_path) in refused(capsys, "--problem", "x", "--policy", tmp_path)
    (tmp_path / "file").write_text("x")
    assert "this is a file" in refused(capsys, "--problem", "x", "--policy", tmp_path / "file")


@pytest.mark.parametrize("missing", [["tokenizer_config.json"], ["tokenizer.json"], ["tokenizer.json", "tokenizer_config.json"]])
def test_a_model_without_its_tokenizer(capsys, tmp_path, missing):
    model = shutil.copytree(ROOT / "tiny" / "policy", tmp_path / "model")
    for name in missing:
        (model / name).unlink()
    assert str(model) in refused(capsys, "--problem", "x", "--policy", model)


def test_a_model_with_code_of_its_own_is_not_asked_about(capsys, tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "mine", "auto_map": {"AutoConfig": "code.Mine", "AutoModelForCausalLM": "code.Model"}}')
    assert str(tmp_path) in refused(capsys, "--problem", "x", "--policy", tmp_path)


def test_a_last_question_that_begins_like_a_tree_is_read(tmp_path):
    records = [dict(index=i, question=f"question {i}", answer="1") for i in range(2)]
    assert len(rstar.read_problems(write(tmp_path / "q.jsonl", records))) == 2


BAD_FILES = {
    "cut off": ('{"question": "a", "answer": "1"}\n{"index": 1, "question": "b", "ans', "line 2: not valid JSON"),
    "empty": ("", "is empty"),
    "blank": (" \n\n", "is empty"),
    "no records": ("[]", "holds no records"),
    "bad line": ('{"question": "a", "answer": "1"}\n{"question": "a", "answer": \n', "line 2: not valid JSON"),
    "bad list": ('[{"question": "a", "answer": "1"},\n{"question" "b"}]', "line 2: not valid JSON"),
    "no question": ('{"ask": "a", "answer": "1"}', "no question; one of the fields question, problem, query"),
    "blank question": ('{"question": " ", "answer": "1"}', "no question"),
    "no answer": ('{"question": "a", "answer": "1"}\n{"question": "a"}', "line 2: no answer; one of the fields answer, solution, ground_truth"),
    "null answer": ('{"question": "a", "answer": null}', "no answer"),
    "not a number": ('{"question": "a", "answer": NaN}', "no answer"),
    "true": ('{"question": "a", "answer": true}', "no answer"),
    "too deep": ("[" * 100_000, "not valid JSON"),
    "too long a number": ('{"question": "a", "answer": ' + "7" * 6000 + "}", "line 1: not valid JSON"),
    "not objects": ('["a", "b"]', "not an object"),
    "a number": ("7", "not an object"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_question_files_get_one_line(capsys, tmp_path, name):
    text, says = BAD_FILES[name]
    (tmp_path / "q.jsonl").write_text(text)
    line = refused(capsys, "--problems", tmp_path / "q.jsonl", "--evaluate", tmp_path / "out.json")
    assert says in line and "q.jsonl" in line


def test_missing_binary_and_folder(capsys, tmp_path):
    (tmp_path / "binary.json").write_bytes(bytes(range(256)))
    for path, says in ((tmp_path / "none.json", "no such file"), (tmp_path / "binary.json", "not text in UTF-8"), (tmp_path, "is a folder")):
        line = refused(capsys, "--problems", path, "--trees", tmp_path / "out.jsonl")
        assert says in line and str(path) in line


def test_an_output_that_cannot_be_written(capsys, tmp_path):
    questions = write(tmp_path / "q.jsonl", QUESTIONS)
    for out in (tmp_path, tmp_path / "no" / "such" / "folder.jsonl", "/proc/nothing.jsonl", "/dev/full"):
        assert "cannot be written" in refused(capsys, "--problems", questions, "--trees", out)
        assert "cannot be written" in refused(capsys, "--problems", questions, "--evaluate", out)


def test_out_of_memory_gets_one_line(capsys, monkeypatch):
    def load_models(args, config):
        raise RuntimeError("CUDA out of memory. Tried to allocate 20 GiB")
    monkeypatch.setattr(rstar, "load_models", load_models)
    assert "--rows" in refused(capsys, "--problem", "x")


def test_a_full_disk_gets_one_line(capsys, monkeypatch):
    def load_models(args, config):
        raise OSError(28, "No space left on device")
    monkeypatch.setattr(rstar, "load_models", load_models)
    assert "No space left on device" in refused(capsys, "--problem", "x")


def test_who_leaves_early_is_no_error():
    code = "import rstar; raise SystemExit(rstar.run('x', lambda: [print('line') for _ in range(100000)] and 0, ''))"
    done = subprocess.run(f'{sys.executable} -c "{code}" | head -1', shell=True, cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("line\n", "")


def test_half_characters_do_no_harm(scripted, tmp_path, capsys):
    assert rstar.main(["--problem", "What is \udcff?", "--candidates", "2"]) == 0
    (tmp_path / "q.jsonl").write_text('{"question": "is \\ud800 \\ud83d\\ude00?", "answer": "\\ud800"}')
    assert rstar.read_problems(tmp_path / "q.jsonl") == [dict(question="is ? \U0001F600?", reference="?")]


@pytest.mark.parametrize("record, reference", [
    (dict(question="q", answer=None, solution="\\boxed{3}"), "3"),
    (dict(question="q", answer="18"), "18"),
    (dict(problem="q", solution="So it is $\\boxed{\\frac{1}{2}}$."), "\\frac{1}{2}"),
    (dict(query="q", ground_truth=7), "7"),
    (dict(question="q", answer="2 + 2 = <<2+2=4>>4\n#### 4"), "4"),
    (dict(problem="q", solution="long text \\boxed{3}", answer="3.0"), "3.0"),
    (dict(question="q", answer="\\left( 3, \\frac{\\pi}{2} \\right)"), "\\left( 3, \\frac{\\pi}{2} \\right)"),
])
def test_questions_are_read_in_all_their_forms(tmp_path, record, reference):
    for name, text in (("a.json", json.dumps([record])), ("a.jsonl", json.dumps(record) + "\n"), ("b.json", "\ufeff" + json.dumps([record], indent=1))):
        (tmp_path / name).write_text(text, encoding="utf-8")
        assert rstar.read_problems(tmp_path / name) == [dict(question="q", reference=reference)]


@pytest.mark.skipif(not DATA.exists(), reason="the real questions are not here")
@pytest.mark.parametrize("name, count", [("GSM8K_test", 1319), ("math500_test", 500), ("amc23_test", 40), ("aime2024_test", 30)])
def test_the_real_question_files_are_read(name, count):
    assert len(rstar.read_problems(DATA / f"{name}.json")) == count


@pytest.mark.slow
def test_kill_9_loses_only_the_problems_in_hand(tmp_path):
    questions = tmp_path / "q.jsonl"
    questions.write_text(subprocess.run([sys.executable, ROOT / "tiny/world.py", "--mix", "plain", "--count", "12"], capture_output=True, text=True).stdout)
    command = [sys.executable, ROOT / "rstar.py", "--problems", questions, "--batch", "2", "--rollouts", "4", "--candidates", "4", "--trees"]
    subprocess.run([*command, tmp_path / "whole.jsonl"], check=True, capture_output=True)
    running = subprocess.Popen([*command, tmp_path / "out.jsonl"], stderr=subprocess.DEVNULL)
    lines = 0
    while lines < 3:
        assert running.poll() is None
        try:                              # the check that the file can be written makes it and takes it away again
            lines = (tmp_path / "out.jsonl").read_text().count("\n")
        except FileNotFoundError:
            pass
        time.sleep(.01)
    running.kill()
    running.wait()
    kept = [line for line in (tmp_path / "out.jsonl").read_text().splitlines(True) if line.endswith("\n")]
    assert 3 <= len(kept) < 12
    subprocess.run([*command, tmp_path / "out.jsonl"], check=True, capture_output=True)
    lines = (tmp_path / "out.jsonl").read_text().splitlines(True)
    assert lines[:len(kept)] == kept
    trees, whole = ({index: rstar.nodes(root) for root, index, _ in map(rstar.line_to_tree, text)}
                    for text in (lines, (tmp_path / "whole.jsonl").read_text().splitlines()))
    assert sorted(trees) == sorted(whole) == list(range(12)) and len(lines) == 12
    for index, made in trees.items():       # the same trees; a score may differ in its seventh digit with the batch it was made in
        assert [(node.text, node.visits, node.error) for node in made] == [(node.text, node.visits, node.error) for node in whole[index]]
        assert [node.q for node in made] == pytest.approx([node.q for node in whole[index]], abs=1e-5)

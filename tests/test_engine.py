"""The same search on a real vLLM: run tests/engine.sh, which sets one up.

vLLM drops the bias of Qwen3's o_proj, which the bundled models have. So it gets copies in which
that bias is part of v_proj's: the weights of the attention sum to 1, so a bias of the values comes
out as it went in, and o_proj maps the right one to its own. The model computes the same.
"""

import contextlib
import os
import signal
import subprocess
import threading
import time
import urllib.request
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

import cli
import client
import common
import rstar
import served
from rstar import END_OF_CODE

pytestmark = pytest.mark.engine

ROOT = Path(__file__).parent.parent
HOME = Path(os.environ.get("VLLM_HOME") or Path.home() / ".cache" / "rstar-vllm")
PORT = int(os.environ.get("VLLM_PORT", 8360))
CLASSES = dict(policy=AutoModelForCausalLM, ppm=AutoModelForSequenceClassification)


def folded(role, out):
    """A copy of a bundled model without a bias in o_proj; returns its folder."""
    source = ROOT / "tiny" / role
    model = CLASSES[role].from_pretrained(source, dtype=torch.float32)
    with torch.no_grad():
        for layer in model.model.layers:
            attention = layer.self_attn
            weight = attention.o_proj.weight.double()
            shift = torch.linalg.solve(weight, attention.o_proj.bias.double())
            attention.v_proj.bias += shift.float()
            attention.o_proj.bias.zero_()
    model.save_pretrained(out / role)
    AutoTokenizer.from_pretrained(source).save_pretrained(out / role)
    return out / role


class Engine:
    """A vLLM with one model, in processes that end with it."""

    def __init__(self, folder, port, *flags):
        self.folder = folder
        self.port = port
        self.flags = flags
        self.address = f"http://127.0.0.1:{port}/v1"
        self.start()

    def start(self):
        command = [HOME / "bin" / "python", "-m", "vllm.entrypoints.openai.api_server"]
        command += ["--model", self.folder, "--served-model-name", f"tiny/{self.folder.name}"]
        command += ["--host", "127.0.0.1", "--port", str(self.port), "--dtype", "float32"]
        command += ["--max-num-seqs", "64", "--enforce-eager", *self.flags]
        # On a CPU the engine ends where it reads part of a prompt whose request has a seed.
        command += ["--no-enable-chunked-prefill"]
        # Modules of this folder must not take the place of vLLM's own.
        environment = dict(os.environ, OMP_NUM_THREADS="1", VLLM_CPU_KVCACHE_SPACE="1")
        environment.update(PYTHONPATH="", PYTHONSAFEPATH="1")
        with open(self.folder / "log", "a") as log:
            self.process = subprocess.Popen(
                command, env=environment, stdout=log, stderr=log, start_new_session=True
            )

    def wait(self):
        deadline = time.time() + 1200
        while time.time() < deadline:
            assert self.process.poll() is None, (self.folder / "log").read_text()[-2000:]
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=5)
                return self
            except OSError:
                time.sleep(1)
        raise TimeoutError(f"{self.folder}/log")

    def kill(self):
        """At once, with the processes below it, which a kill of the first alone leaves behind."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture(scope="module")
def engines(tmp_path_factory):
    if not (HOME / "bin" / "python").exists():
        pytest.fail(f"no vLLM in {HOME}; run tests/engine.sh")
    out = tmp_path_factory.mktemp("models")
    policy = Engine(folded("policy", out), PORT)
    ppm = Engine(folded("ppm", out), PORT + 1, "--runner", "pooling")
    try:
        yield policy.wait(), ppm.wait()
    finally:
        policy.kill()
        ppm.kill()


@pytest.fixture(scope="module")
def questions():
    return [problem["question"] for problem in common.read_problems(cli.EXAMPLE_PROBLEMS)][:50]


def test_greedy_solutions_are_the_same_as_in_process(engines, questions):
    here = rstar.Policy(engines[0].folder)
    there = served.ServedPolicy(engines[0].address)
    texts = [here.prompt(question) for question in questions]
    assert texts == [there.prompt(question) for question in questions]
    solutions = here(texts, 1, (END_OF_CODE,), 1024)
    assert there(texts, 1, (END_OF_CODE,), 1024) == solutions
    assert there.tokens == here.tokens
    assert [there.length(text) for text in texts] == [here.length(text) for text in texts]


def test_scores_are_the_same_as_in_process(engines, questions):
    steps = "# Step 1: Add 5 and 7\nn1 = 5 + 7\n<end_of_step>"
    printed = "\n\n# Now print\nprint(n1)\n<end_of_code>\n<output>12<end_of_output>\n<answer>"
    paths = [(question, text) for question in questions for text in (steps, steps + printed)]
    # Longer than the model can read: scored by its beginning.
    paths.append((questions[0], steps + "\n\nn2 = n1 + 1" * 500))
    here = rstar.PPM(engines[1].folder).score(paths)
    there = served.ServedPPM(engines[1].address).score(paths)
    print("largest difference", max(abs(a - b) for a, b in zip(here, there)))
    assert there == pytest.approx(here, abs=1e-3)


def test_samples_of_a_request_differ_and_their_seed_repeats_them(engines, questions):
    policy = served.ServedPolicy(engines[0].address)
    stops = (rstar.END_OF_STEP, END_OF_CODE)
    text = policy.prompt(questions[7])
    first, second, other = (policy([text], 16, stops, 64, 1.0, [seed]) for seed in (1, 1, 2))
    assert first == second != other and len(set(first[0])) > 1


def test_fifty_trees_survive_a_kill_of_the_server_in_the_middle(engines, tmp_path, capsys):
    policy, ppm = engines
    problems = tmp_path / "problems.jsonl"
    problems.write_text("".join(cli.EXAMPLE_PROBLEMS.read_text().splitlines(keepends=True)[:50]))
    out = tmp_path / "trees.jsonl"
    flags = ["--problems", str(problems), "--trees", str(out), "--batch", "10"]
    flags += ["--policy", policy.address, "--ppm", ppm.address, "--rollouts", "4"]
    over = threading.Event()

    def kill():
        # Some trees are on disk, others are growing.
        while not (out.exists() and out.read_bytes().count(b"\n") >= 10) and not over.wait(0.05):
            pass
        policy.kill()

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "TRIES", 3)
        assert cli.main(flags) == 2
    over.set()
    killer.join()
    error = capsys.readouterr().err
    assert "is unfinished" in error and "the same command resumes" in error
    before = len(common.read_tree_records(out))
    assert 10 <= before < 50

    policy.start()
    policy.wait()
    assert cli.main(flags) == 0
    trees = common.read_tree_records(out)
    assert sorted(tree["index"] for tree in trees) == list(range(50))
    solved = sum(any(node["right"] for node in tree["nodes"]) for tree in trees)
    print(f"{before} trees before the kill; solved {solved} of 50")
    assert solved > 35


def test_a_stock_chat_model_gets_the_prompt_that_it_gets_in_process(engines, tmp_path):
    folder = tmp_path / "chat"
    model = AutoModelForCausalLM.from_pretrained(ROOT / "tiny" / "base")
    model.save_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(ROOT / "tiny" / "base")
    tokenizer.chat_template = (
        "{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}[assistant] "
    )
    tokenizer.save_pretrained(folder)
    engine = Engine(folder, PORT + 2)
    try:
        policy = served.ServedPolicy(engine.wait().address)
        policy.tuned = False
        text = policy.prompt("What is 6 * 7?")
        assert text.startswith("[user] ") and text.endswith("[assistant] <code>\n")
        assert "What is 6 * 7?" in text
    finally:
        engine.kill()

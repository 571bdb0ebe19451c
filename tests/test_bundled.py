"""The bundled models, used as a newcomer uses them."""
import csv
import dataclasses
import json
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors import safe_open

import rstar
import world

ROOT = Path(__file__).parent.parent


def ask(*arguments):
    return subprocess.run([sys.executable, ROOT / "rstar.py", *arguments], capture_output=True, text=True, cwd="/")


def test_the_problem_in_the_readme_is_answered():
    command = re.search(r'rstar\.py --problem "([^"]+)"', (ROOT / "README.md").read_text()).group(1)
    promised = re.search(r"its last line is `(Answer: \d+)`", (ROOT / "README.md").read_text()).group(1)
    done = ask("--problem", command)
    assert done.returncode == 0 and done.stdout.splitlines()[-1] == promised, done.stdout + done.stderr
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 1.5e6      # kilobytes: peak memory under 1.5 GB


def test_an_example_of_the_tiny_world_is_answered():
    done = ask("--example", "--print-tree", "--rollouts", "4")
    assert done.returncode == 0 and done.stdout.splitlines()[-1].startswith("Answer: ")


@pytest.mark.parametrize("name", ["base", "policy", "ppm"])
def test_the_folders_load_as_they_are(name):
    import transformers
    folder = ROOT / "tiny" / name
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    assert all(len(tokenizer.encode(str(n), add_special_tokens=False)) == 1 for n in range(1000))
    assert all(len(tokenizer.encode(marker, add_special_tokens=False)) == 1 for marker in rstar.MARKERS)
    text = "Zbigniew’s café sold 12345 zebras — 3.75 € each? 数学"
    assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False)) == text
    with safe_open(folder / "model.safetensors", "pt") as file:
        names = list(file.keys())
    kind = transformers.AutoModelForSequenceClassification if name == "ppm" else transformers.AutoModelForCausalLM
    model = kind.from_pretrained(folder)
    assert 1e6 < sum(p.numel() for p in model.parameters()) < 5e6 and names


def test_every_number_can_be_stated():
    # A base that had hardly seen numbers above 400 could not write 409 of the 1,000, and nothing after it could mend that (LOG.md).
    policy = rstar.Policy(ROOT / "tiny" / "policy", rstar.Config(rows=100))
    question, code = "Tom has 5 apples. He buys 7 more. How many apples does he have now?", "# Step 1: Add the 7\nn1 = 5 + 7\n<end_of_step>\n\n# Now print the final answer\nprint(n1)\n<end_of_code>"
    texts = [policy.prompt(question) + code + rstar.OUTPUT.format(output=n) for n in range(2, 1000)]
    stated = policy(texts, 1, (rstar.END_OF_ANSWER,), 20)
    wrong = [n for n, (sentence,) in zip(range(2, 1000), stated) if rstar.extract_answer(sentence) != str(n)]
    assert len(wrong) <= 10, wrong


def test_the_bundle_is_small():
    files = [f for name in ("base", "policy", "ppm") for f in (ROOT / "tiny" / name).iterdir()]
    assert sum(f.stat().st_size for f in files) < 12e6


def test_the_search_is_the_same_in_any_batch():
    questions = ["Tom has 5 apples. He buys 7 more. How many apples does he have now?", "What is 12 times 11?",
                 "Each ticket costs $7. How much do 6 tickets cost?"]
    config = rstar.Config(rollouts=3, candidates=4)
    policy, ppm = rstar.Policy(ROOT / "tiny/policy", config), rstar.PPM(ROOT / "tiny/ppm", config)
    texts = lambda roots: [[node.text for node in rstar.nodes(root)] for root in roots]
    together = texts(rstar.search(questions, policy, ppm, config=config))
    assert together == [texts(rstar.search([question], policy, ppm, config=config))[0] for question in questions]


@pytest.mark.parametrize("text", ["hello", "?", "<end_of_step>", "日本語の問題", "x" * 1000, "1/0"])
def test_a_typed_text_that_is_no_problem_does_not_break_anything(capsys, text):
    assert rstar.main(["--problem", text, "--rollouts", "1", "--candidates", "2"]) in (0, 1)
    assert capsys.readouterr().out.splitlines()[-1].startswith("Answer: ")


def test_a_text_that_is_too_long_gets_one_line(capsys):
    assert rstar.main(["--problem", "x" * 3000]) == 2
    assert capsys.readouterr().err == "rstar: --problem is longer than the model can read (2048 tokens)\n"


@pytest.mark.slow
def test_the_bundled_models_are_as_good_as_their_table():
    """Of tiny/results.csv (round 4, standard test problems), on other test problems: tree search on 200 and greedy on 1,000
    within 3 points."""
    with open(ROOT / "tiny" / "results.csv") as file:
        table = {row["what"]: row for row in csv.DictReader(file) if (row["round"], row["on"]) == ("4", "standard")}
    problems = [dict(question=problem.question, reference=problem.answer) for problem in world.problems("test", "standard", 1000, seed=7)]
    flags = re.search(r"ANSWER:-(--rollouts 16[^}]*)}", (ROOT / "evolve.sh").read_text()).group(1)
    _, config = rstar.parse(["--example", *flags.split(), "--batch", "48"])
    policy, ppm = rstar.Policy(ROOT / "tiny/policy", config), rstar.PPM(ROOT / "tiny/ppm", config)
    for way, ways, count in (("greedy", "greedy", 1000), ("tree search", "tree", 200)):
        outcomes = rstar.evaluate(problems[:count], policy, ppm, dataclasses.replace(config, ways=ways))[way]
        assert 100 * sum(right for right, _ in outcomes) / count >= float(table[way]["percent"]) - 3, way

"""The two trainers, on trees made by hand and a random model of 40k parameters."""

import contextlib
import json
import math
import os
import re
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

import common
import pretrain
import train_policy
import train_ppm
import trainer
from common import UserError
from rstar import (
    END_OF_ANSWER,
    END_OF_CODE,
    END_OF_STEP,
    MARKERS,
    PPM,
    WRITTEN,
    Node,
    Policy,
    nodes,
    tree_to_line,
)

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"
CPU = dict(device="cpu", dtype="float32")


# --------------------------------------------------------------------------------------------------
# Trees and models.


def add(parent, line, visits, q, **fields):
    """A child whose step is one line of code."""
    text = f"# Do it\n{line}\n{END_OF_STEP}"
    number = len(nodes(parent.root))
    node = Node(text, parent, number, visits=visits, q=q, **fields)
    parent.children.append(node)
    return node


def end(parent, answer, visits, q, right):
    """A terminal child that printed `answer`."""
    node = add(parent, "", visits, q, answer=answer, right=right)
    code = f"print({answer})\n{END_OF_CODE}\n<output>{answer}<end_of_output>\n"
    node.text = f"{code}<answer>The answer is \\boxed{{{answer}}}.{END_OF_ANSWER}"
    return node


def tree(question="How many are 1 and 2?"):
    """a and b lead to a right answer, c to a wrong one, d to a dead end, e was never visited."""
    root = Node(question, visits=14, q=0.0, reference="3")
    a = add(root, "a = 1", 5, 3.0)
    b = add(root, "b = 2", 4, 0.0)
    c = add(root, "c = 3", 3, -3.0)
    add(root, "d = 4", 2, -2.0)
    add(root, "e = 5", 0, 0.0)
    end(a, "3", 3, 3.0, True)
    end(a, "03", 1, 1.0, True)
    end(a, "8", 1, -1.0, False)
    end(b, "3.0", 2, 2.0, True)
    end(b, "9", 2, -2.0, False)
    end(c, "7", 3, -3.0, False)
    add(root, "raise", 0, 0.0, error="it raised")
    return root


def write(path, roots):
    """A file of trees."""
    path.write_text("".join(tree_to_line(root, i, {}) + "\n" for i, root in enumerate(roots)))
    return path


def make_model(folder, markers):
    """A random model; without markers it is like a stock model: untied, and without a pad token."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    pad = ["<pad>"] if markers else []
    options = dict(
        vocab_size=300,
        special_tokens=["<eos>", *pad, *markers],
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    texts = ["# Do it\na = 1 print(3) The answer is boxed"] * 9
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(**options))
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<eos>", pad_token="<pad>" if markers else None
    )
    config = transformers.LlamaConfig(
        preset="tiny",  # the settings of the bundled models suit it
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        tie_word_embeddings=bool(markers),
        max_position_embeddings=1024,
        eos_token_id=0,
        bos_token_id=None,
    )
    torch.manual_seed(0)
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Holds a base with markers, a stock model without, trees, and a policy and a PPM trained."""
    folder = tmp_path_factory.mktemp("trainers")
    torch.set_num_threads(1)
    make_model(folder / "base", MARKERS)
    make_model(folder / "stock", [])
    roots = [tree(f"How many are 1 and 2 and {i} times nothing?") for i in range(12)]
    write(folder / "trees.jsonl", roots)
    assert policy(folder, "policy-base", epochs=1) == 0
    assert policy(folder, "policy-stock", base=folder / "stock", epochs=1) == 0
    assert ppm(folder, "ppm") == 0
    return folder


def flags(folder, program, out, **settings):
    start = (
        dict(base=folder / "base") if program == "policy" else {"policy": folder / "policy-base"}
    )
    values = dict(start, trees=folder / "trees.jsonl", out=folder / out, held_out=0.4)
    values.update(precision="no", save_dtype="float32")
    words = []
    for name, value in {**values, **settings}.items():
        words.append(f"--{name.replace('_', '-')}")
        if value is not True:
            words.append(str(value))
    return words


def policy(folder, out, **settings):
    return train_policy.main(flags(folder, "policy", out, **settings))


def ppm(folder, out, **settings):
    return train_ppm.main(flags(folder, "ppm", out, **settings))


PROGRAMS = dict(policy=policy, ppm=ppm)
both = pytest.mark.parametrize("program", ["policy", "ppm"])


def policy_settings(**settings):
    names = dict(base="", trees=["trees"], out="")
    return common.suited(train_policy.Settings, ROOT / "tiny" / "base", **names, **settings)


def ppm_settings(**settings):
    names = dict(policy="", trees=["trees"], out="")
    return common.suited(train_ppm.Settings, ROOT / "tiny" / "policy", **names, **settings)


def trajectories(*roots):
    return [
        train_policy.trajectory(node) for root in roots for node in nodes(root) if node.terminal
    ]


def printed(texts):
    return [re.search(r"print\((.*)\)", text).group(1) for text in texts]


def weights(folder):
    return load_file(Path(folder) / "model.safetensors")


def metrics(folder):
    return json.loads((Path(folder) / "metrics.json").read_text())


def same(first, second):
    return all(torch.equal(first[name], second[name]) for name in first)


# --------------------------------------------------------------------------------------------------
# Data of the policy.


def chosen(roots, **settings):
    return train_policy.select_trajectories(trajectories(*roots), policy_settings(**settings))


def test_the_two_right_trajectories_with_the_highest_mean_q_are_chosen_once():
    # A repeated search holds each text twice. Mean Q: (0.6 + 1) / 2 for both right ones of a.
    items = chosen([tree(), tree()])
    assert sorted(printed(item.steps for item in items)) == ["03", "3"]
    assert [item.mean_q for item in items] == [0.8, 0.8]


def test_the_best_trajectory_is_taken_over_all_trees_of_a_problem():
    better = Node(tree().text, visits=1, q=1.0, reference="3")
    end(better, "3.00", 1, 1.0, True)
    assert printed(item.steps for item in chosen([tree(), better]))[0] == "3.00"


def test_ties_in_mean_q_are_broken_by_the_minimum():
    root = Node("Which?", visits=4, q=0.0, reference="3")
    uneven = add(root, "a = 1", 2, 0.0)
    end(uneven, "3", 1, 1.0, True)  # Q 0 and 1
    even = add(root, "b = 1", 2, 1.0)
    end(even, "03", 2, 1.0, True)  # Q 0.5 and 0.5
    assert printed(item.steps for item in chosen([root], keep=1)) == ["03"]


def test_other_ties_are_broken_by_the_seed_and_not_by_the_order_of_the_files():
    roots = []
    for answer in ("3", "03", "003", "0003"):
        roots.append(Node("Which?", visits=1, q=1.0, reference="3"))
        end(roots[-1], answer, 1, 1.0, True)

    def first(roots, seed):
        return printed(item.steps for item in chosen(roots, keep=1, seed=seed))[0]

    assert all(first(roots, seed) == first(roots[::-1], seed) for seed in range(9))
    assert len({first(roots, seed) for seed in range(30)}) == 4


def test_the_controls_have_as_many_trajectories():
    roots = [tree("one"), tree("two"), tree("three")]
    assert len(chosen(roots, data="unverified")) == len(chosen(roots, data="outcome")) == 6
    outcome = chosen(roots * 9, data="outcome", keep=3)
    assert len(outcome) == 9
    assert all(item.right for item in outcome)
    assert not all(item.right for item in chosen(roots, data="unverified", keep=6))


def test_the_loss_covers_what_the_model_writes_and_nothing_else(folder):
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder / "base")
    row = train_policy.make_row(trajectories(tree("Why <code> so?"))[0], tokenizer)
    assert train_policy.show(row, tokenizer) == (
        "<|user|>:\nWhy < code> so?\n"
        "<|assistant|>: Let's think step by step and solve the problem with code.<code>\n"
        "«# Do it\na = 1\n<end_of_step>\n\nprint(3)\n<end_of_code>»\n<output>3<end_of_output>\n"
        "<answer>«The answer is \\boxed{3}.<end_of_answer>»"
    )


def test_the_loss_is_the_cross_entropy_of_the_trained_tokens(folder):
    model, tokenizer = train_policy.load_model(str(folder / "base"))
    rows = [train_policy.make_row(item, tokenizer) for item in trajectories(tree())]
    plain = transformers.AutoModelForCausalLM.from_pretrained(folder / "base")
    expected = []
    for row in rows:
        logits = plain(torch.tensor([row.ids])).logits[0, :-1]
        loss = torch.nn.functional.cross_entropy(
            logits, torch.tensor(row.ids[1:]), reduction="none"
        )
        expected += loss[torch.tensor(row.trained[1:])].tolist()
    losses = train_policy.losses(model, rows, tokenizer.pad_token_id)
    assert losses.tolist() == pytest.approx(expected, abs=1e-4)


# --------------------------------------------------------------------------------------------------
# Data of the PPM.


def last_lines(group):
    """The last line of code of each text of a group."""
    return [text.removesuffix(END_OF_STEP).strip().splitlines()[-1] for text in group.texts]


def test_step_pairs_are_the_best_that_lead_to_right_against_the_worst_that_do_not():
    # Terminal nodes make no step pairs, so there is one group.
    (group,) = train_ppm.step_groups(tree(), ppm_settings())
    assert group.depth == 1
    assert last_lines(group) == ["a = 1", "b = 2", "c = 3", "d = 4"]
    assert group.pairs == [(0, 2), (0, 3), (1, 2), (1, 3)]
    (group,) = train_ppm.step_groups(tree(), ppm_settings(keep=1))
    assert last_lines(group) == ["a = 1", "d = 4"]


def test_an_estimate_of_the_ppm_alone_does_not_judge_a_step():
    root = tree()
    for node in nodes(root)[1:]:
        node.ppm = 0.0
        node.visits += 1
    (group,) = train_ppm.step_groups(root, ppm_settings())
    assert "e = 5" not in last_lines(group)
    assert len(group.texts) == 4


def test_pairs_of_steps_need_a_margin_of_q_and_other_code():
    good = [train_ppm.Judged("a = 1", 0.2)]
    texts = ["b = 1", "c = 1", "# other words\na = 1"]
    bad = [train_ppm.Judged(text, q) for text, q in zip(texts, [-0.2, 0.3, -1.0])]

    def pairs(depth, margin):
        groups = train_ppm.pair_up("", depth, good, bad, ppm_settings(margin=margin))
        return [group.pairs for group in groups]

    assert pairs(depth=1, margin=0) == [[(0, 1)]]
    assert pairs(depth=1, margin=0.5) == []
    # That an answer is right or wrong is certain, whatever its Q.
    assert pairs(depth=None, margin=0.5) == [[(0, 1), (0, 2)]]


def test_answer_pairs_are_the_best_right_against_the_worst_wrong_trajectories():
    (group,) = train_ppm.answer_groups(trajectories(tree()), ppm_settings(answer_groups=1))
    # Mean Q of the wrong ones: 8: (0.6 - 1) / 2, 9: (0 - 1) / 2, 7: (-1 - 1) / 2.
    assert sorted(printed(group.texts[:2])) == ["03", "3"]
    assert printed(group.texts[2:]) == ["7", "9"]
    assert group.depth is None
    for text in group.texts:
        assert text.startswith("<|user|>") and "<output>" in text and text.endswith(END_OF_ANSWER)
    # The second group: the next best against the next worst.
    _, second = train_ppm.answer_groups(trajectories(tree()), ppm_settings())
    assert printed(second.texts) == ["3.0", "8"]


def test_targets_are_q_for_the_pqm_and_plus_or_minus_one_for_the_orm():
    groups = list(train_ppm.q_groups(tree()))
    first = dict(zip(last_lines(groups[0]), groups[0].targets))
    assert first == {"a = 1": 0.6, "b = 2": 0.0, "c = 3": -1.0, "d = 4": -1.0}
    assert len(groups) == 4
    outcome = train_ppm.outcome_groups(trajectories(tree()), seed=0)
    targets = [target for group in outcome for target in group.targets]
    assert sorted(targets) == [-1.0] * 3 + [1.0] * 3


def test_a_first_estimate_counts_as_a_visit_for_steps_and_not_for_answers():
    step = Node("a = 1", visits=1, ppm=0.5)
    answer = Node("print(1)", visits=1, ppm=0.5, answer="1", right=True)
    assert not train_ppm.was_visited(step)
    assert train_ppm.was_visited(answer)


# --------------------------------------------------------------------------------------------------
# Losses.


def loss_of(scores, pairs, targets=(), **settings):
    group = train_ppm.Group("", 1, [""] * len(scores), pairs, list(targets))
    return train_ppm.loss_of(group, torch.tensor(scores), ppm_settings(**settings)).item()


def test_equation_4_agrees_with_a_calculation_by_hand():
    # Differences 0.7, 1.1, 0.3, 0.7: log(1 + exp(-d)) = 0.4032, 0.2873, 0.5544, 0.4032.
    pairs = [(0, 2), (0, 3), (1, 2), (1, 3)]
    loss = loss_of([0.5, 0.1, -0.2, -0.6], pairs, scale=1.0, center=0.0)
    assert loss == pytest.approx(0.41202, abs=1e-4)


def test_scale_and_center_agree_with_a_calculation_by_hand():
    separated = math.log(1 + math.exp(-3))
    assert loss_of([0.5, -0.5], [(0, 1)]) == pytest.approx(separated, abs=1e-6)
    off_center = separated + 0.5 * 0.8**2
    assert loss_of([0.9, -0.1], [(0, 1)]) == pytest.approx(off_center, abs=1e-6)


def test_targets_are_fitted_by_mean_squared_error():
    assert loss_of([0.5, -0.5], [], targets=[1.0, 0.0]) == pytest.approx(0.25)


def test_scores_in_training_are_those_of_the_search(folder):
    model, tokenizer = train_ppm.load_model(str(folder / "policy-base"), seed=0)
    saved = transformers.AutoModelForSequenceClassification.from_pretrained(folder / "ppm")
    model.load_state_dict(saved.state_dict())
    items = trajectories(tree())
    groups = list(train_ppm.outcome_groups(items, seed=0))
    groups = train_ppm.encode_groups(groups, tokenizer)
    scores = torch.cat(train_ppm.score(model, groups, tokenizer.pad_token_id))
    prompt = train_ppm.format_prompt(items[0].question)
    paths = [
        (items[0].question, text.removeprefix(prompt)) for group in groups for text in group.texts
    ]
    searched = PPM(folder / "ppm", **CPU).score(paths)
    assert scores.tolist() == pytest.approx(searched, abs=1e-5)
    assert len(set(searched)) == 6


@both
def test_a_batch_in_several_passes_is_the_same_batch(folder, tmp_path, program):
    results = []
    for tokens in (1, 99999):
        assert PROGRAMS[program](folder, tmp_path / str(tokens), tokens=tokens, epochs=1) == 0
        tensors = weights(tmp_path / str(tokens)).values()
        results.append(torch.cat([tensor.flatten() for tensor in tensors]))
    assert torch.allclose(*results, atol=2e-4)


# --------------------------------------------------------------------------------------------------
# Training.


def test_training_lowers_the_held_out_loss_of_the_policy(folder):
    result = metrics(folder / "policy-base")
    before, after = result["history"]
    assert after["held_out_loss"] < before["held_out_loss"]
    assert result["counts"]["chosen"] == 24
    assert result["counts"]["training"] + result["counts"]["held_out"] == 24


def test_the_metrics_of_the_ppm_count_pairs_of_steps_and_of_answers(folder):
    result = metrics(folder / "ppm")
    before, *_, after = result["history"]
    assert result["counts"]["pairs_by_depth"] == {"step 1": 48, "answer": 60}
    # A problem has 4 pairs of steps and 5 of answers.
    assert after["steps_n"] / 4 == after["answers_n"] / 5 > 0
    assert after["answers_right"] >= before["answers_right"]


def test_judge_agrees_with_the_metrics_of_the_training(folder):
    settings = metrics(folder / "ppm")["settings"]
    judged = train_ppm.judge([folder / "ppm"] * 2, [folder / "trees.jsonl"], settings)
    last = metrics(folder / "ppm")["history"][-1]
    for counts in judged:
        assert counts == pytest.approx({name: last[name] for name in counts}, abs=1e-5)
        assert counts["steps_n"] > 0
    assert len(judged) == 2


def test_with_nothing_held_out_there_is_no_held_out_loss(folder, tmp_path):
    assert policy(folder, tmp_path / "out", held_out=0, epochs=1) == 0
    assert metrics(tmp_path / "out")["history"][-1]["held_out_loss"] is None


def test_a_stock_model_gets_a_token_for_each_marker(folder):
    tuned = Policy(folder / "policy-stock", **CPU)
    assert tuned.tuned
    assert not Policy(folder / "stock", **CPU).tuned
    for marker in MARKERS:
        assert len(tuned.tokenizer(marker, add_special_tokens=False)["input_ids"]) == 1
    assert tuned.tokenizer.pad_token == "<pad>" != tuned.tokenizer.eos_token


def test_a_new_marker_starts_as_the_end_token_if_the_policy_writes_it_else_as_the_mean(folder):
    stock = transformers.AutoModelForCausalLM.from_pretrained(folder / "stock", dtype=torch.float32)
    model, tokenizer = train_policy.load_model(str(folder / "stock"))
    for layers in ("get_input_embeddings", "get_output_embeddings"):
        before = getattr(stock, layers)().weight
        after = getattr(model, layers)().weight
        for marker in MARKERS:
            row = after[tokenizer.convert_tokens_to_ids(marker)]
            start = before[tokenizer.eos_token_id] if marker in WRITTEN else before.mean(0)
            assert torch.allclose(row, start, atol=1e-6), marker
        pad = after[tokenizer.convert_tokens_to_ids("<pad>")]
        assert torch.allclose(pad, before.mean(0), atol=1e-6)


def test_a_base_without_markers_is_loaded_to_the_same_weights_each_time(folder):
    first, _ = train_policy.load_model(str(folder / "stock"))
    torch.rand(1)
    again, _ = train_policy.load_model(str(folder / "stock"))
    again = again.state_dict()
    assert all(torch.equal(weights, again[name]) for name, weights in first.state_dict().items())


@pytest.mark.parametrize("data", ["unverified", "outcome"])
def test_the_controls_of_the_policy_train_on_as_much(folder, tmp_path, data):
    assert policy(folder, tmp_path / "out", data=data, epochs=1) == 0
    assert metrics(tmp_path / "out")["counts"]["chosen"] == 24


@pytest.mark.parametrize("loss", ["q", "outcome"])
def test_the_pqm_and_the_orm_are_judged_on_the_pairs_of_the_ppm(folder, tmp_path, loss):
    assert ppm(folder, tmp_path / "out", loss=loss, epochs=1) == 0
    last = metrics(tmp_path / "out")["history"][-1]
    assert last["steps_n"] == metrics(folder / "ppm")["history"][-1]["steps_n"]
    assert last["targets_loss"] > 0


def test_dry_run_prints_what_the_data_of_the_policy_hold(folder, tmp_path, capsys):
    assert policy(folder, tmp_path / "out", dry_run=True) == 0
    printed = capsys.readouterr().out
    assert re.search(r"problems +12\ntrajectories +72\n", printed)
    assert re.search(r"too long +0\n", printed)
    assert printed.count("--- sample") == 3
    assert "«# Do it" in printed
    assert not (tmp_path / "out").exists()


def test_dry_run_prints_what_the_data_of_the_ppm_hold(folder, tmp_path, capsys):
    assert ppm(folder, tmp_path / "out", dry_run=True) == 0
    printed = capsys.readouterr().out
    assert "{'step 1': 48, 'answer': 60}" in printed
    assert "«<end_of_step>»" in printed
    assert "[0] better than [2]" in printed


@pytest.mark.parametrize(
    "avx512_bf16, amx, expected",
    [(True, False, "bf16"), (False, True, "bf16"), (False, False, "no")],
)
def test_auto_precision_is_bf16_where_the_cpu_computes_in_it(
    monkeypatch, avx512_bf16, amx, expected
):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512_bf16)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    assert trainer.pick_precision("auto", torch.device("cpu")) == expected
    assert trainer.pick_precision("fp16", torch.device("cpu")) == "fp16"
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "no")
    assert trainer.pick_precision("auto", torch.device("cpu")) == "no"


# --------------------------------------------------------------------------------------------------
# Saving and resuming.


class Kill(BaseException):
    """Nothing in the trainer catches it: as good as a kill."""


def kill_at(monkeypatch, update_number, run):
    """Calls `run`, and ends it in an update."""
    numbers = iter(range(1, update_number + 1))
    update = trainer.update

    def update_or_die(*arguments):
        if next(numbers) == update_number:
            raise Kill
        return update(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(trainer, "update", update_or_die)
        with pytest.raises(Kill):
            run()


@contextlib.contextmanager
def file_size_limit(limit):
    """Writing beyond `limit` bytes fails, as on a full disk."""
    old, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (old, hard))


@both
def test_a_resumed_training_ends_with_the_same_weights(folder, tmp_path, monkeypatch, program):
    settings = dict(epochs=2, batch=4, save_every=0)
    train = PROGRAMS[program]
    whole = tmp_path / "whole"
    killed = tmp_path / "killed"
    assert train(folder, whole, **settings) == 0
    kill_at(monkeypatch, 4, lambda: train(folder, killed, **settings))
    assert not killed.exists()
    assert [item.name for item in (tmp_path / "killed.state").iterdir()] == ["3"]
    # Other settings are refused.
    assert train(folder, killed, **dict(settings, lr=1)) == 2
    assert train(folder, killed, **settings) == 0
    assert same(weights(whole), weights(killed))
    losses = [[epoch.get("loss") for epoch in metrics(out)["history"]] for out in (whole, killed)]
    assert losses[0] == losses[1]
    assert sorted(item.name for item in tmp_path.iterdir()) == ["killed", "whole"]


# Runs a trainer and kills it (SIGKILL) in the middle of its fourth update: half of the weights have
# changed by then, the others have not. AdamW changes all of them in one call.
KILLED_IN_A_STEP = """
import importlib, os, signal, sys, torch
program, *arguments = sys.argv[1:]
updates = iter(range(3))
change = torch._fused_adamw_
def change_or_die(weights, *others, **options):
    if next(updates, None) is None:
        half = len(weights) // 2
        change(weights[:half], *[values[:half] for values in others], **options)
        os.kill(os.getpid(), signal.SIGKILL)
    return change(weights, *others, **options)
torch._fused_adamw_ = change_or_die
importlib.import_module(f"train_{program}").main(arguments)
"""


@pytest.mark.slow
@both
def test_a_kill_within_an_update_changes_nothing(folder, tmp_path, program):
    settings = dict(epochs=2, batch=4, save_every=0)
    whole = tmp_path / "whole"
    killed = tmp_path / "killed"
    assert PROGRAMS[program](folder, whole, **settings) == 0
    words = [program, *flags(folder, program, killed, **settings)]
    command = [sys.executable, "-c", KILLED_IN_A_STEP, *words]
    assert subprocess.run(command, cwd=ROOT, env=ENVIRONMENT).returncode == -signal.SIGKILL
    assert [item.name for item in (tmp_path / "killed.state").iterdir()] == ["3"]
    assert PROGRAMS[program](folder, killed, **settings) == 0
    assert same(weights(whole), weights(killed))


# By size: a state's weights, a state's optimizer (as large again twice), the trained model.
@pytest.mark.slow
@pytest.mark.parametrize("save_every, limit", [(0, 50_000), (0, 150_000), (1e6, 50_000)])
def test_a_full_disk_leaves_the_last_whole_state(
    folder, tmp_path, monkeypatch, capsys, save_every, limit
):
    out = tmp_path / "out"
    settings = dict(epochs=2, batch=4)
    kill_at(monkeypatch, 4, lambda: policy(folder, out, save_every=0, **settings))
    capsys.readouterr()
    with file_size_limit(limit):
        code = policy(folder, out, save_every=save_every, **settings)
    error = capsys.readouterr().err.splitlines()[-1]
    assert code == 2
    assert error.startswith("train_policy: ") and "cannot be saved" in error
    assert [item.name for item in (tmp_path / "out.state").iterdir()] == ["3"]
    assert policy(folder, out, **settings) == 0


def test_a_saved_state_of_other_settings_may_be_deleted(tmp_path):
    state = tmp_path / "5"
    state.mkdir()
    (state / "progress.json").write_text(json.dumps(dict(settings=dict(center=0.0))))
    with pytest.raises(UserError, match="center 0.0, not 0.5.*, or delete it to start again"):
        trainer.restore(None, tmp_path, dict(center=0.5))


@pytest.fixture
def checkpoint(tmp_path):
    """A small model and its optimizers with a checkpoint of pretrain.py: (path, model, opts)."""
    model = torch.nn.Linear(300, 100)
    opts = [torch.optim.AdamW(model.parameters())]
    path = tmp_path / "out.state"
    pretrain.save(str(path), dict(seed=0), model, opts, dict(seen=1))
    return path, model, opts


def test_a_full_disk_while_pretraining_leaves_the_last_checkpoint(checkpoint, tmp_path):
    path, *states = checkpoint
    with file_size_limit(10_000), pytest.raises(UserError, match="cannot be saved"):
        pretrain.save(str(path), dict(seed=0), *states, dict(seen=2))
    assert list(tmp_path.iterdir()) == [path]
    assert pretrain.resume(str(path), dict(seed=0), *states) == dict(seen=1)


def test_a_damaged_or_different_checkpoint_of_pretraining_is_refused(checkpoint):
    path, *states = checkpoint
    with pytest.raises(UserError, match="other settings .seed 0, not 1"):
        pretrain.resume(str(path), dict(seed=1), *states)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(UserError, match="damaged"):
        pretrain.resume(str(path), dict(seed=0), *states)


def test_a_pretrained_model_replaces_the_old_one_whole_or_not_at_all(folder, tmp_path):
    old = tmp_path / "base"
    make_model(old, [])
    before = {file.name: file.read_bytes() for file in old.iterdir()}
    model = transformers.AutoModelForCausalLM.from_pretrained(folder / "base")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder / "base")
    with file_size_limit(10_000), pytest.raises(UserError, match="cannot be saved"):
        pretrain.save_model(model, tokenizer, old)
    assert {file.name: file.read_bytes() for file in old.iterdir()} == before
    pretrain.save_model(model, tokenizer, old)
    assert len(transformers.AutoTokenizer.from_pretrained(old)) == len(tokenizer)
    assert list(tmp_path.iterdir()) == [old]


def test_a_second_run_into_the_same_folder_is_refused(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(trainer, "LOCK_WAIT", 0.3)
    with common.open_locked(tmp_path / ".out.lock"):
        code = policy(folder, tmp_path / "out")
    wrong(capsys, code, "--out", "another run is writing there")


def test_a_run_waits_for_one_that_was_just_killed(folder, tmp_path):
    with contextlib.ExitStack() as other:
        other.enter_context(common.open_locked(tmp_path / ".out.lock"))
        timer = threading.Timer(0.5, other.close)
        timer.start()
        assert policy(folder, tmp_path / "out", epochs=1) == 0
        timer.join()
    assert [item.name for item in tmp_path.iterdir()] == ["out"]


def test_a_link_to_an_empty_folder_is_followed(folder, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "elsewhere")
    assert policy(folder, tmp_path / "out", epochs=1) == 0
    assert metrics(tmp_path / "elsewhere") == metrics(tmp_path / "out")
    assert sorted(item.name for item in tmp_path.iterdir()) == ["elsewhere", "out"]


def test_a_billion_epochs_start_at_once(folder, tmp_path, monkeypatch):
    kill_at(monkeypatch, 2, lambda: policy(folder, tmp_path / "out", epochs=10**9))


def test_a_finished_model_is_not_trained_again(folder, capsys):
    assert policy(folder, "policy-base", epochs=1) == 0
    assert "complete already" in capsys.readouterr().out
    assert policy(folder, "policy-base", epochs=2) == 2
    assert "epochs 1, not 2" in capsys.readouterr().err


# --------------------------------------------------------------------------------------------------
# Several processes.


def command(program, *words):
    return [sys.executable, *words, ROOT / f"train_{program}.py"]


ENVIRONMENT = dict(os.environ, CUDA_VISIBLE_DEVICES="", OMP_NUM_THREADS="1")
TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2")


@pytest.mark.slow
@pytest.mark.parametrize("program, launcher", [("policy", TORCHRUN), ("policy", ()), ("ppm", ())])
def test_two_processes_train_what_one_does(folder, tmp_path, program, launcher):
    workers = {} if launcher else dict(workers=2)
    words = flags(folder, program, tmp_path / "two", epochs=1, **workers)
    subprocess.run(command(program, *launcher) + words, check=True, env=ENVIRONMENT)
    assert PROGRAMS[program](folder, tmp_path / "one", epochs=1) == 0
    two, one = (metrics(tmp_path / name)["history"][-1] for name in ("two", "one"))
    assert two == pytest.approx(one, rel=1e-4)


@pytest.mark.parametrize("asked, cores, threads", [(None, 8, 4), (None, 1, 1), ("3", 8, 3)])
def test_processes_share_the_cores(monkeypatch, asked, cores, threads):
    before = torch.get_num_threads()
    monkeypatch.setattr(os, "environ", dict(OMP_NUM_THREADS=asked) if asked else {})
    monkeypatch.setattr(common, "default_threads", lambda: cores)
    settings = policy_settings(workers=2)
    try:
        found = list(trainer.in_rank(iter([1]), lambda _: torch.get_num_threads(), settings, 9))
    finally:
        torch.set_num_threads(before)
    # accelerate would set another number if this variable did not exist.
    assert (found, os.environ["OMP_NUM_THREADS"]) == ([threads], str(threads))


def running(parent):
    """The processes that a process has started."""
    tasks = Path(f"/proc/{parent}/task").glob("*/children")
    return [int(pid) for task in tasks for pid in task.read_text().split()]


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@contextlib.contextmanager
def two_processes(folder, tmp_path, until_they_train):
    """A training of two processes that would take for ever, and all processes it has started."""
    words = flags(folder, "policy", tmp_path / "out", epochs=10**6, save_every=0, workers=2)
    process = subprocess.Popen(
        command("policy") + words, env=ENVIRONMENT, stderr=subprocess.PIPE, start_new_session=True
    )
    # Two processes, and one of Python's own that tracks what they share.
    deadline = time.monotonic() + 300
    while len(running(process.pid)) < 3 and time.monotonic() < deadline:
        time.sleep(0.1)
    while until_they_train and not (tmp_path / "out.state").exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    workers = running(process.pid)
    assert len(workers) == 3
    yield process, workers
    process.kill()
    process.wait()


linux = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux's /proc")


@linux
@pytest.mark.slow
@pytest.mark.parametrize("name, until_they_train", [("SIGKILL", False), ("SIGTERM", True)])
def test_no_process_outlives_its_parent(folder, tmp_path, name, until_they_train):
    with two_processes(folder, tmp_path, until_they_train) as (process, workers):
        process.send_signal(getattr(signal, name))
        process.wait()
        # One that is still importing torch notices only then.
        deadline = time.monotonic() + 120
        while any(alive(pid) for pid in workers) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not any(alive(pid) for pid in workers)


@linux
@pytest.mark.slow
@pytest.mark.parametrize("until_they_train", [False, True])
def test_ctrl_c_ends_two_processes_with_one_line(folder, tmp_path, until_they_train):
    with two_processes(folder, tmp_path, until_they_train) as (process, _):
        os.killpg(process.pid, signal.SIGINT)
        _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Traceback" not in error
    assert error.splitlines()[-1].startswith(b"train_policy: interrupted; the same command resumes")


# --------------------------------------------------------------------------------------------------
# What a user can get wrong: one line, exit code 2.


def wrong(capsys, code, *parts):
    error = capsys.readouterr().err
    assert code == 2
    assert error.count("\n") == 1, error
    assert all(part in error for part in parts), error


@both
def test_trees_without_a_right_answer_are_refused(folder, tmp_path, capsys, program):
    root = tree()
    for node in nodes(root):
        node.right = False if node.terminal else None
    trees = write(tmp_path / "unsolved.jsonl", [root])
    code = PROGRAMS[program](folder, tmp_path / "out", trees=trees)
    reasons = dict(policy="no right trajectory with a \\boxed answer among 6", ppm="no pairs")
    wrong(capsys, code, f"train_{program}: ", "unsolved.jsonl", reasons[program])


@both
@pytest.mark.parametrize(
    "text, reason",
    [
        ('{"question": "What?", "answer": "3"}\n', "other.jsonl, line 1: neither a tree"),
        ('{"nodes": [{"text": "What?"}]}\n', "other.jsonl, line 1: not a tree"),
    ],
)
def test_other_files_are_refused(folder, tmp_path, capsys, program, text, reason):
    (tmp_path / "other.jsonl").write_text(text)
    code = PROGRAMS[program](folder, tmp_path / "out", trees=tmp_path / "other.jsonl")
    wrong(capsys, code, reason)


@both
def test_a_missing_file_is_refused(folder, tmp_path, capsys, program):
    code = PROGRAMS[program](folder, tmp_path / "out", trees=tmp_path / "missing")
    wrong(capsys, code, "missing", "no such file")


@both
def test_texts_that_are_all_too_long_are_refused(folder, tmp_path, capsys, program):
    code = PROGRAMS[program](folder, tmp_path / "out", length=9)
    wrong(capsys, code, "over the length of 9 tokens", "--length")


def test_texts_over_the_length_are_dropped_and_counted(folder, tmp_path, capsys):
    trees = write(tmp_path / "trees.jsonl", [tree(), tree("word " * 200)])
    assert policy(folder, tmp_path / "out", trees=trees, length=200, epochs=1) == 0
    assert "2 of 4 examples are over the length of 200 tokens" in capsys.readouterr().err
    assert metrics(tmp_path / "out")["counts"]["too_long"] == 2


@pytest.mark.parametrize(
    "program, settings, parts",
    [
        ("policy", dict(data="best"), ["--data best", "verified, outcome, unverified"]),
        ("ppm", dict(loss="orm"), ["--loss orm", "pairs, q, outcome"]),
        ("ppm", dict(batch=0), ["--batch must be at least 1"]),
        ("ppm", dict(scale=0), ["--scale must be at least"]),
        ("policy", dict(lr=0), ["--lr must be at least"]),
        ("policy", dict(lr="nan"), ["--lr must be at least"]),
        ("policy", dict(clip="inf"), ["--clip must be at most"]),
        ("policy", dict(warmup=2), ["--warmup must be at most 1"]),
        ("policy", dict(held_out=1), ["--held-out must be at most"]),
        ("policy", dict(seed=10**30), ["--seed must be at most"]),
        ("ppm", dict(epochs=10**30), ["--epochs must be at most"]),
        ("ppm", dict(nonsense=1), ["--nonsense"]),
        ("policy", dict(precision="fp16"), ["--precision fp16"]),
    ],
)
def test_settings_out_of_range_are_refused(folder, tmp_path, capsys, program, settings, parts):
    wrong(capsys, PROGRAMS[program](folder, tmp_path / "out", **settings), *parts)


@pytest.mark.parametrize(
    "program, role, name, part",
    [
        ("policy", "base", "ppm", "SequenceClassification"),
        ("ppm", "policy", "ppm", "SequenceClassification"),
        ("ppm", "policy", "stock", "pad token"),
        ("policy", "base", "nothing", "no such folder"),
    ],
)
def test_models_that_do_not_fit_are_refused(folder, tmp_path, capsys, program, role, name, part):
    code = PROGRAMS[program](folder, tmp_path / "out", **{role: folder / name})
    wrong(capsys, code, role, part)


@pytest.mark.parametrize(
    "value, part",
    [(math.nan, "NaN or infinity in its weights"), (1e38, "at step 0: the model to start")],
)
def test_damaged_weights_are_refused(folder, tmp_path, capsys, value, part):
    base = tmp_path / "base"
    make_model(base, MARKERS)
    tensors = weights(base)
    tensors["model.norm.weight"][:] = value
    save_file(tensors, base / "model.safetensors", metadata=dict(format="pt"))
    code = policy(folder, tmp_path / "out", base=base)
    error = capsys.readouterr().err.splitlines()[-1]
    assert code == 2
    assert part in error
    assert [item.name for item in tmp_path.iterdir()] == ["base"]


@both
def test_a_training_that_diverges_saves_no_model(folder, tmp_path, capsys, program):
    assert PROGRAMS[program](folder, tmp_path / "out", lr=1e30, epochs=3) == 2
    assert "the training has diverged; try a lower --lr" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("end", [1, -1])
def test_a_ppm_whose_scores_are_all_at_one_end_of_tanh_is_not_saved(
    folder, tmp_path, capsys, monkeypatch, end
):
    plain = train_ppm.plain_logits
    # Unpacked, all scores come from this one function.
    monkeypatch.setattr(train_ppm.prefixes, "can_pack", lambda model: False)
    monkeypatch.setattr(train_ppm, "plain_logits", lambda *inputs: plain(*inputs) + 4 * end)
    assert ppm(folder, tmp_path / "out", lr=1e-6) == 2
    assert f"all held-out texts about {0.999 * end:+}," in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("out", ["stock", "trees.jsonl"])
def test_what_is_not_ours_is_never_overwritten(folder, capsys, out):
    wrong(capsys, policy(folder, out), out, "not made by this program")


def test_a_folder_that_cannot_be_made_is_refused(folder, capsys):
    code = policy(folder, "trees.jsonl/out")
    wrong(capsys, code, "trees.jsonl/out", "nothing can be written there")


@pytest.mark.skipif(not os.path.ismount("/proc"), reason="needs a mount point")
def test_a_mount_point_is_refused(folder, capsys):
    wrong(capsys, policy(folder, "/proc"), "--out /proc", "mount point")


def test_a_link_that_leads_nowhere_is_refused(folder, tmp_path, capsys):
    (tmp_path / "out").symlink_to(tmp_path / "out")
    wrong(capsys, policy(folder, tmp_path / "out"), "leads nowhere")


def test_files_beside_a_state_are_never_deleted(folder, tmp_path, capsys):
    notes = tmp_path / "out.state" / "notes"
    notes.parent.mkdir()
    notes.write_text("mine")
    wrong(capsys, policy(folder, tmp_path / "out"), "out.state", "not made by this program")
    assert notes.read_text() == "mine"


def test_a_damaged_state_is_refused(folder, tmp_path, capsys):
    (tmp_path / "out.state" / "3").mkdir(parents=True)
    wrong(capsys, policy(folder, tmp_path / "out"), "out.state/3", "delete it")


# --------------------------------------------------------------------------------------------------
# The authors' files.


@pytest.mark.skipif(not DATA.exists(), reason="the authors' example files are not here")
def test_the_authors_files_are_read_as_they_are(folder, tmp_path):
    sft = DATA / "rstar_sft_examples.json"
    assert policy(folder, tmp_path / "policy", trees=sft, epochs=1) == 0
    assert metrics(tmp_path / "policy")["counts"]["chosen"] == 8
    pairs = DATA / "rstar_ppm_examples.json"
    assert ppm(folder, tmp_path / "ppm", trees=pairs, epochs=1, length=4000) == 0
    counts = metrics(tmp_path / "ppm")["counts"]
    assert counts["pairs_by_depth"] == {"step 2": 1, "step 4": 1, "answer": 3}


def test_the_authors_pairs_with_one_prompt_are_one_group(tmp_path):
    prompt = "<|user|>:\nWhat?\n<|assistant|>: Let's think.<code>\n# One\n<end_of_step>"
    pairs = [dict(prompt=prompt, pos=pos, neg="c", pos_count=2, neg_count=1) for pos in "ab"]
    (tmp_path / "pairs.json").write_text(json.dumps(pairs))
    (group,) = train_ppm.read_pairs(tmp_path / "pairs.json")
    assert group.question == "What?"
    assert group.depth == 2
    assert group.texts == [prompt + "a", prompt + "c", prompt + "b"]
    assert group.pairs == [(0, 1), (2, 1)]


def test_loss_q_needs_trees(folder, tmp_path, capsys):
    pair = dict(prompt="p", pos="a", neg="b", pos_count=1, neg_count=1)
    (tmp_path / "pairs.json").write_text(json.dumps([pair]))
    code = ppm(folder, tmp_path / "out", trees=tmp_path / "pairs.json", loss="q")
    wrong(capsys, code, "--loss q needs trees")

"""The two trainers, on trees made by hand and a random model of 40k parameters."""
import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

import train_policy
import train_ppm
from rstar import END_OF_ANSWER, END_OF_CODE, END_OF_STEP, MARKERS, OUTPUT, PPM, Config, Node, Policy, UserError, nodes, tree_to_line

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"
CPU = Config(device="cpu", dtype="float32")


# ---- trees and models

def add(parent, line, visits, q, **more):
    """A child whose step is one line of code."""
    node = Node(f"# Do it\n{line}\n{END_OF_STEP}", parent, len(nodes(parent.root)), visits=visits, q=q, **more)
    parent.children.append(node)
    return node


def end(parent, answer, visits, q, right, **more):
    """A terminal child that printed `answer`."""
    node = add(parent, "", visits, q, answer=answer, right=right, **more)
    node.text = f"print({answer})\n{END_OF_CODE}{OUTPUT.format(output=answer)}The answer is \\boxed{{{answer}}}.{END_OF_ANSWER}"
    return node


def tree(question="How many are 1 and 2?"):
    """Five steps at the root: a and b lead to the right answer, c to a wrong one, d to a dead end, e was never visited."""
    root = Node(question, visits=14, q=0., reference="3")
    a, b = add(root, "a = 1", 5, 3.), add(root, "b = 2", 4, 0.)
    c, _, _ = add(root, "c = 3", 3, -3.), add(root, "d = 4", 2, -2.), add(root, "e = 5", 0, 0.)
    end(a, "3", 3, 3., True), end(a, "03", 1, 1., True), end(a, "8", 1, -1., False)
    end(b, "3.0", 2, 2., True), end(b, "9", 2, -2., False)
    end(c, "7", 3, -3., False)
    add(root, "raise", 0, 0., error="it raised")
    return root


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A folder with a base whose vocabulary has the markers, a stock model without, a file of trees, a policy and a PPM."""
    folder = tmp_path_factory.mktemp("trainers")
    torch.set_num_threads(1)
    make_model(folder / "base", MARKERS)
    make_model(folder / "stock", [])
    write(folder / "trees.jsonl", [tree(f"How many are 1 and 2 and {i} times nothing?") for i in range(12)])
    for name in "base", "stock":
        assert policy(folder, f"policy-{name}", base=folder / name, save_dtype="float32", epochs=1) == 0
    assert ppm(folder, "ppm", save_dtype="float32") == 0
    return folder


def make_model(folder, markers):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    tokenizer.train_from_iterator(["# Do it\na = 1 print(3) The answer is boxed"] * 9, trainers.BpeTrainer(
        vocab_size=300, special_tokens=["<eos>", *(["<pad>"] if markers else []), *markers], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<eos>", pad_token="<pad>" if markers else None)
    torch.manual_seed(0)
    transformers.LlamaForCausalLM(transformers.LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=2,
        tie_word_embeddings=bool(markers), max_position_embeddings=1024, eos_token_id=0, bos_token_id=None)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def write(path, roots):
    path.write_text("".join(tree_to_line(root, i, {}) + "\n" for i, root in enumerate(roots)))
    return path


def flags(**settings):
    return [word for name, value in settings.items() for word in (f"--{name.replace('_', '-')}", *([] if value is True else [str(value)]))]


def policy(folder, out, **settings):
    return train_policy.main(flags(**dict(dict(base=folder / "base", trees=folder / "trees.jsonl", out=folder / out, held_out=.4), **settings)))


def ppm(folder, out, **settings):
    return train_ppm.main(flags(**dict(dict(policy=folder / "policy-base", trees=folder / "trees.jsonl", out=folder / out, held_out=.4), **settings)))


def policy_settings(**more):
    return train_policy.Settings(base="", trees=["trees"], out="", **more)


def ppm_settings(**more):
    return train_ppm.Settings(policy="", trees=["trees"], out="", **more)


def trajectories(*roots):
    return [train_policy.trajectory(node) for root in roots for node in nodes(root) if node.terminal]


def printed(some):
    return [re.search(r"print\((.*)\)", text).group(1) for text in some]


# ---- data of the policy

def test_the_two_right_trajectories_with_the_highest_mean_q_are_chosen_once():
    chosen = train_policy.choose(trajectories(tree(), tree()), policy_settings())      # a repeated search: each text twice
    # mean Q: a (.6 + 1) / 2 for both of its right ones, b (0 + 1) / 2
    assert sorted(printed(one.steps for one in chosen)) == ["03", "3"] and [one.mean_q for one in chosen] == [.8, .8]


def test_the_best_is_taken_over_all_trees_of_a_problem():
    better = Node(tree().text, visits=1, q=1., reference="3")
    end(better, "3.00", 1, 1., True)
    assert printed(one.steps for one in train_policy.choose(trajectories(tree(), better), policy_settings())) [0] == "3.00"


def test_the_controls_have_as_many_trajectories():
    some = trajectories(tree("one"), tree("two"), tree("three"))
    for data in "unverified", "outcome":
        assert len(train_policy.choose(some, policy_settings(data=data))) == 6
    outcome = train_policy.choose(some * 9, policy_settings(data="outcome", keep=3))
    assert len(outcome) == 9 and all(one.right for one in outcome)
    assert not all(one.right for one in train_policy.choose(some, policy_settings(data="unverified", keep=6)))


def test_the_loss_covers_what_the_model_writes_and_nothing_else(folder):
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder / "base")
    one = trajectories(tree("Why <code> so?"))[0]
    row = train_policy.encode(one, tokenizer)
    assert train_policy.show(row, tokenizer) == (
        "<|user|>:\nWhy < code> so?\n<|assistant|>: Let's think step by step and solve the problem with code.<code>\n"
        "«# Do it\na = 1\n<end_of_step>\n\nprint(3)\n<end_of_code>»\n<output>3<end_of_output>\n<answer>«The answer is \\boxed{3}.<end_of_answer>»")


def test_what_is_counted_is_the_cross_entropy_of_the_trained_tokens(folder):
    model, tokenizer = train_policy.load_model(train_policy.Settings(base=str(folder / "base"), trees=[], out=""))
    rows = [train_policy.encode(one, tokenizer) for one in trajectories(tree())]
    accelerator = train_policy.start(policy_settings())
    found = train_policy.losses(model, rows, tokenizer.pad_token_id, accelerator)
    plain = transformers.AutoModelForCausalLM.from_pretrained(folder / "base")
    wanted = [loss for row in rows for loss, counts in zip(torch.nn.functional.cross_entropy(
        plain(torch.tensor([row.ids])).logits[0, :-1], torch.tensor(row.ids[1:]), reduction="none").tolist(), row.trained[1:]) if counts]
    assert found.tolist() == pytest.approx(wanted, abs=1e-4)


# ---- data of the PPM

def lines(group):
    """The last line of code of each text of a group."""
    return [text.removesuffix(END_OF_STEP).strip().splitlines()[-1] for text in group.texts]


def test_step_pairs_are_the_best_that_lead_to_right_against_the_worst_that_do_not():
    groups = [group for group in train_ppm.step_groups(tree(), ppm_settings()) if group]
    assert [group.depth for group in groups] == [1]          # terminal nodes make no step pairs
    assert lines(groups[0]) == ["a = 1", "b = 2", "c = 3", "d = 4"] and groups[0].pairs == [(0, 2), (0, 3), (1, 2), (1, 3)]
    one, = [group for group in train_ppm.step_groups(tree(), ppm_settings(keep=1)) if group]
    assert lines(one) == ["a = 1", "d = 4"]


def test_a_ppm_estimate_alone_is_no_judgement():
    root = tree()
    for node in nodes(root)[1:]:
        node.ppm, node.visits, node.q = 0., node.visits + 1, node.q
    group, = [group for group in train_ppm.step_groups(root, ppm_settings()) if group]
    assert "e = 5" not in lines(group) and len(group.texts) == 4


def test_pairs_need_a_margin_of_q_and_other_code():
    good, bad = [("a = 1", .2)], [("b = 1", -.2), ("c = 1", .3), ("# other words\na = 1", -1.)]
    assert train_ppm.pair_up("", 1, good, bad, ppm_settings()).pairs == [(0, 1)]
    assert train_ppm.pair_up("", 1, good, bad, ppm_settings(margin=.5)) is None
    assert train_ppm.pair_up("", None, good, bad, ppm_settings(margin=.5)).pairs == [(0, 1), (0, 2)]       # an answer is right or wrong


def test_answer_pairs_are_the_best_right_against_the_worst_wrong_trajectories():
    group, = train_ppm.answer_groups(trajectories(tree()), ppm_settings(answer_groups=1))
    # mean Q of the wrong ones: 8: (.6 - 1) / 2, 9: (0 - 1) / 2, 7: (-1 - 1) / 2
    assert printed(group.texts) == ["3", "03", "7", "9"] and group.depth is None
    assert all(text.startswith("<|user|>") and "<output>" in text and text.endswith(END_OF_ANSWER) for text in group.texts)
    more = list(train_ppm.answer_groups(trajectories(tree()), ppm_settings()))
    assert [printed(group.texts) for group in more] == [["3", "03", "7", "9"], ["3.0", "8"]]


def test_targets_of_the_models_compared_with():
    q = [dict(zip(lines(group), group.targets)) for group in train_ppm.q_groups(tree()) if group.texts]
    assert q[0] == {"a = 1": .6, "b = 2": 0., "c = 3": -1., "d = 4": -1.} and len(q) == 4
    outcome = list(train_ppm.outcome_groups(trajectories(tree())))
    assert sorted(target for group in outcome for target in group.targets) == [-1.] * 3 + [1.] * 3


# ---- losses

def test_equation_4_by_hand():
    group = train_ppm.Group("", 1, [""] * 4, [(0, 2), (0, 3), (1, 2), (1, 3)], [])
    # differences .7 1.1 .3 .7: log(1 + exp(-d)) = .4032 .2873 .5544 .4032
    assert train_ppm.loss_of(group, torch.tensor([.5, .1, -.2, -.6]), 1., 0.).item() == pytest.approx(.41202, abs=1e-4)
    one = train_ppm.Group("", 1, ["", ""], [(0, 1)], [])
    assert train_ppm.loss_of(one, torch.tensor([.5, -.5]), 3., .5).item() == pytest.approx(math.log(1 + math.exp(-3)), abs=1e-6)
    assert train_ppm.loss_of(one, torch.tensor([.9, -.1]), 3., .5).item() == pytest.approx(math.log(1 + math.exp(-3)) + .5 * .8 ** 2, abs=1e-6)
    assert train_ppm.loss_of(train_ppm.Group("", 1, ["", ""], [], [1., 0.]), torch.tensor([.5, -.5]), 3., .5).item() == pytest.approx(.25)


def test_scores_in_training_are_those_of_the_search(folder):
    model, tokenizer = train_ppm.load_model(train_ppm.Settings(policy=str(folder / "policy-base"), trees=[], out=""))
    saved = transformers.AutoModelForSequenceClassification.from_pretrained(folder / "ppm")
    model.load_state_dict(saved.state_dict())
    group, = train_ppm.unique(train_ppm.answer_groups(trajectories(tree()), ppm_settings(answer_groups=1)), tokenizer)
    _, (scores,) = train_ppm.losses(model, [group], tokenizer.pad_token_id, train_policy.start(ppm_settings()), ppm_settings())
    found = PPM(folder / "ppm", CPU).score([(one.question, one.steps) for answer in ("3", "03", "7", "9")
                                            for one in trajectories(tree()) if f"print({answer})" in one.steps])
    assert scores.tolist() == pytest.approx(found, abs=1e-5) and len(set(found)) == 4


def test_a_batch_in_several_passes_is_the_same_batch(folder, tmp_path):
    for trainer in policy, ppm:
        for tokens in 1, 99999:
            assert trainer(folder, tmp_path / f"{trainer.__name__}{tokens}", tokens=tokens, save_dtype="float32") == 0
        few, many = (torch.cat([v.flatten() for v in weights(tmp_path / f"{trainer.__name__}{tokens}").values()]) for tokens in (1, 99999))
        assert torch.allclose(few, many, atol=2e-4)


# ---- training

def weights(folder):
    from safetensors.torch import load_file
    return load_file(Path(folder) / "model.safetensors")


def metrics(folder):
    return json.loads((Path(folder) / "metrics.json").read_text())


def test_training_helps_and_its_metrics_are_data(folder):
    found = metrics(folder / "policy-base")
    assert found["history"][1]["held_out_loss"] < found["history"][0]["held_out_loss"]
    assert found["counts"]["chosen"] == 24 and found["counts"]["training"] + found["counts"]["held_out"] == 24
    found = metrics(folder / "ppm")
    assert found["counts"]["pairs_by_depth"] == {"step 1": 48, "answer": 60}
    assert found["history"][-1]["steps_n"] / 4 == found["history"][-1]["answers_n"] / 5 > 0      # a problem has 4 and 5 of them
    assert found["history"][-1]["answers_right"] >= found["history"][0]["answers_right"]


@pytest.mark.slow
@pytest.mark.parametrize("program", ["train_policy", "train_ppm"])
def test_two_processes_train_what_one_does(folder, tmp_path, program):
    start, how = (dict(base=folder / "base"), "policy") if program == "train_policy" else (dict(policy=folder / "policy-base"), "ppm")
    told = flags(trees=folder / "trees.jsonl", out=tmp_path / how, held_out=.4, epochs=1, save_dtype="float32", **start)
    subprocess.run([sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", ROOT / f"{program}.py", *told],
                   check=True, env=dict(os.environ, CUDA_VISIBLE_DEVICES="", OMP_NUM_THREADS="1"))
    alone = dict(policy=policy, ppm=ppm)[how](tmp_path, "alone", trees=folder / "trees.jsonl", epochs=1, save_dtype="float32", **start)
    first, second = (json.loads((tmp_path / name / "metrics.json").read_text())["history"][-1] for name in (how, "alone"))
    assert alone == 0 and first == pytest.approx(second, rel=1e-4)


def test_a_stock_model_gets_a_token_for_each_marker(folder):
    tuned = Policy(folder / "policy-stock", CPU)
    assert tuned.tuned and not Policy(folder / "stock", CPU).tuned
    assert all(len(tuned.tokenizer(marker, add_special_tokens=False)["input_ids"]) == 1 for marker in MARKERS)
    assert tuned.tokenizer.pad_token == "<pad>" != tuned.tokenizer.eos_token
    model, tokenizer = train_policy.load_model(train_policy.Settings(base=str(folder / "stock"), trees=[], out=""))
    newline, = tokenizer("\n", add_special_tokens=False)["input_ids"]
    for layer in model.get_input_embeddings(), model.get_output_embeddings():
        row = lambda marker: layer.weight[tokenizer.convert_tokens_to_ids(marker)].tolist()
        assert row(END_OF_STEP) == layer.weight[tokenizer.eos_token_id].tolist() and row("<answer>") == layer.weight[newline].tolist()


@pytest.mark.parametrize("trainer", [policy, ppm])
def test_after_a_kill_a_rerun_ends_with_the_same_weights(folder, tmp_path, monkeypatch, trainer):
    how = dict(epochs=2, batch=4, save_every=0, save_dtype="float32")
    assert trainer(folder, tmp_path / "whole", **how) == 0
    module, steps = {policy: train_policy, ppm: train_ppm}[trainer], []

    def killed(rest, *arguments):
        steps.append(rest)
        if len(steps) == 4:
            raise SystemExit           # nothing in the trainer catches it: as good as a kill
        return update(rest, *arguments)
    update = module.update
    with monkeypatch.context() as patched:
        patched.setattr(module, "update", killed)
        with pytest.raises(SystemExit):
            trainer(folder, tmp_path / "killed", **how)
    assert not (tmp_path / "killed").exists() and [one.name for one in (tmp_path / "killed.state").iterdir()] == ["3"]
    assert trainer(folder, tmp_path / "killed", **dict(how, lr=1)) == 2           # other settings are refused
    assert trainer(folder, tmp_path / "killed", **how) == 0
    whole, resumed = weights(tmp_path / "whole"), weights(tmp_path / "killed")
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    assert [one["loss"] for one in metrics(tmp_path / "whole")["history"][1:]] == [one["loss"] for one in metrics(tmp_path / "killed")["history"][1:]]
    assert not (tmp_path / "killed.state").exists()


def test_a_training_that_diverges_makes_no_model(folder, tmp_path, capsys):
    assert ppm(folder, tmp_path / "out", scale=1e300, center=1e300) == 2
    assert "diverged" in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_a_damaged_state_is_told_in_one_line(folder, tmp_path, capsys):
    (tmp_path / "out.state" / "3").mkdir(parents=True)
    wrong(capsys, policy(folder, tmp_path / "out"), "out.state/3", "delete it")


def test_what_is_complete_is_not_made_again(folder, capsys):
    assert policy(folder, "policy-base", save_dtype="float32", epochs=1) == 0
    assert "complete already" in capsys.readouterr().out
    assert policy(folder, "policy-base", save_dtype="float32", epochs=2) == 2
    assert "epochs 1, not 2" in capsys.readouterr().err


@pytest.mark.parametrize("data", ["unverified", "outcome"])
def test_controls_of_the_policy(folder, tmp_path, data):
    assert policy(folder, tmp_path / "out", data=data, epochs=1) == 0
    assert metrics(tmp_path / "out")["counts"]["chosen"] == 24


@pytest.mark.parametrize("loss", ["q", "outcome"])
def test_models_that_the_ppm_is_compared_with(folder, tmp_path, loss):
    assert ppm(folder, tmp_path / "out", loss=loss, epochs=1) == 0
    last = metrics(tmp_path / "out")["history"][-1]
    assert last["steps_n"] == metrics(folder / "ppm")["history"][-1]["steps_n"] and last["targets_loss"] > 0


def test_dry_run_tells_what_the_data_hold(folder, tmp_path, capsys):
    assert policy(folder, tmp_path / "out", dry_run=True) == 0
    told = capsys.readouterr().out
    assert re.search(r"problems +12\ntrajectories +72\n", told) and re.search(r"too long +0\n", told) and told.count("--- sample") == 3 and "«# Do it" in told
    assert ppm(folder, tmp_path / "out", dry_run=True) == 0
    told = capsys.readouterr().out
    assert "{'step 1': 48, 'answer': 60}" in told and "«<end_of_step>»" in told and "[0] better than [2]" in told
    assert not (tmp_path / "out").exists()


# ---- what a user can get wrong: one line, exit code 2

def wrong(capsys, code, *parts):
    told = capsys.readouterr().err
    assert code == 2 and told.count("\n") == 1 and all(part in told for part in parts), told


def test_bad_data_is_told_in_one_line(folder, tmp_path, capsys):
    unsolved = tree()
    for node in nodes(unsolved):
        node.right = False if node.terminal else None
    bad = write(tmp_path / "unsolved.jsonl", [unsolved])
    wrong(capsys, policy(folder, tmp_path / "out", trees=bad), "train_policy: ", "unsolved.jsonl", "no right trajectory with a \\boxed answer among 6")
    wrong(capsys, ppm(folder, tmp_path / "out", trees=bad), "train_ppm: ", "unsolved.jsonl", "no pairs")
    other = tmp_path / "other.jsonl"
    other.write_text('{"question": "What?", "answer": "3"}\n')
    wrong(capsys, policy(folder, tmp_path / "out", trees=other), "other.jsonl, line 1", "neither a tree")
    wrong(capsys, ppm(folder, tmp_path / "out", trees=other), "other.jsonl, line 1", "neither a tree")
    other.write_text('{"nodes": [{"text": "What?"}]}\n')
    wrong(capsys, policy(folder, tmp_path / "out", trees=other), "other.jsonl, line 1", "not a tree")
    wrong(capsys, ppm(folder, tmp_path / "out", trees=tmp_path / "missing"), "missing", "no such file")
    wrong(capsys, policy(folder, tmp_path / "out", length=9), "over the length of 9 tokens", "--length")
    wrong(capsys, ppm(folder, tmp_path / "out", length=9), "over the length of 9 tokens", "--length")


def test_texts_over_the_length_are_dropped_and_counted(folder, tmp_path, capsys):
    longer = write(tmp_path / "trees.jsonl", [tree(), tree("word " * 200)])
    assert policy(folder, tmp_path / "out", trees=longer, length=200, epochs=1) == 0
    assert "2 of 4 texts are over the length of 200 tokens" in capsys.readouterr().err and metrics(tmp_path / "out")["counts"]["too_long"] == 2


def test_bad_models_and_settings_are_told_in_one_line(folder, tmp_path, capsys):
    out = tmp_path / "out"
    wrong(capsys, policy(folder, out, base=folder / "ppm"), "base", "SequenceClassification")
    wrong(capsys, ppm(folder, out, policy=folder / "ppm"), "policy", "SequenceClassification")
    wrong(capsys, ppm(folder, out, policy=folder / "stock"), "pad token")
    wrong(capsys, policy(folder, out, base=folder / "nothing"), "nothing", "no such folder")
    wrong(capsys, policy(folder, out, data="best"), "--data best", "verified, unverified, outcome")
    wrong(capsys, ppm(folder, out, loss="orm"), "--loss orm", "pairs, q, outcome")
    wrong(capsys, ppm(folder, out, batch=0), "--batch must be at least 1")
    wrong(capsys, ppm(folder, out, scale=0), "--scale 0: nothing would be learned")
    wrong(capsys, policy(folder, out, lr=0), "--lr 0: nothing would be learned")
    wrong(capsys, policy(folder, out, warmup=2), "--warmup 2.0: a share of the steps")
    wrong(capsys, ppm(folder, out, nonsense=1), "--nonsense")
    wrong(capsys, policy(folder, folder / "stock"), "stock", "not made by this program")
    wrong(capsys, policy(folder, folder / "trees.jsonl"), "trees.jsonl", "not made by this program")
    wrong(capsys, policy(folder, folder / "trees.jsonl" / "out"), "trees.jsonl/out", "nothing can be written there")
    for mine in (tmp_path / "out.state" / "notes", tmp_path / "out.part" / "notes"):
        mine.parent.mkdir()
        mine.write_text("mine")
    wrong(capsys, policy(folder, out), "out.state", "not made by this program")
    (tmp_path / "out.state" / "notes").rename(tmp_path / "notes")
    assert policy(folder, out, epochs=1) == 0
    assert sorted(one.name for one in tmp_path.iterdir()) == ["notes", "out", "out.part"] and (tmp_path / "out.part" / "notes").read_text() == "mine"


# ---- the authors' files

@pytest.mark.skipif(not DATA.exists(), reason="the authors' example files are not here")
def test_the_authors_files_are_read_as_they_are(folder, tmp_path):
    assert policy(folder, tmp_path / "policy", trees=DATA / "rstar_sft_examples.json", epochs=1) == 0
    assert metrics(tmp_path / "policy")["counts"]["chosen"] == 8
    assert ppm(folder, tmp_path / "ppm", trees=DATA / "rstar_ppm_examples.json", epochs=1, length=4000) == 0
    assert metrics(tmp_path / "ppm")["counts"]["pairs_by_depth"] == {"step 2": 1, "step 4": 1, "answer": 3}


def test_the_authors_pairs_with_one_prompt_are_one_group(tmp_path):
    prompt = "<|user|>:\nWhat?\n<|assistant|>: Let's think.<code>\n# One\n<end_of_step>"
    file = tmp_path / "pairs.json"
    file.write_text(json.dumps([dict(prompt=prompt, pos=pos, neg=neg, pos_count=2, neg_count=1) for pos, neg in ("ac", "bc")]))
    _, (group,) = train_ppm.read_file(file)
    assert group.question == "What?" and group.depth == 2
    assert group.texts == [prompt + "a", prompt + "c", prompt + "b"] and group.pairs == [(0, 1), (2, 1)]


def test_loss_q_needs_trees(folder, tmp_path, capsys):
    file = tmp_path / "pairs.json"
    file.write_text(json.dumps([dict(prompt="p", pos="a", neg="b", pos_count=1, neg_count=1)]))
    wrong(capsys, ppm(folder, tmp_path / "out", trees=file, loss="q"), "--loss q needs trees")

"""Trains the process preference model (PPM): the round's policy with a scalar head, on pairs of good and bad steps.

    python train_ppm.py --policy policy-r2 --trees round1.jsonl round2.jsonl --out ppm-r2
    accelerate launch --mixed_precision bf16 --use_fsdp --fsdp_version 2 train_ppm.py --policy policy-r2 --trees trees.jsonl --out ppm-r2 \\
        --batch 512 --lr 7e-6 --epochs 1 --scale 1 --center 0 --answer-groups 1 --length 4096

What is trained on: groups of up to 2 good and 2 bad texts, each good one against each bad one (equation 4). For a step,
the texts of a group are siblings: one path, and the step after it. Good are the 2 with the highest Q that lead to a right
answer, bad the 2 with the lowest Q that lead to no right one. For the answer step the shared path is dropped: the 2 right
trajectories with the highest mean Q against the 2 wrong ones with the lowest, output and stated answer shown.

Where we deviate from the paper or from the authors' code, or where the paper is silent:
  1. `tanh` belongs to the head in training too, as the paper says. (The authors' code trains without it.)
  2. A difference of two tanh is at most 2, where -log sigma is still .13: the loss would press every score to -1 or +1.
     `scale` multiplies the difference, so that a gap of 1 is nearly enough. (Measured once, tiny model, one epoch, 600
     trees: 221 of 305 held-out pairs right with 3, 211 with 1; within noise.)
  3. Eq. 4 knows differences only, so nothing says which score means "as likely right as wrong", and right answers of easy
     questions scored -.9. `center` adds the square of a pair's sum (after arXiv 2312.09244): 0 lies between good and bad.
  4. Only steps that a rollout went through are judged; the PPM's own first estimate is not a judgement. Of the answers every
     one counts, since each is certainly right or wrong.
  5. A bad step is one that no right answer came from, only wrong ones or none at all; one that leads to a right answer, too,
     is never bad.
  6. A good step has to have a higher Q than the bad one, by `margin` at least; and good and bad texts other code, whole
     trajectories too: the same code with two stated answers makes no pair.
  7. Groups are made within a tree for steps, and over all trees of a problem for answers.

`--loss q` and `--loss outcome` train the models that the paper compares with: PQM (regression on Q) and ORM (whole
trajectories, right or wrong). Both have the same head, and are judged on the same held-out pairs.
The policy's trainer has the same skeleton: `diff train_policy.py train_ppm.py`.
"""
import contextlib
import copy
import dataclasses
import sys
import time
from dataclasses import dataclass

import torch
import torch.nn.functional as F
import transformers
from accelerate import init_empty_weights

from rstar import (MARKERS, Config, UserError, format_prompt, holds_trees, lines_of_code, load, nodes, read_records, read_trees, setting,
                   terminals)
from train_policy import (batches, by_problem, check_settings, command_line, describe, drop_long, fingerprint, finish, finite,
                          is_complete, parts, progress_bar, restore, save_model, save_state, set_rate, split, start, trajectory)


@dataclass(frozen=True)
class Settings:
    """Every number of the training, once. The defaults fit the tiny model; the paper's numbers stand in the help."""
    policy: str = setting(dataclasses.MISSING, "the round's policy, to start from: folder or hub id")
    trees: list = setting(dataclasses.MISSING, "files that rstar.py --trees wrote, or .json/.jsonl with {prompt, pos, neg} in each record")
    out: str = setting(dataclasses.MISSING, "folder for the PPM")
    loss: str = setting("pairs", "pairs: Eq. 4 (the PPM); q: mean squared error on Q (the paper's PQM); outcome: on +1 or -1 of whole "
                        "trajectories (its ORM)")
    scale: float = setting(3., "what the difference of two scores is multiplied by in Eq. 4 (paper: 1; our choice: 3, see the head of this file)")
    center: float = setting(.5, "weight of the squared sum of a pair's scores, next to Eq. 4 (paper: 0; our choice, see the head of this file)")
    keep: int = setting(2, "good and bad texts in a group, at most (paper)")
    answer_groups: int = setting(4, "groups of whole trajectories per problem, at most (paper: 1, the best against the worst; our choice: 4)")
    margin: float = setting(0., "least difference of Q in a pair of steps (authors' code: 0.5)")
    epochs: int = setting(2, "passes over the data (paper: 1; our choice: 2)")
    batch: int = setting(16, "groups per step of the optimizer (paper: 512)")
    lr: float = setting(1e-3, "highest learning rate (paper: 7e-6; 1e-3 was measured on the tiny model)")
    warmup: float = setting(.05, "share of the steps in which the rate rises; then it falls linearly to 0 (our choice)")
    clip: float = setting(1., "greatest norm of the gradient (our choice)")
    length: int = setting(2048, "greatest length in tokens; groups with a longer text are dropped (paper: 4096)")
    tokens: int = setting(16384, "tokens in one forward pass, padding included: a batch that has more is accumulated (our choice)")
    held_out: float = setting(.1, "share of the problems that is not trained on, for held-out loss and pair accuracy (our choice)")
    precision: str = setting("auto", "auto (what accelerate launch was told, else bf16 or fp16 on cuda and no elsewhere), no, bf16, fp16")
    save_dtype: str = setting("bfloat16", "precision of the saved weights: bfloat16 or float32")
    save_every: float = setting(120., "seconds between two states that a rerun can go on from (our choice)")
    seed: int = setting(0, "seed of the head, the split and the order of the data")

    def __post_init__(self):
        check_settings(self, loss=("pairs", "q", "outcome"))


# ---------------------------------------------------------------------------------------------------------------------
# Data: files -> groups of texts -> groups of tokens.

@dataclass
class Group:
    """Texts that are scored together. `pairs`: which is better than which. `targets`: what each is regressed on, else []."""
    question: str
    depth: int | None      # the number of the step; None for whole trajectories
    texts: list
    pairs: list
    targets: list
    ids: list = dataclasses.field(default_factory=list)      # a list of tokens per text

    length = property(lambda self: max(map(len, self.ids)))
    width = property(lambda self: len(self.ids))


def read_file(path):
    """-> (roots of trees, groups of the authors' {prompt, pos, neg} records); one of the two is empty.

    A record of theirs is one pair; those with the same prompt are one group, so that each text is scored once and the
    mean over the group's pairs is their weight 1 / (pos_count * neg_count)."""
    if holds_trees(path):
        return read_trees(path), []
    found = {}
    for place, record in read_records(path):
        prompt, pos, neg = (record.get(name) for name in ("prompt", "pos", "neg"))
        if not all(isinstance(text, str) for text in (prompt, pos, neg)) or not prompt + pos or not prompt + neg:
            raise UserError(f'{place}: neither a tree that rstar.py --trees wrote nor {{"prompt": ..., "pos": ..., "neg": ...}}')
        found.setdefault((prompt, "<answer>" in pos), []).append((prompt + pos, prompt + neg))
    made = []
    for (prompt, whole), couples in found.items():
        question = prompt.partition("<|assistant|>")[0].replace("<|user|>:", "").strip()
        texts = list(dict.fromkeys(text for couple in couples for text in couple))
        depth = None if whole else prompt.count("<end_of_step>") + 1
        made.append(Group(question, depth, texts, [(texts.index(pos), texts.index(neg)) for pos, neg in couples], []))
    return [], made


def judged(node):
    """Has a rollout gone through it? With a PPM, its own estimate was the first visit."""
    return node.visits > (node.ppm is not None)


def step_groups(root, settings):
    """Per node of a tree, its children as a group: the best that lead to a right answer, the worst that lead to none."""
    leads = {node for end in terminals(root) if end.right for node in end.steps}
    for parent in nodes(root):
        steps = sorted((child for child in parent.valid_children if judged(child) and not child.terminal), key=lambda child: -child.Q)
        good = [child for child in steps if child in leads][:settings.keep]
        bad = [child for child in steps if child not in leads][-settings.keep:]
        yield pair_up(root.text, len(parent.steps) + 1, [(one.path, one.Q) for one in good], [(one.path, one.Q) for one in bad], settings)


def answer_groups(trajectories, settings):
    """Per problem, whole trajectories: the right ones with the highest mean Q against the wrong ones with the lowest. More
    than one group: then the next best against the next worst; the shorter side starts again."""
    for question, every in by_problem(trajectories).items():
        right = chunks([one for one in every if one.right], settings.keep)
        wrong = chunks([one for one in every if not one.right][::-1], settings.keep)
        for k in range(min(settings.answer_groups, max(len(right), len(wrong))) if right and wrong else 0):
            good, bad = ([(one.steps, one.mean_q) for one in side[k % len(side)]] for side in (right, wrong))
            yield pair_up(question, None, good, bad, settings)


def chunks(some, size):
    return [some[i:i + size] for i in range(0, len(some), size)]


def pair_up(question, depth, good, bad, settings):
    """Each good text against each bad one -> Group or None. good, bad: lists of (steps, Q). For answers (depth None) Q need
    not agree: that one is right and the other wrong is certain."""
    pairs = [(i, len(good) + j) for i, (pos, q_pos) in enumerate(good) for j, (neg, q_neg) in enumerate(bad)
             if (depth is None or q_pos > q_neg and q_pos - q_neg >= settings.margin) and lines_of_code(pos) != lines_of_code(neg)]
    return Group(question, depth, [format_prompt(question) + steps for steps, _ in good + bad], pairs, []) if pairs else None


def q_groups(root):
    """PQM: per node of a tree, all its children that were judged, each with its Q."""
    for parent in nodes(root):
        steps = [child for child in parent.valid_children if judged(child)]
        yield Group(root.text, len(parent.steps) + 1, [format_prompt(root.text) + one.path for one in steps], [], [one.Q for one in steps])


def outcome_groups(trajectories):
    """ORM: per problem, its trajectories with +1 or -1, in groups of 4."""
    for question, every in by_problem(trajectories).items():
        for some in chunks(every, 4):
            yield Group(question, None, [format_prompt(question) + one.steps for one in some], [], [1. if one.right else -1. for one in some])


def make_items(settings, model, tokenizer):
    """-> (groups with pairs, groups with the targets of --loss q or outcome, counts for the metrics)."""
    files = [read_file(path) for path in settings.trees]
    roots, pairs = [root for roots, _ in files for root in roots], [group for _, groups in files for group in groups]
    if settings.loss != "pairs" and pairs:
        raise UserError(f"{' '.join(settings.trees)}: --loss {settings.loss} needs trees; {{prompt, pos, neg}} records hold pairs only")
    trajectories = [trajectory(end) for root in roots for end in terminals(root) if end.right is not None]
    pairs += [group for root in roots for group in step_groups(root, settings)] + list(answer_groups(trajectories, settings))
    targets = dict(pairs=[], q=(group for root in roots for group in q_groups(root)), outcome=outcome_groups(trajectories))[settings.loss]
    pairs, targets = unique(pairs, tokenizer), unique(targets, tokenizer)
    if not pairs:
        raise UserError(f"{' '.join(settings.trees)}: no pairs: no problem has both right and wrong answers among its {len(trajectories)} "
                        "trajectories; search with more rollouts or candidates, and with reference answers")
    counts = dict(problems=len({root.text for root in roots}) or len({group.question for group in pairs}), trajectories=len(trajectories),
                  groups=len(pairs), pairs=sum(len(group.pairs) for group in pairs), pairs_by_depth=by_depth(pairs))
    return drop_long(pairs, counts, settings, model), drop_long(targets, counts, settings, model) if targets else [], counts


def unique(groups, tokenizer):
    """Groups that hold something, each once (rounds repeat some), with their tokens: the same as PPM.score makes."""
    made = {}
    for group in groups:
        if group and group.texts:
            made.setdefault((group.question, *group.texts), group)
    for group in made.values():
        group.ids = [tokenizer((tokenizer.bos_token or "") + text, add_special_tokens=False)["input_ids"] for text in group.texts]
    return list(made.values())


def by_depth(groups):
    found = {}
    for group in groups:
        name = "answer" if group.depth is None else f"step {group.depth}"
        found[name] = found.get(name, 0) + len(group.pairs)
    return dict(sorted(found.items(), key=lambda item: (item[0] == "answer", len(item[0]), item[0])))


def show(group, tokenizer):
    """The texts of a group. The score is read at the last token, which stands in « »; below it the pairs or targets."""
    texts = [f"[{i}] {tokenizer.decode(ids[:-1])}«{tokenizer.decode(ids[-1:])}»" for i, ids in enumerate(group.ids)]
    told = [f"[{i}] better than [{j}]" for i, j in group.pairs] or [f"[{i}] target {target:+.2f}" for i, target in enumerate(group.targets)]
    return "\n\n".join(texts) + "\n" + "\n".join(told)


# ---------------------------------------------------------------------------------------------------------------------
# Model. B texts, T tokens, D hidden.

def load_model(settings):
    """The policy as (model, tokenizer), in float32; its output layer replaced by a linear one with one output."""
    policy, tokenizer = load(settings.policy, "policy", "AutoModelForCausalLM", ("CausalLM", "LMHeadModel"), Config(device="cpu", dtype="float32"))
    if tokenizer.pad_token in (None, tokenizer.eos_token, *MARKERS):
        raise UserError(f"policy {settings.policy}: its pad token {tokenizer.pad_token!r} also ends texts, so the last token of a text could "
                        "not be told from padding; a policy tuned by train_policy.py has one of its own")
    config = copy.deepcopy(policy.config)
    config.num_labels, config.pad_token_id = 1, tokenizer.pad_token_id
    try:
        with init_empty_weights():
            model = transformers.AutoModelForSequenceClassification.from_config(config)
    except ValueError:
        raise UserError(f"policy {settings.policy}: transformers knows no {config.model_type} with a scalar head; take another model") from None
    setattr(model, model.base_model_prefix, policy.base_model)
    head, = (layer for layer in model.modules() if isinstance(layer, torch.nn.Linear) and layer.weight.is_meta)
    head.to_empty(device="cpu")
    torch.nn.init.normal_(head.weight, std=.02, generator=torch.Generator().manual_seed(settings.seed))
    if head.bias is not None:
        torch.nn.init.zeros_(head.bias)
    return model, tokenizer


def collate(groups, pad, device):
    """-> ids (B, T) padded on the right, mask (B, T) of real tokens; the groups' texts one after another."""
    texts = [ids for group in groups for ids in group.ids]
    T = max(map(len, texts))
    padded = lambda lists, value: torch.tensor([one + [value] * (T - len(one)) for one in lists], device=device)
    return padded(texts, pad), padded([[1] * len(ids) for ids in texts], 0)


def losses(model, groups, pad, accelerator, settings):
    """-> (G,) the loss of each group, and the scores of its texts."""
    ids, mask = collate(groups, pad, accelerator.device)
    scores = torch.tanh(model(input_ids=ids, attention_mask=mask, use_cache=False).logits[:, 0].float())     # (B,), as in PPM.score
    scores = scores.split([group.width for group in groups])
    return torch.stack([loss_of(group, r, settings.scale, settings.center) for group, r in zip(groups, scores)]), scores


def loss_of(group, r, scale, center):
    """r: (width,) scores of a group's texts -> its loss."""
    if group.targets:
        return F.mse_loss(r, r.new_tensor(group.targets))
    pos, neg = map(list, zip(*group.pairs))
    each = -F.logsigmoid(scale * (r[pos] - r[neg]))                  # Eq. 4, the mean being 1/4 of the sum if all 2 x 2 pairs exist
    return (each + center * (r[pos] + r[neg]) ** 2).mean()


def weight(item):
    """What an item, here a group, weighs in the mean of the loss."""
    return 1


# ---------------------------------------------------------------------------------------------------------------------
# Training.

def update(model, optimizer, batch, pad, accelerator, settings):
    """One step of the optimizer, in as many forward passes as `tokens` asks for -> loss and pair accuracy of the batch."""
    total, summed = sum(weight(item) for item in batch), torch.zeros(3, device=accelerator.device)
    for part, counts, last in parts(batch, accelerator, settings.tokens):
        with contextlib.nullcontext() if last else accelerator.no_sync(model):
            each, scores = losses(model, part, pad, accelerator, settings)
            loss = each.sum() * counts / total
            accelerator.backward(loss * accelerator.num_processes)       # DDP takes the mean over processes
        summed += counts * torch.stack([loss.detach(), *right_pairs(part, scores)])
    accelerator.clip_grad_norm_(model.parameters(), settings.clip)
    optimizer.step()
    optimizer.zero_grad()
    loss, right, n = accelerator.reduce(summed).tolist()
    return loss, right / n if n else float("nan")


def right_pairs(groups, scores):
    """-> how many pairs the scores order rightly, and of how many."""
    right = [(r[i] > r[j]).float() for group, r in zip(groups, scores) for i, j in group.pairs]
    zero = scores[0].new_zeros(())
    return sum(right, zero), zero + len(right)


@torch.no_grad()
def evaluate(model, items, pad, accelerator, settings):
    """Held-out items -> dict for the metrics. Accuracies as NAME_right of NAME_n, for pairs of steps and of answers."""
    model.eval()
    found = {}
    for name, some in dict(steps=[g for g in items if g.pairs and g.depth], answers=[g for g in items if g.pairs and g.depth is None],
                           targets=[g for g in items if g.targets]).items():
        summed = torch.zeros(3, device=accelerator.device)
        for batch in batches(some, settings.batch, settings.seed, 0):
            for part, counts, _ in parts(batch, accelerator, settings.tokens):
                each, scores = losses(model, part, pad, accelerator, settings)
                summed += counts * torch.stack([each.sum(), *right_pairs(part, scores)])
        loss, right, n = accelerator.reduce(summed).tolist()
        if name != "targets":
            found[f"{name}_right"], found[f"{name}_n"] = int(right), int(n)
        if some:
            found[f"{name}_loss"] = loss / len(some)
    model.train()
    return found


def train(settings, dry_run=False):
    """The whole training -> exit code. A rerun after a kill goes on from the last state, with the same data."""
    model, tokenizer = load_model(settings)
    pairs, targets, counts = make_items(settings, model, tokenizer)
    items = targets or pairs
    training, held_out = split(items, settings, counts)
    if targets:
        held_out = held_out + split(pairs, settings, {})[1]      # judged on the same pairs as the PPM
    if dry_run:
        return describe(items, counts, show, tokenizer)
    wanted = fingerprint(settings, items)
    if is_complete(settings, wanted):
        return 0
    accelerator = start(settings)
    optimizer = torch.optim.AdamW(model.parameters(), lr=settings.lr, betas=(.9, .95), weight_decay=0.)   # our choice
    model, optimizer = accelerator.prepare(model, optimizer)
    plan = [(epoch, batch) for epoch in range(settings.epochs) for batch in batches(training, settings.batch, settings.seed, epoch)]
    progress = restore(accelerator, settings, wanted) or dict(step=0, tokens=0, seconds=0., summed=0., history=[])
    saved, started = time.time(), time.time() - progress["seconds"]
    model.train()
    if progress["step"] == 0:
        progress["history"].append(dict(epoch=0, **evaluate(model, held_out, tokenizer.pad_token_id, accelerator, settings)))
    with progress_bar(plan, progress, accelerator) as bar:
        for step in range(progress["step"], len(plan)):
            epoch, batch = plan[step]
            set_rate(optimizer, settings, step, len(plan))
            loss, accuracy = update(model, optimizer, batch, tokenizer.pad_token_id, accelerator, settings)
            progress["tokens"] += sum(item.length * item.width for item in batch)
            progress["summed"] += finite(loss, settings)
            progress["step"], progress["seconds"] = step + 1, time.time() - started
            bar.update()
            bar.set_postfix(loss=f"{loss:.3f}", pairs=f"{accuracy:.0%}" if accuracy == accuracy else "none", tokens_s=f"{progress['tokens'] / progress['seconds']:.0f}")
            if step + 1 == len(plan) or plan[step + 1][0] > epoch:
                found = evaluate(model, held_out, tokenizer.pad_token_id, accelerator, settings)
                steps = sum(other == epoch for other, _ in plan)
                progress["history"].append(dict(epoch=epoch + 1, loss=progress["summed"] / steps, **finite(found, settings)))
                progress["summed"] = 0.
            saved = save_state(accelerator, settings, wanted, progress, saved)
    del progress["summed"]
    save_model(accelerator, model, tokenizer, settings, dict(settings=wanted, counts=counts, **progress))
    finish(accelerator)
    return 0


def main(arguments=None):
    return command_line("train_ppm", __doc__.splitlines()[0], Settings, train, arguments)


if __name__ == "__main__":
    sys.exit(main())

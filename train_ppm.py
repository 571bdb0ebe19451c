"""Trains the process preference model (PPM): the policy with a scalar head, on good and bad steps.

    python train_ppm.py --policy policy-r2 --trees round1.jsonl round2.jsonl --out ppm-r2
    accelerate launch --mixed_precision bf16 --use_fsdp --fsdp_version 2 \\
        --fsdp_auto_wrap_policy TRANSFORMER_BASED_WRAP train_ppm.py \\
        --policy policy-r2 --trees trees.jsonl --out ppm-r2

Why pairs: the paper finds the Q of a step too noisy to be regressed on, since it is the mean of a
few rollouts, but good enough to tell good steps from bad ones. We could not see the difference in
the tiny world: as guides of the tree search a model of whole trajectories (ORM), a regression on Q
(PQM) and the PPM answered 89, 90 and 90 of 100 hard problems (RESULTS.md). `--loss outcome` and
`--loss q` train the first two, with the same head, judged on the same held-out pairs.

What is trained on: groups of up to 2 good and 2 bad texts, each good one against each bad one
(equation 4). For a step the texts of a group are siblings: one path, and the step after it. Good
are the 2 with the highest Q that lead to a right answer, bad the 2 with the lowest Q that lead to
none. For the answer step the shared path is dropped: the 2 right trajectories with the highest mean
Q against the 2 wrong ones with the lowest, with the output and the stated answer.

Where we deviate from the paper or the authors' code, or decide where the paper is silent:
  1. `tanh` belongs to the head in training too, as in the paper. (The authors' code trains without
     it.) The head starts near zero, as theirs does, but has neither dropout nor bias: these changed
     nothing that could be measured (LOG.md, 2026-11-30).
  2. A difference of two tanh is at most 2, where -log sigma is still 0.13: the loss would press
     every score to -1 or +1. `scale` multiplies the difference, so that a gap of 1 is nearly
     enough. (Measured once, tiny model, one epoch, 600 trees: 221 of 305 held-out pairs right with
     3, 211 with 1; within noise.)
  3. Eq. 4 knows differences only, so nothing says which score means "as likely right as wrong":
     right answers of easy questions scored -0.9. All scores may even drift to one end of tanh,
     where it is flat and nothing more is learned: once with SmolLM2-135M, all within 0.001 of -1.
     So `center` adds the square of a pair's sum (after arXiv 2312.09244): 0 then lies between good
     and bad. A PPM that scores all held-out texts at one end is not saved.
  4. Only steps that a rollout went through are judged: the PPM's own first estimate is not a
     judgement. Every answer counts, since each is certainly right or wrong.
  5. A step that leads to a right answer and to wrong ones is never bad; one that leads only to dead
     ends is. (Paper: bad steps lead to wrong answers.)
  6. A good step has a higher Q than the bad one, by `margin` at least (authors' code: 0.5), and the
     two differ in code, so that a pair is not about words. (Authors' code: edit distance of 20.)
  7. Groups are made within a tree for steps, and over all trees of a problem for answers, where
     ties in mean Q are broken as in train_policy.py.

Read `train` at the bottom first. `diff train_policy.py train_ppm.py` shows what a preference model
needs instead of a policy; the loop that both share is in trainer.py.
"""

import os
import sys

# Our own folder, which `python -P` leaves out; and a line for Ctrl-C while the rest is imported.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import startup  # noqa: F401  # isort: skip

import copy
import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import MISSING, dataclass, field
from functools import partial
from typing import NamedTuple

import torch
import torch.nn.functional as F
import transformers
from accelerate import init_empty_weights
from accelerate.utils import extract_model_from_parallel

import common
import prefixes
import trainer
from common import UserError, setting
from rstar import MARKERS, Node, encode, format_prompt, lines_of_code, nodes, read_trees, terminals
from train_policy import Trajectory, by_problem, trajectory


@dataclass(frozen=True, kw_only=True)
class Settings(trainer.LoopSettings):
    """What depends on the PPM. The defaults are the paper's; `tiny` is for the bundled policy."""

    policy: str = setting(MISSING, "the round's policy, to start from: a folder or a hub id")
    trees: list = setting(
        MISSING,
        "files that rstar.py --trees wrote, or .json/.jsonl with {prompt, pos, neg} in each record",
    )
    out: str = setting(MISSING, "folder for the PPM")
    loss: str = setting(
        "pairs",
        "pairs: Eq. 4 (the PPM); q: mean squared error on Q (the paper's PQM); outcome: the same "
        "on +1 or -1 of whole trajectories (its ORM)",
        choices=("pairs", "q", "outcome"),
    )
    scale: float = setting(
        1.0, "factor of the difference in Eq. 4 (paper: 1; deviation 2)", 1e-6, 1e6, tiny=3.0
    )
    center: float = setting(
        0.0, "weight of the squared sum of a pair (paper: 0; deviation 3)", 0, 1e6, tiny=0.5
    )
    keep: int = setting(2, "good and bad texts in a group, at most (paper)", 1, 10**6)
    answer_groups: int = setting(
        1,
        "groups of whole trajectories per problem, at most (paper: 1, the best against the worst)",
        1,
        10**6,
        tiny=4,
    )
    margin: float = setting(
        0.0, "least difference of Q in a pair of steps (our choice; authors' code: 0.5)", 0, 2
    )
    epochs: int = setting(1, "passes over the data (paper)", 1, 10**9, tiny=2)
    batch: int = setting(512, "groups per update (paper)", 1, 10**6, tiny=16)
    lr: float = setting(7e-6, "highest learning rate (paper)", 1e-12, 1e30, tiny=1e-3)
    printed = (*trainer.LoopSettings.printed, "loss", "scale", "center", "answer_groups")


# --------------------------------------------------------------------------------------------------
# Data: files -> groups of texts -> groups of tokens.


class Judged(NamedTuple):
    """A text without its prompt, and its Q: of the last step, or the mean over a trajectory."""

    steps: str
    Q: float


@dataclass
class Group:
    """Texts that are scored together, since their loss compares them."""

    question: str
    depth: int | None  # the number of the step; None for whole trajectories
    texts: list[str]  # with the prompt
    pairs: list[tuple[int, int]]  # (i, j): text i is better than text j
    targets: list[float]  # what each text is regressed on; empty for Eq. 4
    ids: list[list[int]] = field(default_factory=list)  # the tokens of each text
    weight = 1

    @property
    def length(self) -> int:
        return max(len(ids) for ids in self.ids)

    @property
    def width(self) -> int:
        return len(self.ids)


def read_pairs(path) -> list[Group]:
    """The authors' {prompt, pos, neg} records, of which each is a pair, as groups of one prompt.

    In a group each text is scored once, and the mean over the pairs of a group gives them the
    authors' weight of 1 / (pos_count * neg_count).
    """
    prompts = {}
    for place, record in common.read_records(path):
        prompt, pos, neg = (record.get(name) for name in ("prompt", "pos", "neg"))
        are_texts = all(isinstance(text, str) for text in (prompt, pos, neg))
        if not are_texts or not prompt + pos or not prompt + neg:
            fields = '{"prompt": ..., "pos": ..., "neg": ...}'
            raise UserError(f"{place}: neither a tree that rstar.py --trees wrote nor {fields}")
        pairs = prompts.setdefault((prompt, "<answer>" in pos), [])
        pairs.append((prompt + pos, prompt + neg))
    groups = []
    for (prompt, is_answer), pairs in prompts.items():
        question = prompt.partition("<|assistant|>")[0].replace("<|user|>:", "").strip()
        depth = None if is_answer else prompt.count("<end_of_step>") + 1
        texts = list(dict.fromkeys(text for pair in pairs for text in pair))
        numbers = [(texts.index(pos), texts.index(neg)) for pos, neg in pairs]
        groups.append(Group(question, depth, texts, numbers, []))
    return groups


def was_visited(node: Node) -> bool:
    """Whether a rollout went through a node."""
    # The PPM's estimate was the first visit, except of an answer that the reference judges.
    estimated = node.ppm is not None and node.right is None
    return node.visits > (1 if estimated else 0)


def step_groups(root: Node, settings: Settings) -> Iterator[Group]:
    """For each node of a tree, the best children that lead to a right answer, the worst others."""
    leads_right = set()
    for end in terminals(root):
        if end.right:
            leads_right.update(end.steps)
    for parent in nodes(root):
        # Terminal nodes are judged as whole trajectories.
        steps = [child for child in parent.valid_children if not child.terminal]
        siblings = sorted(filter(was_visited, steps), key=lambda child: -child.Q)
        good = [Judged(child.path, child.Q) for child in siblings if child in leads_right]
        bad = [Judged(child.path, child.Q) for child in siblings if child not in leads_right]
        depth = len(parent.steps) + 1
        yield from pair_up(root.text, depth, good[: settings.keep], bad[-settings.keep :], settings)


def answer_groups(trajectories: list[Trajectory], settings: Settings) -> Iterator[Group]:
    """For each problem, the best right trajectories against the worst wrong ones, by mean Q.

    The next group is the next best against the next worst; the shorter side starts again.
    """
    for question, candidates in by_problem(trajectories, settings.seed).items():
        right = [Judged(item.steps, item.mean_q) for item in candidates if item.right]
        wrong = [Judged(item.steps, item.mean_q) for item in candidates if not item.right]
        best = chunks(right, settings.keep)
        worst = chunks(wrong[::-1], settings.keep)
        if best and worst:
            for k in range(min(settings.answer_groups, max(len(best), len(worst)))):
                good = best[k % len(best)]
                bad = worst[k % len(worst)]
                yield from pair_up(question, None, good, bad, settings)


def chunks(items: list, size: int) -> list[list]:
    return [items[i : i + size] for i in range(0, len(items), size)]


def pair_up(question, depth, good: list[Judged], bad: list[Judged], settings) -> Iterator[Group]:
    """Yields one group with each good text against each bad one; nothing if no pair is left."""
    pairs = []
    for i, better in enumerate(good):
        for j, worse in enumerate(bad, start=len(good)):
            gap = better.Q - worse.Q
            # Of a step we have only its Q; that an answer is right or wrong is certain.
            certain = depth is None or (gap > 0 and gap >= settings.margin)
            # The same code with another comment, or another sentence for the answer, is no lesson.
            if certain and lines_of_code(better.steps) != lines_of_code(worse.steps):
                pairs.append((i, j))
    if pairs:
        texts = [format_prompt(question) + item.steps for item in good + bad]
        yield Group(question, depth, texts, pairs, [])


def q_groups(root: Node) -> Iterator[Group]:
    """PQM: for each node of a tree, all its visited children, each with its Q as the target."""
    for parent in nodes(root):
        children = [child for child in parent.valid_children if was_visited(child)]
        if children:
            texts = [format_prompt(root.text) + child.path for child in children]
            targets = [child.Q for child in children]
            yield Group(root.text, len(parent.steps) + 1, texts, [], targets)


def outcome_groups(trajectories: list[Trajectory], seed: int) -> Iterator[Group]:
    """ORM: for each problem, its trajectories with +1 or -1 as the target, in groups of 4."""
    for question, candidates in by_problem(trajectories, seed).items():
        for items in chunks(candidates, 4):
            texts = [format_prompt(question) + item.steps for item in items]
            targets = [1.0 if item.right else -1.0 for item in items]
            yield Group(question, None, texts, [], targets)


def make_groups(settings: Settings, tokenizer, longest: int) -> tuple[list, list, dict]:
    """(groups with pairs, groups with targets for --loss q or outcome, counts for the metrics)."""
    roots = []
    groups = []
    for path in settings.trees:
        if common.holds_trees(path):
            roots += read_trees(path)
        else:
            groups += read_pairs(path)
    files = " ".join(settings.trees)
    if settings.loss != "pairs" and groups:
        reason = "{prompt, pos, neg} records hold pairs only"
        raise UserError(f"{files}: --loss {settings.loss} needs trees; {reason}")

    # Without a reference nobody knows whether an answer is right.
    ends = [end for root in roots for end in terminals(root) if end.right is not None]
    trajectories = [trajectory(end) for end in ends]
    for root in roots:
        groups += step_groups(root, settings)
    groups += answer_groups(trajectories, settings)
    groups = encode_groups(groups, tokenizer)
    if not groups:
        raise UserError(
            f"{files}: no pairs: no problem has both right and wrong answers among its "
            f"{len(trajectories)} trajectories; search with more rollouts or candidates, and with "
            "reference answers"
        )
    targets = []
    if settings.loss == "q":
        for root in roots:
            targets += q_groups(root)
    if settings.loss == "outcome":
        targets += outcome_groups(trajectories, settings.seed)
    targets = encode_groups(targets, tokenizer)

    kept = trainer.drop_long(groups, longest, settings.trees)
    kept_targets = trainer.drop_long(targets, longest, settings.trees)
    counts = dict(
        problems=len({root.text for root in roots}) or len({group.question for group in groups}),
        trajectories=len(trajectories),
        groups=len(groups),
        pairs=sum(len(group.pairs) for group in groups),
        pairs_by_depth=by_depth(groups),
        too_long=len(groups) + len(targets) - len(kept) - len(kept_targets),
    )
    return kept, kept_targets, counts


def encode_groups(groups: list[Group], tokenizer) -> list[Group]:
    """The groups with their tokens, as `PPM.score` makes them; rounds repeat some, kept once."""
    distinct = {}
    for group in groups:
        distinct.setdefault((group.question, *group.texts), group)
    for group in distinct.values():
        group.ids = [encode(text, tokenizer) for text in group.texts]
    return list(distinct.values())


def by_depth(groups: list[Group]) -> dict[str, int]:
    """{"step 1": its number of pairs, "step 2": ..., "answer": ...}"""
    # Answers have no depth and come last.
    counts = Counter()
    for group in sorted(groups, key=lambda group: group.depth or sys.maxsize):
        counts[f"step {group.depth}" if group.depth else "answer"] += len(group.pairs)
    return dict(counts)


def show(group: Group, tokenizer) -> str:
    """The texts of a group for --dry-run; the score is read at the token between « and »."""
    lines = []
    for i, ids in enumerate(group.ids):
        lines.append(f"[{i}] {tokenizer.decode(ids[:-1])}«{tokenizer.decode(ids[-1:])}»\n")
    for i, j in group.pairs:
        lines.append(f"[{i}] better than [{j}]")
    for i, target in enumerate(group.targets):
        lines.append(f"[{i}] target {target:+.2f}")
    return "\n".join(lines)


# --------------------------------------------------------------------------------------------------
# Model. B texts, T tokens, D hidden.


def load_model(name: str, seed: int):
    """(model, tokenizer) of the policy in float32, its output layer replaced by a scalar head."""
    endings = ("CausalLM", "LMHeadModel")
    policy, tokenizer = common.load(
        name, "policy", "AutoModelForCausalLM", endings, device="cpu", dtype="float32"
    )
    if tokenizer.pad_token in (None, tokenizer.eos_token, *MARKERS):
        raise UserError(
            f"policy {name}: its pad token {tokenizer.pad_token!r} also ends texts, so the last "
            "token of a text cannot be told from padding; train_policy.py gives a policy its own"
        )
    config = copy.deepcopy(policy.config)
    config.num_labels = 1
    config.pad_token_id = tokenizer.pad_token_id
    # An empty shell, which takes the policy's layers: nothing is allocated twice.
    try:
        with init_empty_weights():
            model = transformers.AutoModelForSequenceClassification.from_config(config)
    except ValueError:
        reason = f"transformers has no {config.model_type} with a scalar head"
        raise UserError(f"policy {name}: {reason}; take another model") from None
    setattr(model, model.base_model_prefix, policy.base_model)
    # All that is still empty is the head.
    head = common.scalar_head(model).to_empty(device="cpu")
    rng = torch.Generator().manual_seed(seed)
    # Near zero, as the authors': the head of a wide model would otherwise begin where tanh is flat.
    # With 0.02 held-out losses were 4% (steps) and 11% (answers) higher (LOG.md, 2026-11-30).
    torch.nn.init.normal_(head.weight, std=0.001, generator=rng)
    if head.bias is not None:
        torch.nn.init.zeros_(head.bias)
    common.head_in_float32(model)
    return model, tokenizer


def score(model, groups: list[Group], pad: int) -> list[torch.Tensor]:
    """The scores of the texts of each group, (width,) each, as `PPM.score` computes them."""
    # Siblings share all but their last step, so each beginning is read once (prefixes.py).
    packed = prefixes.can_pack(extract_model_from_parallel(model))
    logits = (packed_logits if packed else plain_logits)(model, groups, pad)
    return list(torch.tanh(logits.float()).split([group.width for group in groups]))


def plain_logits(model, groups: list[Group], pad: int) -> torch.Tensor:
    """The output of the head for each text, which is a row of its own: (texts,)."""
    texts = [ids for group in groups for ids in group.ids]
    ids, mask = trainer.collate(texts, pad, model.device)  # (B, T) each
    return model(input_ids=ids, attention_mask=mask, use_cache=False).logits[:, 0]


def packed_logits(model, groups: list[Group], pad: int) -> torch.Tensor:
    """The same from rows in which the texts of a group share what they begin with."""
    ids, visible, positions, ends = prefixes.pack([group.ids for group in groups], pad)
    # The model returns the head's output at one token of each row; the hook collects it at each.
    everywhere = []
    head = common.scalar_head(extract_model_from_parallel(model))
    hook = head.register_forward_hook(lambda layer, inputs, output: everywhere.append(output))
    output = model(
        input_ids=ids.to(model.device),
        attention_mask=visible.to(model.device),
        position_ids=positions.to(model.device),
        use_cache=False,
    )
    hook.remove()
    rows, columns = torch.tensor(ends, device=ids.device).T
    # FSDP begins the backward pass at what the model returns, so that has to be part of the loss.
    return everywhere[0][rows, columns, 0] + 0 * output.logits.sum()


def loss_of(group: Group, r: torch.Tensor, settings: Settings) -> torch.Tensor:
    """The loss of a group, given the scores r (width,) of its texts."""
    if group.targets:
        return F.mse_loss(r, r.new_tensor(group.targets))
    pos = [i for i, _ in group.pairs]
    neg = [j for _, j in group.pairs]
    # Eq. 4; the mean is 1/4 of the sum if all 2 x 2 pairs exist.
    loss = -F.logsigmoid(settings.scale * (r[pos] - r[neg]))  # (pairs,)
    return (loss + settings.center * (r[pos] + r[neg]) ** 2).mean()


def measure(model, groups: list[Group], pad: int, settings: Settings) -> dict[str, torch.Tensor]:
    """What the loop minimizes; the pairs in the right order; the sum of the pairs' mean scores."""
    scores = score(model, groups, pad)
    loss = torch.stack([loss_of(group, r, settings) for group, r in zip(groups, scores)])
    right = torch.zeros_like(loss[0])
    center = torch.zeros_like(loss[0])
    for group, r in zip(groups, scores):
        for i, j in group.pairs:
            right += r[i] > r[j]
            center += (r[i] + r[j]).detach() / 2
    pairs = torch.full_like(right, sum(len(group.pairs) for group in groups))
    return dict(loss=loss.sum(), right=right, pairs=pairs, center=center)


def held_out_metrics(groups: list[Group], total: Callable) -> dict:
    """Held-out losses, and accuracies as NAME_right of NAME_n pairs, for steps and for answers.

    `center` is the mean score of all their texts; None if there are no pairs.
    """
    kinds = dict(
        steps=[group for group in groups if group.pairs and group.depth],
        answers=[group for group in groups if group.pairs and not group.depth],
        targets=[group for group in groups if group.targets],
    )
    metrics = {}
    centers = pairs = 0
    for name, members in kinds.items():
        sums = total(members)
        centers += sums["center"]
        pairs += sums["pairs"]
        if name != "targets":
            metrics[f"{name}_right"] = int(sums["right"])
            metrics[f"{name}_n"] = int(sums["pairs"])
        if members:
            metrics[f"{name}_loss"] = sums["loss"] / len(members)
    return dict(metrics, center=centers / pairs if pairs else None)


def metrics_unless_saturated(groups: list[Group], total: Callable) -> dict:
    """`held_out_metrics`; UserError if all scores are at one end of tanh, where it is flat.

    Such a PPM hardly tells texts apart and learns nothing more. Eq. 4 allows it: see deviation 3.
    """
    metrics = held_out_metrics(groups, total)
    center = metrics["center"] or 0.0
    if abs(center) > 0.99:
        raise UserError(
            f"the PPM scores all held-out texts about {center:+.3f}, good and bad alike: tanh is "
            "saturated, so nothing more can be learned; try --center 0.5 or a lower --lr"
        )
    return metrics


def judge(ppm_folders: list, tree_files: list, settings: dict) -> list[dict]:
    """What several PPMs make of the same held-out pairs: the `held_out_metrics` of each.

    The pairs of later rounds are harder, so only on the same ones can the rounds be compared. They
    are the held-out pairs of all `tree_files`; no PPM has seen them, since a problem is held out in
    all rounds or in none.

    settings   what the metrics.json of a PPM calls "settings"
    """
    names = {item.name for item in dataclasses.fields(Settings)} - {"trees", "out"}
    stored = {name: value for name, value in settings.items() if name in names}
    settings = Settings(**stored, trees=[str(path) for path in tree_files], out="")
    accelerator = trainer.start("no")
    results = []
    for folder in ppm_folders:
        model, tokenizer = common.load(
            folder, "PPM", "AutoModelForSequenceClassification", ("SequenceClassification",)
        )
        longest = min(settings.length, common.context_length(model))
        pairs, _, _ = make_groups(settings, tokenizer, longest)
        _, held_out = trainer.split(pairs, settings)
        scoring = partial(measure, pad=tokenizer.pad_token_id, settings=settings)
        run = trainer.Run(settings, accelerator, model, scoring)
        results.append(held_out_metrics(held_out, partial(trainer.sum_over, run)))
    return results


# --------------------------------------------------------------------------------------------------
# The training.


def train(settings: Settings, dry_run: bool = False) -> int:
    """The whole training; returns the exit code."""
    model, tokenizer = load_model(settings.policy, settings.seed)
    longest = min(settings.length, common.context_length(model))
    pairs, targets, counts = make_groups(settings, tokenizer, longest)
    training, held_out = trainer.split(targets or pairs, settings)
    counts.update(training=len(training), held_out=len(held_out))
    if targets:
        # Judged on the same pairs as the PPM.
        held_out = held_out + trainer.split(pairs, settings)[1]
    if dry_run:
        return trainer.describe(targets or pairs, counts, show, tokenizer)
    return trainer.fit(
        settings, model, tokenizer, training, held_out, counts, measure, metrics_unless_saturated
    )


def main(arguments: list[str] | None = None) -> int:
    description = __doc__.splitlines()[0]
    return trainer.command_line("train_ppm", description, Settings, "policy", train, arguments)


if __name__ == "__main__":
    sys.exit(main())

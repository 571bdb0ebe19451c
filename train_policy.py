"""Tunes the policy: fine-tunes the base on the best right trajectories of all rounds so far.

    python train_policy.py --base tiny/base --trees round1.jsonl round2.jsonl --out policy-r2
    accelerate launch --mixed_precision bf16 --use_fsdp --fsdp_version 2 \\
        --fsdp_auto_wrap_policy TRANSFORMER_BASED_WRAP train_policy.py \\
        --base Qwen/Qwen2.5-Math-7B --trees trees.jsonl --out policy-r1

For each problem, over all files together, the 2 right trajectories with the highest mean Q of their
steps are trained on (section 3.4 of the paper). In every round the policy starts from the base
again, never from the last round's policy.

A problem without a right trajectory in any of its trees contributes nothing: the policy learns from
what it can already do once in many tries. In round 4 such problems get more rollouts in fresh trees
with other seeds; what that solves is trained on as well.

Where we deviate from the paper or the authors' code, or decide where the paper is silent:
  1. The loss covers what the model itself has to write: the steps and the sentence with the answer.
     The question and the verifier's output are read, not learned. (The authors' code trains on the
     interpreter's output as well.)
  2. A problem's trajectories of all rounds are ranked together, and one also counts if no rollout
     went through it to its end; its last step's Q is then 0.
     This favors trees searched without a PPM: there a Q can be 1, while with a PPM its estimates,
     which are less, count in the mean.
  3. Ties in mean Q are broken by the minimum of Q over the steps, as in the authors' code
     (sample_sft_data.py:66), and then by lot. (File order would favor the oldest round.)
  4. A trajectory that states no \\boxed answer is not trained on.
  5. Some problems are held out, to measure the loss on; the PPM holds out the same ones.

Read `train` at the bottom first. `diff train_policy.py train_ppm.py` shows what a preference model
needs instead; the loop that both share is in trainer.py.
"""

import os
import sys

# Our own folder, which `python -P` leaves out; and a line for Ctrl-C while the rest is imported.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import startup  # noqa: F401  # isort: skip

import random
import statistics
from collections.abc import Callable
from dataclasses import MISSING, dataclass
from itertools import groupby

import torch
import torch.nn.functional as F
from accelerate.utils import extract_model_from_parallel
from transformers import AddedToken

import common
import trainer
from common import UserError, setting
from rstar import (
    END_OF_ANSWER,
    MARKERS,
    WRITTEN,
    Node,
    begin,
    encode_pieces,
    format_prompt,
    read_trees,
    terminals,
)


@dataclass(frozen=True, kw_only=True)
class Settings(trainer.LoopSettings):
    """What depends on the policy. The defaults are the paper's; `tiny` is for the bundled base."""

    base: str = setting(MISSING, "the model to start from: a folder, a .gguf file or a hub id")
    trees: list = setting(
        MISSING,
        "files that rstar.py --trees wrote, or .json/.jsonl with {query, response} in each record",
    )
    out: str = setting(MISSING, "folder for the tuned policy")
    data: str = setting(
        "verified",
        "verified: the right trajectories with the highest mean Q (paper); as controls, outcome: "
        "random right ones; unverified: as many random finished ones, right or wrong",
        choices=("verified", "outcome", "unverified"),
    )
    keep: int = setting(2, "trajectories per problem (paper)", 1, 10**6)
    epochs: int = setting(2, "passes over the data (paper)", 1, 10**9)
    batch: int = setting(128, "trajectories per update (paper)", 1, 10**6, tiny=16)
    lr: float = setting(
        7e-6, "highest learning rate (paper: this for Qwen, 5e-6 for Phi3)", 1e-12, 1e30, tiny=7e-4
    )


# --------------------------------------------------------------------------------------------------
# Data: files -> trajectories -> rows of tokens.


@dataclass
class Trajectory:
    """A finished trajectory: what the trainers need of the path to a terminal node."""

    question: str
    steps: str  # all steps, the output and the stated answer, as `Node.path`
    right: bool
    mean_q: float  # mean of Q over the steps
    min_q: float


@dataclass
class Row:
    """A trajectory as T tokens; `trained[t]` says whether token t counts in the loss."""

    question: str
    ids: list[int]
    trained: list[bool]
    width = 1

    @property
    def length(self) -> int:
        return len(self.ids)

    @property
    def weight(self) -> int:
        return sum(self.trained)


def read_trajectories(path) -> list[Trajectory]:
    """The finished trajectories of a file of trees, or of the authors' {query, response} records.

    The authors' records are chosen already: they are right, and all equally good.
    """
    if common.holds_trees(path):
        return [trajectory(end) for root in read_trees(path) for end in terminals(root)]
    trajectories = []
    for place, record in common.read_records(path):
        question = record.get("query")
        response = record.get("response")
        if not isinstance(question, str) or not isinstance(response, str):
            fields = '{"query": ..., "response": ...}'
            raise UserError(f"{place}: neither a tree that rstar.py --trees wrote nor {fields}")
        # The prompt ends with this marker already.
        steps = response.removeprefix("<code>").strip()
        trajectories.append(Trajectory(question, steps, True, 1.0, 1.0))
    return trajectories


def trajectory(end: Node) -> Trajectory:
    """The trajectory that ends in a terminal node, whether a rollout has visited it or not."""
    values = [node.Q for node in end.steps]
    right = bool(end.right)
    return Trajectory(end.root.text, end.path, right, statistics.fmean(values), min(values))


def by_problem(trajectories: list[Trajectory], seed: int) -> dict[str, list[Trajectory]]:
    """{question: its trajectories, best first}; a text that occurs several times is kept once."""

    def rank(item: Trajectory) -> tuple:
        return -item.mean_q, -item.min_q, trainer.chance(seed, item.steps)

    problems = {}
    for item in sorted(trajectories, key=rank):
        texts = problems.setdefault(item.question.strip(), {})
        # Rounds repeat some texts: the first is the one with the highest mean Q.
        texts.setdefault(item.steps, item)
    return {question: list(problems[question].values()) for question in sorted(problems)}


def select_trajectories(trajectories: list[Trajectory], settings: Settings) -> list[Trajectory]:
    """Up to `keep` trajectories per problem: the top 2 by mean Q, or those of a control."""
    rng = random.Random(settings.seed)
    verified = []
    controls = []
    # Without a boxed answer there is nothing to learn from the end.
    stated = [item for item in trajectories if "\\boxed" in item.steps.rpartition("<answer>")[2]]
    for candidates in by_problem(stated, settings.seed).values():
        right = [item for item in candidates if item.right]
        verified += right[: settings.keep]
        pool = right if settings.data == "outcome" else candidates
        controls += rng.sample(pool, min(settings.keep, len(pool)))
    if not verified:
        raise UserError(
            f"{' '.join(settings.trees)}: no right trajectory with a \\boxed answer among "
            f"{len(trajectories)}; search with more rollouts, and with reference answers "
            "(rstar.py --problems)"
        )
    if settings.data == "verified":
        return verified
    # The same amount of data, so that a comparison shows its quality alone.
    rng.shuffle(controls)
    return controls[: len(verified)]


def make_row(item: Trajectory, tokenizer) -> Row:
    """A trajectory as tokens, of which those are trained that the model itself has to write."""
    steps = item.steps.removesuffix(END_OF_ANSWER) + END_OF_ANSWER
    ids = begin(tokenizer)
    trained = [False] * len(ids)
    is_written = False
    for piece, tokens in encode_pieces(format_prompt(item.question) + steps, tokenizer):
        # Only read: the verifier's output, with the marker of the answer behind it.
        is_read = piece.endswith("<answer>")
        ids += tokens
        trained += [is_written and not is_read] * len(tokens)
        # The prompt ends with this marker, which no question can hold.
        is_written = is_written or piece.endswith("<code>\n")
    return Row(item.question, ids, trained)


def make_rows(settings: Settings, tokenizer, longest: int) -> tuple[list[Row], dict]:
    """All rows of at most `longest` tokens, and what the data hold, for the metrics."""
    trajectories = []
    for path in settings.trees:
        trajectories += read_trajectories(path)
    chosen = select_trajectories(trajectories, settings)
    rows = [make_row(item, tokenizer) for item in chosen]
    kept = trainer.drop_long(rows, longest, settings.trees)
    counts = dict(
        problems=len({item.question for item in trajectories}),
        trajectories=len(trajectories),
        right=sum(item.right for item in trajectories),
        chosen=len(chosen),
        chosen_right=sum(item.right for item in chosen),
        problems_chosen=len({item.question for item in chosen}),
        too_long=len(rows) - len(kept),
    )
    return kept, counts


def show(row: Row, tokenizer) -> str:
    """The text of a row for --dry-run; what is trained on stands between « and »."""
    text = ""
    positions = range(row.length)
    for trained, run in groupby(positions, key=lambda position: row.trained[position]):
        part = tokenizer.decode([row.ids[position] for position in run])
        text += f"«{part}»" if trained else part
    return text


# --------------------------------------------------------------------------------------------------
# Model. B rows, T tokens, D hidden, V entries of the vocabulary, N trained tokens.


def load_model(base: str):
    """(model, tokenizer) of the base in float32, with tokens for the markers and for padding."""
    endings = ("CausalLM", "LMHeadModel")
    model, tokenizer = common.load(
        base, "base", "AutoModelForCausalLM", endings, device="cpu", dtype="float32"
    )
    add_markers(model, tokenizer)
    only_trained_logits(model)
    return model, tokenizer


def add_markers(model, tokenizer) -> None:
    """Makes each marker one special token: then sampling can stop at a token, and none is misspelt.

    The pad token must differ from the end token and the markers, since the PPM reads its score at
    the last token that is not padding.
    """
    vocabulary = tokenizer.get_vocab()
    fresh = [marker for marker in MARKERS if marker not in vocabulary]
    end = tokenizer.eos_token_id
    if end is None:
        end = tokenizer("\n", add_special_tokens=False)["input_ids"][-1]
    added = [AddedToken(marker, special=True, normalized=False) for marker in fresh]
    tokenizer.add_tokens(added, special_tokens=True)
    if tokenizer.pad_token in (None, tokenizer.eos_token, *MARKERS):
        tokenizer.add_special_tokens(dict(pad_token="<pad>"))
    model.config.get_text_config().pad_token_id = tokenizer.pad_token_id
    size = len(model.get_input_embeddings().weight)
    if len(tokenizer) > size:
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    # A marker that the policy writes starts as a copy of the end token: random rows gave junk in
    # sampling. One that it only reads starts as the mean of all tokens, which is unlikely to be
    # sampled: as copies of the newline they stood in most candidates of SmolLM2-135M after 18
    # updates. So does the pad token: a random row would make every training a different one.
    with torch.no_grad():
        for layer in (model.get_input_embeddings(), model.get_output_embeddings()):
            mean = layer.weight[:size].mean(0)
            layer.weight[size:] = mean
            for marker in fresh:
                row = tokenizer.convert_tokens_to_ids(marker)
                layer.weight[row] = layer.weight[end].clone() if marker in WRITTEN else mean


def only_trained_logits(model) -> None:
    """Has the output layer see only the positions that count: (B, T, D) -> (N, D).

    The other logits would be thrown away, and with a vocabulary of 150k they fill the memory. It is
    a hook since DDP and FSDP need the model to be called as a whole; `losses` sets the positions.
    """
    output = model.get_output_embeddings()
    output.register_forward_pre_hook(lambda layer, inputs: (inputs[0][model.positions],))


def losses(model, rows: list[Row], pad: int) -> torch.Tensor:
    """The cross-entropy at each of the N trained tokens of some rows: (N,)."""
    plain = extract_model_from_parallel(model)
    ids, mask = trainer.collate([row.ids for row in rows], pad, plain.device)  # (B, T) each
    trained = trainer.collate([row.trained for row in rows], False, plain.device)[0]  # (B, T)
    # A token is predicted at the position before it.
    positions = torch.zeros_like(trained)
    positions[:, :-1] = trained[:, 1:]
    plain.positions = positions
    logits = model(input_ids=ids, attention_mask=mask, use_cache=False).logits  # (N, V)
    return F.cross_entropy(logits.float(), ids[trained], reduction="none")


def measure(model, rows: list[Row], pad: int, settings: Settings) -> dict[str, torch.Tensor]:
    """What the loop minimizes: the sum of the loss over the trained tokens."""
    return dict(loss=losses(model, rows, pad).sum())


def held_out_metrics(rows: list[Row], total: Callable) -> dict:
    """The mean loss of a held-out token; None if nothing is held out."""
    tokens = sum(row.weight for row in rows)
    loss = total(rows)["loss"] / tokens if tokens else None
    return dict(held_out_loss=loss, held_out_tokens=tokens)


# --------------------------------------------------------------------------------------------------
# The training.


def train(settings: Settings, dry_run: bool = False) -> int:
    """The whole training; returns the exit code."""
    model, tokenizer = load_model(settings.base)
    longest = min(settings.length, common.context_length(model))
    rows, counts = make_rows(settings, tokenizer, longest)
    training, held_out = trainer.split(rows, settings)
    counts.update(training=len(training), held_out=len(held_out))
    if dry_run:
        return trainer.describe(rows, counts, show, tokenizer)
    return trainer.fit(
        settings, model, tokenizer, training, held_out, counts, measure, held_out_metrics
    )


def main(arguments: list[str] | None = None) -> int:
    description = __doc__.splitlines()[0]
    return trainer.command_line("train_policy", description, Settings, "base", train, arguments)


if __name__ == "__main__":
    sys.exit(main())

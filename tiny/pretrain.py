"""Makes the tiny world's base from scratch: a byte-level BPE tokenizer and a small Qwen3, of 1.8M
parameters.

Qwen3 is Qwen2 with norms on queries and keys: with them the right number is copied after far fewer
tokens (LOG.md, 2026-11-28). A Qwen2 would not do in any case: transformers 5.24 reads every folder
of that type with Qwen2's own tokenizer, whatever the folder says, and the numbers would fall apart.

    torchrun --nproc_per_node 2 tiny/pretrain.py --out tiny/base

One process per core; under two hours on two cores (LOG.md, 2026-11-28). The corpus is made on the
fly and never repeats: problems of the split `pretrain` with the solutions that `world.student`
writes, misconceptions included. What mattered most when this was tried out: those norms, a rate
that is not too high, and training until copying the right numbers has formed (`well_formed` below;
`sampled` and `greedy` in the log); a starved base is weak in a way that no search can repair.

A run that was killed resumes from its last checkpoint when the command is repeated, and since the
batches are a function of the seed and the step, with the same data.
"""

# ruff: noqa: E402 (Ctrl-C during the imports is one line as well)
import signal
import sys
from pathlib import Path

# With `python -P` neither the folder of this file nor the one above it is searched for modules.
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]
if __name__ == "__main__":  # before the first import that takes a moment
    signal.signal(signal.SIGINT, signal.SIG_DFL)
import world

if __name__ == "__main__":  # before those that take seconds
    signal.signal(signal.SIGINT, world.interrupted)

import json
import os
import random
import re
import time
from typing import NamedTuple

import torch
import torch.distributed as dist
import torch.nn.functional as F
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from tqdm import tqdm
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

import common
from common import UserError
from rstar import MARKERS, OUTPUT, PROMPT
from trainer import saving

# All sizes are our choice: what two cores can train in two hours.
VOCABULARY = 3072
SHAPE = dict(
    hidden_size=160,
    num_hidden_layers=4,
    num_attention_heads=5,
    num_key_value_heads=5,
    head_dim=32,
    intermediate_size=480,
)
RARE = 400  # few problems have larger numbers
POOL = 64  # batches made together, so that each holds problems of about one length
GRAIN = (
    32  # lengths are rounded up to this: each new shape costs bf16 kernels, in all 2/3 of the time
)
LENGTHS = {
    1: 32,
    2: 20,
    3: 14,
    4: 10,
    5: 8,
    6: 6,
    7: 4,
    8: 3,
    9: 3,
}  # steps of a problem: how often
CORE_LENGTHS = (1, 1.5, 1.5, 1.5, 1.5, 1.4, 1.4, 1, 1)  # the same for those on the core
SAVE_EVERY = 900  # seconds between checkpoints


class Phase(NamedTuple):
    tokens: float  # in millions
    first: float  # share of --rate at its start
    last: float  # and at its end, linear between
    batch: int  # tokens of one process
    sums: float  # share of bare sums: in stories large numbers are too rare to be learned
    core: float  # share of problems on the concepts that the rounds are about
    longest: int  # steps of all others: long ones teach little before the short ones are mastered
    large: float = 0.0  # share of sums with a result that is rare in the rest
    tales: float = 0.0  # share of tales


# Short stories first. Small batches taught more per minute, and at the end larger ones more than
# halved what was malformed (LOG.md, 2026-11-24 and 2026-11-27).
PHASES = [
    Phase(3, 1.0, 1.0, 1024, 0.1, 0.0, 1),
    Phase(9, 1.0, 1.0, 1024, 0.05, 0.0, 3),
    Phase(12, 1.0, 1.0, 1024, 0.05, 0.0, 9),
    Phase(126, 1.0, 0.0, 2048, 0.08, 0.35, 3, 0.03, 0.35),
]
TOKENS = 1e6 * sum(phase.tokens for phase in PHASES)


class Batch(NamedTuple):
    length: int  # T: tokens of a row, padding included
    rows: int  # B
    examples: list  # up to B times (token ids, which of them are trained on)


# ---- tokenizer


def build_tokenizer() -> PreTrainedTokenizerFast:
    """Byte-level BPE, so that any text can be encoded; numbers 0-999 and names of quantities are
    one token each."""
    # The space before a number belongs to the word before it. As a token of its own it stood
    # between the number and the word that tells what the number is, and picking the right number
    # was not learned in 10M tokens.
    split = Regex(
        r" ?n\d(?!\w)| ?\p{L}+ ?(?=\d)| ?\p{L}+|\d{1,3}| ?[^\s\p{L}\d]+ ?(?=\d)"
        r"| ?[^\s\p{L}\d]+\n*|\s*\n+|\s+(?!\S)|\s+"
    )
    tokenizer = Tokenizer(models.BPE())
    to_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(split, "isolated"), to_bytes]
    )
    tokenizer.decoder = decoders.ByteLevel()

    # The last phase has problems of all kinds.
    rng = random.Random("tokenizer")
    texts = []
    for _ in range(20000):
        texts.append("".join(piece for piece, _ in example(rng, draw(rng, PHASES[-1]))))
    markers = "|".join(map(re.escape, MARKERS))
    pieces = [piece for text in texts for piece in re.split(markers, text)]
    numbers = [" ".join(map(str, range(1000)))] * 3000  # often enough to be merged first
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=["<pad>", *MARKERS],
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator(numbers + pieces, trainer)

    # The one sentence that stands in every prompt is one token as well.
    sentence = re.search(r": Let's.*code\.", PROMPT).group()
    tokenizer.add_tokens([AddedToken(sentence, normalized=False)])
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token=world.END_OF_ANSWER
    )
    assert all(len(wrapped.encode(str(number))) == 1 for number in range(1000))
    return wrapped


# ---- corpus

SUMS = world.MIXES["sums"].dials
TALES = world.MIXES["tales"].dials
PLUS_MINUS = world.Dials(0.0, 0.0, ("plus", "minus"))


def draw(rng: random.Random, phase: Phase) -> world.Problem:
    """A problem of the kinds that the phase is about."""
    kind = rng.random()
    if kind < phase.sums:
        return world.draw(rng, "pretrain", 1, SUMS)
    kind -= phase.sums
    if kind < phase.core:
        steps = rng.choices(range(1, 10), CORE_LENGTHS)[0]
        # Mostly the dials of the mixes "standard" and "hard", and what lies between.
        dials = rng.choice(((0.06, 0.3), (0.06, 0.3), (0.6, 1.0), (0.6, rng.random())))
        return world.draw(rng, "pretrain", steps, world.Dials(*dials, world.CORE))
    kind -= phase.core
    if kind < phase.large:
        return large_sum(rng)
    kind -= phase.large
    if kind < phase.tales:
        return world.draw(rng, "pretrain", 1, TALES)

    possible = range(1, phase.longest + 1)
    steps = rng.choices(possible, [LENGTHS[length] for length in possible])[0]
    delayed, strict = (0.0, 0.12), (0.0, 0.0, 0.3)
    if steps >= 4:
        delayed, strict = (0.12, 0.3, 0.6), (0.0, 0.3, 1.0)
    dials = world.Dials(rng.choice(delayed), rng.choice(strict))
    return world.draw(rng, "pretrain", steps, dials)


def large_sum(rng: random.Random) -> world.Problem:
    while True:
        problem = world.draw(rng, "pretrain", 1, PLUS_MINUS)
        if RARE < int(problem.answer) <= world.LARGEST:
            return problem


def example(rng: random.Random, problem: world.Problem) -> list[tuple[str, bool]]:
    """A problem as (text, is it trained on) pieces: the question, a student's solution, its output,
    the stated answer.

    What the model does not have to write is not trained on. That matters: names, numbers and
    outputs cannot be foreseen, and a first run that trained on them learned nothing but noise for
    7M tokens."""
    choices, code = world.student(rng, problem)
    pieces = [(PROMPT.format(question=problem.question), False), (code, True)]
    output = world.output_of(problem, choices)
    if output is not None:
        pieces += [(OUTPUT.format(output=output), False), (world.stated(output), True)]
    return pieces


def batches(tokenizer, seed: int, pool: int, phase: Phase) -> list[Batch]:
    """A pool of batches, a function of its number and the phase."""
    rng = random.Random(f"{seed} {pool}")
    rows = []
    while sum(len(ids) for ids, _ in rows) < phase.batch * POOL:
        ids, trained = [], []
        for text, is_trained in example(rng, draw(rng, phase)):
            piece = tokenizer.encode(text)
            ids += piece
            trained += [is_trained] * len(piece)
        rows.append((ids, trained))

    # Rows of one length make a batch without padding, and one shape.
    by_length = {}
    for row in rows:
        length = -(-len(row[0]) // GRAIN) * GRAIN
        by_length.setdefault(length, []).append(row)
    filled = []
    for length, same in by_length.items():
        size = max(1, phase.batch // length)
        for start in range(0, len(same), size):
            filled.append(Batch(length, size, same[start : start + size]))
    rng.shuffle(filled)
    return filled


def collate(batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """-> ids (B, T), padded on the right, and the positions in ids.flatten() that count in the
    loss, padded with -1 to a round number."""
    ids = torch.zeros(batch.rows, batch.length, dtype=torch.long)
    counts = torch.zeros(batch.rows, batch.length, dtype=torch.bool)
    for row, (tokens, trained) in enumerate(batch.examples):
        ids[row, : len(tokens)] = torch.tensor(tokens)
        counts[row, : len(tokens)] = torch.tensor(trained)
    positions = counts.flatten().nonzero()[:, 0]
    return ids, F.pad(positions, (0, -len(positions) % (4 * GRAIN)), value=-1)


# ---- model


def new_model(tokenizer) -> Qwen3ForCausalLM:
    config = Qwen3Config(
        vocab_size=len(tokenizer),
        tie_word_embeddings=True,
        max_position_embeddings=2048,
        attention_bias=True,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
        attn_implementation="eager",
        preset="tiny",  # the settings that suit it and what is tuned from it: common.suited
        **SHAPE,
    )
    return Qwen3ForCausalLM(config)


def loss_of(model, body, batch: Batch) -> torch.Tensor:
    """Mean cross entropy of the tokens that a student has to write. `body` is the compiled
    `model.model`; D is its hidden size, P the number of positions, V the vocabulary."""
    ids, positions = collate(batch)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        hidden = body(input_ids=ids, use_cache=False).last_hidden_state  # (B, T, D)
        before = (positions - 1).clamp(min=0)  # the token before each predicts it
        logits = model.lm_head(hidden.flatten(0, 1)[before])  # (P, V)
    targets = ids.flatten()[positions.clamp(min=0)].masked_fill(positions < 0, -100)
    return F.cross_entropy(logits.float(), targets)


@torch.inference_mode()
def well_formed(model, tokenizer, temperature: float) -> tuple[float, str]:
    """On 60 problems of dev, of 1, 2, 3 and 5 steps: share of the steps that are the right one or a
    known misconception with the right numbers, and k/n of the problems right to the end."""
    rng = random.Random("well-formed")
    problems = [
        world.draw(rng, "dev", length, world.Dials(strict=0.3)) for length in [1, 2, 3, 5] * 15
    ]
    prompts = [PROMPT.format(question=problem.question) for problem in problems]
    inputs = tokenizer(prompts, return_tensors="pt", padding=True, padding_side="left")
    inputs.pop("token_type_ids", None)
    sampling = dict(do_sample=False)
    if temperature:
        sampling = dict(do_sample=True, temperature=temperature, top_k=0)
    ids = model.generate(
        **inputs,
        max_new_tokens=360,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.convert_tokens_to_ids("<end_of_code>"),
        **sampling,
    )
    good = steps = right = 0
    for problem, row in zip(problems, ids[:, inputs["input_ids"].shape[1] :], strict=True):
        text = tokenizer.decode(row)
        written = re.findall(r"^n\d+ = (.*)$", text, re.M)
        known = [[form.expression for form in step.forms] for step in problem.steps]
        good += sum(expression in forms for expression, forms in zip(written, known, strict=False))
        steps += max(len(written), len(known))  # a step too many or too few is malformed
        right += written == [forms[0] for forms in known] and "<end_of_code>" in text
    return round(good / steps, 3), f"{right}/{len(problems)}"


# ---- training


def optimizers(model, rate: float) -> list[torch.optim.Optimizer]:
    """Muon for the matrices, AdamW for embeddings, norms and biases."""
    matrices, others = [], []
    for name, weights in model.named_parameters():
        is_matrix = weights.dim() == 2 and "embed" not in name
        (matrices if is_matrix else others).append(weights)
    muon = torch.optim.Muon(
        matrices, lr=rate, momentum=0.95, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"
    )
    adamw = torch.optim.AdamW(others, lr=rate, betas=(0.9, 0.95), weight_decay=0.0, fused=True)
    return [muon, adamw]


def schedule(seen: float, tokens: float) -> tuple[Phase, float]:
    """-> (phase, rate as a share of --rate) after `seen` of all `tokens`."""
    at = seen / tokens * sum(phase.tokens for phase in PHASES)
    for phase in PHASES:
        if at < phase.tokens or phase is PHASES[-1]:
            break
        at -= phase.tokens
    return phase, phase.first + (phase.last - phase.first) * min(1.0, at / phase.tokens)


def average_gradients(model, processes: int) -> None:
    """All processes take the same step."""
    if processes == 1:
        return
    weights = list(model.parameters())
    together = torch.cat([p.grad.flatten() for p in weights])
    dist.all_reduce(together)
    sizes = [p.numel() for p in weights]
    for p, grad in zip(weights, together.split(sizes), strict=True):
        p.grad.copy_(grad.view_as(p) / processes)


def train_step(model, body, batch: Batch, opts, rate: float, processes: int) -> float:
    """-> the loss before the step."""
    for opt in opts:
        for group in opt.param_groups:
            group["lr"] = rate
    loss = loss_of(model, body, batch)
    loss.backward()
    average_gradients(model, processes)
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for opt in opts:
        opt.step()
        opt.zero_grad()
    return loss.item()


def train(model, tokenizer, args, checkpoint: str, processes: int, rank: int) -> None:
    """Trains to the end. Every SAVE_EVERY seconds and at the end writes the checkpoint, from which
    a rerun resumes, and a line of the log."""
    # This and eager attention together are 1.5 times as fast at these sizes.
    body = torch.compile(model.model, dynamic=True)
    opts = optimizers(model, args.rate)
    settings = dict(tokens=args.tokens, rate=args.rate, seed=args.seed, processes=processes)
    done = dict(seen=0, pool=0, log=[], seconds=0.0)
    if os.path.exists(checkpoint):
        done = resume(checkpoint, settings, model, opts)

    started = time.time() - done["seconds"]
    saved = time.time()
    average = None  # of the loss
    bar = tqdm(total=int(args.tokens), initial=done["seen"], unit="tok", disable=rank > 0)
    while done["seen"] < args.tokens:
        phase, _ = schedule(done["seen"], args.tokens)
        pool = batches(tokenizer, args.seed, done["pool"] * processes + rank, phase)
        for i, batch in enumerate(pool[:POOL]):  # the same number of steps in every process
            _, share = schedule(done["seen"], args.tokens)
            warm = min(1.0, (done["pool"] * POOL + i + 1) / 100)
            loss = train_step(model, body, batch, opts, args.rate * share * warm, processes)
            average = loss if average is None else 0.98 * average + 0.02 * loss
            # Padding included, so that all processes agree.
            done["seen"] += phase.batch * processes
            bar.update(phase.batch * processes)
            bar.set_postfix(loss=f"{average:.3f}", refresh=False)

        # Between pools only: a checkpoint needs no place within one.
        done["pool"] += 1
        due = time.time() - saved > SAVE_EVERY or done["seen"] >= args.tokens
        if rank == 0 and due:
            saved = time.time()
            done["seconds"] = saved - started
            done["log"].append(log_entry(model, tokenizer, done, average))
            save(checkpoint, settings, model, opts, done)


def log_entry(model, tokenizer, done: dict, loss: float) -> dict:
    entry = dict(
        tokens=done["seen"],
        minutes=round(done["seconds"] / 60, 1),
        loss=round(loss, 4),
        sampled=well_formed(model, tokenizer, 1.0),
        greedy=well_formed(model, tokenizer, 0.0),
    )
    print(json.dumps(entry), flush=True)
    return entry


def save(checkpoint: str, settings: dict, model, opts, done: dict) -> None:
    states = dict(model=model.state_dict(), opts=[opt.state_dict() for opt in opts])
    # Written aside and moved into place: a kill at any moment leaves a whole checkpoint.
    part = Path(f"{checkpoint}.part")
    part.mkdir(exist_ok=True)
    with saving(part):
        torch.save(states | dict(settings=settings, done=done), part / "state")
        os.replace(part / "state", checkpoint)
        part.rmdir()


def resume(checkpoint: str, settings: dict, model, opts) -> dict:
    """Loads the states and gives back how far the run was."""
    try:
        kept = torch.load(checkpoint)
        common.refuse_other_settings(checkpoint, kept["settings"], settings)
        model.load_state_dict(kept["model"])
        for opt, state in zip(opts, kept["opts"], strict=True):
            opt.load_state_dict(state)
        return kept["done"]
    except UserError:
        raise
    except Exception as error:  # whatever the loaders raise
        name = type(error).__name__
        raise UserError(f"{checkpoint}: damaged, cannot be resumed; delete it ({name})") from error


def save_model(model, tokenizer, out: Path) -> None:
    """Writes the model aside, then file by file over what `out` holds."""
    part = Path(f"{out}.part")
    with saving(part):
        model.to(torch.bfloat16).save_pretrained(part)
        tokenizer.save_pretrained(part)
        for file in part.iterdir():
            os.replace(file, out / file.name)
        part.rmdir()


def pretrain(arguments: list[str] | None) -> int:
    """The command line; returns the exit code."""
    parser = common.Parser(prog="pretrain.py", description=__doc__.split("\n\n")[0])
    parser.add_argument("--out", default="tiny/base")
    parser.add_argument("--tokens", type=float, default=TOKENS)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(arguments)
    processes = int(os.environ.get("WORLD_SIZE", 1))
    rank = int(os.environ.get("RANK", 0))
    if processes > 1:
        dist.init_process_group("gloo")
        torch.set_num_threads(1)
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(args.seed)
    tokenizer = build_tokenizer()
    model = new_model(tokenizer)
    train(model, tokenizer, args, f"{out}.state", processes, rank)
    if rank == 0:
        save_model(model, tokenizer, out)
    return 0


def main(arguments: list[str] | None = None) -> int:
    resume = "; the same command resumes from the last checkpoint"
    return common.run("pretrain", lambda: pretrain(arguments), "smaller batches (PHASES)", resume)


if __name__ == "__main__":
    sys.exit(main())

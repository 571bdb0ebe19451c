"""Tunes the policy: supervised fine-tuning of the base on the best right trajectories of one or more rounds.

    python train_policy.py --base tiny/base --trees round1.jsonl round2.jsonl --out policy-r2
    accelerate launch --mixed_precision bf16 --use_fsdp --fsdp_version 2 train_policy.py --base Qwen/Qwen2.5-Math-7B \\
        --trees trees.jsonl --out policy-r1 --batch 128 --lr 7e-6 --length 4096

What is trained on: per problem, over all files together, the 2 right trajectories with the highest mean Q of their
steps. In every round the policy starts from the base again, never from the last round's policy. The loss covers what the
model itself has to write, the steps and the sentence with the answer; the question and the verifier's output are read,
not learned. (The authors' code trains on the interpreter's output as well.)

Where the paper is silent: a problem's trajectories of all rounds are ranked together, and one counts also if no rollout
went through it to its end (its last step's Q is then the PPM's estimate, or 0 without a PPM). This favours trees searched
without a PPM: there a Q can be 1, with a PPM its estimates, which are less, count in the mean.

The PPM's trainer has the same skeleton: `diff train_policy.py train_ppm.py` shows what a preference model needs instead.
Three sections, data, model and training, then what both trainers share as it is (batches, saving, resuming, command line),
which train_ppm.py imports from here. Start reading at `train`.
"""
import contextlib
import dataclasses
import hashlib
import json
import math
import os
import random
import re
import shutil
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list
from tqdm import tqdm
from transformers import AddedToken

from rstar import (END_OF_ANSWER, MARKERS, Config, Parser, UserError, format_prompt, holds_trees, load, pick_device,
                   read_records, read_trees, refuse_other_settings, run, setting, terminals)


@dataclass(frozen=True)
class Settings:
    """Every number of the training, once. The defaults fit the tiny model and few problems (evolve.sh has more); the paper's
    numbers stand in the help."""
    base: str = setting(dataclasses.MISSING, "the model to start from: folder, .gguf file or hub id")
    trees: list = setting(dataclasses.MISSING, "files that rstar.py --trees wrote, or .json/.jsonl with {query, response} in each record")
    out: str = setting(dataclasses.MISSING, "folder for the tuned policy")
    data: str = setting("verified", "verified: the right trajectories with the highest mean Q (paper); as controls, outcome: random right "
                        "ones; unverified: as many random finished ones, right or wrong")
    keep: int = setting(2, "trajectories per problem (paper); of {query, response} records too, which all count as equally good")
    epochs: int = setting(2, "passes over the data (paper)")
    batch: int = setting(16, "trajectories per step of the optimizer (paper: 128)")
    lr: float = setting(7e-4, "highest learning rate (paper: 7e-6 for Qwen, 5e-6 for Phi3; 7e-4 was measured on the tiny model)")
    warmup: float = setting(.05, "share of the steps in which the rate rises; then it falls linearly to 0 (our choice)")
    clip: float = setting(1., "greatest norm of the gradient (our choice)")
    length: int = setting(2048, "greatest length in tokens; longer trajectories are dropped (paper: 4096)")
    tokens: int = setting(16384, "tokens in one forward pass, padding included: a batch that has more is accumulated (our choice)")
    held_out: float = setting(.1, "share of the problems that is not trained on; by default the same ones as the PPM's, so that neither has "
                            "seen them (our choice)")
    precision: str = setting("auto", "auto (what accelerate launch was told, else bf16 or fp16 on cuda and no elsewhere), no, bf16, fp16")
    save_dtype: str = setting("bfloat16", "precision of the saved weights: bfloat16 or float32")
    save_every: float = setting(120., "seconds between two states that a rerun can go on from (our choice)")
    seed: int = setting(0, "seed of the choice, the split and the order of the data")

    def __post_init__(self):
        check_settings(self, data=("verified", "unverified", "outcome"))


# ---------------------------------------------------------------------------------------------------------------------
# Data: files -> trajectories -> rows of tokens.

@dataclass
class Trajectory:
    question: str
    steps: str          # all steps, the output and the stated answer, as `Node.path`
    right: bool
    mean_q: float       # mean of Q over the steps


@dataclass
class Row:
    """A trajectory as T tokens. `trained[t]`: does token t count in the loss?"""
    question: str
    ids: list
    trained: list

    length = property(lambda self: len(self.ids))
    width = 1           # sequences in a row


def read_trajectories(path):
    """The finished trajectories of a file of trees, or those of the authors' {query, response} records, which are right
    (theirs are chosen already; they count with a mean Q of 1)."""
    if holds_trees(path):
        return [trajectory(end) for root in read_trees(path) for end in terminals(root)]
    found = []
    for place, record in read_records(path):
        if not isinstance(record.get("query"), str) or not isinstance(record.get("response"), str):
            raise UserError(f'{place}: neither a tree that rstar.py --trees wrote nor {{"query": ..., "response": ...}}')
        steps = record["response"].removeprefix("<code>").strip()
        found.append(Trajectory(record["query"], steps, True, 1.))
    return found


def trajectory(end):
    """The trajectory that ends in a terminal node, whether a rollout has visited that or not."""
    return Trajectory(end.root.text, end.path, bool(end.right), statistics.fmean(node.Q for node in end.steps))


def by_problem(trajectories):
    """{question: its trajectories}, each text once: the one with the highest mean Q."""
    problems = {}
    for one in sorted(trajectories, key=lambda one: -one.mean_q):
        problems.setdefault(one.question.strip(), {}).setdefault(one.steps, one)
    return {question: list(problems[question].values()) for question in sorted(problems)}


def choose(trajectories, settings):
    """Per problem up to `keep` trajectories. The authors' top 2 by mean Q, or one of the two controls."""
    stated = [one for one in trajectories if "\\boxed" in one.steps.rpartition("<answer>")[2]]     # else there is nothing to learn from its end
    rng, verified, controls = random.Random(settings.seed), [], []
    for every in by_problem(stated).values():
        right = [one for one in every if one.right]
        verified += right[:settings.keep]
        pool = right if settings.data == "outcome" else every
        controls += rng.sample(pool, min(settings.keep, len(pool)))
    if not verified:
        raise UserError(f"{' '.join(settings.trees)}: no right trajectory with a \\boxed answer among {len(trajectories)}; search with more rollouts, and "
                        "with reference answers (rstar.py --problems)")
    rng.shuffle(controls)
    return verified if settings.data == "verified" else controls[:len(verified)]


UNTRAINED = re.compile(r"(?<=<end_of_code>)\s*<output>.*?<end_of_output>\s*<answer>", re.DOTALL)


def encode(one, tokenizer):
    """-> Row. What the model does not have to write is not trained on: the prompt, OUTPUT. (It writes BETWEEN where it
    is asked for a whole solution.)"""
    prompt = (tokenizer.bos_token or "") + format_prompt(one.question)
    text = prompt + one.steps + ("" if one.steps.endswith(END_OF_ANSWER) else END_OF_ANSWER)
    spans = [(0, len(prompt))] + [match.span() for match in UNTRAINED.finditer(text, len(prompt))]
    tokens = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    trained = [not any(start <= at < end for start, end in spans) for at, _ in tokens["offset_mapping"]]
    return Row(one.question, tokens["input_ids"], trained)


def make_items(settings, model, tokenizer):
    """-> (all rows that fit the length, counts for the metrics)."""
    trajectories = [one for path in settings.trees for one in read_trajectories(path)]
    chosen = choose(trajectories, settings)
    rows = [encode(one, tokenizer) for one in chosen]
    counts = dict(problems=len({one.question for one in trajectories}), trajectories=len(trajectories), right=sum(one.right for one in trajectories),
                  chosen=len(chosen), chosen_right=sum(one.right for one in chosen), problems_chosen=len({one.question for one in chosen}))
    return drop_long(rows, counts, settings, model), counts


def show(row, tokenizer):
    """The text of a row; what is trained on stands in « »."""
    text, inside = "", False
    for token, trained in zip(row.ids, row.trained):
        text += ("«" if trained else "»") * (trained != inside) + tokenizer.decode([token])
        inside = trained
    return text + "»" * inside


# ---------------------------------------------------------------------------------------------------------------------
# Model. B rows, T tokens, V entries of the vocabulary.

def load_model(settings):
    """The base as (model, tokenizer), in float32; with a token for each marker and one for padding."""
    model, tokenizer = load(settings.base, "base", "AutoModelForCausalLM", ("CausalLM", "LMHeadModel"), Config(device="cpu", dtype="float32"))
    add_markers(model, tokenizer)
    only_trained_logits(model)
    return model, tokenizer


def add_markers(model, tokenizer):
    """Each marker becomes one special token. A row of the embeddings that is new starts as a copy: of the end token's
    for markers that end something, else of the newline's. (Random rows gave junk when sampling.)

    The pad token must be another than the end token and the markers: the PPM reads its score at the last token that is
    no padding."""
    vocabulary = tokenizer.get_vocab()
    fresh = [marker for marker in MARKERS if marker not in vocabulary]
    newline = tokenizer("\n", add_special_tokens=False)["input_ids"][-1]
    end = newline if tokenizer.eos_token_id is None else tokenizer.eos_token_id
    copied = {marker: end if "end_of" in marker else newline for marker in fresh}
    tokenizer.add_tokens([AddedToken(marker, special=True, normalized=False) for marker in fresh], special_tokens=True)
    if tokenizer.pad_token in (None, tokenizer.eos_token, *MARKERS):
        tokenizer.add_special_tokens(dict(pad_token="<pad>"))
    model.config.get_text_config().pad_token_id = tokenizer.pad_token_id
    if len(tokenizer) > model.get_input_embeddings().weight.shape[0]:
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    with torch.no_grad():
        for layer in (model.get_input_embeddings(), model.get_output_embeddings()):
            for marker, like in copied.items():
                layer.weight[tokenizer.convert_tokens_to_ids(marker)] = layer.weight[like].clone()


def only_trained_logits(model):
    """Has the output layer see only the positions that count, (B, T, D) -> (N, D): the others' logits would be thrown
    away, and with a vocabulary of 150k they fill the memory. A hook, since under DDP and FSDP the model must be called as
    a whole. The positions are set by `losses`."""
    model.get_output_embeddings().register_forward_pre_hook(lambda layer, inputs: (inputs[0][model.positions],))


def collate(rows, pad, device):
    """-> ids (B, T) padded on the right, mask (B, T) of real tokens, trained (B, T)."""
    T = max(row.length for row in rows)
    padded = lambda lists, value: torch.tensor([one + [value] * (T - len(one)) for one in lists], device=device)
    return padded([row.ids for row in rows], pad), padded([[1] * row.length for row in rows], 0), padded([row.trained for row in rows], False)


def losses(model, rows, pad, accelerator):
    """-> (N,) the cross-entropy at each of the N trained tokens of some rows."""
    ids, mask, trained = collate(rows, pad, accelerator.device)
    positions = torch.zeros_like(trained)
    positions[:, :-1] = trained[:, 1:]                       # the token before predicts it
    accelerator.unwrap_model(model).positions = positions
    logits = model(input_ids=ids, attention_mask=mask, use_cache=False).logits      # (N, V)
    return F.cross_entropy(logits.float(), ids[trained], reduction="none")


def weight(item):
    """What an item, here a row, weighs in the mean of the loss: its trained tokens."""
    return sum(item.trained)


# ---------------------------------------------------------------------------------------------------------------------
# Training.

def update(model, optimizer, batch, pad, accelerator, settings):
    """One step of the optimizer, in as many forward passes as `tokens` asks for -> loss of the batch."""
    total, summed = sum(weight(item) for item in batch), 0.
    for part, counts, last in parts(batch, accelerator, settings.tokens):
        with contextlib.nullcontext() if last else accelerator.no_sync(model):
            loss = losses(model, part, pad, accelerator).sum() * counts / total
            accelerator.backward(loss * accelerator.num_processes)       # DDP takes the mean over processes
        summed += loss.detach()
    accelerator.clip_grad_norm_(model.parameters(), settings.clip)
    optimizer.step()
    optimizer.zero_grad()
    return accelerator.reduce(summed).item()


@torch.no_grad()
def evaluate(model, items, pad, accelerator, settings):
    """Held-out items -> dict for the metrics."""
    model.eval()
    summed = torch.zeros((), device=accelerator.device)
    for batch in batches(items, settings.batch, settings.seed, 0):
        for part, counts, _ in parts(batch, accelerator, settings.tokens):
            summed += losses(model, part, pad, accelerator).sum() * counts
    model.train()
    total = sum(weight(item) for item in items)
    return dict(held_out_loss=accelerator.reduce(summed).item() / total if total else None, held_out_tokens=total)


def train(settings, dry_run=False):
    """The whole training -> exit code. A rerun after a kill goes on from the last state, with the same data."""
    model, tokenizer = load_model(settings)
    items, counts = make_items(settings, model, tokenizer)
    training, held_out = split(items, settings, counts)
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
            loss = update(model, optimizer, batch, tokenizer.pad_token_id, accelerator, settings)
            progress["tokens"] += sum(item.length * item.width for item in batch)
            progress["summed"] += finite(loss, settings)
            progress["step"], progress["seconds"] = step + 1, time.time() - started
            bar.update()
            bar.set_postfix(loss=f"{loss:.3f}", tokens_s=f"{progress['tokens'] / progress['seconds']:.0f}")
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


# ---------------------------------------------------------------------------------------------------------------------
# What both trainers share: batches.

POOL = 32       # batches that are cut from one pool sorted by length, so that little is padded; our choice


def batches(items, size, seed, epoch):
    """Batches of `size` items of about one length, in an order that is a function of seed and epoch."""
    rng = random.Random(f"{seed} {epoch}")
    order, made = rng.sample(items, len(items)), []
    for i in range(0, len(order), size * POOL):
        pool = sorted(order[i:i + size * POOL], key=lambda item: item.length)
        made += [pool[j:j + size] for j in range(0, len(pool), size)]
    rng.shuffle(made)
    return made


def parts(batch, accelerator, tokens):
    """Cuts a batch into passes of at most `tokens` tokens, and those into the shares of the processes.

    Yields (items of this process, 1. or 0., is it the last pass). Under FSDP every process has to run as many passes as
    the others, so one without a share runs an item that counts 0."""
    longest, widest = max(item.length for item in batch), max(item.width for item in batch)
    each = max(1, tokens // (longest * widest)) * accelerator.num_processes
    for i in range(0, len(batch), each):
        share = batch[i:i + each][accelerator.process_index::accelerator.num_processes]
        yield share or batch[:1], float(bool(share)), i + each >= len(batch)


def set_rate(optimizer, settings, step, steps):
    """Linear warm-up, then linearly down to 0."""
    warm = max(1, settings.warmup * steps)
    for group in optimizer.param_groups:
        group["lr"] = settings.lr * min((step + 1) / warm, (steps - step) / max(1, steps - warm))


def finite(loss, settings):
    """The loss, or the dict of those that were held out, if all are numbers."""
    if not all(math.isfinite(value or 0.) for value in (loss.values() if isinstance(loss, dict) else [loss])):
        raise UserError(f"the loss is {loss}: the training has diverged; try a lower --lr than {settings.lr:g}")
    return loss


def is_held_out(question, settings):
    """By problem, never by pair or row: whatever the files are, a problem falls on the same side."""
    number = int.from_bytes(hashlib.sha256(f"{settings.seed} {question.strip()}".encode()).digest()[:6], "big")
    return number / 2 ** 48 < settings.held_out


def split(items, settings, counts):
    """-> (training, held out). With so few problems that one side is empty, all are trained on."""
    sides = [], []
    for item in items:
        sides[is_held_out(item.question, settings)].append(item)
    training, held_out = sides if sides[0] else sides[::-1]
    counts.update(training=len(training), held_out=len(held_out))
    return training, held_out


def drop_long(items, counts, settings, model):
    """The items that fit `length` and the model; says on one line how many do not."""
    longest = min(settings.length, getattr(model.config.get_text_config(), "max_position_embeddings", None) or settings.length)
    kept = [item for item in items if item.length <= longest]
    counts["too_long"] = len(items) - len(kept)
    if not kept:
        raise UserError(f"{' '.join(settings.trees)}: every text is over the length of {longest} tokens (the shortest has "
                        f"{min(item.length for item in items)}); raise --length, up to what the model can read")
    if counts["too_long"]:
        print(f"{counts['too_long']} of {len(items)} texts are over the length of {longest} tokens and dropped", file=sys.stderr)
    return kept


def describe(items, counts, show, tokenizer):
    """--dry-run: what the data hold, and three samples."""
    for name, value in counts.items():
        print(f"{name.replace('_', ' '):24}{value}")
    lengths = sorted(item.length for item in items)
    print(f"{'tokens per text':24}{lengths[0]} to {lengths[-1]}, median {lengths[len(lengths) // 2]}, {sum(lengths)} in all")
    for number, item in enumerate(random.Random(0).sample(items, min(3, len(items)))):
        print(f"\n--- sample {number + 1}, {item.length} tokens\n{show(item, tokenizer)}")
    return 0


# ---------------------------------------------------------------------------------------------------------------------
# What both trainers share: saving and going on.

def fingerprint(settings, items):
    """What has to be the same for a rerun to go on: the settings and the data, but not where and how often it saves, nor
    how much goes through the model at a time."""
    wanted = {name: value for name, value in dataclasses.asdict(settings).items() if name not in ("out", "trees", "tokens", "save_every")}
    digest = hashlib.sha256()
    for item in items:
        digest.update(repr(item).encode())
    return dict(wanted, data_hash=digest.hexdigest()[:16])


def is_complete(settings, wanted):
    """Has OUT been made already with these settings? Refuses an OUT of other settings or of something else."""
    out, metrics = Path(settings.out), Path(settings.out, "metrics.json")
    if metrics.exists():
        try:
            found = json.loads(metrics.read_text())["settings"]
        except (ValueError, KeyError, TypeError):
            raise UserError(f"{metrics}: not written by this program; give another --out") from None
        refuse_other_settings(out, found, wanted)
        print(f"{out}: complete already, nothing to do")
        shutil.rmtree(state_folder(settings), ignore_errors=True)
        return True
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise UserError(f"{out}: is there already and not made by this program; give another --out")
    return False


def state_folder(settings):
    """OUT.state, which holds what a rerun needs, and at the end the model until it is whole. Refuses one that holds something else."""
    folder = Path(settings.out.rstrip("/") + ".state")
    if folder.is_dir() and not all(one.name.isdigit() or one.name in ("part", "model") for one in folder.iterdir()):
        raise UserError(f"{folder}: is there already and not made by this program; give another --out")
    return folder


def save_state(accelerator, settings, wanted, progress, saved):
    """Every `save_every` seconds writes what a rerun needs: aside, then moved into place. -> time of the last one."""
    due, = broadcast_object_list([time.time() - saved >= settings.save_every])      # the processes' clocks may differ
    if not due:
        return saved
    folder = state_folder(settings)
    accelerator.save_state(str(folder / "part"))
    accelerator.wait_for_everyone()                   # each process writes its own part of it
    if accelerator.is_main_process:
        (folder / "part" / "progress.json").write_text(json.dumps(dict(settings=wanted, **progress)))
        os.replace(folder / "part", folder / str(progress["step"]))
        for other in folder.iterdir():
            if other.name != str(progress["step"]):
                shutil.rmtree(other)
    accelerator.wait_for_everyone()
    return time.time()


def restore(accelerator, settings, wanted):
    """Loads the last state into what `accelerator` has prepared -> its progress, or None if there is no state."""
    try:
        state_folder(settings).mkdir(parents=True, exist_ok=True)       # told before the work, not after
    except OSError as error:
        raise UserError(f"--out {settings.out}: nothing can be written there: {error.strerror}") from None
    steps = [int(one.name) for one in state_folder(settings).glob("*") if one.name.isdigit()]
    if not steps:
        return None
    folder = state_folder(settings) / str(max(steps))
    try:
        progress = json.loads((folder / "progress.json").read_text())
        refuse_other_settings(state_folder(settings), progress.pop("settings"), wanted)
        accelerator.load_state(str(folder))
    except UserError:
        raise
    except Exception as error:        # whatever the loaders raise
        raise UserError(f"{folder}: damaged, it cannot be gone on from; delete it ({type(error).__name__})") from error
    return progress


def save_model(accelerator, model, tokenizer, settings, metrics):
    """OUT as a folder that from_pretrained loads, with metrics.json: written aside, then moved into place."""
    weights = accelerator.get_state_dict(model)
    if accelerator.is_main_process:
        out, part = Path(settings.out), state_folder(settings) / "model"
        shutil.rmtree(part, ignore_errors=True)
        plain = accelerator.unwrap_model(model)
        dtype = getattr(torch, settings.save_dtype)
        cast = {tensor.data_ptr(): tensor.to(dtype) for tensor in weights.values()}      # by address, so that tied weights stay tied
        plain.save_pretrained(part, state_dict={name: cast[tensor.data_ptr()] for name, tensor in weights.items()})
        plain.config.dtype = dtype                    # save_pretrained has written that of the training
        plain.config.save_pretrained(part)
        tokenizer.save_pretrained(part)
        (part / "metrics.json").write_text(json.dumps(metrics, indent=1))
        os.replace(part, out)
        shutil.rmtree(state_folder(settings), ignore_errors=True)
        print(f"{out}: {json.dumps(metrics['history'][-1])}, {metrics['seconds']:.0f} s")
    accelerator.wait_for_everyone()


# ---------------------------------------------------------------------------------------------------------------------
# What both trainers share: command line.

def check_settings(settings, **choices):
    choices.update(precision=("auto", "no", "bf16", "fp16"), save_dtype=("bfloat16", "float32"))
    for name, allowed in choices.items():
        if getattr(settings, name) not in allowed:
            raise UserError(f"--{name.replace('_', '-')} {getattr(settings, name)}: unknown; one of {', '.join(allowed)}")
    for one in dataclasses.fields(settings):
        value, least = getattr(settings, one.name), 1 if one.type is int and one.name != "seed" else 0
        if one.type in (int, float) and not least <= value < float("inf"):
            raise UserError(f"--{one.name.replace('_', '-')} must be at least {least}, not {value}")
    if settings.held_out >= 1:
        raise UserError(f"--held-out {settings.held_out}: a share less than 1, or nothing is left to train on")
    if settings.warmup > 1:
        raise UserError(f"--warmup {settings.warmup}: a share of the steps, at most 1")
    for name in "lr clip scale".split():
        if getattr(settings, name, 1) == 0:
            raise UserError(f"--{name} 0: nothing would be learned; give more")


def start(settings):
    told = "ACCELERATE_MIXED_PRECISION" in os.environ or not torch.cuda.is_available()
    precision = settings.precision if settings.precision != "auto" else None if told else "bf16" if torch.cuda.is_bf16_supported() else "fp16"
    try:
        return Accelerator(mixed_precision=precision, cpu=pick_device(Config()).type == "cpu")     # else processes on a CPU would not join
    except ValueError as error:
        raise UserError(f"--precision {settings.precision}: {error}") from error


def finish(accelerator):
    """Takes leave of the other processes: without it one of ten runs crashed on leaving. The pause lets gloo's thread free its
    last work, for which it needs the GIL; without the pause a run hung once, the main thread holding the GIL and waiting for
    that thread."""
    if accelerator.num_processes > 1:
        time.sleep(1)
    accelerator.end_training()


def progress_bar(plan, progress, accelerator):
    return tqdm(total=len(plan), initial=progress["step"], unit="step", file=sys.stderr, dynamic_ncols=True,
                disable=not accelerator.is_main_process)


def command_line(program, description, Settings, train, arguments):
    """Flags from the fields of Settings; runs `train` -> exit code. What a user can mend is told in one line."""
    parser = Parser(prog=f"{program}.py", description=description, allow_abbrev=False)
    for one in dataclasses.fields(Settings):
        needed = one.default is dataclasses.MISSING
        parser.add_argument(f"--{one.name.replace('_', '-')}", required=needed, default=None if needed else one.default,
                            **(dict(nargs="+", metavar="FILE") if one.type is list else dict(type=one.type, metavar=one.type.__name__.upper())),
                            help=one.metadata["help"] + ("" if needed else f"; default {one.default}"))
    parser.add_argument("--dry-run", action="store_true", help="print what the data hold, with three samples, and stop")

    def work():
        given = vars(parser.parse_args(arguments))
        given["out"] = str(Path(given["out"]).expanduser())
        dry_run = given.pop("dry_run")
        return train(Settings(**given), dry_run)
    return run(program, work, "fewer tokens at a time (half of --tokens) or shorter texts (--length)",
               "; the same command goes on from the last saved state")


def main(arguments=None):
    return command_line("train_policy", __doc__.splitlines()[0], Settings, train, arguments)


if __name__ == "__main__":
    sys.exit(main())

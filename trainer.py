"""The training loop that train_policy.py and train_ppm.py share. Read one of those first.

A trainer has data, a model and a loss, and hands them to `fit`:

    items              what it trains on, see `Item`; a batch is a list of them
    measure            (model, items, pad, settings) -> {name: sum over the items}; minimizes "loss"
    held_out_metrics   (held-out items, total) -> metrics; total(items) sums what `measure` gives

The weights that come out are a function of the settings and the data. They do not depend on how a
batch is cut into forward passes or shared by processes, except for rounding. A run that was killed
resumes from its last state and ends with the same weights, bit for bit.

Read from the top: the settings, then `fit` and the loop, then batches, saving and the command line.
"""

import contextlib
import dataclasses
import hashlib
import json
import logging
import math
import os
import random
import shutil
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list
from safetensors import SafetensorError
from torch.nn.utils.rnn import pad_sequence
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

import common
from common import UserError, refuse_other_settings, setting


class Item(Protocol):
    """What `fit` asks of a piece of training data: one or several sequences that stay together."""

    question: str
    length: int  # tokens of its longest sequence
    width: int  # sequences
    weight: int  # how much it counts in the mean of the loss


@dataclass(frozen=True, kw_only=True)
class LoopSettings:
    """The settings of the loop. Those of each trainer add what depends on its data and its loss."""

    warmup: float = setting(0.05, "share of the steps in which the rate rises (our choice)", 0, 1)
    clip: float = setting(1.0, "greatest norm of the gradient (our choice)", 1e-9, 1e9)
    length: int = setting(
        4096, "longest text in tokens; longer ones are dropped (paper)", 1, 10**9, tiny=2048
    )
    tokens: int = setting(
        16384, "tokens in a forward pass; larger batches are accumulated (our choice)", 1, 10**12
    )
    held_out: float = setting(
        0.1, "share of the problems, the same in both trainers, not trained on (our choice)", 0, 0.9
    )
    checkpointing: str = setting(
        "auto",
        "yes: compute activations again in the backward pass instead of keeping them, a third more "
        "time for a fraction of the memory; auto: for models of 500M parameters or more",
        choices=("auto", "yes", "no"),
    )
    workers: int = setting(1, "processes that share each batch; with several GPUs one each", 1, 64)
    precision: str = setting(
        "auto",
        "no, bf16, fp16, or auto: what accelerate launch says, else the fastest of this hardware",
        choices=("auto", "no", "bf16", "fp16"),
    )
    save_dtype: str = setting(
        "bfloat16", "precision of the saved weights", choices=("bfloat16", "float32")
    )
    save_every: float = setting(120.0, "seconds between saved states (our choice)", 0, 1e9)
    seed: int = setting(0, "seed of what is drawn: data, split, order, new weights", 0, 2**63)

    # What is printed at the start of a run: each trainer adds what suits one model and not another.
    printed = ("epochs", "batch", "lr", "length")

    def __post_init__(self):
        common.check(self)


@dataclass
class Progress:
    """How far a run is: what a rerun resumes from, and in the end part of metrics.json."""

    step: int = 0  # updates made
    tokens: int = 0  # trained on, without padding of short sequences to a batch's length
    seconds: float = 0.0
    loss_sum: float = 0.0  # of this epoch's steps so far
    history: list[dict] = field(default_factory=list)  # metrics before the first epoch, after each


@dataclass
class Run:
    """What the functions of the loop need in common."""

    settings: LoopSettings
    accelerator: Accelerator
    model: torch.nn.Module
    measure: Callable  # (model, items) -> {name: sum over the items}
    optimizer: torch.optim.Optimizer | None = None


# --------------------------------------------------------------------------------------------------
# The loop.


def fit(settings, model, tokenizer, training, held_out, counts, measure, held_out_metrics) -> int:
    """Trains `model` on `training` and saves it as `settings.out`; returns the exit code.

    counts   what the data hold; goes into metrics.json as it is
    """
    # All that can be wrong with --out is reported now, not after hours of training.
    out = output_folder(settings.out)
    identity = identify(settings, training + held_out)
    if is_complete(out, identity):
        return 0
    accelerator = start(settings.precision)
    with locked(out, accelerator):
        # Another run may have finished this model between the check above and the lock.
        if not from_main(accelerator.is_main_process and is_complete(out, identity)):
            if uses_checkpointing(model, settings):
                model.activation_checkpointing_enable()
            if accelerator.device.type == "cpu" and accelerator.mixed_precision == "bf16":
                attend_in_float32(model)
            # Our choice: the paper names AdamW without its numbers.
            optimizer = torch.optim.AdamW(
                model.parameters(), lr=settings.lr, betas=(0.9, 0.95), weight_decay=0.0, fused=True
            )
            model, optimizer = accelerator.prepare(model, optimizer)
            measure = partial(measure, pad=tokenizer.pad_token_id, settings=settings)
            run = Run(settings, accelerator, model, measure, optimizer)
            # After `prepare`, since the state is loaded into what that returns.
            progress = restore(accelerator, state_folder(out), identity)
            save = partial(save_state, accelerator, state_folder(out), identity)
            train_epochs(run, training, held_out, held_out_metrics, progress, save)
            save_model(run, tokenizer, out, identity, counts, progress)
    if accelerator.num_processes > 1:
        # gloo's thread needs Python's lock to free its last work: without this pause a run hung.
        time.sleep(1)
    # Without this one in ten runs of two processes crashed on leaving.
    accelerator.end_training()
    return 0


# Parameters from which activations take more memory than a GPU has to spare (our choice).
LARGE = 500_000_000


def uses_checkpointing(model, settings) -> bool:
    """Whether to use gradient checkpointing."""
    if settings.checkpointing == "auto":
        return model.num_parameters() >= LARGE
    return settings.checkpointing == "yes"


def attend_in_float32(model) -> None:
    """On a CPU the backward pass of attention takes 3.5 times as long in bf16 (tiny policy)."""
    if model.config._attn_implementation == "sdpa":
        model.set_attn_implementation("sdpa_in_float32")


def sdpa_in_float32(module, query, key, value, *arguments, **options):
    """Transformers' attention by `scaled_dot_product_attention`, but never in bf16."""
    with torch.autocast(query.device.type, enabled=False):
        output, weights = sdpa_attention_forward(
            module, query.float(), key.float(), value.float(), *arguments, **options
        )
    return output.to(query.dtype), weights


AttentionInterface.register("sdpa_in_float32", sdpa_in_float32)
AttentionMaskInterface.register("sdpa_in_float32", sdpa_mask)


def train_epochs(run, training, held_out, held_out_metrics, progress, save) -> None:
    """All updates from `progress` on, with an evaluation after each epoch."""
    settings = run.settings
    accelerator = run.accelerator
    total = partial(sum_over, run)
    steps_per_epoch = math.ceil(len(training) / settings.batch)
    steps = settings.epochs * steps_per_epoch
    if accelerator.is_main_process:
        line = common.list_settings(settings, settings.printed)
        precision = f"precision {accelerator.mixed_precision} on {accelerator.device}"
        print(f"{line}, {precision}", file=sys.stderr)
    # The seconds of all runs together, without the time between a kill and the rerun.
    started = time.monotonic() - progress.seconds
    saved = time.monotonic()

    # The metrics before any update: what the training is judged against.
    if progress.step == 0:
        metrics = finite(held_out_metrics(held_out, total), settings, progress.step)
        progress.history.append(dict(epoch=0, **metrics))
    run.model.train()
    disable = not accelerator.is_main_process
    with common.progress_bar(steps, "step", progress.step, disable=disable) as bar:
        for epoch, batch, ends_epoch in schedule(training, settings, progress.step):
            # A function of the step alone, so a rerun needs no state of a scheduler.
            set_rate(run.optimizer, settings, progress.step, steps)
            sums = finite(update(run, batch), settings, progress.step)
            progress.step += 1
            progress.loss_sum += sums["loss"]
            progress.tokens += sum(item.length * item.width for item in batch)
            progress.seconds = time.monotonic() - started
            shown = {name: f"{value:.3g}" for name, value in sums.items()}
            speed = progress.tokens / progress.seconds
            bar.set_postfix(**shown, tokens_s=f"{speed:.0f}", refresh=False)
            bar.update()
            # Before the state is saved: a rerun must not skip the evaluation.
            if ends_epoch:
                metrics = finite(held_out_metrics(held_out, total), settings, progress.step)
                loss = progress.loss_sum / steps_per_epoch
                progress.history.append(dict(epoch=epoch, loss=loss, **metrics))
                progress.loss_sum = 0.0
            # The clocks of the processes may differ, and all of them have to save together.
            if from_main(time.monotonic() - saved >= settings.save_every):
                save(progress)
                saved = time.monotonic()


def update(run: Run, batch: list[Item]) -> dict[str, float]:
    """One step of the optimizer; returns the mean loss and the other sums of the batch."""
    accelerator = run.accelerator
    weight = sum(item.weight for item in batch)
    sums = Counter()
    for items, share, is_last in passes(batch, run.settings.tokens, accelerator):
        # The processes exchange their gradients once per update, in the last pass.
        exchange = contextlib.nullcontext() if is_last else accelerator.no_sync(run.model)
        with exchange:
            measured = run.measure(run.model, items)
            # Over the whole batch, not this pass: however a batch is cut, its gradient is the same.
            loss = measured["loss"] * share / weight
            # DDP takes the mean over the processes, but each has computed its part of a sum.
            accelerator.backward(loss * accelerator.num_processes)
        for name, value in measured.items():
            sums[name] += value.detach() * share
    accelerator.clip_grad_norm_(run.model.parameters(), run.settings.clip)
    run.optimizer.step()
    run.optimizer.zero_grad()
    sums = {name: value.item() for name, value in accelerator.reduce(sums).items()}
    return dict(sums, loss=sums["loss"] / weight)


@torch.no_grad()
def sum_over(run: Run, items: list[Item]) -> Counter:
    """What `measure` adds up to over all items, from all processes; 0 for each name if none."""
    run.model.eval()
    sums = Counter()
    # In batches as in training, whose memory is known to suffice.
    for batch in batches(items, run.settings.batch, run.settings.seed, epoch=0):
        for part, share, _ in passes(batch, run.settings.tokens, run.accelerator):
            for name, value in run.measure(run.model, part).items():
                sums[name] += value * share
    run.model.train()
    return Counter({name: value.item() for name, value in run.accelerator.reduce(sums).items()})


def set_rate(optimizer, settings, step: int, steps: int) -> None:
    """Linear warm-up, then linearly down to 0 (the paper: a linear schedule)."""
    warm = max(1, settings.warmup * steps)
    rising = (step + 1) / warm
    falling = (steps - step) / max(1, steps - warm)
    for group in optimizer.param_groups:
        group["lr"] = settings.lr * min(rising, falling)


def finite(metrics: dict, settings, step: int) -> dict:
    """The metrics, if none of them is NaN or infinity: such weights must never be saved."""
    # None is a metric without data, such as a held-out loss with nothing held out.
    for name, value in metrics.items():
        if value is not None and not math.isfinite(value):
            remedy = f"the training has diverged; try a lower --lr than {settings.lr:g}"
            if step == 0:
                remedy = "the model to start from is damaged, or try --precision bf16 or no"
            raise UserError(f"the {name.replace('_', ' ')} is {value} at step {step}: {remedy}")
    return metrics


# --------------------------------------------------------------------------------------------------
# Batches.

# Batches that are cut from one pool sorted by length: large enough that little is padded, small
# enough that the order stays random (our choice).
POOL = 32


def batches(items: list, size: int, seed: int, epoch: int) -> list[list]:
    """Batches of `size` items of about one length; their order depends on seed and epoch only."""
    rng = random.Random(f"{seed} {epoch}")
    shuffled = rng.sample(items, len(items))
    result = []
    for start in range(0, len(shuffled), size * POOL):
        # Texts of one length in a batch: the shorter ones would be padded to the longest.
        pool = shuffled[start : start + size * POOL]
        pool.sort(key=lambda item: item.length)
        result += [pool[i : i + size] for i in range(0, len(pool), size)]
    # Otherwise each pool would run from its shortest to its longest texts.
    rng.shuffle(result)
    return result


def schedule(items: list, settings, done: int) -> Iterator[tuple[int, list, bool]]:
    """Yields (epoch, batch, whether it ends the epoch) without the first `done` batches."""
    first, skipped = divmod(done, math.ceil(len(items) / settings.batch))
    # One epoch at a time: a plan of all epochs may not fit in memory.
    for epoch in range(first, settings.epochs):
        plan = batches(items, settings.batch, settings.seed, epoch)
        for number in range(skipped, len(plan)):
            yield epoch + 1, plan[number], number + 1 == len(plan)
        skipped = 0


def passes(batch: list, tokens: int, accelerator) -> Iterator[tuple[list, float, bool]]:
    """Cuts a batch into forward passes, and each pass into the shares of the processes.

    Yields (items of this process, 1.0 or 0.0 as a factor of their loss, whether it is the last).
    """
    longest = max(item.length for item in batch)
    widest = max(item.width for item in batch)
    processes = accelerator.num_processes
    # At least one item each, even if it alone is over the budget.
    together = max(1, tokens // (longest * widest)) * processes
    for start in range(0, len(batch), together):
        mine = batch[start : start + together][accelerator.process_index :: processes]
        is_last = start + together >= len(batch)
        if mine:
            yield mine, 1.0, is_last
        else:
            # Under FSDP all processes must run the same passes: this one counts nothing.
            yield batch[:1], 0.0, is_last


def collate(sequences: list[list[int]], pad: int, device) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns ids padded on the right and the mask of real tokens, both (B, T)."""
    ids = [torch.tensor(sequence) for sequence in sequences]
    mask = [torch.ones_like(row) for row in ids]
    padded = pad_sequence(ids, batch_first=True, padding_value=pad)  # (B, T)
    return padded.to(device), pad_sequence(mask, batch_first=True).to(device)


def chance(seed: int, text: str) -> float:
    """A number in [0, 1) that depends on seed and text only, not on the order of the files."""
    digest = hashlib.sha256(f"{seed} {text}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def split(items: list, settings) -> tuple[list, list]:
    """(training, held out), by problem: whatever the files are, a problem falls on one side."""
    training = []
    held_out = []
    for item in items:
        is_held_out = chance(settings.seed, item.question.strip()) < settings.held_out
        (held_out if is_held_out else training).append(item)
    # With very few problems all of them may be held out; then all are trained on.
    return (training, held_out) if training else (held_out, [])


def drop_long(items: list, longest: int, files: list) -> list:
    """The items that fit in `longest` tokens; prints how many do not."""
    kept = [item for item in items if item.length <= longest]
    if items and not kept:
        shortest = min(item.length for item in items)
        raise UserError(
            f"{' '.join(files)}: every example is over the length of {longest} tokens (the "
            f"shortest has {shortest}); raise --length, up to what the model can read"
        )
    if len(kept) < len(items):
        dropped = f"{len(items) - len(kept)} of {len(items)} examples"
        print(f"{dropped} are over the length of {longest} tokens and dropped", file=sys.stderr)
    return kept


def describe(items: list, counts: dict, show: Callable, tokenizer) -> int:
    """--dry-run: prints what the data hold, and three samples."""
    lengths = sorted(item.length for item in items)
    median = lengths[len(lengths) // 2]
    told = f"{lengths[0]} to {lengths[-1]}, median {median}"
    for name, value in {**counts, "length in tokens": told}.items():
        print(f"{name.replace('_', ' '):24}{value}")
    samples = random.Random(0).sample(items, min(3, len(items)))
    for number, item in enumerate(samples, 1):
        print(f"\n--- sample {number}, length {item.length}\n{show(item, tokenizer)}")
    return 0


# --------------------------------------------------------------------------------------------------
# Saving and resuming. OUT appears when it is whole; until then everything is in OUT.state:
#     <step>/    the last state, complete
#     part/      a state while it is written
#     model/     the model while it is written

# Seconds that a run waits for another one, just killed, to let go of the folder (our choice).
LOCK_WAIT = 5


def output_folder(out: str) -> Path:
    """The Path of --out with links followed; UserError if no model could be moved there."""
    # A folder cannot be moved onto a link, but it can replace the empty folder that the link names.
    folder = Path(os.path.realpath(Path(out).expanduser()))
    if folder.is_symlink():
        raise UserError(f"--out {out}: a symbolic link that leads nowhere")
    if os.path.ismount(folder):
        raise UserError(f"--out {out}: a mount point, which cannot be replaced; add a folder name")
    return folder


def state_folder(out: Path) -> Path:
    """OUT.state; UserError if it holds anything that is not ours to delete."""
    folder = out.with_name(f"{out.name}.state")
    names = [item.name for item in folder.iterdir()] if folder.is_dir() else []
    if not all(name.isdigit() or name in ("part", "model") for name in names):
        raise UserError(f"{folder}: exists and was not made by this program; give another --out")
    return folder


def identify(settings, items: list) -> dict:
    """What has to be the same for a rerun to resume: the settings that matter and the data."""
    # These say where things are, how often states are saved and how fast it goes.
    free = ("out", "trees", "tokens", "save_every", "workers", "checkpointing")
    identity = {k: v for k, v in dataclasses.asdict(settings).items() if k not in free}
    for name in {"base", "policy"} & identity.keys():
        identity[name] = common.same_name(identity[name])
    # The data themselves and not the names of the files: they may be moved or written again.
    digest = hashlib.sha256()
    for item in items:
        digest.update(repr(item).encode())
    return dict(identity, data_hash=digest.hexdigest()[:16])


def is_complete(out: Path, identity: dict) -> bool:
    """Whether OUT is this very model already; UserError if it is anything but an empty folder."""
    metrics = out / "metrics.json"
    if metrics.exists():
        try:
            stored = json.loads(metrics.read_text())["settings"]
        except (ValueError, KeyError, TypeError):
            raise UserError(f"{metrics}: not written by this program; give another --out") from None
        refuse_other_settings(out, stored, identity)
        print(f"{out}: complete already, nothing to do")
        # A kill between the move and the clean-up leaves it behind.
        shutil.rmtree(state_folder(out), ignore_errors=True)
        return True
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise UserError(f"{out}: exists and was not made by this program; give another --out")
    return False


@contextlib.contextmanager
def locked(out: Path, accelerator) -> Iterator[None]:
    """Keeps other runs away from OUT and OUT.state; the main process does it for the others."""
    if not accelerator.is_main_process:
        yield
        return
    # Not a file in OUT.state, which is removed while it is still locked.
    path = out.with_name(f".{out.name}.lock")
    deadline = time.monotonic() + LOCK_WAIT
    while True:
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
            file = open(path, "ab")
        except OSError as error:
            reason = f"nothing can be written there: {error.strerror}"
            raise UserError(f"--out {out}: {reason}") from None
        if common.lock(file):
            break
        file.close()
        if time.monotonic() > deadline:
            reason = "another run is writing there; wait, or give another --out"
            raise UserError(f"--out {out}: {reason}")
        time.sleep(0.2)
    with file:
        try:
            yield
        finally:
            path.unlink()


@contextlib.contextmanager
def saving(part: Path) -> Iterator[None]:
    """A full disk while `part` is written becomes one line; the incomplete folder is removed."""
    try:
        yield
    except (OSError, RuntimeError, SafetensorError) as error:
        # torch raises RuntimeError for a full disk, but for a lack of memory too.
        if common.is_shortage(error):
            raise
        shutil.rmtree(part, ignore_errors=True)
        reason = " ".join(str(error).split())[:200]
        kept = "make room and run again to resume from the last saved state"
        raise UserError(f"{part}: cannot be saved ({reason}); {kept}") from error


def save_state(accelerator, folder: Path, identity: dict, progress: Progress) -> None:
    """Writes what a rerun needs aside, moves it into place, and removes the state before."""
    part = folder / "part"
    current = folder / str(progress.step)
    # What a kill left there may be of another number of processes.
    if accelerator.is_main_process:
        shutil.rmtree(part, ignore_errors=True)
    accelerator.wait_for_everyone()
    with saving(part):
        accelerator.save_state(str(part))
        # Each process writes its own share: the state is whole when all have.
        accelerator.wait_for_everyone()
        if accelerator.is_main_process:
            text = json.dumps(dict(settings=identity, **dataclasses.asdict(progress)))
            (part / "progress.json").write_text(text)
            os.replace(part, current)
    # Only now: at every moment one whole state is there.
    if accelerator.is_main_process:
        for other in folder.iterdir():
            if other != current:
                shutil.rmtree(other)
    accelerator.wait_for_everyone()


def restore(accelerator, folder: Path, identity: dict) -> Progress:
    """Loads the last state into what `accelerator` has prepared; without one a new Progress."""
    steps = [int(item.name) for item in folder.glob("*") if item.name.isdigit()]
    if not steps:
        return Progress()
    state = folder / str(max(steps))
    try:
        stored = json.loads((state / "progress.json").read_text())
        or_else = ", or delete it to start again"
        refuse_other_settings(folder, stored.pop("settings"), identity, or_else)
        accelerator.load_state(str(state))
        return Progress(**stored)
    except UserError:
        raise
    except Exception as error:  # whatever the loaders raise
        if common.is_shortage(error):
            raise
        name = type(error).__name__
        raise UserError(f"{state}: damaged, so it cannot be resumed; delete it ({name})") from error


def save_model(run: Run, tokenizer, out: Path, identity: dict, counts: dict, progress) -> None:
    """OUT as a folder that from_pretrained loads, with metrics.json: aside, then into place."""
    accelerator = run.accelerator
    # In all processes: under FSDP each holds a part of the weights.
    weights = accelerator.get_state_dict(run.model)
    if accelerator.is_main_process:
        # The last update may have overflowed after its loss was computed.
        if not all(tensor.isfinite().all() for tensor in weights.values()):
            raise UserError(f"the training has diverged; try a lower --lr than {run.settings.lr:g}")
        metrics = dict(settings=identity, counts=counts, precision=accelerator.mixed_precision)
        metrics.update(dataclasses.asdict(progress))
        del metrics["loss_sum"]
        plain = accelerator.unwrap_model(run.model)
        dtype = getattr(torch, run.settings.save_dtype)
        # Weights that are tied are saved once. FSDP gives two copies of them.
        tied = plain.all_tied_weights_keys
        weights = {name: tensor.to(dtype) for name, tensor in weights.items() if name not in tied}
        part = state_folder(out) / "model"
        shutil.rmtree(part, ignore_errors=True)
        with saving(part):
            plain.save_pretrained(part, state_dict=weights)
            # save_pretrained has written the precision of the training, not of the file.
            plain.config.dtype = dtype
            plain.config.save_pretrained(part)
            tokenizer.save_pretrained(part)
            (part / "metrics.json").write_text(json.dumps(metrics, indent=1))
            os.replace(part, out)
        shutil.rmtree(state_folder(out), ignore_errors=True)
        print(f"{out}: {json.dumps(progress.history[-1])}, {progress.seconds:.0f} s")
    accelerator.wait_for_everyone()


# --------------------------------------------------------------------------------------------------
# Processes, precision and the command line.


def start(precision: str) -> Accelerator:
    """Joins the processes of this run."""
    device = common.pick_device()
    precision = pick_precision(precision, device)
    # A weight that two layers share is saved once; accelerate would say so at each saved state.
    logging.getLogger("accelerate.utils.other").setLevel(logging.ERROR)
    try:
        # cpu=True even where there is no GPU: otherwise processes on a CPU do not join.
        return Accelerator(mixed_precision=precision, cpu=device.type == "cpu")
    except ValueError as error:
        raise UserError(f"--precision {precision}: {error}") from error


def pick_precision(precision: str, device: torch.device) -> str:
    """What --precision auto means on this machine: bf16 only where the hardware computes in it."""
    if precision != "auto":
        return precision
    if "ACCELERATE_MIXED_PRECISION" in os.environ:
        return os.environ["ACCELERATE_MIXED_PRECISION"]
    if device.type == "cuda":
        return "bf16" if common.has_bfloat16() else "fp16"
    # With AVX2 alone bf16 took nine times as long as float32 (measured with the tiny policy).
    fast = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return "bf16" if device.type == "cpu" and fast else "no"


def from_main(value):
    """The value that the main process has, in all processes."""
    return broadcast_object_list([value])[0]


def in_rank(ranks: Iterator[int], train: Callable, settings, port: int) -> Iterator[int]:
    """Runs `train` as one of several processes; what torchrun would set is set here."""
    rank = str(next(ranks))
    os.environ.update(RANK=rank, LOCAL_RANK=rank, WORLD_SIZE=str(settings.workers))
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    # Else each would take a thread for every core: 1,200 tokens/s instead of 10,400 on two cores.
    threads = max(1, common.default_threads() // settings.workers)
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    yield train(settings)


def launch(train: Callable, settings) -> int:
    """Runs `train(settings)` in as many processes as --workers says; returns the exit code."""
    # Started by torchrun or accelerate launch: even kill -9 of those must leave no process behind.
    if "LOCAL_RANK" in os.environ:
        common.end_with_parent()
        return train(settings)
    if settings.workers == 1:
        return train(settings)
    gpus = torch.cuda.device_count()
    if 0 < gpus < settings.workers:
        raise UserError(f"--workers {settings.workers}: at most one for each of the {gpus} GPUs")
    # A free port: with a fixed one two trainings on a machine would meet each other.
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ranks = list(range(settings.workers))
    codes = common.in_processes(in_rank, (train, settings, port), ranks, settings.workers)
    return max(codes)


def command_line(program, description, settings_class, start, train, arguments=None) -> int:
    """A trainer's `main`: reads the flags and runs `train(settings, dry_run=False)`.

    start   the flag that names the model to start from, which the other defaults depend on
    """
    parser = common.Parser(prog=f"{program}.py", description=description, allow_abbrev=False)
    common.add_flags(parser, settings_class, "settings")
    help = "print what the data hold, with three samples, and stop"
    parser.add_argument("--dry-run", action="store_true", help=help)

    def work() -> int:
        args = parser.parse_args(arguments)
        settings = common.from_flags(settings_class, args, getattr(args, start))
        return train(settings, dry_run=True) if args.dry_run else launch(train, settings)

    less_memory = "fewer tokens at a time (half of --tokens) or shorter texts (--length)"
    resume = "; the same command resumes from the last saved state"
    return common.run(program, work, less_memory, resume)

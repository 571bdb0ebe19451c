"""What the programs need and the paper does not mention: errors, flags, models and processes.

    errors      `run` ends a program: an error the user can fix is one line and exit code 2
    flags       a dataclass whose fields are made by `setting` is the one place for a default, its
                range and its help; `add_flags` and `from_flags` make the command line from it
    models      `load` reads a folder, a .gguf file or a hub id, and refuses what would fail later
    processes   `in_processes` spreads work over several processes that die with their parent
    files       questions, trees and results are in files.py; its names are names here, too

Nothing here imports torch until a model is loaded, so that programs that only read files start at
once.
"""

import argparse
import contextlib
import dataclasses
import errno
import functools
import importlib.util
import io
import json
import multiprocessing
import multiprocessing.resource_tracker
import os
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from pathlib import Path
from urllib.parse import urlsplit

import startup
from files import *  # noqa: F403  (every name of files.py can be imported from here)
from files import UserError
from verifier import VerifierError

HERE = Path(__file__).resolve().parent

# --------------------------------------------------------------------------------------------------
# Errors. What a user can get wrong ends in `UserError`; anything else is a bug and a traceback.


class ServerFault(UserError):
    """A server has failed at a request for good, so what needed it is unfinished (client.py)."""

    def __init__(self, message: str, status: int = 0):
        super().__init__(message)
        self.status = status  # of HTTP; 0 if no whole answer came


def run(program: str, work: Callable[[], int], less_memory: str, interrupted: str = "") -> int:
    """Calls `work` and returns its exit code; errors the user can fix become one line and code 2.

    less_memory   what to try when memory runs out
    interrupted   what to add to the line that Ctrl-C prints, such as how to resume
    """
    startup.hand_over()
    # evolve.sh sets this: what it has started must not outlive it.
    if "END_WITH_PARENT" in os.environ:
        end_with_parent()
    # A question may hold letters that the terminal cannot encode: "?" is better than a traceback.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        code = work()
        # Flush here: a full disk or a closed pipe would otherwise surface after this `try`.
        print(end="", flush=True)
        return code
    except (UserError, VerifierError) as error:
        message = str(error)
    except BrokenPipeError:
        # Whoever read our output has left, such as `head`; 141 is what a shell reports then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        print(f"\n{program}: interrupted{interrupted}", file=sys.stderr)
        return 130
    except (OSError, MemoryError, RuntimeError) as error:
        message = explain(error, less_memory)
        if not message:
            raise
    print(f"{program}: {message}", file=sys.stderr)
    return 2


def explain(error: Exception, less_memory: str) -> str:
    """The line for an error of the machine; "" if it is an error of ours and needs a traceback."""
    if is_shortage(error):
        return f"out of memory or threads: try {less_memory}"
    if isinstance(error, OSError) and error.errno == errno.EMFILE:
        return "too many open files: raise the limit (ulimit -n 256)"
    if isinstance(error, OSError):
        return f"{error.filename or 'reading or writing'}: {error.strerror or error}"
    # Path.expanduser raises a bare RuntimeError for ~nobody.
    if "home directory" in str(error):
        return "a path begins with ~ and the name of no user here; give the whole path"
    return ""


def is_shortage(error: Exception) -> bool:
    """Whether memory or threads have run out, for which torch has other words on each device."""
    words = (
        "out of memory|not enough memory|n.t allocate memory|bad_alloc|ALLOC_FAILED"
        "|n.t start new thread|Resource temporarily unavailable"
    )
    return isinstance(error, MemoryError) or bool(re.search(words, str(error), re.I))


# --------------------------------------------------------------------------------------------------
# Flags. A settings dataclass is written once; the command line, its help and its checks follow.


def setting(default, help, least=None, most=None, choices=None, tiny=None):
    """A dataclass field that is a flag: its default, help and what values it may have.

    tiny   the default for the bundled tiny models, if it differs: see `suited`
    """
    limits = dict(help=help, least=least, most=most, choices=choices, tiny=tiny)
    return field(default=default, metadata=limits)


def suited(settings_class, model, **given):
    """A settings dataclass with the defaults that suit a model; what is given takes precedence.

    A real model gets the defaults of the class: the paper's where it has any, except `expansions`
    (rstar.py, deviation 6). The bundled models and those tuned from them get other ones.
    """
    if is_tiny(model):
        for item in dataclasses.fields(settings_class):
            if item.metadata["tiny"] is not None:
                given.setdefault(item.name, item.metadata["tiny"])
    return settings_class(**given)


def is_tiny(model) -> bool:
    """Whether a model is bundled or tuned from one that is: its config.json says so."""
    try:
        config = json.loads((Path(model).expanduser() / "config.json").read_text())
    except (OSError, ValueError, RuntimeError):  # a hub id, a file, or what `load` will refuse
        return False
    return isinstance(config, dict) and config.get("preset") == "tiny"


def list_settings(settings, names: list[str]) -> str:
    """Some settings in one line, for the start of a run."""
    return ", ".join(f"{name.replace('_', ' ')} {getattr(settings, name)}" for name in names)


def check(settings) -> None:
    """Raises UserError for the first field of a settings dataclass that is out of its range."""
    for item in dataclasses.fields(settings):
        value = getattr(settings, item.name)
        least, most, choices = (item.metadata[name] for name in ("least", "most", "choices"))
        flag = f"--{item.name.replace('_', '-')}"
        if value is None:
            continue
        if choices and value not in choices:
            raise UserError(f"{flag} {value}: must be one of {', '.join(choices)}")
        # `not >=` rather than `<`, so that NaN is refused too.
        if least is not None and not value >= least:
            raise UserError(f"{flag} must be at least {least}, not {value}")
        if most is not None and not value <= most:
            raise UserError(f"{flag} must be at most {most}, not {value}")


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line without the usage."""

    def error(self, message):
        hint = ""
        if "expected one argument" in message:
            hint = "; write a value that begins with - as --FLAG=-VALUE"
        raise UserError(f"{message}{hint} (--help lists all flags)")


def add_flags(parser: argparse.ArgumentParser, settings_class, title: str) -> None:
    """One flag for each field of a settings dataclass."""
    group = parser.add_argument_group(title)
    for item in dataclasses.fields(settings_class):
        required = item.default is dataclasses.MISSING
        options = dict(required=required, help=item.metadata["help"])
        if not required:
            # A flag that is not given is absent, since its default may depend on the model.
            options["default"] = argparse.SUPPRESS
            shown = "none" if item.default in (None, "") else item.default
            options["help"] += f"; default {shown}"
            if item.metadata["tiny"] is not None:
                options["help"] += f", {item.metadata['tiny']} for the bundled models"
        if item.type is list:
            options.update(nargs="+", metavar="FILE")
        else:
            # `float | None` is a number that may be absent; on the command line it is a number.
            options["type"] = item.type if isinstance(item.type, type) else float
            options["metavar"] = options["type"].__name__.upper()
        group.add_argument(f"--{item.name.replace('_', '-')}", **options)


def refuse_empty(args: argparse.Namespace, *names: str) -> None:
    """Raises UserError for a flag that was given an empty text, such as an unset shell variable."""
    for name in names:
        if getattr(args, name) == "":
            raise UserError(f"--{name} is empty; give a name, or leave it out")


def from_flags(settings_class, args: argparse.Namespace, model=""):
    """The settings dataclass that the parsed flags describe, with defaults that suit a model."""
    names = {item.name for item in dataclasses.fields(settings_class)}
    given = {name: value for name, value in vars(args).items() if name in names}
    return suited(settings_class, model, **given)


@dataclass(frozen=True)
class Machine:
    """How a search runs: its speed and memory. Its trees change only by rounding (deviation 12)."""

    batch: str = setting(
        "auto",
        "trees that are searched side by side; auto: 48 on a CPU (with 24 the tiny models took a "
        "seventh longer), 64 on a GPU (our choice)",
    )
    rows: str = setting(
        "auto",
        "sequences in one call of a model; auto: on a CPU 192 of a small model and 48 of a larger "
        "one, on a GPU what its memory holds; halved whenever memory runs out",
    )
    workers: int = setting(
        1, "processes that share the problems of a file; with several GPUs, one each", 1, 1000
    )
    in_flight: int = setting(
        256, "requests that a server gets at the same time from each process", 1, 10**5
    )
    device: str = setting("auto", "auto, cpu, cuda, cuda:1, mps")
    dtype: str = setting(
        "auto",
        "auto (on cuda bfloat16, or float16 if it has none; float32 elsewhere), float32, bfloat16, "
        "float16",
        choices=("auto", "float32", "bfloat16", "float16"),
    )

    def __post_init__(self):
        check(self)
        for name in ("batch", "rows"):
            value = str(getattr(self, name))
            if not re.fullmatch("auto|[1-9][0-9]{0,5}", value):
                raise UserError(f"--{name} must be auto or a whole number above 0, not {value}")

    @property
    def trees(self) -> int:
        """How many trees are searched side by side."""
        if self.batch == "auto":
            return 48 if pick_device(self.device).type == "cpu" else 64
        return int(self.batch)

    @property
    def for_models(self) -> dict:
        """The keyword arguments of `Policy` and `PPM`."""
        return dict(device=self.device, dtype=self.dtype, rows=self.rows)


# --------------------------------------------------------------------------------------------------
# Models. Loading fails early and in one line: an hour into a search is too late.

NOT_FINITE = (
    "it computes NaN or infinity (an overflow, or damaged weights); "
    "try --dtype bfloat16 or float32, or another model"
)


def load(path, role: str, auto_class: str, endings: tuple, device="auto", dtype="auto"):
    """Loads a model and its tokenizer for use as `role` (a word for messages, such as "policy").

    auto_class   the name of a class of transformers, such as "AutoModelForCausalLM"
    endings      what the name of a fitting architecture ends in
    Returns (model, tokenizer), the model in evaluation mode on `device`. Raises UserError.
    """
    import transformers

    title = f"{role} {path}"
    name, extra = locate(path, title)
    local = Path(name).exists()
    transformers.logging.set_verbosity_error()
    # Progress bars only for a download: loading a local folder takes a moment.
    if local:
        transformers.logging.disable_progress_bar()
    else:
        transformers.logging.enable_progress_bar()
    torch_device = pick_device(device)
    torch_dtype = pick_dtype(torch_device, dtype)
    try:
        config = transformers.AutoConfig.from_pretrained(name, **extra)
        refuse_other_architecture(config, title, endings)
        tokenizer = transformers.AutoTokenizer.from_pretrained(name, **extra)
        if "gguf_file" in extra:
            # Without this the weights stay packed and can be neither trained nor saved.
            extra["quantization_config"] = transformers.GgufConfig(dequantize=True)
        loader = getattr(transformers, auto_class)
        if gets_weights_from_main():
            return empty_model(loader, config, torch_dtype), tokenizer
        model, report = loader.from_pretrained(
            name, dtype=torch_dtype, output_loading_info=True, **extra
        )
    except UserError:
        raise
    except Exception as error:  # the loaders of three libraries raise whatever they like
        if is_shortage(error):
            raise MemoryError from error
        kind = "cannot be loaded (damaged, incomplete or of an unknown kind)"
        if not local:
            kind = "not found locally and not downloadable"
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        # transformers names only one package, and not the likely one.
        if re.search("sentencepiece|tiktoken|protobuf", reason, re.I):
            kind = "its tokenizer is a SentencePiece file"
            reason = "reading it needs two packages: pip install sentencepiece protobuf"
        raise UserError(f"{title}: {kind}: {reason}") from error
    refuse_other_weights(model, report, title)
    refuse_other_tokenizer(model, tokenizer, title)
    if auto_class == "AutoModelForSequenceClassification":
        head_in_float32(model)
    model = model.to(torch_device).eval()
    refuse_damaged_weights(model, title)
    if torch_device.type == "cpu":
        choose_threads(model)
    return model, tokenizer


def gets_weights_from_main() -> bool:
    """Whether the main process sends its weights to this one: FSDP with its default settings."""
    fsdp = os.environ.get("ACCELERATE_USE_FSDP", "").lower() == "true"
    version = os.environ.get("FSDP_VERSION", "1")
    once = os.environ.get("FSDP_CPU_RAM_EFFICIENT_LOADING", "true").lower() != "false"
    return fsdp and version == "2" and once and os.environ.get("RANK", "0") != "0"


def empty_model(loader, config, dtype):
    """A model whose weights are never written: eight copies of a 7B in float32 fill 220 GB."""
    from transformers.initialization import no_init_weights

    with no_init_weights():
        model = loader.from_config(config, dtype=dtype)
    model.tie_weights()
    return model


def same_name(path) -> str:
    """One name for a model, however its folder is written: DIR, DIR/, or from elsewhere."""
    folder = Path(path).expanduser()
    if not folder.exists():
        return str(path)
    folder = folder.resolve()
    # The bundled ones move with the project.
    return str(folder.relative_to(HERE)) if folder.is_relative_to(HERE / "tiny") else str(folder)


def locate(path, title: str) -> tuple[str, dict]:
    """(name, keyword arguments) for `from_pretrained`: a local folder, a .gguf file or a hub id."""
    file = Path(path).expanduser()
    # Otherwise transformers prompts for confirmation when a folder brings code of its own.
    extra = dict(trust_remote_code=False)
    if file.is_dir():
        if not (file / "config.json").exists():
            raise UserError(f"{title}: this folder holds no model (it has no config.json)")
        return str(file), extra
    if file.suffix == ".gguf" and file.exists():
        if importlib.util.find_spec("gguf") is None:
            raise UserError(f"{title}: reading .gguf needs a package: pip install gguf")
        return str(file.parent), dict(extra, gguf_file=file.name)
    if file.exists():
        raise UserError(f"{title}: a file; give a model folder, a .gguf file or a hub id")
    if not re.fullmatch(r"\w[\w.-]*(/\w[\w.-]*)?", str(path)) or file.suffix == ".gguf":
        example = "a hub id looks like Qwen/Qwen2.5-Math-1.5B-Instruct"
        raise UserError(f"{title}: there is no such folder or file; {example}")
    return str(path), dict(extra, local_files_only=not hub_reachable())


def hub_reachable() -> bool:
    """Whether the hub answers; its own client would retry for half a minute."""
    import urllib.request

    import huggingface_hub

    # Behind a proxy only the client can tell.
    if urllib.request.getproxies().keys() - {"no"}:
        return True
    try:
        address = urlsplit(huggingface_hub.constants.ENDPOINT)
        port = address.port or dict(http=80).get(address.scheme, 443)
        socket.create_connection((address.hostname, port), timeout=5).close()
    except (OSError, ValueError):
        return False
    return True


def refuse_other_architecture(config, title: str, endings: tuple) -> None:
    architecture = (config.architectures or [""])[0]
    if architecture and not architecture.endswith(endings):
        kinds = " or ".join(endings)
        raise UserError(f"{title}: this is a {architecture}; its name must end in {kinds}")
    positions = getattr(config.get_text_config(), "max_position_embeddings", None)
    if positions is not None and positions < 1:
        raise UserError(f"{title}: its config.json has max_position_embeddings of {positions}")


def refuse_other_weights(model, report: dict, title: str) -> None:
    """Refuses weights that do not fit config.json; transformers would fill in random numbers."""
    missing = sorted(report["missing_keys"])
    if missing:
        raise UserError(f"{title}: its weights lack {len(missing)} tensors, such as {missing[0]}")
    # A number in the name is a layer's: config.json has fewer layers than there are, or others. A
    # whole other head may be left over, as a policy's is when a PPM starts from it.
    unused = sorted(key for key in report["unexpected_keys"] if re.search(r"\.\d+\.", key))
    if unused:
        raise UserError(
            f"{title}: config.json has no place for {len(unused)} tensors, such as {unused[0]}"
        )


def refuse_damaged_weights(model, title: str) -> None:
    """Refuses NaN and infinity, also where they would only matter hours later."""
    for name, tensor in model.named_parameters():
        if not tensor.isfinite().all():
            raise UserError(
                f"{title}: NaN or infinity in its weights, such as {name}: they are damaged, or "
                "float16 is too small for them (try --dtype bfloat16 or float32)"
            )


def refuse_other_tokenizer(model, tokenizer, title: str) -> None:
    """Refuses a tokenizer that is missing a file or belongs to another model; sets a pad token."""
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    plain = tokenizer("1 + 1", add_special_tokens=False)["input_ids"]
    if tokenizer.pad_token is None or not plain:
        raise UserError(
            f"{title}: its tokenizer knows no plain text, or neither a pad nor an end token; "
            "is a file of it missing?"
        )
    known = len(model.get_input_embeddings().weight)
    if max(tokenizer.vocab_size, tokenizer.pad_token_id + 1) > known:
        raise UserError(
            f"{title}: its tokenizer has {len(tokenizer)} tokens, its weights know {known}: "
            "one of them is of another model, or a file is missing"
        )


def head_in_float32(model) -> None:
    """Makes the scalar head of a PPM compute in float32, whatever the layers below it use.

    In bfloat16 near-identical paths were tied or ordered otherwise: 11 of 496 pairs.
    """
    head = scalar_head(model)
    # Bound to its layer, since autocast would take any layer's input back to bfloat16.
    head.forward = functools.partial(linear_in_float32, head)


def scalar_head(model):
    """The linear layer on top of a model for sequence classification."""
    import torch

    (head,) = [layer for layer in model.children() if isinstance(layer, torch.nn.Linear)]
    return head


def linear_in_float32(layer, hidden):
    import torch

    bias = None if layer.bias is None else layer.bias.float()
    with torch.autocast(hidden.device.type, enabled=False):
        return torch.nn.functional.linear(hidden.float(), layer.weight.float(), bias)


def context_length(model) -> int:
    """The number of tokens that a model can read; a million if it sets no limit."""
    return getattr(model.config.get_text_config(), "max_position_embeddings", None) or 1 << 20


def pick_device(name: str = "auto"):
    """The torch.device for a --device; "auto" takes a GPU if there is one."""
    import torch

    if name == "auto":
        name = "mps" if torch.backends.mps.is_available() else "cpu"
        name = "cuda" if torch.cuda.is_available() else name
    if not re.fullmatch(r"cpu|mps|cuda(:[0-9]{1,3})?", name):
        raise UserError(f"--device {name}: must be one of auto, cpu, cuda, cuda:1, mps")
    kind, _, index = name.partition(":")
    counts = dict(cpu=1, cuda=torch.cuda.device_count(), mps=torch.backends.mps.is_available())
    if int(index or 0) >= counts[kind]:
        raise UserError(f"--device {name}: not available on this machine; try --device auto")
    return torch.device(name)


def pick_dtype(device, name: str = "auto"):
    """The torch.dtype for a --dtype; "auto" is float32, on cuda bfloat16 or else float16.

    Few CPUs compute in bfloat16; on the others it is several times slower than float32.
    """
    import torch

    if name == "auto":
        name = "float32"
        if device.type == "cuda":
            name = "bfloat16" if has_bfloat16() else "float16"
    return getattr(torch, name)


def has_bfloat16() -> bool:
    """Whether the GPU computes in bfloat16; before Ampere it is emulated, slower than float16."""
    import torch

    return torch.cuda.is_bf16_supported(including_emulation=False)


# Rows on a CPU. More would not fit its caches: with the tiny policy, 384 took an eighth longer than
# 192, and 48 a quarter. A larger model gets fewer, since their keys and values take memory.
CPU_ROWS = 48
SMALL_CPU_ROWS = 192
# Tokens that a row is given room for on a GPU, and the share of the free memory that all rows may
# take: the rest is for activations and for copies of the cache. Our choice.
ROW_TOKENS = 1024
ROW_SHARE = 0.5


def pick_rows(model, rows="auto") -> int:
    """Sequences in one call of a model; "auto" is by size on a CPU and by free memory on a GPU."""
    import torch

    if rows != "auto":
        return int(rows)
    if model.device.type != "cuda":
        return SMALL_CPU_ROWS if is_small(model) else CPU_ROWS
    free, _ = torch.cuda.mem_get_info(model.device)
    fit = int(ROW_SHARE * free / bytes_per_row(model.config.get_text_config(), model.dtype))
    # A power of two, and no more than what was measured to be of use.
    return min(1024, 1 << max(fit, 16).bit_length() - 1)


def bytes_per_row(config, dtype) -> int:
    """Memory of one row: keys and values of its tokens, and a few copies of its logits."""
    # In float32: the logits, their softmax, its cumulative sum, and what is chosen.
    logits = 4 * 4 * config.vocab_size
    return bytes_per_token(config, dtype) * ROW_TOKENS + logits


def bytes_per_token(config, dtype) -> int:
    """Memory of a token's keys and values."""
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return 2 * config.num_hidden_layers * heads * width * dtype.itemsize


# Memory for what a model keeps of the texts that it has read: on a CPU in bytes, on a GPU as a
# share of what is free. Our choice; the paths of 48 trees of the tiny world take a fifth of it.
KEPT_BYTES = 1 << 30
KEPT_SHARE = 0.1


def kept_tokens(model) -> int:
    """Of how many tokens a model may keep the keys and values (see prefixes.py)."""
    import torch

    room = KEPT_BYTES
    if model.device.type == "cuda":
        room = KEPT_SHARE * torch.cuda.mem_get_info(model.device)[0]
    return int(room / bytes_per_token(model.config.get_text_config(), model.dtype))


def in_batches(reader, items: list, width: int, work: Callable) -> None:
    """Calls `work(batch)` for all items, as many at once as `reader.rows` sequences allow.

    Where memory runs out, `reader.rows` is halved and the batch is done again: a result does not
    depend on its batch, so nothing is lost.

    reader   a Policy or a PPM
    width    the sequences of an item
    """
    import torch

    start = 0
    while start < len(items):
        batch = items[start : start + max(1, reader.rows // width)]
        ran_out = False
        try:
            work(batch)
        except (RuntimeError, MemoryError) as error:
            if not is_shortage(error) or len(batch) == 1:
                raise
            ran_out = True
        # Out here, since the tensors live as long as the exception.
        if ran_out:
            reader.prefixes.forget()
            reader.rows = len(batch) * width // 2
            print(f"out of memory: continuing with --rows {reader.rows}", file=sys.stderr)
            torch.cuda.empty_cache()
        else:
            start += len(batch)


# Parameters; our choice. With the bundled model of 1.8M and beside other programs, two threads took
# 25 to 33 s where one took 18 s.
SMALL = 50_000_000


def choose_threads(model) -> None:
    """A small model on a CPU gains nothing from more than one thread. OMP_NUM_THREADS wins."""
    import torch

    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(1 if is_small(model) else default_threads())


def is_small(model) -> bool:
    return model.num_parameters() < SMALL


@functools.cache
def default_threads() -> int:
    """The number of threads before `choose_threads` has changed it."""
    import torch

    return torch.get_num_threads()


# --------------------------------------------------------------------------------------------------
# Processes and progress.


def end_with_parent() -> None:
    """Ends this process when its parent dies, even by kill -9, which no parent can pass on."""
    started_by = multiprocessing.parent_process()
    number = os.getppid()

    # A thread, since Linux's PR_SET_PDEATHSIG misses a parent that is dead already.
    def watch():
        if started_by:
            started_by.join()
        else:
            while os.getppid() == number:
                time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def in_processes(work: Callable, arguments: tuple, jobs: list, workers: int) -> Iterator:
    """Yields what `work(jobs, *arguments)` yields, from several processes that share the jobs.

    `work` is a generator function of a module; its `jobs` is an iterator that hands out the next
    job when asked, so a process that finishes early takes more. With one worker it all runs in
    this process.
    Raises what `work` raises, and UserError if a process is killed.
    """
    workers = min(workers, len(jobs))
    if workers <= 1:
        yield from work(iter(jobs), *arguments)
        return
    jobs = iter(jobs)
    processes = {}
    try:
        # Ctrl-C reaches every process of a terminal, but only this one is to answer.
        with interrupt_held_back():
            for number in range(workers):
                pipe, process = start_worker(number, workers, work, arguments)
                processes[pipe] = process
        running = dict(processes)
        while running:
            for pipe in wait(list(running)):
                kind, value = receive(pipe, processes[pipe])
                if kind == "job":
                    # If it has died since, its end of the pipe says so next.
                    with contextlib.suppress(BrokenPipeError):
                        pipe.send(next(jobs, None))
                elif kind == "value":
                    yield value
                elif kind == "error":
                    raise value
                else:
                    del running[pipe]
    finally:
        for process in processes.values():
            process.terminate()
            process.join()


@contextlib.contextmanager
def interrupt_held_back() -> Iterator[None]:
    """Ctrl-C is answered at the end of this; processes started within it never receive it."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    # Python would start it with the first worker, and unblock the signal.
    multiprocessing.resource_tracker.ensure_running()
    # What is blocked is inherited, so that a worker is deaf even while it imports torch.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def start_worker(number: int, workers: int, work: Callable, arguments: tuple):
    """(our end of the pipe, process)"""
    # A fork would copy locks that torch's threads hold, and a GPU does not survive one at all.
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(
        target=worker, args=(number, workers, work, arguments, theirs), daemon=True
    )
    process.start()
    # While a copy is open here, the death of the worker would not end the pipe.
    theirs.close()
    return ours, process


def receive(pipe, process) -> tuple:
    """The next (kind, value) from a worker; UserError if it is dead."""
    try:
        return pipe.recv()
    except (EOFError, OSError):
        process.join()
        raise UserError(
            f"a worker has ended with exit code {process.exitcode} (-9: killed, perhaps because "
            "memory ran out); the same command resumes"
        ) from None


def worker(number: int, workers: int, work: Callable, arguments: tuple, pipe) -> None:
    """What each process runs: asks for jobs, sends what comes of them, and how it ended."""
    end_with_parent()
    import torch
    from tqdm import tqdm

    # The lock of tqdm is a semaphore, which Python complains of if a signal ends this process.
    tqdm.set_lock(threading.RLock())
    # "--device auto" takes this GPU, and each worker its share of the cores.
    if torch.cuda.is_available():
        torch.cuda.set_device(number % torch.cuda.device_count())
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(max(1, torch.get_num_threads() // workers))

    def next_job():
        pipe.send(("job", None))
        return pipe.recv()

    try:
        for value in work(iter(next_job, None), *arguments):
            pipe.send(("value", value))
        pipe.send(("done", None))
    # What `run` has a line for. Anything else is a bug, and its traceback is printed here.
    except (UserError, OSError, MemoryError, RuntimeError) as error:
        # The parent may be what has failed.
        with contextlib.suppress(BrokenPipeError):
            pipe.send(("error", error))


# What is done, the time left and what the caller sets, without tqdm's rate: 80 columns hold them,
# since the bar itself gives way.
BAR = "{n_fmt}/{total_fmt} {unit}s {bar} {remaining} left{postfix}"


def progress_bar(total: int, unit: str, done: int = 0, **options):
    """A tqdm bar on stderr, so that stdout holds results alone; without a terminal, a few lines."""
    from tqdm import tqdm

    # Not drawn before the first result: an error while models are loaded is to be the only line.
    # Set what stands behind the bar with refresh=False before `update`: a bar that was drawn by
    # anything else does not know that it was, and ends without a newline.
    shown = dict(file=sys.stderr, dynamic_ncols=True)
    if not sys.stderr.isatty():
        shown = dict(file=Lines(), ascii=True)
    options = dict(total=total, initial=done, unit=unit, bar_format=BAR, delay=0.001) | options
    return tqdm(**shown, **options)


def once_loaded(results: Iterator, bar) -> Iterator:
    """The results of several processes; the bar appears when the first of them yields None.

    A process does that when its models are loaded: until then an error is to be the only line.
    """
    for result in results:
        if result is None:
            bar.update(0)
        else:
            yield result


BETWEEN_LINES = 30  # seconds, in a log (our choice)


class Lines:
    """Stands for stderr where that is not a terminal: a line now and then, instead of a bar.

    tqdm draws over its last line, which would fill a log with carriage returns.
    """

    def __init__(self):
        self.latest = ""
        self.due = 0.0

    def write(self, text: str) -> None:
        self.latest = text.strip() or self.latest
        # A newline is the end of the bar, whose last state is always shown.
        is_due = text == "\n" or time.monotonic() >= self.due
        if is_due and self.latest:
            sys.stderr.write(f"{self.latest}\n")
            self.latest = ""
            self.due = time.monotonic() + BETWEEN_LINES

    def flush(self) -> None:
        sys.stderr.flush()

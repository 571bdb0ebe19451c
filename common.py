"""What the programs need and the paper does not mention: errors, flags, models, files, processes.

    errors      `UserError` is a mistake the user can fix; `run` prints it as one line, exit code 2
    flags       a dataclass whose fields are made by `setting` is the one place for a default, its
                range and its help; `add_flags` and `from_flags` make the command line from it
    models      `load` reads a folder, a .gguf file or a hub id, and refuses what would fail later
    files       questions (`read_problems`), trees (`read_tree_records`) and results on disk
    processes   `in_processes` spreads work over several processes that die with their parent

Nothing here imports torch until a model is loaded, so that programs that only read files start at
once. Read `rstar.py` first: it uses all of this and needs none of it to be understood.
"""

import argparse
import contextlib
import dataclasses
import hashlib
import importlib.util
import io
import json
import math
import multiprocessing
import os
import re
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from tqdm import tqdm

from answers import answers_equal, extract_answer

HERE = Path(__file__).resolve().parent

# --------------------------------------------------------------------------------------------------
# Errors. What a user can get wrong ends in `UserError`; anything else is a bug and a traceback.


class UserError(Exception):
    """A mistake the user can fix: one line that names the thing and the remedy."""


def run(program: str, work: Callable[[], int], less_memory: str, interrupted: str = "") -> int:
    """Calls `work` and returns its exit code; errors the user can fix become one line and code 2.

    less_memory   what to try when memory runs out
    interrupted   what to add to the line that Ctrl-C prints, such as how to resume
    """
    # A question may hold letters that the terminal cannot encode: "?" is better than a traceback.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        code = work()
        # Flush here: a full disk or a closed pipe would otherwise surface after this `try`.
        print(end="", flush=True)
        return code
    except UserError as error:
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
    if isinstance(error, OSError):
        return f"{error.filename or 'reading or writing'}: {error.strerror or error}"
    # Path.expanduser raises a bare RuntimeError for ~nobody.
    if "home directory" in str(error):
        return "a path begins with ~ and the name of no user here; give the whole path"
    # Torch raises RuntimeError for memory on most devices, with another wording on each.
    memory = "out of memory|not enough memory|can't allocate memory"
    if isinstance(error, MemoryError) or re.search(memory, str(error), re.I):
        return f"out of memory: try {less_memory}"
    return ""


# --------------------------------------------------------------------------------------------------
# Flags. A settings dataclass is written once; the command line, its help and its checks follow.


def setting(default, help, least=None, most=None, choices=None):
    """A dataclass field that is a flag: its default, help and what values it may have."""
    limits = dict(help=help, least=least, most=most, choices=choices)
    return field(default=default, metadata=limits)


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
            options["default"] = item.default
            options["help"] += f"; default {item.default}"
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


def from_flags(settings_class, args: argparse.Namespace):
    """The settings dataclass that the parsed flags describe."""
    names = [item.name for item in dataclasses.fields(settings_class)]
    return settings_class(**{name: getattr(args, name) for name in names})


@dataclass(frozen=True)
class Machine:
    """How a search runs: what it costs and how fast it is. Its result does not depend on this."""

    batch: int = setting(
        16, "trees that are searched side by side (our choice; more for a big GPU)", 1, 10**6
    )
    rows: int = setting(
        48,
        "sequences in one call of a model (our choice: on a CPU 48 was 3 times as fast as 512; "
        "a big GPU wants more)",
        1,
        10**6,
    )
    workers: int = setting(
        1, "processes that share the problems of a file; with several GPUs, one each", 1, 1000
    )
    device: str = setting("auto", "auto, cpu, cuda, cuda:1, mps")
    dtype: str = setting(
        "auto",
        "auto (bfloat16 on cuda, float32 elsewhere), float32, bfloat16, float16",
        choices=("auto", "float32", "bfloat16", "float16"),
    )

    def __post_init__(self):
        check(self)

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
    # Read when transformers is imported, so it has to be set before.
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    import transformers

    transformers.logging.set_verbosity_error()
    name, extra = locate(path, role)
    # Progress bars only for a download: loading a local folder takes a moment.
    bars = transformers.utils.logging
    (bars.disable_progress_bar if Path(name).exists() else bars.enable_progress_bar)()
    torch_device, torch_dtype = pick_device(device), pick_dtype(device, dtype)
    try:
        config = transformers.AutoConfig.from_pretrained(name, **extra)
        refuse_other_architecture(config, f"{role} {path}", endings)
        tokenizer = transformers.AutoTokenizer.from_pretrained(name, **extra)
        if "gguf_file" in extra:
            # Without this the weights stay packed and can be neither trained nor saved.
            extra["quantization_config"] = transformers.GgufConfig(dequantize=True)
        model, report = getattr(transformers, auto_class).from_pretrained(
            name, dtype=torch_dtype, output_loading_info=True, **extra
        )
    except (UserError, MemoryError):
        raise
    except Exception as error:  # the loaders of three libraries raise whatever they like
        raise loading_error(error, f"{role} {path}", local=Path(name).exists()) from error
    refuse_other_weights(model, report, f"{role} {path}", gguf="gguf_file" in extra)
    refuse_other_tokenizer(model, tokenizer, f"{role} {path}")
    return model.to(torch_device).eval(), tokenizer


def locate(path, role: str) -> tuple[str, dict]:
    """(name, keyword arguments) for `from_pretrained`: a local folder, a .gguf file or a hub id."""
    file = Path(path).expanduser()
    # Otherwise transformers prompts for confirmation when a folder brings code of its own.
    extra = dict(trust_remote_code=False)
    if file.is_dir():
        if not (file / "config.json").exists():
            raise UserError(f"{role} {path}: this folder holds no model (it has no config.json)")
        return str(file), extra
    if file.suffix == ".gguf" and file.exists():
        if importlib.util.find_spec("gguf") is None:
            raise UserError(f"{role} {path}: reading .gguf needs a package: pip install gguf")
        return str(file.parent), dict(extra, gguf_file=file.name)
    if file.exists():
        raise UserError(f"{role} {path}: a file; give a model folder, a .gguf file or a hub id")
    if not re.fullmatch(r"\w[\w.-]*(/\w[\w.-]*)?", str(path)) or file.suffix == ".gguf":
        example = "a hub id looks like Qwen/Qwen2.5-Math-1.5B-Instruct"
        raise UserError(f"{role} {path}: there is no such folder or file; {example}")
    return str(path), dict(extra, local_files_only=not hub_reachable())


def hub_reachable() -> bool:
    """Whether the hub answers; its own client would retry for half a minute."""
    import huggingface_hub

    if os.environ.get("HTTPS_PROXY") or os.environ.get("https_proxy"):
        return True
    try:
        address = urlsplit(huggingface_hub.constants.ENDPOINT)
        host = (address.hostname, address.port or 443)
        socket.create_connection(host, timeout=5).close()
    except (OSError, ValueError):
        return False
    return True


def refuse_other_architecture(config, name: str, endings: tuple) -> None:
    architecture = (config.architectures or [""])[0]
    if architecture and not architecture.endswith(endings):
        wanted = " or ".join(endings)
        raise UserError(f"{name}: this is a {architecture}; a model ending in {wanted} is needed")
    positions = getattr(config.get_text_config(), "max_position_embeddings", None)
    if positions is not None and positions < 1:
        raise UserError(f"{name}: its config.json has max_position_embeddings of {positions}")


def loading_error(error: Exception, name: str, local: bool) -> Exception:
    """The one line for whatever a loader raised."""
    if re.search(
        "out of memory|not enough memory|can't allocate|can't start new thread", str(error)
    ):
        return MemoryError(str(error))
    reason = " ".join(str(error).split())[:300] or type(error).__name__
    if local:
        return UserError(
            f"{name}: cannot be loaded (damaged, incomplete or unknown kind): {reason}"
        )
    return UserError(f"{name}: not found locally and not downloadable: {reason}")


def refuse_other_weights(model, report: dict, name: str, gguf: bool) -> None:
    """Refuses weights that do not fit config.json; transformers would fill in random numbers."""
    # The tensors of a .gguf file go by other names, so nothing can be said of them.
    missing = sorted(report["missing_keys"])
    if missing and not gguf:
        raise UserError(f"{name}: its weights lack {len(missing)} tensors, such as {missing[0]}")
    # A number in the name is a layer's: config.json then tells of fewer layers than there are.
    unused = sorted(key for key in report["unexpected_keys"] if re.search(r"\.\d+\.", key))
    if unused and not gguf:
        raise UserError(
            f"{name}: config.json has no place for {len(unused)} tensors, such as {unused[0]}"
        )


def refuse_other_tokenizer(model, tokenizer, name: str) -> None:
    """Refuses a tokenizer that is missing a file or belongs to another model; sets a pad token."""
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    plain = tokenizer("1 + 1", add_special_tokens=False)["input_ids"]
    if tokenizer.pad_token is None or not plain:
        raise UserError(
            f"{name}: its tokenizer knows no plain text, or neither a pad nor an end token; "
            "is a file of it missing?"
        )
    known = len(model.get_input_embeddings().weight)
    if max(tokenizer.vocab_size, tokenizer.pad_token_id + 1) > known:
        raise UserError(
            f"{name}: its tokenizer has {len(tokenizer)} tokens, its weights know {known}: "
            "one of them is of another model, or a file is missing"
        )


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


def pick_dtype(device: str = "auto", name: str = "auto"):
    """The torch.dtype for a --dtype; "auto" is bfloat16 on cuda and float32 elsewhere."""
    import torch

    if name == "auto":
        name = "bfloat16" if pick_device(device).type == "cuda" else "float32"
    return getattr(torch, name)


# --------------------------------------------------------------------------------------------------
# Files: text, records, questions.

QUESTION_KEYS = ("question", "problem", "query")
ANSWER_KEYS = ("answer", "solution", "ground_truth")


def read_text(path) -> str:
    """The text of a file that holds something; UserError otherwise."""
    try:
        text = Path(path).expanduser().read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file") from None
    except IsADirectoryError:
        raise UserError(f"{path}: a folder; give a .json or .jsonl file") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: not text in UTF-8; save it as UTF-8") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    if not text.strip():
        raise UserError(f"{path}: this file is empty")
    return text


def read_records(path) -> list[tuple[str, dict]]:
    """The records of a .json list, a single .json object or a .jsonl file as (place, record)."""
    text = read_text(path)
    if text.lstrip().startswith("[") or text.split("\n")[0].strip() == "{":
        value = parse_json(text, path)
        values = value if isinstance(value, list) else [value]
        records = [(f"{path}, record {i + 1}", value) for i, value in enumerate(values)]
    else:
        lines = numbered_lines(text)
        records = [(f"{path}, line {n}", parse_json(line, path, n)) for n, line in lines]
    if not records:
        raise UserError(f"{path}: this file holds no records")
    for place, record in records:
        if not isinstance(record, dict):
            fields = '{"question": ..., "answer": ...}'
            raise UserError(f"{place}: not an object; each record needs fields like {fields}")
    return records


def numbered_lines(text: str) -> list[tuple[int, str]]:
    """(number, line) of all lines that are not blank."""
    # Not splitlines: it also cuts at characters such as U+2028, which JSON leaves as they are.
    lines = enumerate(text.split("\n"), 1)
    return [(number, line) for number, line in lines if line.strip()]


def parse_json(text: str, path, first_line: int = 1):
    """The value of a JSON text that begins in line `first_line` of a file."""
    try:
        value = json.loads(text)
        # Half a character (\ud83d alone) is valid JSON and no valid text: it becomes "?".
        if "\\ud" in text.lower():
            whole = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
            value = json.loads(whole)
        return value
    except (ValueError, RecursionError) as error:
        line = first_line + getattr(error, "lineno", 1) - 1
        reason = getattr(error, "msg", error)
        raise UserError(f"{path}, line {line}: not valid JSON: {reason}") from None


def read_problems(path) -> list[dict]:
    """Questions with reference answers, as dicts of `question` and `reference`.

    GSM8K's "#### 18" and the \\boxed{} of MATH's solutions are read; a plain answer is kept.
    """
    problems = []
    for place, record in read_records(path):
        question = first_field(record, QUESTION_KEYS)
        answer = first_field(record, ANSWER_KEYS)
        if not isinstance(question, str) or not question.strip():
            keys = ", ".join(QUESTION_KEYS)
            raise UserError(f"{place}: no question; one of the fields {keys} must hold it, as text")
        is_number = isinstance(answer, (int, float)) and not isinstance(answer, bool)
        if not isinstance(answer, str) and not (is_number and math.isfinite(answer)):
            answer = ""
        if not str(answer).strip():
            keys = ", ".join(ANSWER_KEYS)
            raise UserError(
                f"{place}: no answer; one of the fields {keys} must hold it, as text or a number"
            )
        reference = extract_answer(str(answer)) or str(answer).strip()
        problems.append(dict(question=question, reference=reference))
    warn_unmatchable(problems, path)
    return problems


def first_field(record: dict, keys: tuple):
    return next((record[key] for key in keys if record.get(key) is not None), None)


def warn_unmatchable(problems: list[dict], path) -> None:
    """Prints how many references equal no answer, not even themselves: nothing can solve those."""
    references = [problem["reference"] for problem in problems]
    odd = [text for text in references if not answers_equal(text, text)]
    if odd:
        print(
            f"{path}: {len(odd)} of {len(problems)} references can never be matched, since they "
            f"are not answers that can be compared; the first: {odd[0][:60]!r}",
            file=sys.stderr,
        )


# --------------------------------------------------------------------------------------------------
# Files: results, one JSON line or one file at a time, so that a kill loses only work in hand.


def check_writable(path) -> Path:
    """The Path, once it is clear that a file can be written there: said before hours of work."""
    path = Path(path).expanduser()
    if path.exists() and not path.is_file():
        raise UserError(f"{path}: cannot be written: not a regular file")
    # Creating a file as a test would leave it behind, or race with another run that makes it.
    if not path.parent.is_dir():
        raise UserError(f"{path}: cannot be written: there is no folder {path.parent}")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise UserError(f"{path}: cannot be written: permission denied")
    return path


def write_whole(path: Path, text: str) -> None:
    """Writes a file aside and moves it into place: a reader sees the old text or the new one."""
    aside = path.with_name(f".{path.name}.part")
    aside.write_text(text, encoding="utf-8")
    os.replace(aside, path)


@contextlib.contextmanager
def open_locked(path: Path):
    """Opens a file for appending, for this process alone; removes it if it is left empty."""
    with open(path, "a", encoding="utf-8") as file:
        try:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                f"{path}: another run is writing to it; wait, or give another name"
            ) from None
        except (ImportError, OSError):  # Windows, some network file systems
            pass
        try:
            yield file
        finally:
            # A run that failed before its first result leaves nothing that later needs explaining.
            if file.tell() == 0 and path.stat().st_size == 0:
                path.unlink()


def fingerprint(value) -> str:
    """A short hash of a JSON value."""
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:16]


def refuse_other_settings(path, stored, current: dict) -> None:
    """Raises UserError unless the settings stored beside some results are the current ones."""
    if not isinstance(stored, dict) or not stored.keys() & current.keys():
        raise UserError(f"{path}: holds something else; give another name")
    hashes = dict(problems="other questions", data_hash="other data")
    differences = []
    for name, value in current.items():
        if stored.get(name) != value:
            told = f"{name} {stored.get(name)!r}, not {value!r}"
            differences.append(hashes.get(name, told))
    if differences:
        listed = "; ".join(differences)
        raise UserError(
            f"{path}: holds results of other settings ({listed}); "
            "give another name or the same settings"
        )


# --------------------------------------------------------------------------------------------------
# Files: trees. One JSON line for each; `rstar.py` makes nodes from them.

# The fields of a node in a file, in this order, and their types in JSON.
NODE_TYPES = dict(
    text=str, visits=int, q=float, ppm=float, error=str, answer=str, right=bool, copies=int
)
NODE_FIELDS = list(NODE_TYPES)
NULLABLE = ("ppm", "answer", "right")
# The first bytes of every line of trees: `index` is the first field that is written.
TREE_START = '{"index": '


def check_tree_record(record) -> None:
    """Raises ValueError unless a JSON value is a tree as rstar.py writes it."""
    if not isinstance(record, dict) or not isinstance(record.get("nodes"), list):
        raise ValueError("it has no nodes")
    if type(record.get("index")) is not int:
        raise ValueError("its index is not a whole number")
    if not isinstance(record.get("question"), str) or not isinstance(record.get("settings"), dict):
        raise ValueError("it has no question or no settings")
    for number, node in enumerate(record["nodes"]):
        problem = node_problem(node, number)
        if problem:
            raise ValueError(f"node {number}: {problem}")
    for event in record.get("events", [None]):
        if not isinstance(event, list) or event[:1] not in (["expand"], ["back_up"]):
            raise ValueError("its events are damaged")
        if type(event[1]) is not int or not 0 <= event[1] < len(record["nodes"]):
            raise ValueError("an event names a node that is not there")


def node_problem(node, number: int) -> str:
    """What is wrong with the fields of a node; "" if nothing is."""
    if not isinstance(node, dict):
        return "not an object"
    parent = node.get("parent")
    if parent is not None if number == 0 else type(parent) is not int or not 0 <= parent < number:
        return f"parent {parent!r}"
    for name in NODE_FIELDS:
        value = node.get(name)
        kind = NODE_TYPES[name]
        if value is None and name in NULLABLE:
            continue
        # JSON has one kind of number, and True is an int in Python.
        numeric = kind is float and type(value) is int and abs(value) < 1e15
        if type(value) is not kind and not numeric:
            return f"{name} {value!r}"
        if kind is float and not math.isfinite(value):
            return f"{name} is not a finite number"
    if node["visits"] < 0 or node["copies"] < 1:
        return "visits or copies are negative"
    return ""


def parse_tree(line: str) -> dict:
    """The record of a line; ValueError if the line is not a tree."""
    try:
        record = json.loads(line)
        check_tree_record(record)
        return record
    except (ValueError, RecursionError, IndexError) as error:
        reason = getattr(error, "msg", error)
        raise ValueError(f"not a tree that rstar.py wrote ({reason})") from None


def whole_lines(path: Path) -> tuple[list[tuple[int, str]], int]:
    """(the lines of a file of trees, its length in bytes without a last line that was cut off).

    A kill or a full disk leaves part of a line at the end, perhaps cut inside a letter. A last line
    that only lacks its newline is whole.
    """
    data = path.read_bytes()
    last = data.rfind(b"\n") + 1
    size = len(data)
    if last < len(data):
        try:
            parse_tree(data[last:].decode("utf-8"))
        except ValueError:
            fragment = data[last:]
            # Not to delete a file of the user's: either trees stand before it, or it begins as one.
            start = TREE_START.encode()
            if last == 0 and fragment[: len(start)] != start[: len(fragment)]:
                raise UserError(f"{path}: not a file of trees; give another file name") from None
            size = last
    try:
        return numbered_lines(data[:size].decode("utf-8")), size
    except UnicodeDecodeError:
        raise UserError(f"{path}: not text in UTF-8") from None


def read_tree_records(path) -> list[dict]:
    """The records of all finished trees in a file that `rstar.py --trees` wrote."""
    read_text(path) if not Path(path).expanduser().is_file() else None
    records = []
    for number, line in whole_lines(Path(path).expanduser())[0]:
        try:
            records.append(parse_tree(line))
        except ValueError as error:
            raise UserError(f"{path}, line {number}: {error}") from None
    if not records:
        raise UserError(f"{path}: holds no finished tree; run the same search again to resume it")
    return records


def finished_trees(path: Path, settings: dict) -> set[int]:
    """The indices of the trees that a file holds; a last line that was cut off is removed."""
    lines, size = whole_lines(path)
    finished = set()
    for number, line in lines:
        try:
            record = parse_tree(line)
        except ValueError as error:
            raise UserError(f"{path}, line {number}: {error}; give another file name") from None
        refuse_other_settings(path, record["settings"], settings)
        finished.add(record["index"])
    # Only now, when everything before it is known to be ours.
    if size < path.stat().st_size:
        os.truncate(path, size)
    elif lines and not path.read_bytes().endswith(b"\n"):
        with path.open("a") as file:
            file.write("\n")
    return finished


def holds_trees(path) -> bool:
    """Whether a file holds trees, rather than records of another kind."""
    text = read_text(path).lstrip()
    line = text.partition("\n")[0]
    return (
        '"nodes": [' in line or TREE_START.startswith(text[: len(TREE_START)]) and "\n" not in text
    )


# --------------------------------------------------------------------------------------------------
# Processes and progress.


def end_with_parent() -> None:
    """Has the kernel kill this process when its parent dies, even by kill -9 (Linux only)."""
    try:
        import ctypes

        PR_SET_PDEATHSIG = 1
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    except (OSError, AttributeError, TypeError):
        return


def in_processes(work: Callable, arguments: tuple, jobs: list, workers: int) -> Iterator:
    """Yields what `work(jobs, *arguments)` yields, from several processes that share the jobs.

    `work` is a generator function of a module; its `jobs` is an iterator that hands out the next
    job when asked, so a process that finishes early takes more. One worker runs in this process.
    """
    if workers == 1 or len(jobs) <= 1:
        yield from work(iter(jobs), *arguments)
        return
    # A fork would copy locks that torch's threads hold, and a GPU does not survive one at all.
    context = multiprocessing.get_context("spawn")
    todo, results = context.Queue(), context.Queue()
    processes = [
        context.Process(target=worker, args=(k, work, arguments, todo, results), daemon=True)
        for k in range(min(workers, len(jobs)))
    ]
    for job in [*jobs, *[None] * len(processes)]:
        todo.put(job)
    # Ctrl-C reaches every process of the terminal; the parent answers it and ends the others. They
    # inherit this from their first moment: importing torch takes long enough to be interrupted.
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    for process in processes:
        process.start()
    signal.signal(signal.SIGINT, handler)
    try:
        yield from gather(processes, results)
    finally:
        for process in processes:
            process.terminate()


def gather(processes: list, results) -> Iterator:
    """Yields the results of the workers until all have finished; raises what one of them raised."""
    unfinished = len(processes)
    while unfinished:
        try:
            kind, value = results.get(timeout=1)
        except Exception:  # queue.Empty
            lost = [process for process in processes if process.exitcode not in (None, 0)]
            if lost:
                raise UserError(
                    "a worker was killed (out of memory?); run again to resume"
                ) from None
            continue
        if kind == "error":
            raise value
        if kind == "done":
            unfinished -= 1
        else:
            yield value


def worker(number: int, work: Callable, arguments: tuple, todo, results) -> None:
    """What each process runs: takes jobs, puts results, and reports how it ended."""
    end_with_parent()
    # The parent may have died while this process was importing torch.
    if not multiprocessing.parent_process().is_alive():
        return
    os.environ["WORKER"] = str(number)
    import torch

    # Two processes of one thread each are faster than one of two for models this small.
    torch.set_num_threads(1)
    try:
        for value in work(iter(todo.get, None), *arguments):
            results.put(("value", value))
        results.put(("done", None))
    except Exception as error:
        results.put(("error", error))


def progress_bar(total: int, unit: str, done: int = 0, **options) -> tqdm:
    """A bar on stderr, so that stdout holds results alone."""
    options.setdefault("dynamic_ncols", True)
    return tqdm(total=total, initial=done, unit=unit, file=sys.stderr, **options)

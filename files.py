"""Files: questions, trees and results. What a user can get wrong with them is a `UserError`.

    questions    `read_problems`: .json or .jsonl, with the names of fields that are in use
    results      `open_locked`, `append_line`, `write_whole`: a kill loses only the work in hand
    trees        one JSON line each; `read_tree_records` for the trainers, `finished_trees` for a
                 rerun. `rstar.py` makes nodes from the records.

Every name here can be imported from `common` as well.
"""

import contextlib
import hashlib
import json
import math
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from answers import extract_answer, unmatchable


class UserError(Exception):
    """A mistake the user can fix: one line that names the thing and the remedy, exit code 2."""


# --------------------------------------------------------------------------------------------------
# Text and records.


def read_bytes(path) -> bytes:
    """The bytes of a file that holds something; UserError otherwise."""
    try:
        file = Path(path).expanduser()
        # Reading /dev/zero would not end before all memory is full.
        if file.is_char_device():
            raise UserError(f"{path}: a device; give a file")
        data = file.read_bytes()
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file") from None
    except IsADirectoryError:
        raise UserError(f"{path}: a folder; give a file") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    if not data.strip():
        raise UserError(f"{path}: this file is empty")
    return data


def read_text(path) -> str:
    """The text of a file that holds something; UserError otherwise."""
    return decode(read_bytes(path), path)


def decode(data: bytes, path) -> str:
    try:
        # Windows programs put a byte order mark in front.
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise UserError(f"{path}: not text in UTF-8; save it as UTF-8") from None


def read_records(path) -> list[tuple[str, dict]]:
    """The records of a .json list, a single .json object or a .jsonl file as (place, record)."""
    text = read_text(path)
    if text.lstrip().startswith("[") or text.split("\n")[0].strip() == "{":
        value = parse_json(text, path)
        values = value if isinstance(value, list) else [value]
        records = [(f"{path}, record {i}", value) for i, value in enumerate(values, 1)]
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
    except (ValueError, RecursionError) as error:
        line = first_line + getattr(error, "lineno", 1) - 1
        reason = getattr(error, "msg", error)
        raise UserError(f"{path}, line {line}: not valid JSON: {reason}") from None
    # Half a character (\ud83d alone) is valid JSON and no valid text: it becomes "?".
    if "\\ud" in text.lower():
        value = json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    return value


# --------------------------------------------------------------------------------------------------
# Questions.

QUESTION_KEYS = ("question", "problem", "query")
ANSWER_KEYS = ("answer", "solution", "ground_truth")


def read_problems(path) -> list[dict]:
    """Questions with reference answers, as dicts of `question` and `reference`.

    GSM8K's "#### 18" and the \\boxed{} of MATH's solutions are read; a plain answer is kept.
    """
    problems = []
    for place, record in read_records(path):
        question = first_field(record, QUESTION_KEYS)
        answer = first_field(record, ANSWER_KEYS)
        is_number = type(answer) is float and math.isfinite(answer)
        if is_number or type(answer) is int:
            answer = str(answer)
        for name, value, keys in (
            ("question", question, QUESTION_KEYS),
            ("answer", answer, ANSWER_KEYS),
        ):
            if not isinstance(value, str) or not value.strip():
                listed = ", ".join(keys)
                raise UserError(f"{place}: no {name}; one of the fields {listed} must hold it")
        problems.append(dict(question=question, reference=extract_answer(answer) or answer.strip()))
    warn_unmatchable(problems, path)
    return problems


def first_field(record: dict, keys: tuple):
    return next((record[key] for key in keys if record.get(key) is not None), None)


def warn_unmatchable(problems: list[dict], path) -> None:
    """Prints how many references equal no answer, not even themselves: nothing can solve those."""
    references = [problem["reference"] for problem in problems]
    odd = unmatchable(references)
    if odd:
        print(
            f"{path}: {len(odd)} of {len(problems)} references can never be matched, since they "
            f"are not answers that can be compared; the first: {references[odd[0]][:60]!r}",
            file=sys.stderr,
        )


# --------------------------------------------------------------------------------------------------
# Results. A file that other people's work may be in is neither created as a test nor deleted.


def check_writable(path) -> Path:
    """The Path of a file to be written, or UserError. Permission is checked by `open_locked`."""
    file = Path(path).expanduser()
    # A file that is moved into place would replace a link, not what the link names.
    if file.is_symlink():
        file = Path(os.path.realpath(file))
    if file.is_symlink():
        raise UserError(f"{path}: cannot be written: a symbolic link that leads nowhere")
    if file.exists() and not file.is_file():
        raise UserError(f"{path}: cannot be written: not a regular file")
    if not file.parent.is_dir():
        raise UserError(f"{path}: cannot be written: there is no folder {file.parent}")
    return file


@contextlib.contextmanager
def open_locked(path: Path):
    """Opens a file to append bytes, for this process alone; removes it if it is left empty."""
    try:
        # Unbuffered: what a full disk has no room for would be written again by `close`.
        file = open(path, "ab", buffering=0)
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}") from None
    with file:
        if not lock(file):
            raise UserError(f"{path}: another run is writing to it; wait, or give another name")
        try:
            yield file
        finally:
            # A run that failed before its first result leaves nothing that later needs explaining.
            if not os.fstat(file.fileno()).st_size:
                path.unlink()


def lock(file) -> bool:
    """Locks an open file until it is closed; False if another process has it."""
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Between our `open` and the lock, the other run may have removed its empty file.
        return os.path.samestat(os.fstat(file.fileno()), os.stat(file.name))
    except (BlockingIOError, FileNotFoundError):
        return False
    except (ImportError, OSError):  # Windows, some network file systems
        return True


def append_line(file, line: str) -> None:
    """Appends a line to a file of `open_locked`. A full disk is an OSError; it may leave a part."""
    data = f"{line}\n".encode()
    try:
        while data:
            data = data[file.write(data) :]
    except OSError as error:
        error.filename = file.name
        raise


def write_whole(path: Path, text: str) -> None:
    """Writes a file aside and moves it into place: a reader sees the old text or the new one."""
    aside = path.with_name(f".{path.name}.part")
    try:
        aside.write_text(text, encoding="utf-8")
        os.replace(aside, path)
    except OSError as error:
        # A full disk names no file, and what was written would keep it full.
        aside.unlink(missing_ok=True)
        error.filename = str(path)
        raise


def fingerprint(value) -> str:
    """A short hash of a JSON value."""
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:16]


def refuse_other_settings(path, stored, current: dict, or_else: str = "") -> None:
    """Raises UserError unless the settings stored beside some results are the current ones.

    or_else   another remedy, to be added to the message
    """
    if not isinstance(stored, dict) or not stored.keys() & current.keys():
        raise UserError(f"{path}: holds something else; give another name")
    hashes = dict(problems="other questions", data_hash="other data", prompt="another prompt")
    differences = []
    for name, value in current.items():
        if stored.get(name) != value:
            difference = f"{name} {stored.get(name)!r}, not {value!r}"
            differences.append(hashes.get(name, difference))
    if differences:
        raise UserError(
            f"{path}: holds results of other settings ({'; '.join(differences)}); "
            f"give another name or the same settings{or_else}"
        )


# --------------------------------------------------------------------------------------------------
# Trees. People edit and filter these files, and a kill or a full disk cuts them anywhere.

# The fields of a node, in the order in which they are written, and the JSON types of each.
NULL = type(None)
NODE_TYPES = dict(
    text=(str,),
    visits=(int,),
    q=(float, int),
    ppm=(float, int, NULL),
    error=(str,),
    answer=(str, NULL),
    right=(bool, NULL),
    copies=(int,),
)
NODE_FIELDS = list(NODE_TYPES)
TREE_TYPES = dict(
    index=(int,),
    question=(str,),
    reference=(str, NULL),
    settings=(dict,),
    nodes=(list,),
    events=(list,),
)
# The first bytes of every tree: `index` is written first.
TREE_START = b'{"index": '


def read_tree_records(path) -> list[dict]:
    """The records of all finished trees in a file that `rstar.py --trees` wrote."""
    trees = [record for record, _ in whole_trees(read_bytes(path), path)]
    if not trees:
        raise UserError(f"{path}: holds no finished tree; run the same search again to resume it")
    return trees


def finished_trees(file, settings: dict) -> set[int]:
    """The indices of the trees in a file of `open_locked`; a last line that was cut is removed."""
    path = Path(file.name)
    data = path.read_bytes()
    finished = set()
    size = 0
    for record, end in whole_trees(data, path):
        refuse_other_settings(path, record["settings"], settings)
        finished.add(record["index"])
        size = end
    # Only now, when everything before the cut is known to be ours.
    if data[size:].strip():
        file.truncate(size)
    elif data and not data.endswith(b"\n"):
        append_line(file, "")
    return finished


def whole_trees(data: bytes, path) -> Iterator[tuple[dict, int]]:
    """Yields (record, where its line ends) of each tree; the last line may be cut at any byte.

    Raises UserError if another line is not a tree, or if the cut line is all there is and does not
    begin as a tree: then the file may be anything.
    """
    end = 0
    ours = TREE_START.startswith(data[: len(TREE_START)])
    for number, line in enumerate(data.splitlines(keepends=True), 1):
        end += len(line)
        if not line.strip():
            continue
        try:
            yield parse_tree(line), end
        except ValueError as error:
            if ours and not line.endswith(b"\n"):
                return
            raise UserError(f"{path}, line {number}: not a tree of rstar.py: {error}") from None
        ours = True


def parse_tree(line: bytes) -> dict:
    """The record of a line; ValueError if the line is not a tree as `rstar.py` writes it."""
    try:
        tree = json.loads(line)
        check_fields(tree, TREE_TYPES)
        nodes = tree["nodes"]
        for number, node in enumerate(nodes):
            check_fields(node, NODE_TYPES)
            parent = node["parent"]
            earlier = type(parent) is int and 0 <= parent < number
            if not (earlier if number else parent is None):
                raise ValueError(f"node {number} has the parent {parent}")
            # The search never continues such a node, and the trainers rely on that.
            continued = nodes[parent] if number else node
            if continued["error"] or continued["answer"] is not None:
                raise ValueError(f"node {parent or 0} is continued, but invalid or an answer")
            if node["visits"] < 0 or node["copies"] < 1:
                raise ValueError(f"node {number} has negative visits or no copies")
        if not nodes or not all(is_event(event, len(nodes)) for event in tree["events"]):
            raise ValueError("its nodes or events are damaged")
        return tree
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except KeyError as error:
        raise ValueError(f"it has no {error}") from None


def check_fields(record, types: dict) -> None:
    """Raises ValueError or KeyError unless a JSON value has all fields, of one of their types."""
    if not isinstance(record, dict):
        raise ValueError("not an object")
    for name, kinds in types.items():
        value = record[name]
        # Python's JSON reads NaN, Infinity and numbers that no float can hold.
        is_number = type(value) in (int, float)
        if type(value) not in kinds or (is_number and not abs(value) < 1e15):
            raise ValueError(f"its {name} is {str(value)[:40]}")


def is_event(event, count: int) -> bool:
    """Whether a JSON value is an event of a tree of `count` nodes, as rstar.Node describes them."""
    match event:
        case ["expand", int(leaf), int(first), int(new)]:
            return 0 <= leaf < first <= first + new <= count
        case ["back_up", int(last), int(value) | float(value)]:
            return 0 <= last < count and abs(value) < 1e15
    return False


def holds_trees(path) -> bool:
    """Whether a file holds trees, rather than records of another kind."""
    first, newline, _ = read_bytes(path).lstrip().partition(b"\n")
    # The first line may be all there is, and cut off.
    start = first[: len(TREE_START)]
    return b'"nodes": [' in first or (not newline and TREE_START.startswith(start))

"""Pages: data for replay.html and rounds.html, one self-contained file each. Needs no torch.

    replay   trees as rstar.py writes them; the page itself computes every frame from their events
    rounds   the rows of results.csv as charts, and the problems that each round newly solved

`show.py` and `cli.py` have the commands.
"""

import json
from pathlib import Path

import common
from answers import answers_equal
from common import UserError

# --------------------------------------------------------------------------------------------------
# A page is a template with data in it.

# Inside <script>, these could end it ("</script>"), open a comment ("<!--") or, in old browsers, end
# a line (U+2028). As escapes they are the same JSON.
ESCAPES = {ord(letter): f"\\u{ord(letter):04x}" for letter in "<>&\u2028\u2029"}


def fill(template: str, data) -> str:
    """The text of a page: a template of this folder with `data` in it, as JSON."""
    text = (common.HERE / template).read_text(encoding="utf-8")
    return text.replace("@DATA@", json.dumps(data, ensure_ascii=False).translate(ESCAPES))


def write_page(path, template: str, data) -> None:
    """Writes a page; UserError if the file cannot be written."""
    path = common.check_writable(path)
    try:
        common.write_whole(path, fill(template, data))
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}") from None


# --------------------------------------------------------------------------------------------------
# The replay of a search.

# Trees on one page when no index is given; our choice: some megabytes of large trees.
TREES_PER_PAGE = 20


def best_terminal(nodes: list[dict]) -> int | None:
    """The number of the node that `rstar.choose` answers with; None if no trajectory ended."""
    ends = [number for number, node in enumerate(nodes) if node["answer"] is not None]
    if ends and nodes[ends[0]]["ppm"] is not None:
        return max(ends, key=lambda number: nodes[number]["ppm"])

    def samples(number):
        answer = nodes[number]["answer"]
        agreeing = [end for end in ends if answers_equal(answer, nodes[end]["answer"])]
        return sum(nodes[end]["copies"] for end in agreeing)

    return max(ends, key=samples, default=None)


def write_replay(path, records: list[dict]) -> None:
    """Writes the replay of some trees, as records of `read_tree_records`.

    A record may name the number of its `chosen` node; otherwise that is worked out for each tree.
    """
    trees = [dict(chosen=best_terminal(record["nodes"])) | record for record in records]
    write_page(path, "replay.html", trees)


def replay_of_file(trees: Path, index: int | None, page: Path) -> str:
    """Writes the replay of a tree, or of the first few, of a file; returns what it holds."""
    records = common.read_tree_records(trees)
    chosen = [record for record in records if index in (None, record["index"])]
    if not chosen:
        indices = [record["index"] for record in records]
        span = f"{min(indices)} to {max(indices)}"
        raise UserError(f"{trees}: no tree has the index {index}; there are {span}")
    write_replay(page, chosen[:TREES_PER_PAGE])
    if len(chosen) == 1:
        return f"{page}: the tree with index {chosen[0]['index']}"
    return f"{page}: {min(len(chosen), TREES_PER_PAGE)} of {len(chosen)} trees; --index K picks one"

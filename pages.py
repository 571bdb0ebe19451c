"""Pages: data for replay.html and rounds.html, one self-contained file each. Needs no torch.

    replay   trees as rstar.py writes them; the page itself computes every frame from their events
    rounds   the rows of results.csv as charts, and the problems that each round newly solved

`show.py` and `cli.py` have the commands.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import common
import show
from answers import answers_equal
from common import UserError

# --------------------------------------------------------------------------------------------------
# A page is a template with data in it.

# Inside <script>, these could end it ("</script>"), open a comment ("<!--") or, in old browsers,
# end a line (U+2028). As escapes they are the same JSON.
ESCAPES = {ord(letter): f"\\u{ord(letter):04x}" for letter in "<>&\u2028\u2029"}


def fill(template: str, data) -> str:
    """The text of a page: a template of this folder with `data` in it, as JSON."""
    text = (common.HERE / template).read_text(encoding="utf-8")
    return text.replace("@DATA@", json.dumps(data, ensure_ascii=False).translate(ESCAPES))


def check_page(path) -> Path:
    """The Path of a page to be written; UserError if it cannot be, or has another file's name."""
    path = common.check_writable(path)
    # What is there is replaced: a slip of the hand must not cost a file of trees.
    if path.suffix not in (".html", ".htm"):
        raise UserError(f"{path}: not the name of a page; give one that ends in .html")
    if path.resolve() in (common.HERE / "replay.html", common.HERE / "rounds.html"):
        raise UserError(f"{path}: the template of such pages; give another name")
    if not os.access(path.parent, os.W_OK):
        raise UserError(f"{path}: cannot be written: the folder is read-only")
    return path


def write_page(path, template: str, data) -> None:
    """Writes a page; UserError if the file cannot be written."""
    path = check_page(path)
    try:
        common.write_whole(path, fill(template, data))
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}") from None


# --------------------------------------------------------------------------------------------------
# The replay of a search.

# Trees on one page when no index is given; our choice: some megabytes of large trees.
TREES_PER_PAGE = 20


def mean_q(nodes: list[dict], number: int) -> float:
    """The mean of Q over the steps down to a node, by which training data are taken."""
    values = []
    while nodes[number]["parent"] is not None:
        node = nodes[number]
        values.append(node["q"] / node["visits"] if node["visits"] else 0.0)
        number = node["parent"]
    return sum(values) / max(1, len(values))


def best_terminal(nodes: list[dict]) -> int | None:
    """The number of the node that a tree is remembered for; None if no trajectory ended.

    The one that `rstar.choose` answers with. Where the reference is known, nothing was answered:
    then the right trajectory that the policy would be tuned on first.
    """
    ends = [number for number, node in enumerate(nodes) if node["answer"] is not None]
    right = [number for number in ends if nodes[number]["right"]]
    if right:
        return max(right, key=lambda number: mean_q(nodes, number))
    if ends and all(nodes[number]["ppm"] is not None for number in ends):
        return max(ends, key=lambda number: nodes[number]["ppm"])

    def samples(number):
        answer = nodes[number]["answer"]
        agreeing = [end for end in ends if answers_equal(answer, nodes[end]["answer"])]
        return sum(nodes[end]["copies"] for end in agreeing)

    return max(ends, key=samples, default=None)


def write_replay(path, records: list[dict], chosen: list[int | None] | None = None) -> None:
    """Writes the replay of some trees.

    records   as `read_tree_records` gives them
    chosen    the number of the node that each tree was answered with; None: choose in each tree
    """
    # A file does not hold what was chosen, and only in the file of one question could it differ.
    chosen = chosen or [best_terminal(record["nodes"]) for record in records]
    trees = [record | dict(chosen=number) for record, number in zip(records, chosen)]
    write_page(path, "replay.html", trees)


def replay_of_file(trees: Path, index: int | None, page: Path) -> str:
    """Writes the replay of a tree, or of the first few, of a file; returns what it holds."""
    check_page(page)
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


# --------------------------------------------------------------------------------------------------
# The rounds.

# The paper's numbers for Qwen2.5-Math-7B on MATH by round, 0 being the base, and by trajectories.
PAPER_POLICY = {0: 58.8, 1: 69.6, 2: 73.6, 3: 75.8, 4: 78.4}  # table 3; the base: table 6
PAPER_SEARCH = {1: 75.2, 2: 86.6, 3: 87.0, 4: 89.4}  # table 6, 8 trajectories
PAPER_COVERAGE = {1: 60.17, 2: 66.60, 3: 77.86, 4: 90.25}  # table 2, of 747k problems
PAPER_TRAJECTORIES = {8: 89.4, 64: 90.0}  # figure 3; the numbers: table 6, and the abstract

# Methods in the order in which they are shown.
METHODS = [show.TREE_SEARCH, show.GREEDY, show.ADAPTIVE, show.BEST, show.PLAUSIBLE]
METHODS += [show.MAJORITY, show.STEP_WISE]
MOST_CURVES = 2  # kinds of problems with curves of test-time scaling

# Bounds on the page of replays; our choice: it stays below a megabyte.
SOLVED_PER_ROUND = 6
LARGEST_TREE = 120  # nodes


def point(row: dict, x, name: str = "") -> dict:
    """A row of results.csv as a point of a chart."""
    count = f"{row['right']}/{row['n']}"
    place = dict(x=x, name=name, label=f"{name or x}: {row['percent']:.1f}% ({count})")
    if row.get("tokens_per_problem") is not None:
        place["tokens"] = row["tokens_per_problem"]
    return place | {key: row[key] for key in ("right", "n", "percent", "low", "high")}


def chart(title: str, x: str, points: list, paper: dict | None = None, **more) -> dict:
    """A chart as rounds.html reads it; `paper` is {x: percent}."""
    marked = [dict(x=place, percent=percent) for place, percent in (paper or {}).items()]
    return dict(title=title, x=x, points=points, paper=marked, ghost=[], marks=[], line="") | more


def by_round(rows: list[dict], measure: str) -> list[dict]:
    chosen = [row for row in rows if row["measure"] == measure]
    return [point(row, row["round"]) for row in sorted(chosen, key=lambda row: row["round"])]


def round_charts(rows: list[dict], measures: list[str], paper: dict) -> list[dict]:
    """A chart for each measure that there is, with the paper's numbers for it."""
    charts = []
    for measure in measures:
        points = by_round(rows, measure)
        if points:
            charts.append(chart(measure, "round", points, paper.get(measure)))
    return charts


def answers_by_problems(rows: list[dict]) -> dict[str, list[dict]]:
    """{kind of problems: its rows}, without those that the paper's tables need."""
    in_tables = {line.problems for lines in show.TABLES.values() for line in lines} - {"scaling"}
    kinds = {}
    for row in rows:
        if row["problems"] not in in_tables:
            kinds.setdefault(row["problems"], []).append(row)
    return kinds


def compared_by_round(kinds: dict) -> list[str]:
    """The kinds of problems that several rounds have answered; dev only if there are no others."""
    several = [kind for kind, rows in kinds.items() if len({row["round"] for row in rows}) > 1]
    return [kind for kind in several if kind != "dev"] or several


def hardest_first(kinds: dict) -> list[str]:
    """The kinds of problems, with those first on which more search can help most."""
    known = ["scaling", "hard", "standard", "test"]
    return [kind for kind in known if kind in kinds] + [kind for kind in kinds if kind not in known]


def answers_by_round(problems: str, rows: list[dict]) -> dict:
    """Each method after each round."""
    paper = {show.GREEDY: PAPER_POLICY, show.TREE_SEARCH: PAPER_SEARCH}
    charts = round_charts(rows, METHODS, paper)
    for other in charts:
        if other["title"] != show.TREE_SEARCH:
            other["ghost"] = by_round(rows, show.TREE_SEARCH)
    text = (
        "Greedy decoding is the policy alone; every other method may spend as many tokens as tree "
        "search. The paper's numbers: tables 3 (policy) and 6 (search, 8 trajectories)."
    )
    return dict(title=f"Answers on {problems} problems", text=text, charts=charts)


def last_round(rows: list[dict]) -> list[dict]:
    last = max(row["round"] for row in rows)
    return [row for row in rows if row["round"] == last]


def methods_compared(problems: str, rows: list[dict]) -> dict | None:
    """All methods side by side, on problems that only one round has answered."""
    if len({row["round"] for row in rows}) != 1 or problems == "scaling":
        return None
    chosen = [row for row in rows if row["measure"] in METHODS]
    chosen.sort(key=lambda row: -row["percent"])
    text = f"Round {rows[0]['round']}. All methods but greedy decoding may spend the same tokens."
    bars = [point(row, row["round"], row["measure"]) for row in chosen]
    return dict(title=f"Methods on {problems} problems", text=text, bars=bars)


def scaling(problems: str, rows: list[dict]) -> dict | None:
    """Accuracy against what is spent at test time; None without shortened tree searches."""
    rows = {row["measure"]: row for row in last_round(rows)}
    series = [
        (count, rows[show.with_trajectories(count)])
        for count in show.SERIES
        if show.with_trajectories(count) in rows
    ]
    if len(series) < 2:
        return None
    by_tokens = [point(row, row["tokens_per_problem"]) for _, row in series]
    singles = [rows[method] for method in METHODS if method in rows and method != show.TREE_SEARCH]
    marks = [point(row, row["tokens_per_problem"], row["measure"]) for row in singles]
    by_count = [point(row, count) for count, row in series]
    text = (
        f"After round {series[0][1]['round']}. Tree search is cut off after 1, 2, 4, … distinct "
        "trajectories (the line); what was spent until then counts. The paper's numbers: figure 3, "
        "table 6 and the abstract."
    )
    line = show.with_trajectories(series[-1][0]).removeprefix(f"{show.TREE_SEARCH}, ")
    charts = [
        chart("Accuracy and tokens", "tokens", by_tokens, marks=marks, line=f"tree search, {line}"),
        chart("Accuracy and trajectories", "trajectories", by_count, PAPER_TRAJECTORIES),
    ]
    # The name that paper_tables.sh gives to hard problems with several trees each.
    place = "hard problems, several trees each" if problems == "scaling" else f"{problems} problems"
    return dict(title=f"Test-time scaling: {place}", text=text, charts=charts)


def coverage_sections(rows: list[dict]) -> list[dict]:
    """Training problems that were solved, in all and by their number of steps."""
    total = "coverage so far"
    by_steps = [row["measure"] for row in rows if row["measure"].startswith(f"{total}, ")]
    charts = round_charts(rows, [total, *dict.fromkeys(by_steps)], {total: PAPER_COVERAGE})
    text = (
        "Training problems that some tree has solved so far. The paper's numbers (table 2) are of "
        "its 747k problems."
    )
    return [dict(title="Coverage of the training problems", text=text, charts=charts)]


def ppm_sections(rows: list[dict]) -> list[dict]:
    """Held-out pairs that the PPM of each round puts in the right order."""
    charts = round_charts(rows, list(dict.fromkeys(row["measure"] for row in rows)), {})
    text = (
        "Held-out pairs that a round's PPM puts in the right order; chance is 50%. The trees of "
        "later rounds give harder pairs, so rounds can only be compared on all rounds' pairs."
    )
    return [dict(title="Pair accuracy of the PPM", text=text, charts=charts)]


def tile(name: str, points: list[dict], text: str) -> dict | None:
    """A number at the top of the page, and what it was at first."""
    if not points:
        return None
    before = points[0]["percent"] if len(points) > 1 else None
    return dict(name=name, before=before, after=points[-1]["percent"], text=text)


def tiles(kinds: dict, covered: list[dict], pairs: list[dict]) -> list[dict]:
    """The few numbers that say whether it worked."""
    problems = next(iter(compared_by_round(kinds)), None)
    rows = kinds.get(problems, [])
    drawn = [
        tile("the policy alone, greedy", by_round(rows, show.GREEDY), f"of {problems} problems"),
        tile("with tree search", by_round(rows, show.TREE_SEARCH), f"of {problems} problems"),
        tile("coverage", by_round(covered, "coverage so far"), "of the training problems"),
        tile(
            "PPM", by_round(pairs, "PPM, all rounds' pairs of steps"), "of held-out pairs of steps"
        ),
    ]
    return [number for number in drawn if number]


def newly_solved(out: Path) -> Iterator[tuple[int, list[dict]]]:
    """Yields (round, trees of problems that it was the first to solve)."""
    solved = set()
    for round_ in range(1, 5):
        trees = []
        for path in show.tree_files(out, round_):
            for tree in common.read_tree_records(path):
                if tree["question"] not in solved and show.is_solved(tree):
                    solved.add(tree["question"])
                    trees.append(tree)
        if trees:
            yield round_, trees


def instructive(trees: list[dict]) -> list[dict]:
    """The few trees in which most happens, among those that are small enough to read."""
    small = [tree for tree in trees if len(tree["nodes"]) <= LARGEST_TREE]
    small.sort(key=lambda tree: -len(tree["events"]))
    return small[:SOLVED_PER_ROUND]


def missing_from(kinds: dict, covered: list[dict], pairs: list[dict]) -> list[str]:
    """What a run has not measured yet, and what measures it."""
    only_dev = not kinds.keys() - {"dev"}
    on_same_pairs = any(row["measure"].startswith("PPM, all rounds") for row in pairs)
    lacks = [
        (not covered, "coverage (round 1's trees)"),
        (not kinds, "answers (each round ends with dev problems)"),
        (only_dev, "answers on test problems (./evolve.sh test)"),
        (not on_same_pairs, "all rounds' PPMs on the same pairs (the last stage of evolve.sh)"),
    ]
    return [word for lacking, word in lacks if lacking]


def all_sections(kinds: dict, covered: list[dict], pairs: list[dict]) -> list[dict]:
    """The sections for which there is something to draw."""
    sections = [answers_by_round(name, kinds[name]) for name in compared_by_round(kinds)]
    sections += [methods_compared(name, rows) for name, rows in kinds.items()]
    curves = [scaling(name, kinds[name]) for name in hardest_first(kinds)]
    sections += [curve for curve in curves if curve][:MOST_CURVES]
    sections += coverage_sections(covered) + ppm_sections(pairs)
    drawn = [section for section in sections if section]
    return [section for section in drawn if section.get("charts") or section.get("bars")]


def solved_problems(out: Path, replays: str) -> tuple[list[dict], list[dict]]:
    """(what each round newly solved, the trees to replay); `replays` is the name of their page."""
    rounds = []
    records = []
    for round_, trees in newly_solved(out):
        problems = []
        for number, tree in enumerate(instructive(trees), 1):
            # The indices of two files may be the same.
            index = f"{round_}.{number}"
            records.append(tree | dict(index=index))
            link = f"{quote(replays)}#tree={index}"
            problems.append(dict(question=tree["question"], link=link))
        rounds.append(dict(round=round_, count=len(trees), problems=problems))
    return rounds, records


def write_rounds(out: Path, page: Path) -> str:
    """Writes the rounds in OUT as a page, with a page of replays beside it; returns their names."""
    check_page(page)
    kinds = answers_by_problems(show.evaluations(out))
    covered = show.coverage(out)
    pairs = show.pair_accuracy(out)
    # A page of its own for the replays: this one stays small, and each can be linked to.
    replays = page.with_name(f"{page.stem}.trees.html")
    solved, records = solved_problems(out, replays.name)
    count = len(common.read_problems(out / "problems.train"))
    data = dict(run=f"{out.resolve().name}: {count} training problems", solved=solved)
    data.update(tiles=tiles(kinds, covered, pairs), sections=all_sections(kinds, covered, pairs))
    data.update(missing=missing_from(kinds, covered, pairs))
    write_page(page, "rounds.html", data)
    if not records:
        return str(page)
    write_replay(replays, records)
    return f"{page}, {replays}"

"""Tables of what was measured, and the statistics behind them. Nothing here needs torch.

    python show.py results OUT             what evolve.sh has measured so far: OUT/results.md, .csv
    python show.py compare A.json B.json   two evaluations of the same problems, method by method
    python show.py seeds OUT OUT ...       mean and spread over runs with other seeds
    python show.py trees TREES.jsonl --page tree.html      a search, replayed in a browser
    python show.py rounds OUT --page rounds.html           the rounds of evolve.sh as charts

and what evolve.sh calls:

    python show.py check FILE              whether a file of problems can be read
    python show.py unsolved PROBLEMS TREES... --out FILE     the problems that no tree has solved
    python show.py pairs OUT               every round's PPM on the same pairs -> OUT/pairs.json

Names in OUT: `trees.r1.jsonl` (round 1), `eval.dev-r1.json` (problems dev, round 1), `policy-r1`,
`ppm-r1`, and `done/STAGE` with the seconds and the command of a stage.
"""

import os
import sys

# Our own folder, which `python -P` leaves out; and a line for Ctrl-C while the rest is imported.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import startup  # noqa: F401  # isort: skip

import contextlib
import csv
import io
import json
import math
import statistics
from pathlib import Path
from typing import NamedTuple

import common
from common import UserError, read_problems, read_records, read_text, read_tree_records

TREE_SEARCH = "tree search"
BEST = "best of N by the PPM"
STEP_WISE = "step-wise choice by the PPM"
ADAPTIVE = "adaptive best of N"
MAJORITY = "majority of N"
PLAUSIBLE = "vote among plausible answers"
GREEDY = "greedy"

# Distinct trajectories for test-time scaling, at most: a tree that is closed has no more of them.
# The paper's 64 are whole searches.
SERIES = (1, 2, 4, 8, 16, 32, 64)


def with_trajectories(count: int) -> str:
    """The name of tree search that was cut off after `count` trajectories."""
    return f"{TREE_SEARCH}, {count} {'trajectory' if count == 1 else 'trajectories'}"


# --------------------------------------------------------------------------------------------------
# Statistics. `outcomes` is {method: [(right, tokens) for each problem]} throughout.


def wilson(k: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """The 95% Wilson score interval of k successes in n trials, as two shares."""
    p = k / n
    middle = p + z * z / (2 * n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    # Rounding may leave the range by 1e-17.
    return max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)


def only_first(first: list, second: list) -> int:
    """The number of problems that the first of two methods got right and the second did not."""
    return sum(bool(a) and not b for (a, _), (b, _) in zip(first, second))


def paired_p(first: list, second: list) -> float:
    """Two-sided sign test on the problems that only one of two methods got right (exact McNemar).

    How likely a difference at least this large is if both are equally good.
    """
    counts = (only_first(first, second), only_first(second, first))
    n = sum(counts)
    tail = sum(math.comb(n, i) for i in range(min(counts) + 1))
    return min(1.0, 2 * tail / 2**n)


def summary(outcomes: dict) -> list[dict]:
    """A row for each method: right of n, interval, tokens, and p against tree search."""
    rows = []
    for method, results in outcomes.items():
        row = dict(method=method, **share(sum(right for right, _ in results), len(results)))
        row["tokens_per_problem"] = sum(tokens for _, tokens in results) / len(results)
        row["p_against_tree_search"] = None
        if TREE_SEARCH in outcomes and method != TREE_SEARCH:
            row["p_against_tree_search"] = paired_p(outcomes[TREE_SEARCH], results)
        rows.append(row)
    return rows


def share(right: int, n: int) -> dict:
    """`right` of `n`, in percent and with its interval."""
    low, high = wilson(right, n)
    return dict(right=right, n=n, percent=100 * right / n, low=100 * low, high=100 * high)


def texts(row: dict) -> dict:
    """The numbers of a row as they are printed; "" for what a row does not have."""
    tokens = row.get("tokens_per_problem")
    p = row.get("p_against_tree_search")
    return dict(
        count=f"{row['right']}/{row['n']}",
        percent=f"{row['percent']:.1f}",
        interval=f"{row['low']:.1f} - {row['high']:.1f}",
        tokens="" if tokens is None else f"{tokens:.0f}",
        p="" if p is None else f"{p:.3f}",
    )


def print_table(rows: list[dict]) -> None:
    """The rows of `summary` for a terminal."""
    line = "{:36}{:>12}{:>8}{:>16}{:>17}{:>20}"
    titles = ("method", "right", "%", "95% interval", "tokens/problem", "p, to tree search")
    print(line.format(*titles))
    for row in rows:
        print(line.format(row["method"], *texts(row).values()))


def markdown(titles: list[str], lines: list[list]) -> str:
    """A table in Markdown."""
    cells = [titles, ["---"] * len(titles), *lines]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in cells)


# --------------------------------------------------------------------------------------------------
# The paper's tables, which paper_tables.sh repeats.


class Line(NamedTuple):
    """A line of a table: which method on which problems, and the paper's number for it."""

    label: str
    problems: str  # of the file eval.PROBLEMS-r4.json
    method: str
    paper: str = ""


def scaling() -> list[Line]:
    paper = {8: "89.4", 64: "90.0"}
    return [Line(str(j), "scaling", with_trajectories(j), paper.get(j, "")) for j in SERIES]


def late_mistakes() -> list[Line]:
    """Each method on problems in which a mistake raises sooner or later."""
    problems_by_delta = {
        "1": "guide-pairs",  # hard problems, in which all quantities are counted again
        "2": "strict-50",  # 50% of them are
        "4": "strict-25",
        "= only in the output": "strict-0",
    }
    methods = [TREE_SEARCH, ADAPTIVE, BEST, PLAUSIBLE, MAJORITY, STEP_WISE, GREEDY]
    return [
        Line(f"delta {delta}, {method}", problems, method)
        for delta, problems in problems_by_delta.items()
        for method in methods
    ]


TABLES = {
    "Which reward model guides (hard problems; paper: MATH / AIME 2024)": [
        Line("ORM, step-wise choice", "guide-outcome", STEP_WISE),
        Line("ORM, best of N", "guide-outcome", BEST, "82.6 / 26.7"),
        Line("ORM, tree search", "guide-outcome", TREE_SEARCH),
        Line("PQM, step-wise choice", "guide-q", STEP_WISE),
        Line("PQM, best of N", "guide-q", BEST),
        Line("PQM, tree search", "guide-q", TREE_SEARCH, "88.2 / 46.7"),
        Line("PPM, step-wise choice", "guide-pairs", STEP_WISE),
        Line("PPM, best of N", "guide-pairs", BEST),
        Line("PPM, tree search", "guide-pairs", TREE_SEARCH, "89.4 / 50.0"),
    ],
    "The policy alone, round by round (standard problems, greedy; paper: MATH)": [
        Line("the base", "data-base", GREEDY, "58.8"),
        Line("round 1", "data-r1", GREEDY, "69.6"),
        Line("round 2", "data-r2", GREEDY, "73.6"),
        Line("round 3", "data-eq3", GREEDY, "75.8"),
        Line("round 4", "data-verified", GREEDY, "78.4"),
    ],
    "Which data the policy is tuned on (standard problems, greedy; paper: MATH)": [
        Line("the base", "data-base", GREEDY, "58.8"),
        Line("more pretraining, no verification", "data-pretraining", GREEDY),
        Line("random self-samples", "data-unverified", GREEDY, "72.4"),
        Line("rejection sampling by the answer (paper: ORM)", "data-outcome", GREEDY, "73.4"),
        Line("top 2 by mean Q, round 3 searched by Eq. 2", "data-eq2", GREEDY),
        Line("top 2 by mean Q, round 3 searched by Eq. 3", "data-eq3", GREEDY),
        Line("top 2 by mean Q, all rounds", "data-verified", GREEDY, "78.4"),
    ],
    "Trajectories (hard problems; here rollouts of up to 8 trees; paper: up to 64 whole searches, "
    "MATH)": scaling(),
    "How late a wrong choice shows (hard problems; delta: mean number of steps until a quantity is "
    "counted again, which raises if it is wrong)": late_mistakes(),
}


def paper_tables(answers: list[dict]) -> list[str]:
    """The tables for which there are evaluations, as Markdown."""
    rows = {(row["problems"], row["measure"]): row for row in answers}
    sections = []
    for title, lines in TABLES.items():
        cells = []
        for line in lines:
            row = rows.get((line.problems, line.method))
            if row:
                numbers = texts(row)
                del numbers["p"]
                cells.append([line.label, *numbers.values(), line.paper])
        if cells:
            titles = ["", "k/n", "%", "95% interval", "tokens", "paper"]
            sections.append(f"## {title}\n\n{markdown(titles, cells)}")
    return sections


# --------------------------------------------------------------------------------------------------
# What the rounds have measured: rows of results.csv.

COLUMNS = [
    "round",
    "measure",  # a method of answering, or what else was counted
    "problems",  # on which problems
    "right",
    "n",
    "percent",
    "low",
    "high",
    "tokens_per_problem",
    "p_against_tree_search",
    "seconds",
]


@contextlib.contextmanager
def reading(path):
    """Reports a file that is damaged, or not what evolve.sh writes under this name."""
    damage = (ValueError, KeyError, TypeError, IndexError, AttributeError, ArithmeticError)
    try:
        yield
    except (*damage, RecursionError):
        raise UserError(
            f"{path}: damaged, or not from evolve.sh; delete it, and evolve.sh makes it again"
        ) from None


def count_row(round_: int, measure: str, problems: str, right: int, n: int) -> dict:
    return dict(round=round_, measure=measure, problems=problems, **share(right, n))


def evaluations(out: Path) -> list[dict]:
    """A row for each round, kind of problems and method of answering."""
    rows = []
    for path in sorted(out.glob("eval.*.json")):
        with reading(path):
            name = path.name.removeprefix("eval.").removesuffix(".json")
            problems, _, r = name.rpartition("-r")
            place = dict(round=int(r), problems=problems)
            for row in summary(json.loads(read_text(path))["outcomes"]):
                rows.append(dict(row, **place, measure=row["method"]))
    return sorted(rows, key=lambda row: (row["problems"], row["round"]))


def is_solved(tree: dict) -> bool:
    return any(node["right"] for node in tree["nodes"])


def tree_files(out: Path, round_: int) -> list[Path]:
    """The files of a round's trees; one is empty until the first tree of its search is finished."""
    return [path for path in sorted(out.glob(f"trees.r{round_}*.jsonl")) if path.stat().st_size]


def difficulty(paths: list[Path]) -> dict[str, list[str]]:
    """The questions of some trees by how hard they were to solve; {} if there are no trees."""
    kinds = dict(easy=[], medium=[], hard=[])
    for path in paths:
        for tree in read_tree_records(path):
            right = [node["right"] for node in tree["nodes"] if node["answer"] is not None]
            if not any(right):
                kinds["hard"].append(tree["question"])
            elif all(right):
                kinds["easy"].append(tree["question"])
            else:
                kinds["medium"].append(tree["question"])
    return kinds if any(kinds.values()) else {}


def difficulty_rows(round_: int, measure: str, kinds: dict) -> list[dict]:
    total = sum(map(len, kinds.values()))
    return [
        count_row(round_, f"{measure} that are {kind}", "train", len(questions), total)
        for kind, questions in kinds.items()
    ]


def number_of_steps(path: Path) -> dict[str, int | None]:
    """{question: steps of its solution}, None where a file of problems does not hold them."""
    steps = {}
    for problem, (_, record) in zip(read_problems(path), read_records(path)):
        known = isinstance(record.get("steps"), int)
        steps[problem["question"]] = record["steps"] if known else None
    return steps


def coverage(out: Path) -> list[dict]:
    """Per round: problems that have been solved so far, in all and by their number of steps.

    And how many of the round's trees were easy (every trajectory right), medium or hard (none).
    """
    steps = number_of_steps(out / "problems.train")
    solved = set()
    rows = []
    for r in range(1, 5):
        kinds = difficulty(tree_files(out, r))
        if not kinds:
            continue
        solved.update(kinds["easy"], kinds["medium"])
        rows.append(
            count_row(r, "coverage so far", "train", len(solved & steps.keys()), len(steps))
        )
        for length in sorted({n for n in steps.values() if n}):
            questions = {question for question, n in steps.items() if n == length}
            measure = f"coverage so far, {length} steps"
            rows.append(count_row(r, measure, "train", len(solved & questions), len(questions)))
        rows += difficulty_rows(r, "trees", kinds)
    without_ppm = difficulty(sorted(out.glob("trees.eq2.jsonl")))
    return rows + difficulty_rows(3, "trees without the PPM (Eq. 2)", without_ppm)


def pair_accuracy(out: Path) -> list[dict]:
    """Per round: held-out pairs that its PPM orders rightly, of the trees so far and of all."""
    rows = []
    for r in range(1, 5):
        path = out / f"ppm-r{r}" / "metrics.json"
        if path.exists():
            with reading(path):
                rows += pair_rows(r, "pairs", json.loads(read_text(path))["history"][-1])
    path = out / "pairs.json"
    if path.exists():
        with reading(path):
            for r, metrics in json.loads(read_text(path)).items():
                rows += pair_rows(int(r), "all rounds' pairs", metrics)
    return rows


def pair_rows(round_: int, measure: str, metrics: dict) -> list[dict]:
    rows = []
    for kind in ("steps", "answers"):
        if metrics.get(f"{kind}_n"):
            counts = (metrics[f"{kind}_right"], metrics[f"{kind}_n"])
            rows.append(
                count_row(round_, f"PPM, {measure} of {kind}", "held out of train", *counts)
            )
    return rows


def stages(out: Path) -> list[tuple[str, str, str]]:
    """(stage, its seconds, its command) of all that is finished, in the order of time."""
    finished = []
    for path in sorted((out / "done").glob("[!.]*"), key=lambda path: path.stat().st_mtime):
        seconds, _, command = path.read_text(encoding="utf-8", errors="replace").partition("\n")
        # A full disk empties files; the stage's output is checked by the program that reads it.
        if seconds.isdigit():
            finished.append((path.name, seconds, command.strip()))
    return finished


# --------------------------------------------------------------------------------------------------
# Commands.


def results(out: Path) -> None:
    """What evolve.sh has measured so far, as OUT/results.csv and OUT/results.md."""
    answers = evaluations(out)
    covered = coverage(out)
    pairs = pair_accuracy(out)
    finished = stages(out)

    rows = answers + covered + pairs
    rows += [dict(measure=f"stage {stage}", seconds=seconds) for stage, seconds, _ in finished]
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    common.write_whole(out / "results.csv", text.getvalue())

    sections = [f"# {out}"]
    # What a paper's table shows is not repeated as a list.
    in_tables = {line.problems for lines in TABLES.values() for line in lines}
    for problems in dict.fromkeys(row["problems"] for row in answers):
        if problems not in in_tables:
            chosen = [row for row in answers if row["problems"] == problems]
            sections.append(f"## Answers on {problems}\n\n{rounds_table(chosen)}")
    sections += paper_tables(answers)
    sections.append(f"## Coverage of the training problems\n\n{rounds_table(covered)}")
    sections.append(f"## Pair accuracy of the PPM\n\n{rounds_table(pairs)}")
    commands = [[stage, seconds, f"`{command}`"] for stage, seconds, command in finished]
    commands = markdown(["stage", "seconds", "command"], commands)
    sections.append(f"## Seconds of each stage\n\n{commands}")
    common.write_whole(out / "results.md", "\n\n".join(sections) + "\n")


def rounds_table(rows: list[dict]) -> str:
    titles = ["round", "measure", "k/n", "%", "95% interval", "tokens", "p, to tree search"]
    return markdown(titles, [[row["round"], row["measure"], *texts(row).values()] for row in rows])


def unsolved(problems: Path, trees: list[Path], out: Path) -> None:
    """The problems that no tree has solved, as {question, answer}.

    The file is empty if all are solved.
    """
    solved = {
        tree["question"] for path in trees for tree in read_tree_records(path) if is_solved(tree)
    }
    lines = []
    for problem in read_problems(problems):
        if problem["question"] not in solved:
            record = dict(question=problem["question"], answer=problem["reference"])
            lines.append(json.dumps(record) + "\n")
    common.write_whole(out, "".join(lines))


def pairs(out: Path) -> None:
    """Every round's PPM on the same held-out pairs, those of all rounds."""
    path = out / "ppm-r4" / "metrics.json"
    text = read_text(path)
    with reading(path):
        settings = json.loads(text)["settings"]
    import train_ppm  # the other commands need neither it nor torch

    rounds = [1, 2, 3, 4]
    trees = sorted(out.glob("trees.r[1-4]*.jsonl"))
    judged = train_ppm.judge([out / f"ppm-r{r}" for r in rounds], trees, settings)
    common.write_whole(out / "pairs.json", json.dumps(dict(zip(rounds, judged))))


def seeds(outs: list[Path]) -> str:
    """Mean and spread over runs with other seeds, of what all of them have measured."""
    runs = []
    for out in outs:
        path = out / "results.csv"
        rows = list(csv.DictReader(read_text(path).splitlines()))
        if any(list(row) != COLUMNS for row in rows):
            raise UserError(f"{path}: not a table that show.py results wrote")
        with reading(path):
            measured = [dict(row, percent=float(row["percent"])) for row in rows if row["percent"]]
        runs.append({(row["problems"], row["round"], row["measure"]): row for row in measured})
    lines = []
    for key in runs[0]:
        if all(key in run for run in runs):
            problems, round_, measure = key
            rows = [run[key] for run in runs]
            percents = [row["percent"] for row in rows]
            counts = ", ".join(f"{row['right']}/{row['n']}" for row in rows)
            mean = f"{statistics.mean(percents):.1f}"
            spread = f"{min(percents):.1f} - {max(percents):.1f}"
            lines.append([round_, measure, problems, mean, spread, counts])
    titles = ["round", "measure", "problems", "mean %", "lowest - highest", "k/n of each run"]
    return markdown(titles, lines)


def read_evaluation(path: Path) -> tuple[str, dict]:
    """(a fingerprint of its problems, its outcomes) of a file that evaluate.py wrote."""
    text = read_text(path)
    try:
        stored = json.loads(text)
        summary(stored["outcomes"])
        return stored["settings"]["problems"], stored["outcomes"]
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError):
        raise UserError(f"{path}: not an evaluation that evaluate.py wrote") from None


def compare(first: Path, second: Path) -> str:
    """Two evaluations of the same problems, method by method.

    gained, lost   problems that only the second, only the first got right; p is of these two
    """
    first_problems, before = read_evaluation(first)
    second_problems, after = read_evaluation(second)
    methods = [method for method in before if method in after]
    if first_problems != second_problems or not methods:
        raise UserError(f"{second}: has other problems, or other methods, than {first}")
    lines = []
    for method in methods:
        pair = (before[method], after[method])
        if len(pair[0]) != len(pair[1]):
            raise UserError(f"{first} and {second}: one is not finished; run its command again")
        counts = [f"{sum(right for right, _ in results)}/{len(results)}" for results in pair]
        gained = only_first(pair[1], pair[0])
        lost = only_first(pair[0], pair[1])
        lines.append([method, *counts, gained, lost, f"{paired_p(*pair):.3f}"])
    return markdown(["method", str(first), str(second), "gained", "lost", "p"], lines)


def trees(path: Path, page: Path, index: int | None) -> str:
    """A search, replayed in a browser: a self-contained page of a file's trees."""
    import pages  # it imports this file

    return pages.replay_of_file(path, index, page)


def rounds(out: Path, page: Path) -> str:
    """The rounds of evolve.sh as charts: a self-contained page, and one of replays beside it."""
    import pages

    return pages.write_rounds(out, page)


def check(path: Path) -> None:
    """Whether a file can be read as problems, and how many they are."""
    print(f"{path}: {len(read_problems(path))} problems")


def main(arguments: list[str] | None = None) -> int:
    parser = common.Parser(prog="show.py", description=__doc__.splitlines()[0], allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name, work, **paths):
        sub = commands.add_parser(name, help=work.__doc__.splitlines()[0])
        for path, count in paths.items():
            sub.add_argument(path, type=Path, nargs=count)
        return sub

    command("results", results, out=None)
    command("compare", compare, first=None, second=None)
    command("seeds", seeds, outs="+")
    command("check", check, path=None)
    command("unsolved", unsolved, problems=None, trees="+").add_argument(
        "--out", type=Path, required=True
    )
    command("pairs", pairs, out=None)
    replay = command("trees", trees, path=None)
    replay.add_argument("--page", type=Path, required=True, help="the page to write (.html)")
    replay.add_argument("--index", type=int, help="the index of the tree (default: the first few)")
    command("rounds", rounds, out=None).add_argument("--page", type=Path, required=True)

    def work() -> int:
        values = vars(parser.parse_args(arguments))
        text = globals()[values.pop("command")](**values)
        if text:
            print(text)
        return 0

    return common.run("show", work, "fewer trees")


if __name__ == "__main__":
    sys.exit(main())

"""What the rounds have led to: OUT/results.md and OUT/results.csv from the files that evolve.sh leaves in OUT.

    python show.py results OUT             the tables of all that is there so far
    python show.py split OUT NAME N        OUT/all.NAME in N parts, for N processes: OUT/part.0.NAME, ...
    python show.py unsolved OUT NAME       the problems of OUT/all.train that no tree in OUT solves -> OUT/all.NAME

Names in OUT: trees.r1.0.jsonl (round 1, worker 0), eval.dev-r1.0.json (split dev, round 1, worker 0), policy-r1, ppm-r1,
done/STAGE (holding its seconds).
"""
import csv
import json
import sys
from collections import Counter
from pathlib import Path

from rstar import TREE_SEARCH, UserError, read_problems, read_records, read_text, read_trees, summary, terminals, wilson

COLUMNS = "round what on right n percent low high tokens_per_problem p_against_tree_search".split()


def split(out, name, count):
    """Every count-th problem is a part, so that each part holds all kinds."""
    path = out / f"all.{name}"
    nothing = path.is_file() and not path.stat().st_size       # all are solved
    lines = [] if nothing else [json.dumps(record) for _, record in read_records(path)]
    for i in range(count):
        (out / f"part.{i}.{name}").write_text("".join(line + "\n" for line in lines[i::count]))


def unsolved(out, name):
    """An empty file if all are solved."""
    solved = {root.text for path in out.glob("trees.*.jsonl") for root in read_trees(path) if any(end.right for end in terminals(root))}
    left = [problem for problem in read_problems(out / "all.train") if problem["question"] not in solved]
    (out / f"all.{name}").write_text("".join(json.dumps(dict(question=p["question"], answer=p["reference"])) + "\n" for p in left))


def counted(round_, what, on, right, n):
    """A row of the results: `right` of `n` with its interval."""
    low, high = wilson(right, n)
    return dict(zip(COLUMNS, (round_, what, on, right, n, 100 * right / n, 100 * low, 100 * high)))


def evaluations(out):
    """A row for each round, split and way of answering. The workers' parts are put together."""
    parts = {}
    for path in sorted(out.glob("eval.*.json")):
        _, name, worker, _ = path.name.split(".")
        parts.setdefault(name, []).append(json.loads(path.read_text())["outcomes"])
    rows = []
    for name, found in parts.items():
        on, _, round_ = name.rpartition("-r")
        together = {way: sum((part[way] for part in found), []) for way in found[0]}
        rows += [dict(row, round=int(round_), on=on, what=row["way"]) for row in summary(together)]
    return sorted(rows, key=lambda row: (row["on"], row["round"]))


def coverage(out):
    """Per round: how many of the training problems have been solved by then, in all and by their number of steps, and how
    many were easy (every trajectory right), medium and hard (none right) for this round's trees."""
    path = out / "all.train"
    steps = {problem["question"]: record.get("steps") for problem, (_, record) in zip(read_problems(path), read_records(path))}
    solved, rows = set(), []
    for r in range(1, 5):
        kinds = Counter()
        for path in sorted(out.glob(f"trees.r{r}*.jsonl")):
            for root in read_trees(path):
                ends = terminals(root)
                right = sum(end.right for end in ends)
                kinds["hard" if not right else "easy" if right == len(ends) else "medium"] += 1
                solved |= {root.text} if right else set()
        if kinds:
            rows.append(counted(r, "coverage so far", "train", len(solved), len(steps)))
            for n in sorted({n for n in steps.values() if n}):
                some = [question for question in steps if steps[question] == n]
                rows.append(counted(r, f"coverage so far, {n} steps", "train", sum(q in solved for q in some), len(some)))
            rows += [counted(r, f"trees that are {kind}", "train", kinds[kind], kinds.total()) for kind in ("easy", "medium", "hard")]
    return rows


def pair_accuracy(out):
    """Per round: held-out pairs that the PPM puts in the right order."""
    rows = []
    for r in range(1, 5):
        if (out / f"ppm-r{r}" / "metrics.json").exists():
            last = json.loads((out / f"ppm-r{r}" / "metrics.json").read_text())["history"][-1]
            rows += [counted(r, f"PPM, pairs of {kind}", "held out of train", last[f"{kind}_right"], last[f"{kind}_n"])
                     for kind in ("steps", "answers") if last.get(f"{kind}_n")]
    return rows


def table(rows):
    lines = ["| round | what | k/n | % | 95% interval | tokens | p, to tree search |", "|---|---|---|---|---|---|---|"]
    for row in rows:
        tokens = f"{row['tokens_per_problem']:.0f}" if "tokens_per_problem" in row else ""
        p = f"{row['p_against_tree_search']:.3f}" if "p_against_tree_search" in row and row["what"] != TREE_SEARCH else ""
        lines.append(f"| {row['round']} | {row['what']} | {row['right']}/{row['n']} | {row['percent']:.1f} | {row['low']:.1f} - {row['high']:.1f} | {tokens} | {p} |")
    return "\n".join(lines)


def results(out):
    answers, covered, pairs = evaluations(out), coverage(out), pair_accuracy(out)
    seconds = {path.name: path.read_text().strip() for path in sorted((out / "done").glob("*"), key=lambda path: path.stat().st_mtime)}
    with open(out / "results.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS + ["seconds"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(answers + covered + pairs)
        writer.writerows(dict(what=f"stage {name}", seconds=value) for name, value in seconds.items())
    parts = [f"# {out}", read_text(out / "settings").strip()]
    parts += [f"## Answers on {on}\n\n" + table([row for row in answers if row["on"] == on]) for on in dict.fromkeys(row["on"] for row in answers)]
    parts += ["## Coverage of the training problems\n\n" + table(covered), "## Pair accuracy of the PPM\n\n" + table(pairs)]
    parts += ["## Seconds of each stage\n\n| stage | seconds |\n|---|---|\n" + "\n".join(f"| {name} | {value} |" for name, value in seconds.items())]
    (out / "results.md").write_text("\n\n".join(parts) + "\n")


def main(arguments):
    match arguments:
        case ["results", out]:
            results(Path(out))
        case ["split", out, name, count] if count.isdigit() and int(count):
            split(Path(out), name, int(count))
        case ["unsolved", out, name]:
            unsolved(Path(out), name)
        case _:
            raise UserError("unknown; python show.py results OUT, split OUT NAME N, or unsolved OUT NAME")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except UserError as error:
        print(f"show: {error}", file=sys.stderr)
        sys.exit(2)

"""What the rounds have led to: OUT/results.md and OUT/results.csv from the files that evolve.sh leaves in OUT.

    python show.py results OUT             the tables of all that is there so far
    python show.py unsolved OUT NAME       the problems of OUT/problems.train that no tree in OUT solves -> OUT/problems.NAME
    python show.py pairs OUT               the PPM of every round on the held-out pairs of all rounds -> OUT/pairs.json
    python show.py seeds OUT OUT ...       mean and spread over runs with other seeds, of all that each of them has measured

Names in OUT: trees.r1.0.jsonl (round 1, worker 0), eval.dev-r1.0.json (split dev, round 1, worker 0), policy-r1, ppm-r1,
done/STAGE (holding its seconds).
"""
import contextlib
import csv
import json
import statistics
import sys
from pathlib import Path

from rstar import PPM, SERIES, TREE_SEARCH, UserError, read_problems, read_records, read_text, read_trees, run, summary, terminals, wilson, with_trajectories

BEST, STEP_WISE, ADAPTIVE = "best of N by the PPM", "step-wise choice by the PPM", "adaptive best of N"
# The paper's tables, repeated by `evolve.sh tables`: (what, files eval.NAME-r4.*, way of answering, the paper's number).
TABLES = {
    "Which reward model guides (hard problems; paper: MATH / AIME 2024)": [
        (f"{name}, {way.removesuffix(' by the PPM')}", f"guide-{loss}", way, paper if way == shown else "") for name, loss, shown, paper in (
            ("ORM", "outcome", BEST, "82.6 / 26.7"), ("PQM", "q", TREE_SEARCH, "88.2 / 46.7"), ("PPM", "pairs", TREE_SEARCH, "89.4 / 50.0"))
        for way in (STEP_WISE, BEST, TREE_SEARCH)],
    "The policy alone, round by round (standard problems, greedy; paper: MATH)": [
        (what, f"data-{name}", "greedy", paper) for what, name, paper in (
            ("the base", "base", "58.8"), ("round 1", "r1", "69.6"), ("round 2", "r2", "73.6"), ("round 3", "eq3", "75.8"), ("round 4", "verified", "78.4"))],
    "Which data the policy is tuned on (standard problems, greedy; paper: MATH)": [
        ("the base", "data-base", "greedy", "58.8"), ("more pretraining, no verification", "data-pretraining", "greedy", ""),
        ("random self-samples", "data-unverified", "greedy", "72.4"),
        ("rejection sampling by the answer (paper: by an ORM)", "data-outcome", "greedy", "73.4"),
        ("top 2 by mean Q, round 3 searched without the PPM (Eq. 2)", "data-eq2", "greedy", ""),
        ("top 2 by mean Q, round 3 searched with the PPM (Eq. 3)", "data-eq3", "greedy", ""),
        ("top 2 by mean Q, all rounds", "data-verified", "greedy", "78.4")],
    "Trajectories (hard problems; here rollouts of up to 8 trees; paper: MATH rises from 8 to 64 whole searches, 89.4 to 90.0)": [
        (f"{j}", "scaling", with_trajectories(j), {8: "89.4", 64: "90.0"}.get(j, "")) for j in SERIES],
    "How late a wrong choice shows (hard problems; delta: mean number of steps until a quantity is counted again)": [
        (f"delta {delta}, {way}", f"strict-{percent}", way, "") for percent, delta in ((100, 1), (50, 2), (25, 4), (0, "= only in the output"))
        for way in (TREE_SEARCH, ADAPTIVE, BEST, "no PPM: vote of the positive whole", "majority of N", STEP_WISE, "greedy")]}

COLUMNS = "round what on right n percent low high tokens_per_problem p_against_tree_search".split()


def unsolved(out, name):
    """An empty file if all are solved."""
    solved = {root.text for path in out.glob("trees.*.jsonl") for root in read_trees(path) if any(end.right for end in terminals(root))}
    left = [problem for problem in read_problems(out / "problems.train") if problem["question"] not in solved]
    (out / f"problems.{name}").write_text("".join(json.dumps(dict(question=p["question"], answer=p["reference"])) + "\n" for p in left))


def counted(round_, what, on, right, n):
    """A row of the results: `right` of `n` with its interval."""
    low, high = wilson(right, n)
    return dict(zip(COLUMNS, (round_, what, on, right, n, 100 * right / n, 100 * low, 100 * high)))


@contextlib.contextmanager
def as_left(path):
    """Tells of a file that is not as evolve.sh left it."""
    try:
        yield
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, ArithmeticError, RecursionError):
        raise UserError(f"{path}: not as evolve.sh leaves it; delete it, and the same command makes it again") from None


def evaluations(out):
    """A row for each round, split and way of answering. The workers' parts are put together."""
    parts = {}
    for path in sorted(out.glob("eval.*.json")):
        with as_left(path):
            _, name, worker, _ = path.name.split(".")
            on, _, round_ = name.rpartition("-r")
            outcomes = json.loads(path.read_text())["outcomes"]
            summary(outcomes)
            parts.setdefault((on, int(round_)), []).append(outcomes)
    rows = []
    for (on, round_), found in parts.items():
        together = {way: sum((part[way] for part in found), []) for way in found[0]}
        rows += [dict(row, round=round_, on=on, what=row["way"]) for row in summary(together)]
    return sorted(rows, key=lambda row: (row["on"], row["round"]))


def coverage(out):
    """Per round: how many of the training problems have been solved by then, in all and by their number of steps, and how
    many of the round's trees found them easy (every trajectory right), medium and hard (none right)."""
    path = out / "problems.train"
    steps = {problem["question"]: record.get("steps") for problem, (_, record) in zip(read_problems(path), read_records(path))}
    steps = {question: n if isinstance(n, int) else None for question, n in steps.items()}      # a file of the user's may hold texts there
    solved, rows = set(), []
    for r in range(1, 5):
        kinds = difficulty(out, f"trees.r{r}*.jsonl")
        if kinds:
            solved |= set(kinds["easy"]) | set(kinds["medium"])
            rows.append(counted(r, "coverage so far", "train", len(solved), len(steps)))
            for n in sorted({n for n in steps.values() if n}):
                some = [question for question in steps if steps[question] == n]
                rows.append(counted(r, f"coverage so far, {n} steps", "train", sum(q in solved for q in some), len(some)))
            rows += counted_kinds(r, "trees", kinds)
    return rows + counted_kinds(3, "trees without the PPM (Eq. 2)", difficulty(out, "trees.eq2*.jsonl"))


def counted_kinds(round_, what, kinds):
    return [counted(round_, f"{what} that are {kind}", "train", len(some), sum(map(len, kinds.values()))) for kind, some in kinds.items()]


def difficulty(out, pattern):
    """The questions of some trees by how hard they were -> {easy, medium, hard: questions}; {} if there are no trees."""
    kinds = dict(easy=[], medium=[], hard=[])
    for path in sorted(out.glob(pattern)):
        for root in read_trees(path):
            right = [end.right for end in terminals(root)]
            kinds["hard" if not any(right) else "easy" if all(right) else "medium"].append(root.text)
    return kinds if any(kinds.values()) else {}


def pair_accuracy(out):
    """Per round: held-out pairs that the PPM puts in the right order, those of the rounds up to its own, and those of all four."""
    found = [("pairs", r, out / f"ppm-r{r}" / "metrics.json", lambda kept: kept["history"][-1]) for r in range(1, 5)]
    found += [("all rounds' pairs", r, out / "pairs.json", lambda kept, r=r: kept[str(r)]) for r in range(1, 5)]
    rows = []
    for what, r, path, of in found:
        if path.exists():
            with as_left(path):
                last = of(json.loads(path.read_text()))
                rows += [counted(r, f"PPM, {what} of {kind}", "held out of train", last[f"{kind}_right"], last[f"{kind}_n"])
                         for kind in ("steps", "answers") if last.get(f"{kind}_n")]
    return rows


def same_pairs(out):
    """The pairs of later rounds are harder than those of earlier ones; only on the same ones can the rounds' PPMs be
    compared. A problem is held out in all rounds or in none."""
    import train_ppm                                  # the tables need no trainer
    text = read_text(out / "ppm-r4" / "metrics.json")
    with as_left(out / "ppm-r4" / "metrics.json"):
        settings = json.loads(text)["settings"]
        del settings["data_hash"]
    settings = train_ppm.Settings(**settings, trees=sorted(map(str, out.glob("trees.r[1-4]*.jsonl"))), out="")
    pairs, _, counts = train_ppm.make_items(settings, *train_ppm.load_model(settings))
    _, held_out = train_ppm.split(pairs, settings, counts)
    accelerator, found = train_ppm.start(settings), {}
    for r in range(1, 5):
        ppm = PPM(out / f"ppm-r{r}")
        found[r] = train_ppm.evaluate(ppm.model, held_out, ppm.tokenizer.pad_token_id, accelerator, settings)
    (out / "pairs.json").write_text(json.dumps(found))


def table(rows):
    lines = ["| round | what | k/n | % | 95% interval | tokens | p, to tree search |", "|---|---|---|---|---|---|---|"]
    for row in rows:
        tokens = f"{row['tokens_per_problem']:.0f}" if "tokens_per_problem" in row else ""
        p = f"{row['p_against_tree_search']:.3f}" if row.get("p_against_tree_search") is not None and row["what"] != TREE_SEARCH else ""
        lines.append(f"| {row['round']} | {row['what']} | {row['right']}/{row['n']} | {row['percent']:.1f} | {row['low']:.1f} - {row['high']:.1f} | {tokens} | {p} |")
    return "\n".join(lines)


def paper_tables(answers):
    """The tables of TABLES for which there are evaluations, as text."""
    found, texts = {(row["on"], row["what"]): row for row in answers}, []
    for title, lines in TABLES.items():
        rows = [(what, found[on, way], paper) for what, on, way, paper in lines if (on, way) in found]
        if rows:
            texts.append(f"## {title}\n\n| | k/n | % | 95% interval | tokens | paper |\n|---|---|---|---|---|---|\n" + "\n".join(
                f"| {what} | {row['right']}/{row['n']} | {row['percent']:.1f} | {row['low']:.1f} - {row['high']:.1f} | "
                f"{row['tokens_per_problem']:.0f} | {paper} |" for what, row, paper in rows))
    return texts


def results(out):
    answers, covered, pairs = evaluations(out), coverage(out), pair_accuracy(out)
    seconds = {path.name: path.read_text().strip() for path in sorted((out / "done").glob("*"), key=lambda path: path.stat().st_mtime)}
    with open(out / "results.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS + ["seconds"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(answers + covered + pairs)
        writer.writerows(dict(what=f"stage {name}", seconds=value) for name, value in seconds.items())
    parts = [f"# {out}", " ".join(read_text(out / "settings").split("\n")).strip()]
    apart = {on for lines in TABLES.values() for _, on, _, _ in lines}
    parts += [f"## Answers on {on}\n\n" + table([row for row in answers if row["on"] == on]) for on in dict.fromkeys(row["on"] for row in answers)
              if on not in apart]
    parts += paper_tables(answers)
    parts += ["## Coverage of the training problems\n\n" + table(covered), "## Pair accuracy of the PPM\n\n" + table(pairs)]
    parts += ["## Seconds of each stage\n\n| stage | seconds |\n|---|---|\n" + "\n".join(f"| {name} | {value} |" for name, value in seconds.items())]
    (out / "results.md").write_text("\n\n".join(parts) + "\n")


def seeds(outs):
    """-> a table of what every run in `outs` has measured: the mean of the runs' percents, the lowest and the highest."""
    runs = []
    for out in outs:
        rows = list(csv.DictReader(read_text(out / "results.csv").splitlines()))
        if any(row.keys() != {*COLUMNS, "seconds"} for row in rows):
            raise UserError(f"{out / 'results.csv'}: not a table that show.py results wrote")
        runs.append({(row["on"], row["round"], row["what"]): row for row in rows if row["percent"]})
    lines = ["| round | what | on | mean % | lowest - highest | k/n of each run |", "|---|---|---|---|---|---|"]
    for key in (key for key in runs[0] if all(key in run for run in runs)):
        rows = [run[key] for run in runs]
        percents = [float(row["percent"]) for row in rows]
        lines.append(f"| {key[1]} | {key[2]} | {key[0]} | {statistics.mean(percents):.1f} | {min(percents):.1f} - {max(percents):.1f} | "
                     f"{', '.join(row['right'] + '/' + row['n'] for row in rows)} |")
    return "\n".join(lines)


def main(arguments):
    match arguments:
        case ["results", out]:
            results(Path(out))
        case ["unsolved", out, name]:
            unsolved(Path(out), name)
        case ["pairs", out]:
            same_pairs(Path(out))
        case ["seeds", *outs] if outs:
            print(seeds([Path(out) for out in outs]))
        case _:
            raise UserError("unknown; python show.py results OUT, unsolved OUT NAME, pairs OUT, or seeds OUT OUT ...")


if __name__ == "__main__":
    sys.exit(run("show", lambda: main(sys.argv[1:]), "fewer trees"))

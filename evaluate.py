"""Compares methods of answering at equal cost, on problems with references.

    python evaluate.py --problems tiny/examples.jsonl --out results.json --stop 0 --c 1 --searches 2

Tree search goes first. Each other method may then generate as many tokens on the same problems:

    majority of N            sample whole solutions, take the most frequent answer
    best of N by the PPM     of the same solutions, take the one that the PPM scores highest
    vote among plausible ... of the same solutions, the most frequent answer that fits --plausible:
                             what can be known about an answer without a PPM
    adaptive best of N       sample until the PPM scores a solution `--stop` or higher
    step-wise choice         the candidate step that the PPM scores highest, again and again
    greedy                   one solution, nothing sampled; it is always there

Accuracies are k/n with a 95% Wilson interval; p is an exact sign test on the problems that only one
of two methods got right. The statistics are in show.py.
"""

import os
import sys

# Our own folder, which `python -P` leaves out; and a line for Ctrl-C while the rest is imported.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import startup  # noqa: F401  # isort: skip

import argparse
import dataclasses
import json
import math
import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import common
from answers import answers_equal
from cli import add_model_flags, load_models, resolve_models, settings_of, without_address
from common import Machine, UserError, setting
from rstar import (
    END_OF_CODE,
    Config,
    Node,
    choose,
    expand,
    good_enough,
    majority,
    nodes,
    search,
    terminals,
)
from show import (
    ADAPTIVE,
    BEST,
    GREEDY,
    MAJORITY,
    PLAUSIBLE,
    SERIES,
    STEP_WISE,
    TREE_SEARCH,
    print_table,
    summary,
    with_trajectories,
)
from verifier import Verifier

METHODS = ("tree", "samples", "step-wise", "adaptive", "greedy")


@dataclass(frozen=True)
class Comparison:
    """What is compared."""

    methods: str = setting(
        "tree,samples,step-wise,adaptive",
        "what to compare with greedy decoding; samples: majority, vote, best of N; greedy: nothing",
    )
    samples: int = setting(
        0,
        "whole solutions, or the tokens of that many, for the other methods; 0: as many as fit in "
        "the tokens that tree search has used",
        0,
        10**6,
    )
    plausible: str = setting(
        "", "regular expression of plausible answers, for a vote without a PPM"
    )

    def __post_init__(self):
        common.check(self)
        if not set(self.chosen) <= set(METHODS):
            raise UserError(f"--methods {self.methods}: must be some of {','.join(METHODS)}")
        needs_budget = "tree" not in self.chosen and self.chosen != ["greedy"]
        if needs_budget and not self.samples:
            raise UserError(f"--methods {self.methods}: without tree, give --samples as the budget")
        try:
            re.compile(self.plausible)
        except re.error as error:
            raise UserError(
                f"--plausible {self.plausible}: not a regular expression ({error})"
            ) from None

    @property
    def chosen(self) -> list[str]:
        return sorted(set(self.methods.split(",")))


# --------------------------------------------------------------------------------------------------
# The methods. Each returns the terminal nodes of each question, from which an answer is chosen.


def evaluate(problems, policy, ppm, config: Config, comparison: Comparison, batch=48) -> dict:
    """Answers some problems with several methods.

    Returns {method: [(right, tokens) per problem]}; tokens are the mean over these problems.
    """
    questions = [problem["question"] for problem in problems]
    references = [problem["reference"] for problem in problems]
    methods = comparison.chosen
    outcomes = {}

    def record(method, chosen, tokens):
        pairs = zip(chosen, references)
        right = [node is not None and answers_equal(node.answer, answer) for node, answer in pairs]
        outcomes[method] = [(value, tokens) for value in right]

    def spent(since):
        return (policy.tokens - since) / len(problems)

    # First, since its tokens are the budget of the others.
    if "tree" in methods:
        before = policy.tokens
        results = search(questions, policy, ppm, config=config, batch=batch)
        budget = spent(before)
        record(TREE_SEARCH, [result.chosen for result in results], budget)
        for count in SERIES:
            if count <= config.rollouts * config.searches:
                shorter = [first_trajectories(result.trees, count, policy) for result in results]
                tokens = sum(tokens for _, tokens in shorter) / len(shorter)
                record(with_trajectories(count), [choose(ends) for ends, _ in shorter], tokens)

    # The price of one solution: `samples` and step-wise choice count in it.
    before = policy.tokens
    with Verifier(timeout=config.timeout) as verifier:
        greedy_config = dataclasses.replace(config, temperature=0.0)
        solutions = whole_solutions(questions, policy, ppm, verifier, greedy_config)
    greedy = spent(before)
    record(GREEDY, [choose(ends) for ends in solutions], greedy)
    if comparison.samples:
        budget = comparison.samples * greedy

    # The same solutions three times, so that only the choice among them differs.
    if "samples" in methods:
        before = policy.tokens
        sampled = sample(questions, policy, ppm, config, budget, comparison.samples)
        record(MAJORITY, [majority(ends) for ends in sampled], spent(before))
        if comparison.plausible:
            votes = [majority(plausible(ends, comparison.plausible)) for ends in sampled]
            record(PLAUSIBLE, votes, spent(before))
        if ppm:
            record(BEST, [choose(ends) for ends in sampled], spent(before))
    # Both ask the PPM while they generate, so they sample for themselves.
    if "step-wise" in methods and ppm:
        before = policy.tokens
        chosen = step_wise(questions, policy, ppm, config, budget, greedy)
        record(STEP_WISE, chosen, spent(before))
    if "adaptive" in methods and ppm and config.stop is not None:
        before = policy.tokens
        sampled = sample(questions, policy, ppm, config, budget, comparison.samples, config.stop)
        record(ADAPTIVE, [choose(ends) for ends in sampled], spent(before))
    return outcomes


def whole_solutions(questions, policy, ppm, verifier, config, count=1) -> list[list[Node]]:
    """`count` whole solutions for each question: its terminal nodes."""
    roots = [Node(question) for question in questions]
    config = dataclasses.replace(config, candidates=count)
    expand(roots, policy, ppm, verifier, config, (END_OF_CODE,))
    return [terminals(root) for root in roots]


def sample(questions, policy, ppm, config, budget, samples=0, enough=None) -> list[list[Node]]:
    """Whole solutions, one more for each question in turn, until the budget is spent.

    budget    tokens per question, unless `samples` gives a number of solutions
    enough    a question with a solution that the PPM scores this high gets no more
    Returns the terminal nodes of each question.
    """
    solutions = [[] for _ in questions]
    total = budget * len(questions)
    start = policy.tokens
    drawn = turns = 0
    with Verifier(timeout=config.timeout) as verifier:
        while not samples or turns < samples:
            todo = [i for i, ends in enumerate(solutions) if not good_enough(ends, enough)]
            left = (samples - turns) * len(todo)
            if not samples:
                mean = max(1, (policy.tokens - start) / max(1, drawn))
                left = (total - (policy.tokens - start)) / mean if drawn else len(todo)
            # The last turn is for as many questions as the rest of the budget allows.
            todo = todo[: max(0, round(left))]
            if not todo:
                break
            # Samples that are drawn together cost less time. Not all that seem to be left, since
            # their lengths vary; and one at a time where one may be enough.
            count = 1
            if enough is None:
                count = max(1, int((1.0 if samples else 0.8) * left / len(todo)))
            # Other samples than in the trees, whose seeds are 1000 apart, and in the turns before.
            again = dataclasses.replace(config, seed=config.seed + 1000 * (turns + 1) + 500)
            before = policy.tokens
            texts = [questions[i] for i in todo]
            for i, ends in zip(todo, whole_solutions(texts, policy, ppm, verifier, again, count)):
                solutions[i] += ends
            # Every question is longer than the model can read: this would never end.
            if policy.tokens == before:
                break
            drawn += count * len(todo)
            turns += count
    return solutions


def plausible(ends: list[Node], pattern: str) -> list[Node]:
    """The terminal nodes whose whole answer fits a regular expression."""
    return [node for node in ends if re.fullmatch(pattern, node.answer)]


def step_wise(questions, policy, ppm, config, budget, greedy) -> list[Node | None]:
    """The candidate that the PPM scores highest, step by step: one trajectory per question.

    budget, greedy   tokens per question of this method and of one greedy solution

    One candidate more per step costs about as much as a greedy solution, so budget / greedy
    candidates are sampled. How far this is off shows after a few questions, and the others make up
    for it; the questions go in fours, since the error of the last group stays.
    """
    chosen = []
    start = policy.tokens
    candidates = budget / max(1, greedy)
    expected = 0.0
    while len(chosen) < len(questions):
        group = questions[len(chosen) :][:4]
        # `candidates` need not be whole: then some of the four get one candidate more.
        whole = int(candidates)
        more = round((candidates - whole) * len(group))
        for part, count in ((group[:more], whole + 1), (group[more:], max(1, whole))):
            one = dataclasses.replace(config, candidates=count, rollouts=1, searches=1)
            for result in search(part, policy, ppm, config=one):
                reached = [node for node in terminals(result.trees[0]) if node.closed]
                chosen.append(choose(reached))
        expected += candidates * len(group)
        spent = max(1, policy.tokens - start)
        left = max(0, budget * len(questions) - spent) / max(1, len(questions) - len(chosen))
        candidates = left * expected / spent
    return chosen


def first_trajectories(trees: list[Node], count: int, policy) -> tuple[list[Node], int]:
    """What a shorter search had seen: (terminal nodes, tokens) after `count` trajectories.

    The tokens are counted again from the texts, so candidates that were merged count as many as the
    one that was kept, at the time when that one was sampled.
    """
    ends = []
    tokens = 0
    for root in trees:
        tree = nodes(root)
        for kind, *event in root.events:
            if count == 0:
                break
            # A dead end is no trajectory.
            if kind == "back_up":
                count -= tree[event[0]].terminal
                continue
            for node in tree[event[1] : event[1] + event[2]]:
                if node.terminal:
                    ends.append(node)
                # What follows the code was written once; the code once for each copy.
                steps, marker, printed = node.text.partition(END_OF_CODE)
                tokens += node.copies * policy.length(steps + marker)
                tokens += policy.length(printed.partition("<answer>")[2])
    return ends, tokens


# --------------------------------------------------------------------------------------------------
# Command line.


def parse(arguments):
    parser = common.Parser(
        prog="evaluate.py",
        description=__doc__.splitlines()[0],
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    files = parser.add_argument_group("files")
    files.add_argument(
        "--problems", required=True, metavar="FILE", help=".json or .jsonl with question and answer"
    )
    files.add_argument("--out", required=True, metavar="FILE", help="results as JSON; resumes")
    common.add_flags(parser, Comparison, "what is compared")
    add_model_flags(parser)
    common.add_flags(parser, Config, "numbers of the method")
    common.add_flags(parser, Machine, "how it runs")
    args = parser.parse_args(arguments)
    common.refuse_empty(args, "problems", "out")
    resolve_models(args)
    config = common.from_flags(Config, args, without_address(args.policy))
    comparison = common.from_flags(Comparison, args)
    # Only what was asked for by name is an error; the default asks for everything that is possible.
    asked = set(comparison.chosen) if "methods" in args else set()
    if args.ppm == "none" and asked & {"step-wise", "adaptive"}:
        raise UserError(f"--methods {comparison.methods}: step-wise and adaptive need a --ppm")
    if config.stop is None and "adaptive" in asked:
        raise UserError(
            f"--methods {comparison.methods}: adaptive needs --stop, the PPM score at which it is "
            "content"
        )
    return args, config, comparison, common.from_flags(Machine, args)


# Problems in a batch, at least, where there are several processes (our choice).
LEAST_BATCH = 16


def cut(problems: int, largest: int, workers: int) -> list[int]:
    """The bounds of batches of about one size: one of two could not spend a budget evenly."""
    count = math.ceil(problems / largest)
    # As many for each process, unless they would be small: else some would wait for the last.
    if problems >= LEAST_BATCH * workers:
        count = min(problems, workers * math.ceil(count / workers))
    return [problems * i // count for i in range(count + 1)]


def evaluate_file(args, config, comparison, machine) -> int:
    """Every finished batch of problems is on disk; a rerun continues behind it."""
    problems = common.read_problems(args.problems)
    out = common.check_writable(args.out)
    settings = settings_of(args, config, problems)
    settings.update(methods=comparison.chosen, samples=comparison.samples)
    settings.update(plausible=comparison.plausible)
    spans = list(pairwise(cut(len(problems), machine.trees, machine.workers)))
    sizes = {str(first): last - first for first, last in spans}
    # A budget is spent batch by batch, so other batches give other results.
    settings.update(batch=max(sizes.values()))
    with common.open_locked(out.with_name(f".{out.name}.lock")):
        batches = read_outcomes(out, settings, sizes)
        jobs = [(first, problems[first:last]) for first, last in spans if str(first) not in batches]
        # Written after each batch: a kill loses only the batches in hand.
        arguments = (args.policy, args.ppm, args.prompt, config, comparison, machine)
        done = sum(map(batch_length, batches.values()))
        with common.progress_bar(len(problems), "problem", done) as bar:
            work = common.in_processes(evaluate_batches, arguments, jobs, machine.workers)
            for first, outcomes in common.once_loaded(work, bar):
                batches[str(first)] = outcomes
                together = join_batches(batches)
                results = dict(settings=settings, rows=summary(together), outcomes=together)
                common.write_whole(out, json.dumps(dict(results, batches=batches)))
                bar.set_postfix_str(headline(together), refresh=False)
                bar.update(batch_length(outcomes))
    print_table(summary(join_batches(batches)))
    return 0


def evaluate_batches(jobs, policy, ppm, prompt, config, comparison, machine):
    """The work of one process: yields None, then (its first problem, outcomes) of each batch."""
    models = load_models(policy, ppm, machine, prompt)
    yield None
    for first, problems in jobs:
        yield first, evaluate(problems, *models, config, comparison, machine.trees)


def batch_length(outcomes: dict) -> int:
    return len(next(iter(outcomes.values())))


def join_batches(batches: dict) -> dict:
    """{number of the first problem: outcomes} -> the outcomes of all problems in their order."""
    together = {}
    for first in sorted(batches, key=int):
        for method, results in batches[first].items():
            together.setdefault(method, []).extend(results)
    return together


def headline(outcomes: dict) -> str:
    """The two methods to watch while the rest is being measured."""
    counts = []
    for method in (TREE_SEARCH, GREEDY):
        if method in outcomes:
            right = sum(value for value, _ in outcomes[method])
            counts.append(f"{method} {right}/{len(outcomes[method])}")
    return ", ".join(counts)


def read_outcomes(out: Path, settings: dict, sizes: dict[str, int]) -> dict:
    """The batches that a file holds already; {} if there is no file.

    sizes   {number of the first problem: problems} of all batches that there are to be
    """
    if not out.exists() or not out.stat().st_size:
        return {}
    # Whatever else the file holds was not made by this program, and is not to be overwritten.
    try:
        stored = json.loads(common.read_text(out))
        common.refuse_other_settings(out, stored["settings"], settings)
        batches = stored["batches"]
        for first, outcomes in batches.items():
            methods = next(iter(batches.values())).keys()
            if not is_whole(outcomes, methods, sizes[first]):
                raise ValueError
        summary(join_batches(batches))
        return batches
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError):
        raise UserError(f"{out}: not an evaluation; give another file name") from None


def is_whole(outcomes: dict, methods, size: int) -> bool:
    """Whether a value from a file is what `evaluate` returns for a batch of `size` problems."""
    results = [result for of_method in outcomes.values() for result in of_method]
    complete = all(len(of_method) == size for of_method in outcomes.values())
    return (
        bool(results) and outcomes.keys() == methods and complete and all(map(is_result, results))
    )


def is_result(value) -> bool:
    """Whether a value from a file is (right, tokens)."""
    match value:
        case [bool(), int() | float() as tokens]:
            return 0 <= tokens < 1e15
    return False


def main(arguments: list[str] | None = None) -> int:
    less_memory = "fewer sequences at a time (--rows 16) or a smaller model"
    resume = "; finished batches are on disk, and the same command resumes"
    return common.run("evaluate", lambda: evaluate_file(*parse(arguments)), less_memory, resume)


if __name__ == "__main__":
    sys.exit(main())

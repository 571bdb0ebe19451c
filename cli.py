"""The command line of rstar.py: one problem and its answer, or a file of problems and their trees.

`python rstar.py …` calls `main` here. Nothing in this file is about the method.
"""

import argparse
import dataclasses
import json
import math
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import common
import pages
from client import is_served, with_model
from common import HERE, Machine, ServerFault, UserError
from rstar import (
    END_OF_CODE,
    END_OF_STEP,
    MARKERS,
    PPM,
    WRITTEN,
    Config,
    Node,
    Policy,
    Result,
    agreement,
    count_trajectories,
    nodes,
    search,
    search_each,
    terminals,
    tree_to_line,
)
from served import ServedPolicy, ServedPPM

BUNDLED_POLICY = HERE / "tiny" / "policy"
BUNDLED_PPM = HERE / "tiny" / "ppm"
EXAMPLE_PROBLEMS = HERE / "tiny" / "examples.jsonl"
USAGE = """examples:
  python rstar.py --problem "Mia has 5 apples and buys 7 more. How many apples does she have?"
  python rstar.py --example --print-tree
  python rstar.py --problems questions.jsonl --trees trees.jsonl --policy Qwen/Qwen2.5-Math-1.5B"""


def parse(arguments: list[str] | None):
    """The command line as (args, Config, Machine)."""
    parser = common.Parser(
        prog="rstar.py",
        description="rStar-Math: answers a mathematical problem by tree search over code steps.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        epilog=USAGE,
    )
    tasks = parser.add_argument_group("what to do")
    tasks.add_argument("--problem", metavar="TEXT", help="answer this problem")
    tasks.add_argument(
        "--example", action="store_true", help="answer an example problem; --seed picks another"
    )
    tasks.add_argument(
        "--problems", metavar="FILE", help=".json or .jsonl with question and answer in each record"
    )
    tasks.add_argument(
        "--trees", metavar="OUT", help="with --problems: write one tree per line; resumes"
    )
    tasks.add_argument(
        "--print-tree", action="store_true", help="with --problem or --example: draw the tree"
    )
    tasks.add_argument(
        "--page", metavar="HTML", help="with --problem or --example: the search as a page to replay"
    )
    add_model_flags(parser)
    common.add_flags(parser, Config, "numbers of the method")
    common.add_flags(parser, Machine, "how it runs")
    args = parser.parse_args(arguments)
    check_tasks(args)
    resolve_models(args)
    config = common.from_flags(Config, args, without_address(args.policy))
    return args, config, common.from_flags(Machine, args)


def add_model_flags(parser) -> None:
    models = parser.add_argument_group("models")
    models.add_argument(
        "--policy",
        help="folder, .gguf file, hub id or http://HOST:PORT/v1 (default: the bundled tiny/policy)",
    )
    models.add_argument(
        "--ppm",
        help="folder, hub id, http://HOST:PORT or none (default: the bundled one for the bundled "
        "policy)",
    )
    models.add_argument("--model", metavar="NAME", help="one of the models of the policy's server")
    models.add_argument(
        "--prompt",
        metavar="FILE",
        help="a text that replaces stock_prompt.txt, for a model not tuned on the step format: "
        "{question} in it is replaced, <code> is appended (example: examples/short_problems.txt)",
    )


def resolve_models(args) -> None:
    """Fills in the bundled models. The bundled PPM suits no policy but its own."""
    common.refuse_empty(args, "policy", "ppm", "model", "prompt")
    args.prompt = read_prompt(args.prompt) if args.prompt else ""
    args.policy = args.policy or str(BUNDLED_POLICY)
    if args.ppm is None:
        bundled = Path(args.policy).expanduser().resolve() == BUNDLED_POLICY
        args.ppm = str(BUNDLED_PPM) if bundled else "none"
    if args.model and not is_served(args.policy):
        raise UserError(
            f"--model {args.model}: only for a --policy that is the address of a server"
        )
    # The name of a model on a server becomes part of its address.
    if is_served(args.policy):
        args.policy = with_model(args.policy, args.model, "policy")
    if is_served(args.ppm):
        args.ppm = with_model(args.ppm, None, "PPM")


def read_prompt(path: str) -> str:
    """A prompt of the user's own, for models that were not tuned on the step format."""
    try:
        text = common.read_text(path).rstrip().removesuffix("<code>").rstrip()
    except UserError as error:
        raise UserError(f"--prompt {error}") from None
    if "{question}" not in text:
        raise UserError(f"--prompt {path}: holds no {{question}}, where each question would go")
    missing = [marker for marker in WRITTEN if marker not in text]
    if missing:
        print(
            f"--prompt {path}: never shows {', '.join(missing)}; a model that does not write it "
            "runs on to the limit of --step-tokens",
            file=sys.stderr,
        )
    return text


def check_tasks(args) -> None:
    """Raises UserError unless the command line asks for exactly one thing."""
    common.refuse_empty(args, "problems", "trees", "page")
    # An empty text is most likely an unset variable of the shell, so it gets a line of its own.
    asked = [name for name in ("problem", "example", "problems") if getattr(args, name)]
    if args.problem is not None and not args.problem.strip():
        raise UserError('--problem is empty; give a question such as --problem "What is 3 + 4?"')
    if not asked:
        raise UserError(
            'give --problem "TEXT", --example, or --problems FILE (--help lists all flags)'
        )
    if len(asked) > 1:
        raise UserError(f"--{asked[0]} and --{asked[1]} exclude each other; give one of them")
    # Each flag of a file needs its partner; a flag that would be ignored is an error too.
    if args.problems and not args.trees:
        raise UserError("--problems needs --trees OUT; to compare methods, see evaluate.py")
    if args.trees and not args.problems:
        raise UserError("--trees needs --problems FILE")
    if args.trees and getattr(args, "searches", 1) > 1:
        raise UserError(
            "--searches: --trees keeps one tree per problem; for more, run again with another "
            "--seed and another OUT"
        )
    if args.print_tree and args.problems:
        raise UserError("--print-tree needs --problem or --example")
    if args.page and args.problems:
        raise UserError("--page needs --problem or --example; of a file: show.py trees TREES.jsonl")
    # Before the search, which may take long.
    if args.page:
        pages.check_page(args.page)


def load_models(policy: str, ppm: str, machine: Machine, prompt: str):
    """(policy, PPM or None) for the names of two models, and a prompt of the user's own or ""."""
    if is_served(policy):
        loaded = ServedPolicy(policy, machine.in_flight, prompt)
    else:
        loaded = Policy(policy, **machine.for_models, own_prompt=prompt)
    if prompt and loaded.tuned:
        reason = f"{policy} was tuned on the step format and needs none"
        raise UserError(f"--prompt: {reason} (in evolve.sh: PROMPT=)")
    if prompt and loaded.length(loaded.prompt("")) >= loaded.longest:
        limit = f"more than the {loaded.longest} tokens that {policy} can read"
        raise UserError(f"--prompt: it has {limit}; leave out some of its examples")
    if ppm == "none":
        return loaded, None
    if is_served(ppm):
        return loaded, ServedPPM(ppm, machine.in_flight)
    return loaded, PPM(ppm, **machine.for_models)


def settings_of(args, config: Config, problems: list[dict]) -> dict:
    """What two results must have in common to belong together: everything but how they are run."""
    models = dict(policy=name_of(args.policy), ppm=name_of(args.ppm))
    # Trees of another search than this one (LOG.md, 2026-11-29) must not be mixed with its own.
    search = dict(dataclasses.asdict(config), version=2)
    prompt = common.fingerprint(args.prompt) if args.prompt else None
    return dict(models, **search, prompt=prompt, problems=common.fingerprint(problems))


def name_of(model: str) -> str:
    """What results call a model. A server goes by its model alone, for it may move."""
    return "none" if model == "none" else common.same_name(without_address(model))


def without_address(model: str) -> str:
    """The name of a model, which the address of a server may stand before."""
    return model.partition("#")[2] if is_served(model) else model


def answer_one(args, config: Config, machine: Machine) -> int:
    """--problem and --example. Exit code 0 if an answer was found, else 1."""
    question = args.problem
    if args.example:
        examples = common.read_problems(EXAMPLE_PROBLEMS)
        question = examples[config.seed % len(examples)]["question"]
        print(f"{question}\n")
    # A shell can pass half a character, which no tokenizer takes.
    question = question.encode("utf-8", "replace").decode()
    policy, ppm = load_models(args.policy, args.ppm, machine, args.prompt)
    if too_long(question, policy):
        limit = f"{policy.longest} tokens"
        raise UserError(f"--problem is longer than the model can read ({limit})")
    if ppm is None:
        print("rstar: no PPM, so the tree's most frequent answer is chosen", file=sys.stderr)
    with common.progress_bar(config.rollouts * config.searches, "rollout") as bar:
        (result,) = search([question], policy, ppm, config=config, bar=bar)
    if policy.repaired:
        print(f"rstar: {repaired(policy.repaired)}", file=sys.stderr)
    # The answer comes last and alone on its line, for whoever reads it by a program.
    if args.print_tree:
        for root in result.trees:
            print_tree(root)
    if args.page:
        write_page(args, config, result)
    if result.chosen is None:
        print("rstar: no trajectory reached an answer; try more --rollouts", file=sys.stderr)
        print("Answer: none found")
        return 1
    print_solution(result.chosen)
    warn_if_unsure(result, ppm)
    print(f"Answer: {result.chosen.answer}")
    return 0


def write_page(args, config: Config, result: Result) -> None:
    """The trees of a question as a page that replays them."""
    settings = settings_of(args, config, [])
    records = []
    chosen = []
    for index, root in enumerate(result.trees):
        records.append(json.loads(tree_to_line(root, index, settings)))
        here = result.chosen in nodes(root)
        chosen.append(result.chosen.number if here else None)
    pages.write_replay(args.page, records, chosen)
    print(f"rstar: {args.page} replays the search", file=sys.stderr)


def too_long(question: str, policy: Policy) -> bool:
    """Whether the model could not even write one token behind a question."""
    return policy.length(policy.prompt(question)) >= policy.longest


def print_solution(node: Node) -> None:
    """The steps of a trajectory with their PPM scores, the output, and the stated answer."""
    for step in node.steps:
        steps, _, printed = step.text.partition(END_OF_CODE)
        score = "" if step.ppm is None else f"    [PPM {step.ppm:+.2f}]"
        print(f"{steps.replace(END_OF_STEP, '').strip()}{score}\n")
        if printed:
            printed = printed.replace("<output>", "Output: ")
            for marker in MARKERS:
                printed = printed.replace(marker, "")
            print(f"{printed.strip()}\n")


def warn_if_unsure(result: Result, ppm) -> None:
    """Warns of an answer below the limits that a PPM may name, where it is less reliable."""
    unsure = getattr(ppm, "unsure_below", None)
    if not unsure:
        return
    agree = agreement(result.chosen, result.ends)
    if result.chosen.ppm < unsure["score"] or agree < unsure["agreement"]:
        print(
            f"rstar: low confidence (PPM {result.chosen.ppm:+.2f}, {agree:.0%} of the tree's "
            "samples agree): the model may not know such problems; --policy takes another one",
            file=sys.stderr,
        )


def print_tree(root: Node) -> None:
    """The tree as text: N, Q and PPM score of each node, and its thought or why it is not valid."""
    print(f"{'N':>4} {'Q':>6} {'PPM':>6}")
    stack = [(root, 0)]
    while stack:
        node, depth = stack.pop()
        thought = next((line for line in node.text.splitlines() if line.strip()), "")
        ending = f"  → {node.answer}" if node.terminal else ""
        ending = f"  ✗ {node.error}" if node.error else ending
        ppm = "" if node.ppm is None else f"{node.ppm:+.2f}"
        branch = "  " * (depth - 1) + "└ " if depth else ""
        print(f"{node.visits:>4} {node.Q:>+6.2f} {ppm:>6}  {branch}{shorten(thought)}{ending}")
        stack += [(child, depth + 1) for child in reversed(node.children)]
    finished = "; nothing is left to try" if root.closed else ""
    print(f"distinct trajectories: {count_trajectories(root)}{finished}\n")


def shorten(text: str, width: int = 90) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def search_file(args, config: Config, machine: Machine) -> int:
    """--problems FILE --trees OUT: every finished tree is written at once."""
    problems = common.read_problems(args.problems)
    out = common.check_writable(args.trees)
    settings = settings_of(args, config, problems)
    totals = Counter()
    start = time.time()
    with common.open_locked(out) as file:
        finished = common.finished_trees(file, settings)
        jobs = [
            (i, problem["question"], problem["reference"])
            for i, problem in enumerate(problems)
            if i not in finished
        ]
        written = 0
        # No process takes more than its share at once, or others would have nothing to do.
        share = max(1, math.ceil(len(jobs) / machine.workers))
        batch = min(machine.trees, share)
        arguments = (args.policy, args.ppm, args.prompt, config, machine, settings, batch)
        trees = common.in_processes(grow_trees, arguments, jobs, machine.workers)
        with common.progress_bar(len(problems), "tree", len(finished)) as bar:
            for line, counts in common.once_loaded(trees, bar):
                common.append_line(file, line)
                written += 1
                totals.update(counts)
                bar.set_postfix_str(headline(totals, time.time() - start), refresh=False)
                bar.update()
    solved = totals["solved"]
    total = len(finished) + written
    print(f"{out}: {total} trees, {written} of them new, {solved} of these solved")
    if totals["repaired"]:
        print(f"rstar: {repaired(totals['repaired'])}", file=sys.stderr)
    if totals["too long"]:
        count = f"{totals['too long']} of the {len(jobs)} new questions"
        print(f"rstar: {count} are longer than the model can read: no answers", file=sys.stderr)
    if written < len(jobs):
        raise UserError(f"{out}: unfinished trees: {len(jobs) - written}; the same command resumes")
    return 0


def repaired(count: int) -> str:
    candidates = "candidate" if count == 1 else "candidates"
    return f"Markdown fences or prose were removed from {count} {candidates}"


def headline(totals: Counter, seconds: float) -> str:
    """What to watch while trees grow; with the bar and the time left, 80 columns hold it."""
    return (
        f"solved {totals['solved']}, trajectories {totals['trajectories']}, "
        f"{totals['tokens'] / seconds:.0f} tokens/s"
    )


def grow_trees(jobs, policy: str, ppm: str, prompt: str, config, machine, settings, batch: int):
    """The work of one process: yields None, then the line of each finished tree and its counts."""
    model, scorer = load_models(policy, ppm, machine, prompt)
    yield None
    tokens = 0
    repairs = 0
    trees = search_each(jobs, model, scorer, config, batch=batch)
    for index, root in without_faults(trees):
        counts = dict(
            solved=int(any(node.right for node in terminals(root))),
            trajectories=count_trajectories(root),
            tokens=model.tokens - tokens,
            repaired=model.repaired - repairs,
        )
        counts["too long"] = int(too_long(root.text, model))
        tokens = model.tokens
        repairs = model.repaired
        yield tree_to_line(root, index, settings), counts


def without_faults(trees: Iterator) -> Iterator:
    """The trees that no fault of a server has stopped; `search_file` counts the others."""
    try:
        yield from trees
    except ServerFault as error:
        print(f"rstar: {error}", file=sys.stderr)


def main(arguments: list[str] | None = None) -> int:
    def work():
        args, config, machine = parse(arguments)
        if args.trees:
            return search_file(args, config, machine)
        return answer_one(args, config, machine)

    less_memory = "fewer sequences at a time (--rows 16 --batch 4) or a smaller model"
    resume = ""  # a single problem leaves nothing on disk
    if any(word.startswith("--trees") for word in arguments or sys.argv[1:]):
        resume = "; finished trees are on disk, and the same command resumes"
    return common.run("rstar", work, less_memory, resume)

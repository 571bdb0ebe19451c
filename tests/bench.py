"""How fast it is, as ratios to the plain way, measured beside it: `python tests/bench.py`.

    python tests/bench.py                    all of it, a quarter of an hour on two idle cores
    python tests/bench.py candidates ppm     some of it
    python tests/bench.py --csv              as CSV

A ratio above 1 says how many times faster ours is. What runs in one process is measured in its
CPU seconds on one thread, and both ways take turns, so other programs disturb little. The models
are the bundled ones, if nothing else is said.
"""

# ruff: noqa: E402 (the number of threads has to be set before torch is imported)
import argparse
import csv
import functools
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ["OMP_NUM_THREADS"] = "1"

import torch
import transformers

import bench_verifier
import rstar
import train_policy
import train_ppm
import trainer
from rstar import BETWEEN, END_OF_CODE, END_OF_STEP, PPM, Config, Policy, search_each

STEP = (END_OF_STEP, END_OF_CODE)


class Row(NamedTuple):
    """A line of the table."""

    what: str
    ours: float
    plain: float | None  # what it is compared with
    unit: str
    ratio: float | None  # how many times better ours is
    goal: str = ""


# --------------------------------------------------------------------------------------------------
# The plain ways.


class PlainPolicy(Policy):
    """Each prompt is repeated for its k samples, and all are decoded until the longest ends."""

    @torch.inference_mode()
    def __call__(self, texts, k, stops, limit, temperature=0.0, seeds=None):
        inputs = self.tokenizer.pad(
            dict(input_ids=[self.encode(text) for text in texts]),
            padding_side="left",
            return_tensors="pt",
        )
        ends = self.end_tokens | set(self.tokenizer.convert_tokens_to_ids(list(stops)))
        sampling = dict(do_sample=False)
        if temperature:
            sampling = dict(do_sample=True, temperature=temperature, top_k=0)
        ids = self.model.generate(
            **inputs,
            **sampling,
            num_return_sequences=k,
            max_new_tokens=limit,
            eos_token_id=sorted(ends),
            pad_token_id=self.tokenizer.pad_token_id,
        )
        strings = []
        for new in ids[:, inputs["input_ids"].shape[1] :].tolist():
            used = next((i for i, token in enumerate(new, 1) if token in ends), len(new))
            self.tokens += used
            strings.append(self.cut(new[:used], stops))
        return [strings[i * k : (i + 1) * k] for i in range(len(texts))]


class PlainPPM(PPM):
    """All paths in one padded batch."""

    @torch.inference_mode()
    def score(self, paths):
        if not paths:
            return []
        texts = [self.encode(*path) for path in paths]
        ids, mask = trainer.collate(texts, self.tokenizer.pad_token_id, self.model.device)
        logits = self.model(input_ids=ids, attention_mask=mask, use_cache=False).logits
        return torch.tanh(logits[:, 0].float()).tolist()


# --------------------------------------------------------------------------------------------------
# Helpers.


def cpu_seconds(work) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def in_turn(*works, rounds=3) -> list[float]:
    """The median CPU seconds of each, measured in turns after one that does not count."""
    for work in works:
        work()
    measured = [[cpu_seconds(work) for work in works] for _ in range(rounds)]
    return [statistics.median(column) for column in zip(*measured)]


@functools.cache
def problems(mix: str, count: int, split="dev") -> list[dict]:
    world = [sys.executable, ROOT / "tiny" / "world.py", "--mix", mix, "--count", str(count)]
    text = subprocess.run([*world, "--split", split], capture_output=True, text=True, check=True)
    return [json.loads(line) for line in text.stdout.splitlines()]


@functools.cache
def bundled(policy_class=Policy, ppm_class=PPM):
    return policy_class(ROOT / "tiny/policy"), ppm_class(ROOT / "tiny/ppm")


def trees(policy, ppm, count, batch=48, mix="standard", references=False, **numbers):
    jobs = [
        (i, problem["question"], problem["answer"] if references else None)
        for i, problem in enumerate(problems(mix, 50)[:count])
    ]
    config = Config(**{"temperature": 0.7, "step_tokens": 256, **numbers})
    return [root for _, root in search_each(jobs, policy, ppm, config, batch=batch)]


def forget(*readers) -> None:
    """What was read in an earlier round must not make the next one faster."""
    for reader in readers:
        reader.prefixes.forget()


# --------------------------------------------------------------------------------------------------
# What is measured. Each function yields rows.


def candidates() -> Iterator[Row]:
    """Useful tokens per CPU second, 8 leaves of 16 candidates at temperature 1."""
    texts = [
        Policy.prompt(bundled()[0], problem["question"]) for problem in problems("standard", 8)
    ]
    tiny = ROOT / "tiny/policy"
    ours, plain = Policy(tiny), PlainPolicy(tiny)
    fast = tokens_per_second(ours, texts, 256)
    slow = tokens_per_second(plain, texts, 256)
    yield Row("candidates, tiny policy", fast, slow, "tokens/s", fast / slow, "3")
    slow = tokens_per_second(plain, texts, 256, one_at_a_time=True)
    what = "  the same against one call per candidate"
    yield Row(what, fast, slow, "tokens/s", fast / slow, "15")
    # Its samples agree in nothing, so no row is shared.
    with tempfile.TemporaryDirectory() as folder:
        make_random_model(folder)
        ours, plain = Policy(folder, rows=128), PlainPolicy(folder)
    for policy in (ours, plain):
        end_geometrically(policy)
    fast = tokens_per_second(ours, texts, 200, rounds=1)
    slow = tokens_per_second(plain, texts, 200, rounds=1)
    yield Row("candidates, 63M of random weights", fast, slow, "tokens/s", fast / slow, "2.3")


def tokens_per_second(policy, texts, limit, one_at_a_time=False, rounds=3) -> float:
    """The median of some rounds, each with other samples."""
    speeds = []
    for seed in range(rounds):
        torch.manual_seed(seed)
        forget(policy)
        before = policy.tokens

        def work(seed=seed):
            if one_at_a_time:
                for text in texts:
                    policy([text], 1, STEP, limit, 1.0, [seed])
            else:
                policy(texts, 16, STEP, limit, 1.0, [seed] * len(texts))

        seconds = cpu_seconds(work)
        speeds.append((policy.tokens - before) / seconds)
    return statistics.median(speeds)


def make_random_model(folder) -> None:
    """63M parameters in the shape of Qwen2, with the tiny world's tokenizer."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(ROOT / "tiny/policy")
    config = transformers.Qwen2Config(
        vocab_size=49152,
        hidden_size=512,
        intermediate_size=1536,
        num_hidden_layers=11,
        num_attention_heads=8,
        num_key_value_heads=8,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    torch.manual_seed(0)
    transformers.Qwen2ForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def end_geometrically(policy, mean=40) -> None:
    """Gives a model of random weights a bias with which a step has 40 tokens in the mean."""
    old = policy.model.lm_head
    head = torch.nn.Linear(old.in_features, old.out_features)
    head.weight = old.weight
    torch.nn.init.zeros_(head.bias)
    end = policy.tokenizer.convert_tokens_to_ids(END_OF_STEP)
    head.bias.data[end] = torch.tensor(old.out_features / (mean - 1)).log()
    policy.model.lm_head = head


def whole_search() -> Iterator[Row]:
    """50 problems, 16 rollouts of 8 candidates."""
    numbers = dict(rollouts=16, candidates=8)
    seconds = {}
    for name, models, batch in (
        ("ours", bundled(), 48),
        ("one at a time", bundled(PlainPolicy, PlainPPM), 1),
    ):
        trees(*models, 4, batch, **numbers)
        forget(*models)
        seconds[name] = cpu_seconds(lambda m=models, b=batch: trees(*m, 50, b, **numbers))
    ours, plain = seconds.values()
    yield Row("search, 50 problems, 16 x 8", ours, plain, "s", plain / ours, "8")


def ppm() -> Iterator[Row]:
    """8 paths of three steps, each with 16 candidates for the fourth."""
    rng = random.Random(0)
    paths = []
    for problem in problems("hard", 8):
        steps = [f"# Step {i}: what is there now\nx{i} = {i} + 12{END_OF_STEP}" for i in range(3)]
        for _ in range(16):
            last = f"# Then some are added\ny = x2 + {rng.randrange(10**6)}{END_OF_STEP}"
            paths.append((problem["question"], BETWEEN.join([*steps, last])))
    rng.shuffle(paths)
    (_, ours), (_, plain) = bundled(), bundled(PlainPolicy, PlainPPM)

    def cold():
        forget(ours)
        ours.score(paths)

    found, wanted = torch.tensor(ours.score(paths)), torch.tensor(plain.score(paths))
    assert torch.allclose(found, wanted, atol=1e-5)
    first, second = in_turn(cold, lambda: plain.score(paths), rounds=5)
    yield Row("PPM, 8 x 16 candidates", first, second, "s", second / first, "4")
    # In a search the path has been scored before.
    begun = [(question, steps.rpartition(BETWEEN)[0]) for question, steps in paths]

    def warm():
        ours.prefixes.forget()
        ours.score(begun)
        start = time.process_time()
        ours.score(paths)
        return time.process_time() - start

    warmed = statistics.median(warm() for _ in range(5))
    yield Row("  the same where the paths were scored before", warmed, second, "s", second / warmed)


def training() -> Iterator[Row]:
    """Tokens per CPU second in forward and backward passes, in the trainers' precision."""
    precision = trainer.pick_precision("auto", torch.device("cpu"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "trees.jsonl")
        numbers = dict(rollouts=4, candidates=5, temperature=1.0)
        grown = trees(bundled()[0], None, 50, references=True, **numbers)
        lines = [rstar.tree_to_line(root, i, {}) + "\n" for i, root in enumerate(grown)]
        path.write_text("".join(lines))
        flags = dict(trees=[str(path)], out="", length=2048)

        base = str(ROOT / "tiny/base")
        settings = train_policy.Settings(base=base, **flags)
        model, tokenizer = train_policy.load_model(base)
        rows, _ = train_policy.make_rows(settings, tokenizer, 2048)
        tokens = sum(row.length for row in rows)
        loss = functools.partial(train_policy.measure, pad=tokenizer.pad_token_id)
        loss = functools.partial(loss, settings=settings)
        yield faster_training("policy", precision, model, rows, tokens, loss, loss, "1.5")

        policy = str(ROOT / "tiny/policy")
        settings = train_ppm.Settings(
            policy=policy, answer_groups=4, scale=3.0, center=0.5, **flags
        )
        model, tokenizer = train_ppm.load_model(policy, 0)
        groups, _, _ = train_ppm.make_groups(settings, tokenizer, 2048)
        tokens = sum(len(ids) for group in groups for ids in group.ids)
        loss = functools.partial(train_ppm.measure, pad=tokenizer.pad_token_id, settings=settings)

        def plain(model, groups):
            logits = train_ppm.plain_logits(model, groups, tokenizer.pad_token_id)
            scores = torch.tanh(logits.float()).split([group.width for group in groups])
            losses = [train_ppm.loss_of(group, r, settings) for group, r in zip(groups, scores)]
            return dict(loss=torch.stack(losses).sum())

        yield faster_training("PPM", precision, model, groups, tokens, loss, plain, "2.5")


def faster_training(name, precision, model, items, tokens, loss, plain_loss, goal) -> Row:
    """Batches of like length against batches in random order, 16 items each."""
    shuffled = random.Random(0).sample(items, len(items))
    at_random = [shuffled[i : i + 16] for i in range(0, len(items), 16)]

    def epoch(batches, loss, attention):
        model.set_attn_implementation(attention)
        for batch in batches:
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
                total = loss(model, batch)["loss"]
            total.backward()
            model.zero_grad()

    attention = "sdpa_in_float32" if precision == "bf16" else "sdpa"
    ours, plain = in_turn(
        lambda: epoch(trainer.batches(items, 16, 0, 0), loss, attention),
        lambda: epoch(at_random, plain_loss, "sdpa"),
    )
    what = f"training, {name}, {'bf16' if precision == 'bf16' else 'float32'}"
    return Row(what, tokens / ours, tokens / plain, "tokens/s", plain / ours, goal)


def verifier() -> Iterator[Row]:
    """Runs of a snippet, on all cores."""
    for name, code, kind, count, goal in (
        ("arithmetic", bench_verifier.ARITHMETIC, "light", 500, "6"),
        ("sympy", bench_verifier.SOLVE, "heavy", 80, "20"),
    ):
        seconds, faster, _ = bench_verifier.measure(code, kind, count)
        yield Row(f"verified runs, {name}", 1 / seconds, 1 / seconds / faster, "/s", faster, goal)


def start() -> Iterator[Row]:
    """From the command to the answer, against the imports alone."""
    question = problems("plain", 1)[0]["question"]
    answer = [sys.executable, str(ROOT / "rstar.py"), "--problem", question]
    imports = [
        sys.executable,
        "-c",
        "import torch, transformers; transformers.AutoModelForCausalLM",
    ]
    for name, busy, goal in (("", 0, "1/1.5"), (", beside two busy processes", 2, "1/2")):
        spinning = [subprocess.Popen([sys.executable, "-c", "while 1: pass"]) for _ in range(busy)]
        try:
            times = [[wall_seconds(command) for command in (answer, imports)] for _ in range(6)]
        finally:
            for process in spinning:
                process.kill()
        first, second = (statistics.median(column) for column in zip(*times[1:]))
        yield Row(f"--problem to its answer{name}", first, second, "s", second / first, goal)


def wall_seconds(command) -> float:
    begin = time.perf_counter()
    # As a user starts it: we choose the number of threads ourselves.
    env = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT, env=env)
    return time.perf_counter() - begin


def duplicates() -> Iterator[Row]:
    """The share of candidates' tokens whose code equals a sibling's, sampled and computed."""
    policy, ppm = bundled()
    plain = Policy.__call__
    for name, numbers in (
        ("answering, temperature 0.4", dict(rollouts=16, candidates=8, temperature=0.4)),
        ("training data, temperature 1", dict(rollouts=4, candidates=8, temperature=1.0)),
    ):
        counts = Counter()

        def counted(self, texts, k, *more, counts=counts):
            samples = plain(self, texts, k, *more)
            for strings in samples if k > 1 else ():
                count_tokens([(tuple(self.encode(s)), rstar.merge_key(s)) for s in strings], counts)
            return samples

        Policy.__call__ = counted
        forget(policy, ppm)
        trees(policy, ppm, 50, expansions=1, **numbers)
        Policy.__call__ = plain
        again = 100 * counts["sampled again"] / counts["sampled"]
        yield Row(f"tokens with a sibling's code, {name}", again, None, "%", None)
        again = 100 * counts["computed again"] / counts["computed"]
        yield Row("  the same of the tokens that are computed", again, None, "%", None)
        share = 100 * counts["computed"] / counts["sampled"]
        yield Row("  tokens that are computed", share, 100, "%", 100 / share)


def count_tokens(candidates: list[tuple], counts: Counter) -> None:
    """Adds up the tokens of a leaf's candidates, given as (tokens, what they are merged by)."""
    firsts = {}
    for tokens, key in candidates:
        counts["sampled"] += len(tokens)
        if firsts.setdefault(key, tokens) is not tokens:
            counts["sampled again"] += len(tokens)
    # A token is computed once for all texts that agree up to it.
    computed = len(beginnings(tokens for tokens, _ in candidates))
    counts["computed"] += computed
    counts["computed again"] += computed - len(beginnings(firsts.values()))


def beginnings(texts) -> set:
    return {text[:length] for text in texts for length in range(1, len(text) + 1)}


def growth() -> Iterator[Row]:
    """How the time grows with the numbers of a search."""
    policy, ppm = bundled()

    def seconds(count=10, **numbers):
        def work():
            forget(policy, ppm)
            numbers.setdefault("rollouts", 4)
            trees(policy, ppm, count, mix="hard", **numbers)

        return in_turn(work)[0]

    for what, small, large in (
        ("problems x 10", dict(count=5), dict(count=50)),
        ("rollouts x 4", dict(rollouts=4), dict(rollouts=16)),
        ("candidates x 4", dict(candidates=4), dict(candidates=16)),
        ("depth x 2", dict(depth=8), dict(depth=16)),
    ):
        first, second = seconds(**small), seconds(**large)
        yield Row(f"{what}: time x {second / first:.1f}", second, first, "s", None)


def bookkeeping() -> Iterator[Row]:
    """What is neither a model nor the verifier, of a search's time."""
    policy, ppm = bundled()
    problems("hard", 50)  # made before, since this is no part of a search
    spent = []

    def timed(work):
        def wrapped(*arguments, **options):
            begin = time.perf_counter()
            result = work(*arguments, **options)
            spent.append(time.perf_counter() - begin)
            return result

        return wrapped

    class Timed(rstar.Verifier):
        run_batch = timed(rstar.Verifier.run_batch)

    plain = rstar.Verifier
    rstar.Verifier = Timed
    forget(policy, ppm)
    policy_call, score = Policy.__call__, PPM.score
    Policy.__call__, PPM.score = timed(policy_call), timed(score)
    try:
        begin = time.perf_counter()
        trees(policy, ppm, 50, mix="hard", rollouts=16, candidates=8)
        whole = time.perf_counter() - begin
    finally:
        rstar.Verifier, Policy.__call__, PPM.score = plain, policy_call, score
    share = 100 * (whole - sum(spent)) / whole
    yield Row("bookkeeping of a search, of its time", share, None, "%", None, "< 5")


# --------------------------------------------------------------------------------------------------

ALL = (candidates, whole_search, ppm, training, verifier, start, duplicates, growth, bookkeeping)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = [measure.__name__ for measure in ALL]
    parser.add_argument("what", nargs="*", metavar="WHAT", help=f"some of {', '.join(names)}")
    parser.add_argument("--csv", action="store_true", help="print CSV")
    args = parser.parse_args()
    if unknown := set(args.what) - set(names):
        parser.error(f"{' '.join(unknown)}: not one of {', '.join(names)}")
    capability = torch.backends.cpu.get_cpu_capability()
    print(f"CPU: {capability}; torch {torch.__version__}", file=sys.stderr)
    if args.csv:
        csv.writer(sys.stdout).writerow(Row._fields)
    else:
        print(f"{'':56}{'ours':>10}{'plain':>10} {'':9}{'ratio':>7}  goal")
    for measure in ALL:
        if args.what and measure.__name__ not in args.what:
            continue
        for row in measure():
            if args.csv:
                csv.writer(sys.stdout).writerow(row)
            else:
                print(line(row))
            sys.stdout.flush()


def line(row: Row) -> str:
    number = ["" if value is None else f"{value:.3g}" for value in (row.ours, row.plain, row.ratio)]
    ours, plain, ratio = number
    return f"{row.what:56}{ours:>10}{plain:>10} {row.unit:9}{ratio:>7}  {row.goal}"


if __name__ == "__main__":
    main()

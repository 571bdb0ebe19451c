"""How fast the verifier is, as ratios measured in one run on the same cores.

`pytest -m bench tests/bench_verifier.py`, or run this file for a table. Compared with a fresh
`python -c` per run, and with a bare fork per run, which isolates nothing, of a process that has
imported the same modules. Also what running the common prefix of a leaf's candidates once would
save."""

import os
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from verifier import Verifier

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
ARITHMETIC = "apples = 17 * 24\neaten = apples // 3\nleft = apples - eaten\nprint(left)"
SOLVE = """
from sympy import symbols, solve
x = symbols('x')
roots = solve(x**2 - 7*x + 12, x)
print(sum(roots))
""".strip()

BARE = """
import os, sys, time
sys.path.insert(0, sys.argv[1])
kind, code, count = sys.argv[2], sys.argv[3], int(sys.argv[4])
import gc, zygote  # the modules of a zygote and no others
zygote.preload(kind, 1 << 16)
gc.collect(); gc.freeze()
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
print(); sys.stdout.flush()
start = time.perf_counter()
for _ in range(count):
    child = os.fork()
    if child == 0:
        exec(compile(code, "<code>", "exec"), {})
        sys.stdout.flush()
        os._exit(0)
    os.waitpid(child, 0)
os.write(2, str(time.perf_counter() - start).encode())
"""


def fresh(code, count):
    """Seconds a run, with a fresh python for each, on all cores."""

    def one(_):
        subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)

    with ThreadPoolExecutor(CORES) as threads:
        start = time.perf_counter()
        list(threads.map(one, range(count)))
        return (time.perf_counter() - start) / count


def verified(verifier, code, count):
    verifier.run_batch([code] * 4 * CORES)  # the start of the zygotes is not counted
    start = time.perf_counter()
    assert all(result.ok for result in verifier.run_batch([code] * count))
    return (time.perf_counter() - start) / count


def bare(code, kind, count):
    """Seconds a run, with a bare fork for each, on all cores."""
    command = [
        sys.executable,
        "-c",
        BARE,
        str(Path(__file__).resolve().parent.parent),
        kind,
        code,
        str(count // CORES),
    ]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(CORES)]
    return max(float(process.communicate()[1]) for process in processes) / count


def measure(code, kind, count):
    """(seconds a run verified, a fresh Python's multiple of that, its multiple of a bare fork).

    Medians of five rounds of all three in turn, so that another load on the machine meets them
    alike."""
    with Verifier(timeout=60, require_isolation=True) as verifier:
        rounds = []
        for _ in range(5):
            ours = verified(verifier, code, count)
            rounds.append(
                (ours, fresh(code, max(6, count // 15)) / ours, ours / bare(code, kind, count))
            )
    return tuple(statistics.median(column) for column in zip(*rounds, strict=True))


@pytest.mark.bench
@pytest.mark.parametrize(
    "code, kind, count, goal",
    [(ARITHMETIC, "light", 500, 6), (SOLVE, "heavy", 80, 20)],
    ids=["arithmetic", "solve"],
)
def test_it_is_faster_than_a_fresh_python(code, kind, count, goal):
    _, faster, _ = measure(code, kind, count)
    assert faster >= goal


@pytest.mark.bench
@pytest.mark.parametrize(
    "code, kind, count",
    [(ARITHMETIC, "light", 500), (SOLVE, "heavy", 80)],
    ids=["arithmetic", "solve"],
)
def test_it_is_near_a_bare_fork(code, kind, count):
    _, _, slower = measure(code, kind, count)
    assert slower <= 2


@pytest.mark.bench
def test_a_first_run_comes_soon():
    start = time.perf_counter()
    with Verifier(workers=1) as verifier:
        assert verifier.run(ARITHMETIC).ok
        assert time.perf_counter() - start < 0.5


PREFIX = """
import os, sys, time
prefix, step, candidates = sys.argv[1], sys.argv[2], int(sys.argv[3])
import sympy; from sympy import symbols, solve; x = symbols("x"); solve(x**2 - 7*x + 12, x)
import gc; gc.collect(); gc.freeze()
def fork(work):
    child = os.fork()
    if child == 0:
        work(); os._exit(0)
    os.waitpid(child, 0)
def whole():
    exec(prefix + step, {})
def shared():
    names = {}
    exec(prefix, names)
    for _ in range(candidates): fork(lambda: exec(step, names))
def timed(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
def each():
    for _ in range(candidates): fork(whole)
rounds = [(timed(each), timed(lambda: fork(shared))) for _ in range(15)]
os.write(2, str(min(a for a, _ in rounds) / min(b for _, b in rounds)).encode())
"""


def prefix_gain(prefix, step, candidates):
    """How many times faster bare forks are that run the common prefix once, without isolation."""
    command = [sys.executable, "-c", PREFIX, prefix, step, str(candidates)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stderr)


if __name__ == "__main__":
    heads = ("ms a run", "runs/s", "x fresh Python", "x bare fork")
    print(f"{'':12}" + "".join(f"{head:>16}" for head in heads) + f"    ({CORES} cores)")
    for name, code, kind, count in (
        ("arithmetic", ARITHMETIC, "light", 500),
        ("solve", SOLVE, "heavy", 80),
    ):
        ours, faster, slower = measure(code, kind, count)
        print(f"{name:12}{1000 * ours:16.2f}{1 / ours:16.0f}{faster:16.1f}{slower:16.2f}")
    for candidates in (5, 16):
        plain = prefix_gain(ARITHMETIC + "\n", "print(left + 1)", candidates)
        sympy = prefix_gain(SOLVE + "\n", "print(roots[0] + 1)", candidates)
        print(f"{candidates} candidates, their prefix run once: ", end="")
        print(f"arithmetic {plain:.2f}x, solve {sympy:.2f}x as fast")

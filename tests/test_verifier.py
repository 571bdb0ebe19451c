"""The verifier: one property per test. Hostile code must be held, honest code must run, and neither may touch its neighbour."""
import ast
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import verifier as module
from verifier import IsolationError, Verifier

linux = pytest.mark.skipif(sys.platform != "linux", reason="the layers are Linux's")


@pytest.fixture(scope="module")
def verifier():
    """A long timeout, so that a loaded machine fails no honest run; what must time out is given a short one."""
    with Verifier(timeout=60, memory=1 << 29, output=1 << 16, workers=2) as shared:
        yield shared


@pytest.fixture
def isolated(verifier):
    lack = module._lack(verifier.layers())
    if lack:
        pytest.skip(lack)
    return verifier


def fails(verifier, code, timeout=None):
    """The error line of code that must not be ok."""
    result = verifier.run(code, timeout)
    assert not result.ok and result.error, (code, result)
    return result.error


def prints(verifier, code):
    result = verifier.run(code)
    assert result.ok and not result.error, (code, result)
    return result.output


# ---- the interface ----------------------------------------------------------------------------------------------------


def test_ok_code_gives_its_output(verifier):
    result = verifier.run("x = 6 * 7\nprint(x)")
    assert (result.ok, result.output, result.error) == (True, "42\n", "") and 0 < result.seconds < 60


def test_raising_code_gives_one_error_line_and_what_it_printed_before(verifier):
    result = verifier.run("print('before')\n1 / 0")
    assert (result.ok, result.output, result.error) == (False, "before\n", "ZeroDivisionError: division by zero")


def test_words_in_the_output_do_not_decide(verifier):
    assert prints(verifier, "print('Traceback: Error, failed')")


def test_a_batch_comes_back_in_order(verifier):
    codes = [f"import time; time.sleep({0.05 if i % 7 == 0 else 0}); print({i})" for i in range(40)]
    assert [r.output for r in verifier.run_batch(codes)] == [f"{i}\n" for i in range(40)]


def test_an_empty_batch_is_empty(verifier):
    assert verifier.run_batch([]) == []


def test_one_bad_run_does_not_harm_its_neighbours(verifier):
    bad = ["while True: pass", "import os; os._exit(0)", "import ctypes; ctypes.string_at(0)", "(" * 100000]
    with Verifier(timeout=1.0, workers=2) as short:
        results = short.run_batch([code for b in bad for code in (b, "print('fine')")])
    assert [r.ok for r in results[0::2]] == [False] * 4
    assert [r.output for r in results[1::2]] == ["fine\n"] * 4


def test_it_can_be_used_from_many_threads(verifier):
    seen = {}
    threads = [threading.Thread(target=lambda i=i: seen.update({i: verifier.run(f"print({i})").output})) for i in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {i: f"{i}\n" for i in range(16)}


def test_results_are_frozen(verifier):
    with pytest.raises(AttributeError):
        verifier.run("pass").ok = False


def test_a_bad_argument_is_told():
    for name in ("timeout", "memory", "output", "workers"):
        with pytest.raises(ValueError):
            Verifier(**{name: 0})


def test_a_closed_verifier_says_so():
    closed = Verifier()
    closed.close()
    closed.close()
    with pytest.raises(RuntimeError, match="closed"):
        closed.run("pass")


def test_importing_and_constructing_start_nothing_and_import_neither_torch_nor_sympy():
    code = ("import sys, verifier; v = verifier.Verifier(); assert not v._idle.get();"
            "assert not {'torch', 'sympy', 'numpy'} & set(sys.modules)")
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(module.__file__).parent)


def test_the_light_zygote_has_no_sympy(verifier):
    assert prints(verifier, "import sys; print('sym' + 'py' in sys.modules)") == "False\n"


# ---- what ends a run --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [
    "import signal\nfor s in range(1, 65):\n    try: signal.signal(s, signal.SIG_IGN)\n    except (OSError, ValueError): pass\n"
    "while True: pass",
    "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
    "10 ** 10 ** 8",
    "import re; re.match(r'(a+)+$', 'a' * 60 + 'b')",
    "import sympy; sympy.factorint(2**1061 - 1)"], ids=["signals ignored", "exceptions caught", "tower", "regex", "sympy"])
def test_what_does_not_return_is_stopped_from_outside(verifier, code):
    verifier.run("import sympy")  # the start of a zygote is not the run's time
    start = time.monotonic()
    assert fails(verifier, code, timeout=0.5) == "timeout after 0.5 s"
    assert time.monotonic() - start < 30


def test_memory_is_bounded(verifier):
    assert "MemoryError" in fails(verifier, "x = []\nwhile True: x.append(bytearray(1 << 24))")


def test_too_much_output_is_cut_and_told(verifier):
    result = verifier.run("while True: print('x' * 1000)")
    assert not result.ok and result.error == "output over 65536 bytes" and len(result.output) == 65536


def test_what_was_printed_before_the_deadline_is_kept(verifier):
    assert verifier.run("print('so far')\nwhile True: pass", timeout=1).output == "so far\n"


def test_output_up_to_the_limit_is_kept_whole(verifier):
    assert prints(verifier, "print('x' * 65535)") == "x" * 65535 + "\n"


def test_endless_recursion_raises(verifier):
    assert fails(verifier, "def f(): f()\nf()").startswith("RecursionError")


def test_a_crash_is_told_by_its_signal(verifier):
    assert "SIGABRT" in fails(verifier, "import os; os.abort()")


def test_exit_zero_is_ok_and_any_other_is_not(verifier):
    assert prints(verifier, "print(1)\nexit()\nprint(2)") == "1\n"
    assert prints(verifier, "import sys; sys.exit(0)") == ""
    assert fails(verifier, "import sys; sys.exit(3)") == "SystemExit: 3"
    assert fails(verifier, "import sys; sys.exit('no')") == "SystemExit: no"


@pytest.mark.parametrize("code", ["def", "a\0b", "\ud800", "x = '\udfff'", "(" * 100000, "return 1"])
def test_what_is_no_source_is_an_error_and_not_an_exception(verifier, code):
    fails(verifier, code)


def test_results_always_encode(verifier):
    result = verifier.run("import os; os.write(1, bytes(range(256)) + b'\\xed\\xa0\\x80')\nraise ValueError('\\ud800\\n\\0' * 999)")
    assert not result.ok and "\n" not in result.error and len(result.error) <= module.ERROR
    assert json.loads(json.dumps(vars(result)).encode()) == vars(result) and result.output.encode()


# ---- isolation ----------------------------------------------------------------------------------------------------------


@linux
@pytest.mark.parametrize("path", ["/etc/passwd", "/proc/self/environ", "/proc/self/mem", __file__, module.__file__, "/dev/zero",
                                  f"/proc/{os.getpid()}/environ", "/usr/lib/../../etc/passwd"])
def test_a_file_outside_the_libraries_can_not_be_read(isolated, path):
    fails(isolated, f"print(open({path!r}, 'rb').read(9))")


@linux
def test_nothing_can_be_written(isolated, tmp_path):
    os.chmod(tmp_path, 0o777)
    places = [str(tmp_path), "/tmp", "/dev/shm", "/", os.path.dirname(os.__file__), "."]
    code = ("import os, tempfile\nfor place in %r:\n    for do in (lambda: open(place + '/new', 'w'), lambda: os.mkdir(place + '/d'),"
            " lambda: os.chmod(place, 0o700), lambda: os.symlink('/', place + '/l')):\n"
            "        try: do()\n        except OSError: continue\n        print(place)" % places)
    assert prints(isolated, code) == "" and not os.listdir(tmp_path)


@linux
@pytest.mark.parametrize("family", ["AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK", "AF_PACKET"])
def test_there_are_no_sockets(isolated, family):
    assert "PermissionError" in fails(isolated, f"import socket; socket.socket(socket.{family}, socket.SOCK_DGRAM)")


def test_the_environment_is_clean(verifier, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "secret-of-the-caller")
    with Verifier(workers=1) as fresh:
        assert "secret-of-the-caller" not in fresh.run("import os; print(dict(os.environ))").output


@linux
def test_only_stdin_stdout_stderr_and_the_result_are_open(isolated, tmp_path):
    with open(tmp_path / "open", "w") as held:
        os.set_inheritable(held.fileno(), True)
        code = "import os\nfor n in range(4, 1024):\n    try: os.fstat(n)\n    except OSError: continue\n    print(n)"
        assert prints(isolated, code) == ""


@linux
@pytest.mark.parametrize("target", ["os.getppid()", "1", "-1", "0", str(os.getpid())])
def test_no_other_process_can_be_signalled(isolated, target):
    assert "Error" in fails(isolated, f"import os; os.kill({target}, 9)")


@linux
def test_a_fork_storm_does_not_start(isolated):
    assert "PermissionError" in fails(isolated, "import os\nwhile True: os.fork()")


@linux
def test_threads_are_bounded(isolated):
    code = "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(99,), daemon=True).start()"
    assert "new thread" in fails(isolated, code)


@linux
@pytest.mark.parametrize("number, arguments", [
    (250, "1, 0"), (248, "b'user', b'k', b'v', 1, -3"), (29, "0, 4096, 0o1600"), (319, "b'm', 0"), (272, "0x10000000"),
    (425, "4, bytes(120)"), (298, "0, 0, -1, -1, 0"), (101, "16, 1, 0, 0"), (0x40000027, ""), (321, "0, 0, 0")],
    ids=["keyctl", "add_key", "shmget", "memfd_create", "unshare", "io_uring", "perf", "ptrace", "x32", "bpf"])
def test_kernel_interfaces_are_refused(isolated, number, arguments):
    if os.uname().machine != "x86_64":
        pytest.skip("these are x86_64's numbers")
    code = f"import ctypes; print(ctypes.CDLL(None).syscall({', '.join([str(number)] + [arguments] * bool(arguments))}))"
    assert prints(isolated, code) == "-1\n"


@pytest.mark.parametrize("code", [
    "import os\nfor n in range(64):\n    try: os.write(n, b'+' * 17)\n    except OSError: pass\nraise ValueError",
    "import os\nos._exit(0)",
    "import os\nos.write = lambda n, data: len(data)\nraise ValueError",
    "import builtins\nbuiltins.BaseException = builtins.SystemExit = int\nraise ValueError",
    "E = type('E', (Exception,), {})\nE.__name__ = ''\nraise E",
    "class E(Exception):\n    def __str__(self): import os; os._exit(0)\nraise E",
    "import sys\nf = sys._getframe()\nwhile f:\n    for k in list(f.f_globals):\n"
    "        if k.startswith('_') and callable(f.f_globals[k]): f.f_globals[k] = lambda *a, **k: b'+'\n    f = f.f_back\n1 / 0"],
    ids=["descriptors", "early exit", "os.write", "builtins", "nameless", "message", "zygote's functions"])
def test_a_result_is_not_forged(verifier, code):
    fails(verifier, code)


def test_the_token_is_in_no_object_that_a_run_can_reach(verifier):
    """Follows every reference from every frame and every tracked object, and tries each 16 bytes found as the token."""
    code = """
import gc, os, sys
seen, todo, frame = set(), gc.get_objects(), sys._getframe()
while frame:
    todo += [frame, frame.f_locals, frame.f_globals]
    frame = frame.f_back
while todo:
    thing = todo.pop()
    if id(thing) in seen or thing is seen or thing is todo: continue
    seen.add(id(thing))
    if isinstance(thing, (bytes, bytearray)) and len(thing) == 16:
        os.write(3, thing + b"+")
        os._exit(0)
    todo += gc.get_referents(thing)
raise ValueError(len(seen) > 10000)
"""
    assert fails(verifier, code) in ("ValueError: True", "ended without a result (exit status 0)", "ended without a result (SIGKILL)")


def test_death_by_a_signal_without_a_name(verifier):
    assert "signal 40" in fails(verifier, "import os\nos.kill(os.getpid(), 40)")


# ---- state --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tamper, then, output", [
    ("import builtins; builtins.print = builtins.len = None", "print(len('ab'))", "2\n"),
    ("import sys, math; math.pi = 3; sys.path.clear(); sys.modules['json'] = None", "import math, json, colorsys; print(math.pi > 3.1)",
     "True\n"),
    ("import sympy; sympy.solve = None; sympy.S.One.p = 2; sympy.core.cache.clear_cache()",
     "import sympy; x = sympy.Symbol('x'); print(sympy.solve(2*x - 1), sympy.S(1) + 1)", "[1/2] 2\n"),
    ("import gc\nfor o in gc.get_objects():\n    if type(o) is dict: o.clear()", "import random; print(random.random() < 1)", "True\n"),
    ("left = 1", "print('left' in globals())", "False\n")], ids=["builtins", "modules", "sympy", "every dict", "globals"])
def test_no_state_reaches_the_next_run(tamper, then, output):
    with Verifier(timeout=60, workers=1) as one:  # one worker: the second run comes from the same zygote
        one.run(tamper)
        assert prints(one, then) == output


def test_the_same_code_gives_the_same_output(verifier):
    code = "import random; print(random.random(), {'a', 'b', 'c'}, hash('x'))"
    assert len({r.output for r in verifier.run_batch([code] * 8)}) == 1


# ---- the life of a zygote -----------------------------------------------------------------------------------------------


def children(pid):
    """Process ids of all that descend from a process."""
    table = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stat = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            table.setdefault(int(stat[1]), []).append(int(entry))
    found, todo = [], [pid]
    while todo:
        more = table.get(todo.pop(), [])
        found += more
        todo += more
    return found


def gone(pids):
    deadline = time.monotonic() + 20
    while any(os.path.exists(f"/proc/{pid}") for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not [pid for pid in pids if os.path.exists(f"/proc/{pid}")]


@linux
@pytest.mark.parametrize("which", [0, 1], ids=["watcher", "init"])
def test_a_killed_zygote_is_mended(which):
    with Verifier(timeout=60, workers=1) as one:
        before = set(children(os.getpid()))
        one.run("pass")
        victim = sorted(set(children(os.getpid())) - before)[which]
        os.kill(victim, signal.SIGKILL)
        assert prints(one, "print('again')") == "again\n"


@linux
def test_a_zygote_killed_in_the_middle_of_a_run_repeats_it():
    with Verifier(timeout=60, workers=1) as one:
        before = set(children(os.getpid()))
        one.run("pass")
        victim = min(set(children(os.getpid())) - before)
        threading.Timer(0.3, os.kill, (victim, signal.SIGKILL)).start()
        assert prints(one, "import time; time.sleep(0.6); print('whole')") == "whole\n"


@linux
def test_close_leaves_no_process():
    before = set(children(os.getpid()))
    with Verifier(timeout=60, workers=2) as two:
        two.run_batch(["pass", "import sympy"] * 2)
        mine = set(children(os.getpid())) - before
    assert mine and gone(mine)


@linux
def test_it_dies_with_its_parent_even_in_the_middle_of_a_run():
    code = ("import threading, time, verifier; v = verifier.Verifier(timeout=60, workers=1); v.run('pass'); "
            "threading.Thread(target=v.run, args=('while True: pass',)).start(); time.sleep(0.2); print(1, flush=True)")
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=Path(module.__file__).parent)
    assert parent.stdout.readline() == b"1\n"
    below = children(parent.pid)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert len(below) >= 2 and gone(below)


@linux
def test_a_promised_layer_that_does_not_come_up_fails_the_run():
    with Verifier(timeout=60, workers=1) as one:
        one.run("pass")
        zygote = one._idle.queue[0].popitem()[1]
        zygote.close()
        one._promised[0]["seccomp"] = ""
        original, module.Zygote = module.Zygote, lambda *a: Lame(original(*a))
        try:
            assert fails(one, "print(1)") == "not run: seccomp did not come up: as if"
        finally:
            module.Zygote = original


class Lame:
    """A zygote whose seccomp did not come up."""

    def __init__(self, zygote):
        self.close, self.ask, self.layers = zygote.close, zygote.ask, zygote.layers | {"seccomp": "as if"}


def test_a_layer_that_fails_in_the_run_itself_fails_the_run():
    def confine():
        raise OSError("no filter")
    assert list(module._verdict("print(1)", confine)) == [b"", b"-not run: a layer did not come up: no filter"]


def test_isolation_that_is_required_and_there_is_given(isolated):
    with Verifier(timeout=60, workers=1, require_isolation=True) as required:
        assert prints(required, "print(1)") == "1\n"


def test_isolation_that_is_required_and_lacking_is_refused(monkeypatch):
    lacking = dict.fromkeys(module.LAYERS, "") | {"Landlock": "old kernel", "mount namespace": "denied"}
    monkeypatch.setattr(Verifier, "layers", lambda self: lacking)
    with pytest.raises(IsolationError, match="Landlock is off"):
        Verifier(require_isolation=True)


def test_without_isolation_it_warns_once(monkeypatch):
    module._warn_once.cache_clear()
    lacking = dict.fromkeys(module.LAYERS, "") | {"seccomp": "old kernel"}
    with pytest.warns(RuntimeWarning, match="seccomp is off") as told:
        for _ in range(3):
            Verifier()._keep_promise(lacking)
    assert len(told) == 1


def test_where_there_is_no_fork_a_fresh_python_runs_the_code():
    fresh = module.FreshProcess("light", 1 << 30, 100)
    results = [fresh.ask(code, 60) for code in ("print(2)", "1/0", "print('x' * 200)", "\ud800")]
    assert [(r.ok, r.output, r.error[:17]) for r in results[:3]] == [
        (True, "2\n", ""), (False, "", "ZeroDivisionError"), (False, "x" * 100, "output over 100 b")]
    assert not results[3].ok and fresh.ask("while True: pass", 0.5).error == "timeout after 0.5 s"


# ---- honest code --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code, output", [
    ("import sympy as sp; x = sp.symbols('x'); print(sp.solve(x**2 - 5*x + 6, x))", "[2, 3]\n"),
    ("from fractions import Fraction; print(sum(Fraction(1, n) for n in range(1, 5)))", "25/12\n"),
    ("import math, itertools, statistics, decimal, datetime\nprint(math.comb(5, 2), statistics.mean([1, 2, 3]),"
     " len(list(itertools.permutations(range(4)))), decimal.Decimal(1) / 8, datetime.date(2024, 2, 28) + datetime.timedelta(2))",
     "10 2 24 0.125 2024-03-01\n"),
    ("print(2**5000 % 10**6, len(str(2**20000)))", f"{2**5000 % 10**6} 6021\n"),
    ("import sys\nsys.setrecursionlimit(20000)\nfrom functools import lru_cache\n@lru_cache(None)\ndef f(n): return n and 1 + f(n - 1)\n"
     "print(f(5000))", "5000\n"),
    ("def f(n): return n and 1 + f(n - 1)\nprint(f(3000))", "3000\n"),
    ("class A:\n    k = 3\n    def get(self): return [self.k * i for i in range(3)]\nif __name__ == '__main__': print(A().get())",
     "[0, 3, 6]\n"),
    ("from dataclasses import dataclass\n@dataclass\nclass P:\n    x: 'int'\nprint(P(1))", "P(x=1)\n"),
    ("import sys, warnings\nwarnings.warn('w')\nprint('e', file=sys.stderr)\nprint('o')", "o\n"),
    ("try: input()\nexcept EOFError: print('end')", "end\n"),
    ("print('x' * 10000)", "x" * 10000 + "\n"),
    ("from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(4) as e: print(sum(e.map(abs, range(5))))", "10\n"),
    ("import time\nt = time.process_time()\nwhile time.process_time() - t < 0.5: pass\nprint('computed')", "computed\n"),
    ("print('π ≈ 3')", "π ≈ 3\n")])
def test_honest_code_runs(verifier, code, output):
    assert prints(verifier, code) == output


def test_numpy_runs_where_it_is_installed(verifier):
    pytest.importorskip("numpy")
    assert prints(verifier, "import numpy as np; print(np.linalg.solve(np.array([[2., 0.], [0., 4.]]), np.ones(2)))") == "[0.5  0.25]\n"


def random_program(rng, depth=3):
    """A program of a small grammar that ends: assignments, loops, branches, functions, and what may raise."""
    def expression(level):
        if level == 0 or rng.random() < 0.3:
            return rng.choice(["a", "b", "c", "undefined", "[1, 2][a]", str(rng.randint(-9, 9)), "1.5", "'s'"]
                              if rng.random() < 0.15 else ["a", "b", "c", str(rng.randint(-9, 9))])
        operator = rng.choice(["+", "-", "*", "//", "%", "/", "<", "==", "and", "or"])
        return f"({expression(level - 1)} {operator} {expression(level - 1)})"

    def block(level, indent):
        lines = []
        for _ in range(rng.randint(1, 4)):
            kind = rng.choice(["assign", "assign", "print", "for", "if", "def", "try", "comprehension"] if level else ["assign", "print"])
            pad, inner = " " * indent, level - 1
            lines += {"assign": lambda: [f"{pad}{rng.choice('abc')} = {expression(2)}"],
                      "print": lambda: [f"{pad}print({expression(2)}, {expression(1)})"],
                      "for": lambda: [f"{pad}for b in range({rng.randint(0, 4)}):", *block(inner, indent + 1)],
                      "if": lambda: [f"{pad}if {expression(2)}:", *block(inner, indent + 1), f"{pad}else:", *block(inner, indent + 1)],
                      "def": lambda: [f"{pad}def f(a, b=2, c=3):", *block(inner, indent + 1), f"{pad} return a",
                                      f"{pad}print(f({expression(1)}))"],
                      "try": lambda: [f"{pad}try:", *block(inner, indent + 1), f"{pad}except ZeroDivisionError as e: print(e)"],
                      "comprehension": lambda: [f"{pad}print([a * c for a in range(3) if a != {expression(1)}])"]}[kind]()
        return lines
    return "\n".join(["a, b, c = 1, 2, 3", *block(depth, 0)])


PLAIN = """
import contextlib, io, json, sys
for code in json.load(sys.stdin):
    out, error = io.StringIO(), ""
    with contextlib.redirect_stdout(out):
        try: exec(compile(code, "<code>", "exec"), {"__name__": "__main__"})
        except Exception as e: error = f"{type(e).__name__}: {e}"
    print(json.dumps([not error, out.getvalue(), error]))
"""


@pytest.mark.parametrize("count", [300, pytest.param(4000, marks=pytest.mark.slow)])
def test_random_programs_give_what_a_plain_exec_gives(verifier, count):
    rng = random.Random(count)
    codes = [random_program(rng) for _ in range(count)]
    plain = subprocess.run([sys.executable, "-c", PLAIN], input=json.dumps(codes), capture_output=True, text=True, check=True)
    expected = [json.loads(line) for line in plain.stdout.splitlines()]
    assert 0.2 < sum(ok for ok, _, _ in expected) / len(codes) < 0.9  # both kinds are there
    for code, result, (ok, output, error) in zip(codes, verifier.run_batch(codes), expected):
        assert (result.ok, result.output, result.error) == (ok, output, error), code


# ---- the file itself ------------------------------------------------------------------------------------------------------


def test_the_tables_of_system_calls_agree_with_the_headers():
    """On x86_64 with the headers installed: each number of our table is the one that the C compiler's header gives."""
    header = next((p for p in map(Path, ["/usr/include/x86_64-linux-gnu/asm/unistd_64.h", "/usr/include/asm/unistd_64.h"])
                   if p.exists()), None)
    if header is None or os.uname().machine != "x86_64":
        pytest.skip("no kernel headers")
    numbers = dict(line.split()[1:3] for line in header.read_text().splitlines() if line.startswith("#define __NR_"))
    table = module._numbers(f"{module.ALLOWED};{module.PARTLY};{module.ZYGOTES};{module.SETUP}")
    assert len(table) > 90 and {name: int(numbers[f"__NR_{name}"]) for name in table} == table


def test_check_prints_every_layer():
    done = subprocess.run([sys.executable, module.__file__, "--check"], capture_output=True, text=True, check=True)
    assert [line[:22].strip() for line in done.stdout.splitlines()] == list(module.LAYERS)
    assert all(line[22:].split()[0] in ("on", "off") for line in done.stdout.splitlines())


def test_the_program_runs_a_file(tmp_path):
    (tmp_path / "code.py").write_text("print(3)\n1/0")
    done = subprocess.run([sys.executable, module.__file__, tmp_path / "code.py"], capture_output=True, text=True)
    assert done.stdout == "3\n" and done.stderr == "ZeroDivisionError: division by zero\n" and done.returncode == 1


@pytest.mark.parametrize("argument, text", [("nowhere.py", ""), ("--chekc", ""), (None, b"\xff\xfe")])
def test_what_is_no_text_gets_one_line(argument, text):
    done = subprocess.run([sys.executable, module.__file__, *([argument] if argument else [])], input=text or b"", capture_output=True)
    assert done.returncode == 2 and done.stderr.startswith(b"verifier: ") and done.stderr.count(b"\n") == 1 and not done.stdout


def test_no_function_outgrows_the_screen():
    tree = ast.parse(Path(module.__file__).read_text())
    assert max(n.end_lineno - n.lineno + 1 for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)) <= 60

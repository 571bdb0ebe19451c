"""The verifier: one property per test.

Hostile code must be held, honest code must run, neither may touch its neighbor, and a failure of
the verifier's own is never taken for one of the code."""

import ast
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import sandbox
import verifier as module
from verifier import IsolationError, Verifier, VerifierError, run_without_fork
from zygote import ERROR, PROGRAM, verdict_after

FILES = [module.__file__, PROGRAM, sandbox.__file__]
ROOT = Path(module.__file__).parent
COMMAND = [sys.executable, module.__file__]
linux = pytest.mark.skipif(sys.platform != "linux", reason="the layers are Linux's")


@pytest.fixture(scope="module")
def verifier():
    """One worker, so the next run comes from the same zygote, and sympy is imported only once.

    Its long timeout lets a loaded machine fail no honest run; endless code is given its own."""
    with Verifier(timeout=60, memory=1 << 28, output=1 << 16, workers=1) as shared:
        yield shared


@pytest.fixture(scope="module")
def pair():
    """Two workers, for runs at the same time and for tests that stop all zygotes."""
    with Verifier(timeout=60, workers=2) as shared:
        yield shared


@pytest.fixture
def isolated(verifier):
    lack = sandbox.lack(verifier.layers())
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


def cases(table):
    """{name: value or tuple of values} as parameters of a test, with their names as ids."""
    rows = [row if isinstance(row, tuple) else (row,) for row in table.values()]
    return [pytest.param(*row, id=name) for name, row in zip(table, rows, strict=True)]


def dedent(code):
    return textwrap.dedent(code).strip()


# ---- the interface -------------------------------------------------------------------------------


def test_ok_code_gives_its_output(verifier):
    result = verifier.run("x = 6 * 7\nprint(x)")
    assert (result.ok, result.output, result.error) == (True, "42\n", "")
    assert 0 < result.seconds < 60


def test_raising_code_gives_one_error_line_and_its_earlier_output(verifier):
    result = verifier.run("print('before')\n1 / 0")
    assert (result.ok, result.output) == (False, "before\n")
    assert result.error == "ZeroDivisionError: division by zero"


def test_error_words_in_the_output_do_not_make_a_failure(verifier):
    assert prints(verifier, "print('Traceback: Error, failed')")


def test_a_batch_comes_back_in_order(pair):
    pauses = [0.05 if i % 7 == 0 else 0 for i in range(40)]
    codes = [f"import time; time.sleep({pause}); print({i})" for i, pause in enumerate(pauses)]
    assert [r.output for r in pair.run_batch(codes)] == [f"{i}\n" for i in range(40)]


def test_an_empty_batch_is_empty(verifier):
    assert verifier.run_batch([]) == []


def test_a_bad_run_does_not_harm_its_neighbors(pair, monkeypatch):
    crash = "import ctypes; ctypes.string_at(0)"
    bad = ["while True: pass", "import os; os._exit(0)", crash, "(" * 100000]
    monkeypatch.setattr(pair, "timeout", 0.7)
    results = pair.run_batch([code for b in bad for code in (b, "print('fine')")])
    assert [r.ok for r in results[0::2]] == [False] * 4
    assert [r.output for r in results[1::2]] == ["fine\n"] * 4


def test_many_threads_can_share_a_verifier(pair):
    outputs = {}

    def run(i):
        outputs[i] = pair.run(f"print({i})").output

    threads = [threading.Thread(target=run, args=(i,)) for i in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outputs == {i: f"{i}\n" for i in range(16)}


def test_results_are_frozen(verifier):
    with pytest.raises(AttributeError):
        verifier.run("pass").ok = False


@pytest.mark.parametrize("name", ["timeout", "memory", "output", "workers"])
def test_arguments_must_be_positive(name):
    with pytest.raises(ValueError, match="positive"):
        Verifier(**{name: 0})


def test_a_closed_verifier_raises_and_can_be_closed_again():
    closed = Verifier()
    closed.close()
    closed.close()
    with pytest.raises(RuntimeError, match="closed"):
        closed.run("pass")


def test_constructing_starts_nothing_and_imports_neither_torch_nor_sympy():
    code = """
        import sys, verifier
        assert not any(verifier.Verifier()._lanes)
        assert not {'torch', 'sympy', 'numpy'} & set(sys.modules)
    """
    subprocess.run([sys.executable, "-c", dedent(code)], check=True, cwd=ROOT)


def test_the_light_zygote_has_no_sympy(verifier):
    assert prints(verifier, "import sys; print('sym' + 'py' in sys.modules)") == "False\n"


# ---- what ends a run -----------------------------------------------------------------------------

ENDLESS = {
    "signals ignored": """
        import signal
        for s in range(1, 65):
            try: signal.signal(s, signal.SIG_IGN)
            except (OSError, ValueError): pass
        while True: pass
    """,
    "exceptions caught": """
        while True:
            try:
                while True: pass
            except BaseException: pass
    """,
    "output closed": "import os; os.close(1)\nwhile True: pass",
    "tower": "10 ** 10 ** 8",
    "regex": "import re; re.match(r'(a+)+$', 'a' * 60 + 'b')",
    "sympy": "import sympy; sympy.factorint(2**1061 - 1)",
}


@pytest.mark.slow
@pytest.mark.parametrize("code", cases(ENDLESS))
def test_code_that_does_not_return_is_stopped_from_outside(verifier, code):
    verifier.run("import sympy")  # the start of a zygote is not the run's time
    start = time.monotonic()
    assert fails(verifier, dedent(code), timeout=0.3) == "timeout after 0.3 s"
    assert time.monotonic() - start < 30


def test_memory_is_bounded(verifier):
    assert "MemoryError" in fails(verifier, "x = []\nwhile True: x.append(bytearray(1 << 24))")


def test_too_much_output_is_cut_and_is_an_error(verifier):
    result = verifier.run("while True: print('x' * 1000)")
    assert not result.ok and result.error == "output over 65536 bytes"
    assert len(result.output) == 65536


def test_output_before_the_deadline_is_kept(verifier):
    assert verifier.run("print('so far')\nwhile True: pass", timeout=0.5).output == "so far\n"


def test_output_up_to_the_limit_is_kept_in_full(verifier):
    assert prints(verifier, "print('x' * 65535)") == "x" * 65535 + "\n"


def test_endless_recursion_raises(verifier):
    assert fails(verifier, "def f(): f()\nf()").startswith("RecursionError")


def test_a_crash_is_reported_by_its_signal(verifier):
    assert "SIGABRT" in fails(verifier, "import os; os.abort()")


def test_a_real_time_signal_is_reported_by_its_number(verifier):
    assert "signal 40" in fails(verifier, "import os\nos.kill(os.getpid(), 40)")


def test_exit_with_zero_is_ok_and_with_anything_else_is_not(verifier):
    assert prints(verifier, "print(1)\nexit()\nprint(2)") == "1\n"
    assert prints(verifier, "import sys; sys.exit(0)") == ""
    assert fails(verifier, "import sys; sys.exit(3)") == "SystemExit: 3"
    assert fails(verifier, "import sys; sys.exit('no')") == "SystemExit: no"


@pytest.mark.parametrize(
    "code", ["def", "a\0b", "\ud800", "x = '\udfff'", "(" * 100000, "return 1"]
)
def test_code_that_does_not_compile_is_an_error_of_the_code(verifier, code):
    fails(verifier, code)


def test_results_always_encode(verifier):
    code = r"""
        import os
        os.write(1, bytes(range(256)) + b'\xed\xa0\x80')
        raise ValueError('\ud800\n\0' * 999)
    """
    result = verifier.run(dedent(code))
    assert not result.ok and "\n" not in result.error and len(result.error) <= ERROR
    assert json.loads(json.dumps(vars(result)).encode()) == vars(result)
    assert result.output.encode()


# ---- isolation -----------------------------------------------------------------------------------


@linux
@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "/proc/self/environ",
        "/proc/self/mem",
        __file__,
        module.__file__,
        "/dev/zero",
        f"/proc/{os.getpid()}/environ",
        "/usr/lib/../../etc/passwd",
    ],
)
def test_a_file_outside_the_libraries_cannot_be_read(isolated, path):
    fails(isolated, f"print(open({path!r}, 'rb').read(9))")


@linux
def test_nothing_can_be_written(isolated, tmp_path):
    os.chmod(tmp_path, 0o777)
    places = [str(tmp_path), "/tmp", "/dev/shm", "/", os.path.dirname(os.__file__), "."]
    code = f"""
        import os, tempfile
        for place in {places}:
            for change in (
                lambda: open(place + '/new', 'w'),
                lambda: os.mkdir(place + '/d'),
                lambda: os.chmod(place, 0o700),
                lambda: os.symlink('/', place + '/l'),
            ):
                try: change()
                except OSError: continue
                print(place)
    """
    assert prints(isolated, dedent(code)) == ""
    assert not os.listdir(tmp_path)


@linux
@pytest.mark.parametrize("family", ["AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK", "AF_PACKET"])
def test_there_are_no_sockets(isolated, family):
    code = f"import socket; socket.socket(socket.{family}, socket.SOCK_DGRAM)"
    assert "PermissionError" in fails(isolated, code)


def test_the_environment_is_clean(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "secret-of-the-caller")
    with Verifier(workers=1) as fresh:
        assert "secret-of-the-caller" not in fresh.run("import os; print(dict(os.environ))").output


@linux
def test_no_descriptor_but_the_standard_ones_and_the_result_is_open(isolated, tmp_path):
    code = """
        import os
        for n in range(4, 1024):
            try: os.fstat(n)
            except OSError: continue
            print(n)
    """
    with open(tmp_path / "open", "w") as held:
        os.set_inheritable(held.fileno(), True)
        assert prints(isolated, dedent(code)) == ""


@linux
@pytest.mark.parametrize("target", ["os.getppid()", "1", "-1", "0", str(os.getpid())])
def test_no_other_process_can_be_signaled(isolated, target):
    assert "Error" in fails(isolated, f"import os; os.kill({target}, 9)")


@linux
def test_a_fork_storm_does_not_start(isolated):
    assert "PermissionError" in fails(isolated, "import os\nwhile True: os.fork()")


@linux
def test_threads_are_bounded(isolated):
    code = """
        import threading, time
        while True: threading.Thread(target=time.sleep, args=(99,), daemon=True).start()
    """
    assert "new thread" in fails(isolated, dedent(code))


INTERFACES = {
    "keyctl": "250, 1, 0",
    "add_key": "248, b'user', b'k', b'v', 1, -3",
    "shmget": "29, 0, 4096, 0o1600",
    "memfd_create": "319, b'm', 0",
    "unshare": "272, 0x10000000",
    "io_uring": "425, 4, bytes(120)",
    "perf": "298, 0, 0, -1, -1, 0",
    "ptrace": "101, 16, 1, 0, 0",
    "x32": "0x40000027",
    "bpf": "321, 0, 0, 0",
}


@linux
@pytest.mark.parametrize("arguments", cases(INTERFACES))
def test_kernel_interfaces_are_refused(isolated, arguments):
    if os.uname().machine != "x86_64":
        pytest.skip("these are x86_64's numbers")
    code = f"import ctypes; print(ctypes.CDLL(None).syscall({arguments}))"
    assert prints(isolated, code) == "-1\n"


FORGERIES = {
    "descriptors": """
        import os
        for n in range(64):
            try: os.write(n, b'+' * 17)
            except OSError: pass
        raise ValueError
    """,
    "early exit": "import os\nos._exit(0)",
    "os.write": "import os\nos.write = lambda n, data: len(data)\nraise ValueError",
    "builtins": """
        import builtins
        builtins.BaseException = builtins.SystemExit = int
        raise ValueError
    """,
    "nameless": "E = type('E', (Exception,), {})\nE.__name__ = ''\nraise E",
    "message": """
        class E(Exception):
            def __str__(self): import os; os._exit(0)
        raise E
    """,
    "zygote's functions": """
        import sys
        f = sys._getframe()
        while f:
            for k in list(f.f_globals):
                if not k.startswith('__') and callable(f.f_globals[k]):
                    f.f_globals[k] = lambda *a, **k: b'+'
            f = f.f_back
        1 / 0
    """,
}


@pytest.mark.parametrize("code", cases(FORGERIES))
def test_a_result_cannot_be_forged(verifier, code):
    fails(verifier, dedent(code))


def test_the_token_is_not_in_any_object_that_a_run_can_reach(verifier):
    """Follows every reference from every frame and object, and tries each 16 bytes as the token."""
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
    assert fails(verifier, dedent(code)) in (
        "ValueError: True",
        "ended without a result (exit status 0)",
        "ended without a result (SIGKILL)",
    )


# ---- state ---------------------------------------------------------------------------------------

TAMPERING = {
    "builtins": (
        "import builtins; builtins.print = builtins.len = None",
        "print(len('ab'))",
        "2\n",
    ),
    "modules": (
        "import sys, math; math.pi = 3; sys.path.clear(); sys.modules['json'] = None",
        "import math, json, colorsys; print(math.pi > 3.1)",
        "True\n",
    ),
    "sympy": (
        "import sympy; sympy.solve = None; sympy.S.One.p = 2; sympy.core.cache.clear_cache()",
        "import sympy; x = sympy.Symbol('x'); print(sympy.solve(2*x - 1), sympy.S(1) + 1)",
        "[1/2] 2\n",
    ),
    "every dict": (
        "import gc\nfor o in gc.get_objects():\n    if type(o) is dict: o.clear()",
        "import random; print(random.random() < 1)",
        "True\n",
    ),
    "globals": ("left = 1", "print('left' in globals())", "False\n"),
}


@pytest.mark.parametrize("tamper, then, output", cases(TAMPERING))
def test_no_state_reaches_the_next_run(verifier, tamper, then, output):
    verifier.run(tamper)
    assert prints(verifier, then) == output


def test_the_same_code_gives_the_same_output_in_every_zygote(pair):
    code = "import random; print(random.random(), {'a', 'b', 'c'}, hash('x'))"
    assert len({r.output for r in pair.run_batch([code] * 8)}) == 1


# ---- the life of a zygote ------------------------------------------------------------------------


def descendants(pid):
    """Process ids of all that descend from a process, the oldest first."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stat = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            children.setdefault(int(stat[1]), []).append(int(entry))
    below = []
    todo = [pid]
    while todo:
        more = children.get(todo.pop(), [])
        below += more
        todo += more
    return sorted(below)


def wait_for(condition, seconds=20):
    """Whether the condition comes true within that many seconds."""
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def gone(pids):
    return wait_for(lambda: not any(alive(pid) for pid in pids))


def alive(pid):
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"  # a zombie has ended


@pytest.fixture
def mine():
    """Called: the processes below this one that the test has started since."""
    before = set(descendants(os.getpid()))
    return lambda: sorted(set(descendants(os.getpid())) - before)


@linux
@pytest.mark.parametrize("which", [0, 1], ids=["watcher", "init"])
def test_a_killed_zygote_is_replaced(mine, which):
    with Verifier(timeout=60, workers=1) as one:
        one.run("pass")
        os.kill(mine()[which], signal.SIGKILL)
        assert prints(one, "print('again')") == "again\n"


@linux
def test_a_run_whose_zygote_is_killed_is_repeated(mine):
    with Verifier(timeout=60, workers=1) as one:
        one.run("pass")
        threading.Timer(0.2, os.kill, (mine()[0], signal.SIGKILL)).start()
        assert prints(one, "import time; time.sleep(0.4); print('whole')") == "whole\n"


@pytest.mark.slow
@linux
def test_close_leaves_no_process(mine):
    with Verifier(timeout=60, workers=2) as two:
        two.run_batch(["import time; time.sleep(0.3)", "import sympy"])
        started = mine()
    # On each lane a watcher and its init.
    assert len(started) == 4 and gone(started)


@linux
def test_a_run_ends_with_its_killed_caller():
    code = """
        import threading, time, verifier
        v = verifier.Verifier(timeout=60, workers=1)
        v.run('pass')
        threading.Thread(target=v.run, args=('while True: pass',)).start()
        time.sleep(0.2)
        print(1, flush=True)
    """
    command = [sys.executable, "-c", dedent(code)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as caller:
        assert caller.stdout.readline() == b"1\n"
        below = descendants(caller.pid)
        caller.kill()
    assert len(below) >= 2 and gone(below)


@linux
def test_a_starting_zygote_ends_with_its_watcher_while_its_socket_is_held():
    """A fork of the caller's, such as a data loader's, keeps the caller's end of it open."""
    code = """
        import os, threading, time, verifier
        v = verifier.Verifier(workers=1)
        threading.Thread(target=v.run, args=('import sympy',)).start()
        time.sleep(0.1)
        holder = os.fork()
        if holder:
            print(holder, flush=True)
        time.sleep(60)
    """
    command = [sys.executable, "-c", dedent(code)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as caller:
        holder = int(caller.stdout.readline())
        assert wait_for(lambda: len(descendants(caller.pid)) >= 3)
        watcher, init = (pid for pid in descendants(caller.pid) if pid != holder)
        os.kill(watcher, signal.SIGKILL)
        caller.kill()
        ended = gone([watcher, init])
        os.kill(holder, signal.SIGKILL)
    assert ended


def test_ctrl_c_ends_a_batch_at_once_and_leaves_the_verifier_usable(pair):
    pair.run("pass")
    main = threading.main_thread().ident
    start = time.monotonic()
    threading.Timer(0.3, signal.pthread_kill, (main, signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        pair.run_batch(["import time; time.sleep(8)"] * 3)
    assert time.monotonic() - start < 4
    assert prints(pair, "print(1)") == "1\n"


def test_ctrl_c_ends_a_zygote_that_is_still_starting(mine):
    with Verifier(timeout=60, workers=2) as two:
        main = threading.main_thread().ident
        threading.Timer(0.2, signal.pthread_kill, (main, signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt):
            two.run_batch(["import sympy, time; time.sleep(8)"] * 4)
        assert sys.platform != "linux" or gone(mine())


SLEEP = "import time; time.sleep(8)"


@pytest.mark.parametrize("code, after", [("pass", 0.05), ("pass", 0.3), (SLEEP, 0.3)])
def test_closing_during_runs_raises_a_runtime_error_in_each_at_once(code, after):
    errors = []

    def run():
        try:
            while True:
                closed.run(code)
        except Exception as error:
            errors.append(repr(error))

    closed = Verifier(timeout=60, workers=4)
    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(after)
    start = time.monotonic()
    closed.close()
    for thread in threads:
        thread.join()
    assert time.monotonic() - start < 4
    assert errors == ["RuntimeError('the Verifier is closed')"] * 8


# ---- the verifier's own failures -----------------------------------------------------------------


@linux
def test_signals_that_the_caller_ignores_or_blocks_still_end_runs():
    code = """
        import signal
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        import verifier
        with verifier.Verifier(workers=1) as v:
            print(v.run_batch(["print(1)", "import os; os.abort()"]))
    """
    done = subprocess.run([sys.executable, "-c", dedent(code)], cwd=ROOT, capture_output=True)
    assert b"output='1\\n'" in done.stdout and b"SIGABRT" in done.stdout, done


# Makes some system calls answer ENOSYS, as an old kernel does, then becomes another program.
DENY = """
import ctypes, os, struct, sys
import sandbox
code = [(sandbox.LOAD, 0, 0, 0)]
for number in sys.argv[1].split(","):
    code += [(sandbox.EQUAL, 0, 1, int(number)), *sandbox.MISSING]
code += sandbox.ALLOW
lines = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in code))
program = struct.pack("H6xP", len(code), ctypes.addressof(lines))
sandbox.call("prctl", sandbox.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
sandbox.call("prctl", sandbox.PR_SET_SECCOMP, sandbox.SECCOMP_MODE_FILTER, program, 0, 0)
os.execv(sys.argv[2], sys.argv[2:])
"""


def without(numbers, *arguments):
    if sys.platform != "linux" or os.uname().machine != "x86_64":
        pytest.skip("these are x86_64's numbers")
    command = [sys.executable, "-c", DENY, numbers, *COMMAND, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


@pytest.mark.parametrize(
    "numbers",
    cases({"memfd_create": "319", "pidfd_open": "434", "Landlock": "444", "unshare": "272"}),
)
def test_code_runs_without_a_system_call_that_an_old_kernel_lacks(tmp_path, numbers):
    (tmp_path / "code.py").write_text("print(3)")
    done = without(numbers, tmp_path / "code.py")
    assert (done.stdout, done.stderr, done.returncode) == ("3\n", "", 0)


@pytest.mark.parametrize("argument", ["--check", "code.py"])
def test_the_program_exits_with_2_and_one_line_where_no_run_can_be_made(tmp_path, argument):
    (tmp_path / "code.py").write_text("print(3)")
    name = argument if argument == "--check" else tmp_path / argument
    patch_sandbox(tmp_path, "def confine_run(*_): raise OSError('as if')")
    command = [sys.executable, tmp_path / "verifier.py", name]
    done = subprocess.run(command, capture_output=True, text=True)
    assert one_line(done) == "verifier: code cannot be run: a layer did not come up: as if\n"


def patch_sandbox(folder, patch):
    """A copy of the program in which a layer fails."""
    for file in FILES:
        shutil.copy(file, folder)
    text = Path(sandbox.__file__).read_text()
    (folder / "sandbox.py").write_text(f"{text}\n\n{patch}\n")


def one_line(done):
    """The error line of a program that must say one and exit with 2."""
    assert done.returncode == 2 and not done.stdout, done
    assert done.stderr.startswith("verifier: ") and done.stderr.count("\n") == 1, done
    return done.stderr


def test_a_zygote_that_cannot_start_reports_why(tmp_path):
    patch_sandbox(tmp_path, "def confine_init(*_): raise MemoryError('as if')")
    command = [sys.executable, tmp_path / "verifier.py", "--check"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert one_line(done) == "verifier: MemoryError: as if\n"


def dying(monkeypatch, dies):
    """Zygotes that are killed under each code for which `dies` is true."""
    ask = module.Zygote.ask

    def ask_or_die(zygote, code, timeout):
        if dies(code):
            zygote.process.kill()
            zygote.process.wait()
        return ask(zygote, code, timeout)

    monkeypatch.setattr(module.Zygote, "ask", ask_or_die)


@linux
def test_zygotes_that_die_under_any_code_raise_a_verifier_error(monkeypatch):
    dying(monkeypatch, lambda code: True)
    with Verifier(workers=1) as broken, pytest.raises(VerifierError, match="failed"):
        broken.run_batch(["print(1)"])


@linux
def test_code_under_which_every_zygote_dies_has_failed(monkeypatch):
    dying(monkeypatch, lambda code: "kill" in code)
    with Verifier(workers=1) as sound:
        bad, good = sound.run_batch(["print('kill')", "print(1)"])
    assert (bad.ok, bad.error) == (False, "not run: each of 3 zygotes died of it")
    assert good.output == "1\n"


@pytest.mark.slow
@linux
def test_a_hung_zygote_is_replaced(monkeypatch, mine):
    ask = module.Zygote.ask
    with Verifier(timeout=60, workers=1) as one:
        one.run("pass")
        os.kill(mine()[-1], signal.SIGSTOP)
        hung = one._lanes[0]["light"]

        def ask_impatiently(zygote, code, timeout):
            return ask(zygote, code, 0.2 - module.GRACE if zygote is hung else timeout)

        monkeypatch.setattr(module.Zygote, "ask", ask_impatiently)
        assert prints(one, "print('again')") == "again\n"


def test_a_python_that_cannot_be_started_raises_a_verifier_error(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(VerifierError, match="no Python can be started to run code: .*No such file"):
        Verifier(workers=1).run("pass")


def test_a_python_that_ends_at_its_start_is_reported_with_its_last_line(monkeypatch):
    monkeypatch.setattr(module, "PROGRAM", "/no/such/file.py")
    with pytest.raises(VerifierError, match="did not start: .*can't open file"):
        Verifier(workers=1).run("pass")


def test_a_promised_layer_that_does_not_come_up_again_stops_the_batch(pair):
    promised = pair.layers()
    pair._stop()  # so that the next run starts a zygote
    wait = module.Zygote.wait_until_ready

    def wait_and_lose_seccomp(zygote):
        wait(zygote)
        zygote.layers["seccomp"] = "as if"

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(promised, "seccomp", "")
        patch.setattr(module.Zygote, "wait_until_ready", wait_and_lose_seccomp)
        with pytest.raises(IsolationError, match="seccomp .* did not come up again: as if"):
            pair.run_batch(["print(1)"])


def test_a_layer_that_fails_in_the_run_itself_is_not_a_verdict_on_the_code():
    def confine():
        raise AttributeError("no filter")

    verdict = list(verdict_after("print(1)", confine))
    assert verdict == [b"", b"!a layer did not come up: no filter"]


def test_required_isolation_that_is_available_is_accepted(isolated):
    with Verifier(timeout=60, workers=1, require_isolation=True) as required:
        assert prints(required, "print(1)") == "1\n"


def test_required_isolation_that_is_missing_is_refused(monkeypatch):
    lacking = dict.fromkeys(sandbox.LAYERS, "")
    lacking |= {"Landlock": "old kernel", "mount namespace": "denied"}
    monkeypatch.setattr(Verifier, "layers", lambda self: lacking)
    with pytest.raises(IsolationError, match="Landlock is off"):
        Verifier(require_isolation=True)


def test_a_fork_of_the_caller_keeps_the_promised_layers(pair):
    promised = pair.layers()
    pair._open_lanes()  # what the first run in a fork does
    assert pair.layers() is promised


def test_missing_isolation_is_warned_about_once():
    module.warn_once.cache_clear()
    lacking = dict.fromkeys(sandbox.LAYERS, "") | {"seccomp": "old kernel"}
    with pytest.warns(RuntimeWarning, match="seccomp is off") as warned:
        for _ in range(3):
            Verifier()._keep_promise(lacking)
    # Garbage of an earlier test may be collected here and add a ResourceWarning of its own.
    assert sum("seccomp is off" in str(warning.message) for warning in warned) == 1


def test_code_runs_in_a_fresh_python_where_there_is_no_fork():
    codes = ("print(2)", "1/0", "print('x' * 200)", "\ud800")
    results = [run_without_fork(code, 60, output=100) for code in codes]
    assert [(r.ok, r.output, r.error[:17]) for r in results[:3]] == [
        (True, "2\n", ""),
        (False, "", "ZeroDivisionError"),
        (False, "x" * 100, "output over 100 b"),
    ]
    assert not results[3].ok
    assert run_without_fork("while True: pass", 0.3, 100).error == "timeout after 0.3 s"


def test_a_verifier_without_fork_warns_and_reports_its_layers(monkeypatch):
    module.warn_once.cache_clear()
    monkeypatch.delattr(os, "fork")
    with Verifier(workers=1) as slow, pytest.warns(RuntimeWarning, match="no fork"):
        assert prints(slow, "print(1)") == "1\n"
        assert slow.layers()["seccomp"] == "this platform has no fork"


# ---- honest code ---------------------------------------------------------------------------------

HONEST = {
    "sympy": (
        "import sympy as sp; x = sp.symbols('x'); print(sp.solve(x**2 - 5*x + 6, x))",
        "[2, 3]\n",
    ),
    "fractions": (
        "from fractions import Fraction; print(sum(Fraction(1, n) for n in range(1, 5)))",
        "25/12\n",
    ),
    "standard library": (
        """
        import math, itertools, statistics, decimal, datetime
        print(math.comb(5, 2), statistics.mean([1, 2, 3]), len([*itertools.permutations('1234')]))
        print(decimal.Decimal(1) / 8, datetime.date(2024, 2, 28) + datetime.timedelta(2))
        """,
        "10 2 24\n0.125 2024-03-01\n",
    ),
    "big integers": ("print(2**5000 % 10**6, len(str(2**20000)))", f"{2**5000 % 10**6} 6021\n"),
    "own recursion limit": (
        """
        import sys
        sys.setrecursionlimit(20000)
        from functools import lru_cache
        @lru_cache(None)
        def f(n): return n and 1 + f(n - 1)
        print(f(5000))
        """,
        "5000\n",
    ),
    "deep recursion": ("def f(n): return n and 1 + f(n - 1)\nprint(f(3000))", "3000\n"),
    "class and main": (
        """
        class A:
            k = 3
            def get(self): return [self.k * i for i in range(3)]
        if __name__ == '__main__': print(A().get())
        """,
        "[0, 3, 6]\n",
    ),
    "dataclass": (
        "from dataclasses import dataclass\n@dataclass\nclass P:\n    x: 'int'\nprint(P(1))",
        "P(x=1)\n",
    ),
    "stderr": (
        "import sys, warnings\nwarnings.warn('w')\nprint('e', file=sys.stderr)\nprint('o')",
        "o\n",
    ),
    "empty stdin": ("try: input()\nexcept EOFError: print('end')", "end\n"),
    "long output": ("print('x' * 10000)", "x" * 10000 + "\n"),
    "threads": (
        """
        from concurrent.futures import ThreadPoolExecutor
        with ThreadPoolExecutor(4) as e: print(sum(e.map(abs, range(5))))
        """,
        "10\n",
    ),
    "a busy processor": (
        """
        import time
        t = time.process_time()
        while time.process_time() - t < 0.2: pass
        print('computed')
        """,
        "computed\n",
    ),
    "unicode": ("print('π ≈ 3')", "π ≈ 3\n"),
}


@pytest.mark.parametrize("code, output", cases(HONEST))
def test_honest_code_runs(verifier, code, output):
    assert prints(verifier, dedent(code)) == output


def test_numpy_runs_where_it_is_installed(verifier):
    pytest.importorskip("numpy")
    code = """
        import numpy as np
        print(np.linalg.solve(np.array([[2., 0.], [0., 4.]]), np.ones(2)))
    """
    assert prints(verifier, dedent(code)) == "[0.5  0.25]\n"


def random_expression(rng, level):
    if level == 0 or rng.random() < 0.3:
        atoms = ["a", "b", "c", str(rng.randint(-9, 9))]
        if rng.random() < 0.15:
            atoms += ["undefined", "[1, 2][a]", "1.5", "'s'"]
        return rng.choice(atoms)
    operator = rng.choice(["+", "-", "*", "//", "%", "/", "<", "==", "and", "or"])
    left = random_expression(rng, level - 1)
    return f"({left} {operator} {random_expression(rng, level - 1)})"


def random_block(rng, level):
    """Lines of a program of a small grammar that ends, some of which may raise."""

    def expression(depth=1):
        return random_expression(rng, depth)

    def inner():
        return [f" {line}" for line in random_block(rng, level - 1)]

    lines = []
    for _ in range(rng.randint(1, 4)):
        kind = rng.choice(["assign", "assign", "print", "for", "if", "def", "try", "comprehension"])
        if kind == "assign":
            lines += [f"{rng.choice('abc')} = {expression(2)}"]
        elif kind == "print" or level == 0:
            lines += [f"print({expression(2)}, {expression()})"]
        elif kind == "for":
            lines += [f"for b in range({rng.randint(0, 4)}):", *inner()]
        elif kind == "if":
            lines += [f"if {expression(2)}:", *inner(), "else:", *inner()]
        elif kind == "def":
            lines += ["def f(a, b=2, c=3):", *inner(), " return a", f"print(f({expression()}))"]
        elif kind == "try":
            lines += ["try:", *inner(), "except ZeroDivisionError as e: print(e)"]
        else:
            lines += [f"print([a * c for a in range(3) if a != {expression()}])"]
    return lines


def random_program(rng):
    return "\n".join(["a, b, c = 1, 2, 3", *random_block(rng, 3)])


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
def test_random_programs_give_what_a_plain_exec_gives(pair, count):
    rng = random.Random(count)
    codes = [random_program(rng) for _ in range(count)]
    command = [sys.executable, "-c", PLAIN]
    plain = subprocess.run(command, input=json.dumps(codes), stdout=subprocess.PIPE, text=True)
    expected = [json.loads(line) for line in plain.stdout.splitlines()]
    assert 0.2 < sum(ok for ok, _, _ in expected) / len(codes) < 0.9  # both kinds are there
    for code, result, fields in zip(codes, pair.run_batch(codes), expected, strict=True):
        assert [result.ok, result.output, result.error] == fields, code


# ---- the program ---------------------------------------------------------------------------------


def test_the_table_of_system_calls_agrees_with_the_kernel_headers():
    """Each number of our table is the one in the C compiler's header, on x86_64 with headers."""
    folders = ("/usr/include/x86_64-linux-gnu/asm", "/usr/include/asm")
    headers = [path for path in (Path(f, "unistd_64.h") for f in folders) if path.exists()]
    if not headers or os.uname().machine != "x86_64":
        pytest.skip("no kernel headers")
    lines = headers[0].read_text().splitlines()
    expected = dict(line.split()[1:3] for line in lines if line.startswith("#define __NR_"))
    table = sandbox.numbers()
    assert len(table) > 90
    assert {name: int(expected[f"__NR_{name}"]) for name in table} == table


def run_program(*arguments, options=(), **settings):
    command = [sys.executable, *options, module.__file__, *arguments]
    return subprocess.run(command, stderr=subprocess.PIPE, text=True, **settings)


def test_check_lists_every_layer():
    done = run_program("--check", stdout=subprocess.PIPE)
    assert done.returncode == 0 and not done.stderr
    lines = done.stdout.splitlines()
    assert [line[:22].strip() for line in lines] == list(sandbox.LAYERS)
    assert all(line[22:].split()[0] in ("on", "off") for line in lines)


def test_the_program_runs_a_file(tmp_path):
    (tmp_path / "code.py").write_text("print(3)\n1/0")
    done = run_program(tmp_path / "code.py", stdout=subprocess.PIPE)
    assert done.stdout == "3\n" and done.stderr == "ZeroDivisionError: division by zero\n"
    assert done.returncode == 1


@pytest.mark.parametrize(
    "arguments, data", [(["nowhere.py"], b""), (["--chekc"], b""), ([], b"\xff\xfe")]
)
def test_input_that_cannot_be_read_gets_one_line(arguments, data):
    done = subprocess.run([*COMMAND, *arguments], input=data, capture_output=True)
    done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
    one_line(done)


@pytest.mark.parametrize("options, environment", [(["-P"], {}), ([], {"PYTHONSAFEPATH": "1"})])
def test_the_program_runs_without_its_folder_on_the_path(options, environment):
    if options and sys.version_info < (3, 11):
        pytest.skip("older Pythons have no -P")
    settings = {"input": "print(3)", "env": os.environ | environment, "cwd": "/"}
    done = run_program(options=options, stdout=subprocess.PIPE, **settings)
    assert done.stdout == "3\n" and done.returncode == 0, done


def test_too_few_descriptors_get_one_line():
    def restrict():
        resource.setrlimit(resource.RLIMIT_NOFILE, (8, 8))

    done = run_program("--check", stdout=subprocess.PIPE, preexec_fn=restrict)
    assert "Too many open files" in one_line(done)


@linux
def test_code_runs_where_proc_is_not_mounted():
    unshare = ["unshare", "--mount", "sh", "-c", 'umount -l /proc && exec "$@"', "sh"]
    if not shutil.which("unshare") or subprocess.run([*unshare, "true"]).returncode:
        pytest.skip("/proc cannot be unmounted here")
    command = [*unshare, *COMMAND]
    done = subprocess.run(command, input="print(3)", capture_output=True, text=True)
    assert (done.stdout, done.stderr, done.returncode) == ("3\n", "", 0)


def test_a_stdout_that_is_closed_gets_one_line():
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w") as closed:
        done = run_program(input="print(3)", stdout=closed)
    assert "Broken pipe" in one_line(done)


@linux
def test_a_full_disk_gets_one_line():
    with open("/dev/full", "w") as full:
        done = run_program(input="print(3)", stdout=full)
    assert "No space left" in one_line(done)


@pytest.mark.parametrize("file", FILES)
def test_every_function_fits_a_screen(file):
    nodes = ast.walk(ast.parse(Path(file).read_text()))
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef)]
    assert max(node.end_lineno - node.lineno + 1 for node in functions) <= 60

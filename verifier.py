"""Run code that a model wrote and nobody has read, isolated, and judge it by whether it raised.

    with Verifier() as verifier:
        good, bad = verifier.run_batch(["print(1 + 1)", "1 / 0"])
    print(good.ok, good.output)  # True 2
    print(bad.ok, bad.error)  # False ZeroDivisionError: division by zero

How. A *zygote* is a python that has imported the libraries and then only forks: a child per run, which sees nothing of
other runs and costs a millisecond or two, not a python's start. Each worker has two, one with sympy and numpy, and one
without, which forks faster; what the code mentions decides. A zygote is two processes, neither of which runs the code:

    Verifier.run ── request, reply ──> init, pid 1 of its own pid namespace ── fork ──> the run
                                       watcher, its parent: ends it when the caller is gone

Covered. A run can't read any file but python's libraries, nor write one; it has no network, no child processes, and
reaches no other process, no environment and no descriptor of the caller's; only system calls on a list are allowed;
time, memory, output and threads are bounded, and the deadline is kept from outside. Each of these layers is optional to
the kernel: `python verifier.py --check` shows which are on here, and why another is not.

Not covered. Holes in the kernel; timing side channels; the memory of all workers together, workers x memory. `ok` says
that the code ended normally, which any code can bring about by catching its own exceptions: it is no proof of what it
printed. Where the layers are missing (macOS, Windows, a locked-down container) hostile code is not held: a warning says
so once, and require_isolation=True refuses to start.

What differs from `python file.py`. So that the same code has the same result: hash seed 0, `random` and numpy's global
generator seeded with 0, local time UTC. So that honest code passes: recursion limit 10,000; integers print with as many
digits as bytes of output are allowed. And no child processes, no asyncio (it needs a socket), stdin empty, stderr
dropped. exit() and exit(0) are ok. A run ends with its last line: threads left are stopped, atexit is not called.

The candidates of one leaf share their path's code, and it is run again for each. Running it once and forking there was
measured with 5 and 16 candidates: 0.9 and 1.0 times as fast for arithmetic, 2 and 3 times where the path has a `solve`.
It was left out, as a process that has run unread code would have to be allowed to fork, and to speak for its children.
"""
import contextlib
import ctypes
import errno
import functools
import gc
import importlib
import json
import mmap
import os
import re
import select
import signal
import site
import struct
import sys
import time
import types
import warnings
import weakref
from dataclasses import dataclass
from pathlib import Path

ZYGOTE = "--zygote"  # how this file is told to be a zygote's program
if sys.argv[1:2] != [ZYGOTE]:  # only the caller needs these, and a zygote would pay at every fork for what they import
    import queue
    import subprocess
    import tempfile
    from concurrent.futures import ThreadPoolExecutor

TIMEOUT = 5.0  # seconds of wall clock for one run; our choice: honest steps measured under 2
MEMORY = 1 << 30  # bytes that one run may map; our choice: far over what a step needs, and there for every worker
OUTPUT = 1 << 16  # bytes one run may print; our choice: far over what a step prints, far under what hurts
GRACE = 5.0  # seconds after the deadline until a zygote that did not answer is killed; our choice
START = 60.0  # seconds a zygote may take to start; our choice: importing sympy takes 1, more on a loaded machine
TRIES = 3  # zygotes that may die under one run before it is told as failed; our choice
ERROR = 300  # characters kept of an error line; our choice
RECURSION = 10_000  # recursion limit of a run; our choice: honest recursion goes a few thousand deep
STACK = 1 << 26  # bytes of C stack: RECURSION frames of 6 KiB, so that too deep a recursion raises, not crashes
TASKS = 64  # processes and threads within one zygote's user namespace; our choice
FILES = 64  # descriptors a run may have open; our choice
FRAME = 4096  # bytes of a result frame at most, PIPE_BUF: written and read in one piece
TOKEN = 16  # bytes of the token on a frame; our choice: 128 bits are not guessed
RESULT, REQUESTS, REPLIES = 3, 4, 5  # a zygote's descriptors next to 0, 1 and 2; our choice
PASSED = ("LD_LIBRARY_PATH", "OPENBLAS_CORETYPE", "SYSTEMROOT")  # without these python or numpy may not even start
HEAVY = re.compile(r"\b(sympy|mpmath|numpy|scipy|pandas)\b")  # mentioned in the code: it goes to the zygote with sympy
LIGHT = tuple("""bisect cmath collections copy dataclasses datetime decimal enum fractions functools heapq itertools
              math numbers operator random re resource statistics string textwrap time typing""".split())
HEAVY_MODULES = ("numpy", "sympy")
WARM_UP = """
from sympy import *
from sympy.core.random import seed
x, y = symbols("x y")
solve(x**2 - 5*x + 6, x), solve([x + y - 3, x - y - 1], [x, y]), solve(x**3 - 1, x)
simplify(sin(x)**2 + cos(x)**2), factor(x**2 - 1), expand((x + 1)**3), diff(x**2, x), integrate(x**2, x)
limit(sin(x)/x, x, 0), sqrt(8), Rational(1, 3) + nsimplify("0.5"), N(pi), Matrix([[1, 2], [3, 4]]).inv()
summation(x, (x, 1, 10)), factorint(60)
str(series(exp(x), x, 0, 3)), latex(x**2 / 2), seed(0)
"""


@dataclass(frozen=True)
class Result:
    """What became of one run. `output` and `error` always encode as UTF-8."""
    ok: bool  # the code ended normally: it neither raised nor was stopped
    output: str  # what it printed to stdout (not stderr), undecodable bytes as U+FFFD
    error: str  # one line, such as 'ZeroDivisionError: division by zero' or 'timeout after 5 s'; empty when ok
    seconds: float  # wall clock from fork to end


class IsolationError(RuntimeError):
    """The kernel does not give the isolation that was required or promised."""


class Verifier:
    """Runs code in isolation. Usable at once; starts its zygotes at the first run; safe to use from many threads.

    timeout: seconds of wall clock a run may take. memory: bytes it may map on top of the libraries. output: bytes it
    may print. workers: runs at the same time (default: the cores this process may use). require_isolation: raise
    IsolationError here, rather than warn later, unless seccomp and one of Landlock or a mount namespace are on.
    """

    def __init__(self, timeout=TIMEOUT, memory=MEMORY, output=OUTPUT, workers=None, require_isolation=False):
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        self.timeout, self.memory, self.output = timeout, memory, output
        self.workers = cores if workers is None else workers
        if min(self.timeout, self.memory, self.output, self.workers) <= 0:
            raise ValueError("timeout, memory, output and workers must be positive")
        self._open_lanes()
        if require_isolation and _lack(self.layers()):
            self.close()
            raise IsolationError(f"isolation was required, but {_lack(self.layers())}")

    def run(self, code, timeout=None):
        """The Result of one piece of code; `timeout` in seconds overrides the default.

        Never raises for what the code did. RuntimeError: no zygote can be started, or the Verifier is closed."""
        if os.getpid() != self._owner:  # a fork of the process that opened the lanes: two may not talk over one pipe
            self._open_lanes()
        lane = self._idle.get()
        try:
            return self._run_in(lane, code, self.timeout if timeout is None else timeout)
        finally:
            self._idle.put(lane)

    def run_batch(self, codes):
        """The Results of many pieces of code, in their order, run on all workers."""
        codes = list(codes)
        with ThreadPoolExecutor(max(1, min(self.workers, len(codes)))) as threads:  # they only wait: the zygotes work
            return list(threads.map(self.run, codes))

    def layers(self):
        """{layer: '' if on, else why it is off}, from the first zygote, which is started for it if need be."""
        if not self._promised:
            self.run("")
        return self._promised[0]

    def close(self):
        """Ends every process. Safe to call twice; also done at exit and when the Verifier is garbage."""
        self._closed = True
        self._finalizer()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def _open_lanes(self):
        self._owner, self._closed, self._promised = os.getpid(), False, []
        lanes = [{} for _ in range(self.workers)]  # a lane is what one run at a time uses: {kind: zygote}
        self._idle = queue.LifoQueue()  # last in, first out: single runs stay on one lane, whose zygotes are up
        for lane in lanes:
            self._idle.put(lane)
        self._finalizer = weakref.finalize(self, _close_lanes, lanes, self._owner)

    def _run_in(self, lane, code, timeout):
        kind, zygote = "heavy" if HEAVY.search(code) else "light", None
        for _ in range(TRIES):
            if self._closed:
                raise RuntimeError("the Verifier is closed")
            answered = False
            try:
                zygote = lane[kind] if kind in lane else self._start(lane, kind)
                result = zygote.ask(code, timeout)
                answered = True
                return result
            except (EOFError, BrokenPipeError):  # it was killed: run the code on a new one
                continue
            except TimeoutError:
                return Result(False, "", f"timeout after {timeout:g} s", timeout)
            except IsolationError as error:
                return Result(False, "", f"not run: {error}", 0.0)
            finally:  # also at a KeyboardInterrupt: the reply still to come would be taken for the next run's
                if not answered and kind in lane:
                    lane.pop(kind).close()
        if zygote is None:
            raise RuntimeError("no zygote can be started; stderr says why")
        return Result(False, "", f"not run: {TRIES} zygotes died under it", 0.0)

    def _start(self, lane, kind):
        zygote = lane[kind] = (Zygote if hasattr(os, "fork") else FreshProcess)(kind, self.memory, self.output)
        self._keep_promise(zygote.layers)
        return zygote

    def _keep_promise(self, layers):
        """The first zygote's layers are what every later one must bring up, or its runs fail."""
        if not self._promised:
            self._promised.append(layers)
            if _lack(layers):
                _warn_once(_lack(layers))
        for name, why in layers.items():
            if why and not self._promised[0][name]:
                raise IsolationError(f"{name} did not come up: {why}")


def _lack(layers):
    """What the least that may be called isolated lacks; '' if nothing."""
    if layers["seccomp"]:
        return f"seccomp is off ({layers['seccomp']})"
    if layers["Landlock"] and layers["mount namespace"]:
        return f"Landlock is off ({layers['Landlock']}) and so is the mount namespace ({layers['mount namespace']})"
    return ""


@functools.cache
def _warn_once(lack):
    warnings.warn(f"model-written code runs without isolation: {lack}", RuntimeWarning, stacklevel=6)


def _close_lanes(lanes, owner):
    if os.getpid() == owner:  # not in a fork of the owner, whose zygotes these are not
        for lane in lanes:
            while lane:
                lane.popitem()[1].close()


class Zygote:
    """The caller's end of a zygote: starts it, asks it for runs, ends it."""

    def __init__(self, kind, memory, output):
        options = json.dumps({"kind": kind, "memory": memory, "output": output, "parent": os.getpid()})
        command = [sys.executable, "-X", "utf8", os.path.abspath(__file__), ZYGOTE, options]
        # Its own session: Ctrl-C at the terminal is for the caller, which then ends the zygote.
        start = functools.partial(subprocess.Popen, command, env=_clean_environment(), cwd="/", start_new_session=True,
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        try:
            self.process = start()
        except PermissionError:  # root started us and became an ordinary user, who may not look up python by its path
            self.process = start(executable="/proc/self/exe")
        try:
            self.layers = _read(self.process.stdout.fileno(), START)
        except (EOFError, TimeoutError):
            self.close()
            raise EOFError("the zygote did not start") from None

    def ask(self, code, timeout):
        """The Result of one run. EOFError or BrokenPipeError: the zygote died. TimeoutError: it hangs."""
        _write(self.process.stdin.fileno(), [code, timeout])
        return Result(**_read(self.process.stdout.fileno(), timeout + GRACE))

    def close(self):
        """Ends the zygote and all below it. Closing its stdin ends it from the inside out, which leaves no orphan."""
        self.process.stdin.close()
        deadline = time.monotonic() + 1
        while self.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.001)
        self.process.kill()  # does nothing if it has ended
        self.process.wait()
        self.process.stdout.close()


class FreshProcess:
    """In a Zygote's place where there is no fork: a python per run, which is slow and bounds only time and output."""

    def __init__(self, kind, memory, output):
        self.output = output
        self.layers = dict.fromkeys(LAYERS, "this platform has no fork") | {"clean environment": "", "output cap": ""}

    def ask(self, code, timeout):
        command = [sys.executable, "-X", "utf8", os.path.abspath(__file__), "--fresh"]
        start, error = time.monotonic(), ""
        with tempfile.TemporaryFile() as out:
            try:
                done = subprocess.run(command, input=code.encode("utf-8", "surrogatepass"), stdout=out,
                                      stderr=subprocess.PIPE, timeout=timeout, env=_clean_environment())
                if done.returncode:
                    error = (done.stderr.decode("utf-8", "replace").splitlines() or ["ended without a result"])[-1]
            except subprocess.TimeoutExpired:
                error = f"timeout after {timeout:g} s"
            out.seek(0)
            return Result(**_result(out.read(self.output + 1), error, self.output, start))

    def close(self):
        """Nothing is left to end."""


def _fresh():
    """The program of a FreshProcess: the error line of the code on stdin, None if it ended normally."""
    code, sys.stdin = sys.stdin.buffer.read().decode("utf-8", "surrogatepass"), open(os.devnull)
    verdict = list(_verdict(code, lambda: None))[1]
    return verdict[1:].decode("utf-8", "replace") or None


def _result(printed, error, output, start):
    """The fields of a Result. Too much output comes before any other error: it is why a run was stopped."""
    if len(printed) > output:
        error = f"output over {output} bytes"
    seconds = time.monotonic() - start
    return {"ok": not error, "output": printed[:output].decode("utf-8", "replace"), "error": error, "seconds": seconds}


def _write(descriptor, message):
    """Sends a message: its length in 4 bytes, then JSON, never pickle: nothing that is received is ever executed."""
    data = json.dumps(message).encode()
    data = len(data).to_bytes(4, "big") + data
    while data:
        data = data[os.write(descriptor, data):]


def _read(descriptor, seconds=None):
    """The next message. EOFError: the other end is gone. TimeoutError: it did not come within so many seconds."""
    deadline, data, length = time.monotonic() + (seconds or 0), b"", 4
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    while len(data) < length:
        if not poll.poll(None if seconds is None else max(0, 1000 * (deadline - time.monotonic()))):
            raise TimeoutError
        chunk = os.read(descriptor, 1 << 16)
        if not chunk:
            raise EOFError
        data += chunk
        length = 4 + int.from_bytes(data[:4], "big")
    return json.loads(data[4:])


def _clean_environment():
    """What a python needs to start, and what makes two runs of the same code equal; no token of the caller's."""
    fixed = {"HOME": "/", "LANG": "C.UTF-8", "TZ": "UTC", "PYTHONHASHSEED": "0", "PYTHONSAFEPATH": "1",
             "PYTHONUSERBASE": site.getuserbase() or "",
             "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    return fixed | {name: os.environ[name] for name in PASSED if name in os.environ}


# ---- inside a zygote: the watcher, and the init that forks the runs --------------------------------------------------


def zygote(kind, memory, output, parent):
    """The program of a zygote. This process becomes the watcher; its child, the init, forks a child per run."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor, copy in ((0, REQUESTS), (1, REPLIES), (nothing, RESULT), (nothing, 0), (nothing, 1)):
        os.dup2(descriptor, copy)  # a run keeps those up to RESULT
    os.umask(0o022)  # or the folders that we make could be closed to the user that we become
    off = dict.fromkeys(LAYERS, "")  # {layer: why it is off}
    root = os.geteuid() == 0 and not _why_not(_call, "unshare", CLONE_NEWPID)
    if not root:  # an ordinary user, or root in a container, may do it only within a user namespace
        off["user namespace"] = _why_not(_enter_user_namespace)
        off["pid namespace"] = _why_not(_call, "unshare", CLONE_NEWPID)
    watched, held = os.pipe()
    init = os.fork()  # pid 1 of the new namespace
    if init:
        os.close(held)
        _watch(init, parent, watched)
    os.close(watched)  # `held` stays open until the init is dead, which wakes the watcher
    page, folders = mmap.mmap(-1, TOKEN), _library_folders()
    _preload(kind, output)
    limits = _common_limits(memory, output)
    off["network namespace"] = _why_not(_call, "unshare", CLONE_NEWNET)
    off["ipc namespace"] = _why_not(_call, "unshare", CLONE_NEWIPC)
    off["mount namespace"] = _why_not(_enter_mount_namespace, folders)
    if root:
        off["user namespace"] = _why_not(_become_nobody, folders)
    off["no capabilities"] = _why_not(_drop_capabilities)
    off["Landlock"] = _why_not(_enter_landlock, folders)
    off["kill(-1)"] = "" if os.getpid() == 1 and not off["pid namespace"] else "there is no pid namespace"
    # After the last change of user, which would undo it.
    off["dies with parent"] = _why_not(_call, "prctl", PR_SET_PDEATHSIG, signal.SIGKILL)
    whose = "run"
    if not off["user namespace"] and os.getuid() != 0:  # else RLIMIT_NPROC counts the user's other tasks, or is void
        limits["NPROC"], whose = TASKS, "threaded run"
    off["resource limits"] = _why_not(lambda: _limit(**limits))
    off["seccomp"] = _why_not(_enter_seccomp, "zygote") or _why_not(_probe_seccomp, whose)
    _write(REPLIES, off)
    os.dup2(RESULT, 2)  # so far it was the caller's, for what goes wrong above
    gc.collect()
    gc.freeze()  # or a collection in the child would write to, and so copy, every page that holds an object
    with contextlib.suppress(EOFError):  # the caller closed us or is gone
        while True:
            code, seconds = _read(REQUESTS)
            confine = functools.partial(_confine, seconds, whose, off)
            _write(REPLIES, _run(code, seconds, output, page, confine, everything=not off["kill(-1)"]))
    os._exit(0)


def _watch(init, parent, watched):
    """Waits until the init is dead or `parent` is gone. Polls, as a parent-death signal comes when the *thread* that
    started us ends, and the end of file on stdin does not come while another child of the parent's holds the pipe."""
    os.close(REQUESTS)
    os.close(REPLIES)  # or a dead init would look alive to the reader of its replies
    while os.getppid() == parent and not select.select([watched], [], [], 1.0)[0]:
        pass
    os.kill(init, signal.SIGKILL)
    os.waitpid(init, 0)
    os._exit(0)


def _run(code, seconds, output, page, confine, everything):
    """One run in a fork of this process. A function of its own, so that a run inherits no frame with another's data."""
    start = time.monotonic()
    out = os.memfd_create("out") if hasattr(os, "memfd_create") else _nameless_file()
    reader, writer = os.pipe()
    page[:] = os.urandom(TOKEN)
    os.dup2(out, 1)  # here and not in the child, where each call more is pages more to copy
    os.dup2(writer, RESULT)
    os.close(writer)
    child = os.fork()
    if child == 0:
        _child(code, confine, page)
    os.dup2(0, RESULT)  # the child's is the only one now, so its death ends the pipe
    frame, late = _await_frame(reader, start + seconds)
    status = _end(child, everything)
    printed, token = os.pread(out, output + 1, 0), page[:]
    os.close(reader)
    os.close(out)
    if late:
        error = f"timeout after {seconds:g} s"
    elif frame[:TOKEN] == token and frame[TOKEN:]:
        error = frame[TOKEN + 1:].decode("utf-8", "replace")
    elif os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        name = signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"      # real-time ones have none
        error = f"ended without a result ({name})"
    else:
        error = f"ended without a result (exit status {os.WEXITSTATUS(status)})"
    return _result(printed, error, output, start)


def _nameless_file():
    import tempfile
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _await_frame(reader, deadline):
    """What the child sends, at its end or when it has closed its pipe, and whether the deadline came first."""
    poll = select.poll()
    poll.register(reader, select.POLLIN)
    poll.register(REQUESTS, 0)  # reports a hang-up only
    ready = poll.poll(max(0.0, 1000 * (deadline - time.monotonic())))
    if any(descriptor == REQUESTS for descriptor, _ in ready):
        os._exit(0)  # the caller is gone in the middle of a run
    return (os.read(reader, FRAME), False) if ready else (b"", True)


def _end(child, everything):
    """Kills the run with all that it started, reaps it; its wait status."""
    for kill, target in ((os.kill, child), (os.kill, -1) if everything else (os.killpg, child)):
        with contextlib.suppress(OSError):  # it, or its group, is gone already
            kill(target, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)
    return status


# ---- inside a run ----------------------------------------------------------------------------------------------------


def _child(code, confine, page):
    """The forked child: closes what is the zygote's, confines itself, runs the code and sends the verdict."""
    leave = os._exit  # held here, as the code may replace it, and a child that came back would go on as the zygote
    try:
        os.closerange(RESULT + 1, FILES)
        # bytes.join first exhausts the generator, which runs the code, and then puts the token before the verdict:
        # while the code runs, the token is in no name, frame or container that it could look into.
        os.write(RESULT, _take_token(page).join(_verdict(code, confine)))
    finally:
        leave(1)


def _take_token(page):
    """This run's token, from a page shared with the zygote, which is unmapped here before the code runs."""
    token = page[:]
    page.close()
    return token


def _verdict(code, confine):
    """Runs the code. Yields b'' and then b'+' if it ended normally, b'-' and the error line if not."""
    yield b""
    try:
        confine()
    except (OSError, ValueError) as error:
        yield f"-not run: a layer did not come up: {error}".encode()
        return
    printed = sys.stdout
    main = sys.modules["__main__"] = types.ModuleType("__main__")  # where pickle and dataclasses look names up
    verdict = b"+"
    try:
        exec(compile(code, "<code>", "exec", dont_inherit=True), main.__dict__)
    except SystemExit as stop:
        if type(stop.code) not in (int, bool, type(None)) or stop.code:  # exit() and exit(0) end a program normally
            verdict = b"-" + _error_line(stop)
    except BaseException as error:
        verdict = b"-" + _error_line(error)
    for stream in (sys.stdout, printed):
        try:
            stream.flush()
        except BaseException:  # whatever the code has put in stdout's place or done to it is no failure
            pass
    yield verdict


def _error_line(error):
    """'ZeroDivisionError: division by zero', as bytes. Its message may be a method of the code's, and do anything."""
    try:
        message = str(error)
    except Exception:
        message = "(its message raised)"
    line = " ".join(f"{type(error).__name__}: {message[:ERROR]}".split()).rstrip(":")
    return line[:ERROR].encode("utf-8", "replace") or b"an exception without a name"


def _confine(seconds, whose, off):
    """The layers that each run needs anew. OSError or ValueError if one that was found on does not come up now."""
    if off["pid namespace"]:  # what else would go on when the zygote dies, or could not be killed as one by _end
        os.setsid()
        _why_not(_call, "prctl", PR_SET_PDEATHSIG, signal.SIGKILL)
        _limit(CPU=int(seconds) + 2, NPROC=TASKS)
    if not off["seccomp"]:
        _enter_seccomp(whose)


# ---- the layers ------------------------------------------------------------------------------------------------------

LAYERS = ("fork per run", "resource limits", "seccomp", "Landlock", "user namespace", "mount namespace",
          "network namespace", "pid namespace", "ipc namespace", "kill(-1)", "no capabilities", "dies with parent",
          "output cap", "clean environment", "token on the result", "closed descriptors")

# From the kernel's headers: linux/sched.h, linux/mount.h, linux/prctl.h, linux/capability.h, linux/landlock.h.
CLONE_THREAD, CLONE_NEWNS, CLONE_NEWIPC = 0x00010000, 0x00020000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_BIND, MS_REC, MS_PRIVATE, MNT_DETACH = 4096, 16384, 1 << 18, 2
PR_SET_PDEATHSIG, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, PR_SET_NO_NEW_PRIVS = 1, 22, 2, 38
CAPABILITY_VERSION_3 = 0x20080522
LANDLOCK_CREATE_RULESET_VERSION, LANDLOCK_RULE_PATH_BENEATH = 1, 1
LANDLOCK_READ_FILE, LANDLOCK_READ_DIR = 1 << 2, 1 << 3


def _why_not(step, *arguments):
    """'' if the step succeeds, else the reason why not."""
    try:
        step(*arguments)
        return ""
    except (OSError, ValueError, AttributeError) as error:  # AttributeError: a C library without that function
        return str(error) or type(error).__name__


def _call(name, *arguments):
    """Calls a function of the C library; OSError if it returns -1."""
    arguments = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]  # or 64 bits would be cut to 32
    value = getattr(_libc(), name)(*arguments)
    if value == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return value


@functools.cache
def _libc():
    return ctypes.CDLL(None, use_errno=True)


def _enter_user_namespace():
    """In it an ordinary user may make the other namespaces; the user keeps its number."""
    user, group = os.geteuid(), os.getegid()
    _call("unshare", CLONE_NEWUSER)
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def _library_folders():
    """The folders and files that python and its loader read when the code imports something."""
    paths = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]  # and no project on it
    paths += [os.path.dirname(os.__file__), f"{sys.base_prefix}/lib"]
    paths += ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache", "/usr/share/zoneinfo"]
    found = {path for path in paths for path in (path, os.path.realpath(path)) if os.path.exists(path)}
    return sorted(path for path in found if not any(path.startswith(other + "/") for other in found))


def _preload(kind, output):
    """Imports and sets what runs need, so that they inherit it."""
    sys.stdout.reconfigure(line_buffering=True)  # so that what was printed before a crash or the deadline is there
    sys.setrecursionlimit(RECURSION)
    if hasattr(sys, "set_int_max_str_digits"):
        sys.set_int_max_str_digits(max(output, 4300))  # python's 4300 is less than honest factorials have
    for name in [name for name in os.environ if name.startswith("PYTHON")]:
        del os.environ[name]  # they were for the start
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # python ignores it: a flood of output would go on to the deadline
    # A hook that a module sets for after a fork costs every run 0.1 to 0.3 ms: random would take a new seed, threading
    # would reset locks, none of which is held.
    register, os.register_at_fork = os.register_at_fork, lambda **hooks: None
    for name in LIGHT + (HEAVY_MODULES if kind == "heavy" else ()):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    os.register_at_fork = register
    if "sympy" in sys.modules:
        with contextlib.suppress(Exception):  # a sympy of another version that lacks one of these only starts colder
            exec(WARM_UP, {})
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(0)
    sys.modules["random"].seed(0)


def _enter_mount_namespace(folders):
    """A root of its own: an empty, read-only file system in which only `folders` are mounted, read-only."""
    _call("unshare", CLONE_NEWNS)
    _call("mount", None, b"/", None, MS_REC | MS_PRIVATE, None)
    root = b"/proc"  # a place that is always there, has no library below it, and is needed no more
    _call("mount", b"none", root, b"tmpfs", MS_NOSUID | MS_NODEV, b"size=1m,mode=755")
    for folder in map(os.fsencode, folders):
        if os.path.isdir(folder):
            os.makedirs(root + folder, exist_ok=True)
        else:
            os.makedirs(os.path.dirname(root + folder), exist_ok=True)
            open(root + folder, "w").close()
        _call("mount", folder, root + folder, None, MS_BIND | MS_REC, None)
        kept = os.statvfs(folder).f_flag & (MS_NODEV | MS_NOEXEC)  # a user namespace may not clear what was set outside
        _call("mount", None, root + folder, None, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | kept, None)
    _call("mount", None, root, None, MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV, None)
    os.chdir(root)
    _call("syscall", _number("pivot_root"), b".", b".")
    _call("umount2", b".", MNT_DETACH)  # the old root, which pivot_root(".", ".") has put over the new one
    os.chdir("/")


def _become_nobody(folders):
    """Root's runs go on as nobody, in a user namespace of their own, where RLIMIT_NPROC counts no one else's tasks."""
    nobody = 65534  # the kernel's own, /proc/sys/kernel/overflowuid
    os.seteuid(nobody)
    files = [getattr(module, "__file__", None) or "/" for module in list(sys.modules.values())]
    files = [file for file in files if file.startswith(tuple(folders))]
    unreadable = [file for file in files if not os.access(file, os.R_OK, effective_ids=True)]
    os.seteuid(0)
    if unreadable:  # installed for root only: nobody could not import what is imported later
        raise OSError(errno.EACCES, f"nobody may not read {unreadable[0]}")
    os.setgroups([])
    os.setresgid(nobody, nobody, nobody)
    os.setresuid(nobody, nobody, nobody)
    _call("unshare", CLONE_NEWUSER)


def _drop_capabilities():
    """All of them, those within the user namespace too; and no program gives any back."""
    _call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _call("capset", struct.pack("Ii", CAPABILITY_VERSION_3, 0), bytes(24))


def _enter_landlock(folders):
    """Only reading, only in `folders`; from version 4 and 6 on, also no TCP and no signals to the outside."""
    create, add, restrict = (_number(f"landlock_{name}") for name in ("create_ruleset", "add_rule", "restrict_self"))
    version = _call("syscall", create, None, 0, LANDLOCK_CREATE_RULESET_VERSION)
    files = (1 << {1: 13, 2: 14, 3: 15, 4: 15}.get(version, 16)) - 1  # every right that this version knows
    rules = struct.pack("QQQ", files, 3 if version >= 4 else 0, 3 if version >= 6 else 0)
    ruleset = _call("syscall", create, rules, 24 if version >= 6 else 16 if version >= 4 else 8, 0)
    for folder in folders:
        rights = LANDLOCK_READ_FILE | (LANDLOCK_READ_DIR if os.path.isdir(folder) else 0)
        descriptor = os.open(folder, os.O_PATH)
        _call("syscall", add, ruleset, LANDLOCK_RULE_PATH_BENEATH, struct.pack("=Qi", rights, descriptor), 0)
        os.close(descriptor)
    _call("syscall", restrict, ruleset, 0)
    os.close(ruleset)


def _limit(**limits):
    """Sets resource limits, hard ones too, to the values or to what they are if that is less."""
    import resource
    for name, wanted in limits.items():
        kind = getattr(resource, f"RLIMIT_{name}")
        hard = resource.getrlimit(kind)[1]
        resource.setrlimit(kind, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard),) * 2)


def _common_limits(memory, output):
    """What the init can live with itself; a run inherits it. Memory comes on top of what is mapped by now."""
    mapped = int(open("/proc/self/statm").read().split()[0]) * mmap.PAGESIZE if sys.platform == "linux" else 0
    return dict(AS=mapped + memory, FSIZE=output + 1, NOFILE=FILES, CORE=0, STACK=STACK)


# The system calls that a run may make, each with its number on x86_64 (the kernel's asm/unistd_64.h) and on aarch64
# (asm-generic/unistd.h), or -. All others fail with EPERM: sockets, processes, signals, keyrings, shared memory,
# namespaces, tracing, writing to the file system, and whatever a later kernel brings.
ALLOWED = """
read 0 63; write 1 64; readv 19 65; writev 20 66; pread64 17 67; pwrite64 18 68; lseek 8 62; close 3 57
close_range 436 436; dup 32 23; dup2 33 -; dup3 292 24; pipe 22 -; pipe2 293 59; poll 7 -; ppoll 271 73; select 23 -
pselect6 270 72; stat 4 -; lstat 6 -; fstat 5 80; newfstatat 262 79; statx 332 291; access 21 -; faccessat 269 48
faccessat2 439 439; readlink 89 -; readlinkat 267 78; getdents 78 -; getdents64 217 61; getcwd 79 17; chdir 80 49
fchdir 81 50; statfs 137 43; fstatfs 138 44; umask 95 166; mmap 9 222; munmap 11 215; mremap 25 216; mprotect 10 226
madvise 28 233; brk 12 214; clock_gettime 228 113; clock_getres 229 114; clock_nanosleep 230 115; nanosleep 35 101
gettimeofday 96 169; time 201 -; times 100 153; getrusage 98 165; getitimer 36 102; setitimer 38 103; alarm 37 -
pause 34 -; rt_sigaction 13 134; rt_sigprocmask 14 135; rt_sigreturn 15 139; rt_sigpending 127 136
rt_sigtimedwait 128 137; rt_sigsuspend 130 133; sigaltstack 131 132; restart_syscall 219 128; getpid 39 172
gettid 186 178; getppid 110 173; getuid 102 174; geteuid 107 175; getgid 104 176; getegid 108 177; getgroups 115 158
getresuid 118 148; getresgid 120 150; getpgrp 111 -; getpgid 121 155; getsid 124 156; uname 63 160; sysinfo 99 179
getcpu 309 168; sched_getaffinity 204 123; sched_yield 24 124; futex 202 98; set_robust_list 273 99; rseq 334 293
exit 60 93; exit_group 231 94; getrandom 318 278
"""
# Those that depend on their arguments or on who calls (see _seccomp_program); the zygote's, which a run may not make;
# and those that the layers are set up with, before there is a filter.
PARTLY = """open 2 -; openat 257 56; fcntl 72 25; prlimit64 302 261; clone 56 220; clone3 435 435
kill 62 129; tgkill 234 131"""
ZYGOTES = "wait4 61 260; memfd_create 319 279; setsid 112 157; prctl 157 167"
SETUP = "pivot_root 155 41; landlock_create_ruleset 444 444; landlock_add_rule 445 445; landlock_restrict_self 446 446"
# {machine: (its number in linux/audit.h, its column in the tables above)}
ARCHITECTURES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}

# Instructions of linux/bpf_common.h and answers of linux/seccomp.h.
LOAD, EQUAL, ANY_BIT, ANSWER = 0x20, 0x15, 0x45, 0x06
ALLOW, ERRNO, KILL = 0x7FFF0000, 0x00050000, 0x80000000
SELF = 0xFFFFFFFE  # our choice: stands for the pid of the run until that is known


def _architecture():
    if sys.platform != "linux" or os.uname().machine not in ARCHITECTURES:
        raise OSError(errno.ENOSYS, f"no table of system calls for {sys.platform} on {os.uname().machine}")
    return ARCHITECTURES[os.uname().machine]


def _number(name):
    return _numbers(f"{ALLOWED};{PARTLY};{ZYGOTES};{SETUP}")[name]


@functools.cache
def _numbers(table):
    """{name: number} of the system calls in a table, on this machine."""
    column = _architecture()[1]
    rows = [row.split() for row in table.replace("\n", ";").split(";") if row.strip()]
    return {row[0]: int(row[1 + column]) for row in rows if row[1 + column] != "-"}


@functools.cache  # building it touches some 100 pages, which a run would have to copy: 0.3 ms
def _seccomp_program(whose):
    """The filter of the "zygote", which its runs inherit, or of a "run" (a "threaded run" may start threads), which
    takes away what the zygote needs and a run must not have. Two, as the long one would cost every run 0.3 ms.
    Returns (struct sock_fprog, the instructions it points to, the places in them where the run's pid goes)."""
    allow, refuse = [(ANSWER, 0, 0, ALLOW)], [(ANSWER, 0, 0, ERRNO | errno.EPERM)]
    if whose == "zygote":
        reading = "none of", [os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC]
        blocks = dict.fromkeys([*_numbers(ALLOWED), *_numbers(ZYGOTES)], allow) | {
            "open": _only_if((2, *reading)),
            "openat": _only_if((4, *reading)),
            # F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL and F_DUPFD_CLOEXEC; F_SETOWN could send signals.
            "fcntl": _only_if((2, "is", [0, 1, 2, 3, 4, 1030])),
            "clone": allow,
            # A filter can't see its flags; at ENOSYS the C library takes clone.
            "clone3": [(ANSWER, 0, 0, ERRNO | errno.ENOSYS)],
            "prlimit64": allow, "kill": allow, "tgkill": allow}
    else:
        itself = _only_if((0, "is", [SELF]))  # so that abort() ends it with the signal it names
        blocks = dict.fromkeys(_numbers(ZYGOTES), refuse) | {
            "kill": itself, "tgkill": itself,
            "clone": _only_if((0, "any of", [CLONE_THREAD])) if whose == "threaded run" else refuse,
            "prlimit64": _only_if((4, "is", [0]), (5, "is", [0]))}  # no new limit given: it only reads
    code = [(LOAD, 0, 0, 4), (EQUAL, 1, 0, _architecture()[0]), (ANSWER, 0, 0, KILL), (LOAD, 0, 0, 0)]
    for name, number in _numbers(f"{ALLOWED};{PARTLY};{ZYGOTES}").items():
        if name in blocks:
            code += [(EQUAL, 0, len(blocks[name]), number), *blocks[name]]
    code += refuse if whose == "zygote" else allow  # every other call
    instructions = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in code))
    places = [ctypes.c_uint32.from_buffer(instructions, 8 * i + 4) for i, line in enumerate(code) if line[3] == SELF]
    return struct.pack("H6xP", len(code), ctypes.addressof(instructions)), instructions, places


def _only_if(*tests):
    """Instructions that allow a call if every test holds, else refuse it. A test is of one 32-bit word of the
    arguments, which have two each. Built from the end, as a jump is the number of instructions to skip."""
    block = [(ANSWER, 0, 0, ALLOW), (ANSWER, 0, 0, ERRNO | errno.EPERM)]
    for word, kind, values in reversed(tests):
        refuse = len(block) - 1
        if kind == "is":  # one of the values: a match skips the comparisons left, a miss of the last one is refused
            last = len(values) - 1
            test = [(EQUAL, last - i, refuse if i == last else 0, value) for i, value in enumerate(values)]
        elif kind == "any of":
            test = [(ANY_BIT, 0, refuse, values[0])]
        else:
            test = [(ANY_BIT, refuse, 0, values[0])]
        block = [(LOAD, 0, 0, 16 + 4 * word), *test, *block]
    return block


def _enter_seccomp(whose):
    program, _, places = _seccomp_program(whose)
    for place in places:
        place.value = os.getpid()
    # Not by _call, which takes 0.15 ms more in a child.
    if _libc().prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0):
        raise OSError(ctypes.get_errno(), f"prctl: {os.strerror(ctypes.get_errno())}")


def _probe_seccomp(whose):
    """Tries a run's filter in a child, as there is no way back out of it; OSError unless it refuses a signal."""
    _seccomp_program(whose)  # into the cache of this process, for the runs to inherit
    child = os.fork()
    if child == 0:
        try:
            _enter_seccomp(whose)
            os._exit(0 if _why_not(os.kill, os.getppid(), 0) else 1)
        finally:
            os._exit(2)
    if os.waitpid(child, 0)[1]:
        raise OSError(errno.ENOSYS, "the filter did not hold in a probe")


def main():
    """--check prints the layers; a file, or else stdin, is run once; the other options are this file's own."""
    if sys.argv[1:2] == ["--fresh"]:
        sys.exit(_fresh())
    if sys.argv[1:2] == [ZYGOTE]:
        sys.path[:] = [path for path in sys.path if path not in ("", os.path.dirname(os.path.abspath(__file__)))]
        zygote(**json.loads(sys.argv[2]))
    check, name = sys.argv[1:] == ["--check"], (sys.argv[1:] or ["/dev/stdin"])[0]
    try:
        code = "" if check else Path(name).read_text()
    except (OSError, UnicodeDecodeError) as error:
        print(f"verifier: {name}: {error.strerror if isinstance(error, OSError) else 'not a text file'}; "
              "give a file of code, code on stdin, or --check", file=sys.stderr)
        sys.exit(2)
    with Verifier(workers=1) as verifier:
        if check:
            print("\n".join(f"{layer:22}{'off' if why else 'on':5}{why}" for layer, why in verifier.layers().items()))
        else:
            result = verifier.run(code)
            print(result.output, end="")
            sys.exit(result.error or 0)


if __name__ == "__main__":
    main()

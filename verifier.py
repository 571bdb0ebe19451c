"""Run code that a model wrote and nobody has read, isolated, and judge it by whether it raised.

    with Verifier() as verifier:
        good, bad = verifier.run_batch(["print(1 + 1)", "1 / 0"])
    print(good.ok, good.output)  # True 2
    print(bad.ok, bad.error)  # False ZeroDivisionError: division by zero

How one run goes; start reading at `Verifier.run_batch`. A *zygote* is a Python that has imported
the libraries and from then on only forks: one child per run, which sees nothing of other runs and
costs a millisecond or two, not the start of a Python. A zygote is two processes, neither of which
runs the code:

    Zygote.ask ──── code, result ────> init, pid 1 of its own pid namespace ── fork ──> the run
                                       watcher, its parent: ends it when the caller is gone

Each worker has two zygotes, one with sympy and numpy, and one without, which forks faster; what
the code mentions decides. A failure is the code's only if a zygote reports it: where no run can be
made at all, VerifierError is raised.

The candidates of a leaf share their path's code, and it runs again for each of them. Running it
once and forking there was measured: 0.9 to 1.0 times as fast for arithmetic, 2 to 3 times with
sympy's `solve`. But a process that has run unread code would have to be allowed to fork.

Covered. A run can't read any file but Python's libraries, nor write one; it has no network, no
child processes, and reaches no other process, no environment and no descriptor of the caller's;
only system calls on a list are allowed; time, memory, output and threads are bounded, and the
deadline is kept from outside. Each of these layers (sandbox.py) is optional to the kernel:
`python verifier.py --check` shows which are on, and why another is not.

Not covered. Holes in the kernel; timing side channels; the memory of all workers together. `ok`
says that the code ended normally, which it can bring about by catching its own exceptions: it is
no proof of what it printed. Where the layers are missing (macOS, Windows, a locked-down container)
hostile code is not held: a warning is given once, and require_isolation=True refuses to start.

What differs from `python file.py`. So that the same code has the same result: hash seed 0,
`random` and numpy's global generator seeded with 0, local time UTC. So that honest code passes:
recursion limit 10,000; integers print with as many digits as bytes of output are allowed. And no
child processes, no asyncio (it needs a socket), stdin empty, stderr dropped. exit() and exit(0)
are ok. A run ends with its last line: threads left are stopped, atexit is not called.
"""

import contextlib
import faulthandler
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
import sys
import time
import types
import warnings
import weakref
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # `python -P` leaves it out

import sandbox

ZYGOTE = "--zygote"  # how this file is told to be a zygote's program
if sys.argv[1:2] != [ZYGOTE]:  # each fork of a zygote would pay for what only the caller needs
    import queue
    import socket
    import subprocess
    import tempfile
    import threading
    from concurrent.futures import ThreadPoolExecutor

TIMEOUT = 5.0  # seconds of wall clock for one run; our choice: honest steps measured under 2
MEMORY = 1 << 30  # bytes that one run may map; our choice: far over what a step needs
OUTPUT = 1 << 16  # bytes one run may print; our choice: far over what a step prints
GRACE = 5.0  # seconds after the deadline until a zygote without an answer is ended; our choice
START = 60.0  # seconds a zygote may take to start; our choice: sympy takes 1 on an idle machine
HEARTBEAT = 1.0  # seconds between a watcher's looks for its parent without pidfd_open; our choice
TRIES = 3  # zygotes that may die under one run; our choice
ERROR = 300  # characters kept of an error line; our choice
RECURSION = 10_000  # recursion limit of a run; our choice: honest recursion goes thousands deep
FRAME = 4096  # bytes of a result frame at most: PIPE_BUF, written and read in one piece
TOKEN = 16  # bytes of the token on a frame; our choice: 128 bits are not guessed
RESULT = 3  # descriptor of a run's result frame; our choice: the first after 0, 1 and 2
CALLER = 4  # descriptor of a zygote's socket to the caller; our choice: the next
PASSED = ("LD_LIBRARY_PATH", "OPENBLAS_CORETYPE", "SYSTEMROOT")  # may be needed to start at all
HEAVY = re.compile(r"\b(sympy|mpmath|numpy|scipy|pandas)\b")  # what the zygote with sympy is for
LIGHT_MODULES = """
bisect cmath collections copy dataclasses datetime decimal enum fractions functools heapq itertools
math numbers operator random re resource statistics string textwrap time typing
""".split()
PROBES = ("print(6 * 7)", "import sympy\nprint(sympy.Integer(6) * 7)")  # code that must run
# Fills sympy's caches: a repeated `solve` takes 7 ms, the first one 16.
WARM_UP = """
from sympy import *
from sympy.core.random import seed
x, y = symbols("x y")
solve(x**2 - 5*x + 6, x), solve([x + y - 3, x - y - 1], [x, y]), solve(x**3 - 1, x)
simplify(sin(x)**2 + cos(x)**2), factor(x**2 - 1), expand((x + 1)**3)
diff(x**2, x), integrate(x**2, x), limit(sin(x)/x, x, 0), summation(x, (x, 1, 10))
sqrt(8), Rational(1, 3) + nsimplify("0.5"), N(pi), Matrix([[1, 2], [3, 4]]).inv(), factorint(60)
str(series(exp(x), x, 0, 3)), latex(x**2 / 2), seed(0)
"""


@dataclass(frozen=True)
class Result:
    """What became of one run. `output` and `error` always encode as UTF-8."""

    ok: bool  # the code ended normally: it neither raised nor was stopped
    output: str  # what it printed to stdout (not stderr), undecodable bytes as U+FFFD
    error: str  # one line, 'ZeroDivisionError: division by zero', 'timeout after 5 s'; '' when ok
    seconds: float  # wall clock from fork to end


class VerifierError(RuntimeError):
    """A run could not be made, for a reason that is not the code's: it has no result to store."""


class IsolationError(VerifierError):
    """The kernel does not give the isolation that was required or promised."""


class ZygoteDied(VerifierError):
    """A zygote died or hung under a run, be it by the code or by itself."""


# ---- the caller ----------------------------------------------------------------------------------


class Verifier:
    """Runs code in isolation. Starts its zygotes at the first run; safe to use from many threads.

    timeout: seconds of wall clock a run may take. memory: bytes it may map on top of the
    libraries. output: bytes it may print. workers: runs at the same time (default: the cores this
    process may use). require_isolation: raise IsolationError here, rather than warn later, unless
    seccomp and one of Landlock or a mount namespace are on.
    """

    def __init__(
        self, timeout=TIMEOUT, memory=MEMORY, output=OUTPUT, workers=None, require_isolation=False
    ):
        cores = getattr(os, "sched_getaffinity", lambda pid: range(os.cpu_count() or 1))(0)
        self.timeout = timeout
        self.memory = memory
        self.output = output
        self.workers = len(cores) if workers is None else workers
        if min(self.timeout, self.memory, self.output, self.workers) <= 0:
            raise ValueError("timeout, memory, output and workers must be positive")
        self._closed = False
        self._stops = 0  # how many times all runs under way were stopped
        self._promised = []  # the layers of the first zygote come first
        self._open_lanes()
        if require_isolation and sandbox.lack(self.layers()):
            self.close()
            raise IsolationError(f"isolation is required, but {sandbox.lack(self.layers())}")

    def run_batch(self, codes: list[str]) -> list[Result]:
        """The Results of many pieces of code, in their order, run on all workers.

        Errors as for `run`: the first one, or Ctrl-C, stops all runs at once."""
        codes = list(codes)
        run = functools.partial(self._run, timeout=self.timeout, stops=self._stops)
        # The threads only wait for zygotes, which do the work.
        threads = ThreadPoolExecutor(max(1, min(self.workers, len(codes))))
        try:
            return list(threads.map(run, codes))
        except BaseException:
            # Leaving the pool waits for its threads, and they for their runs' deadlines, unless
            # their zygotes end.
            threads.shutdown(wait=False, cancel_futures=True)
            self._stop()
            raise
        finally:
            threads.shutdown()

    def run(self, code: str, timeout: float | None = None) -> Result:
        """The Result of one piece of code; `timeout` in seconds overrides the default.

        Never raises for what the code did. VerifierError: it could not be run, and the verifier or
        the machine is to blame. RuntimeError: the Verifier was closed, or all runs stopped."""
        return self._run(code, self.timeout if timeout is None else timeout, self._stops)

    def _run(self, code, timeout, stops):
        """Runs the code on an idle lane, waiting for one if need be."""
        if os.getpid() != self._owner:  # a fork of the owner: two may not talk over one socket
            self._open_lanes()
        lane = self._idle.get()
        try:
            return self._run_in(lane, code, timeout, stops)
        finally:
            self._idle.put(lane)

    def _run_in(self, lane, code, timeout, stops):
        """Runs the code on this lane and, if that fails, finds out whose failure it is."""
        kind = "heavy" if HEAVY.search(code) else "light"
        for _ in range(TRIES):
            try:
                return self._attempt(lane, kind, code, timeout, stops)
            except VerifierError as error:  # the next attempt has a new zygote, all for itself
                failure = error
        if isinstance(failure, ZygoteDied):
            # Did this code end its zygotes, or would any code have? Only the first is a result.
            try:
                if self._attempt(lane, kind, PROBES[0], TIMEOUT, stops).ok:
                    return Result(False, "", f"not run: each of {TRIES} zygotes died of it", 0.0)
            except VerifierError as error:
                failure = error
        raise failure

    def _attempt(self, lane, kind, code, timeout, stops):
        """One attempt at a run, in the lane's zygote of this kind, which is started if need be."""
        try:
            # In the lane before it is asked anything, so that _stop in another thread finds it.
            zygote = lane[kind] = lane.get(kind) or self._new_zygote(kind)
            if self._closed or stops != self._stops:
                raise RuntimeError("the Verifier is closed" if self._closed else "runs are stopped")
            if zygote.layers is None:
                zygote.wait_until_ready()
                self._keep_promise(zygote.layers)
            return zygote.ask(code, timeout)
        except BaseException:
            # Ctrl-C too: the reply still to come would be taken for the next run's.
            _close_lanes([lane], self._owner, [kind])
            raise

    def _new_zygote(self, kind):
        try:
            return (Zygote if hasattr(os, "fork") else FreshProcess)(kind, self.memory, self.output)
        except OSError as error:
            raise VerifierError(f"no Python can be started to run code: {error}") from error

    def _keep_promise(self, layers):
        """The first zygote's layers are what every later one must bring up, or its runs fail."""
        self._promised.append(layers)
        for name, why in layers.items():
            if why and not self._promised[0][name]:
                raise IsolationError(f"the layer {name} was on and did not come up again: {why}")
        if sandbox.lack(layers):
            _warn_once(sandbox.lack(layers))

    def layers(self) -> dict[str, str]:
        """{layer: '' if on, else why it is off}, of the first zygote, which this may start."""
        if not self._promised:
            self.run("")
        return self._promised[0]

    def _open_lanes(self):
        """A lane is what one run at a time uses: {kind: zygote}, with kinds "light" and "heavy"."""
        self._owner = os.getpid()
        self._lanes = [{} for _ in range(self.workers)]
        # Last in, first out: single runs stay on one lane, whose zygotes are up.
        self._idle = queue.LifoQueue()
        for lane in self._lanes:
            self._idle.put(lane)
        self._finalizer = weakref.finalize(self, _close_lanes, self._lanes, self._owner)

    def _stop(self):
        """Ends every zygote: runs under way raise RuntimeError, later ones start new zygotes."""
        self._stops += 1
        _close_lanes(self._lanes, self._owner)

    def close(self):
        """Ends every process: runs under way raise RuntimeError. Safe to call twice.

        Also done at exit and when the Verifier is garbage."""
        self._closed = True
        self._finalizer()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


@functools.cache
def _warn_once(lack):
    message = f"model-written code runs without isolation: {lack}"
    warnings.warn(message, RuntimeWarning, stacklevel=2)


def _close_lanes(lanes, owner, kinds=("light", "heavy")):
    if os.getpid() != owner:  # a fork of the owner, which these zygotes do not belong to
        return
    for lane in lanes:
        for kind in kinds:
            zygote = lane.pop(kind, None)  # None: not started, or another thread was faster
            if zygote:
                zygote.close()


class Zygote:
    """The caller's end of a zygote: starts it, asks it for runs, ends it."""

    layers = None  # known when it is ready

    def __init__(self, kind, memory, output):
        self._talking = threading.Lock()
        self._socket, theirs = socket.socketpair()
        options = {"kind": kind, "memory": memory, "output": output, "parent": os.getpid()}
        program = [sys.executable, "-X", "utf8", os.path.abspath(__file__)]
        start = functools.partial(
            subprocess.Popen,
            [*program, ZYGOTE, json.dumps(options)],
            env=_clean_environment(),
            cwd="/",
            start_new_session=True,  # Ctrl-C at the terminal is for the caller, which then ends us
            stdin=theirs,
            stdout=theirs,
            stderr=subprocess.PIPE,
        )
        with theirs:
            try:
                self._process = start()
            except PermissionError:  # root started us and became a user who may not reach python
                self._process = start(executable="/proc/self/exe")

    def wait_until_ready(self):
        """Sets `layers`. VerifierError if the zygote does not start."""
        with self._talking:
            try:
                self.layers = self._receive(START)
            except (EOFError, OSError) as error:
                reason = self._last_words() or str(error) or "it ended"
                raise VerifierError(f"the Python that runs code did not start: {reason}") from error
            self._process.stderr.close()

    def _last_words(self):
        """The last line on its stderr: where Python could not even start, that says why."""
        self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            lines = self._process.communicate(timeout=1)[1].decode("utf-8", "replace").splitlines()
            return lines[-1] if lines else ""

    def ask(self, code, timeout):
        """The Result of one run. ZygoteDied: it died or hung. VerifierError: it did not run it."""
        try:
            with self._talking:
                self._socket.settimeout(timeout + GRACE)
                self._socket.sendall(_message([code, timeout]))
                return Result(**self._receive(timeout + GRACE))
        except (EOFError, OSError) as error:
            reason = str(error) or "it ended"
            raise ZygoteDied(f"the Python that runs code failed: {reason}") from error

    def _receive(self, seconds):
        reply = _read(self._socket.fileno(), seconds)
        if "failure" in reply:
            raise VerifierError(reply["failure"])
        return reply

    def close(self):
        """Ends the zygote and all below it. Any thread may call it, also while another one asks."""
        # Hanging up ends the wait in `ask`, and the zygote from the inside out, leaving no orphan.
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        if self.layers is None:  # it does not listen yet, and has no run either
            self._process.kill()
        try:
            self._process.wait(1)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        with self._talking:  # or another file could get the descriptor that `ask` still reads
            self._socket.close()
            self._process.stderr.close()


def _clean_environment():
    """What a Python needs to start, and what makes runs of the same code equal; no secret."""
    fixed = {"HOME": "/", "LANG": "C.UTF-8", "TZ": "UTC", "PYTHONHASHSEED": "0"}
    fixed |= {"PYTHONSAFEPATH": "1", "PYTHONUSERBASE": site.getuserbase() or ""}
    fixed |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return fixed | {name: os.environ[name] for name in PASSED if name in os.environ}


# ---- messages between the caller and a zygote ----------------------------------------------------


def _message(value):
    """Its length in 4 bytes, then JSON, never pickle: nothing that is received is ever executed."""
    data = json.dumps(value).encode()
    return len(data).to_bytes(4, "big") + data


def _write(descriptor, value):
    data = _message(value)
    while data:
        data = data[os.write(descriptor, data) :]


def _read(descriptor, seconds=None):
    """The next message. EOFError: the other end is gone. TimeoutError: not within `seconds`."""
    deadline = time.monotonic() + (seconds or 0)
    data = b""
    length = 4
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    while len(data) < length:
        left = None if seconds is None else max(0, 1000 * (deadline - time.monotonic()))
        if not poll.poll(left):
            raise TimeoutError(f"no answer in {seconds:g} s")
        chunk = os.read(descriptor, 1 << 16)
        if not chunk:
            raise EOFError
        data += chunk
        length = 4 + int.from_bytes(data[:4], "big")
    return json.loads(data[4:])


# ---- inside a zygote: the watcher, and the init that forks the runs ------------------------------


def zygote(kind, memory, output, parent):
    """The program of a zygote. This process becomes the watcher, its child the init."""
    os.dup2(0, CALLER)
    try:
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in (RESULT, 0, 1):
            os.dup2(nothing, descriptor)
        _forget_the_caller()
        layers = dict.fromkeys(sandbox.LAYERS, "")  # {layer: why it is off}
        as_root = sandbox.confine_zygote(layers)
        # Nothing is ever sent: each side notices by it that the other is gone.
        watched, held = os.pipe()
        init = os.fork()  # pid 1 of the new namespace
        if init:
            os.close(held)
            _watch(init, parent, watched)
        os.close(watched)
        _serve(kind, memory, output, layers, as_root, held)
    except Exception as error:
        # Whatever it is, it is no result of a run: the caller raises it.
        _write(CALLER, {"failure": f"{type(error).__name__}: {error}"})
    finally:
        os._exit(1)


def _forget_the_caller():
    """Undoes what a process inherits of its parent and what would change how runs end."""
    # With SIGCHLD ignored no child can be waited for, and a blocked signal does not end a run.
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in signal.valid_signals() - {signal.SIGPIPE}:  # Python itself ignores SIGPIPE
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    # Or the user that root becomes could not enter the folders that are made.
    os.umask(0o022)
    for name in [name for name in os.environ if name.startswith("PYTHON")]:
        del os.environ[name]  # they were for the start


def _watch(init, parent, watched):
    """Waits until the init is dead or `parent` is gone, and ends the init with it.

    The parent's death signal would come too early, when the *thread* that started us ends; the end
    of file on the socket may never come, while another fork of the parent's holds a copy of it."""
    os.close(CALLER)  # or a dead init would look alive to the caller
    ends = [watched]
    with contextlib.suppress(OSError, AttributeError):  # an old kernel, another system
        ends.append(os.pidfd_open(parent))
    # The number of a parent that died before may be another process's by now: so ask, then wait.
    while os.getppid() == parent and not select.select(ends, [], [], HEARTBEAT)[0]:
        pass
    os.kill(init, signal.SIGKILL)
    os.waitpid(init, 0)
    os._exit(0)


def _serve(kind, memory, output, layers, as_root, held):
    """The init: imports, confines itself, then makes one run after the other for the caller."""
    sandbox.why_not(sandbox.die_with_parent)  # for the second that imports take; reported below
    page = mmap.mmap(-1, TOKEN)
    _preload(kind, output)
    whose = sandbox.confine_init(layers, as_root, memory, output)
    # The watcher may have died before it could end us.
    poll = select.poll()
    poll.register(held, 0)
    if poll.poll(0):
        return
    _write(CALLER, layers)

    os.dup2(RESULT, 2)  # so far it was the caller's, for what goes wrong above
    gc.collect()
    gc.freeze()  # or a collection in a run would write to, and so copy, every page with an object
    with contextlib.suppress(EOFError, ConnectionError):  # the caller closed us or is gone
        while True:
            code, seconds = _read(CALLER)
            confine = functools.partial(sandbox.confine_run, layers, whose, seconds, os.getpid())
            try:
                reply = _run(code, seconds, output, page, confine, not layers["kill(-1)"])
            except OSError as error:
                reply = {"failure": f"code cannot be run: {error}"}
            _write(CALLER, reply)
    os._exit(0)


def _preload(kind, output):
    """Imports and sets what runs need, so that they inherit it."""
    sys.path[:] = [path for path in sys.path if path not in ("", os.path.dirname(sandbox.__file__))]
    del sys.modules["sandbox"]  # code that imports such a module finds none, as anywhere else
    # So that what was printed before a crash or the deadline is there.
    sys.stdout.reconfigure(line_buffering=True)
    sys.setrecursionlimit(RECURSION)
    if hasattr(sys, "set_int_max_str_digits"):
        sys.set_int_max_str_digits(max(output, 4300))  # Python's 4300: honest factorials have more

    # A hook that a module sets for after a fork costs every run 0.1 to 0.3 ms: random would take a
    # new seed, threading would reset locks, none of which is held.
    register = os.register_at_fork
    os.register_at_fork = lambda **hooks: None
    for name in LIGHT_MODULES:
        importlib.import_module(name)
    if kind == "heavy":
        with contextlib.suppress(ImportError):  # not among our requirements
            importlib.import_module("numpy")
        importlib.import_module("sympy")
        with contextlib.suppress(Exception):  # a sympy that lacks one of these only starts colder
            exec(WARM_UP, {})
    os.register_at_fork = register
    sys.modules["random"].seed(0)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(0)


def _run(code, seconds, output, page, confine, everything):
    """One run in a fork of this process: the fields of its Result. OSError: it could not be made.

    A function of its own, so that a run inherits no frame with another's data."""
    start = time.monotonic()
    out, out_writer = os.pipe()
    frames, frame_writer = os.pipe()
    page[:] = os.urandom(TOKEN)
    # Here and not in the child, where each call more is pages more to copy.
    os.dup2(out_writer, 1)
    os.dup2(frame_writer, RESULT)
    os.close(out_writer)
    os.close(frame_writer)
    child = os.fork()
    if child == 0:
        _child(code, confine, page)

    # The child's are the only ones now, so its death ends both pipes.
    os.dup2(0, 1)
    os.dup2(0, RESULT)
    try:
        printed, frame, late = _follow(out, frames, start + seconds, output)
    finally:
        status = _end(child, everything)
    token = page[:]
    os.close(out)
    os.close(frames)

    # Only with the token it is a frame of ours: the code may write to descriptor 3 what it likes.
    verdict = frame[TOKEN:] if frame[:TOKEN] == token else b""
    message = verdict[1:].decode("utf-8", "replace")
    if verdict[:1] == b"!":
        raise OSError(message)
    if late:
        error = f"timeout after {seconds:g} s"
    elif verdict:
        error = message
    else:
        error = f"ended without a result ({_cause_of_death(status)})"
    return _result(printed, error, output, start)


def _follow(out, frames, deadline, output):
    """Reads what a run prints until its frame or end, the deadline, or more than `output` bytes.

    Returns what was printed, the frame, and whether the deadline came first."""
    printed = bytearray()
    poll = select.poll()
    for descriptor in (out, frames, CALLER):
        poll.register(descriptor, select.POLLIN)
    while len(printed) <= output:
        left = deadline - time.monotonic()
        ready = [descriptor for descriptor, _ in poll.poll(max(0, 1000 * left))]
        if CALLER in ready:  # it has nothing to say during a run, so it has hung up
            raise EOFError
        if not ready or (left < 0 and frames not in ready):
            return printed, b"", True
        # The output first: what was printed before the end belongs to it.
        if out in ready:
            chunk = os.read(out, 1 << 16)
            printed += chunk
            if not chunk:  # closed, and it would be ready for ever
                poll.unregister(out)
        else:
            return printed, os.read(frames, FRAME), False
    return printed, b"", False


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


def _cause_of_death(status):
    if not os.WIFSIGNALED(status):
        return f"exit status {os.WEXITSTATUS(status)}"
    number = os.WTERMSIG(status)
    if number in set(signal.Signals):
        return signal.Signals(number).name
    return f"signal {number}"  # real-time ones have no name


def _result(printed, error, output, start):
    """The fields of a Result. Too much output comes first: it is why a run was stopped."""
    if len(printed) > output:
        error = f"output over {output} bytes"
    text = printed[:output].decode("utf-8", "replace")
    seconds = time.monotonic() - start
    return {"ok": not error, "output": text, "error": error, "seconds": seconds}


# ---- inside a run --------------------------------------------------------------------------------


def _child(code, confine, page):
    """The forked child: confines itself, runs the code and sends the result frame."""
    # Held here, as the code may replace it, and a child that came back would serve as the zygote.
    leave = os._exit
    try:
        os.closerange(RESULT + 1, sandbox.FILES)
        # bytes.join first exhausts the generator, which runs the code, and then puts the token
        # before the verdict: while the code runs, the token is in no name, frame or container that
        # it could look into.
        os.write(RESULT, _take_token(page).join(_verdict(code, confine)))
    finally:
        leave(1)


def _take_token(page):
    """This run's token, from a page shared with the zygote, unmapped before the code runs."""
    token = page[:]
    page.close()
    return token


def _verdict(code, confine):
    """Runs the code. Yields b'' and then the verdict: b'+' if the code ended normally, b'-' and its
    error line if not, b'!' and the reason if it was not run."""
    yield b""
    try:
        confine()
    except Exception as error:
        yield f"!a layer did not come up: {error}"[:ERROR].encode("utf-8", "replace")
        return
    printed = sys.stdout
    # Where pickle and dataclasses look names up.
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    verdict = b"+"
    try:
        exec(compile(code, "<code>", "exec", dont_inherit=True), main.__dict__)
    except SystemExit as stop:
        # exit() and exit(0) end a program normally.
        if type(stop.code) not in (int, bool, type(None)) or stop.code:
            verdict = b"-" + _error_line(stop)
    except BaseException as error:
        verdict = b"-" + _error_line(error)
    for stream in (sys.stdout, printed):
        try:
            stream.flush()
        except BaseException:  # what the code has put in stdout's place is no failure of it
            pass
    yield verdict


def _error_line(error):
    """'ZeroDivisionError: division by zero', as bytes. The code may have written its __str__."""
    try:
        message = str(error)
    except Exception:
        message = "(its message raised)"
    line = " ".join(f"{type(error).__name__}: {message[:ERROR]}".split()).rstrip(":")
    return line[:ERROR].encode("utf-8", "replace") or b"an exception without a name"


# ---- where there is no fork ----------------------------------------------------------------------


class FreshProcess:
    """In a Zygote's place on Windows: a Python per run, slow, which bounds only time and output."""

    layers = None

    def __init__(self, kind, memory, output):
        self._output = output

    def wait_until_ready(self):
        self.layers = dict.fromkeys(sandbox.LAYERS, "this platform has no fork")
        self.layers |= {"clean environment": "", "output cap": ""}

    def ask(self, code, timeout):
        command = [sys.executable, "-X", "utf8", os.path.abspath(__file__), "--fresh", str(timeout)]
        source = code.encode("utf-8", "surrogatepass")
        start = time.monotonic()
        error = ""
        with tempfile.TemporaryFile() as out:
            files = {"stdout": out, "stderr": subprocess.PIPE, "env": _clean_environment()}
            try:
                done = subprocess.run(command, input=source, timeout=timeout, **files)
                if done.returncode:
                    lines = done.stderr.decode("utf-8", "replace").splitlines()
                    error = lines[-1] if lines else "ended without a result"
            except subprocess.TimeoutExpired:
                error = f"timeout after {timeout:g} s"
            out.seek(0)
            return Result(**_result(out.read(self._output + 1), error, self._output, start))

    def close(self):
        """Nothing is left to end."""


def _fresh(timeout):
    """The program of a FreshProcess: the error line of the code on stdin, None if it ended well."""
    faulthandler.dump_traceback_later(timeout + GRACE, exit=True)  # should the caller be gone
    code = sys.stdin.buffer.read().decode("utf-8", "surrogatepass")
    sys.stdin = open(os.devnull)
    verdict = list(_verdict(code, lambda: None))[1]
    return verdict[1:].decode("utf-8", "replace") or None


# ---- the program ---------------------------------------------------------------------------------


def check(verifier):
    """The table of layers, if code runs in each kind of zygote; else VerifierError."""
    for code in PROBES:
        result = verifier.run(code, START)
        if result.output != "42\n":
            raise VerifierError(f"code that prints 42 fails here: {result.error}")
    rows = []
    for layer, why in verifier.layers().items():
        off = f"off  {why}; lets through {sandbox.LAYERS[layer]}"
        rows.append(f"{layer:22}{off if why else 'on'}\n")
    return "".join(rows)


def main():
    """--check prints the layers; a file, or else stdin, is run once; other options are internal."""
    if sys.argv[1:2] == ["--fresh"]:
        sys.exit(_fresh(float(sys.argv[2])))
    if sys.argv[1:2] == [ZYGOTE]:
        zygote(**json.loads(sys.argv[2]))
    name = sys.argv[1] if sys.argv[1:] else "stdin"
    try:
        if sys.argv[1:]:
            code = "" if name == "--check" else Path(name).read_text(encoding="utf-8")
        else:
            code = open(0, encoding="utf-8").read()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a text file"
        fail(f"{name}: {reason}; give a file of code, code on stdin, or --check")
    try:
        with Verifier(workers=1) as verifier:
            if name == "--check":
                say(check(verifier))
                return
            result = verifier.run(code)
    except VerifierError as error:
        fail(error)
    except KeyboardInterrupt:
        sys.exit(130)  # 128 and the number of SIGINT, as shells report it
    say(result.output)
    sys.exit(result.error or 0)


def say(text):
    try:
        print(text, end="", flush=True)
    except (OSError, UnicodeEncodeError) as error:
        # Python would try to print the rest at its end, and fail with a traceback.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        fail(f"stdout: {error}")


def fail(message):
    print(f"verifier: {message}", file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    main()

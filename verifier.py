"""Run code that a model wrote and nobody has read, isolated, and judge it by whether it raised.

    with Verifier() as verifier:
        good, bad = verifier.run_batch(["print(1 + 1)", "1 / 0"])
    print(good.ok, good.output)  # True 2
    print(bad.ok, bad.error)  # False ZeroDivisionError: division by zero

How one run goes; start reading at `Verifier.run_batch`. Each worker has a *lane*, which one run at
a time uses, and each lane up to two *zygotes* (zygote.py): a zygote is a Python that has imported
the libraries and from then on only forks, one child per run, which sees nothing of other runs and
costs a millisecond or two, not the start of a Python. It is two processes, neither of which runs
the code:

    Zygote.ask ──── code, result ────> init, pid 1 of its own pid namespace ── fork ──> the run
                                       watcher, its parent: ends it when the caller is gone

One zygote of a lane, "heavy", has imported sympy and numpy; the other, "light", has not, and forks
faster. The modules that the code mentions decide which one runs it. A failure is the code's only if
a zygote reports it: where no run can be made at all, VerifierError is raised.

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
import functools
import json
import os
import queue
import re
import site
import socket
import subprocess
import sys
import tempfile
import threading
import time
import warnings
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # `python -P` leaves it out

import sandbox
from zygote import PROGRAM, result_fields

TIMEOUT = 5.0  # seconds of wall clock for one run; our choice: honest steps measured under 2
MEMORY = 1 << 30  # bytes that one run may map; our choice: far over what a step needs
OUTPUT = 1 << 16  # bytes one run may print; our choice: far over what a step prints
GRACE = 5.0  # seconds after the deadline until a zygote without an answer is ended; our choice
START = 60.0  # seconds a zygote may take to start; our choice: sympy takes 1 on an idle machine
TRIES = 3  # zygotes that may die under one run; our choice
PASSED = ("LD_LIBRARY_PATH", "OPENBLAS_CORETYPE", "SYSTEMROOT")  # may be needed to start at all
HEAVY = re.compile(r"\b(sympy|mpmath|numpy|scipy|pandas)\b")  # what the zygote with sympy is for
PROBES = ("print(6 * 7)", "import sympy\nprint(sympy.Integer(6) * 7)")  # code that must run
WITHOUT_FORK = dict.fromkeys(sandbox.LAYERS, "this platform has no fork")
WITHOUT_FORK |= {"clean environment": "", "output cap": ""}


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
        self.timeout = timeout
        self.memory = memory
        self.output = output
        self.workers = usable_cores() if workers is None else workers
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
        run = functools.partial(self._run, timeout=self.timeout, stops=self._stops)
        with ThreadPoolExecutor(self.workers) as threads:  # they only wait for zygotes
            try:
                return list(threads.map(run, codes))
            except BaseException:
                # Leaving the pool waits for its threads, and they for their runs' deadlines, unless
                # their zygotes end.
                threads.shutdown(wait=False, cancel_futures=True)
                self._stop()
                raise

    def run(self, code: str, timeout: float | None = None) -> Result:
        """The Result of one piece of code; `timeout` in seconds overrides the default.

        Never raises for what the code did. VerifierError: it could not be run, and the verifier or
        the machine is to blame. RuntimeError: the Verifier was closed, or all runs stopped."""
        return self._run(code, self.timeout if timeout is None else timeout, self._stops)

    def _run(self, code, timeout, stops):
        """Runs the code on an idle lane and, if that fails, finds out whose failure it is."""
        if os.getpid() != self._owner:  # a fork of the owner: two may not talk over one socket
            self._open_lanes()
        kind = "heavy" if HEAVY.search(code) else "light"
        lane = self._idle.get()  # waits until one is
        try:
            for _ in range(TRIES):
                try:
                    return self._attempt(lane, kind, code, timeout, stops)
                except VerifierError as error:  # the next attempt has a new zygote, all for itself
                    failure = error
            # Did this code end its zygotes, or would any code have? Only the first is a result.
            if isinstance(failure, ZygoteDied):
                if self._attempt(lane, kind, PROBES[0], TIMEOUT, stops).ok:
                    return Result(False, "", f"not run: each of {TRIES} zygotes died of it", 0.0)
            raise failure
        finally:
            self._idle.put(lane)

    def _attempt(self, lane, kind, code, timeout, stops):
        """One attempt at a run, in the lane's zygote of this kind, which is started if need be."""
        if not hasattr(os, "fork"):
            self._raise_if_stopped(stops)
            self._keep_promise(WITHOUT_FORK)
            return run_without_fork(code, timeout, self.output)
        try:
            # In the lane before it is asked anything, so that _stop in another thread finds it.
            zygote = lane[kind] = lane.get(kind) or Zygote(kind, self.memory, self.output)
            self._raise_if_stopped(stops)
            if zygote.layers is None:
                zygote.wait_until_ready()
                self._keep_promise(zygote.layers)
            return zygote.ask(code, timeout)
        except BaseException:
            # Ctrl-C too: the reply still to come would be taken for the next run's.
            close_lanes([lane], self._owner, [kind])
            raise

    def _raise_if_stopped(self, stops):
        if self._closed:
            raise RuntimeError("the Verifier is closed")
        if stops != self._stops:
            raise RuntimeError("runs are stopped")

    def _keep_promise(self, layers):
        """The first zygote's layers are what every later one must bring up, or its runs fail."""
        self._promised.append(layers)
        for name, why in layers.items():
            if why and not self._promised[0][name]:
                raise IsolationError(f"the layer {name} was on and did not come up again: {why}")
        if sandbox.lack(layers):
            warn_once(sandbox.lack(layers))

    def layers(self) -> dict[str, str]:
        """{layer: '' if on, else why it is off}, of the first zygote, which this may start."""
        if not self._promised:
            self.run("")
        return self._promised[0]

    def _open_lanes(self):
        """A lane is {kind: zygote}, with kinds "light" and "heavy", empty at first."""
        self._owner = os.getpid()
        self._lanes = [{} for _ in range(self.workers)]
        # Last in, first out: single runs stay on one lane, whose zygotes are up.
        self._idle = queue.LifoQueue()
        for lane in self._lanes:
            self._idle.put(lane)
        self._finalizer = weakref.finalize(self, close_lanes, self._lanes, self._owner)

    def _stop(self):
        """Ends every zygote: runs under way raise RuntimeError, later ones start new zygotes."""
        self._stops += 1
        close_lanes(self._lanes, self._owner)

    def close(self):
        """Ends every process: runs under way raise RuntimeError. Safe to call twice.

        Also done at exit and when the Verifier is garbage."""
        self._closed = True
        self._finalizer()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


def usable_cores():
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))  # a container may allow fewer than there are
    return os.cpu_count() or 1


@functools.cache
def warn_once(lack):
    message = f"model-written code runs without isolation: {lack}"
    warnings.warn(message, RuntimeWarning, stacklevel=2)


def close_lanes(lanes, owner, kinds=("light", "heavy")):
    if os.getpid() != owner:  # a fork of the owner, which these zygotes do not belong to
        return
    for lane in lanes:
        for kind in kinds:
            zygote = lane.pop(kind, None)  # None: not started, or another thread was faster
            if zygote:
                zygote.close()


# ---- the caller's end of a zygote ----------------------------------------------------------------


class Zygote:
    """Starts a zygote, asks it for runs, ends it. VerifierError if it cannot be started."""

    def __init__(self, kind, memory, output):
        self.layers = None  # known when it is ready
        self.asking = threading.Lock()
        options = {"kind": kind, "memory": memory, "output": output, "parent": os.getpid()}
        try:
            self.socket, theirs = socket.socketpair()
            self.socket.settimeout(START)
            with theirs:
                self.process = start_program(json.dumps(options), theirs)
        except OSError as error:
            raise VerifierError(f"no Python can be started to run code: {error}") from error
        self.replies = self.socket.makefile("rb")

    def wait_until_ready(self):
        """Sets `layers`. VerifierError if the zygote does not start."""
        with self.asking:
            try:
                self.layers = self.receive()
            except OSError as error:
                reason = self.last_words() or error
                raise VerifierError(f"the Python that runs code did not start: {reason}") from error
            self.process.stderr.close()

    def ask(self, code, timeout):
        """The Result of one run. ZygoteDied: it died or hung. VerifierError: it did not run it."""
        request = json.dumps([code, timeout]) + "\n"
        with self.asking:
            try:
                self.socket.settimeout(timeout + GRACE)
                self.socket.sendall(request.encode())
                return Result(**self.receive())
            except OSError as error:
                raise ZygoteDied(f"the Python that runs code failed: {error}") from error

    def receive(self):
        """The next message. ConnectionError: the zygote is gone. TimeoutError: no answer."""
        line = self.replies.readline()
        if not line.endswith(b"\n"):
            raise ConnectionError("it ended")
        message = json.loads(line)
        if "failure" in message:
            raise VerifierError(message["failure"])
        return message

    def last_words(self):
        """The last line on its stderr: where Python could not even start, that says why."""
        # Only what is there: while it hangs, the end of the pipe does not come.
        os.set_blocking(self.process.stderr.fileno(), False)
        lines = (self.process.stderr.read() or b"").decode("utf-8", "replace").splitlines()
        return lines[-1] if lines else ""

    def close(self):
        """Ends the zygote and all below it. Any thread may call it, also while another one asks."""
        # Hanging up ends the wait in `ask`, and the zygote from the inside out, leaving no orphan.
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        if self.layers is None:  # it does not listen yet, and has no run either
            self.process.kill()
        try:
            self.process.wait(1)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        with self.asking:  # or another file could get the descriptor that `ask` still reads
            self.replies.close()
            self.socket.close()
            self.process.stderr.close()


def start_program(options, theirs):
    """Starts zygote.py with its end of the socket."""
    start = functools.partial(
        subprocess.Popen,
        [sys.executable, "-X", "utf8", PROGRAM, options],
        env=clean_environment(),
        cwd="/",
        start_new_session=True,  # Ctrl-C at the terminal is for the caller, which then ends us
        stdin=theirs,
        stdout=theirs,
        stderr=subprocess.PIPE,
    )
    try:
        return start()
    except PermissionError:  # root started us and became a user who may not reach python
        return start(executable="/proc/self/exe")


def clean_environment():
    """What a Python needs to start, and what makes runs of the same code equal; no secret."""
    fixed = {"HOME": "/", "LANG": "C.UTF-8", "TZ": "UTC", "PYTHONHASHSEED": "0"}
    fixed["PYTHONUSERBASE"] = site.getuserbase() or ""
    fixed |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return fixed | {name: os.environ[name] for name in PASSED if name in os.environ}


def run_without_fork(code, timeout, output):
    """For Windows: starts a Python per run, which is slow, and bounds only time and output."""
    start = time.monotonic()
    error = ""
    with tempfile.TemporaryFile() as out:
        try:
            done = subprocess.run(
                [sys.executable, "-X", "utf8", PROGRAM],
                input=json.dumps([code, timeout + GRACE]).encode(),
                stdout=out,
                stderr=subprocess.PIPE,
                env=clean_environment(),
                timeout=timeout,
            )
            if done.returncode:
                lines = done.stderr.decode("utf-8", "replace").splitlines()
                error = lines[-1] if lines else "ended without a result"
        except subprocess.TimeoutExpired:
            error = f"timeout after {timeout:g} s"
        out.seek(0)
        return Result(**result_fields(out.read(output + 1), error, output, start))


# ---- the program ---------------------------------------------------------------------------------


def main():
    """--check prints the layers; a file of code, or else stdin, is run once."""
    source = sys.argv[1] if sys.argv[1:] else 0  # descriptor 0 is stdin
    if source in ("-h", "--help"):
        return show(__doc__)
    try:
        with Verifier(workers=1) as verifier:
            if source == "--check":
                show(check(verifier))
                return
            result = verifier.run(read_code(source))
    except VerifierError as error:
        fail(error)
    except KeyboardInterrupt:
        fail("interrupted", 130)  # 128 and the number of SIGINT, as shells report it
    show(result.output)
    sys.exit(result.error or 0)


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


def read_code(source):
    try:
        with open(source, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        name = source or "stdin"
        reason = error.strerror if isinstance(error, OSError) else "not a text file"
        fail(f"{name}: {reason}; give a file of code, code on stdin, or --check")


def show(text):
    try:
        print(text, end="", flush=True)
    except (OSError, UnicodeEncodeError) as error:
        # Python would try to print the rest at its end, and fail with a traceback.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        fail(f"stdout: {error}")


def fail(message, code=2):
    print(f"verifier: {message}", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()

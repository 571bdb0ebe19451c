"""The program of a zygote: a Python that has imported the libraries and from then on only forks.

verifier.py starts it and talks to it over a socket, a line of JSON each way, never pickle: nothing
that is received is ever executed outside a run. How one run goes; start reading at `main`:

    main          two processes: this one becomes the watcher, its child the init
    watch         ends the init when the caller is gone, even if by SIGKILL
    serve         imports, confines itself (sandbox.py), and makes a run of each request
    run           forks, follows what the run prints until its frame, its end or its deadline
    run_in_child  confines itself further, runs the code, sends the frame

A frame tells how the code ended: a random token, then `+`, `-` or `!`, then an error line. The code
runs in the process that sends the frame, and may write to the same descriptor; but the token is
out of its reach, so it can't forge one.

Nothing is imported here that serving does not need: every fork would pay for it.
"""

import contextlib
import faulthandler
import functools
import gc
import importlib
import json
import mmap
import os
import select
import signal
import sys
import time
import types

import sandbox

PROGRAM = os.path.abspath(__file__)
HEARTBEAT = 1.0  # seconds between a watcher's looks for its parent without pidfd_open; our choice
ERROR = 300  # characters kept of an error line; our choice
RECURSION = 10_000  # recursion limit of a run; our choice: honest recursion goes thousands deep
TOKEN = 16  # bytes of the token on a frame; our choice: 128 bits are not guessed
FRAME = 4096  # bytes of a frame at most: PIPE_BUF, written and read in one piece
RESULT = 3  # descriptor of a run's frame; our choice: the first after 0, 1 and 2
CALLER = 4  # descriptor of the socket to the caller; our choice: the next
LIGHT_MODULES = """
bisect cmath collections copy dataclasses datetime decimal enum fractions functools heapq itertools
math numbers operator random re resource statistics string textwrap time typing
""".split()
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


# ---- the watcher and the init --------------------------------------------------------------------


def main(kind, memory, output, parent):
    """`kind` is "heavy", with sympy, or "light"; `memory` and `output` are the bytes that a run may
    map and print; `parent` is the caller's pid."""
    try:
        # The caller's socket came as 0 and 1, where a run must not find it.
        os.dup2(0, CALLER)
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in (RESULT, 0, 1):
            os.dup2(nothing, descriptor)
        forget_the_caller()

        layers = dict.fromkeys(sandbox.LAYERS, "")  # {layer: why it is off}
        as_root = sandbox.confine_zygote(layers)
        # Nothing is ever sent through it: each side notices by it that the other is gone.
        watched, held = os.pipe()
        init = os.fork()  # pid 1 of the new namespace
        if init:
            os.close(held)
            watch(init, parent, watched)
        else:
            os.close(watched)
            serve(kind, memory, output, layers, as_root, held)
    except Exception as error:
        # Whatever it is, it is no result of a run: the caller raises it.
        tell({"failure": f"{type(error).__name__}: {error}"})
    finally:
        os._exit(0)


def tell(message):
    """Sends a line of JSON to the caller."""
    with open(CALLER, "w", closefd=False) as caller:
        caller.write(json.dumps(message) + "\n")


def forget_the_caller():
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


def watch(init, parent, watched):
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


def serve(kind, memory, output, layers, as_root, held):
    """The init: imports, confines itself, then makes one run after the other for the caller."""
    sandbox.why_not(sandbox.die_with_parent)  # for the second that imports take; reported below
    page = mmap.mmap(-1, TOKEN)  # shared with the runs, for their tokens
    preload(kind, output)
    whose = sandbox.confine_init(layers, as_root, memory, output)
    confine = functools.partial(sandbox.confine_run, layers, whose, os.getpid())
    # The watcher may have died before it could end us.
    poll = select.poll()
    poll.register(held, 0)
    if poll.poll(0):
        return
    tell(layers)

    os.dup2(RESULT, 2)  # so far it was the caller's, for what goes wrong above
    gc.collect()
    gc.freeze()  # or a collection in a run would write to, and so copy, every page with an object
    with (
        contextlib.suppress(EOFError, ConnectionError),  # the caller closed us or is gone
        open(CALLER, "rb", closefd=False) as requests,
    ):
        for request in requests:
            code, seconds = json.loads(request)
            try:
                reply = run(code, seconds, output, confine, page)
            except OSError as error:
                reply = {"failure": f"code cannot be run: {error}"}
            tell(reply)


def preload(kind, output):
    """Imports and sets what runs need, so that they inherit it."""
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


# ---- one run, seen from the init -----------------------------------------------------------------


def run(code, seconds, output, confine, page):
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
        run_in_child(code, seconds, confine, page)

    # The child's are the only ones now, so its death ends both pipes.
    os.dup2(0, 1)
    os.dup2(0, RESULT)
    try:
        printed, frame, late = follow(out, frames, start + seconds, output)
    finally:
        status = kill_and_reap(child)
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
        error = f"ended without a result ({cause_of_death(status)})"
    return result_fields(printed, error, output, start)


def follow(out, frames, deadline, output):
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


def kill_and_reap(child):
    """Ends the run and all that it started; its wait status."""
    # -1 is every process of the namespace whose pid 1 we are; without one there is only the group.
    rest = -1 if os.getpid() == 1 else -child
    for target in (child, rest):
        with contextlib.suppress(OSError):  # gone already
            os.kill(target, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)
    return status


def cause_of_death(status):
    if not os.WIFSIGNALED(status):
        return f"exit status {os.WEXITSTATUS(status)}"
    number = os.WTERMSIG(status)
    if number in set(signal.Signals):
        return signal.Signals(number).name
    return f"signal {number}"  # real-time ones have no name


def result_fields(printed, error, output, start):
    """The fields of a Result. Too much output comes first: it is why a run was stopped."""
    if len(printed) > output:
        error = f"output over {output} bytes"
    text = printed[:output].decode("utf-8", "replace")
    seconds = time.monotonic() - start
    return {"ok": not error, "output": text, "error": error, "seconds": seconds}


# ---- one run, seen from within -------------------------------------------------------------------


def run_in_child(code, seconds, confine, page):
    """The forked child: confines itself, runs the code and sends the frame."""
    # Held here, as the code may replace it, and a child that came back would serve as the zygote.
    leave = os._exit
    try:
        os.closerange(RESULT + 1, sandbox.FILES)
        # bytes.join first exhausts the generator, which runs the code, and then puts the token
        # before the verdict: while the code runs, the token is in no name, frame or container that
        # it could look into.
        pieces = verdict_after(code, functools.partial(confine, seconds))
        os.write(RESULT, take_token(page).join(pieces))
    finally:
        leave(1)


def take_token(page):
    """This run's token, from a page shared with the zygote, unmapped before the code runs."""
    token = page[:]
    page.close()
    return token


def verdict_after(code, confine):
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
            verdict = b"-" + error_line(stop)
    except BaseException as error:
        verdict = b"-" + error_line(error)
    for stream in (sys.stdout, printed):
        try:
            stream.flush()
        except BaseException:  # what the code has put in stdout's place is no failure of it
            pass
    yield verdict


def error_line(error):
    """'ZeroDivisionError: division by zero', as bytes. The code may have written its __str__."""
    try:
        message = str(error)
    except Exception:
        message = "(its message raised)"
    line = " ".join(f"{type(error).__name__}: {message[:ERROR]}".split()).rstrip(":")
    return line[:ERROR].encode("utf-8", "replace") or b"an exception without a name"


def run_from_stdin():
    """Where there is no fork, this program makes one run, and its exit message is the error line.

    On stdin are the code and after how many seconds to end, should the caller be gone by then."""
    code, seconds = json.load(sys.stdin)
    faulthandler.dump_traceback_later(seconds, exit=True)
    sys.stdin = open(os.devnull)
    _, verdict = verdict_after(code, confine=lambda: None)
    sys.exit(verdict[1:].decode("utf-8", "replace") or None)


if __name__ == "__main__":
    # Code that imports a module of this folder finds none, as anywhere else.
    del sys.path[0], sys.modules["sandbox"]
    if sys.argv[1:]:
        main(**json.loads(sys.argv[1]))
    else:
        run_from_stdin()

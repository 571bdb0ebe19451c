"""Every program imports this first: an end during its other imports is one line, not a traceback.

Importing torch takes seconds, in which `common.run` is not there yet to answer Ctrl-C, a missing
package or a lack of memory.
"""

import os
import signal
import sys

# Read when transformers is imported.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")


def end_in_one_line(kind, error, trace) -> None:
    """Python's excepthook. Exit code 130 for Ctrl-C, otherwise 2; a bug keeps its traceback."""
    reason = " ".join(str(error).split()) or kind.__name__
    code = 2
    if issubclass(kind, KeyboardInterrupt):
        reason = "interrupted"
        code = 130
    elif issubclass(kind, ImportError):
        reason += "; try pip install -r requirements.txt"
    elif not issubclass(kind, (OSError, MemoryError)):
        sys.__excepthook__(kind, error, trace)
        return
    name = os.path.basename(sys.argv[0]).removesuffix(".py")
    print(f"{name}: {reason}", file=sys.stderr, flush=True)
    os._exit(code)


def end_at_once(*_) -> None:
    """Answers Ctrl-C: an exception in the middle of an import of torch may be lost there."""
    end_in_one_line(KeyboardInterrupt, KeyboardInterrupt(), None)


def hand_over() -> None:
    """From now on Ctrl-C is an exception again; `common.run` answers it."""
    if signal.getsignal(signal.SIGINT) is end_at_once:
        signal.signal(signal.SIGINT, signal.default_int_handler)


# Not where our modules are imported by somebody else's program.
HERE = os.path.dirname(os.path.realpath(__file__))
if os.path.dirname(os.path.realpath(sys.argv[0])) in (HERE, os.path.join(HERE, "examples")):
    sys.excepthook = end_in_one_line
    # Where it is ignored, as in the background of a script, it stays so.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, end_at_once)

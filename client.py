"""The connection to a server that computes a model: one request, and all that may become of it.

Servers fail, and most of that passes: a request is tried `TRIES` times, with growing delays, before
it is a `ServerFault`. Servers do not take each field, either: one that a request can do without is
left out where it was in the way, and that is reported once. What an answer means, and what may be
missing in it, is in served.py. Start reading at `Server.ask`.

"http://HOST:PORT/v1#NAME" names a server and one of its models. The key is in the environment,
OPENAI_API_KEY, and in no message.
"""

import email.utils
import json
import math
import os
import random
import re
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

# huggingface_hub brings one of the two, by its version. What is used here is the same in both.
try:
    import httpx2 as httpx
except ImportError:
    import httpx

from common import ServerFault, UserError

TRIES = 8  # of a request; our choice: with the delays below they take about a minute
DELAY = 0.5  # seconds before the second try, doubled before each further one; our choice
LONGEST_DELAY = 60.0  # seconds, also where Retry-After asks for more; our choice
STALL = 600.0  # seconds until an answer begins, and then ends; our choice, as OpenAI's client has
STREAK = 32  # first requests in which something odd is no longer chance; our choice


def is_served(model: str) -> bool:
    """Whether the name of a model is the address of a server."""
    return model.startswith(("http://", "https://"))


def with_model(address: str, name: str | None, role: str) -> str:
    """The address with the name of a model behind it: `name`, or the only one of the server."""
    url, _, written = address.partition("#")
    return f"{url}#{Server(f'{url}#{name or written}', role).model}"


class Server:
    """A connection to one model of a server, safe to use from many threads.

    model      its name there
    longest    how many tokens it can read; a million if the server does not say
    folder     where it may lie, if the server is on this machine
    """

    def __init__(self, address: str, role: str, in_flight: int = 256):
        url, _, name = address.partition("#")
        self.title = f"{role} {url}"
        self.url = url.rstrip("/").removesuffix("/v1")
        self.key = take_key()
        self.client = self.connect(in_flight)
        self.lock = threading.RLock()
        self.reported = set()
        self.left_out = set()  # fields that the server does not take
        self.streaks = Counter()
        card = self.choose_model(name)
        self.model = card["id"]
        self.longest = card.get("max_model_len") or 1 << 20
        self.folder = Path(card.get("root") or self.model)

    def connect(self, in_flight: int) -> httpx.Client:
        try:
            parts = httpx.URL(self.url)
        except httpx.InvalidURL as error:
            raise UserError(f"{self.title}: not an address ({error})") from None
        # A password would be printed in every message and written into every tree.
        if parts.userinfo:
            raise UserError("an address holds a password; use OPENAI_API_KEY instead")
        return httpx.Client(
            headers={"Authorization": f"Bearer {self.key}"} if self.key else {},
            # The number of connections is the bound: a thread waits for a free one without a limit.
            limits=httpx.Limits(max_connections=in_flight, max_keepalive_connections=in_flight),
            timeout=httpx.Timeout(STALL, connect=10, pool=None),
            # No proxy leads back to this machine.
            trust_env=parts.host not in ("127.0.0.1", "localhost", "::1"),
        )

    def choose_model(self, name: str) -> dict:
        """The entry of /v1/models with this name; without a name, the only entry."""
        cards = self.ask("/v1/models", None, lambda answer: {c["id"]: c for c in answer["data"]})
        listed = ", ".join(sorted(cards)) or "none"
        if name and name not in cards:
            raise UserError(f"{self.title}: it has no model {name}; it has: {listed}")
        if not name and len(cards) != 1:
            raise UserError(
                f"{self.title}: pick one of its models with --model NAME, or with #NAME behind the "
                f"address: {listed}"
            )
        return cards[name or listed]

    def post(self, route: str, read: Callable, optional: tuple = (), **fields):
        return self.ask(route, dict(fields, model=self.model), read, optional)

    def ask(self, route: str, fields: dict | None, read: Callable, optional: tuple = ()):
        """What `read` makes of the answer; asks again, up to `TRIES` times, until there is one.

        read      what it raises (LookupError, TypeError, ValueError) marks the answer as damaged
        optional  the fields that a server may do without
        Raises ServerFault, whose status is that of HTTP, or 0 if no whole answer came.
        """
        blamed = set()
        first = ""
        for tries in range(1, TRIES + 1):
            body = fields and {k: v for k, v in fields.items() if k not in self.left_out | blamed}
            status, text, pause = self.exchange(route, body)
            # Some servers repeat the key that they refuse.
            shown = text.replace(self.key, "(key)") if self.key else text
            reason = f"HTTP {status}: {shown}" if status else shown
            if status == 200:
                try:
                    result = read(json.loads(text))
                    self.leave_out(blamed, "it fails at")
                    return result
                except (LookupError, TypeError, ValueError, AttributeError, RecursionError):
                    reason = f"this is no whole answer: {shown or 'nothing'}"
            first = first or reason
            # Tried without the field once, and at once.
            if suspects := suspects_of(status, text, [n for n in optional if n in (body or {})]):
                blamed |= suspects
                optional = set(optional) - suspects
                continue
            if 400 <= status < 500 and status not in (408, 409, 425, 429):
                break
            # Without the seed it has failed as well.
            blamed.discard("seed")
            if tries < TRIES:
                delay = min(LONGEST_DELAY, max(pause, DELAY * 2 ** (tries - 1)))
                # Requests that were turned away together must not come back together.
                time.sleep(delay * random.uniform(1, 1.25))
        # The first failure may have led to the others, as where it was the end of the engine.
        if first != reason:
            reason = f"{one_line(first)}, and at last: {reason}"
        remedy = "set OPENAI_API_KEY to a key that it accepts: " if status in (401, 403) else ""
        message = f"{self.title}: no answer after {tries} tries: {remedy}{one_line(reason, 400)}"
        raise ServerFault(message, status)

    def exchange(self, route: str, body: dict | None) -> tuple[int, str, float]:
        """One request: (status, text, seconds to wait); the status is 0 if no whole answer came."""
        data = bytearray()
        method = "GET" if body is None else "POST"
        try:
            with self.client.stream(method, self.url + route, json=body) as response:
                # The client's own limit starts anew with every byte.
                deadline = time.monotonic() + STALL
                for part in response.iter_bytes():
                    data += part
                    if time.monotonic() > deadline:
                        return 0, "its answer has no end", 0.0
        except httpx.RequestError as error:
            return 0, f"{type(error).__name__} {error}", 0.0
        pause = seconds_of(response.headers.get("retry-after", ""))
        return response.status_code, data.decode("utf-8", "replace"), pause

    def leave_out(self, names: set, why: str) -> None:
        """From now on, sends no field of these names."""
        for name in sorted(names):
            self.report(f"{why} `{name}`, which is no longer sent")
        self.left_out |= names

    def report(self, text: str) -> None:
        """Prints a line once."""
        with self.lock:
            if text not in self.reported:
                self.reported.add(text)
                print_above(f"{self.title}: {text}")

    def watch(self, odd: bool, text: str) -> None:
        """Reports what may be chance in a request, but not in all of the first `STREAK`."""
        with self.lock:
            # Seen once, the ordinary is possible: 16 requests of a sure policy were equal in a row.
            self.streaks[text] = self.streaks[text] + 1 if odd else -math.inf
            if self.streaks[text] == STREAK:
                self.report(text)


def take_key() -> str:
    key = os.environ.get("OPENAI_API_KEY", "").strip()
    # The client's error for these would show the key.
    if not re.fullmatch(r"[!-~]*", key):
        raise UserError("OPENAI_API_KEY: it holds characters that no key can have")
    return key


def suspects_of(status: int, text: str, optional: list[str]) -> set[str]:
    """The optional fields of a request at which it may have failed."""
    if status not in (400, 422, 500):
        return set()
    named = {name for name in optional if re.search(rf"\b{name}\b", text)}
    # vLLM's build for CPUs ended at the seed of some models without naming it.
    return named or set(optional) & {"seed"} if status == 500 else named


def seconds_of(value: str) -> float:
    """A Retry-After header: seconds, or a date."""
    try:
        return max(0.0, float(value))
    except ValueError:
        date = email.utils.parsedate_tz(value)
        return max(0.0, email.utils.mktime_tz(date) - time.time()) if date else 0.0


def print_above(line: str) -> None:
    """Prints a line in the place of a progress bar, which draws itself again below."""
    # Not by tqdm.write: it also draws a bar whose time has not come, which ends without a newline.
    print(f"\r{line}\x1b[K" if sys.stderr.isatty() else line, file=sys.stderr)


def one_line(text: str, width: int = 200) -> str:
    # What a server has written may clear a terminal.
    text = "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))
    return text if len(text) <= width else text[:width] + "…"

"""A policy and a PPM behind a server, and what each of the ways leads to in which servers fail.

The server is a real one in a thread. It writes what a scripted policy writes, and misbehaves as a
test asks it to. tests/test_engine.py does the same with a real vLLM.
"""

import contextlib
import email.utils
import json
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from transformers import AutoTokenizer

import cli
import client
import common
import rstar
import served
import stock
import test_evolve
from common import ServerFault, UserError
from rstar import END_OF_CODE, END_OF_STEP, Config
from scripted import TWO, ScriptedPolicy
from verifier import Verifier, VerifierError

ROOT = Path(__file__).parent.parent
STEP = (END_OF_STEP, END_OF_CODE)
SCRIPT = {**TWO, "n1 = 1": ["print(n1)", "print(n1 + 0)"]}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(None)

    def do_POST(self):
        self.answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def answer(self, body):
        server = self.server
        with server.lock:
            server.requests.append((self.path, body))
            server.tries[json.dumps([self.path, body], sort_keys=True)] += 1
            tries = server.tries[json.dumps([self.path, body], sort_keys=True)]
            server.busy += 1
            server.busiest = max(server.busiest, server.busy)
        try:
            # A test's own answer comes first; it is None where the server is to behave.
            if server.misbehave(self, body, tries) is None:
                has_template = "messages" not in (body or {})
                self.send(server.behave(self.path, body), 200 if has_template else 400)
        except OSError:
            pass  # the client has hung up
        finally:
            with server.lock:
                server.busy -= 1

    def send(self, value, status=200, length=None, **headers):
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", length or len(data))
        for name, text in headers.items():
            self.send_header(name.replace("_", "-"), text)
        self.end_headers()
        self.wfile.write(data)
        return True

    def hang_up(self, reset=False):
        if reset:  # closing with this option sends RST
            linger = b"\1\0\0\0\0\0\0\0"
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.close_connection = True
        self.rfile.close()
        self.connection.close()
        raise ConnectionAbortedError

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    """What vLLM answers, from a script; a test puts its own function into `misbehave`."""

    daemon_threads = True
    request_queue_size = 1024

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock = threading.Lock()
        self.requests = []
        self.tries = Counter()
        self.busy = self.busiest = 0
        self.models = ["tiny"]
        self.policy = ScriptedPolicy(SCRIPT)
        self.misbehave = lambda handler, body, tries: None
        self.address = f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, request, client_address):
        pass  # the tests look at what the client makes of it

    def behave(self, path, body):
        if path == "/v1/models":
            return dict(data=[dict(id=name, max_model_len=4096) for name in self.models])
        if path == "/tokenize":
            # A marker is one token, and so is any other character.
            text = body.get("prompt", "")
            for i, marker in enumerate(rstar.MARKERS):
                text = text.replace(marker, chr(0xE000 + i))
            return dict(tokens=[ord(letter) for letter in text])
        if path == "/v1/completions":
            return self.complete(body)
        if path == "/classify":
            raw = [len(text) % 7 - 3.5 for text in body["input"]]
            values = raw if not body["use_activation"] else [0.5] * len(raw)
            return dict(data=[dict(index=i, probs=[x]) for i, x in enumerate(values)])

    def complete(self, body):
        path = "[q]" + body["prompt"].partition("<code>\n")[2]
        if rstar.END_OF_ANSWER in body.get("stop", ()):
            texts = self.policy.state(path)
        else:
            texts = self.policy.propose(path, body["n"], body["seed"])
        choices = []
        for i, text in enumerate(texts):
            stop = next(marker for marker in rstar.MARKERS if text.endswith(marker))
            choices.append(dict(index=i, text=text, finish_reason="stop", stop_reason=stop))
        return dict(choices=choices, usage=dict(completion_tokens=10 * len(texts)))


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(client, "DELAY", 0.001)
    monkeypatch.setattr(client, "LONGEST_DELAY", 0.4)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@pytest.fixture
def server():
    with started() as server:
        yield server


@contextlib.contextmanager
def started():
    server = Server()
    # The default looks for a request to end every half second.
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def completions(server):
    return [body for path, body in server.requests if path == "/v1/completions"]


def only_completions(fault):
    """A function for `misbehave` that leaves the other routes alone."""

    def misbehave(handler, body, tries):
        return fault(handler, body, tries) if handler.path == "/v1/completions" else None

    return misbehave


def texts_of(policy, count):
    return [policy.prompt(f"question {i}") for i in range(count)]


def ask(policy, count=1, k=2, temperature=1.0):
    return policy(texts_of(policy, count), k, STEP, 64, temperature, list(range(count)))


# ---- What goes right -----------------------------------------------------------------------------


def test_a_search_with_a_served_policy_and_ppm_reaches_the_answers_of_the_script(server):
    policy = served.ServedPolicy(server.address)
    ppm = served.ServedPPM(server.address)
    results = rstar.search(["a?", "b?"], policy, ppm, config=Config(rollouts=4, candidates=2))
    assert [result.chosen.answer in ("1", "2") for result in results] == [True, True]
    assert policy.tokens == 10 * sum(body["n"] for body in completions(server))


def test_a_model_whose_markers_are_tokens_gets_the_bare_prompt(server):
    policy = served.ServedPolicy(server.address)
    assert policy.prompt("1 + 1?") == rstar.format_prompt("1 + 1?")
    assert completions(server) == [] and policy.length("ab" + END_OF_STEP) == 3


def test_requests_undo_the_settings_of_the_checkpoint_and_keep_the_markers(server):
    ask(served.ServedPolicy(server.address))
    (body,) = completions(server)
    fields = dict(top_k=-1, top_p=1.0, min_p=0.0, repetition_penalty=1.0, n=2, max_tokens=64)
    fields |= dict(include_stop_str_in_output=True, skip_special_tokens=False)
    fields |= dict(add_special_tokens=False, stop=list(STEP), temperature=1.0, model="tiny")
    assert body.items() >= fields.items()


def test_the_seed_of_a_request_follows_from_seed_and_text(server):
    policy = served.ServedPolicy(server.address)
    for seed in (1, 1, 2):
        policy(["a", "b"], 2, STEP, 64, 1.0, [seed, seed])
    seeds = Counter(body["seed"] for body in completions(server))
    assert sorted(seeds.values()) == [1, 1, 2, 2] and max(seeds) < 2**31


def test_no_tree_waits_for_another(server):
    finished = threading.Event()

    def misbehave(handler, body, tries):
        # All requests of the first tree wait until the second tree has finished.
        if "first?" in body["prompt"]:
            assert finished.wait(30)

    policy = served.ServedPolicy(server.address)
    server.misbehave = only_completions(misbehave)
    problems = [(0, "first?", None), (1, "second?", None)]
    trees = rstar.search_each(problems, policy, None, Config(rollouts=1, candidates=2))
    assert next(trees)[0] == 1
    finished.set()
    assert [index for index, _ in trees] == [0]


@pytest.mark.slow
def test_a_problem_is_only_taken_when_there_is_room_for_its_tree(server):
    taken = []

    def problems():
        for i in range(6):
            taken.append(i)
            yield i, f"question {i}", None

    policy = served.ServedPolicy(server.address)
    config = Config(rollouts=1, candidates=1)
    trees = rstar.search_each(problems(), policy, None, config, batch=2)
    next(trees)
    assert len(taken) == 2
    assert len(list(trees)) == 5


# ---- Faults that pass ----------------------------------------------------------------------------


def stall(handler):
    time.sleep(1)
    handler.hang_up()


def drip(handler):
    """Each byte comes soon after the last, and the answer never ends."""
    handler.send(b"{", length=1000)
    for _ in range(50):
        time.sleep(0.05)
        handler.wfile.write(b" ")
        handler.wfile.flush()
    handler.hang_up()


def half_a_body(handler):
    handler.send(b'{"choices": [', length=1000)
    handler.hang_up()


PASSING = dict(
    refused=lambda h: h.hang_up(),
    reset=lambda h: h.hang_up(reset=True),
    too_many=lambda h: h.send(dict(error="slow down"), 429, Retry_After="0.01"),
    timeout_of_a_proxy=lambda h: h.send(b"<html>504</html>", 504),
    overloaded=lambda h: h.send(b"", 503),
    stall=stall,
    drip=drip,
    half_a_body=half_a_body,
    html=lambda h: h.send(b"<!DOCTYPE html><title>Welcome</title>"),
    nothing=lambda h: h.send(b""),
    half_of_the_json=lambda h: h.send(b'{"choices": [{"index": 0, "te'),
    not_text=lambda h: h.send(b"\xff\xfe\x00"),
    a_list=lambda h: h.send([]),
    null=lambda h: h.send(None),
    an_error_with_status_200=lambda h: h.send(dict(error=dict(message="no"))),
    no_choices=lambda h: h.send(dict(choices=[])),
    no_text=lambda h: h.send(dict(choices=[dict(index=0, text=None)])),
    nested=lambda h: h.send(b"[" * 100_000),
)


@pytest.fixture(scope="module")
def healthy():
    """What 256 requests give without a fault."""
    with started() as server:
        return ask(served.ServedPolicy(server.address), 256)


def short_of_patience(policy, monkeypatch):
    monkeypatch.setattr(client, "STALL", 0.5)
    policy.server.client.timeout = client.httpx.Timeout(0.5, connect=10, pool=None)
    return policy


@pytest.mark.slow
@pytest.mark.parametrize("fault", PASSING)
def test_a_fault_that_passes_changes_no_sample(fault, server, healthy, monkeypatch):
    policy = short_of_patience(served.ServedPolicy(server.address), monkeypatch)

    def misbehave(handler, body, tries):
        if tries == 1:
            return PASSING[fault](handler) or True

    server.misbehave = only_completions(misbehave)
    assert ask(policy, 8) == healthy[:8]
    assert len(completions(server)) >= 16


@pytest.mark.slow
def test_all_these_faults_at_once_change_no_sample_of_256_requests(server, healthy, monkeypatch):
    policy = short_of_patience(served.ServedPolicy(server.address), monkeypatch)

    def misbehave(handler, body, tries):
        # Each request meets three of them.
        if tries <= 3:
            fault = list(PASSING.values())[(body["seed"] + tries) % len(PASSING)]
            return fault(handler) or True

    server.misbehave = only_completions(misbehave)
    assert ask(policy, 256) == healthy
    assert len(completions(server)) >= 4 * 256


def test_a_retry_waits_for_as_long_as_the_server_asks(server):
    times = []

    def misbehave(handler, body, tries):
        times.append(time.monotonic())
        if tries == 1:
            return handler.send(b"", 429, Retry_After="0.3")

    policy = served.ServedPolicy(server.address)
    server.misbehave = only_completions(misbehave)
    ask(policy)
    assert 0.3 <= times[1] - times[0]


def test_a_date_to_retry_after_is_read():
    date = email.utils.formatdate(time.time() + 100, usegmt=True)
    assert 95 < client.seconds_of(date) <= 100
    assert client.seconds_of("7") == 7
    assert [client.seconds_of(value) for value in ("", "soon", "-3")] == [0, 0, 0]


@pytest.mark.slow
@pytest.mark.parametrize("in_flight", [8, 256])
def test_as_many_requests_as_allowed_are_in_flight_at_once_and_no_more(in_flight, server):
    policy = served.ServedPolicy(server.address, in_flight)
    # None is answered until that many are there.
    barrier = threading.Barrier(in_flight)

    def misbehave(handler, body, tries):
        barrier.wait(60)

    server.misbehave = only_completions(misbehave)
    ask(policy, 256)
    assert server.busiest == in_flight


# ---- Faults that do not pass ---------------------------------------------------------------------


def test_a_lost_tree_is_named_and_the_others_go_on(server, capsys):
    def misbehave(handler, body, tries):
        if "question 3" in body["prompt"]:
            return handler.send(dict(error="cannot"), 500)

    policy = served.ServedPolicy(server.address)
    server.misbehave = only_completions(misbehave)
    problems = [(i, f"question {i}", None) for i in range(6)]
    finished = []
    with pytest.raises(ServerFault, match="unfinished searches: 1"):
        for index, _ in rstar.search_each(problems, policy, None, Config(rollouts=1, candidates=2)):
            finished.append(index)
    assert sorted(finished) == [0, 1, 2, 4, 5]
    error = capsys.readouterr().err
    assert "problem 3 (question 3) is unfinished" in error and "cannot" in error


def test_a_fault_that_does_not_pass_is_tried_a_limited_number_of_times(server):
    policy = served.ServedPolicy(server.address)
    server.misbehave = only_completions(lambda h, body, tries: h.send(b"", 503))
    with pytest.raises(ServerFault, match="no answer after 8 tries: HTTP 503"):
        ask(policy)
    assert len(completions(server)) == client.TRIES


def test_a_request_that_the_server_calls_wrong_is_not_repeated(server):
    policy = served.ServedPolicy(server.address)
    server.misbehave = only_completions(lambda h, body, tries: h.send(b"too\n\x1b[2Jlong", 400))
    with pytest.raises(ServerFault, match=r"HTTP 400: too \?\[2Jlong"):
        ask(policy)
    assert len(completions(server)) == 1


def test_a_server_that_has_gone_is_not_tried_for_every_problem(server, monkeypatch):
    monkeypatch.setattr(client, "TRIES", 2)
    policy = served.ServedPolicy(server.address)
    server.misbehave = only_completions(lambda h, body, tries: h.hang_up())
    problems = iter([(i, f"question {i}", None) for i in range(1000)])
    with pytest.raises(ServerFault):
        list(rstar.search_each(problems, policy, None, Config(candidates=2), batch=4))
    assert len(list(problems)) >= 1000 - served.LOST - 4


@pytest.mark.slow
@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_key_or_model_that_is_refused_ends_the_run(status, server):
    policy = served.ServedPolicy(server.address)
    server.misbehave = only_completions(lambda h, body, tries: h.send(b"no", status))
    problems = [(i, f"question {i}", None) for i in range(50)]
    with pytest.raises(UserError) as caught:
        list(rstar.search_each(problems, policy, None, Config(candidates=2), batch=2))
    assert not isinstance(caught.value, ServerFault)


def test_the_line_of_a_verifier_that_fails_is_not_lost_among_those_that_it_stops(
    server, monkeypatch
):
    class Failing(Verifier):
        calls = 0

        def run_batch(self, codes):
            with server.lock:
                Failing.calls += 1
                first = Failing.calls == 1
            if first:
                time.sleep(0.3)
                raise VerifierError("no Python can be started")
            raise RuntimeError("runs are stopped")

    monkeypatch.setattr(served, "Verifier", Failing)
    policy = served.ServedPolicy(server.address)
    problems = [(i, f"question {i}", None) for i in range(8)]
    with pytest.raises(VerifierError, match="no Python"):
        list(rstar.search_each(problems, policy, None, Config(candidates=2)))


def test_a_failure_is_described_by_its_beginning_too(server):
    def misbehave(handler, body, tries):
        if len(completions(server)) == 1:
            return handler.send(dict(error="the engine has died"), 500)
        return handler.hang_up()

    policy = served.ServedPolicy(server.address)
    server.misbehave = only_completions(misbehave)
    with pytest.raises(ServerFault, match="HTTP 500.*has died.*at last: RemoteProtocolError"):
        ask(policy)


def test_the_key_is_sent_and_never_printed(server, monkeypatch, capsys):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    keys = []

    def misbehave(handler, body, tries):
        keys.append(handler.headers["Authorization"])
        if handler.path == "/v1/completions":
            return handler.send(dict(error="bad key " + "sk-secret " * 100), 401)

    server.misbehave = misbehave
    policy = served.ServedPolicy(server.address)
    with pytest.raises(ServerFault) as caught:
        ask(policy)
    assert set(keys) == {"Bearer sk-secret"}
    assert "OPENAI_API_KEY" in str(caught.value)
    assert "sk-secret" not in str(caught.value) + capsys.readouterr().err


def test_a_key_is_not_printed_where_a_long_line_is_cut(server, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "k" * 300)

    def misbehave(handler, body, tries):
        text = handler.headers["Authorization"].encode()
        return handler.hang_up() if len(completions(server)) > 1 else handler.send(text, 503)

    policy = served.ServedPolicy(server.address)
    server.misbehave = only_completions(misbehave)
    with pytest.raises(ServerFault) as caught:
        ask(policy)
    assert "HTTP 503" in str(caught.value) and "kkk" not in str(caught.value)


@pytest.mark.parametrize("key", ["sk-\nsecret", "sk-sécret", "sk secret"])
def test_a_key_that_no_header_can_hold_is_refused_without_being_printed(key, server, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with pytest.raises(UserError, match="OPENAI_API_KEY") as caught:
        served.ServedPolicy(server.address)
    assert "cret" not in str(caught.value)


def test_an_address_with_a_password_is_refused_without_being_printed():
    with pytest.raises(UserError) as caught:
        served.ServedPolicy("http://me:secret@127.0.0.1:1/v1")
    assert "secret" not in str(caught.value)


def test_where_no_server_listens_there_is_one_line(monkeypatch):
    monkeypatch.setattr(client, "TRIES", 2)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(UserError, match="ConnectError"):
            served.ServedPolicy(f"http://127.0.0.1:{free.getsockname()[1]}/v1")


@pytest.mark.parametrize("address", ["http://[::1", "http://h:port/v1", "http://"])
def test_what_is_no_address_is_named(address, monkeypatch):
    monkeypatch.setattr(client, "TRIES", 1)
    with pytest.raises(UserError, match="policy http://"):
        served.ServedPolicy(address)


# ---- What a server ignores -----------------------------------------------------------------------


def changed(server, change):
    """Every completion goes through `change(answer, body)` first."""

    def misbehave(handler, body, tries):
        answer = server.behave(handler.path, body)
        change(answer, body)
        return handler.send(answer)

    server.misbehave = only_completions(misbehave)


def test_where_n_is_ignored_the_rest_is_asked_for_with_other_seeds(server, capsys):
    changed(server, lambda answer, body: answer.update(choices=answer["choices"][:1]))
    (samples,) = ask(served.ServedPolicy(server.address), k=4)
    bodies = completions(server)
    assert [body["n"] for body in bodies] == [4, 3, 2, 1] and len(samples) == 4
    assert len({body["seed"] for body in bodies}) == 4
    assert capsys.readouterr().err.count("fewer candidates") == 1


def test_more_choices_than_asked_for_are_dropped(server):
    changed(server, lambda answer, body: answer.update(choices=3 * answer["choices"]))
    assert len(ask(served.ServedPolicy(server.address), k=2)[0]) == 2


def test_equal_candidates_are_reported_when_they_are_no_chance(server, capsys):
    def same(answer, body):
        for choice in answer["choices"]:
            choice["text"] = answer["choices"][0]["text"]

    policy = served.ServedPolicy(server.address)
    changed(server, same)
    ask(policy, client.STREAK - 1)
    assert capsys.readouterr().err == ""
    ask(policy, 2)
    assert capsys.readouterr().err.count("are equal") == 1


@pytest.mark.slow
def test_equal_candidates_are_no_fault_where_different_ones_came_before(server, capsys):
    def same_later(answer, body):
        if len(completions(server)) > 1:
            for choice in answer["choices"]:
                choice["text"] = answer["choices"][0]["text"]

    policy = served.ServedPolicy(server.address)
    changed(server, same_later)
    for _ in range(client.STREAK + 2):
        ask(policy)
    assert capsys.readouterr().err == ""


def test_single_candidates_are_not_compared(server, capsys):
    ask(served.ServedPolicy(server.address), client.STREAK + 2, k=1)
    assert capsys.readouterr().err == ""


def test_hidden_markers_are_reported(server, capsys):
    def hide(answer, body):
        for choice in answer["choices"]:
            choice.update(text="# a thought\n", stop_reason=None)

    changed(server, hide)
    ask(served.ServedPolicy(server.address), client.STREAK)
    assert capsys.readouterr().err.count("skip_special_tokens") == 1


def strip(answer, body, reason=True):
    """As servers do by default: the text ends before the stop string."""
    for choice in answer["choices"]:
        stop = choice["stop_reason"]
        if stop in body.get("stop", ()):
            choice["text"] = choice["text"].removesuffix(stop)
        else:
            choice["text"] += "n2 = 5\n"  # without a stop it goes on
        if not reason:
            del choice["stop_reason"]


def test_a_stripped_marker_is_put_back_where_the_server_names_it(server, healthy, capsys):
    changed(server, strip)
    assert ask(served.ServedPolicy(server.address), 32) == healthy[:32]
    assert capsys.readouterr().err.count("include_stop_str_in_output") == 1


def test_where_a_stripped_marker_is_not_named_texts_are_cut_here(server, healthy, capsys):
    changed(server, lambda answer, body: strip(answer, body, reason=False))
    assert ask(served.ServedPolicy(server.address), 32) == healthy[:32]
    assert capsys.readouterr().err.count("does not say which") == 1
    assert "stop" not in completions(server)[-1]


def test_the_end_of_a_model_is_no_stripped_marker(server):
    def end(answer, body):
        answer["choices"][0].update(text="I give up", stop_reason=None)

    changed(server, end)
    samples = ask(served.ServedPolicy(server.address), k=1)
    assert samples == [["I give up"]] and len(completions(server)) == 1


def test_where_stop_is_ignored_texts_are_cut_here(server, healthy, capsys):
    def run_on(answer, body):
        for choice in answer["choices"]:
            choice["text"] += f"n2 = 5\n{END_OF_STEP}"

    changed(server, run_on)
    assert ask(served.ServedPolicy(server.address), 32) == healthy[:32]
    assert capsys.readouterr().err.count("ignores `stop`") == 1


def test_an_empty_text_is_asked_for_once_more(server, healthy, capsys):
    def misbehave(handler, body, tries):
        if len(completions(server)) == 1:
            return handler.send(dict(choices=[dict(text=""), dict(text="")]))

    policy = served.ServedPolicy(server.address)
    server.misbehave = only_completions(misbehave)
    assert "" not in ask(policy)[0] and len(completions(server)) == 2
    assert capsys.readouterr().err.count("empty texts") == 1


def test_a_model_may_write_nothing(server):
    nothing = dict(choices=[dict(text=""), dict(text="")], usage=dict(completion_tokens=2))
    policy = served.ServedPolicy(server.address)
    server.misbehave = only_completions(lambda h, body, tries: h.send(nothing))
    assert ask(policy) == [["", ""]]


def test_a_seed_that_ends_in_500_is_left_out_and_reported(server, capsys):
    def misbehave(handler, body, tries):
        if "seed" in body:
            return handler.send(dict(error="CPU Generator does not use offset"), 500)
        return handler.send(server.behave(handler.path, dict(body, seed=0)))

    policy = served.ServedPolicy(server.address)
    server.misbehave = only_completions(misbehave)
    ask(policy)
    ask(policy)
    assert ["seed" in body for body in completions(server)] == [True, False, False]
    assert capsys.readouterr().err.count("`seed`, which is no longer sent") == 1


def test_a_500_that_has_nothing_to_do_with_the_seed_does_not_cost_it(server, capsys):
    def misbehave(handler, body, tries):
        if len(completions(server)) < 4:
            return handler.send(b"out of memory", 500)
        return handler.send(server.behave(handler.path, dict(seed=0) | body))

    policy = served.ServedPolicy(server.address)
    server.misbehave = only_completions(misbehave)
    ask(policy)
    ask(policy)
    assert "seed" in completions(server)[-1]
    assert "no longer sent" not in capsys.readouterr().err


def test_a_field_that_a_strict_server_refuses_is_left_out(server, capsys):
    def misbehave(handler, body, tries):
        for name in ("top_k", "min_p"):
            if name in body:
                return handler.send(dict(error=f"unknown argument: {name}"), 400)

    policy = served.ServedPolicy(server.address)
    server.misbehave = only_completions(misbehave)
    ask(policy)
    assert not {"top_k", "min_p"} & completions(server)[-1].keys()
    assert capsys.readouterr().err.count("no longer sent") == 2


def test_without_usage_the_tokens_of_the_texts_are_counted(server, capsys):
    changed(server, lambda answer, body: answer.pop("usage"))
    policy = served.ServedPolicy(server.address)
    (samples,) = ask(policy)
    assert policy.tokens == sum(policy.length(text) for text in samples)
    assert capsys.readouterr().err.count("`usage`") == 1


def test_half_a_character_does_not_reach_a_file(server):
    changed(server, lambda answer, body: answer["choices"][0].update(text="\ud83d" + END_OF_STEP))
    (samples,) = ask(served.ServedPolicy(server.address))
    assert samples[0] == "?" + END_OF_STEP


def test_greedy_samples_are_one_request_for_one(server):
    (samples,) = ask(served.ServedPolicy(server.address), k=3, temperature=0.0)
    assert len(samples) == 3 and len(set(samples)) == 1
    assert [body["n"] for body in completions(server)] == [1]


def test_a_text_is_given_no_more_tokens_than_the_model_can_read(server):
    policy = served.ServedPolicy(server.address)
    policy.longest = policy.length(policy.prompt("a?")) + 5
    policy([policy.prompt("a?")], 2, STEP, 64, 1.0, [0])
    assert completions(server)[0]["max_tokens"] == 5
    assert policy([policy.prompt("a long question?")], 2, STEP, 64, 1.0, [0]) == [["", ""]]
    assert len(completions(server)) == 1


# ---- Which model, and what is known of it --------------------------------------------------------


def test_with_several_models_the_names_are_listed(server):
    server.models = ["large", "tiny"]
    with pytest.raises(UserError, match="--model NAME.*: large, tiny"):
        served.ServedPolicy(server.address)
    with pytest.raises(UserError, match="no model huge; it has: large, tiny"):
        client.with_model(server.address, "huge", "policy")
    address = client.with_model(server.address, "large", "policy")
    assert served.ServedPolicy(address).server.model == "large"


def test_model_without_a_server_is_an_error(tmp_path, capsys):
    assert cli.main(["--example", "--model", "large"]) == 2
    assert "--model large" in capsys.readouterr().err


def test_a_prompt_of_ones_own_reaches_a_served_model_that_is_not_tuned(server):
    def misbehave(handler, body, tries):
        if handler.path == "/tokenize":
            return handler.send(b"<html>not here</html>", 404)

    server.misbehave = misbehave
    policy = served.ServedPolicy(server.address, own_prompt="Problem: {question}")
    assert policy.prompt("1 + 1?") == "Problem: 1 + 1?\n<code>\n"


@pytest.mark.parametrize("status", [404, 405, 403])
def test_without_tokenize_a_policy_counts_as_untuned_and_that_is_reported(status, server, capsys):
    def misbehave(handler, body, tries):
        if handler.path == "/tokenize":
            return handler.send(b"<html>not here</html>", status)

    server.misbehave = misbehave
    policy = served.ServedPolicy(server.address)
    assert not policy.tuned and stock.STOCK_PROMPT[:40] in policy.prompt("1 + 1?")
    assert capsys.readouterr().err.count("no /tokenize") == 1


def test_a_tokenize_route_of_another_kind_is_not_used(server):
    """llama.cpp's takes the text by another name, so that it finds none."""

    def misbehave(handler, body, tries):
        if handler.path == "/tokenize":
            return handler.send(dict(tokens=[]))

    server.misbehave = misbehave
    assert not served.ServedPolicy(server.address).tuned


def test_without_tokenize_the_tokenizer_of_the_folder_is_used(server, capsys):
    def misbehave(handler, body, tries):
        if handler.path == "/tokenize":
            return handler.send(b"", 404)

    server.misbehave = misbehave
    server.models = [str(ROOT / "tiny" / "policy")]
    policy = served.ServedPolicy(server.address)
    assert policy.tuned and policy.length(END_OF_STEP) == 1
    assert "tokenize" not in capsys.readouterr().err


def at_a_folder(server, folder, behave=True):
    """Makes the server's model that of a folder; its /tokenize answers as the folder's would."""
    tokenizer = AutoTokenizer.from_pretrained(folder)

    def misbehave(handler, body, tries):
        if handler.path == "/tokenize" and "prompt" in body and behave:
            return handler.send(dict(tokens=tokenizer.encode(body["prompt"])))
        if handler.path == "/v1/completions":
            text = f"```python\nprint(1)\n```\n{END_OF_CODE}"
            choice = dict(text=text, finish_reason="stop", stop_reason=END_OF_CODE)
            return handler.send(dict(choices=[choice] * body["n"]))
        if handler.path == "/classify":
            return handler.send(dict(data=[dict(index=0, probs=[0.5 - body["use_activation"]])]))

    server.misbehave = misbehave
    server.models = [str(folder)]
    return tokenizer


def test_a_server_on_this_machine_gets_the_tokens_of_the_training(server):
    tokenizer = at_a_folder(server, ROOT / "tiny" / "policy")
    policy = served.ServedPolicy(server.address)
    text = policy.prompt("Is <pad> 5?") + f"n1 = 5\n{END_OF_STEP}{rstar.BETWEEN}"
    policy([text], 2, STEP, 9, 1.0, [0])
    assert completions(server)[-1]["prompt"] == rstar.encode(text, tokenizer)
    assert tokenizer.pad_token_id not in completions(server)[-1]["prompt"]
    assert policy.length(text) == len(rstar.encode(text, tokenizer))


def test_a_ppm_on_this_machine_gets_the_tokens_of_the_training(server, monkeypatch):
    tokenizer = at_a_folder(server, ROOT / "tiny" / "ppm")
    monkeypatch.setattr(served.ServedPPM, "refuse_activation", lambda ppm: None)
    served.ServedPPM(server.address).score([("q", f"n1 = 5\n{END_OF_STEP}")])
    tokens = rstar.encode(rstar.format_prompt("q") + f"n1 = 5\n{END_OF_STEP}", tokenizer)
    assert server.requests[-1][1]["input"] == [tokens]


def test_a_folder_of_another_vocabulary_is_not_that_of_the_server(server):
    at_a_folder(server, ROOT / "tiny" / "policy", behave=False)
    policy = served.ServedPolicy(server.address)
    assert isinstance(policy.tokenizer, served.ServedTokenizer)


def test_habits_are_removed_from_stock_models_only(server):
    at_a_folder(server, ROOT / "tiny" / "policy")
    policy = served.ServedPolicy(server.address)
    assert policy(["text"], 2, STEP, 9, 1.0)[0][0].startswith("```")
    policy.tuned = False
    assert policy(["text"], 2, STEP, 9, 1.0) == [[f"print(1)\n{END_OF_CODE}"] * 2]
    assert policy.repaired == 2


def test_a_tokenize_that_only_fails_for_now_does_not_change_the_prompt(server, monkeypatch):
    monkeypatch.setattr(client, "TRIES", 2)

    def misbehave(handler, body, tries):
        if handler.path == "/tokenize":
            return handler.send(b"", 503)

    server.misbehave = misbehave
    with pytest.raises(ServerFault, match="HTTP 503"):
        served.ServedPolicy(server.address)


def test_what_the_server_would_put_in_front_of_a_text_is_in_the_prompt_once(server):
    def misbehave(handler, body, tries):
        if handler.path == "/tokenize" and body.get("add_special_tokens"):
            return handler.send(dict(tokens=[1, *map(ord, body["prompt"])]))
        if handler.path == "/detokenize":
            return handler.send(dict(prompt={1: "<s>"}[body["tokens"][0]]))

    server.misbehave = misbehave
    assert served.ServedPolicy(server.address).prompt("a?").count("<s>") == 1


def test_a_stock_chat_model_gets_its_template(server):
    def misbehave(handler, body, tries):
        if handler.path == "/tokenize":
            content = body["messages"][0]["content"] if "messages" in body else body["prompt"]
            return handler.send(dict(tokens=[ord(letter) for letter in content]))
        if handler.path == "/detokenize":
            text = "".join(map(chr, body["tokens"]))
            return handler.send(dict(prompt=f"<user>{text}<model>"))

    server.misbehave = misbehave
    prompt = served.ServedPolicy(server.address).prompt("What is 6 * 7?")
    assert prompt.startswith("<user>") and prompt.endswith("<model><code>\n")
    assert "What is 6 * 7?" in prompt


@pytest.mark.parametrize("name, count", [("policy", 1), ("other", 0)])
def test_weights_that_vllm_drops_are_reported(name, count, server, capsys):
    server.models = [str(ROOT / "tiny" / name)]
    served.ServedPolicy(server.address)
    assert capsys.readouterr().err.count("o_proj") == count


# ---- The PPM -------------------------------------------------------------------------------------


def test_a_score_is_the_tanh_of_the_raw_output(server):
    ppm = served.ServedPPM(server.address)
    paths = [("1 + 1?", "print(2)" + "\n" * i) for i in range(100)]
    raw = [len(rstar.format_prompt(q) + steps) % 7 - 3.5 for q, steps in paths]
    assert ppm.score(paths) == [served.math.tanh(value) for value in raw]
    assert ppm.score([]) == []


def test_a_ppm_that_went_through_a_sigmoid_is_refused(server):
    def misbehave(handler, body, tries):
        if handler.path == "/classify":
            return handler.send(server.behave(handler.path, dict(body, use_activation=True)))

    server.misbehave = misbehave
    with pytest.raises(UserError, match="use_activation"):
        served.ServedPPM(server.address)


@pytest.mark.parametrize("probs, words", [([1.0, 2.0], "2 outputs"), ([float("nan")], "NaN")])
def test_a_ppm_with_other_outputs_is_refused(probs, words, server):
    def misbehave(handler, body, tries):
        if handler.path == "/classify":
            rows = [dict(index=i, probs=probs) for i in range(len(body["input"]))]
            return handler.send(dict(data=rows))

    server.misbehave = misbehave
    with pytest.raises(UserError, match=words):
        served.ServedPPM(server.address)


def test_scores_that_come_in_another_order_are_put_in_order(server):
    ppm = served.ServedPPM(server.address)
    paths = [("a?", "x" * i) for i in range(5)]
    scores = ppm.score(paths)

    def misbehave(handler, body, tries):
        answer = server.behave(handler.path, body)
        return handler.send(dict(data=answer["data"][::-1]))

    server.misbehave = misbehave
    assert ppm.score(paths) == scores


def test_a_path_that_is_too_long_is_scored_by_its_beginning(server):
    ppm = served.ServedPPM(server.address)
    ppm.longest = 100
    ppm.score([("a?", "x" * 500)])
    sent = server.requests[-1][1]["input"]
    assert [len(tokens) for tokens in sent] == [100]


# ---- The command line ----------------------------------------------------------------------------


def run(server, tmp_path, *more):
    problems = tmp_path / "problems.jsonl"
    if not problems.exists():
        lines = [json.dumps(dict(question=f"question {i}", answer="1")) for i in range(8)]
        problems.write_text("\n".join(lines))
    flags = ["--problems", str(problems), "--trees", str(tmp_path / "trees.jsonl")]
    flags += ["--policy", server.address, "--rollouts", "2", "--candidates", "2", *more]
    return cli.main(flags)


@pytest.mark.slow
def test_a_rerun_takes_up_what_a_fault_has_left_even_at_another_address(server, tmp_path, capsys):
    def misbehave(handler, body, tries):
        if "question 3" in body["prompt"]:
            return handler.send(b"cannot", 400)

    server.misbehave = only_completions(misbehave)
    assert run(server, tmp_path) == 2
    captured = capsys.readouterr()
    assert "7 trees, 7 of them new" in captured.out
    assert "problem 3 (question 3)" in captured.err and "unfinished trees: 1" in captured.err
    with started() as moved:
        assert run(moved, tmp_path) == 0
    trees = common.read_tree_records(tmp_path / "trees.jsonl")
    assert sorted(tree["index"] for tree in trees) == list(range(8))
    assert {tree["settings"]["policy"] for tree in trees} == {"tiny"}


@pytest.mark.slow
def test_worker_processes_share_the_problems_of_a_server(server, tmp_path):
    assert run(server, tmp_path, "--workers", "2", "--batch", "2") == 0
    assert len(common.read_tree_records(tmp_path / "trees.jsonl")) == 8


@pytest.mark.slow
def test_evaluate_asks_a_server_too(server, tmp_path):
    import evaluate

    run(server, tmp_path)
    out = tmp_path / "results.json"
    flags = ["--problems", str(tmp_path / "problems.jsonl"), "--out", str(out), "--candidates", "2"]
    flags += ["--policy", server.address, "--ppm", server.address, "--rollouts", "2"]
    assert evaluate.main([*flags, "--methods", "tree,step-wise"]) == 0
    assert json.loads(out.read_text())["settings"]["ppm"] == "tiny"


@pytest.mark.slow
def test_ctrl_c_does_not_wait_for_a_server_that_stalls(server, tmp_path):
    asked = threading.Event()

    def misbehave(handler, body, tries):
        asked.set()
        time.sleep(60)

    server.misbehave = only_completions(misbehave)
    command = [sys.executable, "rstar.py", "--problem", "1 + 1?", "--policy", server.address]
    program = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    assert asked.wait(300)  # it imports torch first
    program.send_signal(signal.SIGINT)
    _, error = program.communicate(timeout=10)
    assert program.returncode == 130 and "Traceback" not in error, error


# ---- SERVE=vllm ./evolve.sh ----------------------------------------------------------------------

# Answers /health and, like vLLM, has a process of its own below it. Each writes its pid.
STAND_IN_FOR_VLLM = f"""#!{sys.executable}
import http.server, os, signal, subprocess, sys
flags = dict(zip(sys.argv, sys.argv[1:]))
assert "PYTHONPATH" not in os.environ and sys.argv[1] == "-m"
child = subprocess.Popen(["sleep", "600"])
def end(*_):
    child.kill()
    child.wait()
    os._exit(0)
signal.signal(signal.SIGTERM, end)
with open(os.path.join(os.environ["NOTES"], "servers"), "a") as file:
    file.write(f"{{flags['--model']}} {{flags['--port']}} {{os.getpid()}} {{child.pid}}\\n")
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(flags["--port"])), Handler).serve_forever()
"""


@pytest.fixture
def evolving(tmp_path):
    """The environment of a run with stand-ins for Python, that of test_evolve.py, and for vLLM."""
    program = tmp_path / "vllm"
    program.write_text(STAND_IN_FOR_VLLM)
    program.chmod(0o755)
    port = str(two_free_ports())
    return dict(test_evolve.settings(tmp_path), SERVE="vllm", VLLM=str(program), SERVE_PORT=port)


def two_free_ports():
    """The first of two neighbours."""
    # Below what the kernel gives to outgoing connections, which come and go.
    while True:
        port = random.randrange(20_000, 30_000)
        with contextlib.suppress(OSError), socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", port))
            other.bind(("127.0.0.1", port + 1))
            return port


def lines_of(environment, name):
    path = Path(environment["NOTES"]) / name
    return path.read_text().splitlines() if path.exists() else []


def alive(environment):
    pids = [int(pid) for line in lines_of(environment, "servers") for pid in line.split()[2:]]
    return [pid for pid in pids if runs(pid)]


def runs(pid):
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    # Where the tests run under no init, nobody waits for an orphan.
    return stat.rpartition(")")[2].split()[0] != "Z"


@pytest.mark.slow
def test_each_round_is_searched_by_servers_of_its_models_and_none_is_left(evolving):
    done = test_evolve.run(evolving)
    assert done.returncode == 0, done.stderr
    port = int(evolving["SERVE_PORT"])
    out = evolving["OUT"]
    served_models = [line.split()[:2] for line in lines_of(evolving, "servers")]
    pairs = [[f"{out}/policy-r{r}", f"{out}/ppm-r{r}"] for r in (1, 2, 3, 4)]
    expected = [["tiny/base", str(port)]]
    for policy, ppm in pairs:
        expected += [[policy, str(port)], [ppm, str(port + 1)]]
    assert sorted(served_models) == sorted(expected)
    searches = [line for line in lines_of(evolving, "calls") if "rstar.py" in line]
    assert f"--policy http://127.0.0.1:{port}/v1#tiny/base --ppm none" in searches[0]
    assert f"--ppm http://127.0.0.1:{port + 1}#{out}/ppm-r2" in searches[2]
    assert alive(evolving) == []


@pytest.mark.slow
def test_a_finished_run_starts_no_server_and_does_not_depend_on_serve(evolving):
    assert test_evolve.run(dict(evolving, SERVE="")).returncode == 0
    assert test_evolve.run(evolving).returncode == 0
    assert lines_of(evolving, "servers") == []


@pytest.mark.slow
def test_a_kill_leaves_no_server_behind(evolving):
    script, _ = test_evolve.start(evolving, HANGS="trees.r2.jsonl")
    assert len(alive(evolving)) == 4
    script.terminate()
    script.wait(30)
    assert alive(evolving) == []


@pytest.mark.slow
@pytest.mark.skipif(not test_evolve.CAN_TIE, reason="needs setpriv")
def test_even_kill_9_leaves_no_server_behind(evolving):
    script, _ = test_evolve.start(evolving, HANGS="trees.r2.jsonl")
    script.kill()
    script.wait(30)
    deadline = time.time() + 30
    while alive(evolving) and time.time() < deadline:
        time.sleep(0.1)
    assert alive(evolving) == []


@pytest.mark.slow
def test_a_server_that_does_not_start_is_one_line(evolving):
    done = test_evolve.run(evolving, VLLM="false")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith("server.policy.log")

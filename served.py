"""A policy and a PPM behind a server: vLLM, or another one with OpenAI's completions.

    python -m vllm.entrypoints.openai.api_server --model tiny/policy --port 8000
    python -m vllm.entrypoints.openai.api_server --model tiny/ppm --port 8001 --runner pooling
    python rstar.py --example --policy http://127.0.0.1:8000/v1 --ppm http://127.0.0.1:8001

`ServedPolicy` and `ServedPPM` have the methods of `rstar.Policy` and `rstar.PPM`. A server batches
by itself, so no tree waits for another: `search_each_apart` grows each in a thread of its own.

Servers ignore what they do not know, and say nothing. So every answer is checked; what it lacks is
made up for here, and reported once. Servers fail, too (client.py): then a tree is left unfinished,
and a rerun takes it up. Start reading at `ServedPolicy.complete`.

What differs from the models in process:
  1. A sample depends on what else the server computes in its batch, not on its seed alone.
  2. Where the model's folder is on this machine, its tokenizer gives the prompt and the tokens, as
     in process. Elsewhere /tokenize (vLLM, SGLang) tells whether the model was tuned on the format,
     and its chat template; a text is then sent whole, and control tokens of the model in a question
     act as such. Without either, the model gets the plain stock prompt, and lengths are estimated.
"""

import hashlib
import json
import math
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

from transformers import AutoTokenizer, PreTrainedTokenizerBase

import common
import rstar
import stock
from client import STREAK, Server, one_line, print_above
from common import ServerFault, UserError
from rstar import END_OF_CODE, END_OF_STEP, Node
from verifier import Verifier

LOST = 16  # trees lost in a row until no new ones are started; our choice


# --------------------------------------------------------------------------------------------------
# The vocabulary, which decides between the bare format and the stock prompt.


class ServedTokenizer:
    """What a prompt needs of a tokenizer, answered by vLLM's /tokenize and /detokenize."""

    def __init__(self, server: Server):
        self.server = server
        # What the server itself would put in front: our prompts hold it already, and tell it so.
        bare = self.encode("x")
        whole = self.encode("x", add_special_tokens=True)
        self.bos_token = self.decode(whole[: whole.index(bare[0])])
        try:
            self.chat_template = self.apply_chat_template([dict(role="user", content="x")])
        except ServerFault as error:
            if error.status != 400:
                raise
            self.chat_template = None

    def encode(self, text: str, add_special_tokens: bool = False) -> list[int]:
        return self.ask_tokens(prompt=text, add_special_tokens=add_special_tokens)

    def ask_tokens(self, **fields) -> list[int]:
        return self.server.post(
            "/tokenize", lambda answer: list(map(int, answer["tokens"])), **fields
        )

    def decode(self, tokens: list[int]) -> str:
        if not tokens:
            return ""
        return self.server.post("/detokenize", lambda answer: str(answer["prompt"]), tokens=tokens)

    def get_chat_template(self) -> str:
        return ""  # the server applies its own

    def apply_chat_template(self, messages: list[dict], **_) -> str:
        return self.decode(self.ask_tokens(messages=messages))


class UnknownTokenizer:
    """Where nothing is known: no marker is a token, and three characters are one (our choice)."""

    bos_token = None
    chat_template = None

    def encode(self, text: str, add_special_tokens: bool = False) -> list[int]:
        return [0] * math.ceil(len(text) / 3)


# The same tokens for this are the same vocabulary.
PROBE = rstar.PROMPT + "# Step 1: 1 + 2.5 apples\n" + END_OF_STEP + END_OF_CODE


def tokenizer_of(server: Server):
    """The tokenizer in the model's folder, the server's own, or an estimate."""
    served = None
    try:
        served = ServedTokenizer(server)
    except ServerFault as error:
        # A server that is down may well have the route, and a wrong prompt is worse than an error.
        if error.status in (0, 408, 429) or error.status >= 500:
            raise
    except (LookupError, ValueError):
        pass  # another route of the same name
    if (server.folder / "tokenizer_config.json").is_file():
        local = AutoTokenizer.from_pretrained(server.folder, trust_remote_code=False)
        # A folder of the same name may hold another model than that of a server elsewhere.
        if not served or served.encode(PROBE) == local.encode(PROBE, add_special_tokens=False):
            return local
    if not served:
        server.report(
            "it has no /tokenize as vLLM has: it counts as a model that was not tuned on the step "
            "format, and lengths are estimated"
        )
    return served or UnknownTokenizer()


def is_local(tokenizer) -> bool:
    return isinstance(tokenizer, PreTrainedTokenizerBase)


def bare_prompt(question: str, tokenizer) -> str:
    """The prompt in our format; `rstar.encode` puts the first token in front where it is used."""
    begin = "" if is_local(tokenizer) else tokenizer.bos_token or ""
    return begin + rstar.format_prompt(question)


def report_dropped_weights(server: Server) -> None:
    """Prints a line where vLLM computes another model than the one in the folder.

    vLLM drops each bias that it has no place for, such as that of Qwen3's o_proj, which the bundled
    models have. The raw scores of tiny/ppm are off by 0.02 for it (up to 0.04), else by 1e-6.
    """
    from safetensors import safe_open

    for file in server.folder.glob("*.safetensors"):
        with safe_open(file, "pt") as tensors:
            biases = [name for name in tensors.keys() if name.endswith("o_proj.bias")]
            if any(tensors.get_tensor(name).any() for name in biases):
                server.report("its model has a bias in o_proj, which vLLM drops if it is a Qwen3")


# --------------------------------------------------------------------------------------------------
# The two models.


class ServedPolicy:
    """As `rstar.Policy`: the prompt of a question, and `k` continuations of each text."""

    # Without the first four, a server would add settings of the checkpoint's own and a second BOS.
    OPTIONAL = dict(top_k=-1, min_p=0.0, repetition_penalty=1.0, add_special_tokens=False)
    OPTIONAL |= dict(seed=0, include_stop_str_in_output=True, skip_special_tokens=False)

    def __init__(self, address: str, in_flight: int = 256, own_prompt: str = ""):
        self.server = Server(address, "policy", in_flight)
        self.path = address
        self.own_prompt = own_prompt
        self.tokens = 0
        self.repaired = 0
        self.longest = self.server.longest
        self.tokenizer = tokenizer_of(self.server)
        markers = [
            self.tokenizer.encode(marker, add_special_tokens=False) for marker in rstar.WRITTEN
        ]
        # Three different ones: a vocabulary may have one token for all that is unknown.
        self.tuned = len({tokens[0] for tokens in markers if len(tokens) == 1}) == len(markers)
        # Each takes a request or two, and a search asks the same again and again.
        self.prompt = lru_cache(1 << 16)(self.prompt)
        self.length = lru_cache(1 << 16)(self.length)
        report_dropped_weights(self.server)

    def prompt(self, question: str) -> str:
        """The text before the first step."""
        if self.tuned:
            return bare_prompt(question, self.tokenizer)
        question = rstar.without_markers(question)
        if is_local(self.tokenizer):
            question = rstar.broken_up(question, rstar.special_tokens(self.tokenizer))
        return stock.format_stock_prompt(question, self.tokenizer, self.own_prompt)

    def length(self, text: str) -> int:
        """The number of tokens of a text."""
        if self.tuned and is_local(self.tokenizer):
            return sum(len(tokens) for _, tokens in rstar.encode_pieces(text, self.tokenizer))
        return len(self.tokenizer.encode(text, add_special_tokens=False))

    def search_each(self, *problems, **settings) -> Iterator[tuple[int, Node]]:
        """`rstar.search_each` hands over to this, since the trees need not wait for each other."""
        return search_each_apart(self, *problems, **settings)

    def __call__(
        self,
        texts: list[str],
        k: int,
        stops: tuple[str, ...],
        limit: int,
        temperature: float = 0.0,
        seeds: list[int] | None = None,
    ) -> list[list[str]]:
        """`k` continuations of each text, as `rstar.Policy` gives them; raises ServerFault."""
        jobs = list(zip(texts, seeds or [0] * len(texts)))
        samples = in_threads(lambda job: self.complete(*job, k, stops, limit, temperature), jobs)
        if not self.tuned and END_OF_CODE in stops:
            samples, count = rstar.repair(samples)
            with self.server.lock:
                self.repaired += count
        return samples

    def complete(self, text: str, seed: int, k: int, stops, limit, temperature) -> list[str]:
        """`k` continuations of one text; asks again for what an answer lacks."""
        # A token is a byte or more, so most texts need not be counted.
        if len(text.encode()) + limit > self.longest:
            limit = min(limit, self.longest - self.length(text))
        if limit <= 0:
            return [""] * k
        # vLLM refuses several greedy samples of a text.
        if not temperature:
            return self.sample(text, f"{seed}", 1, stops, limit, 0.0)[:1] * k
        samples = []
        asked = 0
        while len(samples) < k:
            # The same seed again would give the same samples again.
            more = self.sample(text, f"{seed} {asked}", k - len(samples), stops, limit, temperature)
            asked += 1
            # A model may write nothing, but a server that gives nothing has mostly a fault.
            if asked == 1 and not any(more):
                self.server.report("it gives empty texts; each request for one is made twice")
                continue
            samples += more
            if len(samples) < k:
                self.server.report("it gives fewer candidates than `n`; it is asked for the rest")
        self.look_for_oddities(samples, stops)
        return samples

    def look_for_oddities(self, samples: list[str], stops) -> None:
        """Reports what is ordinary in one request and a fault in many."""
        if len(samples) > 1:
            self.server.watch(
                len(set(samples)) == 1,
                f"in {STREAK} requests all candidates are equal: it may ignore `temperature`",
            )
        self.server.watch(
            not any(sample.endswith(stops) for sample in samples),
            f"no candidate ends at a marker, in {STREAK} requests: the model does not know the "
            "format, or the server hides special tokens (`skip_special_tokens`)",
        )

    def sample(self, text: str, seed: str, n: int, stops, limit, temperature) -> list[str]:
        """At most `n` continuations, each cut behind its first stop: one request."""
        # vLLM counts up from the seed for its n samples, so no two requests may have neighbours.
        # 31 bits, since servers differ in what they take.
        digest = hashlib.sha256(f"{seed} {text}".encode()).digest()
        seed_of_request = int.from_bytes(digest[:4], "big") >> 1
        # A tuned model's markers are special tokens; those of a stock model's chat are not for us.
        optional = dict(self.OPTIONAL, seed=seed_of_request, skip_special_tokens=not self.tuned)
        prompt = text
        # The tokens that the model was trained on: the server would encode the text as a whole.
        if self.tuned and is_local(self.tokenizer):
            prompt = rstar.encode(text, self.tokenizer)
        fields = dict(prompt=prompt, n=n, max_tokens=limit, temperature=temperature, top_p=1.0)
        while True:
            # Noted here: another thread may find out meanwhile that it must not be sent.
            named = "stop" not in self.server.left_out
            fields["stop"] = list(stops)
            choices, tokens = self.server.post(
                "/v1/completions", read_choices, tuple(optional), **fields, **optional
            )
            texts = [self.cut(choice, stops, named) for choice in choices[:n]]
            if tokens is None:
                self.server.report("it gives no `usage`: tokens are counted from the texts")
                tokens = sum(self.length(choice["text"]) for choice in choices)
            with self.server.lock:
                self.tokens += tokens
            if None not in texts:
                return texts
            # A guess could turn an unfinished step into a finished one, or a step into an answer.
            self.server.leave_out(
                {"stop"},
                "it strips markers and does not say which; so texts are cut here, and it gets no",
            )

    def cut(self, choice: dict, stops, named: bool) -> str | None:
        """The text of a choice up to its first stop; None if it had one that cannot be known.

        named   whether the request named the stops
        """
        text = choice["text"]
        cuts = [text.index(stop) + len(stop) for stop in stops if stop in text]
        if cuts:
            if named and min(cuts) < len(text):
                self.server.report("it ignores `stop`: texts are cut here")
            return text[: min(cuts)]
        if choice.get("stop_reason") in stops:
            self.server.report("it ignores `include_stop_str_in_output`: markers are put back")
            return text + choice["stop_reason"]
        # A stop, or the end token of the model: vLLM says which by a reason of null.
        if named and choice.get("finish_reason") == "stop" and "stop_reason" not in choice:
            return None
        return text


def read_choices(answer: dict) -> tuple[list[dict], int | None]:
    """(choices in their order, tokens of all of them or None); raises if the answer is damaged."""
    choices = sorted(answer["choices"], key=lambda choice: choice.get("index", 0))
    if not choices:
        raise ValueError
    for choice in choices:
        # Half a character (\ud83d alone) is valid JSON, and no file takes it.
        choice["text"] = choice["text"].encode("utf-8", "replace").decode()
    tokens = (answer.get("usage") or {}).get("completion_tokens")
    return choices, tokens if isinstance(tokens, int) else None


class ServedPPM:
    """As `rstar.PPM`: the raw output of the model's head by vLLM's /classify, then our tanh."""

    ROWS = 32  # texts in a request; our choice: more than a leaf has

    def __init__(self, address: str, in_flight: int = 256):
        self.server = Server(address, "PPM", in_flight)
        self.path = address
        self.longest = self.server.longest
        self.tokenizer = tokenizer_of(self.server)
        # A server does not pass this on: only the file has it, if it is on this machine.
        self.unsure_below = None
        settings = self.server.folder / "config.json"
        if settings.is_file():
            self.unsure_below = json.loads(common.read_text(settings)).get("unsure_below")
        self.refuse_activation()
        report_dropped_weights(self.server)

    def score(self, paths: list[tuple[str, str]]) -> list[float]:
        """Scores in [-1, 1] of paths, each given as (question, text of the steps)."""
        texts = [bare_prompt(question, self.tokenizer) + steps for question, steps in paths]
        batches = [texts[i : i + self.ROWS] for i in range(0, len(texts), self.ROWS)]
        return [math.tanh(raw) for batch in in_threads(self.classify, batches) for raw in batch]

    def classify(self, texts: list[str], use_activation: bool = False) -> list[float]:
        """The raw output of the head for each text, or by default of vLLM the sigmoid of it."""
        inputs = texts
        # A path that is too long is scored by its beginning, as in process; vLLM would refuse it.
        if is_local(self.tokenizer):
            inputs = [rstar.encode(text, self.tokenizer)[: self.longest] for text in texts]
        elif max(len(text.encode()) for text in texts) > self.longest:
            inputs = [self.tokenizer.encode(text, add_special_tokens=False) for text in texts]
            inputs = [tokens[: self.longest] for tokens in inputs]
        rows = self.server.post(
            "/classify",
            lambda answer: read_rows(answer, len(texts)),
            input=inputs,
            use_activation=use_activation,
            add_special_tokens=False,
        )
        if any(len(row) != 1 for row in rows):
            raise UserError(f"{self.server.title}: it has {len(rows[0])} outputs; a PPM has one")
        # tanh would turn infinity into a perfect score.
        if not all(math.isfinite(row[0]) for row in rows):
            raise UserError(f"{self.server.title}: {common.NOT_FINITE}")
        return [row[0] for row in rows]

    def refuse_activation(self) -> None:
        """Raises UserError if the server applies a sigmoid although it was told not to."""
        # Two texts: there is one raw value that equals its own sigmoid.
        texts = [rstar.format_prompt("1 + 1"), rstar.format_prompt("1 + 1") + END_OF_CODE]
        raw = self.classify(texts)
        if raw == self.classify(texts, use_activation=True) and all(0 <= x <= 1 for x in raw):
            raise UserError(
                f"{self.server.title}: it ignores `use_activation`, so its scores may have gone "
                "through a sigmoid; use a newer vLLM"
            )


def read_rows(answer: dict, count: int) -> list[list[float]]:
    """The outputs for each of `count` texts, in their order; raises if the answer is damaged."""
    rows = sorted(answer["data"], key=lambda row: row["index"])
    if [row["index"] for row in rows] != list(range(count)):
        raise ValueError
    return [[float(value) for value in row["probs"]] for row in rows]


# --------------------------------------------------------------------------------------------------
# Threads.


def search_each_apart(
    policy,
    problems: Iterable[tuple[int, str, str | None]],
    ppm,
    config: rstar.Config,
    *,
    rule: Callable,
    value: Callable,
    batch: int,
    bar=None,
) -> Iterator[tuple[int, Node]]:
    """As `rstar.search_each`, but each of the `batch` live trees advances on its own.

    A tree that a fault has stopped is named on stderr, and the others go on. Raises ServerFault at
    the end if there was one; UserError at once if the server refuses key, model or route.
    """
    problems = iter(problems)
    done = queue.SimpleQueue()
    advancing = threading.Lock()
    live = lost = lost_in_a_row = 0
    with Verifier(timeout=config.timeout) as verifier:

        def finish(problem) -> Node:
            root = Node(problem[1], reference=problem[2])
            rollouts = rstar.grow(root, config, rule, value, bar)
            while True:
                # Neither the bar nor a rule of your own has to be safe to use from many threads.
                with advancing:
                    leaf = next(rollouts, None)
                if leaf is None:
                    return root
                rstar.expand([leaf], policy, ppm, verifier, config)

        while True:
            # In this thread alone, since a worker process asks for each problem through its pipe.
            while live < batch and lost_in_a_row < LOST and (problem := next(problems, None)):
                start(finish, problem, done)
                live += 1
            if not live:
                break
            (index, question, _), root, error = done.get()
            live -= 1
            if error is None:
                lost_in_a_row = 0
                yield index, root
                continue
            # A verifier that fails stops the runs of all trees, and its own error follows theirs.
            if str(error) == "runs are stopped":
                continue
            if not isinstance(error, ServerFault):
                raise error
            if error.status in (401, 403, 404, 405):
                raise UserError(str(error))
            lost += 1
            lost_in_a_row += 1
            print_above(f"problem {index} ({one_line(question, 40)}) is unfinished: {error}")
    if lost:
        raise ServerFault(f"{policy.path} has failed; unfinished searches: {lost} (see above)")


def in_threads(work: Callable, items: list) -> list:
    """[work(item) for item in items], all at the same time."""
    if len(items) == 1:
        return [work(items[0])]
    done = queue.SimpleQueue()
    for number, item in enumerate(items):
        start(lambda pair: work(pair[1]), (number, item), done)
    results = {}
    for _ in items:
        (number, _), result, error = done.get()
        if error:
            raise error
        results[number] = result
    return [results[number] for number in range(len(items))]


def start(work: Callable, item, done: queue.SimpleQueue) -> None:
    """Works on an item in a thread, which puts (item, result, exception) into `done`."""

    def run():
        try:
            done.put((item, work(item), None))
        except Exception as error:  # raised by whoever takes it out
            done.put((item, None, error))

    # A ThreadPoolExecutor's threads would have to end first after Ctrl-C, and a server may stall.
    threading.Thread(target=run, daemon=True).start()

"""rStar-Math (arXiv 2501.04519) in one module: a policy and a preference model search together.

A small language model, the *policy*, solves a problem step by step. A step is a thought (a Python
comment) and the code for it. Monte Carlo Tree Search samples several candidates for the next step
and runs each with the code of all steps before it; a candidate that raises never becomes a valid
node. A second model, the *process preference model* (PPM), reads a path and scores it in [-1, 1].

One *rollout* starts at the root and selects children by UCT. It expands each leaf that it meets and
goes on until a trajectory ends; there is no random play-out. Then it backs the value up. Over many
rollouts the Q of a step shows whether the step tends to lead to right answers. Such trees are the
training data of the next round: per problem the right trajectories with the highest mean Q, over
all rounds so far, tune the policy, each round from the base again; pairs of good and bad steps, and
of right and wrong trajectories, train the PPM, which starts from that policy. Round 1 is searched
by a bootstrap policy alone. The first PPM is trained on round 1's trees; rounds 3 and 4 search with
the PPM of the round before.

In the paper                                                    in this code
    code-augmented step, output, answer   section 3.2, figure 2   `PROMPT`, `OUTPUT`, `code_of`
    UCT = Q + c sqrt(ln N_parent / N)     equation 1              `uct`, used in `select`
    q^k = q^(k-1) + q(s_d)^k              equation 2              `back_up`
    q^0 = PPM(x + s_1 + ... + s_i)        equation 3              `score`
    q(s_d): +1 or -1 where there is a     section 3.2             `value_of`
      reference (training), else the PPM
    r = tanh(linear(hidden))              section 3.3             `PPM.score`
    Bradley-Terry on pairs                equation 4              train_ppm.py, `loss_of`
    top 2 trajectories by mean Q          section 3.4             train_policy.py,
                                                                  `select_trajectories`

Where we deviate from the paper or the authors' code, or decide where the paper is silent:
  1. An unvisited child has an infinite UCT, so each candidate is tried once before any is tried
     twice; ties go to the first sampled. (The authors' code gives it 0.)
  2. A new node starts at N = 1, with the PPM's estimate as its first value (as in the authors'
     code). It starts at N = 0 in two cases: without a PPM, and where it is an answer that a
     reference judges (as in the authors' code). Such an answer has an infinite UCT, so it is tried
     before the steps beside it. N_parent is the parent's own N: below a new step the logarithm is
     0, and the first choice goes by Q alone.
  3. Siblings with the same code (lines of comment aside) become one node, since they have the same
     result. How many samples it stands for is kept in `copies`.
  4. A candidate that raises, prints nothing or prints more than an answer stays in the tree with
     its error and is never selected. A step without a valid candidate, or at the greatest depth, is
     a *dead end*: its value is -1, for its ancestors too. (In the authors' code only the failed
     leaf gets -1. If ancestors did not get it, more than a quarter of the PPM's step groups would
     be lost: 120 instead of 168 from 300 problems.)
  5. Each trajectory and each dead end is backed up once. Then it is *closed*, and so is a step
     whose valid children are all closed and that may not be expanded again. So N(s) counts the
     distinct trajectories and dead ends below s, and 1 for the PPM's estimate; Q(s) is their mean.
     If the best trajectory could be visited again, Q would drift from the mean to it. A search ends
     when its root is closed. (The paper does not say. The authors never select a terminal child.)
  6. A step that has valid children, below which there are only dead ends, is expanded again, up to
     `expansions` times in all. (Paper: once, and so does evolve.sh for training data.) A step whose
     candidates all raised is not: the mistake is mostly one step earlier. A tree that is closed
     early is not widened; `searches` grows fresh ones (measured: LOG.md, 2026-11-29).
  7. A rollout backs up the one trajectory that it ends with, as in equation 2. (The authors' code
     backs up all answers of an expansion at once. On 300 problems both gave the same pairs.)
  8. The step that prints, its output and the sentence that states the answer are one node; the
     sentence is written greedily. Sampling it would gain nothing, since it copies the output.
  9. `tanh` is part of the PPM in training and in use. (The authors apply it in the search only.)
 10. Without a reference and without a PPM the value of a trajectory is the share of the tree's
     sampled answers that agree with it, scaled to [-1, 1].
 11. `stop` ends a search at the first answer that the PPM scores that high. (Paper: never.)
 12. Each candidate is sampled from its own seed, derived from the run's seed, the path and the
     sample's number, so a tree does not depend on the trees beside it. PPM scores still differ in
     the seventh digit with the batch, and below float32 precision texts may differ too.
 13. The answer of several trees is the one with the highest PPM score, as in the paper. (The
     authors' script votes among the four best.)
The trainers list their own deviations at their heads.

Start reading at `rollout`. It yields each step to be expanded to `search_each`, which expands those
of many trees at once; everything else that it calls follows below it, in the order of the calls.
"""

import os
import sys

# Our own folder, which `python -P` leaves out; and a line for Ctrl-C while the rest is imported.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import startup  # noqa: F401  # isort: skip

import dataclasses
import functools
import hashlib
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Protocol

import torch
from transformers import GenerationConfig, StopStringCriteria
from transformers.cache_utils import LinearAttentionCacheLayerMixin

import common
import stock
from answers import answers_equal, extract_answer
from common import UserError, setting
from prefixes import Prefixes
from verifier import Verifier


@dataclass(frozen=True)
class Config:
    """The numbers of the method; each says whether it is the paper's or our choice."""

    rollouts: int = setting(16, "rollouts per tree (paper: 8 in round 1, then 16)", 1, 10**6)
    candidates: int = setting(
        8, "candidates sampled at a leaf (paper: 5 in round 1, then 8, 16 in round 4)", 1, 10**6
    )
    expansions: int = setting(
        3, "times that a step is expanded while only dead ends lie below it (paper: 1)", 1, 10**6
    )
    depth: int = setting(16, "greatest number of steps (paper)", 1, 10**6)
    c: float = setting(2.0, "weight of exploration in UCT (paper)", 0, 10**6)
    temperature: float = setting(
        0.7,
        "sampling temperature, 0 is greedy (our choice: what such models are mostly sampled at, "
        "and on dev problems of the tiny world; evolve.sh makes training data with 1)",
        0,
        100,
        tiny=0.4,
    )
    searches: int = setting(
        1, "trees per problem, the answer being chosen among all (paper: up to 64)", 1, 10**6
    )
    stop: float | None = setting(
        None, "end a search at an answer with this PPM score, -1 to 1 (paper: never)", -1, 1
    )
    step_tokens: int = setting(
        512, "greatest length of a step in tokens (our choice)", 1, 10**6, tiny=256
    )
    timeout: float = setting(
        5.0, "seconds that the code of a path may run (our choice)", 0.01, 86400
    )
    seed: int = setting(0, "seed of all sampling (our choice)", 0, 2**63)

    def __post_init__(self):
        common.check(self)
        # Logits divided by less than this overflow to infinity.
        if 0 < self.temperature < 0.01:
            raise UserError(f"--temperature must be 0 or at least 0.01, not {self.temperature}")


# --------------------------------------------------------------------------------------------------
# The step format, as the authors' released data has it. A trajectory is
#     PROMPT(question)  step <end_of_step>  step <end_of_step>  ...  printing step <end_of_code>
#     OUTPUT(what was printed)  The answer is \boxed{...}.<end_of_answer>
# The policy writes the steps and the answer; the verifier writes the output.

END_OF_STEP = "<end_of_step>"
END_OF_CODE = "<end_of_code>"
END_OF_ANSWER = "<end_of_answer>"
MARKERS = ["<|user|>", "<|assistant|>", "<code>", END_OF_STEP, END_OF_CODE]
MARKERS += ["<output>", "<end_of_output>", "<answer>", END_OF_ANSWER]
WRITTEN = (END_OF_STEP, END_OF_CODE, END_OF_ANSWER)  # by the policy; it reads the others
PROMPT = (
    "<|user|>:\n{question}\n"
    "<|assistant|>: Let's think step by step and solve the problem with code.<code>\n"
)
BETWEEN = "\n\n"  # between two steps
OUTPUT = "\n<output>{output}<end_of_output>\n<answer>"


def format_prompt(question: str) -> str:
    """The prompt of a tuned policy and of the PPM."""
    return PROMPT.format(question=without_markers(question))


def without_markers(question: str) -> str:
    """Breaks up every marker inside a question: it must not act as one."""
    return broken_up(question, MARKERS).strip()


def broken_up(text: str, tokens: Iterable[str]) -> str:
    """Puts a space into each of these tokens, so that the tokenizer reads them as plain text."""
    for token in tokens:
        text = text.replace(token, token[0] + " " + token[1:])
    return text


@functools.cache
def special_tokens(tokenizer) -> list[str]:
    """What a model's tokenizer takes for control tokens, apart from our markers."""
    special = {token.content for token in tokenizer.added_tokens_decoder.values() if token.special}
    special.update(tokenizer.all_special_tokens)
    # The longest first, since one may hold another. A pad token may be as short as "!", which is
    # plain text wherever it stands.
    special = [token for token in special - set(MARKERS) if len(token) > 2]
    return sorted(special, key=len, reverse=True)


# Where the search continues or scores a text, and behind <end_of_code>, where the policy stops and
# the verifier writes the output.
SEAMS = re.compile(
    rf"(?<=<code>\n)|(?<={END_OF_STEP})|(?<={END_OF_STEP}\n\n)|(?<={END_OF_CODE})|(?<=<answer>)"
)


def encode(text: str, tokenizer) -> list[int]:
    """The tokens of a text in our format, for a tuned model: the same in training and in search."""
    tokens = begin(tokenizer)
    for _, piece in encode_pieces(text, tokenizer):
        tokens += piece
    return tokens


def begin(tokenizer) -> list[int]:
    """The token that a text begins with, if a model has one."""
    return [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]


def encode_pieces(text: str, tokenizer) -> list[tuple[str, list[int]]]:
    """The pieces of a text, each with its tokens.

    A text is cut wherever the search may continue one, and each piece is encoded by itself.
    Otherwise a blank line and the "#" behind it would become other tokens in training than the
    blank line at the end of a path in search: with GPT-2's vocabulary a step of a tuned policy cost
    170 nats there, 26 as trained.
    """
    # Nothing that a question or a step says may act as a control token.
    pieces = SEAMS.split(broken_up(text, special_tokens(tokenizer)))
    pieces = [piece for piece in pieces if piece]
    # A tokenizer fails on an empty list.
    tokens = tokenizer(pieces, add_special_tokens=False)["input_ids"] if pieces else []
    return list(zip(pieces, tokens))


def code_of(path: str) -> str:
    """The Python code of a path: its steps without their markers."""
    return path.split(END_OF_CODE)[0].replace(END_OF_STEP, "")


def in_each_piece(change: Callable[[str], str], text: str) -> str:
    """Changes the code of each step of a text; its markers stay where they are."""
    pieces = re.split(f"({END_OF_STEP}|{END_OF_CODE})", text)
    return "".join(piece if piece in MARKERS else change(piece) for piece in pieces)


def lines_of_code(path: str) -> list[str]:
    """The lines of a path's code without blank lines and comments.

    Where these are the same, so is the result (unless a string inside the code holds such lines).
    """
    lines = code_of(path).splitlines()
    return [line for line in lines if line.strip() and not line.strip().startswith("#")]


# --------------------------------------------------------------------------------------------------
# The two models. B prompts, k samples of each, T tokens, V entries of the vocabulary.


class ProposesSteps(Protocol):
    """What the search asks of a policy."""

    tokens: int  # generated so far; the search itself does not read it

    def prompt(self, question: str) -> str: ...
    def __call__(
        self,
        texts: list[str],
        k: int,
        stops: tuple[str, ...],
        limit: int,
        temperature: float,
        seeds: list[int],
    ) -> list[list[str]]: ...


class ScoresPaths(Protocol):
    """What the search asks of a PPM."""

    def score(self, paths: list[tuple[str, str]]) -> list[float]: ...


def repair(samples: list[list[str]]) -> tuple[list[list[str]], int]:
    """Candidates of a model that was not tuned, without its habits; and how many had changed."""
    repaired = [[in_each_piece(stock.repair, text) for text in texts] for texts in samples]
    pairs = zip(chain.from_iterable(samples), chain.from_iterable(repaired))
    return repaired, sum(before != after for before, after in pairs)


class Policy:
    """The language model that proposes steps: `Policy(path)(texts, k, ...)`.

    path        a local folder, a hub id or a .gguf file
    rows        sequences in one call of the model
    own_prompt  what a model that was not tuned reads, instead of stock_prompt.txt
    tuned       whether the markers that it has to write are tokens of its vocabulary. Such a model
                gets the bare format and stops at tokens; any other one is told the format with two
                examples and stops at the marker strings.
    tokens      how many tokens it has generated so far, stop markers included
    repaired    from how many candidates fences or prose were removed, if it was not tuned
    longest     how many tokens it can read
    """

    def __init__(
        self,
        path,
        device: str = "auto",
        dtype: str = "auto",
        rows: int | str = "auto",
        own_prompt: str = "",
    ):
        endings = ("CausalLM", "LMHeadModel")
        self.model, self.tokenizer = common.load(
            path, "policy", "AutoModelForCausalLM", endings, device, dtype
        )
        self.path = str(path)
        self.asked_rows = rows
        self.own_prompt = own_prompt
        self.tokens = 0
        self.repaired = 0
        self.longest = common.context_length(self.model)
        # A model tuned by train_policy.py has each marker as one token. Any other one would spell
        # a marker in several, so it has to be told the format and watched for strings.
        vocabulary = self.tokenizer.get_vocab()
        self.tuned = all(marker in vocabulary for marker in WRITTEN)
        self.criteria = {}  # built once for each tuple of stops: seconds with a large vocabulary
        self.end_tokens = self.take_end_tokens()
        self.prefixes = Prefixes(self.model)
        # A row splits where samples differ; a recurrent state has no call for it.
        layers = self.prefixes.empty_cache().layers
        if any(isinstance(layer, LinearAttentionCacheLayerMixin) for layer in layers):
            raise UserError(
                f"policy {path}: some of its layers keep a state that cannot be repeated for "
                "several candidates; give a model with attention in every layer"
            )

    def take_end_tokens(self) -> set[int]:
        """The end tokens of the checkpoint; the rest of its generation settings is dropped."""
        # Sampling is ours alone: a repetition penalty or top_k of the checkpoint would change it.
        stored = [
            self.model.generation_config.eos_token_id,
            self.model.config.get_text_config().eos_token_id,
            self.tokenizer.eos_token_id,
        ]
        self.model.generation_config = GenerationConfig()
        # A checkpoint may name one end token or several, and in three places; each of them counts.
        tokens = []
        for value in stored:
            tokens += value if isinstance(value, list) else [value]
        # Generation would end in an index error of torch's, after the first prompt.
        size = len(self.model.get_input_embeddings().weight)
        for token in tokens:
            if token is not None and not (type(token) is int and 0 <= token < size):
                raise UserError(
                    f"policy {self.path}: its generation_config.json or config.json names an end "
                    f"token ({token!r}) outside its vocabulary of {size}"
                )
        return {token for token in tokens if token is not None}

    def prompt(self, question: str) -> str:
        """The text before the first step."""
        if self.tuned:
            return format_prompt(question)
        question = broken_up(without_markers(question), special_tokens(self.tokenizer))
        return stock.format_stock_prompt(question, self.tokenizer, self.own_prompt)

    def encode(self, text: str) -> list[int]:
        """The tokens of a prompt and what follows it."""
        if self.tuned:
            return encode(text, self.tokenizer)
        return self.tokenizer.encode(text, add_special_tokens=False)

    def length(self, text: str) -> int:
        """The number of tokens of a text, which may also be a part of one."""
        return len(self.encode(text)) - len(begin(self.tokenizer) if self.tuned else [])

    @functools.cached_property
    def rows(self) -> int:
        """Sequences in one call. Found when needed: the PPM is then in the GPU's memory too."""
        return common.pick_rows(self.model, self.asked_rows)

    def __call__(
        self,
        texts: list[str],
        k: int,
        stops: tuple[str, ...],
        limit: int,
        temperature: float = 0.0,
        seeds: list[int] | None = None,
    ) -> list[list[str]]:
        """`k` continuations of each text: a list of k strings per text.

        stops        strings; a continuation ends behind the first of them
        limit        its greatest length in tokens
        temperature  0 is greedy
        seeds        one int per text; the same text and seed give the same samples in any batch
        """
        seeds = seeds or [0] * len(texts)
        prompts = [self.encode(text) for text in texts]
        limits = [min(limit, self.longest - len(prompt)) for prompt in prompts]
        # Texts with about as much left to read share a batch, since the rest would be padding. A
        # text that is longer than the model can read gets empty continuations.
        order = [i for i in range(len(texts)) if limits[i] > 0]
        order.sort(key=lambda i: self.prefixes.unread(prompts[i]))
        samples = [[""] * k for _ in texts]

        def sample(batch):
            inputs = [(texts[i], prompts[i], limits[i], seeds[i]) for i in batch]
            continuations, tokens = self.generate(*zip(*inputs), k, stops, temperature)
            # Only now, since a batch that memory runs out for is done again.
            self.tokens += tokens
            for i, strings in zip(batch, continuations):
                samples[i] = strings

        common.in_batches(self, order, k, sample)
        if not self.tuned and END_OF_CODE in stops:
            samples, count = repair(samples)
            self.repaired += count
        return samples

    @torch.inference_mode()
    def generate(self, texts, prompts, limits, seeds, k, stops, temperature):
        """One batch: its continuations, and how many tokens they have.

        A prompt is read once. Samples that agree so far share a row of the model, which splits
        where they draw different tokens; a row leaves when it ends. So of the tokens of the tiny
        policy's candidates a seventh is computed (13 to 22%, measured).
        """
        logits, mask, cache = self.prefixes.read(prompts, logits_to_keep=1)
        draw = Draw(texts, seeds, k, max(limits), temperature, self.model.device, self.path)
        limits = torch.tensor(limits, device=mask.device)
        prompt = torch.arange(len(mask), device=mask.device)  # (R,): which prompt a row continues
        new = prompt.new_empty(len(mask), 0)  # (R, t): what it has written
        sample = torch.arange(len(mask) * k, device=mask.device)  # (S,): the samples that go on
        row = sample // k  # (S,): the row that each of them has
        continuations = [""] * len(sample)
        tokens = 0
        while True:
            drawn = draw(logits[:, -1], prompt, new.shape[1])[row, sample % k]  # (S,)
            # A row for each pair of an old row and a token.
            size = logits.shape[-1]
            pairs, row = torch.unique(row * size + drawn, return_inverse=True)
            before = pairs // size  # (R,): the row that each new one continues
            new = torch.cat([new[before], (pairs % size)[:, None]], 1)
            prompt = prompt[before]

            # The text of a row that has ended goes to its samples.
            ended = self.ended(new, stops) | (new.shape[1] >= limits[prompt])
            for position in ended.nonzero()[:, 0].tolist():
                text = self.cut(new[position].tolist(), stops)
                finished = sample[row == position].tolist()
                tokens += new.shape[1] * len(finished)
                for number in finished:
                    continuations[number] = text
            goes_on = ~ended
            if not goes_on.any():
                break

            # The rest goes on, and its rows move up.
            sample = sample[goes_on[row]]
            row = (goes_on.cumsum(0) - 1)[row[goes_on[row]]]
            before, new, prompt = before[goes_on], new[goes_on], prompt[goes_on]
            # Copying the cache costs time, so only where a row has split or ended.
            if not torch.equal(before, torch.arange(len(mask), device=mask.device)):
                cache.batch_select_indices(before)
            mask = torch.cat([mask[before], mask.new_ones(len(before), 1)], 1)
            logits = self.model(
                input_ids=new[:, -1:],
                attention_mask=mask,
                position_ids=mask.sum(-1, keepdim=True) - 1,
                cache=cache,
            ).logits
        return [continuations[i * k : (i + 1) * k] for i in range(len(texts))], tokens

    def ended(self, new, stops):
        """Which rows of new (R, t) have just written a stop or an end token: (R,)."""
        # With a tuned model a stop is one token. An end token of the model ends any row.
        ends = set(self.end_tokens)
        if self.tuned:
            ends.update(self.tokenizer.convert_tokens_to_ids(list(stops)))
        ended = torch.isin(new[:, -1], torch.tensor(sorted(ends), device=new.device))
        if self.tuned:
            return ended
        # The marker of a stock model is a string of several tokens, which need not end where a
        # token does.
        if stops not in self.criteria:
            self.criteria[stops] = StopStringCriteria(self.tokenizer, list(stops))
        return ended | self.criteria[stops](new, None)

    def cut(self, new: list[int], stops) -> str:
        """The text of the new tokens of a row, as far as the first stop."""
        text = self.decode(new)
        cuts = [text.index(stop) + len(stop) for stop in stops if stop in text]
        return text[: min(cuts, default=None)]

    def decode(self, tokens: list[int]) -> str:
        # The markers of a tuned model are special tokens, and its steps need them.
        return self.tokenizer.decode(
            tokens, skip_special_tokens=not self.tuned, clean_up_tokenization_spaces=False
        )


class Draw:
    """Samples tokens, for each sample independently of the batch that it is in.

    A sample takes the token at which the cumulative distribution passes its own uniform number.
    These numbers are a function of the seed, the text and the sample's number, never of the batch.
    """

    def __init__(self, texts, seeds, k, limit, temperature, device, name):
        self.k = k
        self.temperature = temperature
        self.name = name
        # With one generator for all, a sample's numbers would change with the batch.
        if temperature:
            numbers = []
            for text, seed in zip(texts, seeds):
                for sample in range(k):
                    digest = hashlib.sha256(f"{seed} {sample} {text}".encode()).digest()
                    generator = torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))
                    numbers.append(torch.rand(limit, generator=generator, dtype=torch.float64))
            self.uniforms = torch.stack(numbers).float().view(len(texts), k, limit).to(device)

    def __call__(self, logits, prompt, step):
        """The next token of each sample of a row's prompt, if it had that row: (R, k).

        logits   (R, V)
        prompt   (R,): the prompt of each row
        step     how many tokens the samples have
        """
        # NaN would silently become token 0.
        if not logits.amax(-1).isfinite().all():
            raise UserError(f"policy {self.name}: {common.NOT_FINITE}")
        if not self.temperature:
            return logits.argmax(-1, keepdim=True).expand(-1, self.k)
        # Invert the cumulative distribution; torch.multinomial has one generator for the batch.
        upto = (logits.float() / self.temperature).softmax(-1).cumsum(-1)  # (R, V)
        total = upto[:, -1:].contiguous()  # 1, but for rounding
        uniforms = self.uniforms[prompt, :, step] * total  # (R, k)
        token = torch.searchsorted(upto, uniforms, right=True)
        # A product may be rounded up to the total, where no token is left: take the last possible.
        return token.minimum(torch.searchsorted(upto, total))


class PPM:
    """The process preference model: a language model with one linear output, then tanh."""

    def __init__(self, path, device: str = "auto", dtype: str = "auto", rows: int | str = "auto"):
        endings = ("SequenceClassification",)
        self.model, self.tokenizer = common.load(
            path, "PPM", "AutoModelForSequenceClassification", endings, device, dtype
        )
        if self.model.config.num_labels != 1:
            outputs = self.model.config.num_labels
            raise UserError(
                f"PPM {path}: it has {outputs} outputs; train_ppm.py makes one with one"
            )
        # The score is read at the last token that is not padding.
        self.model.config.pad_token_id = self.tokenizer.pad_token_id
        self.path = str(path)
        self.rows = common.pick_rows(self.model, rows)
        self.prefixes = Prefixes(self.model)
        self.longest = common.context_length(self.model)
        # dict(score=…, agreement=…): below these an answer is less reliable. Optional, measured.
        self.unsure_below = getattr(self.model.config, "unsure_below", None)

    @torch.inference_mode()
    def score(self, paths: list[tuple[str, str]]) -> list[float]:
        """Scores in [-1, 1] of paths, each given as (question, text of the steps).

        A path that is longer than the model can read is scored by its beginning; the trainer drops
        such paths.
        """
        paths = [self.encode(question, steps) for question, steps in paths]
        # Paths with about as much left to read share a batch, since the rest would be padding.
        order = sorted(range(len(paths)), key=lambda i: self.prefixes.unread(paths[i]))
        scores = [0.0] * len(paths)

        def read(batch):
            logits, _, _ = self.prefixes.read([paths[i] for i in batch])  # (B, 1)
            logits = logits[:, 0]
            # tanh would turn infinity into a perfect score.
            if not logits.isfinite().all():
                raise UserError(f"PPM {self.path}: {common.NOT_FINITE}")
            for i, value in zip(batch, torch.tanh(logits.float()).tolist()):
                scores[i] = value

        common.in_batches(self, order, 1, read)
        return scores

    def encode(self, question: str, steps: str) -> list[int]:
        """The tokens of a path, as many as the model can read."""
        return encode(format_prompt(question) + steps, self.tokenizer)[: self.longest]


# --------------------------------------------------------------------------------------------------
# The tree.


@dataclass(eq=False)
class Node:
    """A step, and with its ancestors the path x + s_1 + ... + s_i.

    A terminal node also holds the output and the stated answer. The root has no step: its `text` is
    the question. Its `events` say what happened, in order and by the nodes' numbers:
    ["expand", leaf, first new node, how many] and ["back_up", last node of the path, value].
    """

    text: str  # s
    parent: "Node | None" = field(default=None, repr=False)
    number: int = 0  # in the order in which nodes are made; the root is 0
    children: list["Node"] = field(default_factory=list, repr=False)
    expansions: int = 0  # how often it was expanded
    # Whether no rollout may enter it any more: a trajectory or dead end that was backed up, or a
    # step that may not be expanded and has closed children only.
    closed: bool = False
    visits: int = 0  # N(s)
    q: float = 0.0  # q(s): the sum of all values backed up, and with a PPM its first estimate
    ppm: float | None = None  # PPM(x + s_1 + ... + s)
    error: str = ""  # why the candidate is not valid; "" if it is
    answer: str | None = None  # the stated answer, at a terminal node
    right: bool | None = None  # whether it equals the reference, if there is one
    copies: int = 1  # how many samples had this code
    reference: str | None = None  # on the root
    events: list = field(default_factory=list, repr=False)  # on the root

    @property
    def Q(self) -> float:
        """Q(s) = q(s) / N(s), the mean of the values backed up through this step."""
        return self.q / self.visits if self.visits else 0.0

    @property
    def terminal(self) -> bool:
        return self.answer is not None

    @property
    def steps(self) -> list["Node"]:
        """The nodes from the first step down to this one."""
        # A loop, since a path may be longer than Python's stack is deep.
        steps = []
        node = self
        while node.parent:
            steps.append(node)
            node = node.parent
        return steps[::-1]

    @property
    def root(self) -> "Node":
        node = self
        while node.parent:
            node = node.parent
        return node

    @property
    def path(self) -> str:
        """The text of the steps, as policy and PPM read it."""
        return BETWEEN.join(node.text for node in self.steps)

    @property
    def valid_children(self) -> list["Node"]:
        return [child for child in self.children if not child.error]

    @property
    def open_children(self) -> list["Node"]:
        return [child for child in self.valid_children if not child.closed]


def nodes(node: Node) -> list[Node]:
    """The nodes of a tree or subtree in the order in which they were made."""
    below = [node]
    for parent in below:
        below += parent.children
    return sorted(below, key=lambda node: node.number)


def terminals(node: Node) -> list[Node]:
    return [other for other in nodes(node) if other.terminal]


# --------------------------------------------------------------------------------------------------
# One rollout, and below it everything that it calls.


def rollout(root: Node, config: Config, rule: Callable, value: Callable) -> Iterator[Node]:
    """Selects children from the root downwards until a trajectory ends, then backs its value up.

    A generator: it yields each step to be expanded and continues when that is done, so that
    `search_each` can expand the steps of many trees in one batch.
    """
    node = root
    while not root.closed:
        if may_be_expanded(node, config):
            yield node
        elif node.open_children:
            node = select(node, config.c, rule)
        else:
            # Nothing is left to try below this node, so no later rollout may come here.
            close(node, config)
            if node.terminal:
                return back_up(node, value(node))
            if not node.valid_children:
                return back_up(node, -1.0)  # a dead end
            # Expanding this step again brought no new valid candidate, and its dead ends have been
            # counted: it closes without a value of its own. Start over for something new; if the
            # root is closed too, this rollout ends without a back-up.
            node = root


def may_be_expanded(node: Node, config: Config) -> bool:
    """A step is expanded once, and again while only dead ends lie below it (deviation 6)."""
    if node.terminal or node.open_children or len(node.steps) >= config.depth:
        return False
    if node.expansions == 0:
        return True
    # If all candidates raised, the mistake is mostly one step earlier (deviation 6).
    only_dead_ends = node.valid_children and not terminals(node)
    return bool(only_dead_ends) and node.expansions < config.expansions


def close(node: Node, config: Config) -> None:
    """Closes a node, and each ancestor that has nothing left to try either."""
    while node and not node.open_children and not may_be_expanded(node, config):
        node.closed = True
        node = node.parent


def select(node: Node, c: float, rule: Callable) -> Node:
    """The open child with the highest UCT; the first of them in a tie."""
    return max(node.open_children, key=lambda child: rule(child, node.visits, c))


def uct(child: Node, parent_visits: int, c: float) -> float:
    """Equation 1. An unvisited child comes before all others (deviation 1)."""
    if child.visits == 0:
        return math.inf
    # With a PPM the root's children have a visit before the root has one, hence the `max`.
    log_visits = math.log(max(parent_visits, 1))
    return child.Q + c * math.sqrt(log_visits / child.visits)  # Eq. 1


def expand(
    leaves: list[Node],
    policy: ProposesSteps,
    ppm: ScoresPaths | None,
    verifier: Verifier,
    config: Config,
    stops: tuple[str, ...] = (END_OF_STEP, END_OF_CODE),
) -> list[Node]:
    """Expands many leaves at once and returns the new nodes.

    With `stops=(END_OF_CODE,)` a candidate is a whole solution; evaluate.py samples that way.
    """
    fresh = propose(leaves, policy, config, stops)
    verify(fresh, stops, verifier)
    printed = [node for node in fresh if not node.error and END_OF_CODE in node.text]
    state_answers(printed, policy)
    if ppm:
        score([node for node in fresh if not node.error], ppm)
    return fresh


# A whole solution may have this many times the tokens of a step (our choice).
WHOLE = 4


def propose(leaves: list[Node], policy: ProposesSteps, config: Config, stops: tuple) -> list[Node]:
    """The policy samples candidates for the next step of each leaf: the new nodes."""
    # Behind the prompt comes the first step at once; between two steps stands a blank line.
    texts = []
    for leaf in leaves:
        between = BETWEEN if leaf.parent else ""
        texts.append(policy.prompt(leaf.root.text) + leaf.path + between)
    # A step that is expanded again needs other samples than before.
    seeds = [config.seed + 1_000_000 * leaf.expansions for leaf in leaves]
    limit = config.step_tokens
    if END_OF_STEP not in stops:
        limit *= WHOLE
    samples = policy(texts, config.candidates, stops, limit, config.temperature, seeds)
    fresh = []
    for leaf, candidates in zip(leaves, samples):
        fresh += merge(leaf, candidates)
    return fresh


def merge(leaf: Node, candidates: list[str]) -> list[Node]:
    """Makes children of a leaf: one for all candidates with the same code (deviation 3)."""
    # A step that is expanded again has children already, which its new candidates may repeat.
    first = len(nodes(leaf.root))
    known = {merge_key(child.text): child for child in leaf.children}
    fresh = []
    for text in candidates:
        # Indentation of a whole step would be a syntax error behind the steps before it.
        text = in_each_piece(stock.dedent, text).strip()
        key = merge_key(text)
        if key in known:
            known[key].copies += 1
        else:
            known[key] = Node(text, leaf, first + len(fresh))
            fresh.append(known[key])
    leaf.children += fresh
    leaf.expansions += 1
    leaf.root.events.append(["expand", leaf.number, first, len(fresh)])
    return fresh


def merge_key(text: str) -> tuple:
    """What two candidates have in common if they become one node."""
    # An unfinished candidate must not swallow a finished one with the same code.
    return "\n".join(lines_of_code(text)) or text, END_OF_CODE in text, END_OF_STEP in text


# Characters; our choice: no answer is longer, and both models have to read it.
OUTPUT_LIMIT = 2000
# Control characters, such as those that clear a terminal.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def verify(fresh: list[Node], stops, verifier) -> None:
    """Runs each candidate with the code of its whole path.

    Sets `error` where a candidate is not valid, and writes the output behind a step that prints.
    """
    # What has no end would run half a line, and what holds an output would forge one.
    for node in fresh:
        if not node.text.endswith(stops):
            node.error = "not finished: no end of the step within its length"
        elif "<output>" in node.text or "<answer>" in node.text:
            node.error = "wrote what only the verifier may write"
    # Judged by whether the code raised, never by words in what it printed: "Standard error: 3" is
    # a fine output.
    runs = [node for node in fresh if not node.error]
    results = verifier.run_batch([code_of(node.path) for node in runs])
    for node, result in zip(runs, results):
        output = result.output.strip()
        if not result.ok:
            node.error = result.error
        elif END_OF_CODE in node.text:
            node.error = output_error(output)
            if not node.error:
                node.text += OUTPUT.format(output=output)


def output_error(output: str) -> str:
    """Why what was printed is no answer; "" if it may be one."""
    if not output:
        return "printed nothing"
    # A marker in the output could forge the answer behind it.
    forged = any(marker in output for marker in MARKERS)
    if len(output) > OUTPUT_LIMIT or CONTROL.search(output) or forged:
        return "printed more than an answer"
    return ""


# Tokens of the sentence that states the answer; our choice.
ANSWER_TOKENS = 128


def state_answers(printed: list[Node], policy) -> None:
    """The policy states the answer of each solution that has printed, in a box (deviation 8)."""
    if not printed:
        return
    # Greedily: the sentence only copies the output, so samples of it would all be the same.
    texts = [policy.prompt(node.root.text) + node.path for node in printed]
    sentences = policy(texts, 1, (END_OF_ANSWER,), ANSWER_TOKENS, 0.0, [0] * len(texts))
    for node, (sentence,) in zip(printed, sentences):
        node.text += sentence
        # The box, or without one what was printed; never a box or "####" inside the code.
        stated = extract_answer(node.text.partition(END_OF_CODE)[2]) or ""
        node.answer = " ".join(stated.split()) or None
        if node.answer is None:
            node.error = "states no answer"
        elif node.root.reference is not None:
            node.right = answers_equal(node.answer, node.root.reference)


def score(valid: list[Node], ppm) -> None:
    """The PPM's estimate becomes the first value of each new step."""
    paths = [(node.root.text, node.path) for node in valid]
    for node, estimate in zip(valid, ppm.score(paths)):
        node.ppm = estimate
        # A trajectory that the reference judges needs no estimate, as in the authors' code.
        if node.right is None:
            node.q = estimate  # Eq. 3: q(s)^0 = PPM(x + s_1 + ... + s_i)
            node.visits = 1  # which counts as the first visit (deviation 2)


def value_of(node: Node) -> float:
    """q(s_d), the value of a finished trajectory: by the reference, the PPM, or agreement."""
    if node.right is not None:
        return 1.0 if node.right else -1.0
    if node.ppm is not None:
        return node.ppm
    return 2 * agreement(node, terminals(node.root)) - 1


def agreement(node: Node, candidates: list[Node]) -> float:
    """The share of the samples of some terminal nodes that have this node's answer, 0 to 1."""
    agreeing = [other for other in candidates if answers_equal(node.answer, other.answer)]
    return sum(other.copies for other in agreeing) / sum(other.copies for other in candidates)


def back_up(node: Node, value: float) -> None:
    """Equation 2: adds the value of a trajectory to every step of its path, and counts a visit."""
    node.root.events.append(["back_up", node.number, value])
    while node:
        node.q += value  # Eq. 2
        node.visits += 1
        node = node.parent


# --------------------------------------------------------------------------------------------------
# Searching: many trees side by side, and the answer chosen among them.


@dataclass
class Result:
    """What a search gives for a question."""

    chosen: Node | None  # the terminal node to answer with; None if no trajectory ended
    trees: list[Node]  # their roots, in the order in which they were searched

    @property
    def ends(self) -> list[Node]:
        """The terminal nodes of all trees."""
        return [node for root in self.trees for node in terminals(root)]


def choose(candidates: list[Node]) -> Node | None:
    """The terminal node to answer with: the highest PPM score, without a PPM the majority.

    candidates   all terminal nodes of the trees of a question, whether a rollout ended there or not
    """
    if candidates and candidates[0].ppm is not None:
        return max(candidates, key=lambda node: node.ppm)
    return majority(candidates)


def majority(candidates: list[Node]) -> Node | None:
    """A node with the answer that most samples agree on; the first in a tie."""
    return max(candidates, key=lambda node: agreement(node, candidates), default=None)


def search(
    questions: list[str],
    policy: ProposesSteps,
    ppm: ScoresPaths | None = None,
    references: list[str] | None = None,
    config: Config | None = None,
    *,
    rule: Callable[[Node, int, float], float] = uct,
    value: Callable[[Node], float] = value_of,
    choose: Callable[[list[Node]], Node | None] = choose,
    batch: int = 48,
    bar=None,
) -> list[Result]:
    """Searches `config.searches` trees for each question and chooses an answer.

    references   answers, one per question: a trajectory then counts +1 or -1, which makes training
                 data. Without, the PPM scores it (test time); without a PPM, agreement does.
    config       if None, the defaults that suit the policy
    rule         selects among siblings: rule(child, visits of the parent, c) -> float, highest wins
    value        the value of a finished trajectory: value(terminal node) -> float; that of a dead
                 end is always -1
    choose       the answer among the terminal nodes of all trees of a question
    batch        trees that are searched side by side
    bar          a tqdm bar that counts rollouts
    """
    references = references or [None] * len(questions)
    config = config or common.suited(Config, getattr(policy, "path", ""))
    results = [Result(None, []) for _ in questions]
    for k in range(config.searches):
        # A question whose answer is good enough is not searched again.
        todo = [i for i, result in enumerate(results) if not good_enough(result.ends, config.stop)]
        if bar is not None:
            bar.update(config.rollouts * (len(questions) - len(todo)))
        # A fresh tree needs other samples.
        again = dataclasses.replace(config, seed=config.seed + 1000 * k)
        problems = [(i, questions[i], references[i]) for i in todo]
        trees = search_each(
            problems, policy, ppm, again, rule=rule, value=value, batch=batch, bar=bar
        )
        for i, root in trees:
            results[i].trees.append(root)
    # Among all trees at once: the second tree of a question need not hold the better answer.
    for result in results:
        result.chosen = choose(result.ends)
    return results


def good_enough(ends: list[Node], stop: float | None) -> bool:
    """Whether the PPM scores one of these terminal nodes `stop` or higher."""
    return stop is not None and any(node.ppm >= stop for node in ends if node.ppm is not None)


def search_each(
    problems: Iterable[tuple[int, str, str | None]],
    policy: ProposesSteps,
    ppm: ScoresPaths | None,
    config: Config,
    *,
    rule: Callable = uct,
    value: Callable = value_of,
    batch: int = 48,
    bar=None,
) -> Iterator[tuple[int, Node]]:
    """Searches one tree per (index, question, reference) and yields (index, root) when it is done.

    `next` runs a tree until it needs a leaf expanded. Then the leaves of all live trees are
    expanded in one batch. A problem is only taken from `problems` when there is room for its tree.
    """
    # A server batches by itself: there, no tree waits for another (served.py).
    if hasattr(policy, "search_each"):
        yield from policy.search_each(
            problems, ppm, config, rule=rule, value=value, batch=batch, bar=bar
        )
        return
    problems = iter(problems)
    live = []  # (index, root, its rollouts, the leaf that they wait for)
    with Verifier(timeout=config.timeout) as verifier:
        while True:
            # A tree that is done makes room for the next problem, so the batch stays full.
            while len(live) < batch and (problem := next(problems, None)):
                index, question, reference = problem
                root = Node(question, reference=reference)
                rollouts = grow(root, config, rule, value, bar)
                live.append((index, root, rollouts, next(rollouts)))
            if not live:
                return
            # One call of the policy, one of the verifier and one of the PPM for all trees.
            expand([leaf for _, _, _, leaf in live], policy, ppm, verifier, config)
            # Now each tree goes on by itself, until it needs the next leaf or is done.
            waiting = []
            for index, root, rollouts, _ in live:
                leaf = next(rollouts, None)
                if leaf:
                    waiting.append((index, root, rollouts, leaf))
                else:
                    yield index, root
            live = waiting


def grow(root: Node, config: Config, rule: Callable, value: Callable, bar=None) -> Iterator[Node]:
    """All rollouts of a tree, as a generator of the leaves that have to be expanded."""
    for done in range(1, config.rollouts + 1):
        yield from rollout(root, config, rule, value)
        # A closed root has nothing left to try.
        finished = root.closed or good_enough(terminals(root), config.stop)
        if bar is not None:
            bar.set_postfix(trajectories=count_trajectories(root), refresh=False)
            bar.update(config.rollouts - done + 1 if finished else 1)
        if finished:
            return


def count_trajectories(root: Node) -> int:
    """How many distinct trajectories were backed up."""
    ends = {number for kind, number, *_ in root.events if kind == "back_up"}
    return sum(node.number in ends for node in terminals(root))


# --------------------------------------------------------------------------------------------------
# Trees on disk: one JSON line each, with the fields of the nodes that files.py lists.


def tree_to_line(root: Node, index: int, settings: dict) -> str:
    """A tree as one JSON line: everything that the trainers and show.py read."""
    records = []
    for node in nodes(root):
        parent = node.parent.number if node.parent else None
        records.append(
            dict(parent=parent, **{name: getattr(node, name) for name in common.NODE_FIELDS})
        )
    tree = dict(index=index, question=root.text, reference=root.reference, settings=settings)
    tree.update(nodes=records, events=root.events, closed=root.closed)
    return json.dumps(tree, ensure_ascii=False)


def record_to_tree(record: dict) -> Node:
    """The root of the tree that a line holds."""
    # A parent is made before its children, so its number is known.
    tree = []
    for number, fields in enumerate(record["nodes"]):
        parent = None if fields["parent"] is None else tree[fields["parent"]]
        values = {name: fields[name] for name in common.NODE_FIELDS}
        tree.append(Node(parent=parent, number=number, **values))
        if parent:
            parent.children.append(tree[-1])
    root = tree[0]
    root.reference = record["reference"]
    root.events = record["events"]
    root.closed = record.get("closed", False)
    for kind, number, *_ in root.events:
        tree[number].expansions += kind == "expand"
    return root


def read_trees(path) -> list[Node]:
    """The roots of all trees in a file that `--trees` wrote."""
    return [record_to_tree(record) for record in common.read_tree_records(path)]


if __name__ == "__main__":
    # The command line has a file of its own, since it says nothing about the method.
    import cli

    sys.exit(cli.main())

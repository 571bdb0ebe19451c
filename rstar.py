"""rStar-Math (arXiv 2501.04519) in one module: a policy and a process preference model search together.

A small language model, the *policy*, writes the solution of a problem step by step. A step is a thought (a Python
comment) and the code for it. Monte Carlo Tree Search samples several candidates for the next step, runs each with the
code of all steps before it, and keeps those that do not raise. A second model, the *process preference model* (PPM),
reads a path and gives it a score in [-1, 1]. One *rollout* selects children by UCT from the root downwards, expands
each leaf that it meets, goes on until a trajectory ends (there is no random play-out), and backs its value up. Over
many rollouts the Q of a step tells whether it tends to lead to right answers. Such trees make the training data of the
next round: the best trajectories tune the policy, pairs of good and bad steps train the PPM. In round 1 only a
bootstrap policy searches; the first PPM comes from round 1's trees, and rounds 3 and 4 search with one.

Where the paper is                                                                     where it is here
    code-augmented step, output, boxed answer     section 3.2, figure 2                PROMPT, OUTPUT, `code_of`
    UCT(s) = Q(s) + c sqrt(ln N_parent / N)       equation 1                           `uct`, used in `select`
    q(s)^k = q(s)^(k-1) + q(s_d)^k                equation 2, terminal-guided          `back_up`
    q(s)^0 = PPM(x + s_1 + ... + s)               equation 3, PPM-augmented            `expand`
    the value q(s_d) of a trajectory              +-1 by reference, or PPM             `value_of`
    r = tanh(linear(hidden))                      section 3.3, scalar head             `PPM.score`
    Bradley-Terry on pairs                        equation 4                           train_ppm.py
    trajectories for the policy                   top 2 by mean Q                      train_policy.py

Where we deviate from the paper or from the authors' code, or where the paper is silent:
  1. An unvisited child has an infinite UCT, so every candidate is tried once before any is tried twice; ties go to
     the first sampled. (The authors' code says 0.) With a PPM no child is unvisited, see 2.
  2. The PPM's estimate counts as the first visit of a new node, N = 1, as in the authors' code; N_parent is the
     parent's own N. So below a new node the logarithm is 0, and the first choice goes by Q alone. Without a PPM a new
     node has N = 0.
  3. Candidates with the same code (lines of comment aside) become one node, since they have the same result. How many
     samples it stands for is kept in `copies`.
  4. A candidate that raises (or prints nothing, or more than an answer) stays in the tree with its error and is never
     selected. (In the authors' code it is a failed leaf worth -1.) A leaf without a valid candidate, or at the greatest
     depth, is a dead end: value -1, and no rollout comes there again (at a dead root, all others end at once). If all
     valid children of a step are dead ends, other samples are drawn for it, up to `expansions` times in all; then it is
     a dead end itself. (The paper expands once, and later rollouts end there.) If all candidates of a leaf raised, no
     others are drawn: the mistake is mostly one step earlier (LOG.md).
  5. The step that prints the answer, the verifier's output and the sentence that states the answer are one node; the
     sentence is written greedily. To sample what only copies the output would cost candidates and gain nothing.
  6. `tanh` is part of the PPM in training and in use. (The authors train without it and apply it when searching.)
  7. Without a reference and without a PPM the value of a trajectory is how many of the tree's sampled answers agree with
     it, from -1 (few) to 1 (all).
  8. `stop` ends a search early, at the first answer that the PPM scores that high. The paper always spends all rollouts.
  9. Every candidate is sampled from its own seed (of the run, the path and its number), so a tree does not depend on
     which other trees were searched beside it; PPM scores still differ in their seventh digit with the batch. In lower
     precisions than float32 this holds only nearly.
 10. The answer of several trees is the one with the highest PPM score, as in the paper. (The authors' script votes among
     the four best.)
The trainers' own deviations are listed at the head of train_policy.py and train_ppm.py.

Start reading at `rollout`. It hands each new leaf to `search_each`, which expands the leaves of many trees at once; all
else that it calls follows below it. The command line is at the end.
"""
import argparse
import dataclasses
import hashlib
import importlib.util
import io
import json
import math
import os
import re
import socket
import sys
import textwrap
import time
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")       # read when transformers is imported

import jinja2
import torch
import transformers
from tqdm import tqdm
from transformers import DynamicCache, StoppingCriteriaList, StopStringCriteria

from answers import answers_equal, extract_answer
from verifier import Verifier

HERE = Path(__file__).resolve().parent


class UserError(Exception):
    """Something that the user can mend: one line that names the thing and the remedy."""


def setting(default, help):
    return field(default=default, metadata=dict(help=help))


@dataclass(frozen=True)
class Config:
    """Every setting of a search, once; a number of the method says whether it is the paper's or our choice. (What only
    guards against absurd lengths, WHOLE, OUTPUT_LIMIT and ANSWER_TOKENS, stands where it is used.)"""
    rollouts: int = setting(16, "rollouts per tree (paper: 8 in round 1, then 16)")
    candidates: int = setting(8, "candidate steps sampled at a leaf (paper: 5 in round 1, then 8, 16 in round 4)")
    expansions: int = setting(3, "times that a step is expanded while it leads to dead ends only (paper: 1; our choice, on dev of the tiny world)")
    depth: int = setting(16, "greatest number of steps (paper)")
    c: float = setting(2.0, "weight of exploration in UCT (paper)")
    temperature: float = setting(0.4, "sampling temperature (our choice, on dev of the tiny world; 0 is greedy; evolve.sh makes training data with 1)")
    searches: int = setting(1, "trees per problem, the answer being chosen among all (paper: up to 64)")
    stop: float = setting(2.0, "stop searching at an answer with this PPM score; over 1: never (paper: never)")
    samples: int = setting(0, "--evaluate: whole solutions, or the price of so many, for the other ways; 0: as many as tree search has tokens for (our choice)")
    ways: str = setting("tree,samples,step-wise,adaptive", "--evaluate: what to compare with greedy decoding; samples: majority, vote and best "
                        "of N; greedy: nothing")
    step_tokens: int = setting(256, "greatest length of a step in tokens (our choice)")
    seed: int = setting(0, "seed of all sampling")
    batch: int = setting(16, "trees that are searched side by side (our choice; more for a big GPU)")
    rows: int = setting(48, "sequences in one call of generate or of the PPM (measured: 48 was 3 times as fast as 512 on a CPU; more for a big GPU)")
    timeout: float = setting(5.0, "seconds that the code of a path may run (our choice)")
    device: str = setting("auto", "auto, cpu, cuda, cuda:1, mps")
    dtype: str = setting("auto", "auto (bfloat16 on cuda, float32 elsewhere), float32, bfloat16, float16")

    def __post_init__(self):
        for name in "rollouts candidates expansions depth searches step_tokens batch rows".split():
            if not 1 <= getattr(self, name) <= 10 ** 6:
                least = "at least 1" if getattr(self, name) < 1 else "at most a million"
                raise UserError(f"--{name.replace('_', '-')} must be {least}, not {getattr(self, name)}")
        for name in "c samples".split():
            if not 0 <= getattr(self, name) < math.inf:
                raise UserError(f"--{name} must be 0 or more, not {getattr(self, name)}")
        if self.temperature and not .01 <= self.temperature <= 100:
            raise UserError(f"--temperature must be 0 (greedy) or from 0.01 to 100, not {self.temperature}")
        if math.isnan(self.stop):
            raise UserError("--stop must be a number; over 1 it means never")
        if not 0 < self.timeout <= 86400:
            raise UserError(f"--timeout must be more than 0 seconds and at most a day, not {self.timeout}")
        known, asked = ["tree", "samples", "step-wise", "adaptive", "greedy"], self.ways.split(",")
        if not set(asked) <= set(known):
            raise UserError(f"--ways {self.ways}: unknown; some of {','.join(known)}")
        if not self.samples and "tree" not in asked and asked != ["greedy"]:
            raise UserError(f"--ways {self.ways}: without tree nothing says how much these may spend; --samples does")


# ---------------------------------------------------------------------------------------------------------------------
# The step format, as the authors' released data has it. A trajectory is
#     PROMPT(question)  step <end_of_step>  step <end_of_step>  ...  step that prints <end_of_code>
#     OUTPUT(what was printed)  The answer is \boxed{...}.<end_of_answer>
# The policy writes the steps and the answer, the verifier writes the output.

END_OF_STEP, END_OF_CODE, END_OF_ANSWER = "<end_of_step>", "<end_of_code>", "<end_of_answer>"
MARKERS = ["<|user|>", "<|assistant|>", "<code>", END_OF_STEP, END_OF_CODE,
           "<output>", "<end_of_output>", "<answer>", END_OF_ANSWER]
PROMPT = "<|user|>:\n{question}\n<|assistant|>: Let's think step by step and solve the problem with code.<code>\n"
OUTPUT = "\n<output>{output}<end_of_output>\n<answer>"
BETWEEN = "\n\n"         # between two steps

# What a model that was not tuned on the format is told: instructions and two examples, all of them our own words.
INSTRUCTIONS = """Solve the problem with Python code, step by step. Start each step with a comment that says what it does, write
its code, and close it with <end_of_step>. The last step prints the answer and is closed with <end_of_code>. The code is
then run and its output shown as <output>...<end_of_output>. State the answer as \\boxed{...} and close with
<end_of_answer>. Write exactly as in these two examples."""
EXAMPLES = [("A ribbon of 90 cm is cut into pieces of 6 cm. Each piece is sold for 2 dollars. How much is earned?", """\
# Step 1: Find how many pieces there are
pieces = 90 // 6
<end_of_step>

# Step 2: Multiply by the price of one piece
earned = pieces * 2
<end_of_step>

# Now print the final answer
print(earned)
<end_of_code>
<output>30<end_of_output>
<answer>The pieces bring in \\boxed{30} dollars.<end_of_answer>"""), ("What is the sum of the solutions of x^2 - 7x + 10 = 0?", """\
# Step 1: Solve the equation
import sympy
x = sympy.symbols("x")
solutions = sympy.solve(x**2 - 7*x + 10, x)
<end_of_step>

# Now print the final answer
print(sum(solutions))
<end_of_code>
<output>7<end_of_output>
<answer>The sum of the solutions is \\boxed{7}.<end_of_answer>""")]


def format_prompt(question):
    """The prompt of a tuned policy and of the PPM."""
    return PROMPT.format(question=without_markers(question))


def without_markers(question):
    """A marker inside the question is broken up: it must not act as one."""
    for marker in MARKERS:
        question = question.replace(marker, marker[0] + " " + marker[1:])
    return question.strip()


def format_stock_prompt(question, tokenizer):
    """The prompt of a model that was not tuned on the format, as a chat if it is a chat model."""
    worked = "\n\n".join(f"Problem: {q}\n<code>\n{solution}" for q, solution in EXAMPLES)
    content = f"{INSTRUCTIONS}\n\n{worked}\n\nProblem: {without_markers(question)}"
    if not tokenizer.chat_template:
        return f"{tokenizer.bos_token or ''}{content}\n<code>\n"
    try:
        return tokenizer.apply_chat_template([dict(role="user", content=content)], tokenize=False, add_generation_prompt=True) + "<code>\n"
    except jinja2.TemplateError as error:
        raise UserError(f"the policy's chat template takes no single question of a user ({error}); give another model") from error


def code_of(path):
    """The Python code of a path: all its steps without their markers."""
    return path.split(END_OF_CODE)[0].replace(END_OF_STEP, "")


def lines_of_code(path):
    """The lines of a path's code but for blank ones and those that only comment; where they are the same, so is the
    result (unless a text within the code holds such lines)."""
    return [line for line in code_of(path).splitlines() if line.strip() and not line.strip().startswith("#")]


# ---------------------------------------------------------------------------------------------------------------------
# The two models. B prompts, k samples of each, T tokens, V entries of the vocabulary.

def locate(path, what):
    """-> (name, extra arguments) for `from_pretrained`: a local folder, a .gguf file or a hub id."""
    file = Path(path).expanduser()
    if file.is_dir():
        if not (file / "config.json").exists():
            raise UserError(f"{what} {path}: this folder holds no model (no config.json in it)")
        return str(file), {}
    if file.suffix == ".gguf" and file.exists():
        if importlib.util.find_spec("gguf") is None:
            raise UserError(f"{what} {path}: reading a .gguf file needs one more package: pip install gguf")
        return str(file.parent), dict(gguf_file=file.name)
    if file.exists():
        raise UserError(f"{what} {path}: this is a file; give a model folder, a .gguf file or a hub id")
    if re.fullmatch(r"\w[\w.-]*(/\w[\w.-]*)?", str(path)) and file.suffix != ".gguf":
        return str(path), {} if hub_reachable() else dict(local_files_only=True)
    raise UserError(f"{what} {path}: there is no such folder or file; a hub id looks like Qwen/Qwen2.5-Math-1.5B-Instruct")


def hub_reachable():
    """Asked before anything is loaded from the hub: its client would go on trying for half a minute. What an earlier
    download left in the cache is found either way."""
    import huggingface_hub
    if os.environ.get("HTTPS_PROXY") or os.environ.get("https_proxy"):
        return True
    address = urllib.parse.urlsplit(huggingface_hub.constants.ENDPOINT)
    try:
        socket.create_connection((address.hostname, address.port or 443), timeout=5).close()
    except OSError:
        return False
    return True


def load(path, what, auto_class, suits, config):
    """-> (model, tokenizer) on the device and in the precision of `config`. `suits`: endings of fitting architectures."""
    device, dtype = pick_device(config), pick_dtype(config)
    transformers.logging.set_verbosity_error()
    name, extra = locate(path, what)
    extra["trust_remote_code"] = False                # else a folder that brings code of its own is asked about, and waited for
    bars = transformers.utils.logging
    (bars.disable_progress_bar if Path(name).exists() else bars.enable_progress_bar)()      # a download shows that it goes on
    try:
        found = transformers.AutoConfig.from_pretrained(name, **extra)
        made = (found.architectures or [""])[0]
        if made and not made.endswith(suits):
            raise UserError(f"{what} {path}: this is a {made}; a model ending in {' or '.join(suits)} is needed")
        tokenizer = transformers.AutoTokenizer.from_pretrained(name, **extra)
        if "gguf_file" in extra:      # without this the weights stay packed, and nothing could be trained or saved
            extra["quantization_config"] = transformers.GgufConfig(dequantize=True)
        model, loading = getattr(transformers, auto_class).from_pretrained(name, dtype=dtype, output_loading_info=True, **extra)
    except UserError:
        raise
    except Exception as error:        # the loaders of three libraries raise whatever they like
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        if not Path(name).exists():
            raise UserError(f"{what} {path}: neither a folder here nor to be had from the hub (no network, or no such "
                            f"model): {reason}") from error
        raise UserError(f"{what} {path}: cannot be loaded (damaged, half downloaded, of an unknown kind?): {reason}") from error
    if loading["missing_keys"] and "gguf_file" not in extra:       # they would be random; a .gguf file goes by other names
        raise UserError(f"{what} {path}: its file of weights lacks {len(loading['missing_keys'])} of them, such as {min(loading['missing_keys'])}")
    if tokenizer.pad_token is None or tokenizer.pad_token in MARKERS:
        tokenizer.pad_token = tokenizer.eos_token
    if tokenizer.pad_token is None or not tokenizer("1 + 1", add_special_tokens=False)["input_ids"]:
        raise UserError(f"{what} {path}: its tokenizer knows no plain text, or neither a pad nor an end token; is a file of it missing?")
    known = len(model.get_input_embeddings().weight)
    if max(tokenizer.vocab_size, tokenizer.pad_token_id + 1) > known:
        raise UserError(f"{what} {path}: its tokenizer has {len(tokenizer)} tokens, its weights know {known}: one is of another model, or a file is missing")
    return model.to(device).eval(), tokenizer


def pick_device(config):
    name = config.device
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    if not re.fullmatch(r"cpu|mps|cuda(:[0-9]+)?", name):
        raise UserError(f"--device {name}: unknown; one of auto, cpu, cuda, cuda:1, mps")
    kind, _, index = name.partition(":")
    if int(index or 0) >= dict(cpu=1, cuda=torch.cuda.device_count(), mps=int(torch.backends.mps.is_available()))[kind]:
        raise UserError(f"--device {name}: there is none on this machine; --device auto takes what there is")
    return torch.device(name)


def pick_dtype(config):
    if config.dtype not in ("auto", "float32", "bfloat16", "float16"):
        raise UserError(f"--dtype {config.dtype}: unknown; one of auto, float32, bfloat16, float16")
    if config.dtype == "auto":
        return torch.bfloat16 if pick_device(config).type == "cuda" else torch.float32
    return getattr(torch, config.dtype)


NOT_FINITE = "what it computes is no number: an overflow, or damaged weights; give --dtype bfloat16 or float32, or another model"


class Policy:
    """The language model that proposes steps: `Policy(path)(texts, k, ...)`.

    path   a local folder, a hub id or a .gguf file
    tuned  True if the markers that it has to write are tokens of its vocabulary. Such a model gets the bare format and
           stops at tokens; any other one is told the format with two examples and stops at strings.
    tokens how many tokens it has generated so far; those behind a stop token are not counted
    """
    CHUNK = 16       # tokens between two looks at which rows are finished (measured: 16 is 2-5 times as fast as never)

    def __init__(self, path, config=Config()):
        self.model, self.tokenizer = load(path, "policy", "AutoModelForCausalLM", ("CausalLM", "LMHeadModel"), config)
        # Sampling is ours alone: of the checkpoint's own generation_config only the end tokens count, not a repetition penalty or top_k.
        ends = self.model.generation_config.eos_token_id, self.model.config.get_text_config().eos_token_id, self.tokenizer.eos_token_id
        self.model.generation_config = transformers.GenerationConfig()
        self.config, self.path, self.tokens = config, str(path), 0
        vocabulary = self.tokenizer.get_vocab()
        self.tuned = all(marker in vocabulary for marker in (END_OF_STEP, END_OF_CODE, END_OF_ANSWER))
        self.end_tokens = {token for some in ends for token in (some if isinstance(some, list) else [some])} - {None}
        self.criteria = {}       # stop strings -> criterion; to build one takes seconds with a large vocabulary
        self.longest = getattr(self.model.config.get_text_config(), "max_position_embeddings", None) or 1 << 20
        if not all(hasattr(layer, "batch_repeat_interleave") for layer in DynamicCache(config=self.model.config).layers):
            raise UserError(f"policy {path}: some of its layers keep a state that cannot be repeated for several candidates; give a model with attention in every layer")

    def prompt(self, question):
        """The text before the first step."""
        if self.tuned:
            return (self.tokenizer.bos_token or "") + format_prompt(question)
        return format_stock_prompt(question, self.tokenizer)

    def __call__(self, texts, k, stops, limit, temperature=0., seed=0):
        """`k` continuations of each text, each to the end of its first stop string or to `limit` tokens.

        Batches of texts of about one length, at most `config.rows` sequences in each (but all `k` of a text)."""
        limits = [min(limit, self.longest - self.length(text)) for text in texts]
        order = sorted((i for i in range(len(texts)) if limits[i] > 0), key=lambda i: len(texts[i]))
        each = max(1, self.config.rows // k)
        result = [[""] * k for _ in texts]           # that of a text longer than the model can read
        for i in range(0, len(order), each):
            some = order[i:i + each]
            found = self.generate([texts[j] for j in some], k, stops, [limits[j] for j in some], temperature, seed)
            for j, samples in zip(some, found):
                result[j] = samples
        return result

    def generate(self, texts, k, stops, limits, temperature, seed):
        """One batch. The texts are read once and their cache repeated k times; every CHUNK tokens finished rows leave."""
        inputs = self.tokenizer(texts, return_tensors="pt", padding=True, padding_side="left", add_special_tokens=False)
        ids, mask = inputs["input_ids"].to(self.model.device), inputs["attention_mask"].to(self.model.device)    # (B, T)
        start = ids.shape[1]
        done, rows = [""] * (len(texts) * k), list(range(len(texts) * k))
        with torch.inference_mode():
            cache = DynamicCache(config=self.model.config)
            positions = (mask.cumsum(-1) - 1).clamp(min=0)
            if start > 1:
                read = self.model.base_model(input_ids=ids[:, :-1], attention_mask=mask[:, :-1], position_ids=positions[:, :-1], cache=cache)
                if not read.last_hidden_state[:, -1].isfinite().all():
                    raise UserError(f"policy {self.path}: {NOT_FINITE}")
                cache.batch_repeat_interleave(k)
            ids, mask = ids.repeat_interleave(k, 0), mask.repeat_interleave(k, 0)                               # (B*k, T)
            draw = Draw(texts, k, max(limits), temperature, seed, start, self.model.device) if temperature else None
            while rows:
                left = max(limits[row // k] for row in rows) - (ids.shape[1] - start)
                ids = self.model.generate(
                    input_ids=ids, attention_mask=mask, cache=cache, max_new_tokens=min(self.CHUNK, left),
                    do_sample=False, logits_processor=[draw] if draw else None, pad_token_id=self.tokenizer.pad_token_id,
                    eos_token_id=sorted(self.stop_tokens(stops)) or None, stopping_criteria=self.stop_criteria(stops))
                keep = []
                for row, new in enumerate(ids[:, start:].tolist()):
                    limit = limits[rows[row] // k]
                    text, used, finished = self.cut(new[:limit], stops)
                    if finished or len(new) >= limit:
                        done[rows[row]] = text
                        self.tokens += used
                    else:
                        keep.append(row)
                rows = [rows[row] for row in keep]
                if len(keep) < len(ids) and keep:
                    index = torch.tensor(keep, device=ids.device)
                    ids, mask = ids[index], mask[index]
                    cache.batch_select_indices(index)
                    if draw:
                        draw.uniforms = draw.uniforms[index]
                mask = torch.cat([mask, mask.new_ones(len(mask), ids.shape[1] - mask.shape[1])], 1)
        return [done[i * k:(i + 1) * k] for i in range(len(texts))]

    def length(self, text):
        """Tokens of a text."""
        return len(self.tokenizer.encode(text, add_special_tokens=False))

    def stop_tokens(self, stops):
        return self.end_tokens | {self.tokenizer.convert_tokens_to_ids(s) for s in stops} if self.tuned else self.end_tokens

    def stop_criteria(self, stops):
        if self.tuned:
            return None
        if stops not in self.criteria:
            self.criteria[stops] = StoppingCriteriaList([StopStringCriteria(self.tokenizer, list(stops))])
        return self.criteria[stops]

    def cut(self, new, stops):
        """New tokens of a row -> (text up to and with the first stop, number of tokens used, whether it has ended)."""
        tokens = self.stop_tokens(stops)
        at = next((i for i, token in enumerate(new) if token in tokens), None)
        used = len(new) if at is None else at + 1
        decode = lambda count: self.tokenizer.decode(new[:count], skip_special_tokens=not self.tuned, clean_up_tokenization_spaces=False)
        text = decode(used)
        ends = [text.index(stop) + len(stop) for stop in stops if stop in text]
        if ends and not self.tuned:                  # what generate has padded the row with behind the stop string does not count
            used = next(count for count in range(max(1, used - 2 * self.CHUNK), used + 1) if any(stop in decode(count) for stop in stops))
        return text[:min(ends)] if ends else text, used, bool(ends) or at is not None


class Draw:
    """A logits processor that samples: row i takes the token at which the cumulative distribution passes its own uniform
    number. The numbers are a function of the run's seed, the text and the sample's number, never of the batch."""

    def __init__(self, texts, k, limit, temperature, seed, start, device):
        seeds = [int.from_bytes(hashlib.sha256(f"{seed} {i} {text}".encode()).digest()[:7], "big") for text in texts for i in range(k)]
        numbers = [torch.rand(limit, generator=torch.Generator().manual_seed(s), dtype=torch.float64) for s in seeds]
        self.uniforms, self.temperature, self.start = torch.stack(numbers).float().to(device), temperature, start   # (B*k, limit)

    def __call__(self, ids, scores):
        upto = (scores.float() / self.temperature).softmax(-1).cumsum(-1)                        # (B*k, V)
        u = self.uniforms[:, ids.shape[1] - self.start, None] * upto[:, -1:]
        token = (upto <= u).sum(-1, keepdim=True).minimum((upto < upto[:, -1:]).sum(-1, keepdim=True))     # u may be rounded up to the end
        return torch.full_like(scores, -math.inf).scatter(1, token, 0.)


class PPM:
    """The process preference model: a language model with one linear output behind tanh. `PPM(path).score(paths)`."""

    def __init__(self, path, config=Config()):
        self.model, self.tokenizer = load(path, "PPM", "AutoModelForSequenceClassification", ("SequenceClassification",), config)
        if self.model.config.num_labels != 1:
            raise UserError(f"PPM {path}: it has {self.model.config.num_labels} outputs; a PPM made by train_ppm.py has one")
        self.model.config.pad_token_id = self.tokenizer.pad_token_id     # the score is read at the last token that is not this
        self.config, self.path = config, str(path)
        self.longest = getattr(self.model.config.get_text_config(), "max_position_embeddings", None) or 1 << 20

    def score(self, paths):
        """Paths as (question, text of the steps) -> scores in [-1, 1]. Batches of paths of about one length. One that is
        longer than the model can read is scored by its beginning (the trainer drops such)."""
        texts = [(self.tokenizer.bos_token or "") + format_prompt(question) + steps for question, steps in paths]
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        scores = [0.] * len(texts)
        for i in range(0, len(order), self.config.rows):
            some = order[i:i + self.config.rows]
            inputs = self.tokenizer([texts[j] for j in some], return_tensors="pt", padding=True, padding_side="right",
                                    add_special_tokens=False, truncation=True, max_length=self.longest)
            inputs = {name: inputs[name].to(self.model.device) for name in ("input_ids", "attention_mask")}        # (B, T)
            with torch.inference_mode():
                values = torch.tanh(self.model(**inputs).logits[:, 0].float())                                   # (B,)
            if values.isnan().any():
                raise UserError(f"PPM {self.path}: {NOT_FINITE}")
            for j, value in zip(some, values.tolist()):
                scores[j] = value
        return scores


# ---------------------------------------------------------------------------------------------------------------------
# The tree.

@dataclass(eq=False)
class Node:
    """A step, and with its parents the path x + s_1 + ... + s_i. A terminal node holds output and stated answer as well.

    The root has no step: its `text` is the question. Its `events` tell what happened, in order and by the nodes' numbers:
    ["expand", leaf, first new node, how many] and ["back_up", last node of the path, value].
    """
    text: str                          # s
    parent: "Node | None" = field(default=None, repr=False)
    number: int = 0                    # in the order of making; the root is 0
    children: list = field(default_factory=list, repr=False)
    expansions: int = 0                # how often it was expanded
    dead: bool = False                 # whether a rollout has ended here without an answer
    visits: int = 0                    # N(s)
    q: float = 0.                      # q(s), the sum of all values backed up; Q(s) = q(s) / N(s)
    ppm: float | None = None           # PPM(x + s_1 + ... + s)
    error: str = ""                    # why the candidate is not valid; "" if it is
    answer: str | None = None          # the stated answer, at a terminal node
    right: bool | None = None          # whether it equals the reference, if there is one
    copies: int = 1                    # how many samples had this code
    reference: str | None = None       # on the root
    events: list = field(default_factory=list, repr=False)      # on the root

    @property
    def Q(self):
        return self.q / self.visits if self.visits else 0.

    @property
    def terminal(self):
        return self.answer is not None

    @property
    def root(self):
        return self.parent.root if self.parent else self

    @property
    def steps(self):
        """The nodes from the first step down to this one."""
        return self.parent.steps + [self] if self.parent else []

    @property
    def path(self):
        """The text of the steps, as policy and PPM read it."""
        return BETWEEN.join(node.text for node in self.steps)

    @property
    def valid_children(self):
        return [child for child in self.children if not child.error]

    @property
    def live_children(self):
        return [child for child in self.valid_children if not child.dead]


def nodes(node):
    """The nodes of a tree or subtree in the order of their making."""
    below = [node]
    for one in below:
        below += one.children
    return sorted(below, key=lambda one: one.number)


def terminals(root):
    return [node for node in nodes(root) if node.terminal]


# ---------------------------------------------------------------------------------------------------------------------
# One rollout, and below it all that it calls.

def rollout(root, config):
    """Selects children from the root downwards until a trajectory ends, then backs its value up.

    A generator: it yields each leaf that it meets and goes on when that leaf has been expanded, so that `search_each` can
    expand the leaves of many trees in one batch.
    """
    node, depth = root, 0
    while not node.terminal and depth < config.depth:
        while may_be_expanded(node, config):          # anew, if only dead ends came again
            yield node
        if not node.live_children:
            break
        node, depth = select(node, config.c), depth + 1
    node.dead = not node.terminal
    back_up(node, value_of(node))


def may_be_expanded(node, config):
    """A node is expanded once; anew where all its valid children are dead ends, and not if all raised (deviation 4)."""
    return not node.live_children and node.expansions < (config.expansions if node.valid_children else 1)


def select(node, c):
    """The valid child with the highest UCT that is no dead end; the first of them in a tie."""
    return max(node.live_children, key=lambda child: uct(child, node.visits, c))


def uct(child, parent_visits, c):
    """Equation 1. An unvisited child comes before all others (deviation 1). `max`: with a PPM the root's children have a
    visit before the root has one."""
    if child.visits == 0:
        return math.inf
    return child.Q + c * math.sqrt(math.log(max(parent_visits, 1)) / child.visits)      # Eq. 1


def expand(leaves, policy, ppm, verifier, config, stops=(END_OF_STEP, END_OF_CODE)):
    """Expands many leaves at once: propose, merge, verify, state the answer, score -> the new nodes.

    With `stops=(END_OF_CODE,)` a candidate is a whole solution; that is how the baselines of `evaluate` sample.
    """
    limit = config.step_tokens * (1 if END_OF_STEP in stops else WHOLE)
    fresh, by_times = [], {}
    for leaf in leaves:
        by_times.setdefault(leaf.expansions, []).append(leaf)
    for times, some in sorted(by_times.items()):
        texts = [policy.prompt(leaf.root.text) + leaf.path + (BETWEEN if leaf.parent else "") for leaf in some]
        seed = config.seed + 1_000_000 * times        # expanded anew: other samples
        for leaf, candidates in zip(some, policy(texts, config.candidates, stops, limit, config.temperature, seed)):
            fresh += merge(leaf, candidates)
    verify(fresh, stops, verifier)
    state_answers([node for node in fresh if not node.error and END_OF_CODE in node.text], policy)
    valid = [node for node in fresh if not node.error]
    if ppm and valid:
        for node, score in zip(valid, ppm.score([(node.root.text, node.path) for node in valid])):
            node.ppm = node.q = score                 # Eq. 3: q(s)^0 = PPM(x + s_1 + ... + s),
            node.visits = 1                           # which counts as the first visit (deviation 2)
    return fresh


WHOLE = 4     # a whole solution may have so many times the tokens of a step; our choice


def merge(leaf, candidates):
    """Makes children of a leaf -> the new ones: one node for all candidates with the same code (deviation 3)."""
    first = len(nodes(leaf.root))
    known, fresh = {key_of(child.text): child for child in leaf.children}, []
    for text in candidates:
        text = textwrap.dedent(text).strip()
        key = key_of(text)
        if key in known:
            known[key].copies += 1
        else:
            known[key] = Node(text, leaf, first + len(fresh))
            fresh.append(known[key])
    leaf.children += fresh
    leaf.expansions += 1
    leaf.root.events.append(["expand", leaf.number, first, len(fresh)])
    return fresh


def key_of(text):
    """What two candidates share that are one node."""
    return "\n".join(lines_of_code(text)) or text, END_OF_CODE in text, END_OF_STEP in text


def verify(fresh, stops, verifier):
    """Runs each candidate with the code of its whole path. Sets `error` where it is not valid, and writes the output
    behind the step that prints."""
    for node in fresh:
        if not node.text.endswith(stops):
            node.error = "not finished: no end of the step within its length"
        elif "<output>" in node.text or "<answer>" in node.text:
            node.error = "wrote what only the verifier may write"
    runs = [node for node in fresh if not node.error]
    for node, result in zip(runs, verifier.run_batch([code_of(node.path) for node in runs])):
        if not result.ok:
            node.error = result.error
        elif END_OF_CODE in node.text:
            output = result.output.strip()
            if not output:
                node.error = "printed nothing"
            elif len(output) > OUTPUT_LIMIT or CONTROL.search(output) or any(marker in output for marker in MARKERS):
                node.error = "printed more than an answer"
            else:
                node.text += OUTPUT.format(output=output)


OUTPUT_LIMIT = 2000      # characters; our choice: no answer is longer, and policy and PPM have to read it
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")      # such as what clears a terminal


def state_answers(ended, policy):
    """The policy states the answer of each solution that has ended, in a box (deviation 5)."""
    texts = [policy.prompt(node.root.text) + node.path for node in ended]
    for node, (sentence,) in zip(ended, policy(texts, 1, (END_OF_ANSWER,), ANSWER_TOKENS) if ended else []):
        node.text += sentence
        stated = extract_answer(node.text.partition(END_OF_CODE)[2]) or ""       # the box, or else what was printed
        node.answer = " ".join(stated.split()) or None
        if node.answer is None:
            node.error = "states no answer"
        elif node.root.reference is not None:
            node.right = answers_equal(node.answer, node.root.reference)


ANSWER_TOKENS = 128      # our choice


def value_of(node):
    """q(s_d), the value of a trajectory that ends here: by the reference, else by the PPM, else by agreement."""
    if not node.terminal:
        return -1.
    if node.right is not None:
        return 1. if node.right else -1.
    if node.ppm is not None:
        return node.ppm
    return 2 * agreement(node, terminals(node.root)) - 1


def agreement(node, ends):
    """The share of the samples that have this node's answer, 0 to 1."""
    return sum(end.copies for end in ends if answers_equal(node.answer, end.answer)) / sum(end.copies for end in ends)


def back_up(node, value):
    """Equation 2: the value is added to every step of the path, and a visit is counted."""
    node.root.events.append(["back_up", node.number, value])
    while node:
        node.q += value                               # Eq. 2
        node.visits += 1
        node = node.parent


# ---------------------------------------------------------------------------------------------------------------------
# Many trees side by side.

def search(questions, policy, ppm=None, references=None, config=Config()):
    """Searches one tree per question and returns their roots, in order.

    With `references` (answers, one per question) a trajectory counts +1 or -1: this makes training data. Without, the
    PPM scores it: this is test time. Without a PPM either, the agreement among a tree's own answers does.
    """
    roots = [None] * len(questions)
    for i, root in search_each(questions, policy, ppm, references, config):
        roots[i] = root
    return roots


def search_each(questions, policy, ppm=None, references=None, config=Config(), bar=None):
    """As `search`, but yields (number of the question, root) as soon as a tree is done; the next question takes its place.

    `next` runs a tree until it needs a leaf expanded; then the leaves of all live trees are expanded in one batch."""
    waiting = list(zip(range(len(questions)), questions, references or [None] * len(questions)))[::-1]
    live, started, counted = [], time.time(), policy.tokens
    best, made, invalid = -math.inf, 0, 0
    with Verifier(timeout=config.timeout) as verifier:
        while waiting or live:
            while waiting and len(live) < config.batch:
                i, question, reference = waiting.pop()
                root = Node(question, reference=reference)
                rollouts = grow(root, config, bar)
                live.append((i, root, rollouts, next(rollouts)))
            leaves = [leaf for _, _, _, leaf in live]
            fresh = expand(leaves, policy, ppm, verifier, config)
            going_on = []
            for i, root, rollouts, _ in live:
                leaf = next(rollouts, None)
                if leaf:
                    going_on.append((i, root, rollouts, leaf))
                else:
                    yield i, root
            live = going_on
            if bar is not None:
                made, invalid = made + len(fresh), invalid + sum(bool(child.error) for child in fresh)
                best = max([best] + [child.ppm for child in fresh if child.terminal and child.ppm is not None])
                speed = (policy.tokens - counted) / (time.time() - started)
                bar.set_postfix(nodes=made, invalid=invalid, tokens_s=f"{speed:.0f}", **({"best": f"{best:.2f}"} if best > -1 else {}))


def grow(root, config, bar=None):
    """All rollouts of one tree, as a generator of the leaves to be expanded."""
    for done in range(1, config.rollouts + 1):
        yield from rollout(root, config)
        ended = reached(terminals(root), config.stop)
        if bar is not None:
            bar.update(config.rollouts - done + 1 if ended else 1)
        if ended:
            return


def reached(ends, score):
    """Has one of some terminal nodes this PPM score or a higher one?"""
    return any(end.ppm is not None and end.ppm >= score for end in ends)


# ---------------------------------------------------------------------------------------------------------------------
# Choosing the answer.

def choose(ends):
    """The trajectory to answer with, among terminal nodes of one or more trees of a problem, whether a rollout has ended
    there or not: the one with the highest PPM score. Without a PPM, one with the answer that most samples agree on. None if
    there is none."""
    if not ends:
        return None
    if ends[0].ppm is not None:
        return max(ends, key=lambda end: end.ppm)
    return majority(ends)


def majority(ends):
    """A trajectory with the answer that most samples agree on; the first in a tie."""
    return max(ends, key=lambda end: agreement(end, ends), default=None)


def solve(questions, policy, ppm, config, bar=None):
    """Up to `config.searches` trees per question, each with its own seed -> a list of roots per question. A question
    whose answer has reached `config.stop` is not searched again."""
    trees = [[] for _ in questions]
    for k in range(config.searches):
        open_ = [i for i, roots in enumerate(trees) if not any(reached(terminals(root), config.stop) for root in roots)]
        again = dataclasses.replace(config, seed=config.seed + 1000 * k)       # fresh trees, other samples
        if bar is not None:
            bar.update(config.rollouts * (len(questions) - len(open_)))
        for j, root in search_each([questions[i] for i in open_], policy, ppm, None, again, bar):
            trees[open_[j]].append(root)
    return trees


# ---------------------------------------------------------------------------------------------------------------------
# Evaluation: ways of answering at equal cost, on problems with references.

TREE_SEARCH = "tree search"
SERIES = (1, 2, 4, 8, 16, 32, 64)        # trajectories, here rollouts, for test-time scaling (the paper's 64 are whole searches)


def with_trajectories(j):
    return f"{TREE_SEARCH}, {j} {'trajectory' if j == 1 else 'trajectories'}"


def evaluate(problems, policy, ppm, config):
    """Answers some problems in several ways -> {way: [(right, tokens generated, the mean of these problems) per problem]}.

    Tree search goes first; each of the other ways in `config.ways` may then generate as many tokens on these problems (with
    `config.samples`: so many whole solutions, or their price). Greedy is always there and costs one solution. `adaptive` asks
    for one more solution until the PPM scores one as high as `config.stop`, so it may spend less.
    """
    questions, ways = [problem["question"] for problem in problems], config.ways.split(",")
    outcomes, budget = {}, 0.

    def note(way, ends, tokens):
        outcomes[way] = [(end is not None and answers_equal(end.answer, problem["reference"]), tokens) for end, problem in zip(ends, problems)]

    def spent_by(answer, *arguments):
        before = policy.tokens
        return answer(*arguments), (policy.tokens - before) / len(problems)

    if "tree" in ways:
        trees, budget = spent_by(solve, questions, policy, ppm, config)
        note(TREE_SEARCH, [choose([end for root in roots for end in terminals(root)]) for roots in trees], budget)
        for j in SERIES:
            if j <= config.rollouts * config.searches:        # the first trajectories: what a shorter search had seen
                cut = [first_trajectories(roots, j, policy) for roots in trees]
                note(with_trajectories(j), [choose(ends) for ends, _ in cut], sum(tokens for _, tokens in cut) / len(cut))
    with Verifier(timeout=config.timeout) as verifier:
        ends, greedy = spent_by(whole_solutions, questions, policy, ppm, verifier, dataclasses.replace(config, temperature=0.))
    note("greedy", [choose(found) for found in ends], greedy)
    if config.samples:
        budget = config.samples * greedy

    if "samples" in ways:
        sampled, tokens = spent_by(sample_on, questions, policy, ppm, config, budget)
        note("majority of N", [majority(ends) for ends in sampled], tokens)
        note("no PPM: vote of the positive whole", [majority([end for end in ends if is_positive(end.answer, whole=True)]) for ends in sampled], tokens)
        if ppm:
            note("best of N by the PPM", [choose(ends) for ends in sampled], tokens)
    if "step-wise" in ways and ppm:
        note("step-wise choice by the PPM", *spent_by(step_wise, questions, policy, ppm, config, budget, greedy))
    if "adaptive" in ways and ppm and config.stop <= 1:
        ends, tokens = spent_by(sample_on, questions, policy, ppm, config, budget, config.stop)
        note("adaptive best of N", [choose(found) for found in ends], tokens)
    return outcomes


def whole_solutions(questions, policy, ppm, verifier, config):
    """A sample of a whole solution for each question -> the terminal nodes of each, one or none."""
    roots = [Node(question) for question in questions]
    expand(roots, policy, ppm, verifier, dataclasses.replace(config, candidates=1), (END_OF_CODE,))
    return [terminals(root) for root in roots]


def sample_on(questions, policy, ppm, config, budget, enough=math.inf):
    """Whole solutions, one more for each question in turn, until `budget` tokens per question are spent, or with
    `config.samples` so many times. A question with a solution that the PPM scores `enough` gets no more. -> the terminal
    nodes of each."""
    found, start, drawn, left = [[] for _ in questions], policy.tokens, 0, budget * len(questions)
    with Verifier(timeout=config.timeout) as verifier:
        for k in range(config.samples or sys.maxsize):
            open_ = [i for i, ends in enumerate(found) if not reached(ends, enough)]
            if drawn and not config.samples:
                mean = max(1, (policy.tokens - start) / drawn)
                open_ = open_[:max(0, round((left - (policy.tokens - start)) / mean))]      # as many as the rest of the budget allows
            if not open_:
                break
            other, before = dataclasses.replace(config, seed=config.seed + 1000 * (k + 1)), policy.tokens       # other samples
            for i, ends in zip(open_, whole_solutions([questions[i] for i in open_], policy, ppm, verifier, other)):
                found[i] += ends
            if policy.tokens == before:                       # all of them longer than the model can read
                break
            drawn += len(open_)
    return found


def step_wise(questions, policy, ppm, config, budget, greedy):
    """The candidate that the PPM scores highest, step by step -> a trajectory for each question.

    As many candidates as `budget` tokens per question allow, if one candidate a step costs about `greedy` tokens. How wrong
    that was on some questions is made up for on the rest; they go in fours, since the error of the last ones stays."""
    k, asked, start, ends = budget / max(1, greedy), 0., policy.tokens, []
    while len(ends) < len(questions):
        four = questions[len(ends):][:4]
        more = round((k - int(k)) * len(four))       # k need not be whole: then some questions get one candidate more
        for some, candidates in ((four[:more], int(k) + 1), (four[more:], max(1, int(k)))):
            one = dataclasses.replace(config, candidates=candidates, rollouts=1)
            ends += [choose([end for end in terminals(root) if end.visits > 1]) for root in search(some, policy, ppm, None, one)]
        asked += k * len(four)
        spent = max(1, policy.tokens - start)
        k = max(0, budget * len(questions) - spent) / max(1, len(questions) - len(ends)) * asked / spent
    return ends


def first_trajectories(roots, count, policy):
    """-> (the terminal nodes that stood in a problem's trees when `count` trajectories had been backed up, tokens generated
    by then). The tokens are counted again from the texts, so candidates that were merged count as long as the kept one, and when
    that one was made."""
    ends, tokens = [], 0
    for root in roots:
        made = nodes(root)
        for what, *event in root.events:
            if what == "expand" and count:
                for node in made[event[1]:event[1] + event[2]]:
                    ends += [node] if node.terminal else []
                    step, end, rest = node.text.partition(END_OF_CODE)       # what follows the code was stated once
                    tokens += node.copies * policy.length(step + end) + policy.length(rest.partition("<answer>")[2])
            elif what == "back_up":
                count = max(0, count - 1)
    return ends, tokens


def is_positive(answer, whole=False):
    """Is it a positive number, as most answers of word problems are? Whole ones only, if asked. This much can be known without a PPM."""
    number = answer.replace(",", "")
    return bool(re.fullmatch(r"\+?(\d+\.?\d*|\.\d+)", number)) and float(number) > 0 and not (whole and float(number) % 1)


def wilson(k, n, z=1.96):
    """The 95% Wilson score interval of k successes in n trials."""
    p, zz = k / n, z * z / n
    middle, half = p + zz / 2, z * math.sqrt(p * (1 - p) / n + zz / (4 * n))
    return max(0., (middle - half) / (1 + zz)), min(1., (middle + half) / (1 + zz))


def paired_p(first, second):
    """Two-sided sign test on the problems that only one of two ways got right (McNemar, exact): how likely such a
    difference is if both are equally good."""
    only = [sum(a and not b for (a, _), (b, _) in zip(*pair)) for pair in ((first, second), (second, first))]
    n, k = sum(only), min(only)
    return min(1., 2 * sum(math.comb(n, i) for i in range(k + 1)) / 2 ** n)


def summary(outcomes):
    """{way: [(right, tokens)]} -> rows for the table and the JSON file."""
    rows = []
    for way, results in outcomes.items():
        k, n = sum(right for right, _ in results), len(results)
        low, high = wilson(k, n)
        rows.append(dict(way=way, right=k, n=n, percent=100 * k / n, low=100 * low, high=100 * high,
                         tokens_per_problem=sum(tokens for _, tokens in results) / n,
                         p_against_tree_search=paired_p(outcomes[TREE_SEARCH], results) if TREE_SEARCH in outcomes else None))
    return rows


def print_table(rows):
    print(f"{'way of answering':36}{'right':>12}{'':>8}{'95% interval':>16}{'tokens/problem':>17}{'p, to tree search':>20}")
    for row in rows:
        count, interval = f"{row['right']}/{row['n']}", f"{row['low']:.1f} - {row['high']:.1f}"
        p = "" if row["way"] == TREE_SEARCH or row["p_against_tree_search"] is None else f"{row['p_against_tree_search']:.3f}"
        print(f"{row['way']:36}{count:>12}{row['percent']:>7.1f}%{interval:>16}{row['tokens_per_problem']:>17.0f}{p:>20}")


# ---------------------------------------------------------------------------------------------------------------------
# Files: questions, trees.

QUESTION_KEYS, ANSWER_KEYS = ("question", "problem", "query"), ("answer", "solution", "ground_truth")


def read_text(path):
    try:
        text = Path(path).expanduser().read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file") from None
    except IsADirectoryError:
        raise UserError(f"{path}: this is a folder; give a .json or .jsonl file") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: this is not text in UTF-8; give a .json or .jsonl file, saved as UTF-8") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    if not text.strip():
        raise UserError(f"{path}: this file is empty")
    return text


def read_records(path):
    """The records of a .json list (or of one record alone) or a .jsonl file, with where each stands: (place, dict)."""
    text = read_text(path)
    if text.lstrip().startswith("[") or text.split("\n")[0].strip() == "{":
        found = parse_json(path, text)
        records = [(f"{path}, record {i + 1}", record) for i, record in enumerate(found if isinstance(found, list) else [found])]
    else:
        records = [(f"{path}, line {number}", parse_json(path, line, number)) for number, line in lines_of(text)]
    if not records:
        raise UserError(f"{path}: this file holds no records")
    for place, record in records:
        if not isinstance(record, dict):
            raise UserError(f'{place}: not an object; each record needs fields like {{"question": ..., "answer": ...}}')
    return records


def lines_of(text):
    """(number, line) of all lines that are not blank."""
    return [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]      # splitlines would cut at characters that JSON leaves as they are


def parse_json(path, text, first=1):
    """The value of a text that begins in line `first` of a file. Halves of characters (\\ud83d alone) become question marks."""
    try:
        value = json.loads(text)
        if "\\ud" in text.lower():
            value = json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
        return value
    except (ValueError, RecursionError) as error:
        line, reason = first + getattr(error, "lineno", 1) - 1, getattr(error, "msg", error)
        raise UserError(f"{path}, line {line}: not valid JSON: {reason}") from None


def read_problems(path):
    """Questions with references from a .json or .jsonl file -> [dict(question, reference)]. Reads GSM8K's `#### 18` and the
    \\boxed{} of MATH solutions; a plain answer is taken as it stands."""
    problems = []
    for place, record in read_records(path):
        question = next((record[key] for key in QUESTION_KEYS if record.get(key) is not None), None)
        answer = next((record[key] for key in ANSWER_KEYS if record.get(key) is not None), None)
        if not isinstance(question, str) or not question.strip():
            raise UserError(f"{place}: no question; one of the fields {', '.join(QUESTION_KEYS)} must hold it, as text")
        if not isinstance(answer, (str, int, float)) or isinstance(answer, bool) or answer != answer or not str(answer).strip():
            raise UserError(f"{place}: no answer; one of the fields {', '.join(ANSWER_KEYS)} must hold it, as text or a number")
        problems.append(dict(question=question, reference=extract_answer(str(answer)) or str(answer).strip()))
    return problems


NODE_FIELDS = "text visits q ppm error answer right copies".split()


def tree_to_line(root, index, settings):
    """A tree as one JSON line: all that the trainers and show.py read."""
    written = [dict(parent=node.parent.number if node.parent else None, **{name: getattr(node, name) for name in NODE_FIELDS})
               for node in nodes(root)]
    return json.dumps(dict(index=index, question=root.text, reference=root.reference, settings=settings,
                           nodes=written, events=root.events), ensure_ascii=False)


def line_to_tree(line):
    """The inverse of `tree_to_line` -> (root, index, settings). Raises ValueError if the line is not a tree."""
    try:
        record, made = json.loads(line), []
        for number, fields in enumerate(record["nodes"]):
            parent = None if fields["parent"] is None else made[fields["parent"]]
            if not isinstance(fields["text"], str) or not all(isinstance(fields[name], (int, float)) for name in ("visits", "q", "copies")):
                raise TypeError(f"node {number}: text, visits, q or copies is of another type")
            made.append(Node(parent=parent, number=number, **{name: fields[name] for name in NODE_FIELDS}))
            if parent:
                parent.children.append(made[-1])
        for event in record["events"]:
            node = made[event[1]]
            if event[0] == "expand":
                node.expansions += 1
            else:
                node.dead = not node.terminal
        made[0].reference, made[0].events = record["reference"], record["events"]
        return made[0], int(record["index"]), record["settings"]
    except (ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
        raise ValueError(f"not a tree as rstar.py writes it, one a line ({type(error).__name__}: {error})") from None


def half_written(line):
    """Is it the beginning of a tree's line, which a kill has cut off?"""
    if not line.startswith('{"index": '):
        return False
    try:
        json.loads(line)
    except ValueError:
        return True
    return False


def holds_trees(path):
    """Does a file hold trees? All else is read by `read_records`."""
    return '"nodes": [' in read_text(path).lstrip().partition("\n")[0]


def read_trees(path):
    """The roots of all trees in a file that `--trees` wrote. The last one is left out if a kill left it half written."""
    trees, lines = [], lines_of(read_text(path))
    for number, line in lines[:-1] if half_written(lines[-1][1]) else lines:
        try:
            trees.append(line_to_tree(line)[0])
        except ValueError as error:
            raise UserError(f"{path}, line {number}: {error}") from None
    return trees


def settings_of(args, config, problems):
    """What has to be the same for two results to belong together: all but where it runs, how fast and how precisely, and
    for trees what only --evaluate reads."""
    policy, ppm = args.policy or "tiny/policy", "tiny/ppm" if args.ppm == str(BUNDLED_PPM) else args.ppm
    how = dataclasses.asdict(config)
    how["ways"] = ",".join(sorted(config.ways.split(",")))
    for name in "device dtype batch rows".split() + ("ways samples".split() if args.trees else []):
        del how[name]
    return dict(policy=policy, ppm=ppm, **how, problems=hashlib.sha256(json.dumps(problems).encode()).hexdigest()[:16])


def refuse_other_settings(path, found, wanted):
    if not isinstance(found, dict) or not found.keys() & wanted.keys():
        raise UserError(f"{path}: holds something else; give another name")
    hashed = dict(problems="other questions", data_hash="other data")
    other = [hashed.get(name) or f"{name} {found.get(name)!r}, not {wanted[name]!r}" for name in wanted if found.get(name) != wanted[name]]
    if other:
        raise UserError(f"{path}: holds results of other settings ({'; '.join(other)}); give another name or the same settings")


def finished_trees(path, settings):
    """The indices of the trees that a file already holds. A last line that a kill left half written is cut off."""
    done, whole = set(), path.read_bytes()
    lines = whole.decode("utf-8", errors="replace").split("\n")
    last = lines.pop() if half_written(lines[-1]) else ""
    for number, line in lines_of("\n".join(lines)):
        try:
            _, index, found = line_to_tree(line)
        except ValueError as error:
            raise UserError(f"{path}, line {number}: {error}; give another file name") from None
        refuse_other_settings(path, found, settings)
        done.add(index)
    if last:
        os.truncate(path, whole.rfind(b"\n") + 1)
    elif whole and not whole.endswith(b"\n"):
        with path.open("a") as file:
            file.write("\n")
    return done


# ---------------------------------------------------------------------------------------------------------------------
# Command line.

BUNDLED_POLICY, BUNDLED_PPM = HERE / "tiny" / "policy", HERE / "tiny" / "ppm"
# The bundled models are unsure where the PPM scores an answer lower than LOW, where a smaller share of the tree's samples
# than AGREE has it, or where it is no positive number: of 500 answers to dev problems (plain, bare sums) 55 of these 75 were
# right (14 of the 22 with a low score), and 409 of the other 425.
LOW, AGREE = -.4, .7


class Parser(argparse.ArgumentParser):
    def error(self, message):
        hint = "; a value that begins with - is given as --FLAG=-VALUE" if "expected one argument" in message else ""
        raise UserError(f"{message}{hint} (--help lists all flags)")


def parse(arguments):
    parser = Parser(prog="rstar.py", description="rStar-Math: answers a mathematical problem by tree search over code steps.",
                    formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, epilog="""examples:
  python rstar.py --problem "Mia has 5 apples and buys 7 more. How many apples does she have?"
  python rstar.py --example --print-tree
  python rstar.py --problems questions.jsonl --evaluate results.json
  python rstar.py --problems questions.jsonl --trees trees.jsonl --policy Qwen/Qwen2.5-Math-1.5B-Instruct --ppm none""")
    what = parser.add_argument_group("what to do")
    what.add_argument("--problem", metavar="TEXT", help="answer this problem")
    what.add_argument("--example", action="store_true", help="answer a problem of the tiny world; --seed picks another one")
    what.add_argument("--problems", metavar="FILE", help=".json or .jsonl with question and answer in each record")
    what.add_argument("--trees", metavar="OUT", help="with --problems: search each problem, one tree a line; goes on where it stopped")
    what.add_argument("--evaluate", metavar="OUT", help="with --problems: compare ways of answering; goes on where it stopped")
    what.add_argument("--part", metavar="K/N", default="0/1", help="with --problems: every N-th problem from number K on, so that N processes share a file")
    what.add_argument("--print-tree", action="store_true", help="with --problem or --example: draw the tree")
    models = parser.add_argument_group("models")
    models.add_argument("--policy", default=None, help="folder, .gguf file or hub id (default: the bundled tiny/policy)")
    models.add_argument("--ppm", default=None, help="folder or hub id, or none (default: the bundled one for the bundled policy)")
    numbers = parser.add_argument_group("numbers of the method")
    for one in dataclasses.fields(Config):
        numbers.add_argument(f"--{one.name.replace('_', '-')}", type=type(one.default), default=one.default,
                             metavar=type(one.default).__name__.upper(), help=f"{one.metadata['help']}; default {one.default}")
    args = parser.parse_args(arguments)
    config = Config(**{one.name: getattr(args, one.name) for one in dataclasses.fields(Config)})
    empty = [flag for flag in ("policy", "ppm", "problems", "trees", "evaluate") if getattr(args, flag) == ""]
    if empty:
        raise UserError(f"--{empty[0]} is empty; give a name, or leave it out")
    asked = [flag for flag in ("problem", "example", "problems") if getattr(args, flag) not in (None, False)]
    if not asked:
        raise UserError('nothing asked: give --problem "TEXT", --example, or --problems FILE (--help lists all flags)')
    if len(asked) > 1:
        raise UserError(f"--{asked[0]} and --{asked[1]} exclude each other; give one of them")
    if args.problem is not None and not args.problem.strip():
        raise UserError('--problem is empty; give a question such as --problem "What is 3 + 4?"')
    if args.problems is not None and bool(args.trees) == bool(args.evaluate):
        raise UserError("--problems needs one of --trees OUT (search and keep the trees) and --evaluate OUT (compare ways of answering)")
    if args.problems is None and (args.trees or args.evaluate):
        raise UserError(f"--{'trees' if args.trees else 'evaluate'} needs --problems FILE")
    if args.trees and config.searches > 1:
        raise UserError("--searches: --trees keeps one tree per problem; for more, run again with another --seed and another OUT")
    if args.print_tree and args.problems is not None:
        raise UserError("--print-tree needs --problem or --example")
    part = re.fullmatch(r"(\d{1,9})/(\d{1,9})", args.part)
    if not part or int(part[1]) >= int(part[2]):
        raise UserError(f"--part {args.part}: not a part; 0/2 and 1/2 are the two halves")
    args.part = slice(int(part[1]), None, int(part[2]))
    if args.ppm is None:
        args.ppm = str(BUNDLED_PPM) if Path(args.policy or BUNDLED_POLICY).expanduser().resolve() == BUNDLED_POLICY else "none"
    asked = set(config.ways.split(",")) if config.ways != Config.ways else set()
    if args.ppm == "none" and asked & {"step-wise", "adaptive"}:
        raise UserError(f"--ways {config.ways}: step-wise and adaptive need a --ppm")
    if config.stop > 1 and "adaptive" in asked:
        raise UserError(f"--ways {config.ways}: adaptive needs a --stop of at most 1, the PPM score at which it is content")
    return args, config


def load_models(args, config):
    policy = Policy(args.policy or BUNDLED_POLICY, config)
    ppm = None if args.ppm == "none" else PPM(args.ppm, config)
    if ppm is None and not args.trees:
        print("rstar: no PPM, so answers are chosen by the agreement of a tree's own answers (--ppm gives one)", file=sys.stderr)
    return policy, ppm


def too_long(questions, policy):
    """Those that leave the model nothing to write in; a search finds no answer to them."""
    return [question for question in questions if policy.length(policy.prompt(question)) >= policy.longest]


def tell_too_long(problems, policy, args):
    long = too_long([problem["question"] for problem in problems], policy)
    if long:
        print(f"rstar: {args.problems}: questions longer than the model can read ({policy.longest} tokens), which count as not answered: "
              f"{len(long)} of {len(problems)}; the first: {long[0][:60]!r}", file=sys.stderr)


def writable(path):
    """-> the Path, once it is sure that a file can be written there: told before hours of work, not after."""
    path = Path(path).expanduser()
    try:
        existed = path.exists()
        if existed and not path.is_file():
            raise UserError(f"{path}: cannot be written: this is no plain file")
        path.open("a").close()
        if not existed:
            path.unlink()
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}") from None
    return path


def progress(total, what, done=0):
    return tqdm(total=total, initial=done, unit=what, file=sys.stderr, dynamic_ncols=True)


def answer_one(args, config):
    """--problem and --example. Exit code 0 if an answer was found, else 1."""
    question = args.problem and args.problem.encode("utf-8", "replace").decode()      # half characters
    if args.example:
        sys.path.insert(0, str(HERE / "tiny"))
        import world
        question = world.problems("test", "plain", 1, config.seed)[0].question
        print(f"{question}\n")
    policy, ppm = load_models(args, config)
    if too_long([question], policy):
        raise UserError(f"--problem is longer than the model can read ({policy.longest} tokens)")
    with progress(config.rollouts * config.searches, "rollout") as bar:
        trees, = solve([question], policy, ppm, config, bar)
    if args.print_tree:
        for root in trees:
            print_tree(root)
    ends = [end for root in trees for end in terminals(root)]
    end = choose(ends)
    if end is None:
        print("rstar: no trajectory came to an answer; try more --rollouts or --searches", file=sys.stderr)
        print("Answer: none found")
        return 1
    for node in end.steps:
        score = "" if node.ppm is None else f"    [PPM {node.ppm:+.2f}]"
        body, marker, rest = node.text.partition(END_OF_STEP if END_OF_STEP in node.text else END_OF_CODE)
        print(f"{body.strip()}{score}\n")
        if rest:
            print(rest.replace("<output>", "Output: ").replace("<end_of_output>", "").replace("<answer>", "").replace(END_OF_ANSWER, "").strip() + "\n")
    agree = agreement(end, ends)
    if Path(args.ppm).expanduser().resolve() == BUNDLED_PPM and (end.ppm < LOW or agree < AGREE or not is_positive(end.answer)):
        print(f"rstar: low confidence (PPM {end.ppm:+.2f}, {agree:.0%} of the tree's samples agree): the bundled model knows "
              "only its small world of school problems; --policy FOLDER_OR_HUB_ID brings a real one", file=sys.stderr)
    print(f"Answer: {end.answer}")
    return 0


def print_tree(root, node=None, indent=""):
    """The tree as text: visits, Q and PPM score of each node, and its thought or why it is not valid."""
    node = node or root
    if node is root:
        print(f"{'N':>4} {'Q':>6} {'PPM':>6}")
    thought = next((line for line in node.text.splitlines() if line.strip()), "")
    ending = f"  ✗ {node.error}" if node.error else f"  → {node.answer}" if node.terminal else ""
    ppm = "" if node.ppm is None else f"{node.ppm:+.2f}"
    print(f"{node.visits:>4} {node.Q:>+6.2f} {ppm:>6}  {indent}{'' if node is root else '└ '}{thought[:90]}{ending}")
    for child in node.children:
        print_tree(root, child, indent + ("" if node is root else "  "))


def hold(file):
    """Keeps an open file to this process, where the system can: two searches would cut off each other's lines."""
    try:
        import fcntl
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UserError(f"{file.name}: another search is writing to it; give another file name, or wait for that one") from None
    except (ImportError, OSError):      # Windows, some network file systems
        pass


def search_file(args, config):
    """--problems FILE --trees OUT: every finished tree is appended at once."""
    problems, out = read_problems(args.problems)[args.part], writable(args.trees)
    settings = settings_of(args, config, problems)
    if not problems:            # --part of fewer problems than parts: an empty file would be refused by all that read trees
        print(f"{out}: no problem falls into this part")
        return 0
    solved = 0
    with open(out, "a", encoding="utf-8") as file:
        hold(file)
        done = finished_trees(out, settings)
        missing = [i for i in range(len(problems)) if i not in done]
        if missing:
            policy, ppm = load_models(args, config)
            todo = [problems[i] for i in missing]
            tell_too_long(todo, policy, args)
            with progress(len(missing) * config.rollouts, "rollout") as bar:
                for j, root in search_each([p["question"] for p in todo], policy, ppm, [p["reference"] for p in todo], config, bar):
                    file.write(tree_to_line(root, missing[j], settings) + "\n")
                    file.flush()
                    solved += any(end.right for end in terminals(root))
    print(f"{out}: {len(problems)} trees, {len(missing)} of them new" + (f", {solved} of these solved" if missing else ""))
    return 0


def evaluate_file(args, config):
    """--problems FILE --evaluate OUT: the outcomes of every batch of problems are written at once."""
    problems, out = read_problems(args.problems)[args.part], writable(args.evaluate)
    part = writable(out.with_name(f".{out.name}.{os.getpid()}"))
    settings = settings_of(args, config, problems)
    outcomes = {}
    if out.exists() and out.stat().st_size:
        try:
            found = json.loads(read_text(out))
            refuse_other_settings(out, found["settings"], settings)
            outcomes = found["outcomes"]
            if len({len(results) for results in outcomes.values()}) != 1 or not all(
                    right in (True, False) and 0 <= tokens < math.inf for results in outcomes.values() for right, tokens in results):
                raise ValueError
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise UserError(f"{out}: this file holds something else than an evaluation; give another file name") from None
    start = len(next(iter(outcomes.values()), []))
    if start < len(problems):
        policy, ppm = load_models(args, config)
        tell_too_long(problems[start:], policy, args)
        size = math.ceil(len(problems) / math.ceil(len(problems) / config.batch))      # of about one size: a batch of two could not spend a budget evenly
        with progress(len(problems), "problem", start) as bar:
            for i in range(start, len(problems), size):
                some = problems[i:i + size]
                for way, results in evaluate(some, policy, ppm, config).items():
                    outcomes.setdefault(way, []).extend(results)
                part.write_text(json.dumps(dict(settings=settings, rows=summary(outcomes), outcomes=outcomes)))
                os.replace(part, out)
                bar.update(len(some))
                bar.set_postfix({way: f"{sum(right for right, _ in outcomes[way])}/{len(outcomes[way])}" for way in (TREE_SEARCH, "greedy") if way in outcomes})
    print_table(summary(outcomes))
    return 0


def run(program, work, memory, interrupted=""):
    """Runs `work` -> its exit code. What a user can mend is told in one line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")      # a terminal that knows no such letter
    try:
        code = work()
        print(end="", flush=True)
        return code
    except UserError as error:
        message = error
    except BrokenPipeError:                           # whoever read stdout has left, such as `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141                                    # what a shell says then
    except OSError as error:
        message = f"{error.filename or 'reading or writing'}: {error.strerror or error}"
    except KeyboardInterrupt:
        print(f"\n{program}: interrupted{interrupted}", file=sys.stderr)
        return 130
    except (MemoryError, RuntimeError) as error:
        if "home directory" in str(error):            # Path.expanduser
            message = "a path begins with ~ and a name that no user here has; give the whole path"
        elif isinstance(error, MemoryError) or re.search("out of memory|not enough memory|can't allocate memory", str(error), re.I):
            message = f"out of memory: try {memory}"
        else:
            raise
    print(f"{program}: {message}", file=sys.stderr)
    return 2


def main(arguments=None):
    def work():
        args, config = parse(arguments)
        return (search_file if args.trees else evaluate_file if args.evaluate else answer_one)(args, config)
    return run("rstar", work, "fewer sequences at a time (--rows 16 --batch 4) or a smaller model",
               "; what was finished of --problems is on disk, and the same command goes on from there")


if __name__ == "__main__":
    sys.exit(main())

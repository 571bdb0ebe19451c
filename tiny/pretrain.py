"""Makes the tiny world's base: a byte-level BPE tokenizer and a small Qwen3 of 1.8M parameters, from scratch.

Qwen3 is Qwen2 with norms on queries and keys: with them the right number is copied after far fewer tokens (LOG.md). A
Qwen2 would not do in any case: transformers 5.24 reads every folder of that type with Qwen2's own tokenizer, whatever the
folder says, and the numbers would fall apart.

    torchrun --nproc_per_node 2 tiny/pretrain.py --out tiny/base       # a process per core; under two hours on two (LOG.md)

The corpus is made on the fly and never repeats: problems of the split `pretrain` with the solutions that `world.student`
writes, misconceptions included. What mattered most when this was tried out: those norms, a rate that is not too high, and
training until copying the right numbers has formed (`well_formed` below; `sampled` and `greedy` in the log); a starved base
is weak in a way that no search can mend. Kill it and start it again: it goes on from its last checkpoint, and since the
batches are a function of the seed and the step, with the same data.
"""
import argparse
import json
import os
import random
import re
import sys
import time
from pathlib import Path
from typing import NamedTuple

import torch
import torch.distributed as dist
import torch.nn.functional as F
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from tqdm import tqdm
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

sys.path.insert(0, str(Path(__file__).parent.parent))
import world
from rstar import END_OF_ANSWER, MARKERS, OUTPUT, PROMPT

VOCABULARY = 3072
SHAPE = dict(hidden_size=160, num_hidden_layers=4, num_attention_heads=5, num_key_value_heads=5, head_dim=32, intermediate_size=480)
RARE = 400               # few problems have larger numbers
POOL = 64                # batches that are made together, so that each holds problems of about one length
GRAIN = 32               # lengths are rounded up to this: bf16 kernels are made anew for every shape, which cost 2/3 of the time
LENGTHS = {1: 32, 2: 20, 3: 14, 4: 10, 5: 8, 6: 6, 7: 4, 8: 3, 9: 3}      # steps of problems on any concept: how often
CORE_LENGTHS = (1, 1.5, 1.5, 1.5, 1.5, 1.4, 1.4, 1, 1)                     # the same for those on the core


class Phase(NamedTuple):
    tokens: float        # in millions
    first: float         # share of --rate at its start
    last: float          # and at its end, linear between
    batch: int           # tokens of one process
    sums: float          # share of bare sums: in stories large numbers are rare, and one never written in training cannot be written
    core: float          # share of problems on the concepts that the rounds are about
    longest: int         # steps of all others: long ones teach little before the short ones are mastered
    large: float = 0.    # share of sums with a result that is rare in the rest
    tales: float = 0.    # share of tales


# Short stories first. Small batches taught more per minute, and at the end larger ones more than halved what was malformed (LOG.md,
# both of the base before).
PHASES = [Phase(*row) for row in (
    (3, 1., 1., 1024, .1, 0., 1),
    (9, 1., 1., 1024, .05, 0., 3),
    (12, 1., 1., 1024, .05, 0., 9),
    (126, 1., 0., 2048, .08, .35, 3, .03, .35))]


# ---- tokenizer

def build_tokenizer():
    """Byte-level BPE, so that any text can be encoded; numbers 0-999 and names of quantities are one token each."""
    # The space before a number belongs to the word before it. As a token of its own it stood between the number and the
    # word that tells what the number is, and picking the right number was not learned in 10M tokens.
    split = Regex(r" ?n\d(?!\w)| ?\p{L}+ ?(?=\d)| ?\p{L}+|\d{1,3}| ?[^\s\p{L}\d]+ ?(?=\d)| ?[^\s\p{L}\d]+\n*|\s*\n+|\s+(?!\S)|\s+")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(split, "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    rng = random.Random("tokenizer")
    every = PHASES[-1]                                              # all kinds of problems
    texts = ["".join(piece for piece, _ in example(rng, draw(rng, every))) for _ in range(20000)]
    numbers = [" ".join(map(str, range(1000)))] * 3000             # often enough to be merged first
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, special_tokens=["<pad>", *MARKERS], show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    pieces = [piece for text in texts for piece in re.split("|".join(map(re.escape, MARKERS)), text)]
    tokenizer.train_from_iterator(numbers + pieces, trainer)
    # The one sentence that stands in every prompt is one token as well.
    tokenizer.add_tokens([AddedToken(re.search(r": Let's.*code\.", PROMPT).group(), normalized=False)])
    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token=END_OF_ANSWER)
    assert all(len(wrapped.encode(str(n))) == 1 for n in range(1000))
    return wrapped


# ---- corpus

def draw(rng, phase):
    """A problem of the kinds that the phase is about."""
    kind = rng.random()
    if kind < phase.sums:
        return world.draw(rng, "pretrain", 1, 0., 0., among=world.SUMS)
    if kind < phase.sums + phase.core:
        steps = rng.choices(range(1, 10), CORE_LENGTHS)[0]
        delayed, strict = rng.choice(((.06, .3), (.06, .3), (.6, 1.), (.6, rng.random())))
        return world.draw(rng, "pretrain", steps, delayed, strict, among=world.CORE)
    while kind < phase.sums + phase.core + phase.large:          # bare sums, until one is large
        p = world.draw(rng, "pretrain", 1, 0., 0., among=("plus", "minus"))
        if RARE < int(p.answer) <= world.LARGEST:
            return p
    if kind < phase.sums + phase.core + phase.large + phase.tales:
        return world.draw(rng, "pretrain", 1, 0., 0., among=world.TALES)
    steps = rng.choices(range(1, phase.longest + 1), [LENGTHS[n] for n in range(1, phase.longest + 1)])[0]
    delayed, strict = (rng.choice((0., .12)), rng.choice((0., 0., .3))) if steps < 4 else (rng.choice((.12, .3, .6)), rng.choice((0., .3, 1.)))
    return world.draw(rng, "pretrain", steps, delayed, strict)


def example(rng, p):
    """A problem as (text, is it trained on) pieces: the question, a student's solution, its output, the stated answer.

    What the model does not have to write is not trained on. That matters: names, numbers and outputs cannot be foreseen,
    and a first run that trained on them learned nothing but noise for 7M tokens."""
    choices, code = world.student(rng, p)
    output = world.run(p, choices)
    stated = [] if output is None else [(OUTPUT.format(output=output), False), (world.stated(output), True)]
    return [(PROMPT.format(question=p.question), False), (code, True), *stated]


def batches(tokenizer, seed, pool, phase):
    """A pool of batches, a function of its number and the phase: lists of (length, rows, [(ids, which of them are trained on)])."""
    rng, rows = random.Random(f"{seed} {pool}"), []
    while sum(len(ids) for ids, _ in rows) < phase.batch * POOL:
        pieces = [(tokenizer.encode(text), trained) for text, trained in example(rng, draw(rng, phase))]
        rows.append((sum((ids for ids, _ in pieces), []), sum(([trained] * len(ids) for ids, trained in pieces), [])))
    made, by_length = [], {}
    for row in rows:
        by_length.setdefault(-(-len(row[0]) // GRAIN) * GRAIN, []).append(row)
    for length, same in by_length.items():
        each = max(1, phase.batch // length)
        made += [(length, each, same[i:i + each]) for i in range(0, len(same), each)]
    rng.shuffle(made)
    return made


def average_gradients(model, processes):
    """All processes take the same step."""
    if processes > 1:
        together = torch.cat([p.grad.flatten() for p in model.parameters()])
        dist.all_reduce(together)
        for p, grad in zip(model.parameters(), together.split([p.numel() for p in model.parameters()])):
            p.grad.copy_(grad.view_as(p) / processes)


def collate(length, each, batch):
    """-> ids (B, T) padded on the right, and the positions that count in the loss, padded with -1 to a round number."""
    ids, counts = torch.zeros(each, length, dtype=torch.long), torch.zeros(each, length, dtype=torch.bool)
    for row, (tokens, trained) in enumerate(batch):
        ids[row, :len(tokens)], counts[row, :len(tokens)] = torch.tensor(tokens), torch.tensor(trained)
    positions = counts.flatten().nonzero()[:, 0]
    return ids, F.pad(positions, (0, -len(positions) % (4 * GRAIN)), value=-1)


# ---- training

def optimizers(model, rate):
    """Muon for the matrices, AdamW for embeddings, norms and biases."""
    matrices = [p for name, p in model.named_parameters() if p.dim() == 2 and "embed" not in name]
    others = [p for name, p in model.named_parameters() if p.dim() != 2 or "embed" in name]
    return [torch.optim.Muon(matrices, lr=rate, momentum=.95, weight_decay=.01, adjust_lr_fn="match_rms_adamw"),
            torch.optim.AdamW(others, lr=rate, betas=(.9, .95), weight_decay=0., fused=True)]


def schedule(seen, tokens):
    """(phase, rate as a share of --rate) after `seen` of all `tokens`."""
    at = seen / tokens * sum(phase.tokens for phase in PHASES)
    for phase in PHASES:
        if at < phase.tokens or phase is PHASES[-1]:
            break
        at -= phase.tokens
    return phase, phase.first + (phase.last - phase.first) * min(1., at / phase.tokens)


@torch.inference_mode()
def well_formed(model, tokenizer, temperature):
    """On 60 problems of dev, of 1, 2, 3 and 5 steps: share of the steps that are the right one or a known misconception with
    the right numbers, and k/n of the problems that are right to the end."""
    rng = random.Random("well-formed")
    ps = [world.draw(rng, "dev", length, .12, .3) for length in [1, 2, 3, 5] * 15]
    inputs = tokenizer([PROMPT.format(question=p.question) for p in ps], return_tensors="pt", padding=True, padding_side="left")
    inputs.pop("token_type_ids", None)
    sampling = dict(do_sample=True, temperature=temperature, top_k=0) if temperature else dict(do_sample=False)
    ids = model.generate(**inputs, max_new_tokens=360, pad_token_id=tokenizer.pad_token_id,
                         eos_token_id=tokenizer.convert_tokens_to_ids("<end_of_code>"), **sampling)
    good = steps = right = 0
    for p, row in zip(ps, ids[:, inputs["input_ids"].shape[1]:]):
        text = tokenizer.decode(row)
        said = re.findall(r"^n\d+ = (.*)$", text, re.M)
        known = [[e for _, e in forms] for _, forms in p.steps]
        good += sum(s in k for s, k in zip(said, known))
        steps += max(len(said), len(known))
        right += said == [k[0] for k in known] and "<end_of_code>" in text
    return round(good / steps, 3), f"{right}/{len(ps)}"


def new_model(tokenizer):
    return Qwen3ForCausalLM(Qwen3Config(
        vocab_size=len(tokenizer), tie_word_embeddings=True, max_position_embeddings=2048, attention_bias=True,
        pad_token_id=tokenizer.pad_token_id, eos_token_id=tokenizer.eos_token_id, bos_token_id=None, attn_implementation="eager", **SHAPE))


def loss_of(model, body, length, each, batch):
    """Mean cross entropy of the tokens that a student has to write. `body` is the compiled `model.model`."""
    ids, positions = collate(length, each, batch)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        hidden = body(input_ids=ids, use_cache=False).last_hidden_state                         # (B, T, D)
        logits = model.lm_head(hidden.flatten(0, 1)[(positions - 1).clamp(min=0)])              # (positions, V)
    targets = ids.flatten()[positions.clamp(min=0)].masked_fill(positions < 0, -100)
    return F.cross_entropy(logits.float(), targets)


def train(model, tokenizer, args, state, processes, rank):
    """Goes on from `state` if it is there; writes it every 900 seconds and at the end, with a line of the log."""
    body = torch.compile(model.model, dynamic=True)      # this and eager attention together are 1.5 times as fast at these sizes
    opts = optimizers(model, args.rate)
    seen, pool, log, start = 0, 0, [], time.time()
    settings = dict(tokens=args.tokens, rate=args.rate, seed=args.seed, processes=processes)
    if os.path.exists(state):
        kept = torch.load(state)
        if kept.get("settings") != settings:
            sys.exit(f"pretrain: {state} was made with {kept.get('settings', 'other settings')}; give the same, or another --out")
        model.load_state_dict(kept["model"])
        for opt, kept_opt in zip(opts, kept["opts"]):
            opt.load_state_dict(kept_opt)
        seen, pool, log, start = kept["seen"], kept["pool"], kept["log"], start - kept["seconds"]
    bar = tqdm(total=int(args.tokens), initial=seen, unit="tok", unit_scale=True, mininterval=10, disable=rank > 0)
    average, saved = None, time.time()
    while seen < args.tokens:
        phase, _ = schedule(seen, args.tokens)
        made = batches(tokenizer, args.seed, pool * processes + rank, phase)
        for step, (length, each, batch) in enumerate(made[:POOL], pool * POOL + 1):      # as many in every process
            _, share = schedule(seen, args.tokens)
            rate = args.rate * share * min(1., step / 100)            # after a warm-up
            for group in [group for opt in opts for group in opt.param_groups]:
                group["lr"] = rate
            loss = loss_of(model, body, length, each, batch)
            loss.backward()
            average_gradients(model, processes)
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.)
            for opt in opts:
                opt.step()
                opt.zero_grad()
            seen += phase.batch * processes                            # padding included, so that all processes agree
            average = loss.item() if average is None else .98 * average + .02 * loss.item()
            bar.update(phase.batch * processes)
            bar.set_postfix(loss=f"{average:.3f}", refresh=False)
        pool += 1
        if rank == 0 and (time.time() - saved > 900 or seen >= args.tokens):
            saved = time.time()
            log.append(dict(tokens=seen, minutes=round((saved - start) / 60, 1), loss=round(average, 4),
                            sampled=well_formed(model, tokenizer, 1.), greedy=well_formed(model, tokenizer, 0.)))
            print(json.dumps(log[-1]), flush=True)
            torch.save(dict(model=model.state_dict(), opts=[o.state_dict() for o in opts], seen=seen, pool=pool, log=log,
                            seconds=saved - start, settings=settings), state + ".part")
            os.replace(state + ".part", state)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", default="tiny/base")
    parser.add_argument("--tokens", type=float, default=1e6 * sum(phase.tokens for phase in PHASES))
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    processes, rank = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("RANK", 0))
    if processes > 1:
        dist.init_process_group("gloo")
        torch.set_num_threads(1)
    os.makedirs(args.out, exist_ok=True)
    torch.manual_seed(args.seed)
    tokenizer = build_tokenizer()
    model = new_model(tokenizer)
    train(model, tokenizer, args, args.out.rstrip("/") + ".state", processes, rank)
    if rank == 0:
        model.to(torch.bfloat16).save_pretrained(args.out)
        tokenizer.save_pretrained(args.out)


if __name__ == "__main__":
    main()

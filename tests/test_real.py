"""What real models bring: habits, tokenizers, chat templates, settings, memory that runs out.

No model is downloaded: small random ones stand in, with the shape, the kind of tokenizer and the
kind of chat template of a family.
"""

import datetime
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import transformers
from safetensors.torch import load_file
from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    trainers,
)

import cli
import common
import evaluate
import rstar
import stock
import train_policy
import train_ppm
from rstar import (
    BETWEEN,
    END_OF_ANSWER,
    END_OF_CODE,
    END_OF_STEP,
    MARKERS,
    OUTPUT,
    PPM,
    Policy,
    UserError,
    encode,
    format_prompt,
)

ROOT = Path(__file__).parents[1]
STEP = (END_OF_STEP, END_OF_CODE)


def repair(text):
    return rstar.in_each_piece(stock.repair, text)


def dedent(text):
    return rstar.in_each_piece(stock.dedent, text)


# --------------------------------------------------------------------------------------------------
# Stand-ins.

QWEN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
# The control tokens of each family, the first being the end token.
CONTROL = {
    "gpt2": ["<|endoftext|>"],
    "llama": ["<|eot_id|>", "<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>"],
    "qwen2": ["<|im_end|>", "<|im_start|>", "<|endoftext|>"],
    "qwen3": ["<|im_end|>", "<|im_start|>", "<|endoftext|>"],
    "gemma": ["<eos>", "<bos>", "<start_of_turn>", "<end_of_turn>", "<pad>"],
    "phi3": ["<|end|>", "<s>", "</s>", "<|user|>", "<|assistant|>"],
}
BEGIN = dict(llama="<|begin_of_text|>", gemma="<bos>", phi3="<s>")
TEMPLATES = dict(
    # Prints the date, as Llama 3's does.
    llama="{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>"
    "Today: {{ strftime_now('%d %b %Y') }}\n{{ m.content }}<|eot_id|>{% endfor %}"
    "<|start_header_id|>assistant<|end_header_id|>\n\n",
    qwen2="{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "<|im_start|>assistant\n",
    # Opens a block of thoughts and closes it.
    qwen3="{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "<|im_start|>assistant\n<think>\n\n</think>\n\n",
    # Knows no system message, and calls the assistant a model.
    gemma="{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}"
    "{{ raise_exception('no system role') }}{% endif %}<start_of_turn>{{ m.role }}\n"
    "{{ m.content }}<end_of_turn>\n{% endfor %}<start_of_turn>model\n",
    phi3="{{ bos_token }}{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}<|end|>\n"
    "{% endfor %}<|assistant|>\n",
)
KINDS = list(CONTROL)


def make_tokenizer(kind):
    """A tokenizer that merges blank lines, as that of its family does."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>" if kind in ("gemma", "phi3") else None))
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.decoder = decoders.ByteLevel()
    if kind in ("gemma", "phi3"):  # SentencePiece, which sees no words
        tokenizer.normalizer = normalizers.Replace(" ", "▁")
        tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.Fuse()])
        alphabet = [chr(code) for code in range(32, 127)] + ["\n", "▁"]
    elif kind == "gpt2":
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    else:
        split = pre_tokenizers.Split(Regex(QWEN), "isolated")
        byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, byte_level])
    trainer = trainers.BpeTrainer(
        vocab_size=420,
        special_tokens=[*CONTROL[kind], "<unk>"],
        initial_alphabet=alphabet,
        show_progress=False,
    )
    text = "# Step 1: Add\nn1 = 5 + 7\n\n# Step 2: print\nprint(n1)\n\n\nThe answer is"
    tokenizer.train_from_iterator([text] * 20, trainer)
    wrapped = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token=CONTROL[kind][0], bos_token=BEGIN.get(kind)
    )
    wrapped.chat_template = TEMPLATES.get(kind)
    return wrapped


def make_tuned_tokenizer(kind):
    """The same after train_policy.py has given each marker a token."""
    tokenizer = make_tokenizer(kind)
    added = [AddedToken(marker, special=True, normalized=False) for marker in MARKERS]
    tokenizer.add_tokens(added, special_tokens=True)
    return tokenizer


def make_model(kind, folder):
    torch.manual_seed(0)
    tokenizer = make_tokenizer(kind)
    name = {"gpt2": "GPT2", "qwen2": "Qwen2", "qwen3": "Qwen3"}.get(kind, kind.capitalize())
    shape = dict(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        intermediate_size=48,
        max_position_embeddings=8192,
    )
    if kind == "gpt2":
        shape = dict(n_embd=32, n_layer=2, n_head=4, n_positions=8192)
    config = getattr(transformers, f"{name}Config")(
        vocab_size=len(tokenizer),
        pad_token_id=None,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        **shape,
    )
    model_class = getattr(
        transformers, "GPT2LMHeadModel" if kind == "gpt2" else f"{name}ForCausalLM"
    )
    model = model_class(config)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    return make_model("llama", tmp_path_factory.mktemp("llama"))


# --------------------------------------------------------------------------------------------------
# What a chat model writes around its code.

ASKED = "# Step 1: Add the apples\nx = 1 + 2\n"


@pytest.mark.parametrize(
    "habit",
    [
        f"```python\n{ASKED}```\n",
        f"```\n{ASKED}```\n",
        f"```python\n{ASKED}",  # the fence is closed behind the marker
        f"~~~py\n{ASKED}~~~\n",
        f"  ```python\n{ASKED}  ```\n",
        f"<code>\n{ASKED}</code>\n",
        f"python\n{ASKED}",  # the fence was opened by the prompt
        "```\n    # Step 1: Add the apples\n    x = 1 + 2\n```\n",
        "    # Step 1: Add the apples\n    x = 1 + 2\n",
        "# Step 1: Add the apples\n    x = 1 + 2\n",
    ],
)
def test_fences_tags_and_indentation_are_removed(habit):
    assert dedent(repair(f"{habit}{END_OF_STEP}")) == f"{ASKED}{END_OF_STEP}"


@pytest.mark.parametrize(
    "line",
    [
        "Step 1: Add the apples",
        "Step 1:",
        "**Step 1: Add the apples.**",
        "Step 1 - add the apples",
        "Sure! Here is the next step:",
        "Sure!",
        "Okay.",
        "First:",
        "Here's the code:",
        "I'll start by adding the apples.",
        "Now, let's add",
        "1. First, we add the apples.",
        "(a) We add the apples",
        "- the number of apples",
        "* Add 5",
        "We need x = 5 apples (in total).",
        "Note that 5 - 3 = 2.",
        "The answer is:",
        "from the problem we know 5",
        "for each apple, we add one",
        "if we add these, the sum is 5",
        r"\[ x = 3 \]",
        r"$x = 3$ apples",
    ],
)
def test_a_line_of_prose_becomes_a_comment(line):
    assert repair(f"{line}\nx = 3\n{END_OF_STEP}") == f"# {line}\nx = 3\n{END_OF_STEP}"
    assert repair(f"x = 3\n{line}\n{END_OF_STEP}") == f"x = 3\n# {line}\n{END_OF_STEP}"


@pytest.mark.parametrize(
    "code",
    [
        "x = = 3\n",
        "total = 5 apples\n",
        "for i in range(3)\n    print(i)\n",
        "for i in items\n    print(i)\n",
        "while x < 3\n    x += 1\n",
        "if x\n    print(x)\n",
        "else\n    print(x)\n",
        "print x\n",
        "x = (1\n",
        "x = 5 # apples\n",
        "print('Step 1: Add the apples')\n",
        "text = '''\nStep 1: Add\n'''\n",
        "if True:\n    # Sure!\n    x = 1\n",
        "x: int = 3\n",
        "s = 'it\\(s'\n",
        "x = 1\0\n",
        "(" * 5000 + ")" * 5000,
    ],
)
def test_code_and_true_errors_stay_as_they_are(code):
    assert repair(f"{code}{END_OF_STEP}") == f"{code}{END_OF_STEP}"


def test_each_step_of_a_whole_solution_is_repaired():
    written = f"Step 1: Add\nx = 1\n{END_OF_STEP}\n\nStep 2: Print\nprint(x)\n{END_OF_CODE}"
    asked = f"# Step 1: Add\nx = 1\n{END_OF_STEP}\n\n# Step 2: Print\nprint(x)\n{END_OF_CODE}"
    assert repair(written) == asked


def test_code_behind_an_indented_step_runs():
    text = dedent(f"    x = 1 + 2\n    print(x)\n{END_OF_CODE}")
    assert text == f"x = 1 + 2\nprint(x)\n{END_OF_CODE}"


def fenced(policy, monkeypatch):
    """A policy whose samples are steps in fences; its answers stay what they are."""

    def generate(texts, prompts, limits, seeds, k, stops, temperature):
        step = f"```python\n# Print it\nprint(3)\n```\n{END_OF_CODE}"
        answer = f"The answer is \\boxed{{3}}.{END_OF_ANSWER}"
        return [[step if END_OF_CODE in stops else answer] * k for _ in texts], len(texts) * k

    monkeypatch.setattr(policy, "generate", generate)
    return policy


def test_a_model_that_always_writes_fences_answers_and_is_counted(llama, monkeypatch, capsys):
    policy = fenced(Policy(llama), monkeypatch)
    monkeypatch.setattr(cli, "load_models", lambda *names: (policy, None))
    flags = ["--problem", "q", "--policy", str(llama), "--rollouts", "1", "--candidates", "4"]
    assert cli.main(flags) == 0
    out, err = capsys.readouterr()
    assert out.endswith("Answer: 3\n")
    assert "rstar: Markdown fences or prose were removed from 4 candidates\n" in err


def test_what_a_tuned_model_writes_is_never_repaired(llama, monkeypatch):
    policy = fenced(Policy(llama), monkeypatch)
    policy.tuned = True
    ((step,),) = policy(["text"], 1, STEP, 9)
    assert step.startswith("```")
    assert policy.repaired == 0


# --------------------------------------------------------------------------------------------------
# Control tokens and chat templates.


@pytest.mark.parametrize("kind", KINDS)
def test_no_question_can_write_a_control_token(kind, tmp_path):
    policy = Policy(make_model(kind, tmp_path))
    control = {token for token in policy.tokenizer.all_special_ids} | {
        policy.tokenizer.convert_tokens_to_ids(token) for token in CONTROL[kind]
    }
    plain = [token for token in policy.encode(policy.prompt("Is 5 > 3?")) if token in control]
    question = "Is 5 > 3? " + " ".join(CONTROL[kind])
    assert [t for t in policy.encode(policy.prompt(question)) if t in control] == plain


@pytest.mark.parametrize("kind", KINDS)
def test_a_tuned_model_reads_no_control_token_but_its_own(kind):
    tokenizer = make_tuned_tokenizer(kind)
    control = {tokenizer.convert_tokens_to_ids(token) for token in CONTROL[kind]}
    control -= {tokenizer.convert_tokens_to_ids(marker) for marker in MARKERS}
    steps = f"x = '{CONTROL[kind][0]}'\n{END_OF_STEP}"
    tokens = encode(format_prompt(" ".join(CONTROL[kind])) + steps, tokenizer)
    begin = [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
    assert [token for token in tokens if token in control] == begin


def test_a_short_pad_token_is_plain_text_in_a_question():
    tokenizer = make_tuned_tokenizer("qwen2")
    tokenizer.pad_token = "!"
    assert tokenizer.decode(encode("What is 5!?", tokenizer)).endswith("What is 5!?")


def test_the_prompt_is_the_same_on_every_day(llama, monkeypatch):
    class Tomorrow(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.datetime(2031, 5, 4)

    policy = Policy(llama)
    today = policy.prompt("q")
    assert "Today: " in today
    monkeypatch.setattr(datetime, "datetime", Tomorrow)
    assert policy.prompt("q") == today
    assert "2031" not in today


# --------------------------------------------------------------------------------------------------
# Training and search see the same tokens.


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_search_continues_is_a_beginning_of_what_is_trained(kind):
    tokenizer = make_tuned_tokenizer(kind)
    path = format_prompt("How many?")
    texts = [path]
    for step in ("# Step 1: Add\nn1 = 5 + 7\n", "\n  # Step 2: Add\nn2 = 5 + 7\n"):
        path += step + END_OF_STEP + BETWEEN
        texts.append(path)
    path += f"print(n2)\n{END_OF_CODE}" + OUTPUT.format(output="12")
    texts.append(path)
    whole = encode(f"{path}The answer is \\boxed{{12}}.{END_OF_ANSWER}", tokenizer)
    for text in texts:
        tokens = encode(text, tokenizer)
        assert tokens == whole[: len(tokens)]


def test_a_text_encoded_as_a_whole_would_not_be():
    tokenizer = make_tuned_tokenizer("gpt2")
    path = f"n1 = 5\n{END_OF_STEP}{BETWEEN}"
    tokens = tokenizer(path)["input_ids"]
    assert tokens != tokenizer(f"{path}# Step 2: Add")["input_ids"][: len(tokens)]


@pytest.mark.parametrize("kind", ["llama", "qwen2"])
def test_the_length_of_a_part_is_without_the_first_token(kind, tmp_path):
    make_model(kind, tmp_path)
    make_tuned_tokenizer(kind).save_pretrained(tmp_path)
    policy = Policy(tmp_path)
    assert policy.length("") == 0
    path = f"n1 = 5\n{END_OF_STEP}"
    assert policy.length(path) == len(policy.encode(path)) - (kind == "llama")
    assert policy.length(path + path) == 2 * policy.length(path)


@pytest.mark.parametrize("kind", KINDS)
def test_trainers_policy_and_ppm_encode_alike(kind, tmp_path):
    tokenizer = make_tuned_tokenizer(kind)
    steps = f"# Step 1: Add\nn1 = 5\n{END_OF_STEP}{BETWEEN}print(n1)\n{END_OF_CODE}"
    steps += f"{OUTPUT.format(output='5')}The answer is \\boxed{{5}}.{END_OF_ANSWER}"
    text = format_prompt("q") + steps
    item = train_policy.Trajectory("q", steps, True, 1.0, 1.0)
    group = train_ppm.Group("q", 1, [text], [], [])
    (encoded,) = train_ppm.encode_groups([group], tokenizer)
    assert train_policy.make_row(item, tokenizer).ids == encoded.ids[0] == encode(text, tokenizer)


def test_the_verifier_s_output_and_the_prompt_are_not_trained(tmp_path):
    tokenizer = make_tuned_tokenizer("gpt2")
    steps = f"print(5)\n{END_OF_CODE}{OUTPUT.format(output='5')}It is \\boxed{{5}}.{END_OF_ANSWER}"
    row = train_policy.make_row(train_policy.Trajectory("q", steps, True, 1.0, 1.0), tokenizer)
    trained = [token for token, counts in zip(row.ids, row.trained) if counts]
    written = f"print(5)\n{END_OF_CODE}It is \\boxed{{5}}.{END_OF_ANSWER}"
    assert tokenizer.decode(trained) == written


# --------------------------------------------------------------------------------------------------
# Settings that suit the model.


def test_settings_follow_the_model(llama, tmp_path):
    for settings, name, paper, tiny in (
        (train_policy.Settings, "base", (2, 128, 7e-6, 4096), (2, 16, 7e-4, 2048)),
        (train_ppm.Settings, "policy", (1, 512, 7e-6, 4096), (2, 16, 1e-3, 2048)),
    ):
        for model, expected in ((llama, paper), (ROOT / "tiny" / "base", tiny), ("a/b", paper)):
            given = {name: str(model), "trees": [], "out": "x"}
            suited = common.suited(settings, model, **given)
            assert (suited.epochs, suited.batch, suited.lr, suited.length) == expected
    paper = common.suited(train_ppm.Settings, llama, policy="", trees=[], out="")
    assert (paper.scale, paper.center, paper.answer_groups) == (1, 0, 1)


def test_a_flag_takes_precedence_over_what_suits_the_model(monkeypatch):
    seen = []
    monkeypatch.setattr(
        train_policy, "train", lambda settings, dry_run=False: seen.append(settings)
    )
    base = str(ROOT / "tiny" / "base")
    for flags, rate in (([], 7e-4), (["--lr", "1e-5"], 1e-5)):
        flags = ["--base", base, "--trees", "t", "--out", "o", "--dry-run", *flags]
        train_policy.trainer.command_line(
            "t", "", train_policy.Settings, "base", train_policy.train, flags
        )
        assert seen.pop().lr == rate


def test_a_search_with_the_bundled_models_is_as_cool_as_was_measured(llama):
    for module, more in ((cli, []), (evaluate, ["--out", "o"])):
        flags = ["--problems", "p", *more] if more else ["--problem", "q"]
        _, config, *_ = module.parse(flags)
        assert (config.temperature, config.step_tokens) == (0.4, 256)
        _, config, *_ = module.parse([*flags, "--policy", str(llama)])
        assert (config.temperature, config.step_tokens) == (0.7, 512)


def test_what_is_tuned_from_the_bundled_base_is_still_tiny(tmp_path):
    config = transformers.AutoConfig.from_pretrained(ROOT / "tiny" / "base")
    config.save_pretrained(tmp_path)
    assert common.is_tiny(tmp_path)


@pytest.mark.parametrize("text", ["[]", "{", "", '{"preset": "other"}', "null"])
def test_any_other_config_is_that_of_a_real_model(tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    assert not common.is_tiny(tmp_path)


@pytest.mark.parametrize("flag", ["rows", "batch"])
@pytest.mark.parametrize("value", ["0", "-3", "1.5", "many", ""])
def test_rows_and_batch_are_auto_or_a_number(flag, value):
    with pytest.raises(UserError, match=f"--{flag} must be auto or a whole number above 0"):
        common.Machine(**{flag: value})


def test_rows_on_a_cpu_follow_the_size_of_the_model_unless_given(llama, monkeypatch):
    assert Policy(llama).rows == 192
    monkeypatch.setattr(common, "SMALL", 10)
    assert Policy(llama).rows == 48
    assert Policy(llama, rows="7").rows == 7
    assert Policy(llama, rows=7).rows == 7


def test_rows_on_a_gpu_follow_its_memory(llama, monkeypatch):
    model = Policy(llama).model

    class Gpu:
        """A 7B of Qwen's shape in bfloat16, of which the weights are in memory already."""

        device = torch.device("cuda")
        dtype = torch.bfloat16
        config = transformers.Qwen2Config(
            num_hidden_layers=28,
            num_attention_heads=28,
            num_key_value_heads=4,
            hidden_size=3584,
            vocab_size=152064,
        )

    rows = {}
    for gigabytes in (1, 8, 64, 1000):
        free = gigabytes * 2**30
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device, free=free: (free, 0))
        rows[gigabytes] = common.pick_rows(Gpu, "auto")
    # 56 MB of keys and values and 2.4 MB of logits a row.
    assert rows == {1: 16, 8: 64, 64: 512, 1000: 1024}
    assert common.pick_rows(model, "auto") == 192


def test_memory_that_runs_out_costs_rows_and_no_results(llama, monkeypatch, capsys):
    texts = [f"{i} and " * (i + 1) for i in range(6)]
    expected = Policy(llama, rows=12)(texts, 2, STEP, 9, 1.0, [7] * 6)
    policy = Policy(llama, rows=12)
    plain = policy.generate

    def generate(texts, prompts, limits, seeds, k, stops, temperature):
        if len(texts) * k > 4:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        return plain(texts, prompts, limits, seeds, k, stops, temperature)

    monkeypatch.setattr(policy, "generate", generate)
    assert policy(texts, 2, STEP, 9, 1.0, [7] * 6) == expected
    assert policy.rows == 3
    err = capsys.readouterr().err
    lines = [f"out of memory: continuing with --rows {rows}" for rows in (6, 3)]
    assert err.splitlines() == lines
    # What one text needs cannot be cut.
    with pytest.raises(torch.OutOfMemoryError):
        policy(texts, 8, STEP, 9, 1.0, [7] * 6)


def test_tokens_of_a_batch_that_is_done_again_are_counted_once(llama, monkeypatch):
    texts = [f"{i} and" for i in range(4)]
    once = Policy(llama, rows=8)
    once(texts, 2, STEP, 9, 1.0, [7] * 4)
    again = Policy(llama, rows=8)
    plain = again.generate
    failed = []

    def generate(*arguments):
        result = plain(*arguments)
        if not failed:
            failed.append(1)
            raise torch.OutOfMemoryError("CUDA out of memory")
        return result

    monkeypatch.setattr(again, "generate", generate)
    again(texts, 2, STEP, 9, 1.0, [7] * 4)
    assert failed and again.tokens == once.tokens


@pytest.mark.parametrize("has, name", [(True, "bfloat16"), (False, "float16")])
def test_a_gpu_without_bfloat16_gets_float16(monkeypatch, has, name):
    def is_bf16_supported(including_emulation=True):
        return has or including_emulation

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", is_bf16_supported)
    assert common.pick_dtype(torch.device("cuda")) is getattr(torch, name)


# --------------------------------------------------------------------------------------------------
# Names, tokenizers and weights.


def test_a_model_has_one_name(llama, monkeypatch):
    monkeypatch.chdir(llama.parent)
    names = {common.same_name(name) for name in (llama, f"{llama}/", llama.name, f"./{llama.name}")}
    assert names == {str(llama.resolve())}
    assert common.same_name(ROOT / "tiny" / "policy") == "tiny/policy"
    assert common.same_name("Qwen/Qwen2.5-Math-1.5B") == "Qwen/Qwen2.5-Math-1.5B"


def test_trees_resume_under_another_spelling_of_the_model(llama, tmp_path, capsys):
    (tmp_path / "q.jsonl").write_text('{"question": "q", "answer": "3"}\n')
    flags = ["--problems", str(tmp_path / "q.jsonl"), "--trees", str(tmp_path / "t.jsonl")]
    flags += ["--rollouts", "1", "--candidates", "1", "--step-tokens", "4"]
    assert cli.main([*flags, "--policy", str(llama)]) == 0
    assert cli.main([*flags, "--policy", f"{llama}/"]) == 0
    assert "1 trees, 0 of them new" in capsys.readouterr().out


def test_a_sentencepiece_tokenizer_names_its_packages(llama, tmp_path):
    for file in ("config.json", "model.safetensors"):
        (tmp_path / file).write_bytes((llama / file).read_bytes())
    (tmp_path / "tokenizer.model").write_bytes(b"\n\x0e\n\x05<unk>\x15\x00\x00\x00\x00\x18\x02")
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "LlamaTokenizer"}')
    with pytest.raises(UserError, match="pip install sentencepiece protobuf"):
        Policy(tmp_path)


def test_a_gguf_file_that_lacks_a_tensor_is_refused(llama, tmp_path, monkeypatch):
    (tmp_path / "model.gguf").write_bytes(b"GGUF")
    # The package that reads such files is not installed: another model stands in.
    load = transformers.AutoModelForCausalLM.from_pretrained

    def from_pretrained(name, gguf_file, quantization_config, **more):
        model, report = load(llama, **more)
        return model, report | dict(missing_keys={"model.layers.1.mlp.down_proj.weight"})

    def stand_in(read):
        return lambda name, gguf_file=None, **more: read(llama, **more)

    monkeypatch.setattr(common.importlib.util, "find_spec", lambda name: True)
    monkeypatch.setattr(transformers.AutoModelForCausalLM, "from_pretrained", from_pretrained)
    for loader in (transformers.AutoConfig, transformers.AutoTokenizer):
        monkeypatch.setattr(loader, "from_pretrained", stand_in(loader.from_pretrained))
    with pytest.raises(UserError, match="lack 1 tensors, such as model.layers.1.mlp.down_proj"):
        Policy(tmp_path / "model.gguf")


@pytest.mark.parametrize("variable", ["ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy"])
def test_a_proxy_is_a_way_to_the_hub(monkeypatch, variable):
    monkeypatch.setattr(socket, "create_connection", lambda *args, **more: 1 / 0)
    monkeypatch.setenv(variable, "http://127.0.0.1:9")
    assert common.hub_reachable()


def test_a_model_with_attention_and_a_state_in_one_layer_is_refused(tmp_path):
    tokenizer = make_tokenizer("llama")
    config = transformers.FalconH1Config(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        mamba_d_ssm=32,
        mamba_n_heads=4,
        mamba_d_head=8,
        mamba_d_state=8,
    )
    transformers.FalconH1ForCausalLM(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    with pytest.raises(UserError, match="keep a state that cannot be repeated"):
        Policy(tmp_path)


def test_the_head_of_a_ppm_computes_in_float32(llama, tmp_path):
    tokenizer = make_tuned_tokenizer("llama")
    model = transformers.AutoModelForSequenceClassification.from_pretrained(llama, num_labels=1)
    model.resize_token_embeddings(len(tokenizer))
    model.save_pretrained(tmp_path)
    tokenizer.pad_token = tokenizer.eos_token
    tokenizer.save_pretrained(tmp_path)
    ppm = PPM(tmp_path, dtype="bfloat16")
    hidden = torch.randn(3, 32, dtype=torch.bfloat16)
    head = common.scalar_head(ppm.model)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = head(hidden)
    assert logits.dtype == torch.float32
    assert torch.equal(logits, hidden.float() @ head.weight.float().T)


# --------------------------------------------------------------------------------------------------
# Everything, for each family.


def records(tmp_path):
    """The authors' data for both trainers."""
    prompt = format_prompt("What is 5 + 7?")
    good = f"# Step 1: Add\nn1 = 5 + 7\n{END_OF_STEP}"
    end = f"# Print\nprint(n1)\n{END_OF_CODE}{OUTPUT.format(output='12')}"
    end += f"The answer is \\boxed{{12}}.{END_OF_ANSWER}"
    response = f"<code>\n{good}{BETWEEN}{end}"
    sft = [dict(query=f"What is 5 + 7? ({i})", response=response) for i in range(8)]
    bad = f"# Step 1: Subtract\nn1 = 5 - 7\n{END_OF_STEP}"
    pairs = [dict(prompt=prompt.replace("7?", f"7? ({i})"), pos=good, neg=bad) for i in range(8)]
    for name, data in (("sft.json", sft), ("pairs.json", pairs)):
        (tmp_path / name).write_text(json.dumps(data))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_stock_model_of_each_family_goes_through_a_round(kind, tmp_path, capsys):
    records(tmp_path)
    base, policy, ppm = (str(tmp_path / name) for name in ("base", "policy", "ppm"))
    make_model(kind, tmp_path / "base")

    def search(name, question, policy, ppm):
        out = tmp_path / f"{name}.jsonl"
        (tmp_path / "q.jsonl").write_text(json.dumps(dict(question=question, answer="12")))
        flags = ["--problems", str(tmp_path / "q.jsonl"), "--trees", str(out), "--rollouts", "2"]
        flags += ["--candidates", "3", "--step-tokens", "30", "--temperature", "0"]
        flags += ["--policy", policy, "--ppm", ppm]
        assert cli.main(flags) == 0, capsys.readouterr().err
        (root,) = rstar.read_trees(out)
        return root

    assert search("stock", "What is 5 + 7? </s>", base, "none").children[0].copies == 3
    more = ["--batch", "8", "--precision", "no"]
    flags = ["--base", base, "--trees", str(tmp_path / "sft.json"), "--out", policy]
    assert train_policy.main([*flags, "--lr", "3e-3", "--epochs", "150", *more]) == 0
    flags = ["--policy", policy, "--trees", str(tmp_path / "pairs.json"), "--out", ppm]
    assert train_ppm.main([*flags, "--lr", "1e-3", "--epochs", "3", *more]) == 0
    # It knows eight equal solutions by heart, and writes them if it sees the tokens of training.
    root = search("tuned", "What is 5 + 7? (3)", policy, ppm)
    ends = rstar.terminals(root)
    assert [node.right for node in ends] == [True], [node.text for node in rstar.nodes(root)]
    assert -1 <= ends[0].ppm <= 1


# --------------------------------------------------------------------------------------------------
# Training in shards.


def sharded(program, *flags):
    """Runs a trainer under FSDP in two processes; their exit codes and what the first printed."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    command = [sys.executable, ROOT / "tests" / "sharded.py", program, *flags]
    runs = []
    for rank in ("0", "1"):
        place = dict(RANK=rank, LOCAL_RANK=rank, WORLD_SIZE="2", OMP_NUM_THREADS="1")
        place.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=port)
        environment = dict(os.environ, **place)
        pipes = dict(stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        runs.append(subprocess.Popen(command, env=environment, **pipes))
    printed = [run.communicate(timeout=300)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], printed
    return printed[0]


@pytest.mark.slow
@pytest.mark.parametrize("program", ["train_policy", "train_ppm"])
def test_two_shards_train_what_one_process_does(program, tmp_path):
    records(tmp_path)
    role, data = dict(train_policy=("base", "sft.json"), train_ppm=("policy", "pairs.json"))[
        program
    ]
    base = str(ROOT / "tiny" / ("base" if role == "base" else "policy"))
    flags = [f"--{role}", base, "--trees", str(tmp_path / data), "--epochs", "2", "--batch", "4"]
    flags += ["--precision", "no", "--save-dtype", "float32", "--save-every", "0"]
    alone = [sys.executable, str(ROOT / f"{program}.py"), *flags, "--out", str(tmp_path / "one")]
    subprocess.run(alone, check=True, timeout=300)
    sharded(program, *flags, "--checkpointing", "yes", "--out", str(tmp_path / "two"))
    one = load_file(tmp_path / "one" / "model.safetensors")
    two = load_file(tmp_path / "two" / "model.safetensors")
    # Tied weights are saved once by both.
    assert one.keys() == two.keys()
    for name, tensor in one.items():
        torch.testing.assert_close(tensor, two[name], atol=2e-5, rtol=1e-3)

"""Policy and PPM on small checkpoints of four architectures that the tests make themselves."""

import json
import re
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    AutoModelForSequenceClassification,
    BertConfig,
    BertForMaskedLM,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    MambaConfig,
    MambaForCausalLM,
    Phi3Config,
    Phi3ForCausalLM,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
)

import common
import rstar
import stock
from answers import answers_equal, extract_answer
from rstar import (
    END_OF_ANSWER,
    END_OF_CODE,
    END_OF_STEP,
    MARKERS,
    PPM,
    Config,
    Policy,
    UserError,
)
from verifier import Verifier

KINDS = {
    "llama": (LlamaConfig, LlamaForCausalLM),
    "qwen2": (Qwen2Config, Qwen2ForCausalLM),
    "phi3": (Phi3Config, Phi3ForCausalLM),
    "gpt2": (GPT2Config, GPT2LMHeadModel),
}
STEP = (END_OF_STEP, END_OF_CODE)
CODE = (END_OF_CODE,)
CHAT_TEMPLATE = (
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}</>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


def make_tokenizer(tuned, chat=False):
    """Byte-level; only words of the stop markers are merged. The markers are tokens if `tuned`."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<pad>", "<eos>"] + (MARKERS if tuned else []),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(["step code answer"] * 9, trainer)
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<eos>"
    )
    if chat:
        wrapped.chat_template = CHAT_TEMPLATE
    return wrapped


def make_model(kind, folder, tuned=True, chat=False, **more):
    torch.manual_seed(0)
    tokenizer = make_tokenizer(tuned, chat)
    config_class, model_class = KINDS[kind]
    config = config_class(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        intermediate_size=64,
        max_position_embeddings=4096,
        pad_token_id=0,
        eos_token_id=1,
        bos_token_id=None,
        **more,
    )
    model = model_class(config)
    for parameter in model.parameters():
        if parameter.dim() == 2:
            # As it is initialised, the model would always say the same.
            torch.nn.init.normal_(parameter, 0, 0.3)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return model, tokenizer


@pytest.fixture(scope="module", params=KINDS)
def folder(request, tmp_path_factory):
    path = tmp_path_factory.mktemp(request.param)
    make_model(request.param, path)
    return path


@pytest.fixture
def llama(tmp_path):
    """A folder with a policy that a test may damage."""
    path = tmp_path / "llama"
    make_model("llama", path)
    return path


def make_ppm(folder, path):
    tokenizer = Policy(folder).tokenizer
    torch.manual_seed(1)
    model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=1, pad_token_id=0)
    torch.nn.init.normal_(model.score.weight, 0, 0.05)
    model.save_pretrained(path)
    tokenizer.save_pretrained(path)


def edit_json(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def edit_weights(path, edit):
    """`edit(weights)` changes the dict of a checkpoint's tensors."""
    weights = load_file(path / "model.safetensors")
    edit(weights)
    save_file(weights, path / "model.safetensors", metadata=dict(format="pt"))


def ids_of(policy, text):
    return policy.tokenizer.encode(text, add_special_tokens=False)


# --------------------------------------------------------------------------------------------------
# Sampling.


def test_greedy_decoding_equals_plain_generate(folder):
    policy = Policy(folder)
    texts = ["a", "a longer text with more in it", "12 + 7 ="]
    for text, (sample,) in zip(texts, policy(texts, 1, STEP, 40)):
        ids = torch.tensor([ids_of(policy, text)])
        plain = policy.model.generate(
            ids,
            max_new_tokens=40,
            do_sample=False,
            pad_token_id=0,
            eos_token_id=policy.tokenizer.convert_tokens_to_ids(list(STEP)),
        )
        assert sample
        assert policy.cut(plain[0, ids.shape[1] :].tolist(), STEP) == sample


@pytest.mark.slow
def test_samples_do_not_depend_on_the_batch(folder):
    texts = [f"{i} and " * (i + 1) for i in range(6)]
    seeds = [7, 7, 7, 8, 8, 8]
    together = Policy(folder)(texts, 4, STEP, 24, 1.0, seeds)
    small = Policy(folder, rows=2)
    alone = [small([text], 4, STEP, 24, 1.0, [seed])[0] for text, seed in zip(texts, seeds)]
    assert together == alone
    assert len({sample for samples in together for sample in samples}) > 20


def test_other_seeds_give_other_samples(folder):
    policy = Policy(folder)
    first, second = policy(["abc", "abc"], 4, STEP, 24, 1.0, [7, 8])
    assert first != second


def test_samples_follow_the_distribution(folder):
    policy = Policy(folder, rows=2000)
    samples = policy(["7"], 2000, STEP, 1, 1.0, [0])[0]
    with torch.inference_mode():
        logits = policy.model(torch.tensor([ids_of(policy, "7")])).logits[0, -1]
    probabilities = logits.softmax(-1).tolist()
    # Some bytes decode to the same character.
    expected = dict.fromkeys(samples, 0.0)
    for token, probability in enumerate(probabilities):
        text = policy.tokenizer.decode([token])
        if text in expected:
            expected[text] += probability
    for text, probability in expected.items():
        deviation = (probability * (1 - probability) / 2000) ** 0.5
        assert abs(samples.count(text) / 2000 - probability) < 4.5 * deviation + 1e-3


def test_a_draw_at_the_very_end_takes_a_possible_token():
    draw = rstar.Draw(["x"], [0], 1, 1, 1.0, "cpu", "name")
    draw.uniforms[:] = 1.0
    logits = torch.full((1, 10), -1e9)
    logits[0, 3] = 0.0
    assert draw(logits, torch.tensor([0]), 0).tolist() == [[3]]


def test_generation_settings_of_a_checkpoint_are_ignored(folder, tmp_path):
    policy = Policy(folder)
    before = policy(["abc"], 3, STEP, 30, 1.0, [1])
    policy.model.save_pretrained(tmp_path)
    policy.tokenizer.save_pretrained(tmp_path)
    settings = dict(do_sample=True, repetition_penalty=9.0, top_k=1, min_p=0.5, max_length=5)
    (tmp_path / "generation_config.json").write_text(json.dumps(dict(settings, temperature=0.01)))
    assert Policy(tmp_path)(["abc"], 3, STEP, 30, 1.0, [1]) == before


def test_length_is_bounded_and_tokens_are_counted(folder):
    policy = Policy(folder)
    samples = policy(["abc", "b"], 3, STEP, 21, 1.0, [3, 3])
    assert 6 <= policy.tokens <= 6 * 21
    assert all(len(sample) for group in samples for sample in group)
    alone = Policy(folder)
    alone(["abc"], 3, STEP, 21, 1.0, [3])
    alone(["b"], 3, STEP, 21, 1.0, [3])
    assert alone.tokens == policy.tokens


def test_padding_behind_a_stop_string_is_not_counted(tmp_path):
    make_model("llama", tmp_path, tuned=False)
    together = Policy(tmp_path)
    alone = Policy(tmp_path)
    texts = ["a", "bc", "def", "g h i"]
    stops = ("t", "c", "k", "7")  # none is part of a special token
    samples = together(texts, 4, stops, 40, 1.0, [5] * 4)
    assert samples == [alone([text], 4, stops, 40, 1.0, [5])[0] for text in texts]
    assert together.tokens == alone.tokens
    samples = [sample for group in samples for sample in group]
    assert any(sample.endswith(stops) for sample in samples)
    # Bytes that are no character cannot be encoded again.
    encoded = [len(ids_of(together, text)) + 1 if "\ufffd" not in text else 40 for text in samples]
    assert together.tokens <= sum(encoded)


def test_a_text_near_the_limit_does_not_shorten_the_others(folder):
    policy = Policy(folder)
    policy.longest = 100
    short = "ab"
    near = "x" * 95
    over = "x" * 100

    def alone(text, limit):
        return Policy(folder)([text], 2, STEP, limit, 1.0, [3])[0]

    together = policy([over, short, near], 2, STEP, 30, 1.0, [3] * 3)
    assert together == [["", ""], alone(short, 30), alone(near, 5)]


# --------------------------------------------------------------------------------------------------
# Where a continuation ends.


def chain(folder, tuned, text):
    """A policy that always continues as `text` does: its head is a table token -> next token."""
    model, tokenizer = make_model("llama", folder, tuned, tie_word_embeddings=False)
    ids = tokenizer.encode(text, add_special_tokens=False)
    assert len(set(ids[:-1])) == len(ids) - 1, "every token must say which one follows"
    with torch.no_grad():
        for layer in model.model.layers:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
        model.model.norm.weight.fill_(1.0)
        table = torch.nn.functional.normalize(torch.randn(len(tokenizer), 32), dim=1)
        model.model.embed_tokens.weight.copy_(table)
        model.lm_head.weight.zero_()
        for token, following in zip(ids, ids[1:]):
            model.lm_head.weight[following] += 50 * table[token]
    model.save_pretrained(folder)
    return Policy(folder)


def test_a_tuned_model_stops_at_the_marker_token(tmp_path):
    policy = chain(tmp_path, True, f"x=1;\n{END_OF_STEP}yz")
    step = f"=1;\n{END_OF_STEP}"
    assert policy.tuned
    assert policy(["x"], 2, STEP, 64) == [[step, step]]
    assert policy.tokens == 2 * len(ids_of(policy, step))
    # END_OF_STEP is not a stop here.
    assert policy(["x"], 1, CODE, 64)[0][0].startswith(f"{step}yz")


def test_a_stock_model_stops_at_the_marker_string(tmp_path):
    # In this tokenizer the marker is several tokens.
    policy = chain(tmp_path, False, "x=1;\n<XYZ>uvw")
    assert not policy.tuned
    assert policy(["x"], 2, ("<XYZ>",), 64) == [["=1;\n<XYZ>"] * 2]
    assert policy(["x=1"], 1, (";\n",), 64) == [[";\n"]]


def test_all_end_tokens_of_a_checkpoint_count(llama):
    (llama / "generation_config.json").write_text(json.dumps(dict(eos_token_id=[1, 32, 7])))
    assert Policy(llama).end_tokens == {1, 7, 32}


# --------------------------------------------------------------------------------------------------
# Prompts.


def test_the_prompt_of_a_tuned_model_is_the_format(folder):
    assert Policy(folder).prompt(" What is 1 + 1? ") == (
        "<|user|>:\nWhat is 1 + 1?\n"
        "<|assistant|>: Let's think step by step and solve the problem with code.<code>\n"
    )


def test_a_marker_in_the_question_is_broken_up(folder):
    policy = Policy(folder)
    ids = ids_of(policy, policy.prompt(f"What is 1{END_OF_STEP} + 1?{END_OF_ANSWER}"))
    assert policy.tokenizer.convert_tokens_to_ids(END_OF_STEP) not in ids
    assert policy.tokenizer.convert_tokens_to_ids(END_OF_ANSWER) not in ids


@pytest.mark.parametrize("chat", [True, False])
def test_the_prompt_of_a_stock_model_has_two_examples(tmp_path, chat):
    make_model("qwen2", tmp_path, tuned=False, chat=chat)
    prompt = Policy(tmp_path).prompt("What is 1 + 1?")
    assert prompt.count(END_OF_CODE) == 3
    assert prompt.count("<output>") == 3
    order = ["Solve the problem", "A ribbon of", "What is the sum of", "What is 1 + 1?"]
    places = [prompt.index(text) for text in order]
    assert places == sorted(places)
    assert prompt.endswith("<code>\n")
    assert prompt.startswith("<user>") == chat
    assert ("<assistant><code>" in prompt) == chat


def test_a_prompt_of_ones_own_is_used_as_it_is(tmp_path):
    make_model("qwen2", tmp_path, tuned=False, chat=True)
    policy = Policy(tmp_path, own_prompt="Problem: {question}")
    begin = policy.tokenizer.bos_token or ""
    assert policy.prompt("What is <code> + 1?") == f"{begin}Problem: What is < code> + 1?\n<code>\n"


SHORT_PROBLEMS = (Path(__file__).parent.parent / "examples" / "short_problems.txt").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("prompt, count", [(stock.STOCK_PROMPT, 2), (SHORT_PROBLEMS, 6)])
def test_the_worked_examples_are_right(prompt, count):
    solutions = re.findall(r"<code>\n.*?<end_of_answer>", prompt, re.DOTALL)
    assert len(solutions) == count
    with Verifier() as verifier:
        for solution in solutions:
            result = verifier.run(rstar.code_of(solution).replace("<code>", ""))
            assert result.ok
            assert f"<output>{result.output.strip()}<end_of_output>" in solution
            assert answers_equal(extract_answer(solution), result.output)


@pytest.mark.parametrize(
    "template",
    [
        "{{ raise_exception('a system message comes first') }}",
        "{{ 1 / 0 }}",
        "{{ messages[7].content }}",
        "{{ messages[0]['content'].nothing.at.all }}",
        "{{ 'x' + 1 }}",
        "{{ [].pop() }}",
        "{% for %}",
        "{{ messages | nofilter }}",
        "{{ '{:d}'.format('x') }}",
        "{{ (1, 2).index(3) }}",
        "{{ none() }}",
    ],
)
def test_a_failing_chat_template_gets_one_line(llama, template):
    policy = Policy(llama)
    policy.tuned = False
    policy.tokenizer.chat_template = template
    with pytest.raises(UserError, match="chat template"):
        policy.prompt("What is it?")


def test_a_stock_model_goes_through_a_whole_search(tmp_path):
    make_model("llama", tmp_path, tuned=False)
    config = Config(rollouts=2, candidates=3, step_tokens=12)
    (result,) = rstar.search(["What is 1 + 1?"], Policy(tmp_path), config=config)
    (root,) = result.trees
    assert root.children
    assert all(child.error for child in root.children)  # random weights finish no step
    assert result.chosen is None


# --------------------------------------------------------------------------------------------------
# The PPM.


def test_ppm_scores_a_batch_as_it_scores_one_at_a_time(folder, tmp_path):
    make_ppm(folder, tmp_path)
    ppm = PPM(tmp_path, rows=4)
    paths = [("What is 1 + 1?", f"n1 = {i}\n{END_OF_STEP}" * (i + 1)) for i in range(6)]
    scores = ppm.score(paths)
    assert scores == pytest.approx([ppm.score([path])[0] for path in paths], abs=1e-5)
    assert len(set(scores)) == 6
    assert all(-1 <= score <= 1 for score in scores)


def test_ppm_is_tanh_of_the_head_at_the_last_token(folder, tmp_path):
    make_ppm(folder, tmp_path)
    ppm = PPM(tmp_path)
    text = rstar.format_prompt("q") + f"n1 = 2\n{END_OF_STEP}"
    ids = ppm.tokenizer(text, return_tensors="pt", add_special_tokens=False)["input_ids"]
    with torch.inference_mode():
        hidden = ppm.model.base_model(ids).last_hidden_state[0, -1]
        by_hand = torch.tanh(ppm.model.score(hidden)).item()
    assert ppm.score([("q", f"n1 = 2\n{END_OF_STEP}")]) == [pytest.approx(by_hand, abs=1e-6)]


# --------------------------------------------------------------------------------------------------
# What is refused, in one line.


def test_policy_and_ppm_are_told_apart(folder, tmp_path):
    make_ppm(folder, tmp_path)
    with pytest.raises(UserError, match="SequenceClassification"):
        Policy(tmp_path)
    with pytest.raises(UserError, match="CausalLM|LMHeadModel"):
        PPM(folder)


def test_a_classifier_with_three_outputs_is_not_a_ppm(folder, tmp_path):
    model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=3, pad_token_id=0)
    model.save_pretrained(tmp_path)
    Policy(folder).tokenizer.save_pretrained(tmp_path)
    with pytest.raises(UserError, match="3 outputs"):
        PPM(tmp_path)


def test_a_model_without_a_causal_head_is_refused(tmp_path):
    config = BertConfig(
        vocab_size=50,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
    )
    BertForMaskedLM(config).save_pretrained(tmp_path)
    make_tokenizer(False).save_pretrained(tmp_path)
    with pytest.raises(UserError, match="BertForMaskedLM"):
        Policy(tmp_path)


def test_a_model_whose_state_cannot_be_repeated_is_refused(tmp_path):
    tokenizer = make_tokenizer(False)
    config = MambaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=1,
        state_size=4,
        pad_token_id=0,
        eos_token_id=1,
    )
    MambaForCausalLM(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    with pytest.raises(UserError, match="attention in every layer"):
        Policy(tmp_path)


def test_a_tokenizer_of_another_model_is_refused(llama):
    larger = make_tokenizer(True)
    words = {f"w{i}": i for i in range(500)}
    larger._tokenizer = Tokenizer(models.WordLevel(words, unk_token="w0"))
    larger.save_pretrained(llama)
    with pytest.raises(UserError, match="one of them is of another model"):
        Policy(llama)


def test_missing_weights_are_refused(llama):
    def drop_a_layer(weights):
        for name in list(weights):
            if "layers.0.mlp" in name:
                del weights[name]

    edit_weights(llama, drop_a_layer)
    with pytest.raises(UserError, match="lack [0-9]+ tensors, such as .*layers.0.mlp"):
        Policy(llama)


def test_damaged_weights_are_refused(llama):
    weights = llama / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(UserError, match="cannot be loaded"):
        Policy(llama)


def test_more_layers_than_the_config_names_are_refused(folder, tmp_path):
    path = shutil.copytree(folder, tmp_path / "model")
    edit_json(path / "config.json", num_hidden_layers=1, layer_types=None)
    with pytest.raises(UserError, match="config.json has no place for .* tensors, such as"):
        Policy(path)


@pytest.mark.parametrize("positions", [0, -5])
def test_a_model_that_can_read_nothing_is_refused(llama, positions):
    edit_json(llama / "config.json", max_position_embeddings=positions)
    with pytest.raises(UserError, match=f"max_position_embeddings of {positions}"):
        Policy(llama)


@pytest.mark.parametrize("token", [99999, -1, [1, 5000]])
@pytest.mark.parametrize("name", ["generation_config.json", "config.json"])
def test_an_end_token_outside_the_vocabulary_is_refused(llama, name, token):
    edit_json(llama / name, eos_token_id=token)
    with pytest.raises(UserError, match="end token"):
        Policy(llama)


@pytest.mark.parametrize("token", ["<eos>", "1", 1.0, True, [[1]], [1, "2"], dict(a=1)])
def test_an_end_token_that_is_not_a_whole_number_is_refused(llama, token):
    edit_json(llama / "generation_config.json", eos_token_id=token)
    with pytest.raises(UserError, match="end token"):
        Policy(llama)


def poison(tensor, value):
    """A copy of a tensor with one entry that is not a number."""
    tensor = tensor.clone()
    tensor.view(-1)[len(tensor.view(-1)) // 2] = value
    return tensor


@pytest.mark.parametrize(
    "part, value",
    [("embed_tokens", float("nan")), ("down_proj", float("inf")), ("lm_head", float("-inf"))],
)
def test_weights_that_are_not_numbers_are_refused(tmp_path, part, value):
    make_model("llama", tmp_path, tie_word_embeddings=False)

    def damage(weights):
        name = next(name for name in weights if part in name)
        weights[name] = poison(weights[name], value)

    edit_weights(tmp_path, damage)
    with pytest.raises(UserError, match=f"policy .*NaN or infinity in its weights.*{part}"):
        Policy(tmp_path)


def test_a_ppm_with_infinite_weights_is_refused(folder, tmp_path):
    make_ppm(folder, tmp_path)

    def damage(weights):
        weights["score.weight"] = poison(weights["score.weight"], float("inf"))

    edit_weights(tmp_path, damage)
    with pytest.raises(UserError, match="PPM .*NaN or infinity"):
        PPM(tmp_path)


@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("token", ["x", "=", ";"])
def test_nan_from_any_step_on_is_reported(tmp_path, token, temperature):
    policy = chain(tmp_path, True, "x=1;yz")
    # As an overflow would: only what follows this token is affected.
    with torch.no_grad():
        policy.model.model.embed_tokens.weight[ids_of(policy, token)] = float("nan")
    assert policy(["z"], 2, STEP, 1, temperature, [0])
    with pytest.raises(UserError, match="policy .*computes NaN or infinity"):
        policy(["x"], 2, STEP, 12, temperature, [0])


def test_an_overflow_of_the_ppm_is_reported(folder, tmp_path):
    make_ppm(folder, tmp_path)
    ppm = PPM(tmp_path)
    with torch.no_grad():
        ppm.model.score.weight.fill_(3e38)
    with pytest.raises(UserError, match="PPM .*computes NaN or infinity"):
        ppm.score([("What is 2 + 2?", "n1 = 4")])


def test_reading_gguf_names_its_package(tmp_path, monkeypatch):
    (tmp_path / "model.gguf").write_bytes(b"GGUF")
    monkeypatch.setattr(common.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="pip install gguf"):
        Policy(tmp_path / "model.gguf")


# --------------------------------------------------------------------------------------------------
# Threads.


def test_a_small_model_runs_in_one_thread(llama, monkeypatch):
    chosen = []
    monkeypatch.setattr(torch, "set_num_threads", chosen.append)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    Policy(llama)
    monkeypatch.setattr(common, "SMALL", 1000)
    Policy(llama)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    Policy(llama)
    assert chosen == [1, common.default_threads()]

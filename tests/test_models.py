"""Policy and PPM on small checkpoints of three architectures that the tests make themselves."""
import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (AutoModelForSequenceClassification, BertConfig, BertForMaskedLM, LlamaConfig, LlamaForCausalLM, MambaConfig, MambaForCausalLM, Phi3Config, Phi3ForCausalLM,
                          PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM)

import rstar
from rstar import END_OF_ANSWER, END_OF_CODE, END_OF_STEP, MARKERS, Config, Policy, PPM, UserError

KINDS = {"llama": (LlamaConfig, LlamaForCausalLM), "qwen2": (Qwen2Config, Qwen2ForCausalLM), "phi3": (Phi3Config, Phi3ForCausalLM)}
STEP, CODE = (END_OF_STEP, END_OF_CODE), (END_OF_CODE,)


def make_tokenizer(tuned, chat=False):
    """Byte-level, no merges but those of the stop markers' words; with the markers as special tokens if `tuned`."""
    special = ["<pad>", "<eos>"] + (MARKERS if tuned else [])
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(["step code answer"] * 9, trainers.BpeTrainer(
        vocab_size=400, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<eos>")
    if chat:
        wrapped.chat_template = "{% for m in messages %}<{{ m.role }}>{{ m.content }}</>{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"
    return wrapped


def make_model(kind, folder, tuned=True, chat=False, **more):
    torch.manual_seed(0)
    tokenizer = make_tokenizer(tuned, chat)
    config_class, model_class = KINDS[kind]
    model = model_class(config_class(vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
                                     intermediate_size=64, max_position_embeddings=4096, pad_token_id=0, eos_token_id=1, bos_token_id=None, **more))
    for parameter in model.parameters():
        if parameter.dim() == 2:
            torch.nn.init.normal_(parameter, 0, .3)       # so that it does not say the same thing always
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return model, tokenizer


@pytest.fixture(scope="module", params=KINDS)
def folder(request, tmp_path_factory):
    path = tmp_path_factory.mktemp(request.param)
    make_model(request.param, path)
    return path


def test_greedy_equals_plain_generate(folder):
    policy = Policy(folder)
    texts = ["a", "a longer text with more in it", "12 + 7 ="]
    mine = policy(texts, 1, STEP, 40)
    for text, (sample,) in zip(texts, mine):
        ids = policy.tokenizer(text, return_tensors="pt", add_special_tokens=False)["input_ids"]
        plain = policy.model.generate(ids, max_new_tokens=40, do_sample=False, pad_token_id=0, eos_token_id=sorted(policy.stop_tokens(STEP)))
        assert policy.cut(plain[0, ids.shape[1]:].tolist(), STEP)[0] == sample and sample


def test_samples_do_not_depend_on_the_batch(folder):
    texts = [f"{i} and " * (i + 1) for i in range(6)]
    together = Policy(folder)(texts, 4, STEP, 24, 1., 7)
    one_by_one = [Policy(folder, Config(rows=2))([text], 4, STEP, 24, 1., 7)[0] for text in texts]
    assert together == one_by_one
    assert len({sample for samples in together for sample in samples}) > 20
    assert Policy(folder)(texts, 4, STEP, 24, 1., 8) != together


def test_samples_follow_the_distribution(folder):
    policy = Policy(folder, Config(rows=2000))
    samples = policy(["7"], 2000, STEP, 1, 1., 0)[0]
    with torch.inference_mode():
        p = policy.model(policy.tokenizer("7", return_tensors="pt", add_special_tokens=False)["input_ids"]).logits[0, -1].softmax(-1)
    texts = [policy.tokenizer.decode([i]) for i in range(len(p))]
    for text in set(samples):
        expected = sum(float(p[i]) for i, other in enumerate(texts) if other == text)      # some bytes decode to the same sign
        assert abs(samples.count(text) / 2000 - expected) < 4.5 * (expected * (1 - expected) / 2000) ** .5 + 1e-3


def test_what_a_checkpoint_says_about_sampling_does_not_leak_in(folder, tmp_path):
    before = Policy(folder)(["abc"], 3, STEP, 30, 1., 1)
    model, tokenizer = Policy(folder).model, Policy(folder).tokenizer
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    (tmp_path / "generation_config.json").write_text(json.dumps(dict(do_sample=True, repetition_penalty=9., top_k=1, min_p=.5, max_length=5, temperature=.01)))
    assert Policy(tmp_path)(["abc"], 3, STEP, 30, 1., 1) == before


def test_all_end_tokens_of_a_checkpoint_count(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "model")
    (tmp_path / "model" / "generation_config.json").write_text(json.dumps(dict(eos_token_id=[1, 32, 7])))
    assert Policy(tmp_path / "model").end_tokens == {1, 7, 32}


def test_what_a_row_is_padded_with_is_not_counted(tmp_path):
    make_model("llama", tmp_path, tuned=False)
    together, each = Policy(tmp_path), Policy(tmp_path)
    texts, stops = ["a", "bc", "def", "g h i"], ("t", "c", "k", "7")     # that are part of no special token
    found = together(texts, 4, stops, 40, 1., 5)
    assert found == [each([text], 4, stops, 40, 1., 5)[0] for text in texts] and together.tokens == each.tokens
    assert any(sample.endswith(stops) for samples in found for sample in samples)
    assert together.tokens <= sum(len(together.tokenizer(sample, add_special_tokens=False)["input_ids"]) + 1 if "\ufffd" not in sample else 40
                                  for samples in found for sample in samples)


def test_a_draw_at_the_very_end_takes_what_is_possible():
    draw = rstar.Draw(["x"], 1, 1, 1., 0, 0, "cpu")
    draw.uniforms[:] = 1.
    scores = torch.full((1, 10), -1e9)
    scores[0, 3] = 0.
    assert draw(torch.zeros(1, 0, dtype=torch.long), scores).argmax().item() == 3


def test_a_model_whose_state_cannot_be_repeated_is_refused(tmp_path):
    tokenizer = make_tokenizer(False)
    MambaForCausalLM(MambaConfig(vocab_size=len(tokenizer), hidden_size=16, num_hidden_layers=1, state_size=4, pad_token_id=0, eos_token_id=1)).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    with pytest.raises(UserError, match="attention in every layer"):
        Policy(tmp_path)


def test_a_tokenizer_of_another_model_is_refused(tmp_path):
    make_model("llama", tmp_path)
    larger = make_tokenizer(True)
    larger._tokenizer = Tokenizer(models.WordLevel({f"w{i}": i for i in range(500)}, unk_token="w0"))
    larger.save_pretrained(tmp_path)
    with pytest.raises(UserError, match="one is of another model"):
        Policy(tmp_path)


def test_a_chat_template_that_wants_more_gets_one_line(tmp_path):
    make_model("llama", tmp_path, tuned=False, chat=True)
    policy = Policy(tmp_path)
    policy.tokenizer.chat_template = "{{ raise_exception('a system message comes first') }}"
    with pytest.raises(UserError, match="a system message comes first"):
        policy.prompt("What is it?")


def test_length_is_bounded_and_tokens_are_counted(folder):
    policy = Policy(folder)
    samples = policy(["abc", "b"], 3, STEP, 21, 1., 3)
    assert 6 <= policy.tokens <= 6 * 21 and all(len(sample) for group in samples for sample in group)
    again = Policy(folder)
    again(["abc"], 3, STEP, 21, 1., 3), again(["b"], 3, STEP, 21, 1., 3)
    assert again.tokens == policy.tokens


def test_a_text_near_the_end_of_what_the_model_can_read_does_not_shorten_the_others(folder):
    policy = Policy(folder)
    policy.longest = 100
    short, near, over = "ab", "x" * 95, "x" * 100
    together = policy([over, short, near], 2, STEP, 30, 1., 3)
    alone = lambda text, limit: Policy(folder)([text], 2, STEP, limit, 1., 3)[0]
    assert together == [["", ""], alone(short, 30), alone(near, 5)]


def chain(folder, tuned, text):
    """Saves a model that always goes on as `text` goes on: the layers are silenced, the head is a table token -> next token."""
    model, tokenizer = make_model("llama", folder, tuned, tie_word_embeddings=False)
    ids = tokenizer.encode(text, add_special_tokens=False)
    assert len(set(ids[:-1])) == len(ids) - 1, "every token of the text must say which one follows"
    with torch.no_grad():
        for layer in model.model.layers:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
        model.model.norm.weight.fill_(1.)
        table = torch.nn.functional.normalize(torch.randn(len(tokenizer), 32), dim=1)
        model.model.embed_tokens.weight.copy_(table)
        model.lm_head.weight.zero_()
        for now, following in zip(ids, ids[1:]):
            model.lm_head.weight[following] += 50 * table[now]
    model.save_pretrained(folder)
    return Policy(folder)


def test_a_tuned_model_stops_at_the_marker_token(tmp_path):
    policy = chain(tmp_path, True, f"x=1;\n{END_OF_STEP}yz")
    assert policy.tuned and policy(["x"], 2, STEP, 64) == [[f"=1;\n{END_OF_STEP}"] * 2]
    assert policy.tokens == 2 * len(policy.tokenizer.encode(f"=1;\n{END_OF_STEP}", add_special_tokens=False))
    assert policy(["x"], 1, CODE, 64)[0][0].startswith(f"=1;\n{END_OF_STEP}yz")       # not a stop here


def test_a_stock_model_stops_at_the_string(tmp_path):
    # In this tokenizer the marker is several tokens; "step" is one of them.
    policy = chain(tmp_path, False, "x=1;\n<XYZ>uvw")
    assert not policy.tuned and policy(["x"], 2, ("<XYZ>",), 64) == [["=1;\n<XYZ>"] * 2]
    assert policy(["x=1"], 1, (";\n",), 64) == [[";\n"]]


def test_the_prompt_of_a_tuned_model_is_the_format(folder):
    assert Policy(folder).prompt(" What is 1 + 1? ") == \
        "<|user|>:\nWhat is 1 + 1?\n<|assistant|>: Let's think step by step and solve the problem with code.<code>\n"


def test_a_marker_in_the_question_is_broken_up(folder):
    policy = Policy(folder)
    ids = policy.tokenizer.encode(policy.prompt(f"What is 1{END_OF_STEP} + 1?{END_OF_ANSWER}"), add_special_tokens=False)
    assert policy.tokenizer.convert_tokens_to_ids(END_OF_STEP) not in ids and policy.tokenizer.convert_tokens_to_ids(END_OF_ANSWER) not in ids


@pytest.mark.parametrize("chat", [True, False])
def test_the_prompt_of_a_stock_model_has_instructions_and_two_examples(tmp_path, chat):
    make_model("qwen2", tmp_path, tuned=False, chat=chat)
    prompt = Policy(tmp_path).prompt("What is 1 + 1?")
    assert prompt.count(END_OF_CODE) == 3 and prompt.count("<output>") == 3 and prompt.endswith("<code>\n")
    assert prompt.index(rstar.INSTRUCTIONS) < prompt.index(rstar.EXAMPLES[0][0]) < prompt.index(rstar.EXAMPLES[1][0]) < prompt.index("What is 1 + 1?")
    assert prompt.startswith("<user>") == chat and ("<assistant><code>" in prompt) == chat


def test_the_worked_examples_are_right():
    for question, solution in rstar.EXAMPLES:
        with rstar.Verifier() as verifier:
            result = verifier.run(rstar.code_of(solution))
        assert result.ok and f"<output>{result.output.strip()}<end_of_output>" in solution
        assert rstar.answers_equal(rstar.extract_answer(solution), result.output)


def test_a_stock_model_goes_through_a_whole_search(tmp_path):
    make_model("llama", tmp_path, tuned=False)
    root, = rstar.search(["What is 1 + 1?"], Policy(tmp_path), config=Config(rollouts=2, candidates=3, step_tokens=12))
    assert root.visits == 2 and all(child.error for child in root.children)      # random weights finish no step


def make_ppm(folder, path):
    tokenizer = rstar.Policy(folder).tokenizer
    torch.manual_seed(1)
    model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=1, pad_token_id=0)
    torch.nn.init.normal_(model.score.weight, 0, .05)
    model.save_pretrained(path)
    tokenizer.save_pretrained(path)


def test_ppm_scores_a_batch_as_one_at_a_time(folder, tmp_path):
    make_ppm(folder, tmp_path)
    ppm = PPM(tmp_path, Config(rows=4))
    paths = [("What is 1 + 1?", f"n1 = {i}\n{END_OF_STEP}" * (i + 1)) for i in range(6)]
    scores = ppm.score(paths)
    assert scores == pytest.approx([ppm.score([path])[0] for path in paths], abs=1e-5)
    assert len(set(scores)) == 6 and all(-1 <= score <= 1 for score in scores)


def test_ppm_is_tanh_of_the_head_at_the_last_token(folder, tmp_path):
    make_ppm(folder, tmp_path)
    ppm = PPM(tmp_path)
    text = rstar.format_prompt("q") + f"n1 = 2\n{END_OF_STEP}"
    ids = ppm.tokenizer(text, return_tensors="pt", add_special_tokens=False)["input_ids"]
    with torch.inference_mode():
        by_hand = torch.tanh(ppm.model.score(ppm.model.base_model(ids).last_hidden_state[0, -1])).item()
    assert ppm.score([("q", f"n1 = 2\n{END_OF_STEP}")]) == [pytest.approx(by_hand, abs=1e-6)]


def test_a_ppm_is_no_policy_and_a_policy_is_no_ppm(folder, tmp_path):
    make_ppm(folder, tmp_path)
    with pytest.raises(UserError, match="SequenceClassification"):
        Policy(tmp_path)
    with pytest.raises(UserError, match="CausalLM"):
        PPM(folder)


def test_a_model_without_a_causal_head_is_refused(tmp_path):
    BertForMaskedLM(BertConfig(vocab_size=50, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)).save_pretrained(tmp_path)
    make_tokenizer(False).save_pretrained(tmp_path)
    with pytest.raises(UserError, match="BertForMaskedLM"):
        Policy(tmp_path)


def test_a_model_with_damaged_or_missing_weights_is_refused(folder, tmp_path):
    broken = shutil.copytree(folder, tmp_path / "broken") / "model.safetensors"
    weights = load_file(broken)
    save_file({name: tensor for name, tensor in weights.items() if "layers.0.mlp" not in name}, broken, metadata=dict(format="pt"))
    with pytest.raises(UserError, match="lacks [0-9]+ of them, such as .*layers.0.mlp"):
        Policy(broken.parent)
    broken.write_bytes(broken.read_bytes()[:1000])
    with pytest.raises(UserError, match="cannot be loaded"):
        Policy(broken.parent)


def test_weights_that_are_no_numbers_are_told(folder, tmp_path):
    """As half precision that overflows leaves them: no text of one repeated token, no tree whose scores compare to nothing."""
    shutil.copytree(folder, tmp_path / "policy")
    make_ppm(folder, tmp_path / "ppm")
    for path in (tmp_path / "policy", tmp_path / "ppm"):
        weights = load_file(path / "model.safetensors")
        name = next(name for name in weights if name.endswith("layers.0.mlp.down_proj.weight"))
        save_file(weights | {name: weights[name] * float("nan")}, path / "model.safetensors", metadata=dict(format="pt"))
    with pytest.raises(UserError, match="policy .* no number"):
        Policy(tmp_path / "policy")(["What is 2 + 2?"], 1, (END_OF_STEP,), 8)
    with pytest.raises(UserError, match="PPM .* no number"):
        PPM(tmp_path / "ppm").score([("What is 2 + 2?", "n1 = 4")])


def test_a_classifier_with_more_outputs_is_no_ppm(folder, tmp_path):
    AutoModelForSequenceClassification.from_pretrained(folder, num_labels=3, pad_token_id=0).save_pretrained(tmp_path)
    Policy(folder).tokenizer.save_pretrained(tmp_path)
    with pytest.raises(UserError, match="3 outputs"):
        PPM(tmp_path)


def test_gguf_asks_for_its_package(tmp_path, monkeypatch):
    (tmp_path / "model.gguf").write_bytes(b"GGUF")
    monkeypatch.setattr(rstar.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="pip install gguf"):
        Policy(tmp_path / "model.gguf")

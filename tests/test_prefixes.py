"""What a model has read is not read again, and gives the results of reading it whole."""

import pytest
import torch
import transformers

import prefixes
import rstar
import train_ppm
import trainer
from prefixes import Prefixes
from rstar import PPM, Policy
from test_models import KINDS, STEP, ids_of, make_model, make_ppm

# Of a layer that forgets what is more than 8 tokens ago nothing can be kept.
KINDS["mistral"] = (transformers.MistralConfig, transformers.MistralForCausalLM)
WINDOW = dict(mistral=dict(sliding_window=8))


@pytest.fixture(scope="module", params=KINDS)
def folder(request, tmp_path_factory):
    path = tmp_path_factory.mktemp(request.param)
    make_model(request.param, path, **WINDOW.get(request.param, {}))
    return path


def logits(reader, texts):
    with torch.inference_mode():
        return reader.read(texts)[0][:, -1]


def plain(model, text):
    """The logits behind a text in one call, without padding or anything kept."""
    with torch.inference_mode():
        logits = model(input_ids=torch.tensor([text])).logits
    # A policy's are (1, T, V), a PPM's (1, 1).
    return logits[0, -1]


def count_calls(monkeypatch, model):
    """A list that gets (rows, columns) of each call of a model."""
    calls = []
    forward = model.forward

    def counted(*, input_ids, **options):
        calls.append(tuple(input_ids.shape))
        return forward(input_ids=input_ids, **options)

    monkeypatch.setattr(model, "forward", counted)
    return calls


def test_a_text_that_continues_another_has_the_logits_of_the_whole(folder):
    reader = Prefixes(Policy(folder).model, room=1000)
    first = list(range(20, 40))
    rounds = [
        [first, first[:7] + [9, 9]],
        [first + [3, 4, 5], first[:9] + [8], [77, 78], first],
        [first + [3, 4, 5, 6], first[:12], [77, 78, 79, 80], first[:1]],
    ]
    for texts in rounds:
        for text, found in zip(texts, logits(reader, texts)):
            assert torch.allclose(found, plain(reader.model, text), atol=1e-5)


def test_only_the_rest_of_a_known_text_is_read(tmp_path, monkeypatch):
    make_model("llama", tmp_path)
    model = Policy(tmp_path).model
    calls = count_calls(monkeypatch, model)
    reader = Prefixes(model, room=1000)
    logits(reader, [[5, 6, 7, 8]])
    logits(reader, [[5, 6, 7, 8, 9, 10], [5, 6, 7, 8]])
    logits(reader, [[5, 6, 1, 2], [5, 6, 7, 8, 9, 10, 11]])
    assert calls == [(1, 4), (2, 2), (2, 2)]
    reader.forget()
    logits(reader, [[5, 6, 7, 8]])
    assert calls[-1] == (1, 4)


def test_what_siblings_share_is_read_once_before_them(tmp_path, monkeypatch):
    make_model("llama", tmp_path)
    model = Policy(tmp_path).model
    calls = count_calls(monkeypatch, model)
    reader = Prefixes(model, room=1000)
    path, other = list(range(20, 80)), list(range(100, 140))
    texts = [path + [1, 2], path + [3], path[:50] + [4], path + [1, 5], other, other[:35], [7, 8]]
    found = logits(reader, texts)
    assert calls == [(2, 61), (7, 5)]
    for text, one in zip(texts, found):
        assert torch.allclose(one, plain(model, text), atol=1e-5)
    # Now all of it is known, and a short beginning is not worth a call.
    del calls[:]
    logits(reader, [path + [1, 6], path + [9], [90, 91, 92], [90, 91, 93]])
    assert calls == [(4, 3)]


def test_the_oldest_text_is_dropped_where_there_is_no_room(tmp_path):
    make_model("llama", tmp_path)
    reader = Prefixes(Policy(tmp_path).model, room=10)
    for text in ([1, 2, 3, 4], [11, 12, 13, 14], [1, 2, 3, 4, 5], [21, 22, 23]):
        logits(reader, [text])
        assert reader.size == sum(map(len, reader.sorted)) <= 10
    # [1, 2, 3, 4] became a part of [1, 2, 3, 4, 5], which was newer than [11, 12, 13, 14].
    assert reader.sorted == [(1, 2, 3, 4, 5), (21, 22, 23)]
    logits(reader, [list(range(11))])
    assert reader.sorted == []


def test_a_model_with_a_sliding_window_keeps_nothing(tmp_path):
    make_model("mistral", tmp_path, sliding_window=8)
    reader = Prefixes(Policy(tmp_path).model, room=1000)
    logits(reader, [list(range(20))])
    assert reader.sorted == []


@pytest.mark.slow
def test_samples_are_those_of_plain_decoding(folder):
    """Rows that split, end and leave give the text of one sample that is decoded by itself."""
    policy = Policy(folder)
    texts = ["a", "a longer text with more in it", "12 + 7 ="]
    samples = policy(texts, 6, STEP, 30, 0.5, [1, 2, 3])
    for text, seed, found in zip(texts, [1, 2, 3], samples):
        assert found == [decode_plainly(policy, text, seed, number) for number in range(6)]
    assert len({sample for found in samples for sample in found}) > 6


def decode_plainly(policy, text, seed, number):
    """A sample, token by token, each from one call of the model that reads the whole text."""
    draw = rstar.Draw([text], [seed], 6, 30, 0.5, "cpu", "name")
    ends = set(policy.tokenizer.convert_tokens_to_ids(list(STEP))) | policy.end_tokens
    tokens = ids_of(policy, text)
    written = []
    while len(written) < 30 and not ends & set(written):
        logits = plain(policy.model, tokens + written)[None]
        written.append(draw(logits, torch.tensor([0]), len(written))[0, number].item())
    return policy.cut(written, STEP)


def test_equal_samples_are_computed_once(tmp_path, monkeypatch):
    make_model("llama", tmp_path)
    policy = Policy(tmp_path)
    calls = count_calls(monkeypatch, policy.model)
    # Nearly greedy: all samples are the same.
    samples = policy(["abc"], 16, STEP, 20, 0.01, [3])[0]
    assert len(set(samples)) == 1
    assert {rows for rows, _ in calls} == {1}
    # Each is counted, since each has a vote of its own.
    assert policy.tokens == 16 * len(calls)


def test_scores_along_a_path_are_those_of_whole_paths(folder, tmp_path, monkeypatch):
    make_ppm(folder, tmp_path)
    steps = ["# one\nx = 1\n<end_of_step>", "y = x + 2<end_of_step>", "print(y)<end_of_code>"]
    paths = [("How many?", "\n\n".join(steps[:n])) for n in (1, 2, 3)]
    ppm = PPM(tmp_path)
    calls = count_calls(monkeypatch, ppm.model)
    found = [ppm.score([path])[0] for path in paths]
    whole = [torch.tanh(plain(ppm.model, ppm.encode(*path))).item() for path in paths]
    assert found == pytest.approx(whole, abs=1e-5)
    lengths = [len(ppm.encode(*path)) for path in paths]
    if ppm.prefixes.room:
        assert [columns for _, columns in calls[1:3]] == [
            lengths[1] - lengths[0],
            lengths[2] - lengths[1],
        ]


# --------------------------------------------------------------------------------------------------
# Training.


GROUPS = [
    [[5, 6, 7, 8, 9], [5, 6, 7, 20], [5, 6, 7, 8, 30, 31]],
    [[40, 41]],
    [[5, 6], [5, 6], [50, 6, 7]],
    [[60 + i for i in range(9)], [60, 61, 63]],
]


def as_groups(texts):
    """What train_ppm.py scores: only the tokens matter here."""
    return [train_ppm.Group("", 1, [], [], [], ids) for ids in texts]


def test_packed_groups_have_the_losses_and_gradients_of_single_rows(folder, tmp_path):
    make_ppm(folder, tmp_path)
    if not prefixes.can_pack(PPM(tmp_path).model):
        pytest.skip("a model with a sliding window is not packed")
    gradients = []
    for logits_of in (train_ppm.plain_logits, train_ppm.packed_logits):
        model = PPM(tmp_path).model
        logits = logits_of(model, as_groups(GROUPS), 0)
        # A loss that each text has another part in.
        (torch.tanh(logits) * torch.arange(1, 10)).sum().backward()
        gradients.append((logits.detach(), [p.grad for p in model.parameters()]))
    (plain, plain_grads), (packed, packed_grads) = gradients
    assert torch.allclose(plain, packed, atol=1e-5)
    for one, other in zip(plain_grads, packed_grads):
        assert one is other is None or torch.allclose(one, other, atol=1e-4)


def test_the_trainer_packs_where_it_may(folder, tmp_path, monkeypatch):
    make_ppm(folder, tmp_path)
    model = PPM(tmp_path).model
    calls = count_calls(monkeypatch, model)
    scores = train_ppm.score(model, as_groups(GROUPS), 0)
    assert [len(group) for group in scores] == [3, 1, 3, 2]
    # A row for each text; or as wide as the longest group is without what is there twice, 10, a row
    # for it, one for the groups of 8 and 2, and one for that of 5.
    assert calls == [(3, 10) if prefixes.can_pack(model) else (9, 9)]


def test_a_model_with_a_sliding_window_is_not_packed(tmp_path):
    make_model("mistral", tmp_path, sliding_window=8)
    assert not prefixes.can_pack(Policy(tmp_path).model)


def test_what_the_texts_of_a_group_share_is_one_column():
    ids, visible, positions, ends = prefixes.pack(GROUPS[:2], pad=0)
    assert ids.tolist() == [[5, 6, 7, 8, 9, 20, 30, 31], [40, 41, 0, 0, 0, 0, 0, 0]]
    assert positions[0].tolist() == [0, 1, 2, 3, 4, 3, 4, 5]
    assert ends == [(0, 4), (0, 5), (0, 7), (1, 1)]
    seen = [visible[0, 0, column].nonzero()[:, 0].tolist() for column in range(8)]
    assert seen == [
        *([0], [0, 1], [0, 1, 2], [0, 1, 2, 3], [0, 1, 2, 3, 4]),
        *([0, 1, 2, 5], [0, 1, 2, 3, 6], [0, 1, 2, 3, 6, 7]),
    ]
    # Padding sees itself: attention to nothing would be NaN.
    assert visible[1, 0].diagonal().all()


def test_rows_are_filled_with_the_largest_groups_first():
    assert prefixes.fill_rows([2, 5, 3, 1, 4]) == [(2, 3), (0, 0), (2, 0), (1, 4), (1, 0)]


def test_attention_in_float32_is_closer_to_float32_than_in_bf16(tmp_path):
    make_model("llama", tmp_path)
    ids = torch.arange(20, 60)[None]
    exact, rounded = Policy(tmp_path).model, Policy(tmp_path).model
    mixed = Policy(tmp_path).model
    trainer.attend_in_float32(mixed)
    with torch.inference_mode():
        wanted = exact(ids).logits
        with torch.autocast("cpu", torch.bfloat16):
            errors = [(model(ids).logits - wanted).abs().mean() for model in (rounded, mixed)]
    assert 0 < errors[1] < errors[0]

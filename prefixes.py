"""Reads texts with a model, and what they begin with only once.

In a search each path continues an earlier one by a step. What the model has computed for the
earlier one, its keys and values, is kept and need not be computed again (`Prefixes`). With the tiny
world's models a path has about 200 tokens and a step 25, and reading took two thirds of a search.

In training the texts of a group are siblings. They are packed into one row that holds what they
have in common once, and each token sees those before it in its own text only (`pack`).
"""

import bisect
import os

import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

import common

# Tokens that two texts must have in common for a call of its own (our choice).
WORTH_A_CALL = 32


class Prefixes:
    """The texts that a model has read last, as lists of tokens, with their keys and values.

    model   a language model of any head
    room    how many tokens may be kept; if None, as many as fit in `common.kept_tokens`
    """

    def __init__(self, model, room: int | None = None):
        self.model = model
        self.room = 0
        if attends_to_all(model):
            self.room = common.kept_tokens(model) if room is None else room
        self.forget()

    def forget(self) -> None:
        self.sorted = []  # what is kept, in order: next to a text stand those that begin alike
        self.states = {}  # text -> (keys, values) of each layer, (heads, T, width); oldest first
        self.size = 0  # tokens

    def empty_cache(self) -> DynamicCache:
        return DynamicCache(config=self.model.config)

    def longest_kept(self, text: list[int]) -> tuple[int, tuple]:
        """(length, text): the longest common beginning with a text that is kept."""
        text = tuple(text)
        place = bisect.bisect(self.sorted, text)
        best = (0, ())
        for other in self.sorted[max(0, place - 1) : place + 1]:
            # The logits of the last token are needed, so that one is always read.
            length = min(len(os.path.commonprefix([text, other])), len(text) - 1)
            best = max(best, (length, other))
        return best

    def unread(self, text: list[int]) -> int:
        """How many tokens of a text would have to be read."""
        return len(text) - self.longest_kept(text)[0]

    def read(self, texts: list[list[int]], **options):
        """(logits, mask, cache) of B texts, in one call of the model.

        Each row is: padding, what is kept of its text, padding, and the rest of its text.
        mask (B, T) is 0 at the padding.
        """
        texts = [tuple(text) for text in texts]
        # Otherwise each sibling would read their common path.
        if shared := self.shared(texts):
            self.read(shared, **options)
        known = [self.longest_kept(text) for text in texts]
        width = max(length for length, _ in known)
        rests = [text[length:] for text, (length, _) in zip(texts, known)]
        columns = max(map(len, rests))

        # What pads is no token of a text, but has to be one of the vocabulary.
        pad = getattr(self.model.config, "pad_token_id", None) or 0
        ids = torch.full((len(texts), columns), pad)
        mask = torch.zeros(len(texts), width + columns, dtype=torch.long)
        for row, (rest, (length, _)) in enumerate(zip(rests, known)):
            ids[row, columns - len(rest) :] = torch.tensor(rest)
            mask[row, width + columns - len(rest) :] = 1
            mask[row, width - length : width] = 1
        ids, mask = ids.to(self.model.device), mask.to(self.model.device)

        # A token's position is not its column.
        positions = (mask.cumsum(-1) - 1).clamp(min=0)[:, width:]
        cache = self.repeat(known, width)
        logits = self.model(
            input_ids=ids, attention_mask=mask, position_ids=positions, cache=cache, **options
        ).logits
        self.keep(texts, mask, cache)
        return logits, mask, cache

    def shared(self, texts: list[tuple]) -> list[tuple]:
        """The beginnings that some of the texts have in common and that are not kept yet."""
        texts = sorted(set(texts))
        beginnings = []
        for one, other in zip(texts, texts[1:]) if self.room else ():
            common_part = tuple(os.path.commonprefix([one, other]))
            if len(common_part) < self.longest_kept(common_part)[0] + WORTH_A_CALL:
                continue
            # Of three siblings two may share more: what they share holds the rest.
            if beginnings and beginnings[-1] == common_part[: len(beginnings[-1])]:
                beginnings.pop()
            if not beginnings or common_part != beginnings[-1][: len(common_part)]:
                beginnings.append(common_part)
        return beginnings

    def repeat(self, known, width: int) -> DynamicCache:
        """A cache with a row for each kept beginning, padded on the left to one width."""
        cache = self.empty_cache()
        if not width:
            return cache
        sample = next(iter(self.states.values()))
        for number in range(len(sample)):
            both = []
            for part in (0, 1):
                heads, _, size = sample[number][part].shape
                padded = sample[number][part].new_zeros(len(known), heads, width, size)
                for row, (length, text) in enumerate(known):
                    if length:
                        kept = self.states[text][number][part]
                        padded[row, :, width - length :] = kept[:, :length]
                both.append(padded)
            cache.update(*both, number)
        return cache

    def keep(self, texts, mask, cache) -> None:
        """Keeps what was read, and drops the oldest where there is no room."""
        # Layers that share the keys of others have none.
        if not self.room or not all(layer.is_initialized for layer in cache.layers):
            return
        for row, text in enumerate(texts):
            columns = mask[row].bool()
            self.drop(text)
            # A text that this one continues is a part of it.
            place = bisect.bisect(self.sorted, text)
            if place and text[: len(self.sorted[place - 1])] == self.sorted[place - 1]:
                self.drop(self.sorted[place - 1])
            bisect.insort(self.sorted, text)
            self.states[text] = [
                (layer.keys[row][:, columns], layer.values[row][:, columns])
                for layer in cache.layers
            ]
            self.size += len(text)
        while self.size > self.room:
            self.drop(next(iter(self.states)))

    def drop(self, text: tuple) -> None:
        if text in self.states:
            del self.states[text]
            del self.sorted[bisect.bisect_left(self.sorted, text)]
            self.size -= len(text)


def attends_to_all(model) -> bool:
    """Whether each layer sees all tokens so far: no sliding window, no recurrent state."""
    layers = DynamicCache(config=model.config).layers
    return all(type(layer) is DynamicLayer for layer in layers)


# --------------------------------------------------------------------------------------------------
# Training.


def can_pack(model) -> bool:
    """Whether `pack` may be used with a model: its attention has to take a mask of any shape."""
    return model.config._attn_implementation.startswith("sdpa") and attends_to_all(model)


def pack(groups: list[list[list[int]]], pad: int):
    """Packs groups of texts, given as tokens, into B rows of T columns.

    Returns ids (B, T); visible (B, 1, T, T), whether a column sees another; positions (B, T); and
    for each text the (row, column) of its last token, in the order of the texts.
    """
    merged = [merge(texts) for texts in groups]
    # Several groups may share a row: padded to the longest group, half of it would be padding.
    starts = fill_rows([len(ids) for ids, _ in merged])
    shape = 1 + max(row for row, _ in starts), max(len(ids) for ids, _ in merged)
    ids = torch.full(shape, pad)
    positions = torch.zeros(shape, dtype=torch.long)
    visible = torch.zeros(*shape, shape[1], dtype=torch.bool)
    # Attention to nothing at all would be NaN: a column of padding sees itself.
    visible.diagonal(dim1=1, dim2=2)[:] = True
    ends = []
    for (row, start), (new, columns) in zip(starts, merged):
        ids[row, start : start + len(new)] = torch.tensor(new)
        for path in columns:
            place = torch.tensor(path) + start
            count = len(path)
            positions[row, place] = torch.arange(count)
            visible[row, place[:, None], place] = torch.ones(count, count, dtype=torch.bool).tril()
            ends.append((row, place[-1].item()))
    return ids, visible[:, None], positions, ends


def merge(texts: list[list[int]]) -> tuple[list[int], list[list[int]]]:
    """(tokens, for each text the columns of its own among them).

    A token that stands behind the same tokens in two texts has one column.
    """
    known = {}  # (column of the token before, token) -> column
    ids = []
    columns = []
    for text in texts:
        at = -1
        columns.append([])
        for token in text:
            at = known.setdefault((at, token), len(known))
            columns[-1].append(at)
            if at == len(ids):
                ids.append(token)
    return ids, columns


def fill_rows(sizes: list[int]) -> list[tuple[int, int]]:
    """Puts groups into as few rows as the longest group is wide: (row, first column) of each."""
    filled = []
    starts = [(0, 0)] * len(sizes)
    # The largest first: the small ones then fill the gaps.
    for group in sorted(range(len(sizes)), key=lambda group: -sizes[group]):
        fits = [row for row, used in enumerate(filled) if used + sizes[group] <= max(sizes)]
        row = fits[0] if fits else len(filled)
        if not fits:
            filled.append(0)
        starts[group] = row, filled[row]
        filled[row] += sizes[group]
    return starts

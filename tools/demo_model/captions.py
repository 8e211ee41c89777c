# SPDX-License-Identifier: Apache-2.0
"""Captions as token ids, many wordings a combination, laid out for look-up on the training device."""

import random

import torch

import grammar
import tokenizer
from networks import TEXT_ROWS


def encode_row(processor, text):
    """[TEXT_ROWS] ids, </s> closed, 0 padded."""
    ids = tokenizer.encode(processor, text, TEXT_ROWS)
    return ids + [0] * (TEXT_ROWS - len(ids))


def disturb(text, rng):
    """Inserts one to three words that mean nothing here."""
    words = text.split()
    for _ in range(rng.randrange(1, 4)):
        word = rng.choice(tokenizer.COMMON_WORDS) + rng.choice(tokenizer.ENDINGS)
        if not any(word in c for c in MEANINGFUL):
            words.insert(rng.randrange(len(words) + 1), word)
    return " ".join(words)


MEANINGFUL = " ".join([*grammar.COLOURS, *(w for ws in grammar.SHAPE_WORDS.values() for w in ws),
                       *(p for ps in grammar.MOTION_WORDS.values() for two in ps for p in two),
                       *(w for ws in grammar.BACKGROUND_WORDS.values() for w in ws)]).split()


def table(processor, combinations, wordings, seed, disturbed=0.12):
    """Token ids [len(combinations), wordings, TEXT_ROWS] (int16); the first wording is the plain one."""
    rng = random.Random(seed)
    rows = []
    for c in combinations:
        texts = [grammar.plain_caption(c)] + [grammar.caption(c, rng) for _ in range(wordings - 1)]
        texts[1:] = [disturb(t, rng) if rng.random() < disturbed else t for t in texts[1:]]
        rows.append([encode_row(processor, t) for t in texts])
    return torch.tensor(rows, dtype=torch.int16)


def empty(device):
    """The row that stands for "no caption"."""
    row = torch.zeros(1, TEXT_ROWS, dtype=torch.long, device=device)
    row[0, 0] = 1
    return row

# SPDX-License-Identifier: Apache-2.0
"""Trains the demo model's SentencePiece Unigram tokenizer: 1,024 pieces, Wan's special ids.

    python tokenizer.py OUT/spiece.model

The corpus is the caption grammar plus a list of common English words, so that a prompt outside the
grammar still falls into words and syllables rather than single letters.
"""

import io
import random
import sys

import grammar

COMMON_WORDS = """
the of and to in is you that it he was for on are as with his they at be this from have or by one had not but what
all were when we there can an your which their said if do will each about how up out them then she many some so these
would other into has more her two like him see time could no make than first been its who now people my made over did
down only way find use may water long little very after words called just where most know get through back much before
go good new write our used me man too any day same right look think also around another came come work three word must
because does part even place well such here take why things help put years different away again off went old number
great tell men say small every found still between name should home big give air line set own under read last never us
left end along while might next sound below saw something thought both few those always looked show large often together
asked house world going want school important until form food keep children feet land side without boy once animals life
enough took sometimes four head above kind began almost live page got earth need far hand high year mother light parts
country father let night following picture being study second eyes soon times story boys since white days ever paper hard
near sentence better best across during today others however sure means knew try told young miles sun ways thing whole
hear example heard several change answer room sea against top turned learn point city play toward five using himself
usually money seen didn't car morning given trees body family hours friends front feel wind rain cloud mountain river
forest street dog cat horse bird fish woman girl baby robot car train plane boat ship castle bridge tower tree flower
garden fire smoke snow ice beach desert island space planet moon galaxy rocket dragon dancing running walking flying
swimming jumping spinning sitting standing looking smiling eating drinking playing singing talking driving riding
cinematic realistic photo video camera shot close wide slow motion fast colorful dark beautiful detailed style painting
cartoon anime watercolor black gray brown pink silver golden cyan magenta violet turquoise left right forward backward
quickly slowly smoothly gently rolling ball cube sphere cone ring diamond hexagon rectangle circle line dot pattern
background foreground sky ground floor wall window door table chair glass metal wood stone plastic
""".split()

ENDINGS = ("", "", "", "", "s", "ing", "ed", "er", "ly", "ness", "ful", "able", "ment", "tion", "al", "y", "'s")


def corpus(lines=40000, seed=0):
    """Captions, and sentences of random common words."""
    rng = random.Random(seed)
    train, _ = grammar.split()
    for _ in range(lines):
        yield grammar.caption(rng.choice(train), rng)
        if rng.random() < 0.7:
            yield " ".join(word + rng.choice(ENDINGS) for word in rng.choices(COMMON_WORDS, k=8))
    for a in range(10, 100):
        yield f"{a} {a * 37 % 1000} {a * 7}"


def train(path, pieces=1024):
    import sentencepiece
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=corpus(), model_writer=model, model_type="unigram", vocab_size=pieces,
        pad_id=0, eos_id=1, bos_id=2, unk_id=3, pad_piece="<pad>", eos_piece="</s>", bos_piece="<s>", unk_piece="<unk>",
        normalization_rule_name="nmt_nfkc", character_coverage=1.0,
        required_chars="abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:;!?'\"()[]{}-_+=*/\\&%$#@<>|^~`",
        hard_vocab_limit=True, seed_sentencepiece_size=200000, num_threads=1, minloglevel=1)
    with open(path, "wb") as out:
        out.write(model.getvalue())


def load(path):
    import sentencepiece
    return sentencepiece.SentencePieceProcessor(model_file=str(path))


def encode(processor, text, limit=512):
    """Token ids with exactly one closing </s>."""
    return processor.encode(" ".join(text.split()))[:limit - 1] + [1]


if __name__ == "__main__":
    train(sys.argv[1])

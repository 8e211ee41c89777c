# SPDX-License-Identifier: Apache-2.0
"""What the demo model can draw, and the sentences that ask for it. Standard library only.

A *combination* is a tuple (colour, shape, motion, background) of names. About every tenth one (by
a SHA-256 of its names) is held out: training never sees its clips or its captions.
"""

import hashlib
import itertools
import random

COLOURS = {  # sRGB in 0..1
    "red": (0.90, 0.13, 0.16),
    "orange": (1.00, 0.50, 0.05),
    "yellow": (0.98, 0.85, 0.10),
    "green": (0.08, 0.72, 0.22),
    "blue": (0.12, 0.33, 0.93),
    "purple": (0.60, 0.18, 0.86),
}
SHAPES = ("ball", "square", "triangle", "star", "heart")
MOTIONS = ("right", "left", "up", "down", "bounce", "circle", "grow", "shrink")
BACKGROUNDS = ("night", "sunset", "meadow", "sea", "checker")

FRAMES, SIZE, FPS = 33, 128, 16

SHAPE_WORDS = {
    "ball": ("ball", "ball", "sphere", "circle"),
    "square": ("square", "square", "box", "block"),
    "triangle": ("triangle",),
    "star": ("star", "star", "five-pointed star"),
    "heart": ("heart", "heart", "heart shape"),
}
# (finite verb phrase, participle phrase)
MOTION_WORDS = {
    "right": (("moves to the right", "moving to the right"), ("rolls to the right", "rolling to the right"),
              ("slides right", "sliding right"), ("glides from left to right", "gliding from left to right"),
              ("travels rightward", "travelling rightward")),
    "left": (("moves to the left", "moving to the left"), ("rolls to the left", "rolling to the left"),
             ("slides left", "sliding left"), ("glides from right to left", "gliding from right to left"),
             ("travels leftward", "travelling leftward")),
    "up": (("rises", "rising"), ("moves up", "moving up"), ("floats upward", "floating upward"),
           ("climbs to the top", "climbing to the top"), ("goes up", "going up")),
    "down": (("falls", "falling"), ("moves down", "moving down"), ("sinks downward", "sinking downward"),
             ("drops to the bottom", "dropping to the bottom"), ("goes down", "going down")),
    "bounce": (("bounces", "bouncing"), ("bounces up and down", "bouncing up and down"),
               ("hops", "hopping"), ("jumps up and down", "jumping up and down")),
    "circle": (("moves in a circle", "moving in a circle"), ("circles around", "circling around"),
               ("goes round and round", "going round and round"), ("orbits the center", "orbiting the center")),
    "grow": (("grows", "growing"), ("gets bigger", "getting bigger"), ("becomes larger", "becoming larger"),
             ("expands", "expanding")),
    "shrink": (("shrinks", "shrinking"), ("gets smaller", "getting smaller"),
               ("becomes smaller", "becoming smaller"), ("contracts", "contracting")),
}
BACKGROUND_WORDS = {
    "night": ("over a night sky", "in a starry night sky", "against the night sky", "under the stars at night",
              "in front of a dark sky full of stars"),
    "sunset": ("at sunset", "over a sunset", "against a sunset sky", "in front of a pink sunset",
               "in the evening sun"),
    "meadow": ("over a meadow", "over a green meadow", "above green hills", "in a grassy field",
               "in front of a green hill"),
    "sea": ("over the sea", "above the ocean", "over calm water", "in front of the sea", "at the seaside"),
    "checker": ("on a checkerboard", "over a checkered wall", "on a checkered background",
                "in front of a checkerboard", "on a chessboard pattern"),
}
# Words that change nothing: the model learns to ignore them.
ADJECTIVES = ("", "", "", "", "", "bright ", "shiny ", "glossy ", "little ", "cute ", "colorful ", "single ", "lovely ")
OPENINGS = ("", "", "", "", "", "", "a video of ", "a clip of ", "an animation of ", "watch ", "we see ", "a movie of ")
ENDINGS = ("", "", "", "", "", "", ".", ".", ", high quality", ", smooth animation", ", 4k", ", cartoon style", " for two seconds")


def combinations():
    """All 1,200 combinations, in a fixed order."""
    return list(itertools.product(COLOURS, SHAPES, MOTIONS, BACKGROUNDS))


def held_out(combination):
    """True for the tenth of all combinations that training never sees."""
    return hashlib.sha256("|".join(combination).encode()).digest()[0] % 10 == 0


def split():
    """(training combinations, held-out combinations)."""
    every = combinations()
    return [c for c in every if not held_out(c)], [c for c in every if held_out(c)]


def plain_caption(combination):
    """The first wording of everything: "a red ball moves to the right over a night sky"."""
    colour, shape, motion, background = combination
    article = "an" if colour[0] in "aeiou" else "a"
    return (f"{article} {colour} {SHAPE_WORDS[shape][0]} {MOTION_WORDS[motion][0][0]} "
            f"{BACKGROUND_WORDS[background][0]}")


def caption(combination, rng: random.Random):
    """One of many thousand wordings of a combination."""
    colour, shape, motion, background = combination
    adjective = rng.choice(ADJECTIVES)
    noun = f"{adjective}{colour} {rng.choice(SHAPE_WORDS[shape])}"
    article = rng.choice(("a", "a", "a", "one", "the"))
    if article == "a" and noun[0] in "aeiou":
        article = "an"
    finite, participle = rng.choice(MOTION_WORDS[motion])
    place = rng.choice(BACKGROUND_WORDS[background])
    thing = f"{article} {noun}"
    form = rng.randrange(6)
    if form <= 2:
        text = f"{thing} {finite} {place}"
    elif form == 3:
        text = f"{place}, {thing} {finite}"
    elif form == 4:
        text = f"{rng.choice(OPENINGS)}{thing} {participle} {place}"
    else:
        text = f"{thing} {place}, {participle}"
    text += rng.choice(ENDINGS)
    return text[0].upper() + text[1:] if rng.random() < 0.3 else text

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures whether clips show what their captions say. Needs python3 and numpy, nothing else.

    python3 score.py --reel build/bin/reel --model models/demo          # generates, then measures
    python3 score.py --clips DIR                                        # measures DIR/<index>.y4m

Prompts are the plain captions of held-out combinations (grammar.py), prompt i with seed i. Colour,
motion, shape and background are measured from the pixels alone: the object is what is saturated
(backgrounds are not), its hue names the colour, the path of its centre and its area name the motion,
the best-overlapping template names the shape, and what is left names the background. Exit status 1
when an accuracy is below its mark.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

import grammar
import measure
from pictures import contact_strip, read_y4m, write_png

MARKS = {"colour": 0.95, "motion": 0.90, "shape": 0.85, "background": 0.95}


def chosen(count):
    """`count` held-out combinations, spread over all of them; repeated with other seeds when short."""
    pool = grammar.split()[1]
    order = sorted(range(len(pool)), key=lambda i: (i * 0.6180339887) % 1)
    return [pool[order[i % len(pool)]] for i in range(count)]


def generate(reel, model, combination, seed, path, extra):
    command = [reel, "generate", "--model", model, "--prompt", grammar.plain_caption(combination),
               "--seed", str(seed), "--out", path, *extra]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode or not os.path.exists(path):
        sys.exit(f"error: {' '.join(command)} failed with status {done.returncode}\n{done.stdout[-2000:]}")


def table(wanted, found):
    """Prints accuracy by attribute and by value; returns {attribute: accuracy}."""
    accuracy = {}
    for i, attribute in enumerate(MARKS_ORDER):
        hit = np.array([w[i] == f[i] for w, f in zip(wanted, found)])
        accuracy[attribute] = hit.mean()
        by_value = {}
        for w, h in zip(wanted, hit):
            by_value.setdefault(w[i], []).append(h)
        detail = "  ".join(f"{v} {sum(h)}/{len(h)}" for v, h in sorted(by_value.items()))
        mark = MARKS[attribute]
        verdict = "ok  " if accuracy[attribute] >= mark else "FAIL"
        print(f"{verdict} {attribute:<10} {100 * accuracy[attribute]:5.1f} %  (mark {100 * mark:.0f} %)  {detail}")
    every = np.mean([w == f for w, f in zip(wanted, found)])
    print(f"     all four   {100 * every:5.1f} %  of {len(wanted)} clips")
    return accuracy


MARKS_ORDER = ("colour", "shape", "motion", "background")


def main():
    a = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    a.add_argument("--reel", default="build/bin/reel")
    a.add_argument("--model", default="models/demo")
    a.add_argument("--clips", help="measure DIR/<index>.y4m instead of generating")
    a.add_argument("--count", type=int, default=64)
    a.add_argument("--seed", type=int, default=0, help="seed of the first clip; the next take the next ones")
    a.add_argument("--misses", help="write a contact sheet of the misses to this PNG")
    a.add_argument("--sheet", help="write a contact sheet of all clips to this PNG")
    a.add_argument("--row", help="append the accuracies to this file as one row of a Markdown table")
    a.add_argument("--label", default="clips", help="what that row begins with")
    a.add_argument("--shuffle", action="store_true", help="compare with other clips' captions: must score at chance")
    a.add_argument("--quiet", action="store_true", help="do not list the misses")
    a.add_argument("extra", nargs="*", help="after --: further flags for reel generate")
    a = a.parse_args()
    wanted = drawn = chosen(a.count)
    if a.shuffle:
        wanted = random.Random(1).sample(wanted, len(wanted))
    found, strips, begin = [], [], time.time()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as programs:
        def frames_of(i):
            if a.clips:
                return read_y4m(os.path.join(a.clips, f"{i}.y4m"))
            path = os.path.join(folder, f"{i}.y4m")
            generate(a.reel, a.model, drawn[i], a.seed + i, path, a.extra)
            frames = read_y4m(path)
            os.remove(path)
            return frames

        # Two at a time: a small clip does not keep two cores busy.
        for i, frames in enumerate(programs.map(frames_of, range(len(drawn)))):
            found.append(measure.measure(frames))
            strips.append(contact_strip(frames))
            if not a.clips:
                print(f"\r{i + 1}/{len(wanted)} clips, {time.time() - begin:.0f} s", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    misses = [i for i, (w, f) in enumerate(zip(wanted, found)) if w != f]
    if not a.quiet:
        for i in misses:
            wrong = ", ".join(f"{n}: {x}" for n, w, x in zip(MARKS_ORDER, wanted[i], found[i]) if w != x)
            print(f"miss {i}: \"{grammar.plain_caption(wanted[i])}\" seed {a.seed + i} -> {wrong}")
    accuracy = table(wanted, found)
    if a.sheet:
        write_png(a.sheet, stack(strips))
    if a.misses and misses:
        write_png(a.misses, stack([strips[i] for i in misses]))
        print(f"the misses, two clips a row in the order above: {os.path.abspath(a.misses)}")
    if a.row:
        every = np.mean([w == f for w, f in zip(wanted, found)])
        cells = [f"{100 * x:.1f} %" for x in [*(accuracy[k] for k in MARKS_ORDER), every]]
        with open(a.row, "a") as file:
            print("|", " | ".join([a.label, str(len(wanted)), *cells]), "|", file=file)
    return 0 if all(accuracy[k] >= MARKS[k] for k in MARKS) else 1


def stack(strips):
    """Two strips a row; order is row by row."""
    strips = strips + [np.full_like(strips[0], 255)] * (len(strips) % 2)
    return np.concatenate([np.concatenate(strips[i:i + 2], 1) for i in range(0, len(strips), 2)], 0)


if __name__ == "__main__":
    sys.exit(main())

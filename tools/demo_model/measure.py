# SPDX-License-Identifier: Apache-2.0
"""Reads colour, shape, motion and background off the frames of a clip, by classical means (numpy only)."""

import colorsys

import numpy as np

import grammar

GRID = 48           # templates are GRID x GRID, spanning +-REACH times sqrt(area)
REACH = 1.0
UNKNOWN = "?"


def masks(frames):
    """Soft object masks [N,H,W] in 0..1: the object is vivid, backgrounds and shadows are muted."""
    rgb = frames.astype(np.float32) / 255
    chroma = rgb.max(-1) - rgb.min(-1)
    soft = np.clip((chroma - 0.33) / 0.12, 0, 1)
    return np.stack([largest(m) for m in soft])


def largest(mask):
    """Keeps the largest 8-connected blob of a soft mask, by repeated dilation inside it."""
    solid = mask > 0.5
    if not solid.any():
        return np.zeros_like(mask)
    best, left = None, solid.copy()
    while left.sum() > (0 if best is None else best.sum()):
        seed = np.zeros_like(left)
        seed[np.unravel_index(left.argmax(), left.shape)] = True
        while True:
            grown = dilate(seed) & left
            if grown.sum() == seed.sum():
                break
            seed = grown
        if best is None or seed.sum() > best.sum():
            best = seed
        left &= ~seed
    return mask * dilate(best)


def dilate(m):
    p = np.pad(m, 2)
    rows = p[:-4] | p[1:-3] | p[2:-2] | p[3:-1] | p[4:]
    return rows[:, :-4] | rows[:, 1:-3] | rows[:, 2:-2] | rows[:, 3:-1] | rows[:, 4:]


def moments(mask):
    """(area, centre x, centre y) in pixels; NaN centre when there is no object."""
    area = mask.sum()
    if area < 20:
        return 0.0, np.nan, np.nan
    y, x = np.mgrid[:mask.shape[0], :mask.shape[1]] + 0.5
    return area, (x * mask).sum() / area, (y * mask).sum() / area


def colour_of(frames, mask):
    """The palette entry nearest in hue to the object's median colour."""
    solid = mask > 0.9
    if solid.sum() < 50:
        return UNKNOWN
    rgb = np.median(frames[solid].astype(np.float32), 0) / 255
    hue = colorsys.rgb_to_hsv(*rgb)[0]
    def away(name):
        d = abs(hue - colorsys.rgb_to_hsv(*grammar.COLOURS[name])[0])
        return min(d, 1 - d)
    return min(grammar.COLOURS, key=away)


def motion_of(track):
    """track [n,3]: area, x, y, all in units of the frame. Straight moves travel, hops and orbits return."""
    if len(track) < 20:
        return UNKNOWN
    area, x, y = track.T
    def ends(v):
        return np.median(v[:3]), np.median(v[-3:])
    a0, a1 = ends(area)
    growth = np.log(a1 / a0) / 2
    if abs(growth) > 0.55:
        return "grow" if growth > 0 else "shrink"
    dx, dy = (b - a for a, b in (ends(x), ends(y)))
    wide, tall = np.ptp(x), np.ptp(y)
    if max(wide, tall) < 0.12:
        return UNKNOWN
    if wide > 0.12 and tall > 0.12 and min(wide, tall) > 0.45 * max(wide, tall):
        return "circle"
    if wide > tall:
        return UNKNOWN if abs(dx) < 0.6 * wide else ("right" if dx > 0 else "left")
    return "bounce" if abs(dy) < 0.6 * tall else ("down" if dy > 0 else "up")


def templates():
    """{shape: [GRID,GRID] mask}, unit area, centred on the centroid."""
    n = 401
    v = (np.arange(n) - n // 2) / (n // 2) * 1.6
    x, y = np.meshgrid(v, v)
    angle = np.arctan2(x, -y)
    sector = np.abs((angle + np.pi / 5) % (2 * np.pi / 5) - np.pi / 5)      # 0 at a tip, pi/5 at a notch
    r = np.hypot(x, y)
    tip, notch = 1.2, 0.58
    # radius of the edge from a tip to a notch, in direction `sector`
    edge = tip * notch * np.sin(np.pi / 5) / (notch * np.sin(np.pi / 5 - sector) + tip * np.sin(sector))
    hx, hy = np.abs(x) / 1.62, (0.93 - y) / 1.62
    heart = np.where(hx + hy > 1, np.hypot(hx - 0.25, hy - 0.75) < np.sqrt(2) / 4,
                     (hx < hy) | (np.hypot(hx, hy - 1) < 0) | (hx - hy < 0))
    solid = {
        "ball": r < 0.93,
        "square": np.maximum(np.abs(x), np.abs(y)) < 0.81,
        "triangle": (y < 0.82) & (y > -0.97 + (np.abs(x) - 0.05) * np.sqrt(3)),
        "star": r < edge,
        "heart": heart,
    }
    return {name: canonical(m.astype(np.float32)) for name, m in solid.items()}


def canonical(mask):
    """A mask resampled about its centroid at a scale set by its area, [GRID,GRID]."""
    area, cx, cy = moments(mask)
    step = REACH * np.sqrt(area) * (2 * (np.arange(GRID) + 0.5) / GRID - 1)
    x, y = np.meshgrid(cx + step - 0.5, cy + step - 0.5)
    x0, y0 = np.floor(x).astype(int), np.floor(y).astype(int)
    padded = np.pad(mask, 1)
    def at(j, i):
        return padded[np.clip(j + 1, 0, mask.shape[0] + 1), np.clip(i + 1, 0, mask.shape[1] + 1)]
    fx, fy = x - x0, y - y0
    return ((at(y0, x0) * (1 - fx) + at(y0, x0 + 1) * fx) * (1 - fy)
            + (at(y0 + 1, x0) * (1 - fx) + at(y0 + 1, x0 + 1) * fx) * fy)


_TEMPLATES = None


def overlap(a, b):
    return np.minimum(a, b).sum() / np.maximum(a, b).sum()


def shape_of(all_masks, track, kept):
    """The template with the largest mean overlap over every fourth frame with a whole, large enough object."""
    global _TEMPLATES
    _TEMPLATES = _TEMPLATES or templates()
    sums = dict.fromkeys(_TEMPLATES, 0.0)
    sizes = sorted(track[:, 0])
    floor = max(0.004, sizes[len(sizes) // 2] * 0.8)
    for area, i in [(t[0], k) for t, k in zip(track, kept)][::2]:
        if area < floor:
            continue
        picture = canonical(all_masks[i])
        for name, t in _TEMPLATES.items():
            sums[name] += overlap(picture, t)
    return max(sums, key=sums.get) if any(sums.values()) else UNKNOWN


# Mean colours (0..1) of the top, the middle and the bottom of each background.
BACKGROUND_COLOURS = {
    "night": ((0.05, 0.05, 0.15), (0.10, 0.085, 0.22), (0.15, 0.12, 0.29)),
    "sunset": ((0.63, 0.53, 0.67), (0.93, 0.72, 0.68), (0.48, 0.37, 0.45)),
    "meadow": ((0.73, 0.87, 0.95), (0.84, 0.92, 0.93), (0.53, 0.68, 0.44)),
    "sea": ((0.82, 0.90, 0.95), (0.72, 0.81, 0.84), (0.33, 0.54, 0.63)),
    "checker": ((0.85, 0.83, 0.80), (0.87, 0.85, 0.82), (0.85, 0.83, 0.80)),
}


def background_of(frames, all_masks):
    """Nearest mean colours of three horizontal bands, object pixels left out."""
    keep = (all_masks[::4] < 0.1)[..., None]
    h = frames.shape[1]
    bands = []
    for top, bottom in ((0.0, 0.2), (0.4, 0.6), (0.85, 1.0)):
        rows = slice(int(top * h), int(bottom * h))
        pixels, weight = frames[::4, rows].astype(np.float32) / 255, keep[:, rows]
        bands.append((pixels * weight).sum((0, 1, 2)) / max(1, weight.sum()))
    bands = np.array(bands)
    return min(BACKGROUND_COLOURS, key=lambda k: np.square(bands - np.array(BACKGROUND_COLOURS[k])).sum())


def measure(frames):
    """uint8 [N,H,W,3] -> (colour, shape, motion, background); "?" where there is nothing to read."""
    n, h, w, _ = frames.shape
    all_masks = masks(frames)
    rows = np.array([moments(m) for m in all_masks])
    kept = [i for i in range(n) if rows[i, 0] > 0]
    track = rows[kept] / np.array([h * w, w, h])
    if len(kept) < 5:
        return (UNKNOWN, UNKNOWN, UNKNOWN, background_of(frames, all_masks))
    biggest = max(kept, key=lambda i: rows[i, 0])
    return (colour_of(frames[biggest], all_masks[biggest]), shape_of(all_masks, track, kept), motion_of(track),
            background_of(frames, all_masks))

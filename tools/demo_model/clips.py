# SPDX-License-Identifier: Apache-2.0
"""Draws the training clips: shaded, anti-aliased shapes that move over five painted backgrounds.

Everything is a signed distance or a gradient evaluated per pixel with torch, so a GPU draws thousands
of clips a second. Coordinates are fractions of the frame, x to the right and y DOWN.
"""

import math

import torch

import grammar

PALETTE = torch.tensor(list(grammar.COLOURS.values()))


def sample(combinations, generator=None, device="cpu"):
    """Random geometry for a list of combinations: a dict of [B] or [B, k] tensors."""
    keys = [list(grammar.COLOURS), grammar.SHAPES, grammar.MOTIONS, grammar.BACKGROUNDS]
    index = torch.tensor([[k.index(v) for k, v in zip(keys, c)] for c in combinations], device=device)
    return sample_indices(index, generator)


def sample_indices(index, generator=None):
    """As `sample`, from an integer tensor [B, 4] of (colour, shape, motion, background)."""
    b, device = index.shape[0], index.device
    r = torch.rand(b, 24, generator=generator, device=device)
    return {
        "colour": index[:, 0], "shape": index[:, 1], "motion": index[:, 2], "background": index[:, 3],
        "geometry": r, "stars": torch.rand(b, 26, 3, generator=generator, device=device),
    }


def between(r, low, high):
    return low + (high - low) * r


def path(p, u):
    """Centre x, y and radius [B, T] at times u [T] in 0..1."""
    r, motion = p["geometry"], p["motion"]
    a = [r[:, i, None] for i in range(7)]
    u = u[None]
    travel = between(a[0], 0.20, 0.28) * (2 * u - 1)
    centre, across = between(a[1], 0.46, 0.54), between(a[2], 0.34, 0.66)
    radius = between(a[3], 0.12, 0.16) + 0 * u
    still = 0 * u
    turns = 2 + (a[4] > 0.5).float()
    hop = between(a[1], 0.66, 0.74) - between(a[0], 0.30, 0.38) * (math.pi * (turns * u + a[5])).sin().abs()
    phi = 2 * math.pi * (u + a[5])
    orbit = between(a[0], 0.18, 0.23)
    small, large = between(a[3], 0.06, 0.08), between(a[4], 0.22, 0.27)
    grown = small * (large / small) ** u
    shrunk = small * (large / small) ** (1 - u)
    middle_x, middle_y = between(a[1], 0.44, 0.56) + still, between(a[2], 0.44, 0.56) + still
    xs = [centre + travel, centre - travel, across + still, across + still, across + still,
          centre + orbit * phi.cos(), middle_x, middle_x]
    ys = [across + still, across + still, centre - travel, centre + travel, hop,
          between(a[2], 0.46, 0.54) + orbit * phi.sin(), middle_y, middle_y]
    rs = [radius] * 6 + [grown, shrunk]
    pick = torch.nn.functional.one_hot(motion, 8).T[:, :, None].to(u.dtype)
    return [sum(k * v for k, v in zip(pick, values)) for values in (xs, ys, rs)]


def shape_distances(x, y):
    """Signed distances of the five shapes (unit radius, y down) at x, y: five tensors."""
    ax = x.abs()
    ball = (x * x + y * y).sqrt() - 0.93
    qx, qy = ax - 0.68, y.abs() - 0.68
    square = (qx.clamp(min=0) ** 2 + qy.clamp(min=0) ** 2).sqrt() + torch.maximum(qx, qy).clamp(max=0) - 0.14
    # equilateral triangle, rounded
    k, s = math.sqrt(3.0), 0.98
    tx, ty = ax - s, (0.18 - y) + s / k
    flip = (tx + k * ty) > 0
    tx, ty = torch.where(flip, (tx - k * ty) / 2, tx), torch.where(flip, (-k * tx - ty) / 2, ty)
    tx = tx - tx.clamp(-2 * s, 0)
    triangle = -(tx * tx + ty * ty).sqrt() * ty.sign() - 0.10
    # five-pointed star
    def star(x, y, outer=1.16, inner=0.47):
        k1x, k1y = math.cos(math.pi / 5), -math.sin(math.pi / 5)
        x, y = x.abs(), -y
        m = (k1x * x + k1y * y).clamp(min=0)
        x, y = x - 2 * m * k1x, y - 2 * m * k1y
        m = (-k1x * x + k1y * y).clamp(min=0)
        x, y = x + 2 * m * k1x, y - 2 * m * k1y
        x, y = x.abs(), y - outer
        bx, by = inner * -k1y, inner * k1x - 1
        h = ((x * bx + y * by) / (bx * bx + by * by)).clamp(0, outer)
        return ((x - bx * h) ** 2 + (y - by * h) ** 2).sqrt() * (y * bx - x * by).sign() - 0.05
    # heart
    hx, hy = ax / 1.62, (0.93 - y) / 1.62
    lobe = ((hx - 0.25) ** 2 + (hy - 0.75) ** 2).sqrt() - math.sqrt(2) / 4
    m = 0.5 * (hx + hy).clamp(min=0)
    tip = torch.minimum(hx**2 + (hy - 1) ** 2, (hx - m) ** 2 + (hy - m) ** 2).sqrt() * (hx - hy).sign()
    heart = torch.where(hx + hy > 1, lobe, tip) * 1.62
    return ball, square, triangle, star(x, y), heart


def smooth(edge, width):
    """1 where edge < 0, 0 where edge > 0, soft over `width`."""
    return (0.5 - edge / width).clamp(0, 1)


def mix(a, b, k):
    return a + (b - a) * k


def rgb(values, like):
    return torch.tensor(values, dtype=like.dtype, device=like.device).view(1, 3, 1, 1)


def backgrounds(p, x, y):
    """The five backgrounds [5][B,3,h,w] at pixel centres x, y [B,1,h,w]."""
    r = p["geometry"]
    g = [r[:, i].view(-1, 1, 1, 1) for i in range(24)]
    px = 1.0 / grammar.SIZE

    # night: deep gradient, stars, crescent moon with a faint glow
    night = mix(rgb((0.03, 0.04, 0.13), x), rgb((0.17, 0.13, 0.31), x), (y * between(g[8], 0.85, 1.15)).clamp(0, 1))
    stars = p["stars"]
    for i in range(stars.shape[1]):
        sx, sy, sb = [stars[:, i, j].view(-1, 1, 1, 1) for j in range(3)]
        width = px * between(sb, 0.55, 1.0)
        night = night + 0.85 * sb * (-((x - sx) ** 2 + (y - sy) ** 2) / (2 * width**2)).exp()
    mx, my = between(g[9], 0.12, 0.88), between(g[10], 0.10, 0.22)
    d = ((x - mx) ** 2 + (y - my) ** 2).sqrt()
    bite = ((x - mx - 0.035) ** 2 + (y - my + 0.015) ** 2).sqrt()
    night = night + rgb((0.16, 0.15, 0.14), x) * (-(d / 0.12) ** 2).exp()
    night = mix(night, rgb((0.93, 0.91, 0.80), x), smooth(torch.maximum(d - 0.065, 0.058 - bite), 1.2 * px))

    # sunset: lavender to peach, a pale sun, mauve hills
    horizon = between(g[11], 0.74, 0.84)
    k = (y / horizon).clamp(0, 1)
    sunset = torch.where(k < 0.55, mix(rgb((0.56, 0.49, 0.67), x), rgb((0.92, 0.69, 0.67), x), k / 0.55),
                         mix(rgb((0.92, 0.69, 0.67), x), rgb((1.0, 0.87, 0.71), x), (k - 0.55) / 0.45))
    d = ((x - between(g[12], 0.2, 0.8)) ** 2 + (y - horizon + 0.06) ** 2).sqrt()
    sunset = sunset + rgb((0.10, 0.11, 0.08), x) * (-(d / 0.25) ** 2).exp()
    sunset = mix(sunset, rgb((1.0, 0.96, 0.84), x), smooth(d - 0.10, 1.5 * px))
    hill = horizon + 0.025 * (6.3 * (1.1 * x + g[13])).sin() + 0.012 * (6.3 * (2.7 * x + g[14])).sin()
    sunset = mix(sunset, mix(rgb((0.50, 0.38, 0.48), x), rgb((0.36, 0.28, 0.38), x), ((y - hill) / 0.2).clamp(0, 1)),
                 smooth(hill - y, 1.5 * px))

    # meadow: pale sky with soft clouds, two rows of sage hills
    meadow = mix(rgb((0.66, 0.83, 0.94), x), rgb((0.90, 0.96, 0.97), x), (y / 0.6).clamp(0, 1))
    for i, spread in ((15, 0.0), (16, 0.5)):
        cx, cy = 0.5 * between(g[i], 0.1, 0.9) + spread, between(g[i + 2], 0.10, 0.28)
        for ox, oy, size in ((-0.07, 0.012, 0.045), (0.0, -0.008, 0.06), (0.07, 0.012, 0.045)):
            blob = (-(((x - cx - ox) / size) ** 2 + ((y - cy - oy) / (0.6 * size)) ** 2)).exp()
            meadow = mix(meadow, rgb((1.0, 1.0, 1.0), x), 0.75 * blob)
    far = between(g[19], 0.56, 0.64) + 0.04 * (6.3 * (0.9 * x + g[20])).sin()
    near = between(g[19], 0.70, 0.78) + 0.05 * (6.3 * (0.6 * x + g[21])).sin()
    meadow = mix(meadow, rgb((0.66, 0.79, 0.56), x), smooth(far - y, 1.5 * px))
    meadow = mix(meadow, mix(rgb((0.55, 0.71, 0.46), x), rgb((0.44, 0.60, 0.37), x), ((y - near) / 0.3).clamp(0, 1)),
                 smooth(near - y, 1.5 * px))

    # sea: bright haze above, banded water below
    line = between(g[11], 0.42, 0.54)
    sea = mix(rgb((0.80, 0.89, 0.95), x), rgb((0.97, 0.95, 0.90), x), (y / line).clamp(0, 1))
    depth = ((y - line) / (1 - line)).clamp(0, 1)
    water = mix(rgb((0.53, 0.72, 0.76), x), rgb((0.27, 0.47, 0.57), x), depth)
    ripple = (6.3 * (9.0 * depth.sqrt() + 0.35 * (6.3 * (1.5 * x + g[12])).sin() + g[13])).sin()
    water = water + 0.035 * ripple * depth.sqrt()
    sea = mix(sea, water, smooth(line - y, 1.2 * px))

    # checker: two warm greys with a soft vignette
    count = 6 + (g[8] > 0.5).float()
    def wave(v):
        return (2 * ((v * 0.5) % 1 - 0.5).abs() - 0.5) * 2  # triangle wave, zero at every tile edge
    sx, sy = wave(x * count + g[9] + 0.5), wave(y * count + g[10] + 0.5)
    soft = 2.0 * px * count
    sign = (sx / soft).clamp(-0.5, 0.5) * (sy / soft).clamp(-0.5, 0.5) * 2 + 0.5
    checker = mix(rgb((0.95, 0.93, 0.89), x), rgb((0.78, 0.76, 0.73), x), sign)
    checker = checker * (1.02 - 0.25 * ((x - 0.5) ** 2 + (y - 0.5) ** 2))
    return night, sunset, meadow, sea, checker


def render(p, frames=grammar.FRAMES, size=grammar.SIZE, first=None, origin=None, extent=None):
    """Clips [B, 3, frames, extent, extent] in [-1, 1].

    first [B]: index of the first frame in the whole clip (for sub-clips). origin [B, 2]: upper left
    pixel (y, x) of a crop of `extent` pixels. Without them the whole clip is drawn.
    """
    r = p["geometry"]
    b, device = r.shape[0], r.device
    extent = extent or size
    f = torch.arange(grammar.FRAMES, device=device, dtype=r.dtype) / (grammar.FRAMES - 1)
    cx, cy, radius = path(p, f)
    if first is None:
        cx, cy, radius = cx[:, :frames], cy[:, :frames], radius[:, :frames]
    else:
        index = first[:, None] + torch.arange(frames, device=device)
        cx, cy, radius = cx.gather(1, index), cy.gather(1, index), radius.gather(1, index)
    pixel = (torch.arange(extent, device=device, dtype=r.dtype) + 0.5) / size
    oy = origin[:, 0, None] / size if origin is not None else 0
    ox = origin[:, 1, None] / size if origin is not None else 0
    y = (pixel[None] + oy).expand(b, extent).view(b, 1, extent, 1)
    x = (pixel[None] + ox).expand(b, extent).view(b, 1, 1, extent)
    choose = torch.nn.functional.one_hot(p["background"], 5).T.to(r.dtype)
    ground = sum(k.view(-1, 1, 1, 1) * v for k, v in zip(choose, backgrounds(p, x, y)))

    # the object in its own unit coordinates [B, T, h, w]
    scale = radius[:, :, None, None]
    ux, uy = (x - cx[:, :, None, None]) / scale, (y - cy[:, :, None, None]) / scale
    ux, uy = torch.broadcast_tensors(ux, uy)
    shape = torch.nn.functional.one_hot(p["shape"], 5).T.to(r.dtype)
    def distance(x, y):
        return sum(k.view(-1, 1, 1, 1) * v for k, v in zip(shape, shape_distances(x, y)))
    edge = distance(ux, uy)
    cover = smooth(edge, 1.25 / size / scale)
    shadow = 0.30 * torch.sigmoid(-distance(ux - 0.16, uy - 0.24) / 0.13)
    light = (1.0 - 0.16 * (ux + uy)).clamp(0.78, 1.15) * (0.86 + 0.14 * (-edge / 0.14).clamp(0, 1))
    gloss = 0.33 * (-((ux + 0.33) ** 2 + (uy + 0.36) ** 2) / 0.05).exp()
    body = PALETTE.to(device, r.dtype)[p["colour"]].view(b, 3, 1, 1, 1) * light[:, None]
    body = mix(body.clamp(0, 1), 1.0, gloss[:, None])
    clip = mix(ground[:, :, None] * (1 - shadow[:, None]), body, cover[:, None])
    return clip.clamp(0, 1) * 2 - 1


def contact_sheet(clips, columns, frames=(0, 8, 16, 24, 32), gap=2):
    """uint8 [H, W, 3]: each clip [B,3,T,h,w] as a strip of frames, `columns` clips a row."""
    pick = clips[:, :, [f for f in frames if f < clips.shape[2]]].float().clamp(-1, 1)
    b, _, t, h, w = pick.shape
    rows = -(-b // columns)
    sheet = torch.full((rows * (h + gap), columns * (t * w + gap), 3), 255, dtype=torch.uint8)
    for i in range(b):
        strip = ((pick[i] + 1) * 127.5).round().byte().permute(2, 1, 3, 0).reshape(h, t * w, 3)
        top, left = (i // columns) * (h + gap), (i % columns) * (t * w + gap)
        sheet[top:top + h, left:left + t * w] = strip.cpu()
    return sheet

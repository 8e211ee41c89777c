# SPDX-License-Identifier: Apache-2.0
"""Fits the linear map from the demo model's latents to colours that previews are drawn with.

Usage: latent_rgb.py LATENTS.safetensors FRAMES.safetensors [LATENTS FRAMES ...]

The files are what `reel denoise` and `reel decode --out FRAMES.safetensors` write. Least squares of
each latent position's 16 channels and a constant against the mean colour, -1 to 1, of the 8 x 8
pixels and up to 4 frames that it stands for. Prints 16 rows and the bias as the "latent_rgb" of
config.json. Standard library only.
"""
import json
import struct
import sys
from array import array

CHANNELS, SIDE, FRAMES_PER_LATENT = 16, 8, 4


def read(path: str, name: str) -> tuple[list[int], array]:
    with open(path, "rb") as file:
        length = struct.unpack("<Q", file.read(8))[0]
        entry = json.loads(file.read(length))[name]
        begin, end = entry["data_offsets"]
        file.seek(8 + length + begin)
        values = array("f", file.read(end - begin))
    return entry["shape"], values


def mean_colour(frames: array, shape: list[int], at: tuple[int, int, int]) -> list[float]:
    _, height, width, _ = shape
    t, row, col = at
    first, last = (0, 0) if t == 0 else ((t - 1) * FRAMES_PER_LATENT + 1, t * FRAMES_PER_LATENT)
    sums, count = [0.0, 0.0, 0.0], 0
    for frame in range(first, last + 1):
        for line in range(row * SIDE, (row + 1) * SIDE):
            begin = ((frame * height + line) * width + col * SIDE) * 3
            for channel in range(3):
                sums[channel] += sum(frames[begin + channel:begin + SIDE * 3:3])
            count += SIDE
    return [2 * value / count - 1 for value in sums]


def add_clip(latents_path: str, frames_path: str, normal: list[list[float]], right: list[list[float]]) -> None:
    (_, times, rows, cols), latents = read(latents_path, "latents")
    shape, frames = read(frames_path, "frames")
    plane = times * rows * cols
    for index in range(plane):
        t, row, col = index // (rows * cols), index // cols % rows, index % cols
        x = [latents[channel * plane + index] for channel in range(CHANNELS)] + [1.0]
        y = mean_colour(frames, shape, (t, row, col))
        for i, xi in enumerate(x):
            for j, xj in enumerate(x):
                normal[i][j] += xi * xj
            for channel in range(3):
                right[i][channel] += xi * y[channel]


def solve(a: list[list[float]], b: list[list[float]]) -> list[list[float]]:
    """Gauss-Jordan with pivoting; a and b are used up."""
    size = len(a)
    for col in range(size):
        pivot = max(range(col, size), key=lambda row: abs(a[row][col]))
        a[col], a[pivot], b[col], b[pivot] = a[pivot], a[col], b[pivot], b[col]
        for row in range(size):
            if row == col:
                continue
            factor = a[row][col] / a[col][col]
            a[row] = [x - factor * y for x, y in zip(a[row], a[col])]
            b[row] = [x - factor * y for x, y in zip(b[row], b[col])]
    return [[value / a[row][row] for value in b[row]] for row in range(size)]


if __name__ == "__main__":
    paths = sys.argv[1:]
    if not paths or len(paths) % 2:
        sys.exit(__doc__)
    side = CHANNELS + 1
    products = [[0.0] * side for _ in range(side)]
    targets = [[0.0] * 3 for _ in range(side)]
    for latents_file, frames_file in zip(paths[::2], paths[1::2]):
        add_clip(latents_file, frames_file, products, targets)
    print(json.dumps([[round(value, 4) for value in row] for row in solve(products, targets)]))

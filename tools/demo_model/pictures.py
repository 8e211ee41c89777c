# SPDX-License-Identifier: Apache-2.0
"""YUV4MPEG2 in, PNG out, with numpy and zlib."""

import re
import struct
import zlib

import numpy as np


def read_y4m(path):
    """uint8 RGB frames [N, H, W, 3] from a 4:4:4 or 4:2:0 file (BT.709 or BT.601, limited or full range)."""
    data = open(path, "rb").read()
    end = data.index(b"\n")
    fields = data[:end].decode().split()
    if fields[0] != "YUV4MPEG2":
        raise ValueError(f"{path}: not a YUV4MPEG2 file")
    tags = {f[0]: f[1:] for f in fields[1:] if f[0] != "X"}
    w, h, colour = int(tags["W"]), int(tags["H"]), tags.get("C", "420")
    if not re.match(r"(420|444)", colour) or re.search(r"p1[0-6]$", colour):
        raise ValueError(f"{path}: pixel format C{colour} is not 8-bit 4:2:0 or 4:4:4")
    half = colour.startswith("420")
    cw, ch = ((w + 1) // 2, (h + 1) // 2) if half else (w, h)
    size, position, frames = w * h + 2 * cw * ch, end + 1, []
    while data[position:position + 5] == b"FRAME":
        position = data.index(b"\n", position) + 1
        raw = np.frombuffer(data, np.uint8, size, position)
        position += size
        y = raw[:w * h].reshape(h, w)
        chroma = [raw[w * h + i * cw * ch:][:cw * ch].reshape(ch, cw) for i in range(2)]
        if half:
            chroma = [c.repeat(2, 0).repeat(2, 1)[:h, :w] for c in chroma]
        frames.append(np.stack([y, *chroma], -1))
    yuv = np.stack(frames).astype(np.float32)
    full = "COLORRANGE=FULL" in data[:end].decode().upper()
    luma, u, v = yuv[..., 0], yuv[..., 1] - 128, yuv[..., 2] - 128
    if not full:
        luma, u, v = (luma - 16) * (255 / 219), u * (255 / 224), v * (255 / 224)
    rgb = np.stack([luma + 1.5748 * v, luma - 0.1873 * u - 0.4681 * v, luma + 1.8556 * u], -1)
    return np.clip(np.rint(rgb), 0, 255).astype(np.uint8)


def write_y4m(path, frames, fps=16, half=False):
    """RGB uint8 [N,H,W,3] -> BT.709 limited-range y4m, 4:4:4 or (half) 4:2:0."""
    n, h, w, _ = frames.shape
    rgb = frames.astype(np.float32)
    y = rgb @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    u, v = (rgb[..., 2] - y) / 1.8556, (rgb[..., 0] - y) / 1.5748
    planes = [16 + y * (219 / 255), 128 + u * (224 / 255), 128 + v * (224 / 255)]
    if half:
        planes[1:] = [p.reshape(n, h // 2, 2, w // 2, 2).mean((2, 4)) for p in planes[1:]]
    planes = [np.clip(np.rint(p), 0, 255).astype(np.uint8) for p in planes]
    with open(path, "wb") as out:
        out.write(f"YUV4MPEG2 W{w} H{h} F{fps}:1 Ip A1:1 C{'420jpeg' if half else '444'} XCOLORRANGE=LIMITED\n".encode())
        for i in range(n):
            out.write(b"FRAME\n" + b"".join(p[i].tobytes() for p in planes))


def contact_strip(frames, count=5, gap=2):
    """`count` frames side by side, [H + gap, count * W + gap, 3]."""
    pick = np.linspace(0, len(frames) - 1, count).round().astype(int)
    strip = np.concatenate(list(frames[pick]), 1)
    return np.pad(strip, ((0, gap), (0, gap), (0, 0)), constant_values=255)


def write_png(path, image):
    """uint8 [H, W, 3]."""
    h, w, _ = image.shape
    rows = np.concatenate([np.zeros((h, 1), np.uint8), image.reshape(h, -1)], 1)
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    with open(path, "wb") as out:
        out.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, 8, 2, 0, 0, 0))
                  + chunk(b"IDAT", zlib.compress(rows.tobytes(), 6)) + chunk(b"IEND", b""))

# SPDX-License-Identifier: Apache-2.0
"""Random blocks of every ggml format and the values that gguf-py gives them.

Usage: ggml_blocks.py OUT_FILE
Needs: gguf, numpy. For each format, in the order of core/dtype.h: two blocks, then their values
as f32. Every byte of a block is random, except that its f16 scales are finite.
"""
import sys

import gguf
import numpy as np

BLOCKS = 2
# Format, and where its f16 numbers lie.
FORMATS = (("Q8_0", (0,)), ("Q4_0", (0,)), ("Q4_1", (0, 2)), ("Q5_0", (0,)), ("Q5_1", (0, 2)),
           ("Q2_K", (80, 82)), ("Q3_K", (108,)), ("Q4_K", (0, 2)), ("Q5_K", (0, 2)),
           ("Q6_K", (208,)))


def main() -> None:
    rng = np.random.default_rng(20240607)
    with open(sys.argv[1], "wb") as out:
        for name, scales in FORMATS:
            kind = gguf.GGMLQuantizationType[name]
            _, block_bytes = gguf.GGML_QUANT_SIZES[kind]
            blocks = rng.integers(0, 256, (BLOCKS, block_bytes), dtype=np.uint8)
            for at in scales:
                scale = rng.normal(0, 0.02, (BLOCKS, 1)).astype(np.float16)
                blocks[:, at:at + 2] = scale.view(np.uint8)
            out.write(blocks.tobytes())
            out.write(gguf.quants.dequantize(blocks, kind).astype("<f4").tobytes())


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""Writes the small files in tests/data/formats with the libraries that made the formats.

Usage: format_samples.py OUT
Needs: torch, safetensors, gguf, numpy.
"""
import collections
import sys
from pathlib import Path

import gguf
import numpy as np
import torch
from safetensors.torch import save_file

FLOAT8 = (torch.float8_e4m3fn, torch.float8_e5m2)
DTYPES = (torch.float32, torch.float16, torch.bfloat16, *FLOAT8, torch.int8, torch.uint8,
          torch.int32, torch.int64, torch.float64)


def one_of_each() -> dict[str, torch.Tensor]:
    """[2, 3] tensors of 1..6 in every format."""
    counts = torch.arange(1, 7).reshape(2, 3)
    return {str(dtype).removeprefix("torch."): counts.to(dtype) for dtype in DTYPES}


def write_torch(out: Path) -> None:
    torch.save(one_of_each(), out / "dtypes.pth")
    torch.save(one_of_each(), out / "protocol_4.pth", pickle_protocol=4)

    counts = torch.arange(10.0)
    layouts = collections.OrderedDict(
        slice=counts[2:6],
        rest=counts[4:],
        transposed=torch.arange(6.0).reshape(2, 3).t(),
        channels_last=torch.arange(24.0).reshape(1, 2, 3, 4).to(memory_format=torch.channels_last),
        parameter=torch.nn.Parameter(torch.ones(2)),
        scalar=torch.tensor(3.0),
        nothing=torch.zeros(0, 4),
        epoch=5,
        learning_rate=1e-4,
        large=2**40,
    )
    layouts._metadata = {"": {"version": 1}}
    torch.save({"model_state": layouts, "optimizer": [1, 2]}, out / "layouts.pth")


def write_gguf(out: Path) -> None:
    writer = gguf.GGUFWriter(out / "samples.gguf", "wan")
    writer.add_uint32("wan.count", 7)
    writer.add_float32("wan.scale", 0.5)
    writer.add_bool("wan.flag", True)
    writer.add_token_list(["<pad>", "</s>", "\u2581a"])
    writer.add_token_scores([0.0, -1.0, -2.5])
    writer.add_token_types([3, 3, 1])
    writer.add_precompiled_charsmap(b"\x00\x01\xff")
    writer.add_array("comfy.gguf.orig_shape.reshaped", [4, 2, 64])
    ramp = np.linspace(-1, 1, 512, dtype=np.float32).reshape(2, 256)
    writer.add_tensor("plain", ramp)
    writer.add_tensor("half", ramp.astype(np.float16))
    kinds = gguf.GGMLQuantizationType
    for name, kind in (("bf16", kinds.BF16), ("q8_0", kinds.Q8_0), ("reshaped", kinds.Q8_0)):
        writer.add_tensor(name, gguf.quants.quantize(ramp, kind), raw_dtype=kind)
    writer.add_tensor("patch_embedding.weight", np.arange(16, dtype=np.float32).reshape(4, 1, 2, 2))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main() -> None:
    out = Path(sys.argv[1])
    save_file(one_of_each(), out / "dtypes.safetensors", metadata={"format": "pt"})
    write_torch(out)
    write_gguf(out)


if __name__ == "__main__":
    main()

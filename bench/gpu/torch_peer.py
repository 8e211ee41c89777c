# SPDX-License-Identifier: Apache-2.0
"""PyTorch's side of peers.py: ops, one DiT step or one VAE decode on a GPU. Prints one line of JSON.

Usage: torch_peer.py --case ops|dit|vae [--compiled]

Random weights in the 14B's shapes, bf16 unless a row says otherwise; attention is cuDNN's, products
are cuBLASLt's, convolutions cuDNN's with its own search. Times are medians by events, after what
compiles and searches has run. dit and vae need diffusers, which the ops do not.
"""
import argparse
import json
import math
import statistics
from typing import Callable

import torch
import torch.nn.functional as functional
from torch.nn.attention import SDPBackend, sdpa_kernel

DIM, FEED_FORWARD, HEADS, HEAD_DIM = 5120, 13824, 40, 128
ROWS, KEYS, PROMPT_KEYS = 8192, 32760, 131  # of a chunk, of 832x480x81, as in `reel bench`
LATENT = (21, 60, 104)
# As in `reel bench`: rows, columns, channels of a 3x3x3 convolution.
CONVOLUTIONS = ((60, 104, 384), (120, 208, 384), (240, 416, 192), (480, 832, 96))
FP8_LARGEST = 448.0


def median_s(work: Callable, repeats: int = 11, warm_up: int = 3) -> float:
    """As Reel's own: runs are asked for ahead of those that are waited for."""
    for _ in range(warm_up):
        work()
    ends = [torch.cuda.Event(enable_timing=True) for _ in range(1 + repeats)]
    ends[0].record()
    for end in ends[1:]:
        work()
        end.record()
    ends[-1].synchronize()
    return statistics.median(start.elapsed_time(end) * 1e-3
                             for start, end in zip(ends, ends[1:]))


def median_op_s(work: Callable, repeats: int = 11) -> float:
    """Of an op, many times between two events where it is short, from a graph: Python is slower."""
    one = median_s(work)
    runs = min(max(math.ceil(1e-3 / one), 1), 100)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(runs):
            work()
    return median_s(graph.replay, repeats) / runs


def normal(*shape: int, dtype: torch.dtype = torch.bfloat16) -> torch.Tensor:
    return torch.randn(*shape, device="cuda", dtype=dtype)


def integers(*shape: int) -> torch.Tensor:
    return torch.randint(-127, 128, shape, device="cuda", dtype=torch.int8)


def products() -> list[dict]:
    rows = []
    for inner, outer in ((DIM, DIM), (DIM, FEED_FORWARD), (FEED_FORWARD, DIM)):
        x, w = integers(ROWS, inner), integers(outer, inner)
        xb, wb = normal(ROWS, inner), normal(outer, inner)
        x8, w8 = (t.clamp(-FP8_LARGEST, FP8_LARGEST).to(torch.float8_e4m3fn) for t in (xb, wb))
        x_scale, w_scale = torch.rand(ROWS, 1, device="cuda"), torch.rand(1, outer, device="cuda")
        for name, work in {
            "INT8 product, INT32 out": lambda: torch._int_mm(x, w.t()),
            "FP8 product, scales of rows and columns": lambda: torch._scaled_mm(
                x8, w8.t(), scale_a=x_scale, scale_b=w_scale, out_dtype=torch.bfloat16),
            "bf16 product": lambda: functional.linear(xb, wb),
        }.items():
            rows.append({"op": name, "library": "cuBLASLt", "shape": f"{ROWS} x {inner} x {outer}",
                         "unit": "op", "work": 2 * ROWS * inner * outer,
                         "seconds": median_op_s(work)})
    return rows


def attentions() -> list[dict]:
    rows = []
    for name, queries, keys in (("self-attention", ROWS, KEYS), ("self-attention", KEYS, KEYS),
                                ("cross-attention", ROWS, PROMPT_KEYS)):
        q = normal(1, queries, HEADS, HEAD_DIM).transpose(1, 2)
        k, v = (normal(1, keys, HEADS, HEAD_DIM).transpose(1, 2) for _ in range(2))
        for library, backend in (("cuDNN", SDPBackend.CUDNN_ATTENTION),
                                 ("FlashAttention 2", SDPBackend.FLASH_ATTENTION)):
            with sdpa_kernel(backend):
                seconds = median_op_s(lambda: functional.scaled_dot_product_attention(q, k, v), 7)
            rows.append({"op": f"bf16 {name}", "library": library,
                         "shape": f"{queries} x {keys}, {HEADS} heads", "unit": "op",
                         "work": 4 * queries * keys * HEADS * HEAD_DIM, "seconds": seconds})
    return rows


def convolutions() -> list[dict]:
    torch.backends.cudnn.benchmark = True
    rows = []
    for height, width, channels in CONVOLUTIONS:
        x = normal(1, channels, 3, height, width, dtype=torch.float16)
        w = normal(channels, channels, 3, 3, 3, dtype=torch.float16)
        bias = normal(channels, dtype=torch.float16)
        x, w = (t.contiguous(memory_format=torch.channels_last_3d) for t in (x, w))
        rows.append({"op": "f16 convolution 3x3x3", "library": "cuDNN",
                     "shape": f"{height} x {width}, {channels} channels", "unit": "op",
                     "work": 2 * 27 * channels * channels * height * width,
                     "seconds": median_op_s(
                         lambda: functional.conv3d(x, w, bias, padding=(0, 1, 1)))})
    return rows


def norm_and_quantise(x, scale, shift):
    y = functional.layer_norm(x, (DIM,), eps=1e-6) * (1 + scale) + shift
    step = y.abs().amax(-1, keepdim=True) / 127
    return torch.round(y / step).to(torch.int8), step


def quantise(x):
    y = x.float()
    step = y.abs().amax(-1, keepdim=True) / 127
    return torch.round(y / step).to(torch.int8), step


def elementwise() -> list[dict]:
    x, scale, shift = (normal(*shape, dtype=torch.float32)
                       for shape in ((ROWS, DIM), (DIM,), (DIM,)))
    wide = normal(ROWS, FEED_FORWARD)
    norm, rows_of = torch.compile(norm_and_quantise), torch.compile(quantise)
    return [{"op": "layer norm, quantise, no rotation", "library": "PyTorch compiled",
             "shape": f"{ROWS} x {DIM}", "unit": "B", "work": 5 * ROWS * DIM,
             "seconds": median_op_s(lambda: norm(x, scale, shift))},
            {"op": "quantise, no rotation", "library": "PyTorch compiled",
             "shape": f"{ROWS} x {FEED_FORWARD}", "unit": "B", "work": 3 * ROWS * FEED_FORWARD,
             "seconds": median_op_s(lambda: rows_of(wide))}]


def ops() -> dict:
    rows, failed = [], []
    for measure in (products, attentions, convolutions, elementwise):
        try:
            rows += measure()
        except Exception as what:  # a kernel that this PyTorch has not got
            failed.append(f"{measure.__name__}: {type(what).__name__}: {str(what).splitlines()[0]}")
        torch.cuda.empty_cache()
    return {"ops": rows, "failed": failed}


def dit(compiled: bool) -> dict:
    """One forward pass of the 14B at 832x480, 81 frames: a step of a clip."""
    from diffusers import WanTransformer3DModel

    torch.set_default_dtype(torch.bfloat16)
    with torch.device("cuda"):
        net = WanTransformer3DModel(num_attention_heads=HEADS, attention_head_dim=HEAD_DIM,
                                    ffn_dim=FEED_FORWARD, num_layers=40, text_dim=4096)
    net.eval().requires_grad_(False)
    if compiled:
        net.compile_repeated_blocks(fullgraph=True, dynamic=False)
    x, text = normal(1, 16, *LATENT), normal(1, 512, 4096)
    moment = torch.tensor([750.0], device="cuda")
    with sdpa_kernel(SDPBackend.CUDNN_ATTENTION):
        seconds = median_s(lambda: net(x, moment, text, return_dict=False), repeats=3, warm_up=2)
    return {"seconds": seconds}


def vae(compiled: bool) -> dict:
    """A decode of 81 frames of 832x480."""
    from diffusers import AutoencoderKLWan

    torch.backends.cudnn.benchmark = True
    torch.set_default_dtype(torch.bfloat16)
    with torch.device("cuda"):
        net = AutoencoderKLWan()
    net.eval().requires_grad_(False)
    if compiled:
        net.decoder.compile(dynamic=False)
    z = normal(1, 16, *LATENT)
    return {"seconds": median_s(lambda: net.decode(z, return_dict=False), repeats=3, warm_up=1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--case", choices=("ops", "dit", "vae"), required=True)
    parser.add_argument("--compiled", action="store_true", help="through torch.compile")
    args = parser.parse_args()
    with torch.inference_mode():
        answer = ops() if args.case == "ops" else {"dit": dit, "vae": vae}[args.case](args.compiled)
    answer |= {"case": args.case, "compiled": args.compiled, "gpu": torch.cuda.get_device_name(),
               "peak_gpu_bytes": torch.cuda.max_memory_allocated(),
               "versions": {"torch": torch.__version__, "cudnn": torch.backends.cudnn.version()}}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()

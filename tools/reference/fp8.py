# SPDX-License-Identifier: Apache-2.0
"""FP8 W8A8: the usual 8-bit products, as the baseline that rotated INT8 products are held against.

Both operands of a block's matrix products are rounded to e4m3, with one scale per row of the input
(token) and one per row of the matrix (output channel), each largest / 448. Sums, attention and all
else stay in the dtype of the weights. That is the arithmetic of torch._scaled_mm with row-wise
scales, but for the rounding of its sums.

    python tools/reference/fp8.py tests/data/golden/fp8_product.safetensors

writes one such product in float64: x [5, 48] and weight [7, 48] with outliers, a row of zeros each
and numbers far below the largest of their row, and product = rounded(x) rounded(weight)^T.
"""
import sys

import torch
import torch.nn.functional as F
from torch import Tensor

import wan_original as wan

LARGEST = 448.0  # of e4m3fn


def rounded(x: Tensor) -> Tensor:
    scale = x.abs().amax(-1, keepdim=True).clamp_min(1e-12) / LARGEST
    return (x / scale).float().to(torch.float8_e4m3fn).to(x.dtype) * scale


class Fp8Weights(dict):
    """Weights whose products in blocks are FP8; wan_original.linear asks."""

    def __init__(self, weights: wan.Weights):
        super().__init__(weights)
        self.matrices: dict[str, Tensor] = {}

    def product(self, name: str, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if not name.startswith("blocks."):
            return F.linear(x, weight, bias)
        if name not in self.matrices:
            self.matrices[name] = rounded(weight)
        return F.linear(rounded(x), self.matrices[name], bias)


def main(path: str) -> None:
    from safetensors.torch import save_file
    generator = torch.Generator().manual_seed(5)
    x = torch.randn(5, 48, generator=generator)
    weight = 0.1 * torch.randn(7, 48, generator=generator)
    x[1], weight[2] = 0, 0
    x[0, 3] *= 40
    x[2, ::3] *= 1e-5  # below the smallest number of e4m3 at this row's scale
    weight[4, 7] *= 300
    product = rounded(x.double()) @ rounded(weight.double()).T
    save_file({"x": x, "weight": weight, "product": product.float()}, path,
              {"made_by": f"tools/reference/fp8.py, torch {torch.__version__}"})


if __name__ == "__main__":
    main(sys.argv[1])

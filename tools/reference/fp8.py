# SPDX-License-Identifier: Apache-2.0
"""FP8 W8A8: the usual 8-bit products, as the baseline that rotated INT8 products are held against.

Both operands of a block's matrix products are rounded to e4m3, with one scale per row of the input
(token) and one per row of the matrix (output channel), each largest / 448. Sums, attention and all
else stay in the dtype of the weights. That is the arithmetic of torch._scaled_mm with row-wise
scales, but for the rounding of its sums.
"""
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

// SPDX-License-Identifier: Apache-2.0
// ggml's block formats: what the bytes of one block stand for, and simple ways to fill them.
//
// A block of 32 values (Q4_0 to Q8_0) or 256 values (the K formats) shares f16 scales. Every
// product of a scale and a code fits the 24 bits of an f32, so the results do not depend on
// whether the compiler fuses multiply and add: they equal those of ggml's Python package.
// The quantisers pick scales from the extremes; ggml searches for better ones.
// Source: ggml/src/ggml-common.h and ggml-quants.c; gguf-py/gguf/quants.py.
#pragma once

#include "core/numerics/ggml_k_blocks.h"
#include "core/numerics/ggml_small_blocks.h"

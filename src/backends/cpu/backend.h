// SPDX-License-Identifier: Apache-2.0
// The CPU backend: two kernel tables, one written to be read and one to be fast.
#pragma once

#include <string>

#include "ops/kernels.h"

namespace reel::cpu {

// The truth: every other kernel of every backend is tested against these. Sums are in double.
const ops::Kernels& reference_kernels();

// The instruction sets the fast kernels are written for.
enum class Isa { kBaseline, kAvx2, kAvx512, kAvx512Bf16, kAmx };

// What this CPU has, lowered by the environment variable REEL_CPU_ISA (baseline, avx2, avx512,
// avx512_bf16).
Isa usable_isa();
const char* isa_name(Isa isa);

// f32 always; bf16 where oneDNN has it (avx512).
bool supports_compute(DType dtype);

// bf16 where the CPU multiplies bf16 in hardware, else f32.
DType preferred_compute();

// oneDNN for products and convolutions, vector code for the rest; the reference where the CPU or
// the build has neither. Threads as compute_threads() says at the first call.
const ops::Kernels& kernels();

// "oneDNN 2.6.3, avx512_bf16" or "reference".
std::string kernels_summary();

}  // namespace reel::cpu

// SPDX-License-Identifier: Apache-2.0
// Marks a function whose loops are compiled for several instruction sets.
#pragma once

// The choice is made when the program is loaded, which sanitizers do not survive. Float results
// do not depend on it: this room is compiled without contraction.
#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define REEL_VECTOR_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define REEL_VECTOR_CLONES
#endif

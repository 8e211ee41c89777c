// SPDX-License-Identifier: Apache-2.0
// The products of attention for a warpgroup (9.0a); see wgmma.cuh. Lane l of warp w holds of row 16
// w
// + l / 4 columns 8 j + 2 (l % 4) and the next in d[4 j] and d[4 j + 1]; of the row 8 below in d[4
// j
// + 2] and d[4 j + 3].
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "backends/cuda/device/wgmma.cuh"

namespace reel::cuda::device {

// What differs between operands: their low words. Adding 2 moves one 32 bytes along its rows, 64
// one eight rows down.
__device__ inline uint32_t wgmma_low(const void* shared) {
  return static_cast<uint32_t>(wgmma_operand(shared));
}

// Of a right-hand side of f16 whose columns lie next to each other: rows of 64 of them (128 bytes),
// swizzled as for wgmma_operand(). The next 64 columns are `bytes` further: in units of 16 in the
// bits from 16 on.
__device__ inline uint32_t wgmma_low_of_columns(const void* shared, uint32_t bytes) {
  return ((shared_address(shared) & 0x3ffffu) >> 4) | bytes / 16 << 16;
}

// Of wgmma_planes(); adding 1 moves it a chunk.
__device__ inline uint32_t wgmma_low_of_planes(const void* shared, int next_plane) {
  return static_cast<uint32_t>(wgmma_planes(shared, next_plane, 0));
}

inline constexpr uint32_t kSwizzledRows = 0x40000040;  // 1024 bytes to the next eight, 128 swizzled
inline constexpr uint32_t kPlanes = 128 / 16;          // 128 bytes to the next eight rows

template <uint32_t kHigh = kSwizzledRows>
__device__ inline uint64_t wgmma_operand_of(uint32_t low) {
  uint64_t operand;
  asm("mov.b64 %0, {%1, %2};" : "=l"(operand) : "r"(low), "n"(kHigh));
  return operand;
}

// d += a b^T, or d = a b^T when !kAdd: a [64, 32] of s8 in registers and b [64, 32] of s8. Lane l
// has of rows l / 4 and 8 below columns 4 (l % 4) to the third after in a[0], a[1]; the same 16
// columns on in a[2], a[3]. Exact; wraps on overflow.
template <bool kAdd>
__device__ inline void wgmma_s8_64x64(int32_t (&d)[32], const uint32_t (&a)[4], uint64_t b) {
  asm volatile(
      "{\n"
      ".reg .pred add;\n"
      "setp.ne.b32 add, %37, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n64k32.s32.s8.s8 "
      "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
      " %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31}, "
      "{%32, %33, %34, %35}, %36, add;\n"
      "}"
      : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3]), "+r"(d[4]), "+r"(d[5]), "+r"(d[6]),
        "+r"(d[7]), "+r"(d[8]), "+r"(d[9]), "+r"(d[10]), "+r"(d[11]), "+r"(d[12]), "+r"(d[13]),
        "+r"(d[14]), "+r"(d[15]), "+r"(d[16]), "+r"(d[17]), "+r"(d[18]), "+r"(d[19]), "+r"(d[20]),
        "+r"(d[21]), "+r"(d[22]), "+r"(d[23]), "+r"(d[24]), "+r"(d[25]), "+r"(d[26]), "+r"(d[27]),
        "+r"(d[28]), "+r"(d[29]), "+r"(d[30]), "+r"(d[31])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "n"(static_cast<int>(kAdd)));
}

// d += a b: a [64, 16] of f16 in registers, b [16, 128] of f16 from wgmma_columns(). Lane l has of
// rows l / 4 and 8 below columns 2 (l % 4) and the next in a[0], a[1]; the same 8 columns on in
// a[2], a[3].
__device__ inline void wgmma_f16_64x128(float (&d)[64], const uint32_t (&a)[4], uint64_t b) {
  asm volatile(
      "{\n"
      ".reg .pred add;\n"
      "setp.ne.b32 add, 1, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n128k16.f32.f16.f16 "
      "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
      " %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "
      " %32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "
      " %48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63}, "
      "{%64, %65, %66, %67}, %68, add, 1, 1, 1;\n"
      "}"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]),
        "+f"(d[7]), "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]),
        "+f"(d[14]), "+f"(d[15]), "+f"(d[16]), "+f"(d[17]), "+f"(d[18]), "+f"(d[19]), "+f"(d[20]),
        "+f"(d[21]), "+f"(d[22]), "+f"(d[23]), "+f"(d[24]), "+f"(d[25]), "+f"(d[26]), "+f"(d[27]),
        "+f"(d[28]), "+f"(d[29]), "+f"(d[30]), "+f"(d[31]), "+f"(d[32]), "+f"(d[33]), "+f"(d[34]),
        "+f"(d[35]), "+f"(d[36]), "+f"(d[37]), "+f"(d[38]), "+f"(d[39]), "+f"(d[40]), "+f"(d[41]),
        "+f"(d[42]), "+f"(d[43]), "+f"(d[44]), "+f"(d[45]), "+f"(d[46]), "+f"(d[47]), "+f"(d[48]),
        "+f"(d[49]), "+f"(d[50]), "+f"(d[51]), "+f"(d[52]), "+f"(d[53]), "+f"(d[54]), "+f"(d[55]),
        "+f"(d[56]), "+f"(d[57]), "+f"(d[58]), "+f"(d[59]), "+f"(d[60]), "+f"(d[61]), "+f"(d[62]),
        "+f"(d[63])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));
}

// d += a b^T, or d = a b^T when !add: a [64, 32] of e4m3 in registers, as for wgmma_s8_64x64(), and
// b [128, 32] of e4m3 from wgmma_planes(). Sums keep some 13 bits below the largest term.
__device__ inline void wgmma_e4m3_64x128(float (&d)[64], const uint32_t (&a)[4], uint64_t b,
                                         bool add) {
  asm volatile(
      "{\n"
      ".reg .pred add;\n"
      "setp.ne.b32 add, %69, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n128k32.f32.e4m3.e4m3 "
      "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
      " %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "
      " %32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "
      " %48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63}, "
      "{%64, %65, %66, %67}, %68, add, 1, 1;\n"
      "}"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]),
        "+f"(d[7]), "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]),
        "+f"(d[14]), "+f"(d[15]), "+f"(d[16]), "+f"(d[17]), "+f"(d[18]), "+f"(d[19]), "+f"(d[20]),
        "+f"(d[21]), "+f"(d[22]), "+f"(d[23]), "+f"(d[24]), "+f"(d[25]), "+f"(d[26]), "+f"(d[27]),
        "+f"(d[28]), "+f"(d[29]), "+f"(d[30]), "+f"(d[31]), "+f"(d[32]), "+f"(d[33]), "+f"(d[34]),
        "+f"(d[35]), "+f"(d[36]), "+f"(d[37]), "+f"(d[38]), "+f"(d[39]), "+f"(d[40]), "+f"(d[41]),
        "+f"(d[42]), "+f"(d[43]), "+f"(d[44]), "+f"(d[45]), "+f"(d[46]), "+f"(d[47]), "+f"(d[48]),
        "+f"(d[49]), "+f"(d[50]), "+f"(d[51]), "+f"(d[52]), "+f"(d[53]), "+f"(d[54]), "+f"(d[55]),
        "+f"(d[56]), "+f"(d[57]), "+f"(d[58]), "+f"(d[59]), "+f"(d[60]), "+f"(d[61]), "+f"(d[62]),
        "+f"(d[63])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(static_cast<int>(add)));
}

// After a wait: what products have read or written is in registers again. Keeps the compiler from
// touching it before. Several to a statement: loops of 64 are unrolled too late for an array to
// stay in registers.
template <int kCount>
__device__ inline void wgmma_finished(float (&x)[kCount]) {
  static_assert(kCount % 8 == 0);
#pragma unroll
  for (int i = 0; i < kCount; i += 8) {
    asm volatile(""
                 : "+f"(x[i]), "+f"(x[i + 1]), "+f"(x[i + 2]), "+f"(x[i + 3]), "+f"(x[i + 4]),
                   "+f"(x[i + 5]), "+f"(x[i + 6]), "+f"(x[i + 7])::"memory");
  }
}
template <typename T, int kCount>
__device__ inline void wgmma_finished(T (&x)[kCount]) {
  static_assert(kCount % 4 == 0);
#pragma unroll
  for (int i = 0; i < kCount; i += 4) {
    asm volatile("" : "+r"(x[i]), "+r"(x[i + 1]), "+r"(x[i + 2]), "+r"(x[i + 3])::"memory");
  }
}

}  // namespace reel::cuda::device

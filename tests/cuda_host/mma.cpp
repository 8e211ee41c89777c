// SPDX-License-Identifier: Apache-2.0
// Tensor-core products. Layouts: PTX ISA, "Matrix Fragments for mma.m16n8k16" and "... m16n8k32".
#include <array>
#include <cstring>

#include "core/numerics/small_floats.h"
#include "cuda_host/machine.h"
#include "cuda_host/warps.h"

namespace reel::cuda_host {
namespace {

constexpr int kRows = 16;
constexpr int kColumns = 8;

struct MmaArgs {
  void* d;
  const uint32_t* a;
  const uint32_t* b;
};

template <typename T>
struct Operands {
  static constexpr int kDepth = 32 / sizeof(T);  // k
  T a[kRows][kDepth];
  T b[kColumns][kDepth];
};

// A register holds 4 / sizeof(T) neighbours along k.
template <typename T>
Operands<T> gather(void** all) {
  constexpr int kInRegister = 4 / sizeof(T);
  Operands<T> operands;
  for (int lane = 0; lane < kLanes; ++lane) {
    const MmaArgs& args = *static_cast<const MmaArgs*>(all[lane]);
    const int group = lane / 4;
    const int at = lane % 4 * kInRegister;
    for (int i = 0; i < 4; ++i) {
      T* to = &operands.a[group + i % 2 * 8][at + i / 2 * 4 * kInRegister];
      std::memcpy(to, &args.a[i], 4);
    }
    for (int i = 0; i < 2; ++i) {
      std::memcpy(&operands.b[group][at + i * 4 * kInRegister], &args.b[i], 4);
    }
  }
  return operands;
}

void perform_s8(void** all, int) {
  const Operands<int8_t> bytes = gather<int8_t>(all);
  // 16 bits: the compiler multiplies pairs of them and adds in one instruction.
  int16_t a[kRows][32];
  int16_t b[kColumns][32];
  for (int row = 0; row < kRows; ++row) {
    for (int k = 0; k < 32; ++k) a[row][k] = bytes.a[row][k];
  }
  for (int column = 0; column < kColumns; ++column) {
    for (int k = 0; k < 32; ++k) b[column][k] = bytes.b[column][k];
  }
  for (int lane = 0; lane < kLanes; ++lane) {
    auto* d = static_cast<int32_t*>(static_cast<const MmaArgs*>(all[lane])->d);
    for (int i = 0; i < 4; ++i) {
      const int row = lane / 4 + i / 2 * 8;
      const int column = lane % 4 * 2 + i % 2;
      int32_t sum = 0;
      for (int k = 0; k < 32; ++k) sum += int32_t{a[row][k]} * b[column][k];
      d[i] = static_cast<int32_t>(static_cast<uint32_t>(d[i]) + static_cast<uint32_t>(sum));
    }
  }
}

// d += a b in f32, in the order of k. `load` and `store` convert element i of a lane's d.
template <typename T, typename ToFloat, typename Load, typename Store>
void multiply(void** all, ToFloat to_float, Load load, Store store) {
  const Operands<T> bits = gather<T>(all);
  constexpr int kDepth = Operands<T>::kDepth;
  float a[kRows][kDepth];
  float b[kDepth][kColumns];
  for (int row = 0; row < kRows; ++row) {
    for (int k = 0; k < kDepth; ++k) a[row][k] = to_float(bits.a[row][k]);
  }
  for (int column = 0; column < kColumns; ++column) {
    for (int k = 0; k < kDepth; ++k) b[k][column] = to_float(bits.b[column][k]);
  }
  float d[kRows][kColumns];
  const auto each = [&](auto&& visit) {
    for (int lane = 0; lane < kLanes; ++lane) {
      void* registers = static_cast<const MmaArgs*>(all[lane])->d;
      for (int i = 0; i < 4; ++i) {
        visit(registers, i, d[lane / 4 + i / 2 * 8][lane % 4 * 2 + i % 2]);
      }
    }
  };
  each([&](void* registers, int i, float& element) { element = load(registers, i); });
  for (int row = 0; row < kRows; ++row) {
    for (int k = 0; k < kDepth; ++k) {
      for (int column = 0; column < kColumns; ++column) {
        d[row][column] += a[row][k] * b[k][column];
      }
    }
  }
  each([&](void* registers, int i, float& element) { store(registers, i, element); });
}

float load_f32(void* d, int i) { return static_cast<float*>(d)[i]; }
void store_f32(void* d, int i, float value) { static_cast<float*>(d)[i] = value; }
// Two f16 in a register, the lower column in the lower half.
float load_f16(void* d, int i) {
  return numerics::f16_to_float(
      static_cast<uint16_t>(static_cast<uint32_t*>(d)[i / 2] >> (i % 2 * 16)));
}
void store_f16(void* d, int i, float value) {
  uint32_t& both = static_cast<uint32_t*>(d)[i / 2];
  const int shift = i % 2 * 16;
  both = (both & ~(0xffffu << shift)) | static_cast<uint32_t>(numerics::float_to_f16(value))
                                            << shift;
}

float f16_to_float(uint16_t bits) {
  static const auto table = [] {
    std::array<float, 65536> values{};
    for (uint32_t at = 0; at < values.size(); ++at) {
      values[at] = numerics::f16_to_float(static_cast<uint16_t>(at));
    }
    return values;
  }();
  return table[bits];
}

constexpr Collective kKinds[] = {
    {"mma_s8", true, perform_s8},
    {"mma_f16", true,
     [](void** all, int) { multiply<uint16_t>(all, f16_to_float, load_f32, store_f32); }},
    {"mma_f16_f16", true,
     [](void** all, int) { multiply<uint16_t>(all, f16_to_float, load_f16, store_f16); }},
    {"mma_bf16", true,
     [](void** all, int) {
       multiply<uint16_t>(all, numerics::bf16_to_float, load_f32, store_f32);
     }},
    {"mma_e4m3_f16", true,
     [](void** all, int) {
       multiply<uint8_t>(all, numerics::f8_e4m3_to_float, load_f16, store_f16);
     }},
    {"mma_e4m3_f32", true,
     [](void** all, int) {
       multiply<uint8_t>(all, numerics::f8_e4m3_to_float, load_f32, store_f32);
     }},
};

}  // namespace

void mma(Mma type, void* d, const uint32_t* a, const uint32_t* b, Site site) {
  MmaArgs args{.d = d, .a = a, .b = b};
  collective(kKinds[static_cast<size_t>(type)], &args, site);
}

}  // namespace reel::cuda_host

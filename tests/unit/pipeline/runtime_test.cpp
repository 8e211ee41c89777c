// SPDX-License-Identifier: Apache-2.0
#include "pipeline/runtime.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "backends/cpu/backend.h"
#include "base/log.h"
#include "base/parallel.h"
#include "support/expect_error.h"
#include "support/fake_gpu.h"

namespace reel::pipeline {
namespace {

Numbers numbers_of(const char* precision, Numbers (Runtime::*which)() const) {
  const StopFlag stop;
  ModelOptions options;
  options.device = "cpu";
  options.precision = precision;
  return (Runtime(options, stop).*which)();
}

TEST(Runtime, OnlyTheDitHas8Bits) {
  const DType compute = cpu::preferred_compute();

  EXPECT_EQ(numbers_of("int8", &Runtime::text_numbers).precision.matrices, compute);
  EXPECT_EQ(numbers_of("int8", &Runtime::safer_numbers).precision.matrices, DType::kF32);
}

TEST(Runtime, HasTheThreadsThatAreAskedForAndNoMoreThanCores) {
  const StopFlag stop;
  const auto threads_of = [&](int asked) {
    ModelOptions options;
    options.device = "cpu";
    options.threads = asked;
    const Runtime runtime(options, stop);
    return compute_threads();
  };

  EXPECT_EQ(threads_of(1), 1);
  EXPECT_EQ(threads_of(2), std::min(2, usable_cores()));
  EXPECT_EQ(threads_of(1024), usable_cores());
  EXPECT_EQ(threads_of(0), usable_cores());
}

// A GPU with the CPU's kernels, of which attention takes e4m3 values or not.
std::unique_ptr<test::FakeGpu> gpu_with(bool e4m3_values) {
  ops::Kernels kernels = cpu::reference_kernels();
  kernels.takes_e4m3_values = e4m3_values ? +[] { return true; } : +[] { return false; };
  return std::make_unique<test::FakeGpu>(uint64_t{1} << 30, kernels);
}

TEST(Runtime, Fp8ValuesAreAPrecisionOfItsOwn) {
  const StopFlag stop;
  ModelOptions options;
  options.precision = "int8-fp8pv";

  Runtime runtime(options, stop, gpu_with(true));

  EXPECT_EQ(runtime.context(runtime.numbers()).attention_values, DType::kF8E4M3);
  EXPECT_STREQ(precision_name(runtime.numbers()), "int8-fp8pv");
  EXPECT_EQ(kernels_in_words(runtime.numbers()),
            "int8 products and 8-bit attention with FP8 values");
  EXPECT_EQ(runtime.safer_numbers().attention_values, DType::kF16);
  EXPECT_STREQ(precision_name(runtime.text_numbers()), "bf16");
}

TEST(Runtime, RefusesFp8ValuesWhereNoKernelTakesThem) {
  const StopFlag stop;
  ModelOptions options;
  options.precision = "int8-fp8pv";
  EXPECT_REEL_ERROR(Runtime(options, stop, gpu_with(false)), kUnsupported,
                    "needs compute capability 8.9");
  options.precision = "int8";
  EXPECT_EQ(Runtime(options, stop, gpu_with(false)).numbers().attention_values, DType::kF16);
}

TEST(Runtime, AutoTakesFp8ValuesWhereTheCardComputesRightWithThem) {
  const StopFlag stop;
  const Runtime right(ModelOptions{}, stop, gpu_with(true));
  EXPECT_STREQ(precision_name(right.numbers()), "int8-fp8pv");

  ops::Kernels kernels = cpu::reference_kernels();
  const auto attention = kernels.int8_attention;
  kernels.int8_attention = [attention](const ops::Int8AttentionArgs& args, Stream stream) {
    attention(args, stream);
    if (args.v_e4m3 == nullptr) return;
    std::memset(args.out, 0, static_cast<size_t>(args.queries * args.heads) * 2);
  };
  std::string said;
  set_log_sink([&](LogLevel, std::string_view line) { said += line; });
  const Runtime wrong(ModelOptions{}, stop,
                      std::make_unique<test::FakeGpu>(uint64_t{1} << 30, kernels));
  set_log_sink({});

  EXPECT_STREQ(precision_name(wrong.numbers()), "int8");
  EXPECT_THAT(said, testing::HasSubstr("f16 values are taken"));
}

// Counts how often the host waits for the GPU.
class WaitedForGpu : public test::FakeGpu {
 public:
  struct Copies : HostCopyEngine {
    void wait_on_host(Event) override { ++waits; }
    int waits = 0;
  };

  WaitedForGpu() : FakeGpu(uint64_t{1} << 30, kernels_of_chunks()) {}
  Copies& copies() override { return copies_; }

  static constexpr int64_t kFlopsOfACall = 2 * 4 * 8 * 16;

 private:
  static ops::Kernels kernels_of_chunks() {
    ops::Kernels kernels{.most_flops_per_call = 4 * kFlopsOfACall};
    kernels.linear = [](const ops::LinearArgs&, Stream) {};
    return kernels;
  }

  Copies copies_;
};

TEST(Runtime, PacesTheHostOnAGpu) {
  const StopFlag stop;
  auto gpu = std::make_unique<WaitedForGpu>();
  const WaitedForGpu::Copies& copies = gpu->copies();
  const Stream stream = gpu->compute_stream();
  ModelOptions options;
  options.precision = "int8";  // "auto" would try attention, which these kernels have not
  const Runtime runtime(options, stop, std::move(gpu));
  ops::LinearArgs args{};
  args.rows = 4;
  args.weight.in = 8;
  args.weight.out = 16;

  for (int call = 0; call < 6; ++call) {
    runtime.kernels().linear(args, stream);
    runtime.kernels().linear(args, {});  // another stream, which nobody waits for
  }

  EXPECT_EQ(copies.waits, 3) << "after every half of what a launch may be";
}

TEST(Runtime, NamesThePrecisionsOfItsDevice) {
  const StopFlag stop;
  ModelOptions options;
  options.device = "cpu";
  options.precision = "fp4";
  EXPECT_REEL_ERROR(Runtime(options, stop), kInvalidArgument,
                    "auto, f32, bf16, int8 and fp8 are possible on the CPU");
}

}  // namespace
}  // namespace reel::pipeline

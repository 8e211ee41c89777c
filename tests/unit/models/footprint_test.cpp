// SPDX-License-Identifier: Apache-2.0
// The footprints of the three networks against their forward code, run at true sizes on a machine
// that only counts.
#include <gtest/gtest.h>

#include "base/byte_units.h"
#include "core/arena.h"
#include "models/tae/decoder.h"
#include "models/tae/footprint.h"
#include "models/tae/names.h"
#include "models/tae/work.h"
#include "models/umt5/encoder.h"
#include "models/umt5/footprint.h"
#include "models/umt5/names.h"
#include "models/wan_dit/footprint.h"
#include "models/wan_dit/names.h"
#include "models/wan_dit/patchify.h"
#include "models/wan_dit/transformer.h"
#include "models/wan_vae/decoder.h"
#include "models/wan_vae/footprint.h"
#include "models/wan_vae/names.h"
#include "models/wan_vae/tiled_decoder.h"
#include "models/wan_vae/work.h"
#include "prepare/host_preparer.h"
#include "unit/models/blind_machine.h"

namespace reel::test {
namespace {

using memory::DevicePrecision;
using memory::stack_layout;

template <typename Units, typename Dims>
BlindWeights blind_weights(const Units& units, const Dims& dims, const DevicePrecision& precision) {
  return {prepare::make_manifest(checkpoint::needed_tensors(units, dims)), precision};
}

// The surroundings of one network's run. Scratch and what outlives it are counted apart.
struct BlindRun {
  BlindMemory scratch, kept;
  Arena arena{"activations", scratch};
  StopFlag stop;
  ops::Context ctx{.kernels = blind_kernels(), .arena = arena, .stop = stop, .memory = kept};
};

struct DitCase {
  const char* name;
  Shape latent;
  wan_dit::ForwardShape shape;  // without tokens
};

class DitFootprint : public testing::TestWithParam<DitCase> {
 protected:
  DitFootprint()
      : shape_(GetParam().shape),
        weights_(blind_weights(wan_dit::name_units(config_), wan_dit::dims_of(config_),
                               {.compute = shape_.compute, .matrices = shape_.matrices})),
        dit_(config_, weights_) {
    shape_.tokens = wan_dit::token_grid(GetParam().latent).tokens();
    shape_.most_flops_per_call = blind_kernels().most_flops_per_call;
    for (BlindRun* run : {&setup_, &pass_}) {
      run->ctx.compute = shape_.compute;
      run->ctx.int8_attention = shape_.int8_attention;
      run->ctx.attention_values = shape_.attention_values;
      run->ctx.row_chunk = shape_.row_chunk;
    }
  }

  wan_dit::Prompt make_prompt() {
    const Tensor text(DType::kF32, {shape_.text_keys - 1, config_.text_dim});
    return dit_.make_prompt(setup_.ctx, text);
  }

  wan_dit::Config config_;
  wan_dit::ForwardShape shape_;
  BlindWeights weights_;
  wan_dit::Transformer dit_;
  BlindRun setup_, pass_;
};

TEST_P(DitFootprint, IsWhatAForwardPassTakes) {
  const Tensor latent(DType::kF32, GetParam().latent), velocity(DType::kF32, GetParam().latent);
  const wan_dit::TimeModulation time = dit_.make_time_modulation(setup_.ctx, {1000, 500});
  wan_dit::Prompt prompt = make_prompt();

  BlindRanks ranks(shape_.ranks);
  dit_.forward(pass_.ctx, latent, time, 0, prompt, velocity,
               {.ranks = shape_.ranks > 1 ? &ranks : nullptr});

  EXPECT_EQ(stack_layout(wan_dit::forward_activations(config_, shape_)).bytes,
            pass_.arena.peak_bytes());
}

TEST_P(DitFootprint, CountsWhatOutlivesAPass) {
  const Tensor latent(DType::kF32, GetParam().latent), velocity(DType::kF32, GetParam().latent);
  const wan_dit::TimeModulation time = dit_.make_time_modulation(setup_.ctx, {1000, 500});
  EXPECT_EQ(wan_dit::time_modulation_bytes(config_, 2), setup_.kept.live_bytes());

  wan_dit::Prompt prompt = make_prompt();
  dit_.forward(pass_.ctx, latent, time, 0, prompt, velocity);

  EXPECT_EQ(wan_dit::prompt_bytes(config_, shape_), setup_.kept.live_bytes() +
                                                        pass_.kept.live_bytes() -
                                                        wan_dit::time_modulation_bytes(config_, 2));
}

TEST_P(DitFootprint, IsWhatTheSetupTakes) {
  make_prompt();

  EXPECT_EQ(stack_layout(wan_dit::setup_activations(config_, shape_)).bytes,
            setup_.arena.peak_bytes());
}

const Shape k480p{16, 21, 60, 104};
const Shape k720p{16, 21, 90, 160};

INSTANTIATE_TEST_SUITE_P(
    Of14B, DitFootprint,
    testing::Values(
        DitCase{"int8_480p", k480p, {.text_keys = 512, .row_chunk = 8192}},
        DitCase{"int8_480p_e4m3_values",
                k480p,
                {.text_keys = 512, .attention_values = DType::kF8E4M3, .row_chunk = 8192}},
        DitCase{"int8_480p_short_prompt", k480p, {.text_keys = 30, .row_chunk = 8192}},
        DitCase{"int8_720p", k720p, {.text_keys = 100, .row_chunk = 8192}},
        DitCase{"int8_one_small_frame", {16, 1, 14, 10}, {.text_keys = 40, .row_chunk = 8192}},
        DitCase{"int8_unchunked", {16, 3, 60, 104}, {.text_keys = 40, .row_chunk = 0}},
        DitCase{"int8_products_bf16_attention",
                k480p,
                {.text_keys = 40, .int8_attention = false, .row_chunk = 4096}},
        DitCase{"fp8_480p",
                k480p,
                {.text_keys = 100,
                 .matrices = DType::kF8E4M3,
                 .int8_attention = false,
                 .row_chunk = 8192}},
        DitCase{
            "int8_products_f32_elsewhere",
            {16, 5, 60, 104},
            {.text_keys = 40, .compute = DType::kF32, .int8_attention = false, .row_chunk = 4096}},
        DitCase{"fp8_products_f32_elsewhere",
                {16, 5, 60, 104},
                {.text_keys = 40,
                 .compute = DType::kF32,
                 .matrices = DType::kF8E4M3,
                 .int8_attention = false,
                 .row_chunk = 4096}},
        DitCase{"int8_480p_2_ranks", k480p, {.text_keys = 40, .row_chunk = 8192, .ranks = 2}},
        DitCase{"int8_720p_3_ranks", k720p, {.text_keys = 40, .row_chunk = 8192, .ranks = 3}},
        DitCase{"bf16_480p_8_ranks",
                k480p,
                {.text_keys = 40,
                 .matrices = DType::kBF16,
                 .int8_attention = false,
                 .row_chunk = 4096,
                 .ranks = 8}},
        DitCase{"bf16_480p",
                k480p,
                {.text_keys = 512, .matrices = DType::kBF16, .int8_attention = false}},
        DitCase{"f32_17_frames",
                {16, 5, 60, 104},
                {.text_keys = 512,
                 .compute = DType::kF32,
                 .matrices = DType::kF32,
                 .int8_attention = false}}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(TextEncoderFootprint, IsWhatEncodingTakes) {
  const umt5::Config config;
  for (const DType matrices : {DType::kI8, DType::kBF16}) {
    for (const int64_t tokens : {1, 7, 512}) {
      BlindWeights weights =
          blind_weights(umt5::name_units(config), umt5::dims_of(config), {.matrices = matrices});
      umt5::Encoder encoder(config, weights);
      BlindRun run;
      run.ctx.compute = DType::kBF16;

      encoder.encode(run.ctx, std::vector<int32_t>(static_cast<size_t>(tokens), 3));

      const umt5::EncodeShape shape{.tokens = tokens, .matrices = matrices};
      EXPECT_EQ(stack_layout(umt5::encode_activations(config, shape)).bytes, run.arena.peak_bytes())
          << tokens << " tokens, " << matrices;
    }
  }
}

struct DecodeCase {
  Shape latent;
  int strips;
};

std::ostream& operator<<(std::ostream& out, const DecodeCase& c) {
  return out << c.latent << " in " << c.strips << " strips";
}

class DecoderFootprint : public testing::TestWithParam<std::tuple<DecodeCase, DType>> {};

TEST_P(DecoderFootprint, IsWhatDecodingTakes) {
  const auto& [clip, compute] = GetParam();
  const wan_vae::Config config;
  BlindWeights weights = blind_weights(wan_vae::name_units(), wan_vae::dims_of(config),
                                       {.compute = compute, .matrices = compute});
  wan_vae::Decoder decoder(weights);
  BlindRun run;
  run.ctx.compute = compute;
  int64_t frames = 0;

  decoder.decode(run.ctx, Tensor(DType::kF32, clip.latent), [&](const TensorView&) { ++frames; },
                 {.strips = clip.strips});

  const wan_vae::DecodeShape shape{.latent_frames = clip.latent[1],
                                   .latent_rows = clip.latent[2],
                                   .latent_cols = clip.latent[3],
                                   .compute = compute,
                                   .residual = run.ctx.residual(),
                                   .strips = clip.strips};
  EXPECT_EQ(frames, wan_vae::frames_of(clip.latent[1]));
  EXPECT_EQ(stack_layout(wan_vae::decode_activations(config, shape)).bytes, run.arena.peak_bytes());
  EXPECT_EQ(wan_vae::past_frames_bytes(config, shape) + wan_vae::low_frames_bytes(config, shape),
            run.kept.peak_bytes());
}

INSTANTIATE_TEST_SUITE_P(
    Sizes, DecoderFootprint,
    testing::Combine(testing::Values(DecodeCase{k480p, 1}, DecodeCase{k480p, 2},
                                     DecodeCase{k480p, 5}, DecodeCase{k720p, 3},
                                     DecodeCase{{16, 1, 60, 104}, 1},
                                     DecodeCase{{16, 1, 60, 104}, 4}, DecodeCase{{16, 2, 10, 6}, 1},
                                     DecodeCase{{16, 2, 10, 6}, 2}, DecodeCase{{16, 3, 5, 7}, 1},
                                     DecodeCase{{16, 3, 23, 7}, 5}),
                     testing::Values(DType::kF16, DType::kBF16, DType::kF32)));

class TiledFootprint : public testing::TestWithParam<Shape> {};

// Tiles take turns: what each takes is given back before the next one.
TEST_P(TiledFootprint, IsWhatTheLargestTileTakes) {
  const Shape latent = GetParam();
  const wan_vae::Config config;
  BlindWeights weights = blind_weights(wan_vae::name_units(), wan_vae::dims_of(config),
                                       {.compute = DType::kF16, .matrices = DType::kF16});
  BlindRun run;
  run.ctx.compute = DType::kF16;
  int64_t frames = 0;

  wan_vae::TiledDecoder(weights).decode(run.ctx, Tensor(DType::kF32, latent),
                                        [&](const TensorView&) { ++frames; });

  const wan_vae::DecodeShape tile = wan_vae::largest_tile(
      {.latent_frames = latent[1], .latent_rows = latent[2], .latent_cols = latent[3]});
  EXPECT_EQ(frames, wan_vae::frames_of(latent[1]));
  EXPECT_EQ(stack_layout(wan_vae::decode_activations(config, tile)).bytes, run.arena.peak_bytes());
  EXPECT_EQ(wan_vae::past_frames_bytes(config, tile), run.kept.peak_bytes());
  EXPECT_EQ(run.kept.live_bytes(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Sizes, TiledFootprint,
                         testing::Values(Shape{16, 2, 60, 104}, Shape{16, 3, 27, 24},
                                         Shape{16, 2, 9, 30}, Shape{16, 1, 10, 6}));

class TaeFootprint : public testing::TestWithParam<std::tuple<Shape, DType>> {};

TEST_P(TaeFootprint, IsWhatDecodingTakes) {
  const auto& [latent, compute] = GetParam();
  const tae::Config config;
  BlindWeights weights = blind_weights(tae::name_units(config), tae::dims_of(config),
                                       {.compute = compute, .matrices = compute});
  BlindRun run;
  run.ctx.compute = compute;
  int64_t frames = 0;

  tae::Decoder(config, weights)
      .decode(run.ctx, Tensor(DType::kF32, latent), [&](const TensorView&) { ++frames; });

  const tae::DecodeShape shape{.latent_frames = latent[1],
                               .latent_rows = latent[2],
                               .latent_cols = latent[3],
                               .compute = compute};
  EXPECT_EQ(frames, tae::frames_of(latent[1]));
  EXPECT_EQ(stack_layout(tae::decode_activations(config, shape)).bytes, run.arena.peak_bytes());
  EXPECT_EQ(tae::past_frames_bytes(config, shape), run.kept.peak_bytes());
}

INSTANTIATE_TEST_SUITE_P(Sizes, TaeFootprint,
                         testing::Combine(testing::Values(k480p, k720p, Shape{16, 1, 60, 104},
                                                          Shape{16, 2, 5, 3}),
                                          testing::Values(DType::kF16, DType::kBF16, DType::kF32)));

double decode_gib(const Shape& latent, int strips) {
  const wan_vae::Config config;
  const wan_vae::DecodeShape shape{.latent_frames = latent[1],
                                   .latent_rows = latent[2],
                                   .latent_cols = latent[3],
                                   .strips = strips};
  return static_cast<double>(stack_layout(wan_vae::decode_activations(config, shape)).bytes +
                             wan_vae::past_frames_bytes(config, shape) +
                             wan_vae::low_frames_bytes(config, shape)) /
         static_cast<double>(kGiB);
}

// What the VAE takes besides 0.22 GiB of weights and workspace.
TEST(DecoderFootprint, OfStripsFitsSmallCards) {
  EXPECT_LE(decode_gib(k480p, 1), 2.5 - 0.22);
  EXPECT_LE(decode_gib(k720p, 1), 5.3 - 0.22);
  EXPECT_LE(decode_gib(k480p, 2), 1.5 - 0.22);
  for (int strips = 2; strips <= 5; ++strips) {
    EXPECT_LT(decode_gib(k720p, strips), decode_gib(k720p, strips - 1)) << strips;
  }
}

TEST(TaeFootprint, IsAFractionOfTheVaes) {
  const tae::Config config;
  const tae::DecodeShape shape{.latent_frames = 21, .latent_rows = 60, .latent_cols = 104};
  const uint64_t bytes = stack_layout(tae::decode_activations(config, shape)).bytes +
                         tae::past_frames_bytes(config, shape);
  EXPECT_LE(static_cast<double>(bytes) / static_cast<double>(kGiB), 0.3);
}

// Two operations per multiplication; L = 32,760 tokens, d = 5120, f = 13,824, 40 blocks. Products
// per block: 4 x 2 L d^2 for q, k, v and out, 2 x 2 L d^2 for the text's q and out, 2 x 2 L d f.
// Attention: 2 x 2 L^2 d.
TEST(Work, OfAStepIsCountedFromItsShapes) {
  const memory::Work step = wan_dit::forward_work({}, {.tokens = 32760, .text_keys = 512});
  EXPECT_NEAR(step.int8_ops, 783.2e12, 0.1e12);
  EXPECT_NEAR(step.attention_ops, 879.2e12, 0.1e12);
  EXPECT_NEAR(step.wide_ops, 13.8e12, 0.1e12);  // 40 x 4 L 512 d for the text, patches and head
}

// 24 layers of 4 x 2 n 4096^2 + 3 x 2 n 4096 10240 products and 4 n^2 4096 of attention, n = 512.
TEST(Work, OfEncodingIsCountedFromItsShapes) {
  const memory::Work text = umt5::encode_work({}, {.tokens = 512});
  EXPECT_NEAR(text.int8_ops, 4.74e12, 0.01e12);
  EXPECT_NEAR(text.wide_ops, 0.103e12, 0.001e12);
}

// Convolutions by level, 2 k in out pixels frames each: 5.6e12 in the middle, 7.8e12, 57.5e12,
// 107.3e12 and 96.6e12 in the levels with what leads to the next one, 0.5e12 in the head.
TEST(Work, OfDecodingIsCountedFromItsShapes) {
  const memory::Work clip =
      wan_vae::decode_work({}, {.latent_frames = 21, .latent_rows = 60, .latent_cols = 104});
  EXPECT_NEAR(clip.conv_ops + clip.wide_ops, 275e12, 3e12);
}

// By level, 2 k in out pixels frames each: 88.3e9 a latent frame in the memory blocks of levels 0
// and 1, 176.7e9 in those of level 2; 14.7e9, 29.4e9 and 29.4e9 a frame in what leads on, of which
// level 2 makes four; 1.4e9 a frame in the head; the rest is about a hundredth.
TEST(Work, OfATaesDecodingIsCountedFromItsShapes) {
  const memory::Work clip =
      tae::decode_work({}, {.latent_frames = 21, .latent_rows = 60, .latent_cols = 104});
  EXPECT_NEAR(clip.conv_ops,
              21 * (88.3e9 + 88.3e9 + 176.7e9 + 14.7e9 + 29.4e9) + 81 * (29.4e9 + 1.4e9), 0.15e12);
}

// Around the one border between two strips, convolutions of level 1 compute 12 to 22 rows of 120
// twice, those of level 2 8 to 18 of 240 and those of level 3 2 to 12 of 480.
TEST(Work, OfStripsHasTheirHalos) {
  const wan_vae::DecodeShape whole{.latent_frames = 21, .latent_rows = 60, .latent_cols = 104};
  wan_vae::DecodeShape halves = whole;
  halves.strips = 2;
  const double once = wan_vae::decode_work({}, whole).conv_ops;
  EXPECT_NEAR(wan_vae::decode_work({}, halves).conv_ops / once, 1.053, 0.002);
}

}  // namespace
}  // namespace reel::test

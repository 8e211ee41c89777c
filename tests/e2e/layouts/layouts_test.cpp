// SPDX-License-Identifier: Apache-2.0
// The demo model's weights, written in every other layout: the same prompt and seed must give the
// same latents, as far as the layout's numbers allow, and the slab of each the same bytes.
#include <gtest/gtest.h>
#include <reel/convert.h>
#include <reel/stages.h>
#include <reel/synth.h>

#include <cmath>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "base/env.h"
#include "pipeline/stage_files.h"
#include "support/temp_folder.h"
#include "support/tolerance.h"

namespace reel {
namespace {

namespace tolerance = test::tolerance;

const std::string kDemo = env::demo_model_folder().value_or("models/demo").string();
constexpr const char* kPrompt = "a red ball moves to the right over a night sky";

std::vector<float> numbers_of(const std::string& path, const char* name) {
  pipeline::StageFile file = pipeline::read_stage_file(path);
  const Tensor tensor = pipeline::take_f32(file, name, path);
  return {tensor.values<float>().begin(), tensor.values<float>().end()};
}

double relative_error(const std::vector<float>& got, const std::vector<float>& want) {
  double difference = 0, size = 0;
  for (size_t at = 0; at < want.size(); ++at) {
    difference += std::pow(double{got.at(at)} - want[at], 2);
    size += std::pow(double{want[at]}, 2);
  }
  return std::sqrt(difference / size);
}

// Runs the stages of one model and keeps their files.
class Stages {
 public:
  explicit Stages(std::string model) : options_{.model = std::move(model), .precision = "f32"} {}

  // The path of the prompt's text states.
  std::string encode() {
    Progress progress;
    const std::string out = folder_ / "text.safetensors";
    encode_text(options_, {.prompt = kPrompt, .out = out}, progress);
    return out;
  }
  // The path of the latents from another model's text states, or from one's own.
  std::string denoise_from(const std::string& text) {
    Progress progress;
    const std::string out = folder_ / "latents.safetensors";
    DenoiseRequest request;
    request.text = text;
    request.sampling.seed = 5;
    request.sampling.frames = 9;
    request.out = out;
    denoise(options_, request, progress);
    return out;
  }
  std::vector<float> frames(const std::string& latents) {
    Progress progress;
    const std::string out = folder_ / "frames.safetensors";
    decode(options_, {.latents = latents, .out = out, .overwrite = true}, progress);
    return numbers_of(out, "frames");
  }

 private:
  test::TempFolder folder_;
  ModelOptions options_;
};

// What the demo model makes in its own layout, once for all tests.
struct Reference {
  Stages stages{kDemo};
  std::string text = stages.encode();
  std::string latents_path = stages.denoise_from(text);
  std::vector<float> latents = numbers_of(latents_path, "latents");
  std::vector<float> frames = stages.frames(latents_path);
};

struct Layout {
  const char* name;
  tolerance::LayoutError most;
};

const Layout kLayouts[] = {
    {"distill_fp8", tolerance::kFp8Layout},   {"gguf:f32", tolerance::kGgufF32Layout},
    {"official", tolerance::kOfficialLayout}, {"bf16", tolerance::kBf16Layout},
    {"diffusers", tolerance::kBf16Layout},    {"gguf:q8_0", tolerance::kQ8Layout},
    {"distill_int8", tolerance::kInt8Layout}, {"comfy_fp8", tolerance::kComfyFp8Layout},
    {"gguf:q4_k_m", tolerance::kQ4KLayout},
};

class DemoLayouts : public testing::TestWithParam<Layout> {
 protected:
  static void SetUpTestSuite() { reference_ = std::make_unique<Reference>(); }
  static void TearDownTestSuite() { reference_.reset(); }

  std::string write(const std::string& layout, bool with_vace = false) {
    const std::string out = folder_ / (with_vace ? "vace" : "plain");
    synthesize({.layout = layout, .out = out, .weights_from = kDemo, .with_vace = with_vace});
    return out;
  }

  static std::unique_ptr<Reference> reference_;
  test::TempFolder folder_;
};

std::unique_ptr<Reference> DemoLayouts::reference_;

TEST_P(DemoLayouts, GiveTheLatentsOfTheFp8LayoutAndASlabTheSameBytes) {
  const Layout& layout = GetParam();
  Stages stages(write(layout.name));

  const double dit = relative_error(numbers_of(stages.denoise_from(reference_->text), "latents"),
                                    reference_->latents);
  const std::vector<float> latents = numbers_of(stages.denoise_from(stages.encode()), "latents");
  const double whole = relative_error(latents, reference_->latents);

  std::printf("%s: DiT %.2e, with the text encoder %.2e\n", layout.name, dit, whole);
  EXPECT_LE(dit, layout.most.dit);
  EXPECT_LE(whole, layout.most.whole);

  Progress progress;
  const std::string slab = folder_ / "alone.slab";
  convert({.model = {.model = folder_ / "plain"}, .out = slab}, progress);
  Stages from_slab(slab);
  EXPECT_EQ(numbers_of(from_slab.denoise_from(from_slab.encode()), "latents"), latents);
}

std::string test_name(const testing::TestParamInfo<Layout>& info) {
  std::string name = info.param.name;
  for (char& letter : name) {
    if (letter == ':') letter = '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(All, DemoLayouts, testing::ValuesIn(kLayouts), test_name);

// In every layout the VAE is f32, which holds the bf16 numbers of the demo model exactly: a .pth
// file, a file with other names, and one with Wan's own.
using VaeLayouts = DemoLayouts;

TEST_P(VaeLayouts, DecodeTheSameFrames) {
  Stages stages(write(GetParam().name));

  EXPECT_EQ(stages.frames(reference_->latents_path), reference_->frames);
}

INSTANTIATE_TEST_SUITE_P(Some, VaeLayouts,
                         testing::Values(Layout{"official", {}}, Layout{"diffusers", {}},
                                         Layout{"gguf:q8_0", {}}),
                         test_name);

using VaceLayouts = DemoLayouts;

TEST_P(VaceLayouts, GiveTheSameBytesWithAndWithoutVaceTensors) {
  Stages without(write(GetParam().name));
  Stages with(write(GetParam().name, true));

  EXPECT_EQ(numbers_of(with.denoise_from(with.encode()), "latents"),
            numbers_of(without.denoise_from(without.encode()), "latents"));
}

INSTANTIATE_TEST_SUITE_P(Some, VaceLayouts,
                         testing::Values(Layout{"distill_fp8", {}}, Layout{"gguf:q8_0", {}}),
                         test_name);

}  // namespace
}  // namespace reel

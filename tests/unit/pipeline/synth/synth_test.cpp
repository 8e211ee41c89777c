// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <reel/synth.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <map>

#include "base/file.h"
#include "base/hash.h"
#include "base/parallel.h"
#include "checkpoint/name_table.h"
#include "core/numerics/small_floats.h"
#include "formats/safetensors.h"
#include "formats/tensor_file.h"
#include "models/umt5/names.h"
#include "models/wan_dit/names.h"
#include "models/wan_vae/names.h"
#include "pipeline/synth/model.h"
#include "support/expect_error.h"
#include "support/random_tensor.h"
#include "support/temp_folder.h"
#include "tokenizer/model_proto.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/tokenizer_json.h"

namespace reel {
namespace {

namespace fs = std::filesystem;

std::vector<std::byte> bytes_of(const formats::TensorFile& file, const formats::TensorEntry& e) {
  std::vector<std::byte> bytes(static_cast<size_t>(storage_bytes(e.dtype, e.shape.elements())));
  file.read(e, bytes);
  return bytes;
}

// The numbers of a tensor in any plain format.
std::vector<float> numbers_of(const formats::TensorFile& file, const std::string& name) {
  const formats::TensorEntry* entry = file.find(name);
  EXPECT_NE(entry, nullptr) << name;
  if (entry == nullptr) return {};
  const auto bytes = bytes_of(file, *entry);
  std::vector<float> numbers;
  for (size_t at = 0; at < bytes.size(); at += static_cast<size_t>(block_bytes(entry->dtype))) {
    uint32_t word = 0;
    std::memcpy(&word, &bytes[at], static_cast<size_t>(block_bytes(entry->dtype)));
    switch (entry->dtype) {
      case DType::kF32: numbers.push_back(numerics::float_of(word)); break;
      case DType::kBF16: numbers.push_back(numerics::bf16_to_float(uint16_t(word))); break;
      case DType::kF16: numbers.push_back(numerics::f16_to_float(uint16_t(word))); break;
      case DType::kF8E4M3: numbers.push_back(numerics::f8_e4m3_to_float(uint8_t(word))); break;
      case DType::kI8: numbers.push_back(static_cast<int8_t>(word)); break;
      default: ADD_FAILURE() << name << " is " << entry->dtype; return {};
    }
  }
  return numbers;
}

std::map<std::string, Shape> shapes_of(const std::vector<synth::SourceTensor>& tensors) {
  std::map<std::string, Shape> shapes;
  for (const auto& tensor : tensors) shapes.emplace(tensor.name, tensor.shape);
  return shapes;
}

const synth::SourceTensor& find_source(const std::vector<synth::SourceTensor>& tensors,
                                       const std::string& name) {
  for (const auto& tensor : tensors) {
    if (tensor.name == name) return tensor;
  }
  throw std::runtime_error(name);
}

// The f32 numbers behind a tensor.
std::vector<float> source_numbers(const std::vector<synth::SourceTensor>& tensors,
                                  const std::string& name) {
  const synth::SourceTensor& tensor = find_source(tensors, name);
  std::vector<float> numbers(static_cast<size_t>(tensor.shape.elements()));
  tensor.values->fill(0, numbers);
  return numbers;
}

class SynthTest : public testing::Test {
 protected:
  SynthReport write(const std::string& layout, bool sparse = false,
                    const std::string& preset = "tiny") {
    fs::remove_all(folder_ / "out");
    return synthesize({.layout = layout,
                       .preset = preset,
                       .out = folder_ / "out",
                       .seed = kSeed,
                       .sparse = sparse});
  }
  std::unique_ptr<formats::TensorFile> open(const std::string& name) const {
    return formats::open_tensor_file(folder_ / ("out/" + name));
  }
  std::string text(const std::string& name) const {
    return read_text_file(folder_ / ("out/" + name), 1 << 24);
  }
  uint64_t size_of(const std::string& name) const {
    return fs::file_size(folder_ / ("out/" + name));
  }

  static constexpr uint64_t kSeed = 7;
  test::TempFolder folder_;
  synth::Model tiny_ = synth::model_of({.seed = kSeed});
};

TEST(SynthModel, HasEveryTensorThatTheNetworksNeedOnce) {
  const synth::Model model = synth::model_of({.preset = "wan2.1-t2v-14b"});

  EXPECT_EQ(synth::dit_tensors(model).size(), 1095u);
  EXPECT_EQ(synth::text_encoder_tensors(model).size(), 242u);
  const auto dit = shapes_of(synth::dit_tensors(model));
  const auto vae = shapes_of(synth::vae_tensors(model));
  const auto expect_held = [](const auto& shapes, const auto& units, const auto& dims) {
    for (const auto& needed : checkpoint::needed_tensors(units, dims)) {
      ASSERT_TRUE(shapes.count(needed.name)) << needed.name;
      EXPECT_EQ(shapes.at(needed.name), needed.shape) << needed.name;
    }
  };
  expect_held(dit, wan_dit::name_units(model.dit), wan_dit::dims_of(model.dit));
  expect_held(vae, wan_vae::name_units(), wan_vae::dims_of(model.vae));
}

TEST(SynthModel, HasThePublishedNumbersOfParameters) {
  const auto count = [](const std::vector<synth::SourceTensor>& tensors) {
    int64_t sum = 0;
    for (const auto& tensor : tensors) sum += tensor.shape.elements();
    return sum;
  };
  const synth::Model large = synth::model_of({.preset = "wan2.1-t2v-14b"});

  EXPECT_EQ(count(synth::dit_tensors(large)), 14'288'491'584);
  EXPECT_EQ(count(synth::text_encoder_tensors(large)), 5'680'910'336);
  EXPECT_EQ(count(synth::vae_tensors(large)), 126'892'531);
  EXPECT_EQ(count(synth::dit_tensors(synth::model_of({.preset = "wan2.1-t2v-1.3b"}))),
            1'418'996'800);
}

// Sizes in units of 10^6 bytes, as file listings print them.
TEST_F(SynthTest, WritesThePublishedSizesOfTheFp8Folder) {
  const SynthReport report = write("distill_fp8", true, "wan2.1-t2v-14b");

  const auto rounded_mb = [&](const std::string& name) {
    return std::lround(static_cast<double>(size_of("distill_fp8/" + name)) / 1e6);
  };
  EXPECT_EQ(rounded_mb("block_0.safetensors"), 352);
  EXPECT_EQ(size_of("distill_fp8/block_39.safetensors") / 1000,
            size_of("distill_fp8/block_10.safetensors") / 1000);
  EXPECT_EQ(rounded_mb("non_block.safetensors"), 931);
  EXPECT_EQ(rounded_mb("models_t5_umt5-xxl-enc-fp8.pth"), 6733);
  EXPECT_EQ(rounded_mb("Wan2.1_VAE.pth"), 508);
  EXPECT_FALSE(fs::exists(folder_ / "out/distill_fp8/block_40.safetensors"));
  EXPECT_EQ(open("distill_fp8/models_t5_umt5-xxl-enc-fp8.pth")->entries().size(), 410u);
  size_t dit_tensors = open("distill_fp8/non_block.safetensors")->entries().size();
  for (int index = 0; index < 40; ++index) {
    dit_tensors +=
        open("distill_fp8/block_" + std::to_string(index) + ".safetensors")->entries().size();
  }
  EXPECT_EQ(dit_tensors, 1495u);
  EXPECT_GT(report.total_bytes, uint64_t{22'000'000'000});
}

TEST_F(SynthTest, WritesThePublishedSizesOfTheBf16Files) {
  write("bf16", true, "wan2.1-t2v-14b");

  EXPECT_EQ(size_of("distill_models/distill_model.safetensors") / 1'000'000, 28'577u);
  EXPECT_EQ(size_of("distill_models/models_t5_umt5-xxl-enc-bf16.pth") / 1'000'000, 11'361u);
}

TEST_F(SynthTest, WritesTheDistilledFoldersCompletely) {
  for (const std::string precision : {"fp8", "int8"}) {
    write("distill_" + precision);

    std::map<std::string, Shape> found;
    for (const char* name : {"block_0", "block_1", "non_block"}) {
      const auto file = open("distill_" + precision + "/" + name + ".safetensors");
      for (const auto& entry : file->entries()) {
        if (!entry.name.ends_with("_scale")) found.emplace(entry.name, entry.shape);
      }
    }
    EXPECT_EQ(found, shapes_of(synth::dit_tensors(tiny_)));
    const auto index = formats::read_shard_index(
        folder_ / ("out/distill_" + precision + "/diffusion_pytorch_model.safetensors.index.json"));
    EXPECT_EQ(index.file_of.size(), found.size() + 2 * 10);
    EXPECT_EQ(index.file_of.at("blocks.1.ffn.2.weight_scale"), "block_1.safetensors");
  }
}

TEST_F(SynthTest, QuantisesRowsNearTheNumbersBehindThem) {
  struct Case {
    const char* precision;
    double rounding;
  };
  // e4m3 rounds by up to 1/16, 2.6 % in the mean square; i8 by half of 1/127 of the largest.
  for (const Case& c : {Case{"fp8", 0.03}, Case{"int8", 0.006}}) {
    write(std::string("distill_") + c.precision);
    const auto file = open(std::string("distill_") + c.precision + "/block_1.safetensors");
    const std::string name = "blocks.1.ffn.2.weight";
    std::vector<float> got = numbers_of(*file, name);
    const std::vector<float> scales = numbers_of(*file, name + "_scale");

    ASSERT_EQ(scales.size(), 256u);
    for (size_t at = 0; at < got.size(); ++at) got[at] *= scales[at / 512];
    const auto want = source_numbers(synth::dit_tensors(tiny_), name);
    EXPECT_LT(test::relative_error(got, want), c.rounding);
    EXPECT_EQ(numbers_of(*file, "blocks.1.modulation"),
              source_numbers(synth::dit_tensors(tiny_), "blocks.1.modulation"));
  }
}

TEST_F(SynthTest, WritesTheOriginalFilesCompletely) {
  write("official");

  std::map<std::string, Shape> found;
  const auto index =
      formats::read_shard_index(folder_ / "out/diffusion_pytorch_model.safetensors.index.json");
  for (const auto& [name, file_name] : index.file_of) {
    const auto file = open(file_name);
    ASSERT_NE(file->find(name), nullptr) << name;
    found.emplace(name, file->find(name)->shape);
  }
  EXPECT_EQ(found, shapes_of(synth::dit_tensors(tiny_)));
  EXPECT_TRUE(fs::exists(folder_ / "out/diffusion_pytorch_model-00006-of-00006.safetensors"));

  const auto text_encoder = open("models_t5_umt5-xxl-enc-bf16.pth");
  EXPECT_EQ(text_encoder->entries().size(), 22u);
  const auto vae = open("Wan2.1_VAE.pth");
  EXPECT_EQ(vae->entries().size(), synth::vae_tensors(tiny_).size());
  EXPECT_EQ(numbers_of(*vae, "decoder.conv1.weight"),
            source_numbers(synth::vae_tensors(tiny_), "decoder.conv1.weight"));
}

// Golden numbers elsewhere rely on these bytes: a change here is a change of every fixture.
TEST_F(SynthTest, WritesTheSameBytesEverywhereForEver) {
  const std::map<std::string, std::string> digests = {
      {"distill_fp8/block_0.safetensors", "7a9ad9fcea96fef6c261480ceb0a9fec"},
      {"distill_fp8/non_block.safetensors", "00d89e4820f96d4e2a711a14be925781"},
      {"distill_fp8/models_t5_umt5-xxl-enc-fp8.pth", "2500084b0833596d4bc099402a7b444d"},
      {"distill_fp8/Wan2.1_VAE.pth", "fa62729fe68e189a319179f73754dd33"},
      {"google/umt5-xxl/spiece.model", "c4c5cb66e9e83b15759a61c363b02450"},
  };
  for (const int threads : {1, 3}) {
    set_compute_threads(threads);
    write("distill_fp8");

    for (const auto& [name, digest] : digests) {
      const std::string bytes = text(name);
      EXPECT_EQ(digest_hex(std::as_bytes(std::span(bytes))), digest) << name;
    }
  }
  set_compute_threads(0);
}

TEST_F(SynthTest, SparseFilesHaveTheSameHeadersAndSizes) {
  const SynthReport full = write("distill_fp8");
  const SynthReport sparse = write("distill_fp8", true);

  ASSERT_EQ(sparse.files.size(), full.files.size());
  for (size_t at = 0; at < full.files.size(); ++at) {
    EXPECT_EQ(sparse.files[at].name, full.files[at].name);
    EXPECT_EQ(sparse.files[at].size_bytes, full.files[at].size_bytes) << full.files[at].name;
  }
}

TEST_F(SynthTest, WritesATokenizerThatFitsTheEmbedding) {
  write("bf16");

  const tokenizer::Tokenizer tokens(
      tokenizer::read_tokenizer(text("google/umt5-xxl/spiece.model")));
  EXPECT_LE(tokens.vocabulary_size(), tiny_.text_encoder.vocab);
  const tokenizer::TokenIds ids = tokens.encode("A red ball falls into the water, slowly.");
  const auto& pieces = tokens.model().pieces;
  std::string joined;
  for (int64_t at = 0; at < ids.token_count; ++at) {
    joined += pieces[static_cast<size_t>(ids.ids[static_cast<size_t>(at)])].text + '|';
  }
  EXPECT_EQ(joined,
            "\xE2\x96\x81|A|\xE2\x96\x81red|\xE2\x96\x81"
            "ball|\xE2\x96\x81"
            "falls|"
            "\xE2\x96\x81into|\xE2\x96\x81the|\xE2\x96\x81water|,|\xE2\x96\x81slowly|.|</s>|");

  const tokenizer::Tokenizer same(
      tokenizer::read_tokenizer(text("google/umt5-xxl/tokenizer.json")));
  EXPECT_EQ(same.encode("Two cats: 42% zig-zag \xC3\xA9!").ids,
            tokens.encode("Two cats: 42% zig-zag \xC3\xA9!").ids);
}

TEST_F(SynthTest, RefusesAFolderThatIsNotEmpty) {
  fs::create_directory(folder_ / "out");
  EXPECT_NO_THROW(synthesize({.layout = "bf16", .out = folder_ / "out", .sparse = true}));

  EXPECT_REEL_ERROR(synthesize({.out = folder_ / "out"}), kInvalidArgument, "is no empty folder");
  EXPECT_REEL_ERROR(synthesize({}), kInvalidArgument, "out is empty");
}

TEST_F(SynthTest, LooksForSpaceBeforeItWrites) {
  EXPECT_REEL_ERROR(synthesize({.layout = "official",
                                .preset = "wan2.1-t2v-14b",
                                .out = folder_ / "out",
                                .dim = 65536,
                                .ffn_dim = 262144,
                                .layers = 1000}),
                    kIo, "free; the checkpoint needs");

  EXPECT_TRUE(fs::is_empty(folder_.path()));
}

TEST_F(SynthTest, NamesWhatItKnows) {
  const std::string out = folder_ / "out";
  EXPECT_REEL_ERROR(synthesize({.layout = "ggml", .out = out}), kInvalidArgument, "distill_int8");
  EXPECT_REEL_ERROR(synthesize({.preset = "14b", .out = out}), kInvalidArgument, "wan2.1-t2v-14b");
  EXPECT_REEL_ERROR(synthesize({.out = out, .dim = 200}), kInvalidArgument, "dim is 200");
  EXPECT_REEL_ERROR(synthesize({.out = out, .t5_vocab = 100}), kInvalidArgument,
                    "t5_vocab is 100; at least the");
}

TEST_F(SynthTest, LeavesNothingBehindWhenStopped) {
  int calls = 0;
  const auto stop_later = [&](const SynthProgress& progress) {
    EXPECT_LE(progress.done_bytes, progress.total_bytes);
    return ++calls < 5;
  };

  EXPECT_REEL_ERROR(synthesize({.out = folder_ / "out"}, stop_later), kCancelled, "Stopped");

  EXPECT_TRUE(fs::is_empty(folder_.path()));
}

}  // namespace
}  // namespace reel

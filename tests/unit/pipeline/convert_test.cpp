// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <reel/convert.h>
#include <reel/synth.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <tuple>

#include "base/file.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/slab_source.h"
#include "formats/slab.h"
#include "pipeline/slab_contents.h"
#include "pipeline/tokenizer_source.h"
#include "prepare/dequantise.h"
#include "support/expect_error.h"
#include "support/temp_folder.h"
#include "tokenizer/tokenizer.h"
#include "unit/pipeline/stored_ids.h"

namespace reel {
namespace {

namespace fs = std::filesystem;
using checkpoint::Checkpoint;
using checkpoint::Component;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::byte> bytes_of(const formats::TensorFile& file,
                                const formats::TensorEntry& entry) {
  std::vector<std::byte> bytes(prepare::dense_bytes(entry));
  file.read(entry, bytes);
  return bytes;
}

void expect_same_bytes(const Component& got, const Component& want) {
  EXPECT_EQ(got.precision, want.precision);
  EXPECT_EQ(got.layout, "slab of " + want.layout);
  ASSERT_EQ(got.tensors.size(), want.tensors.size());
  for (const auto& [name, tensor] : want.tensors) {
    SCOPED_TRACE(name);
    const checkpoint::StoredTensor& other = *got.find(name);
    EXPECT_EQ(other.entry->dtype, tensor.entry->dtype);
    EXPECT_EQ(other.entry->shape, tensor.entry->shape);
    EXPECT_EQ(bytes_of(*other.file, *other.entry), bytes_of(*tensor.file, *tensor.entry));
    ASSERT_EQ(other.scale == nullptr, tensor.scale == nullptr);
    if (tensor.scale == nullptr) continue;
    EXPECT_EQ(other.scale->dtype, tensor.scale->dtype);
    EXPECT_EQ(bytes_of(*other.file, *other.scale), bytes_of(*tensor.scale_file, *tensor.scale));
  }
}

class Convert : public testing::Test {
 protected:
  std::string write(const std::string& layout = "distill_fp8", const std::string& name = "model") {
    synthesize({.layout = layout, .out = folder_ / name, .seed = 3});
    return folder_ / name;
  }
  ConvertResult convert_to(const std::string& out, const std::string& model, bool verify = false) {
    Progress progress;
    return convert({.model = {.model = model}, .out = out, .verify = verify}, progress);
  }
  static Checkpoint open(const std::string& model) {
    return checkpoint::open_checkpoint({.model = model, .use_slabs = false});
  }

  test::TempFolder folder_;
};

TEST_F(Convert, KeepsEveryByteOfEveryLayout) {
  for (const std::string layout : {"distill_fp8", "distill_int8", "comfy_fp8", "official",
                                   "diffusers", "gguf:q4_k_m", "gguf:q8_0"}) {
    SCOPED_TRACE(layout);
    fs::remove_all(folder_ / "model");
    const std::string model = write(layout);
    const std::string slab = folder_ / "alone.slab";
    fs::remove(slab);

    const ConvertResult result = convert_to(slab, model);

    EXPECT_EQ(result.size_bytes, fs::file_size(slab));
    const Checkpoint want = open(model), got = open(slab);
    expect_same_bytes(*got.dit, *want.dit);
    expect_same_bytes(*got.text_encoder, *want.text_encoder);
    expect_same_bytes(*got.vae, *want.vae);
    EXPECT_EQ(test::ids_of(got), test::ids_of(want));
    EXPECT_EQ(got.verdict, want.verdict);
    EXPECT_EQ(got.settings.width_px, want.settings.width_px);
    EXPECT_EQ(got.settings.display_name, want.settings.display_name);
    EXPECT_TRUE(convert_to("", slab, true).was_there);
  }
}

// Every block can be fetched by one aligned read, and the next one lies behind it.
TEST_F(Convert, PutsEveryBlockInOneRangeInTheOrderOfUse) {
  const std::string slab = folder_ / "alone.slab";
  convert_to(slab, write("official"));

  const Checkpoint found = open(slab);
  uint64_t last_end = 0;
  for (int64_t block = 0; block < checkpoint::block_count(*found.dit, "blocks."); ++block) {
    uint64_t begin = ~uint64_t{0}, end = 0, bytes = 0;
    for (const auto& [name, tensor] : found.dit->tensors) {
      if (!name.starts_with("blocks." + std::to_string(block) + '.')) continue;
      begin = std::min(begin, tensor.entry->offset_bytes);
      end = std::max(end, tensor.entry->offset_bytes + tensor.entry->size_bytes);
      bytes += tensor.entry->size_bytes;
    }
    EXPECT_EQ(begin % 4096, 0u);
    EXPECT_EQ(end - begin, bytes);
    EXPECT_GE(begin, last_end);
    EXPECT_LT(begin - last_end, block == 0 ? uint64_t{1} << 20 : 4096u);
    last_end = end;
  }
}

TEST_F(Convert, GoesOnAfterAStop) {
  const std::string model = write();
  const std::string whole = folder_ / "whole.slab";
  const std::string stopped = folder_ / "stopped.slab";
  const uint64_t written = convert_to(whole, model).written_bytes;
  Progress progress;
  const ConvertRequest request{.model = {.model = model}, .out = stopped};

  EXPECT_REEL_ERROR(convert(request, progress,
                            [&](const ConvertProgress& now) {
                              if (2 * now.done_bytes > now.total_bytes) {
                                progress.stop_requested = true;
                              }
                            }),
                    kCancelled, "");
  EXPECT_FALSE(fs::exists(stopped));
  const ConvertResult result = convert_to(stopped, model);

  EXPECT_GT(result.kept_bytes, written / 4);
  EXPECT_GT(result.written_bytes, 0u);
  EXPECT_EQ(result.kept_bytes + result.written_bytes, written);
  EXPECT_EQ(read_text_file(stopped, 1 << 30), read_text_file(whole, 1 << 30));
}

TEST_F(Convert, MakesASlabAgainOnceItsSourceHasChanged) {
  const std::string model = write();
  const std::string slab = convert_to("", model).path;
  EXPECT_EQ(slab, model + "/distill_fp8/reel.slab");
  EXPECT_TRUE(convert_to("", model).was_there);

  fs::last_write_time(model + "/distill_fp8/block_0.safetensors", fs::file_time_type::clock::now());
  EXPECT_FALSE(convert_to("", model).was_there);
  EXPECT_TRUE(convert_to("", model).was_there);

  std::fstream(slab, std::ios::binary | std::ios::in | std::ios::out).seekp(99).put('\1');
  EXPECT_FALSE(convert_to("", model).was_there);
}

TEST_F(Convert, FindsADamagedTensor) {
  const std::string slab = convert_to("", write()).path;
  const Checkpoint files = open(slab);
  const auto* const tensor = files.text_encoder->find("token_embedding.weight");
  const auto at = static_cast<std::streamoff>(tensor->entry->offset_bytes);
  std::fstream(slab, std::ios::binary | std::ios::in | std::ios::out).seekp(at).put('\x55');

  EXPECT_REEL_ERROR(
      convert_to(slab, "", true), kBadFile,
      "the bytes of \"text_encoders.umt5xxl.transformer.shared.weight\" are not those "
      "of its checksum");
}

TEST_F(Convert, SaysWhatASlabCannotBe) {
  const std::string model = write();
  std::ofstream(folder_ / "other.slab") << "something else";
  EXPECT_REEL_ERROR(convert_to(folder_ / "a.safetensors", model), kInvalidArgument,
                    "a name that ends in .slab is needed");
  EXPECT_REEL_ERROR(convert_to(folder_ / "no.slab", model, true), kNotFound,
                    "there is no slab to verify");
  const std::string slab = convert_to("", model).path;
  EXPECT_REEL_ERROR(convert_to("", slab), kUnsupported, "is a slab already");
  Progress progress;
  const ModelOptions with_lora{.model = model, .loras = {{.path = "x.safetensors"}}};
  EXPECT_REEL_ERROR(convert({.model = with_lora}, progress), kInvalidArgument, "without LoRAs");
}

struct Told : Progress {
  void on_warning(std::string_view sentence) override { warnings.emplace_back(sentence); }
  void on_note(std::string_view sentence) override { notes.emplace_back(sentence); }
  std::vector<std::string> warnings, notes;
};

TEST_F(Convert, SaysThatATaeIsLeftOut) {
  const std::string model = write();
  synthesize({.layout = "decoder:taew2_1.pth", .out = folder_ / "tae"});
  fs::rename(folder_ / "tae/taew2_1.pth", model + "/taew2_1.pth");
  Told beside, alone;

  const ConvertResult with_vae = convert({.model = {.model = model}}, beside);
  EXPECT_THAT(beside.notes, testing::Contains(HasSubstr("/taew2_1.pth\" is left out of the slab")));
  EXPECT_THAT(beside.warnings, testing::IsEmpty());
  EXPECT_EQ(open(with_vae.path).vae->network, checkpoint::Network::kVae);

  fs::remove(model + "/distill_fp8/Wan2.1_VAE.pth");
  convert({.model = {.model = model}}, alone);
  EXPECT_THAT(alone.warnings, ElementsAre(HasSubstr("The slab has no other decoder.")));
}

TEST_F(Convert, LeavesOutWhatIsMissing) {
  Told progress;
  const std::string model = write();
  fs::remove(model + "/distill_fp8/Wan2.1_VAE.pth");

  const ConvertResult result = convert({.model = {.model = model}}, progress);

  EXPECT_THAT(progress.warnings, ElementsAre(HasSubstr("The slab will not hold it.")));
  EXPECT_FALSE(open(result.path).vae.has_value());
}

TEST_F(Convert, HoldsTensorsThatNoRunReads) {
  const Checkpoint files = open(write());
  const pipeline::SlabContents contents = pipeline::slab_contents(files, folder_ / "x.slab");
  EXPECT_EQ(
      contents.sources.size(),
      files.dit->tensors.size() + files.text_encoder->tensors.size() + files.vae->tensors.size());
  EXPECT_FALSE(contents.tokenizer.empty());
}

}  // namespace
}  // namespace reel

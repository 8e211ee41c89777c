// SPDX-License-Identifier: Apache-2.0
// Random decoders are found as a user's would be.
#include <gtest/gtest.h>
#include <reel/synth.h>

#include "checkpoint/checkpoint.h"
#include "formats/tensor_file.h"
#include "support/expect_error.h"
#include "support/temp_folder.h"

namespace reel {
namespace {

using checkpoint::Component;
using checkpoint::Network;

Component made_decoder(const std::string& file, const std::filesystem::path& folder,
                       const std::string& preset = "tiny") {
  SynthRequest request{.layout = "decoder:" + file, .preset = preset, .out = folder / file};
  request.sparse = true;
  const SynthReport report = synthesize(request);
  EXPECT_EQ(report.files.size(), 1u);
  EXPECT_EQ(report.files[0].name, file);
  return *checkpoint::open_checkpoint({.model = folder / file}).vae;
}

TEST(SynthDecoder, WritesTaesAsTheyArePublished) {
  const test::TempFolder folder;
  for (const char* file : {"taew2_1.pth", "lighttaew2_1.safetensors"}) {
    const Component tae = made_decoder(file, folder.path(), "wan2.1-t2v-14b");
    EXPECT_EQ(tae.network, Network::kTae);
    EXPECT_EQ(tae.precision, "f16");
    EXPECT_EQ(tae.shape_of("decoder.3.conv.0.weight"), (Shape{256, 512, 3, 3}));
    EXPECT_EQ(tae.shape_of("decoder.22.weight"), (Shape{3, 64, 3, 3}));
  }
}

TEST(SynthDecoder, PrunesTheVae) {
  const test::TempFolder folder;
  const Component vae = made_decoder("lightvaew2_1.pth", folder.path(), "wan2.1-t2v-14b");
  int64_t parameters = 0;
  const auto file = formats::open_tensor_file(vae.path);
  for (const formats::TensorEntry& entry : file->entries()) parameters += entry.shape.elements();

  EXPECT_EQ(parameters, 8'035'003);  // of the published file
  EXPECT_EQ(vae.network, Network::kVae);
  EXPECT_EQ(vae.shape_of("decoder.conv1.weight"), (Shape{96, 16, 3, 3, 3}));
  EXPECT_EQ(vae.shape_of("decoder.head.2.weight"), (Shape{3, 24, 3, 3, 3}));
  EXPECT_FALSE(vae.unread.empty());  // its encoder
}

TEST(SynthDecoder, KnowsThePublishedNamesAlone) {
  const test::TempFolder folder;
  for (const char* file : {"taew2_1", "taew2_1.gguf", "taew2_2.pth", "", ".pth"}) {
    SynthRequest request{.layout = std::string("decoder:") + file, .out = folder / "x"};
    EXPECT_REEL_ERROR(synthesize(request), kInvalidArgument, "There is no decoder");
  }
}

}  // namespace
}  // namespace reel

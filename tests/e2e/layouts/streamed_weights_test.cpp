// SPDX-License-Identifier: Apache-2.0
// Checkpoints in every layout, streamed to a device made of threads: the weights of all networks
// are byte for byte those that the host's path holds.
#include <gmock/gmock.h>
#include <reel/synth.h>

#include <algorithm>

#include "checkpoint/checkpoint.h"
#include "core/planned_memory.h"
#include "memory/block_streamer.h"
#include "memory/planner.h"
#include "memory/weight_store.h"
#include "models/umt5/names.h"
#include "models/wan_dit/names.h"
#include "models/wan_vae/names.h"
#include "pipeline/model_configs.h"
#include "prepare/device_preparer.h"
#include "prepare/host_preparer.h"
#include "support/queued_kernels.h"
#include "support/same_weights.h"
#include "support/temp_folder.h"

namespace reel {
namespace {

using checkpoint::Component;
using testing::IsEmpty;

class StreamedLayouts : public testing::TestWithParam<const char*> {
 protected:
  StreamedLayouts() {
    const std::string out = folder_ / "model";
    // More blocks than the window has slots: otherwise none would be streamed.
    synthesize({.layout = GetParam(), .out = out, .seed = 3, .layers = 5, .t5_layers = 4});
    files_ = checkpoint::open_checkpoint({.model = out});
  }

  void compare(const Component& component, const memory::Manifest& manifest,
               const prepare::Precision& precision, int streamed) {
    SCOPED_TRACE(testing::Message()
                 << checkpoint::network_name(component.network) << ", " << streamed << " streamed");
    const auto blocks = static_cast<int>(manifest.blocks.size());
    prepare::HostPreparer host(component, cpu::reference_kernels(), precision, stop_);
    memory::WeightStore want(manifest, host, uint64_t{1} << 40);
    const ops::Kernels kernels = test::queued_kernels();
    prepare::DevicePreparer preparer(component, kernels, precision);
    test::FakeCopyEngine engine;
    const Stream compute = engine.make_stream();
    PlannedMemory device(host_memory(), size_t{256} << 20, "the memory of the test");
    memory::BlockStreamer got(manifest, preparer, device, engine, stop_,
                              {.resident = memory::resident_blocks(blocks, streamed),
                               .window_slots = 2,
                               .ring_bytes = 6 << 16,
                               .chunk_bytes = 1 << 16,
                               .read_mode = ReadMode::kDirect,
                               .read = {}});

    EXPECT_EQ(test::first_difference(manifest.fixed, got.fixed(), want.fixed(), kernels), "");
    EXPECT_EQ(test::first_difference(manifest.setup, got.setup(), want.setup(), kernels), "");
    for (int index = 0; index < blocks; ++index) {
      const memory::WeightSource& a = got.acquire(index, compute);
      const memory::WeightSource& b = want.acquire(index, {});
      engine.finish(compute);
      const memory::WeightBlock& block = manifest.blocks[static_cast<size_t>(index)];
      EXPECT_EQ(test::first_difference(block, a, b, kernels), "");
    }
    EXPECT_EQ(preparer.digest(), host.digest());
    EXPECT_THAT(engine.broken_rules(), IsEmpty());
  }

  void compare_everywhere(const Component& component,
                          const std::vector<checkpoint::NeededTensor>& needed,
                          const prepare::Precision& precision) {
    const memory::Manifest manifest = prepare::make_manifest(needed);
    const auto blocks = static_cast<int>(manifest.blocks.size());
    compare(component, manifest, precision, 0);
    if (blocks > 3) compare(component, manifest, precision, blocks / 2 + 1);
    if (blocks > 0) compare(component, manifest, precision, blocks);
  }

  StopFlag stop_;
  test::TempFolder folder_;
  checkpoint::Checkpoint files_;
};

TEST_P(StreamedLayouts, HoldTheWeightsOfTheHost) {
  constexpr prepare::Precision kInt8{DType::kBF16, DType::kI8};
  constexpr prepare::Precision kWide{DType::kBF16, DType::kBF16};
  const wan_dit::Config dit = pipeline::dit_config(files_);
  const umt5::Config text = pipeline::text_config(*files_.text_encoder);
  const wan_vae::Config vae = pipeline::vae_config(*files_.vae);
  const auto dit_needs =
      checkpoint::needed_tensors(wan_dit::name_units(dit), wan_dit::dims_of(dit));

  compare_everywhere(*files_.dit, dit_needs, kInt8);
  compare_everywhere(*files_.dit, dit_needs, kWide);
  compare_everywhere(*files_.text_encoder,
                     checkpoint::needed_tensors(umt5::name_units(text), umt5::dims_of(text)),
                     kInt8);
  compare_everywhere(
      *files_.vae, checkpoint::needed_tensors(wan_vae::name_units(), wan_vae::dims_of(vae)), kWide);
}

INSTANTIATE_TEST_SUITE_P(All, StreamedLayouts,
                         testing::Values("distill_fp8", "distill_int8", "bf16", "official",
                                         "comfy_fp8", "diffusers", "gguf:q8_0", "gguf:q4_k_m"),
                         [](const auto& layout) {
                           std::string name = layout.param;
                           std::ranges::replace(name, ':', '_');
                           return name;
                         });

}  // namespace
}  // namespace reel

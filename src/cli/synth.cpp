// SPDX-License-Identifier: Apache-2.0
// `reel synth`: writes a random checkpoint of any size, or an existing one, in any layout.
#include <reel/synth.h>

#include <algorithm>
#include <cstdio>

#include "base/byte_units.h"
#include "base/error.h"
#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/flags.h"

namespace reel::cli {
namespace {

void add_flags(Flags& flags, SynthRequest& request) {
  flags.add("--layout", request.layout,
            "distill_fp8, distill_int8, bf16, official, comfy_fp8, diffusers, gguf:TYPE, "
            "lora:STYLE or decoder:FILE");
  flags.add("--preset", request.preset, "tiny, wan2.1-t2v-1.3b or wan2.1-t2v-14b");
  flags.add("--out", request.out, "the folder to write");
  flags.required();
  flags.add("--seed", request.seed, "of the numbers");
  flags.add("--dim", request.dim, "width of the DiT, a multiple of 128");
  flags.add("--ffn-dim", request.ffn_dim, "width of its feed-forward layers");
  flags.add("--layers", request.layers, "its blocks");
  flags.add("--text-dim", request.text_dim, "width of the text encoder");
  flags.add("--t5-ffn-dim", request.t5_ffn_dim, "width of its feed-forward layers");
  flags.add("--t5-layers", request.t5_layers, "its layers");
  flags.add("--t5-vocab", request.t5_vocab, "rows of its embedding");
  flags.add("--vae-base", request.vae_base, "channels of the VAE's last level");
  flags.add("--tae-base", request.tae_base, "channels of a TAE's last level");
  flags.add("--lora-rank", request.lora_rank, "rank of a LoRA's pairs; default: 4");
  flags.add("--width", request.width_px, "default width that config.json states");
  flags.add("--height", request.height_px, "default height");
  flags.add("--frames", request.frames, "default frames");
  flags.add("--from", request.weights_from,
            "write this model's weights, rounded or quantised again, in place of random ones");
  flags.add_switch("--with-vace", request.with_vace, "add the tensors of a VACE model");
  flags.add_switch("--sparse", request.sparse, "true headers over files that take no space");
}

int run_synth(int argc, const char* const* argv, Terminal& terminal) {
  SynthRequest request;
  Flags flags("synth", "write a random checkpoint");
  add_flags(flags, request);
  flags.add_terminal(terminal);
  if (flags.parse(argc, argv, terminal)) return kExitOk;
  ShownProgress progress(terminal);
  const SynthReport report = synthesize(request, [&](const SynthProgress& now) {
    terminal.status(str_cat("writing ", now.file, "  ", format_bytes(now.done_bytes), " of ",
                            format_bytes(now.total_bytes)));
    return !progress.stop_requested.load();
  });
  char line[160];
  std::snprintf(line, sizeof line, "%zu files, %s in %.1f s (%s a second)", report.files.size(),
                format_bytes(report.total_bytes).c_str(), report.seconds,
                format_bytes(static_cast<uint64_t>(static_cast<double>(report.total_bytes) /
                                                   std::max(report.seconds, 1e-3)))
                    .c_str());
  terminal.note(line);
  terminal.answer(request.out);
  return kExitOk;
}

}  // namespace

extern const Command kSynthCommand{
    .name = "synth", .summary = "write a random checkpoint", .run = &run_synth};

}  // namespace reel::cli

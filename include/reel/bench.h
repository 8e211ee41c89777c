// SPDX-License-Identifier: Apache-2.0
// How fast this machine computes what a clip is made of.
#pragma once

#include <reel/progress.h>
#include <reel/request.h>

#include <string>
#include <vector>

namespace reel {

struct BenchRequest {
  // Its device, precision and threads are measured. With a model, one of its clips is timed too.
  ModelOptions model;
  // The shapes: width_px, height_px and frames. Left out: 832x480, 81 frames on a GPU, 256x256, 17
  // frames on a CPU.
  SamplingOptions sampling;
  std::string prompt;  // of the clip
};

// A limit of the machine that ops are compared with.
struct BenchRate {
  std::string name;  // "INT8 tensor cores", "copy within GPU memory"
  double per_second = 0;
  std::string unit;  // "op" or "B"
};

struct BenchOp {
  std::string op, shape;  // "feed-forward up, GELU", "8192 x 5120 x 13824"
  double seconds = 0;     // the median of several
  double work = 0;        // operations, or bytes read and written
  std::string unit;       // "op" or "B"
  double bound_s = 0;     // by the rates; 0 where they do not tell
};

struct BenchClip {
  std::string model;
  int width_px = 0, height_px = 0, frames = 0, steps = 0;
  double encode_s = 0, denoise_s = 0, decode_s = 0, total_s = 0;  // the better of two
  uint64_t peak_memory_bytes = 0;
};

struct BenchReport {
  std::string version, date, device, kernels, precision, driver;
  std::string commit;  // of the sources; empty where they were no git checkout
  // On a GPU, under INT8 products without a pause; 0 where the driver does not tell.
  double sm_clock_hz = 0, power_w = 0, power_limit_w = 0;
  int threads = 0;
  int64_t dim = 0, ffn_dim = 0, tokens = 0, row_chunk = 0;  // of the network that is timed
  std::vector<BenchRate> rates;
  std::vector<BenchOp> ops;
  double block_s = 0;  // one block of the DiT, all that it does
  int blocks = 0;      // in a step
  std::vector<BenchClip> clips;
  std::string saved_to;  // where `reel plan` finds the speed of this GPU; empty on a CPU
};

// Computes with random numbers. On a GPU, keeps what was measured for plans to use. Throws as
// Engine for the device and the model.
BenchReport run_bench(const BenchRequest& request, Progress& progress);

// One pass over the blocks of a DiT, from a cold disk.
struct BenchReads {
  std::string from;  // "per-block FP8 (LightX2V)", "slab of per-block FP8 (LightX2V)"
  int64_t files = 0, requests = 0;
  uint64_t bytes = 0;
  double seconds = 0;  // the best of three
};

// Reads the model's blocks past the page cache, as a run on a GPU does: the files that runs read,
// and where that is a slab, the files that it was made from too. Throws as inspect(), kCancelled.
std::vector<BenchReads> bench_reads(const ModelOptions& model, Progress& progress);

}  // namespace reel

// SPDX-License-Identifier: Apache-2.0
// Reel's side of `make bench`: single forward passes with the weights already in memory.
//
// Usage: reel_cpu_bench MODEL [PRECISION [THREADS]]
//
// Commands come on standard input, one a line; each is answered with one line of JSON:
//
//   dit | t5 | vae FRAMES    one forward pass; a network is loaded at its first use
//   dump PATH                writes the last result as raw f32
//   quit
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "backends/cpu/backend.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/parallel.h"
#include "ops/elementwise.h"
#include "pipeline/open_model.h"
#include "schedulers/noise.h"

namespace reel::bench {
namespace {

using nlohmann::json;

constexpr int64_t kSidePx = 256;
constexpr int64_t kDitFrames = 17;
constexpr int64_t kTokens = 64;
constexpr float kTimestep = 750;
constexpr uint64_t kSeed = 7;

// Of this program alone: getrusage also counts what the parent held before exec.
uint64_t peak_rss_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stoull(line.substr(6)) << 10;
  }
  return 0;
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// The numbers of torch.randn for this seed.
Tensor normal(const Shape& shape, uint64_t seed) {
  Tensor out(DType::kF32, shape);
  schedulers::Rng::torch_cpu(seed).fill_normal(out.values<float>());
  return out;
}

Tensor latents(int64_t frames) {
  return normal({16, (frames - 1) / 4 + 1, kSidePx / 8, kSidePx / 8}, kSeed);
}

// Where the numbers of a result go: always into a digest, into a file when one was asked for.
class Result {
 public:
  void add(const TensorView& values) {
    const auto bytes = std::span(values.as<std::byte>(), static_cast<size_t>(values.size_bytes()));
    digest_->add(bytes);
    if (file_.is_open()) file_.write(values.as<char>(), values.size_bytes());
    elements_ += values.elements();
  }
  void write_to(const std::string& path) { file_.open(path, std::ios::binary); }
  std::string digest() const { return digest_->hex(); }
  int64_t elements() const { return elements_; }

 private:
  std::unique_ptr<Digest> digest_ = std::make_unique<Digest>();
  std::ofstream file_;
  int64_t elements_ = 0;
};

class Bench {
 public:
  explicit Bench(const ModelOptions& options)
      : runtime_(options, stop_), model_(options, {.tokenizer = false}, progress_) {}

  json run(const std::string& line) {
    std::istringstream words(line);
    std::string name;
    std::string argument;
    words >> name >> argument;
    if (name == "dump") {
      load(last_name_);
      Result result;
      result.write_to(argument);
      forward(last_name_, last_frames_, result);
      return {{"elements", result.elements()}};
    }
    const int64_t frames = argument.empty() ? kDitFrames : std::stoll(argument);
    last_name_ = name;
    last_frames_ = frames;
    load(name);
    Result result;
    const double cpu = cpu_seconds();
    const auto start = std::chrono::steady_clock::now();
    forward(name, frames, result);
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    return {{"seconds", taken.count()},
            {"cpu_seconds", cpu_seconds() - cpu},
            {"peak_rss_bytes", peak_rss_bytes()},
            {"precision", pipeline::precision_name(runtime_.numbers())},
            {"kernels", cpu::kernels_summary()},
            {"digest", result.digest()}};
  }

 private:
  void load(const std::string& name) {
    if (name == "dit" && !dit_) dit_ = model_.load_dit(runtime_, runtime_.numbers().precision);
    if (name == "t5" && !text_) text_ = model_.load_text(runtime_, true);
    if (name == "vae" && !vae_) vae_ = model_.load_decoder(runtime_);
  }

  void forward(const std::string& name, int64_t frames, Result& result) {
    if (name == "dit") return dit(result);
    if (name == "t5") return t5(result);
    if (name == "vae") return vae(frames, result);
    fail(ErrorCode::kInvalidArgument, str_cat("There is no command \"", name, "\"."));
  }

  // What PyTorch's forward does: text and timestep are embedded anew each time, although a clip
  // needs that once.
  void dit(Result& result) {
    ops::Context ctx = runtime_.context(runtime_.numbers());
    const Tensor x = latents(kDitFrames);
    const Tensor text = normal({kTokens, (*dit_)->config().text_dim}, kSeed + 1);
    const Tensor velocity(DType::kF32, x.shape());
    wan_dit::Prompt prompt = (*dit_)->make_prompt(ctx, text);
    const wan_dit::TimeModulation time = (*dit_)->make_time_modulation(ctx, {kTimestep});
    (*dit_)->forward(ctx, x, time, 0, prompt, velocity);
    result.add(velocity);
  }

  void t5(Result& result) {
    ops::Context ctx = runtime_.context(runtime_.text_numbers());
    std::vector<int32_t> ids(kTokens);
    for (int64_t at = 0; at < kTokens; ++at) {
      ids[static_cast<size_t>(at)] =
          static_cast<int32_t>((at * 37 + 11) % (*text_)->config().vocab);
    }
    ids.back() = 1;
    result.add((*text_)->encode(ctx, ids, {}));
  }

  void vae(int64_t frames, Result& result) {
    ops::Context ctx = runtime_.context(runtime_.vae_numbers());
    const Tensor pixels(DType::kF32, {kSidePx, kSidePx, 3});
    const auto add = [&](const TensorView& frame) {
      ops::cast(ctx, frame, pixels);
      result.add(pixels);
    };
    (*vae_)->decode(ctx, latents(frames), add, {});
  }

  StopFlag stop_;
  Progress progress_;
  pipeline::Runtime runtime_;
  pipeline::OpenModel model_;
  std::unique_ptr<pipeline::LoadedDit> dit_;
  std::unique_ptr<pipeline::LoadedText> text_;
  std::unique_ptr<pipeline::LoadedDecoder> vae_;
  std::string last_name_ = "dit";
  int64_t last_frames_ = kDitFrames;
};

int run(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "Usage: reel_cpu_bench MODEL [PRECISION [THREADS]]\n");
    return 2;
  }
  ModelOptions options;
  options.model = argv[1];
  if (argc > 2) options.precision = argv[2];
  if (argc > 3) options.threads = std::stoi(argv[3]);
  Bench bench(options);
  std::cout << json{{"ready", true}, {"threads", compute_threads()}}.dump() << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    if (line == "quit") break;
    if (!line.empty()) std::cout << bench.run(line).dump() << std::endl;
  }
  return 0;
}

}  // namespace
}  // namespace reel::bench

int main(int argc, char** argv) {
  try {
    return reel::bench::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "reel_cpu_bench: %s\n", error.what());
    return 1;
  }
}

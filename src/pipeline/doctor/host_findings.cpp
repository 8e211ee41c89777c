// SPDX-License-Identifier: Apache-2.0
#include "pipeline/doctor/host_findings.h"

#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "backends/cpu/backend.h"
#include "base/byte_units.h"
#include "base/error.h"
#include "media/mp4_encoders.h"
#include "media/mp4_writer.h"

namespace reel::pipeline {
namespace {

namespace fs = std::filesystem;

// What the 14B needs at least besides the page cache, and where a whole checkpoint is cached.
constexpr uint64_t kLittleMemory = uint64_t{4} << 30;
constexpr uint64_t kCheckpointBytes = uint64_t{15} << 30;
// Of a SATA drive; an NVMe drive reads several times as fast.
constexpr double kSlowDisk = 1e9;

std::string or_unknown(const std::string& text) { return text.empty() ? "unknown" : text; }

// The first of kEncoders that opens; nothing when none does.
std::optional<std::string> first_encoder(const fs::path& folder) {
  for (const char* const name : media::kEncoders) {
    try {
      media::make_mp4_file(folder / "probe.mp4",
                           {.width_px = 64, .height_px = 64, .frame_rate = {}, .encoders = {name}});
      return name;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kUnsupported) throw;
    }
  }
  return std::nullopt;
}

}  // namespace

std::vector<Finding> findings_on(const HostFacts& host, int cores,
                                 std::optional<uint64_t> available_bytes) {
  std::vector<Finding> findings{
      {.area = "system",
       .text = str_cat(or_unknown(host.system), ", kernel ", or_unknown(host.kernel)),
       .advice = {}},
      {.area = "processor",
       .text = str_cat(or_unknown(host.cpu), ", ", cores,
                       " cores may be used, kernels: ", cpu::kernels_summary()),
       .advice = {}}};
  if (host.is_wsl) {
    findings.push_back(
        {.area = "WSL",
         .health = Health::kRemark,
         .text = "Windows moves GPU memory to the host's when it runs short, without an error, and "
                 "everything becomes slow",
         .advice = "Reel keeps to its own budget; give it less with --vram when the desktop needs "
                   "more, and set \"CUDA - Sysmem Fallback Policy\" to \"Prefer No Sysmem "
                   "Fallback\" in NVIDIA's control panel."});
  }
  Finding memory{.area = "memory", .text = {}, .advice = {}};
  memory.text = available_bytes ? format_bytes(*available_bytes) + " available" : "not told";
  if (host.memory_bytes > 0) memory.text += str_cat(" of ", format_bytes(host.memory_bytes));
  if (available_bytes && *available_bytes < kLittleMemory) {
    memory.health = Health::kProblem;
    memory.advice = "The 14B needs 4 GiB: close programs, or raise the container's limit.";
  } else if (available_bytes && *available_bytes < kCheckpointBytes) {
    memory.text +=
        "; a checkpoint of 14 GiB does not stay in the page cache, so that what is "
        "streamed is read from disk in every step";
    memory.health = Health::kRemark;
  }
  findings.push_back(std::move(memory));
  return findings;
}

Finding finding_on_disk(const memory::Rates& rates) {
  char text[96];
  std::snprintf(text, sizeof text, "%.1f GB/s from disk, %.1f GB/s from the page cache",
                1e-9 * rates.disk_bytes, 1e-9 * rates.cache_bytes);
  Finding finding{.area = "disk", .text = text, .advice = {}};
  if (rates.disk_bytes < kSlowDisk) {
    finding.health = Health::kRemark;
    finding.advice = "The first step waits for the weights: keep them on an NVMe drive.";
  }
  return finding;
}

Finding finding_on_video() {
  const fs::path folder = fs::temp_directory_path() / str_cat("reel-doctor-", ::getpid());
  fs::create_directories(folder);
  Finding finding{.area = "video", .text = {}, .advice = {}};
  const media::Mp4Support support = media::mp4_support();
  const auto encoder =
      support.route == media::Mp4Route::kNone ? std::nullopt : first_encoder(folder);
  std::error_code ignored;
  fs::remove_all(folder, ignored);
  if (!encoder) {
    finding.health = Health::kProblem;
    finding.text = "MP4 files cannot be written; Y4M files and PNG frames can";
    finding.advice = str_cat(media::kInstallFfmpeg, '.');
    return finding;
  }
  finding.text =
      str_cat("MP4 files by ", *encoder,
              support.route == media::Mp4Route::kLibraries ? " through FFmpeg's libraries"
                                                           : " through the ffmpeg program");
  if (*encoder == std::string_view("mpeg4")) {
    finding.health = Health::kRemark;
    finding.advice = "This FFmpeg has no H.264 encoder: files are larger, some players refuse.";
  }
  return finding;
}

}  // namespace reel::pipeline

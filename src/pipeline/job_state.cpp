// SPDX-License-Identifier: Apache-2.0
#include "pipeline/job_state.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <nlohmann/json.hpp>
#include <random>
#include <vector>

#include "base/env.h"
#include "base/error.h"
#include "base/file.h"
#include "hub/model_folders.h"
#include "pipeline/denoise_state_file.h"
#include "pipeline/request_json.h"
#include "pipeline/stage_files.h"

namespace reel::pipeline {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr uint64_t kMostBytes = uint64_t{2} << 30;
constexpr uint64_t kLargestJson = uint64_t{4} << 20;
constexpr const char* kStateFile = "state.safetensors";

constexpr const char* kOtherFolder =
    "Free some space, or set XDG_STATE_HOME to a folder that can be written.";

// Runs `write`; what goes wrong there is not the output's fault.
template <typename Write>
void write_job_file(Write write) {
  try {
    write();
  } catch (const Error& error) {
    fail(error.code(), error.what(), error.code() == ErrorCode::kIo ? kOtherFolder : error.hint());
  }
}

fs::path jobs_folder() { return env::state_folder() / "jobs"; }

// 20261123-184501-3f2a: sorts by age.
std::string new_id() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm local{};
  localtime_r(&now, &local);
  char text[40];
  const size_t length = std::strftime(text, sizeof text, "%Y%m%d-%H%M%S", &local);
  std::snprintf(text + length, sizeof text - length, "-%04x", std::random_device{}() & 0xffffu);
  return text;
}

// No way out of the jobs' folder.
bool is_job_name(const std::string& id) {
  return !id.empty() && id.find('/') == std::string::npos && id[0] != '.';
}

uint64_t folder_bytes(const fs::path& folder) {
  uint64_t bytes = 0;
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator(folder, error)) {
    if (entry.is_regular_file(error)) bytes += entry.file_size(error);
  }
  return bytes;
}

std::vector<fs::path> all_jobs() {
  std::vector<fs::path> folders;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(jobs_folder(), error)) {
    if (entry.is_directory(error)) folders.push_back(entry.path());
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

void remove_oldest() {
  std::vector<fs::path> folders = all_jobs();
  uint64_t bytes = 0;
  for (const fs::path& folder : folders) bytes += folder_bytes(folder);
  std::error_code error;
  for (const fs::path& folder : folders) {
    if (bytes <= kMostBytes) return;
    bytes -= folder_bytes(folder);
    fs::remove_all(folder, error);
  }
}

Tensor ids_tensor(const std::vector<int32_t>& ids) {
  Tensor tensor(DType::kI32, {static_cast<int64_t>(ids.size())});
  std::copy(ids.begin(), ids.end(), tensor.view().as<int32_t>());
  return tensor;
}

// Ids are of no further use once encoded, so states are all that is kept.
EncodedPrompt prompt_from(StageFile& file, const char* name, const fs::path& path) {
  return {.ids = {}, .states = take_f32(file, name, path)};
}

std::string absolute_path(const std::string& path) {
  return path.empty() ? path : fs::absolute(path).string();
}

// A job is continued from any folder.
ModelOptions with_absolute_paths(ModelOptions model) {
  model.model = absolute_path(hub::find_model(model.model));
  for (LoraChoice& lora : model.loras) lora.path = absolute_path(hub::find_model(lora.path));
  for (std::string* path :
       {&model.text_encoder, &model.vae, &model.tokenizer, &model.preview_decoder}) {
    *path = absolute_path(*path);
  }
  return model;
}

}  // namespace

Job::Job(std::string id, fs::path folder, ModelOptions model, VideoRequest request)
    : id_(std::move(id)),
      folder_(std::move(folder)),
      model_(std::move(model)),
      request_(std::move(request)) {}

Job::Job(Job&& other) noexcept
    : id_(std::move(other.id_)),
      folder_(std::exchange(other.folder_, {})),
      model_(std::move(other.model_)),
      request_(std::move(other.request_)) {}

Job Job::create(const ModelOptions& model, const VideoRequest& request) {
  remove_oldest();
  std::error_code error;
  fs::create_directories(jobs_folder(), error);
  std::string id;
  fs::path folder;
  do {  // several jobs may begin in the same second
    id = new_id();
    folder = jobs_folder() / id;
  } while (!fs::create_directory(folder, error) && !error);
  REEL_REQUIRE(
      !error, kIo,
      str_cat("Cannot make the job folder \"", folder.string(), "\": ", error.message(), '.'),
      kOtherFolder);
  const ModelOptions absolute = with_absolute_paths(model);
  VideoRequest kept = request;
  kept.out = absolute_path(request.out);
  kept.preview_dir = absolute_path(request.preview_dir);
  Job job(id, folder, absolute, kept);  // from here on the folder goes when something fails
  job.write_request();
  return job;
}

void Job::write_request() const {
  write_job_file([&] {
    OutputFile file(folder_ / "job.json");
    file.write(json{{"model", model_}, {"request", request_}}.dump(1));
    file.commit();
  });
}

void Job::forget(const std::string& id) {
  std::error_code ignored;
  if (is_job_name(id)) fs::remove_all(jobs_folder() / id, ignored);
}

Job Job::open(const std::string& id) {
  const fs::path folder = jobs_folder() / id;
  std::error_code error;
  if (!is_job_name(id) || !fs::exists(folder / "job.json", error)) {
    std::string names;
    const std::vector<fs::path> jobs = all_jobs();
    for (size_t at = jobs.size() - std::min<size_t>(jobs.size(), 5); at < jobs.size(); ++at) {
      names += ' ' + jobs[at].filename().string();
    }
    fail(ErrorCode::kNotFound, str_cat("There is no job \"", id, "\" to resume."),
         names.empty() ? "No jobs are saved." : str_cat("The last jobs are", names, '.'));
  }
  try {
    const json parsed = json::parse(read_text_file(folder / "job.json", kLargestJson));
    return Job(id, folder, parsed.at("model").get<ModelOptions>(),
               parsed.at("request").get<VideoRequest>());
  } catch (const json::exception&) {
    fail(ErrorCode::kBadFile, str_cat('"', (folder / "job.json").string(), "\" is damaged."),
         "Make the clip anew.");
  }
}

Job::~Job() {
  if (folder_.empty() || can_resume()) return;
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

void Job::change(const ResumeOptions& changes) {
  if (!changes.out.empty()) {
    request_.out = absolute_path(changes.out);
    request_.frames_only = false;
  }
  if (!changes.preview_dir.empty()) request_.preview_dir = absolute_path(changes.preview_dir);
  request_.overwrite = request_.overwrite || changes.overwrite;
  write_request();
}

bool Job::can_resume() const {
  std::error_code error;
  return !folder_.empty() && fs::exists(folder_ / kStateFile, error);
}

void Job::save_prompts(const EncodedPrompts& prompts) {
  StageFile file;
  file.add_copy("text_states", prompts.prompt.states);
  file.add("ids", ids_tensor(prompts.prompt.ids));
  if (prompts.negative) file.add_copy("negative_text_states", prompts.negative->states);
  file.metadata["weights_digest"] = prompts.weights_digest;
  write_job_file([&] { write_stage_file(folder_ / "text.safetensors", file); });
}

std::optional<EncodedPrompts> Job::load_prompts() const {
  const fs::path path = folder_ / "text.safetensors";
  if (!fs::exists(path)) return std::nullopt;
  StageFile file = read_stage_file(path);
  EncodedPrompts prompts{.prompt = prompt_from(file, "text_states", path),
                         .negative = std::nullopt,
                         .weights_digest = file.metadata["weights_digest"]};
  if (file.find("negative_text_states") != nullptr) {
    prompts.negative = prompt_from(file, "negative_text_states", path);
  }
  return prompts;
}

void Job::save_state(const DenoiseState& state, const RunSettings& settings) {
  write_job_file([&] { write_denoise_state(folder_ / kStateFile, state, settings); });
}

std::optional<DenoiseState> Job::load_state(const RunSettings& settings) const {
  const fs::path path = folder_ / kStateFile;
  if (!fs::exists(path)) return std::nullopt;
  return read_denoise_state(path, settings, start_denoising(settings));
}

void Job::finish() {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
  folder_.clear();
}

}  // namespace reel::pipeline

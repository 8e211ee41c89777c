// SPDX-License-Identifier: Apache-2.0
#include "pipeline/machine_file.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/env.h"
#include "base/error.h"
#include "base/file.h"

namespace reel::pipeline {
namespace fs = std::filesystem;
namespace {

using memory::Rates;
using nlohmann::json;

constexpr uint64_t kMostFileBytes = uint64_t{1} << 20;
constexpr const char* kGpus = "gpus";
constexpr const char* kE4M3Attention = "e4m3_attention_ops";  // may be missing

struct Field {
  const char* name;
  double Rates::*value;
};
constexpr std::array kFields = {
    Field{"int8_ops", &Rates::int8_ops},           Field{"wide_ops", &Rates::wide_ops},
    Field{"attention_ops", &Rates::attention_ops}, Field{"conv_ops", &Rates::conv_ops},
    Field{"memory_bytes", &Rates::memory_bytes},   Field{"upload_bytes", &Rates::upload_bytes},
    Field{"cache_bytes", &Rates::cache_bytes},     Field{"disk_bytes", &Rates::disk_bytes}};

// An empty object where there is no such file, or one that is damaged.
json read(const fs::path& file) {
  try {
    json text = json::parse(read_text_file(file, kMostFileBytes), nullptr, false);
    if (text.is_object() && text.contains(kGpus) && text[kGpus].is_object()) return text;
  } catch (const Error&) {  // NOLINT: it is only a cache
  }
  return json{{kGpus, json::object()}};
}

}  // namespace

fs::path machine_file() { return env::cache_folder() / "machine.json"; }

void save_rates(const fs::path& file, const std::string& gpu_name, const Rates& rates) {
  json text = read(file);
  json& one = text[kGpus][gpu_name];
  if (!one.is_object()) one = json::object();
  for (const Field& field : kFields) one[field.name] = rates.*field.value;
  if (rates.e4m3_attention_ops > 0) one[kE4M3Attention] = rates.e4m3_attention_ops;
  std::error_code ignored;  // the write will tell
  fs::create_directories(file.parent_path(), ignored);
  OutputFile out(file);
  out.write(text.dump(1));
  out.commit();
}

std::optional<Rates> saved_rates(const fs::path& file, const std::string& gpu_name) {
  const json text = read(file);
  const json& gpus = text[kGpus];
  const auto one = gpus.find(gpu_name);
  if (one == gpus.end() || !one->is_object()) return std::nullopt;
  Rates rates;
  for (const Field& field : kFields) {
    const auto value = one->find(field.name);
    if (value == one->end() || !value->is_number()) return std::nullopt;
    rates.*field.value = value->get<double>();
    // Times are quotients by these.
    if (!std::isfinite(rates.*field.value) || rates.*field.value <= 0) return std::nullopt;
  }
  const auto e4m3 = one->find(kE4M3Attention);
  if (e4m3 != one->end() && e4m3->is_number() && std::isfinite(e4m3->get<double>())) {
    rates.e4m3_attention_ops = std::max(0.0, e4m3->get<double>());
  }
  return rates;
}

memory::Machine machine_with(const std::string& gpu_name) {
  memory::Machine machine = memory::assumed_machine(gpu_name);
  if (const auto rates = saved_rates(machine_file(), gpu_name)) {
    machine.gpu = gpu_name;
    machine.is_assumed = false;
    const double f32_ops = machine.rates.f32_ops;  // which no benchmark measures
    machine.rates = *rates;
    machine.rates.f32_ops = f32_ops;
  }
  return machine;
}

}  // namespace reel::pipeline

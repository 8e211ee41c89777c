// SPDX-License-Identifier: Apache-2.0
#include "memory/planner.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "base/byte_units.h"
#include "base/error.h"
#include "core/region_allocator.h"
#include "memory/tags.h"

namespace reel::memory {
namespace {

constexpr int kMostSlots = 3;   // the third takes up the unsteadiness of a disk
constexpr int kLeastSlots = 2;  // one is computed with while the other fills

constexpr uint64_t kRingBytes = uint64_t{256} << 20;
constexpr uint64_t kLeastRingBytes = uint64_t{16} << 20;
constexpr uint64_t kRingShare = 4;  // at most this part of the host's memory

// A stream that takes more of a pass than this is not hidden with certainty.
constexpr double kSafeStreamShare = 0.8;

uint64_t sum_of(const std::vector<TaggedBytes>& all) {
  uint64_t sum = 0;
  for (const TaggedBytes& one : all) sum += one.bytes;
  return sum;
}

// What a phase takes whatever happens to its blocks.
struct FixedPart {
  uint64_t throughout = 0, setup = 0, pass = 0;
  uint64_t bytes() const { return throughout + std::max(setup, pass); }
};

FixedPart fixed_part(const PhaseNeeds& needs, const PhasePlan& plan, const Machine& machine) {
  return {.throughout = aligned(needs.weights.fixed.prepared_bytes) + sum_of(needs.held) +
                        needs.weights.staging_bytes() + machine.workspace_bytes,
          .setup = aligned(needs.weights.setup.prepared_bytes) + stack_layout(needs.setup).bytes,
          .pass = plan.layout.bytes};
}

// How many blocks stay in `room_bytes`, and through how many slots the others pass.
void choose_residency(const PhaseNeeds& needs, uint64_t room_bytes, PhasePlan& plan) {
  const int blocks = plan.blocks;
  const int slots = static_cast<int>(
      std::min<uint64_t>(room_bytes / std::max<uint64_t>(1, plan.slot_bytes), uint64_t{1} << 20));
  int residents = 0;
  if (slots >= blocks && (needs.passes > 1 || blocks <= kMostSlots)) {
    residents = blocks;
  } else {
    plan.window_slots = std::clamp(slots, kLeastSlots, kMostSlots);
    // A block that is used once gains nothing by staying.
    if (needs.passes > 1) residents = std::max(0, slots - plan.window_slots);
  }
  plan.resident = resident_blocks(blocks, blocks - residents);
}

void add_row(PhasePlan& plan, std::string tag, uint64_t bytes,
             RowTime time = RowTime::kThroughout) {
  if (bytes > 0) plan.rows.push_back({.tag = std::move(tag), .bytes = bytes, .time = time});
}

void fill_rows(const PhaseNeeds& needs, const Machine& machine, PhasePlan& plan) {
  add_row(plan, tags::kFixedWeights, aligned(needs.weights.fixed.prepared_bytes));
  add_row(plan, tags::kResidentBlocks, plan.resident.size() * plan.slot_bytes);
  add_row(plan, tags::kWindow, static_cast<uint64_t>(plan.window_slots) * plan.slot_bytes);
  add_row(plan, tags::kStaging, needs.weights.staging_bytes());
  for (const TaggedBytes& held : needs.held) add_row(plan, held.tag, held.bytes);
  add_row(plan, "workspace", machine.workspace_bytes);
  add_row(plan, tags::kSetupWeights, aligned(needs.weights.setup.prepared_bytes), RowTime::kSetup);
  plan.setup_activation_bytes = stack_layout(needs.setup).bytes;
  add_row(plan, "setup activations", plan.setup_activation_bytes, RowTime::kSetup);
  add_row(plan, tags::kActivations, plan.layout.bytes, RowTime::kPass);

  uint64_t by_time[3] = {};
  for (const PlanRow& row : plan.rows) by_time[static_cast<int>(row.time)] += row.bytes;
  plan.arena_bytes = by_time[0] + std::max(by_time[1], by_time[2]);
}

void fill_reads(const PhaseNeeds& needs, uint64_t cache_room_bytes, PhasePlan& plan) {
  plan.first_pass_bytes = needs.weights.stored_bytes();
  uint64_t streamed = 0;
  for (const BlockLoad& block : needs.weights.blocks) streamed += block.stored_bytes;
  for (const int index : plan.resident) {
    streamed -= needs.weights.blocks[static_cast<size_t>(index)].stored_bytes;
  }
  plan.read_mode = streamed <= cache_room_bytes ? ReadMode::kBuffered : ReadMode::kDirect;
  if (needs.passes == 1) return;
  plan.pass_bytes = streamed;
  if (plan.read_mode == ReadMode::kDirect) plan.pass_disk_bytes = streamed;
}

// What LoRAs take of the time: for weights that arrive once, and for those of every pass.
struct ChangeTimes {
  double once_s = 0, each_pass_s = 0;
};

ChangeTimes change_times(const PhaseNeeds& needs, const Rates& rates, const PhasePlan& plan) {
  Work once = needs.weights.fixed.change_work;
  once += needs.weights.setup.change_work;
  Work each_pass;
  for (int index = 0; index < plan.blocks; ++index) {
    const bool stays = std::ranges::binary_search(plan.resident, index);
    (stays ? once : each_pass) += needs.weights.blocks[static_cast<size_t>(index)].change_work;
  }
  return {.once_s = seconds(once, rates), .each_pass_s = seconds(each_pass, rates)};
}

void fill_times(const PhaseNeeds& needs, const Rates& rates, PhasePlan& plan) {
  const double pass_s = seconds(needs.pass_work, rates);
  const ChangeTimes change = change_times(needs, rates, plan);
  plan.compute_s = pass_s + change.each_pass_s;
  const double source = plan.read_mode == ReadMode::kDirect ? rates.disk_bytes : rates.cache_bytes;
  plan.stream_s = static_cast<double>(plan.pass_bytes) / std::min(source, rates.upload_bytes);
  plan.pass_s = std::max(plan.compute_s, plan.stream_s);

  uint64_t before_blocks = needs.weights.fixed.stored_bytes + needs.weights.setup.stored_bytes;
  const double first_rate = std::min(rates.disk_bytes, rates.upload_bytes);
  const double before_s = static_cast<double>(before_blocks) / first_rate;
  const double blocks_s = static_cast<double>(plan.first_pass_bytes - before_blocks) / first_rate;
  plan.total_s = before_s + seconds(needs.setup_work, rates) +
                 std::max(change.once_s + plan.compute_s, blocks_s) +
                 (needs.passes - 1) * plan.pass_s;
}

PhasePlan plan_phase(const PhaseNeeds& needs, uint64_t arena_cap_bytes, uint64_t cache_room_bytes,
                     const Machine& machine) {
  PhasePlan plan;
  plan.phase = needs.phase;
  plan.files_precision = needs.weights.precision;
  plan.passes = needs.passes;
  plan.strips = needs.strips;
  plan.layout = stack_layout(needs.forward);
  plan.blocks = static_cast<int>(needs.weights.blocks.size());
  plan.slot_bytes = aligned(needs.weights.largest_block_bytes());
  const uint64_t fixed = fixed_part(needs, plan, machine).bytes();
  plan.least_arena_bytes =
      fixed + static_cast<uint64_t>(std::min(plan.blocks, kLeastSlots)) * plan.slot_bytes;
  choose_residency(needs, arena_cap_bytes - std::min(arena_cap_bytes, fixed), plan);
  fill_rows(needs, machine, plan);
  fill_reads(needs, cache_room_bytes, plan);
  fill_times(needs, machine.rates, plan);
  return plan;
}

std::string seconds_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f s", value);
  return text;
}

void warn_of_stream(const PhaseNeeds& needs, const PhasePlan& plan,
                    std::vector<std::string>& warnings) {
  if (plan.stream_s <= kSafeStreamShare * plan.compute_s) return;
  const char* const from = plan.read_mode == ReadMode::kDirect ? "disk" : "the page cache";
  std::string text = str_cat("Streaming ", format_bytes(plan.pass_bytes), " a step from ", from,
                             " takes ", seconds_text(plan.stream_s), " where a step computes for ",
                             seconds_text(plan.compute_s), ": a step will take about ",
                             seconds_text(plan.pass_s), '.');
  const std::string& stored = needs.weights.precision;
  if (stored == "f32" || stored == "bf16" || stored == "f16") {
    text += str_cat(" The ", stored, " files of this model are ",
                    stored == "f32" ? "four times" : "twice",
                    " as large as 8-bit ones, which stream in so much less time.");
  }
  warnings.push_back(std::move(text));
}

// The host's memory that is anyone's guess counts as plenty.
uint64_t ram_room_bytes(const Budget& budget, const Machine& machine) {
  uint64_t room = UINT64_MAX;
  if (budget.ram_bytes > 0) room = std::min(room, budget.ram_bytes);
  if (machine.ram_available_bytes > 0) room = std::min(room, machine.ram_available_bytes);
  return room;
}

void choose_ring(uint64_t ram_bytes, uint64_t program_bytes, Plan& plan) {
  plan.ring_bytes = kRingBytes;
  while (plan.ring_bytes > kLeastRingBytes && plan.ring_bytes > ram_bytes / kRingShare) {
    plan.ring_bytes /= 2;
  }
  plan.host_bytes = program_bytes + plan.ring_bytes;
}

// What is needed and the less that there is, so that they read as different sizes.
struct Shortage {
  std::string needed, usable;
};

Shortage shortage(uint64_t needed_bytes, uint64_t usable_bytes) {
  Shortage in{.needed = format_bytes(needed_bytes), .usable = format_bytes(usable_bytes)};
  if (in.needed != in.usable) return in;
  return {.needed = with_commas((needed_bytes + kMiB - 1) / kMiB) + " MiB",
          .usable = with_commas(usable_bytes / kMiB) + " MiB"};
}

std::string refusal_of(const Plan& plan, uint64_t ram_bytes) {
  if (plan.host_bytes > ram_bytes) {
    const auto [needed, usable] = shortage(plan.host_bytes, ram_bytes);
    return str_cat("The clip needs ", needed, " of host memory; ", usable, " may be used.");
  }
  const auto largest = std::max_element(plan.phases.begin(), plan.phases.end(),
                                        [](const PhasePlan& a, const PhasePlan& b) {
                                          return a.least_arena_bytes < b.least_arena_bytes;
                                        });
  const auto [needed, usable] = shortage(plan.least_cap_bytes, plan.cap_bytes);
  return str_cat("The ", phase_name(largest->phase), " stage needs ", needed,
                 " of GPU memory at least", largest->blocks > 0 ? ", with no block kept; " : "; ",
                 usable, " may be used.");
}

}  // namespace

const char* phase_name(Phase phase) {
  switch (phase) {
    case Phase::kText: return "text";
    case Phase::kDenoise: return "denoise";
    case Phase::kDecode: return "decode";
    case Phase::kSecondAttempt: return "second attempt";
  }
  return "";
}

const char* read_mode_name(ReadMode mode) {
  return mode == ReadMode::kDirect ? "direct" : "page cache";
}

uint64_t PhasePlan::shared_bytes() const {
  uint64_t setup = 0;
  uint64_t pass = 0;
  for (const PlanRow& row : rows) {
    if (row.time == RowTime::kSetup) setup += row.bytes;
    if (row.time == RowTime::kPass) pass += row.bytes;
  }
  // The region's own alignment comes on top of the arena's.
  constexpr uint64_t kParts = 4;
  return std::max(setup, pass) + kParts * RegionAllocator::kAlignment;
}

const PhasePlan* Plan::phase(Phase wanted) const {
  if (wanted == Phase::kSecondAttempt) return second_attempt ? &*second_attempt : nullptr;
  for (const PhasePlan& plan : phases) {
    if (plan.phase == wanted) return &plan;
  }
  return nullptr;
}

std::vector<int> resident_blocks(int blocks, int streamed) {
  std::vector<int> resident;
  for (int index = 0; index < blocks; ++index) {
    const int64_t before = int64_t{index} * streamed / blocks;
    const int64_t after = (int64_t{index} + 1) * streamed / blocks;
    if (before == after) resident.push_back(index);
  }
  return resident;
}

Plan make_plan(const ClipNeeds& needs, const Budget& budget, const Machine& machine) {
  Plan plan;
  plan.cap_bytes = gpu_cap_bytes(budget, machine);
  plan.context_bytes = machine.context_bytes;
  plan.row_chunk = machine.row_chunk;
  const uint64_t ram_bytes = ram_room_bytes(budget, machine);
  choose_ring(ram_bytes, needs.host_bytes, plan);
  const uint64_t arena_cap = plan.cap_bytes - std::min(plan.cap_bytes, machine.context_bytes);
  const uint64_t cache_room = ram_bytes - std::min(ram_bytes, plan.host_bytes);

  for (const PhaseNeeds& phase : needs.phases) {
    PhasePlan& made = plan.phases.emplace_back(plan_phase(phase, arena_cap, cache_room, machine));
    plan.arena_bytes = std::max(plan.arena_bytes, made.arena_bytes);
    plan.least_cap_bytes =
        std::max(plan.least_cap_bytes, machine.context_bytes + made.least_arena_bytes);
    plan.total_s += made.total_s;
    warn_of_stream(phase, made, plan.warnings);
  }
  if (needs.second_attempt) {
    // Nothing of it may stay: it has whatever room the stages have.
    PhasePlan again = plan_phase(*needs.second_attempt, 0, cache_room, machine);
    if (again.arena_bytes <= arena_cap) {
      plan.arena_bytes = std::max(plan.arena_bytes, again.arena_bytes);
      plan.second_attempt = std::move(again);
    }
  }
  plan.fits = plan.least_cap_bytes <= plan.cap_bytes && plan.host_bytes <= ram_bytes;
  if (!plan.fits) plan.refusal = refusal_of(plan, ram_bytes);
  return plan;
}

}  // namespace reel::memory

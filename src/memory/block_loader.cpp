// SPDX-License-Identifier: Apache-2.0
#include "memory/block_loader.h"

#include <algorithm>
#include <exception>
#include <iterator>
#include <thread>
#include <utility>

#include "base/error.h"
#include "memory/tags.h"

namespace reel::memory {
namespace {

constexpr std::chrono::milliseconds kBetweenLooks{50};  // at the stop flag

std::vector<bool> who_stays(const StreamLayout& layout) {
  std::vector<bool> stays;
  for (const StreamUnit& unit : layout.units) stays.push_back(unit.is_resident);
  return stays;
}

}  // namespace

BlockLoader::BlockLoader(StreamLayout layout, MemorySpace& device, CopyEngine& engine,
                         const StopFlag& stop, const StreamerOptions& options)
    : options_(options),
      device_(device),
      engine_(engine),
      stop_(stop),
      reader_(options.read_mode, options.read),
      units_(std::make_move_iterator(layout.units.begin()),
             std::make_move_iterator(layout.units.end())),
      staging_(device, layout.footprint.staging_bytes, tags::kStaging),
      pinned_(engine, layout.footprint.pinned_bytes),
      before_(engine),
      queue_(who_stays(layout), units_.size() - 2, layout.slots) {
  take_memory(layout);
  follow(options.after);
  queue_.add(fixed_unit());
  queue_.add(setup_unit());
  try {
    for (int thread = 0; thread < options.reader_threads; ++thread) {
      threads_.start([this] { read_chunks(); });
    }
    threads_.start([this] { issue_chunks(); });
  } catch (...) {
    close();
    throw;
  }
}

void BlockLoader::close() {
  {
    const Lock lock(mutex_);
    is_closing_ = true;
  }
  changed_.notify_all();
  threads_.join();
}

void BlockLoader::take_memory(const StreamLayout& layout) {
  for (size_t unit = 0; unit < units_.size(); ++unit) {
    if (!stays(unit)) continue;
    take_memory(unit);
    units_[unit].ready = OwnedEvent(engine_);
  }
  for (size_t at = 0; at < layout.slots; ++at) {
    slots_.push_back({.memory = Buffer(device_, layout.slot_bytes, tags::kWindow),
                      .ready = OwnedEvent(engine_),
                      .free = OwnedEvent(engine_)});
  }
  for (size_t at = 0; at < layout.ring_places; ++at) {
    ring_.push_back({.buffer = {pinned_.data() + at * options_.chunk_bytes, options_.chunk_bytes},
                     .copied = OwnedEvent(engine_)});
  }
}

void BlockLoader::take_memory(size_t unit) {
  const bool is_setup = unit == setup_unit();
  const char* const tag = is_setup               ? tags::kSetupWeights
                          : unit == fixed_unit() ? tags::kFixedWeights
                                                 : tags::kResidentBlocks;
  MemorySpace& memory =
      is_setup && options_.setup_memory != nullptr ? *options_.setup_memory : device_;
  Unit& of = units_[unit];
  of.memory = Buffer(memory, of.plan->slot_bytes(), tag);
  of.source = of.plan->open(of.memory.data());
}

// Copies submitted from now on run behind what `stream` has got so far.
void BlockLoader::follow(const std::optional<Stream>& stream) {
  if (!stream) return;
  engine_.record(before_, *stream);
  engine_.wait(engine_.copy_stream(), before_);
}

// ---- the thread that wants blocks

BlockLoader::Resident BlockLoader::await_resident(size_t unit) {
  Lock lock(mutex_);
  const LoadPtr load = queue_.resident(unit);
  changed_.notify_all();
  wait_until_issued(lock, *load);
  if (load->has_failed) {
    queue_.forget_resident(unit);
    std::rethrow_exception(std::move(load->error));
  }
  return {*units_[unit].source, units_[unit].ready};
}

LoadPtr BlockLoader::await_passing(size_t unit) {
  Lock lock(mutex_);
  LoadPtr load = queue_.passing(unit);
  changed_.notify_all();
  wait_until_issued(lock, *load);
  queue_.take_passing();
  if (load->has_failed) queue_.discard(*load);
  changed_.notify_all();
  if (load->has_failed) std::rethrow_exception(std::move(load->error));
  return load;
}

void BlockLoader::wait_until_issued(Lock& lock, const Load& load) {
  while (!load.is_issued) {
    changed_.wait_for(lock, kBetweenLooks);
    stop_.check();
  }
}

void BlockLoader::release_slot(int index) {
  const Lock lock(mutex_);
  queue_.give_back_slot(index);
  changed_.notify_all();
}

void BlockLoader::release_setup() {
  Unit& unit = units_[setup_unit()];
  unit.source = nullptr;
  unit.memory = {};
  const Lock lock(mutex_);
  queue_.forget_resident(setup_unit());
}

void BlockLoader::bring_setup_back(const std::optional<Stream>& after) {
  follow(after);
  take_memory(setup_unit());
}

void BlockLoader::set_last_pass() {
  const Lock lock(mutex_);
  queue_.set_last_pass();
}

LoaderStats BlockLoader::stats() const {
  const Lock lock(mutex_);
  LoaderStats stats = stats_;
  stats.restarts = queue_.restarts();
  return stats;
}

// ---- reader threads

void BlockLoader::read_chunks() {
  while (Task* const task = take_chunk()) {
    Load& load = *task->load;
    std::exception_ptr error;
    try {
      read_chunk(*task);
    } catch (...) {
      error = std::current_exception();
    }
    const Lock lock(mutex_);
    load.fail_with(std::move(error));
    task->is_read = true;
    changed_.notify_all();
  }
}

// The next chunk in line, with a place in the ring; null at the end.
BlockLoader::Task* BlockLoader::take_chunk() {
  Lock lock(mutex_);
  while (!is_closing_) {
    if (reading_ != nullptr && is_all_taken()) end_reading();
    if (reading_ == nullptr && (reading_ = queue_.take_unread()) != nullptr) {
      begin_reading();
      continue;
    }
    if (reading_ != nullptr && chunks_taken_ - chunks_issued_ < ring_.size()) {
      return &tasks_.emplace_back(Task{
          .load = reading_, .chunk = next_chunk_++, .ring_place = chunks_taken_++ % ring_.size()});
    }
    changed_.wait(lock);
  }
  return nullptr;
}

bool BlockLoader::is_all_taken() const {
  return reading_->is_dead() || next_chunk_ == units_[reading_->unit].chunks.size();
}

void BlockLoader::begin_reading() {
  next_chunk_ = 0;
  Unit& unit = units_[reading_->unit];
  if (!unit.has_digest) reading_->digest = unit.plan->start_digest();
  changed_.notify_all();
}

void BlockLoader::end_reading() {
  tasks_.emplace_back(Task{.load = std::move(reading_), .is_read = true});
  reading_ = nullptr;
  changed_.notify_all();
}

void BlockLoader::read_chunk(Task& task) {
  RingPlace& place = ring_[task.ring_place];
  while (!engine_.has_passed(place.copied)) {
    if (is_closing_) return;
    std::this_thread::sleep_for(kBetweenPolls);
  }
  const Chunk& chunk = units_[task.load->unit].chunks[task.chunk];
  task.begins = reader_.read(chunk, place.buffer);
  add_to_digest(task, place.buffer.subspan(task.begins, chunk.size_bytes));
  const Lock lock(mutex_);
  stats_.bytes_read += chunk.size_bytes;
}

void BlockLoader::add_to_digest(const Task& task, std::span<const std::byte> bytes) {
  Load& load = *task.load;
  if (load.digest == nullptr) return;
  Unit& unit = units_[load.unit];
  for (const ChunkPiece& piece : unit.chunks[task.chunk].pieces) {
    load.digest->add(piece.read, piece.read_offset_bytes,
                     bytes.subspan(piece.from_bytes, piece.size_bytes));
  }
  const Lock lock(mutex_);
  if (++load.chunks_digested < unit.chunks.size()) return;
  load.digest->finish();
  load.digest = nullptr;
  unit.has_digest = true;
}

// ---- the thread that submits copies and kernels, in order

void BlockLoader::issue_chunks() {
  Lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return is_closing_ || (!tasks_.empty() && tasks_.front().is_read); });
    if (is_closing_) return;
    Task& task = tasks_.front();
    Load& load = *task.load;
    if (!load.is_dead() && take_slot(lock, load)) {
      lock.unlock();
      std::exception_ptr error;
      try {
        issue(task);
      } catch (...) {
        error = std::current_exception();
      }
      lock.lock();
      load.fail_with(std::move(error));
    }
    if (is_closing_) return;
    if (task.chunk == Task::kEnd) {
      load.is_issued = true;
    } else {
      ++chunks_issued_;
    }
    tasks_.pop_front();
    changed_.notify_all();
  }
}

// False when the load ends before a slot is free.
bool BlockLoader::take_slot(Lock& lock, Load& load) {
  if (units_[load.unit].is_resident || load.slot != Load::kNoSlot) return true;
  changed_.wait(lock, [&] { return is_closing_ || load.is_dead() || queue_.has_slot(); });
  if (is_closing_ || load.is_dead()) return false;
  queue_.take_slot(load);
  is_new_slot_ = true;
  return true;
}

void BlockLoader::issue(const Task& task) {
  const Load& load = *task.load;
  Unit& unit = units_[load.unit];
  Slot* const slot = unit.is_resident ? nullptr : &slots_[static_cast<size_t>(load.slot)];
  if (std::exchange(is_new_slot_, false)) engine_.wait(engine_.copy_stream(), slot->free);
  if (task.chunk == Task::kEnd) {
    engine_.record(slot == nullptr ? unit.ready : slot->ready, engine_.copy_stream());
    return;
  }
  RingPlace& place = ring_[task.ring_place];
  std::byte* const to = slot == nullptr ? unit.memory.data() : slot->memory.data();
  try {
    issue_pieces(unit, unit.chunks[task.chunk], place.buffer.data() + task.begins, to);
  } catch (...) {
    engine_.record(place.copied, engine_.copy_stream());  // some copies may be under way
    throw;
  }
  engine_.record(place.copied, engine_.copy_stream());
}

void BlockLoader::issue_pieces(const Unit& unit, const Chunk& chunk, const std::byte* from,
                               std::byte* slot) {
  uint64_t bytes = 0;
  for (const ChunkPiece& piece : chunk.pieces) {
    std::byte* const to = (piece.to_staging ? staging_.data() : slot) + piece.to_bytes;
    engine_.copy_to_device(to, from + piece.from_bytes, piece.size_bytes);
    bytes += piece.size_bytes;
    if (piece.finished_item != -1) {
      unit.plan->make_item(piece.finished_item, slot, staging_.data(), engine_.copy_stream());
    }
  }
  const Lock lock(mutex_);
  stats_.bytes_copied += bytes;
}

}  // namespace reel::memory

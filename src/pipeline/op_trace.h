// SPDX-License-Identifier: Apache-2.0
// A table with one row per call of a kernel, written as CSV.
#pragma once

#include <atomic>
#include <fstream>
#include <mutex>
#include <string>
#include <vector>

#include "core/copy_engine.h"
#include "memory/weight_source.h"
#include "ops/observed_kernels.h"

namespace reel::pipeline {

// Times are those of the device's clock: two events around each call, which nobody waits for before
// the stage has ended. Calls may come from several threads, the rest from one.
class OpTrace : public ops::OpObserver {
 public:
  // Empties or makes the file and writes the header. `engine` must outlive the trace; what runs on
  // another stream than `compute` is marked as such. Throws kIo when the file cannot be written.
  OpTrace(const std::string& path, CopyEngine& engine, Stream compute);

  void begin_stage(const char* stage);           // "denoise"
  void set_step(int step) { step_ = step; }      // counted from 1; 0 for none
  void set_block(int block) { block_ = block; }  // counted from 0; -1 for none
  // Writes the stage's rows. All its work has run, or is waited for. Throws kIo on a full disk.
  void end_stage();

  int64_t begin(Stream stream) override;
  void end(int64_t ticket, const ops::OpRecord& op, Stream stream) override;

 private:
  struct Row {
    ops::OpRecord op;
    int step = 0, block = -1;
    bool is_compute = true;
    bool has_ended = false;
    OwnedEvent begin, end;
  };

  OwnedEvent take_event();
  void write(const Row& row, double stage_start_s);

  const std::string path_;
  CopyEngine& engine_;
  const Stream compute_;
  std::ofstream file_;
  std::string stage_;
  std::atomic<int> step_{0}, block_{-1};
  OwnedEvent run_start_, stage_start_;

  std::mutex mutex_;
  std::vector<Row> rows_;
  std::vector<OwnedEvent> spare_events_;
};

// Tells the trace which block is under way.
class TracedBlocks : public memory::BlockSource {
 public:
  TracedBlocks(memory::BlockSource& blocks, OpTrace& trace) : blocks_(blocks), trace_(trace) {}

  int blocks() const override { return blocks_.blocks(); }
  const memory::WeightSource& fixed() override { return blocks_.fixed(); }
  const memory::WeightSource& setup() override { return blocks_.setup(); }
  const memory::WeightSource& acquire(int index, Stream stream) override {
    trace_.set_block(index);
    return blocks_.acquire(index, stream);
  }

 private:
  memory::BlockSource& blocks_;
  OpTrace& trace_;
};

}  // namespace reel::pipeline

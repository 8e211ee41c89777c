// SPDX-License-Identifier: Apache-2.0
#include "pipeline/op_trace.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace reel::pipeline {
namespace {

constexpr const char* kHeader =
    "stage,step,block,stream,op,kernel,dtype,shape,start_us,duration_us,bytes,flops,gb_per_s,"
    "tflop_per_s\n";

// "32760x5120x5120"
std::string shape_text(const Shape& shape) {
  std::string text;
  for (const int64_t extent : shape.extents()) {
    text += str_cat(text.empty() ? "" : "x", extent);
  }
  return text;
}

// Empty for nothing, as a spreadsheet wants it.
std::string number(int64_t value, bool is_there) {
  return is_there ? std::to_string(value) : std::string();
}

std::string rate(int64_t work, double seconds, double unit) {
  if (work == 0 || seconds <= 0) return {};
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", static_cast<double>(work) / seconds / unit);
  return text;
}

[[noreturn]] void fail_to_write(const std::string& path) {
  fail(ErrorCode::kIo,
       str_cat("Cannot write the trace \"", path, "\": ", std::strerror(errno), '.'),
       "Choose another place with --trace.");
}

}  // namespace

OpTrace::OpTrace(const std::string& path, CopyEngine& engine, Stream compute)
    : path_(path),
      engine_(engine),
      compute_(compute),
      file_(path, std::ios::trunc),
      run_start_(engine),
      stage_start_(engine) {
  if (!(file_ << kHeader << std::flush)) fail_to_write(path_);
  engine_.record(run_start_, compute_);
  engine_.record(stage_start_, compute_);
}

void OpTrace::begin_stage(const char* stage) {
  stage_ = stage;
  step_ = 0;
  block_ = -1;
  engine_.record(stage_start_, compute_);
}

int64_t OpTrace::begin(Stream stream) {
  Row row;
  row.is_compute = stream.handle == compute_.handle;
  if (row.is_compute) {  // copies are ahead
    row.step = step_;
    row.block = block_;
  }
  {
    const std::lock_guard lock(mutex_);
    row.begin = take_event();
    row.end = take_event();
  }
  engine_.record(row.begin, stream);
  const std::lock_guard lock(mutex_);
  rows_.push_back(std::move(row));
  return static_cast<int64_t>(rows_.size()) - 1;
}

void OpTrace::end(int64_t ticket, const ops::OpRecord& op, Stream stream) {
  const std::lock_guard lock(mutex_);
  Row& row = rows_[static_cast<size_t>(ticket)];
  engine_.record(row.end, stream);
  row.op = op;
  row.has_ended = true;
}

OwnedEvent OpTrace::take_event() {
  if (spare_events_.empty()) return OwnedEvent(engine_);
  OwnedEvent event = std::move(spare_events_.back());
  spare_events_.pop_back();
  return event;
}

void OpTrace::end_stage() {
  const std::lock_guard lock(mutex_);
  engine_.wait_on_host(stage_start_);
  // A short way from the stage's start keeps the fine steps of the device's clock.
  const double stage_start_s = engine_.seconds_between(run_start_, stage_start_);
  for (Row& row : rows_) {
    if (row.has_ended) write(row, stage_start_s);  // not when its kernel threw
    spare_events_.push_back(std::move(row.begin));
    spare_events_.push_back(std::move(row.end));
  }
  rows_.clear();
  if (!file_.flush()) fail_to_write(path_);
}

void OpTrace::write(const Row& row, double stage_start_s) {
  engine_.wait_on_host(row.end);
  const double start_s = stage_start_s + engine_.seconds_between(stage_start_, row.begin);
  const double seconds = engine_.seconds_between(row.begin, row.end);
  const ops::OpRecord& op = row.op;
  char times[64];
  std::snprintf(times, sizeof times, "%.3f,%.3f", start_s * 1e6, seconds * 1e6);
  file_ << stage_ << ',' << number(row.step, row.step > 0) << ','
        << number(row.block, row.block >= 0) << ',' << (row.is_compute ? "compute" : "copy") << ','
        << op.op << ',' << op.kernel << ',' << dtype_name(op.dtype) << ',' << shape_text(op.shape)
        << ',' << times << ',' << op.bytes << ',' << number(op.flops, op.flops > 0) << ','
        << rate(op.bytes, seconds, 1e9) << ',' << rate(op.flops, seconds, 1e12) << '\n';
}

}  // namespace reel::pipeline

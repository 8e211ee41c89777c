// SPDX-License-Identifier: Apache-2.0
#include "memory/block_streamer.h"

#include <deque>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.h"
#include "memory/block_loader.h"

namespace reel::memory {
namespace {

constexpr int kNone = -1;

// How long the compute stream stood before a block: two events.
struct Wait {
  OwnedEvent begin, end;
};

}  // namespace

class BlockStreamer::Impl {
 public:
  Impl(StreamLayout layout, MemorySpace& device, CopyEngine& engine, const StopFlag& stop,
       const StreamerOptions& options)
      : engine_(engine),
        stop_(stop),
        most_blocks_ahead_(static_cast<size_t>(options.most_blocks_ahead)),
        end_(engine),
        loader_(std::move(layout), device, engine, stop, options) {}

  ~Impl() {
    loader_.close();
    // Ending a stage: whoever gets the memory next must not meet work that still uses it.
    try {
      if (last_stream_) {
        engine_.record(end_, *last_stream_);
        engine_.wait_on_host(end_);
      }
      engine_.record(end_, engine_.copy_stream());
      engine_.wait_on_host(end_);
    } catch (const Error&) {  // the device is lost: nothing runs on it
    }
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  int blocks() const { return static_cast<int>(loader_.blocks()); }

  const WeightSource& fixed() { return on_host(loader_.fixed_unit()); }

  const WeightSource& setup() {
    if (!loader_.has_setup()) loader_.bring_setup_back(last_stream_);
    return on_host(loader_.setup_unit());
  }

  const WeightSource& acquire(int index, Stream stream) {
    REEL_REQUIRE(index >= 0 && index < blocks(), kInvalidArgument,
                 str_cat("there is no block ", index, " of ", blocks(), '.'));
    stop_.check();
    release_setup();
    if (index != current_) release_current();
    last_stream_ = stream;
    Wait wait = take_wait();
    engine_.record(wait.begin, stream);
    bound_host(wait);
    const auto unit = static_cast<size_t>(index);
    const WeightSource& weights =
        loader_.stays(unit) ? wait_for_resident(unit, stream) : wait_for_passing(unit, stream);
    engine_.record(wait.end, stream);
    waits_.push_back(std::move(wait));
    current_ = index;
    return weights;
  }

  void set_last_pass() { loader_.set_last_pass(); }

  StreamerStats stats() {
    try {
      count_waits();
    } catch (const Error&) {  // the device is lost: its last waits are not told
    }
    const LoaderStats loaded = loader_.stats();
    return {.bytes_read = loaded.bytes_read,
            .bytes_copied = loaded.bytes_copied,
            .stall_seconds = stall_seconds_,
            .restarts = loaded.restarts};
  }

 private:
  const WeightSource& on_host(size_t unit) {
    const BlockLoader::Resident arrived = loader_.await_resident(unit);
    wait_until_passed(arrived.ready);
    return arrived.weights;
  }

  const WeightSource& wait_for_resident(size_t unit, Stream stream) {
    const BlockLoader::Resident arrived = loader_.await_resident(unit);
    engine_.wait(stream, arrived.ready);
    return arrived.weights;
  }

  const WeightSource& wait_for_passing(size_t unit, Stream stream) {
    const bool is_current = static_cast<int>(unit) == current_;
    const int index = is_current ? current_slot_ : loader_.await_passing(unit)->slot;
    Slot& slot = loader_.slot(index);
    engine_.wait(stream, slot.ready);
    if (!is_current) {
      passing_ = loader_.open(unit, slot);
      current_slot_ = index;
    }
    return *passing_;
  }

  // The memory of the setup weights is the activations' from the first block on. It goes back once
  // no copy is on its way there.
  void release_setup() {
    if (!loader_.has_setup()) return;
    on_host(loader_.setup_unit());
    loader_.release_setup();
  }

  void release_current() {
    current_ = kNone;
    const int slot = std::exchange(current_slot_, kNone);
    if (slot == kNone) return;
    engine_.record(loader_.slot(slot).free, *last_stream_);
    loader_.release_slot(slot);
  }

  void wait_until_passed(Event event) {
    while (!engine_.has_passed(event)) {
      stop_.check();
      std::this_thread::sleep_for(kBetweenPolls);
    }
  }

  // Bounds how far the host runs ahead: a stop must not leave the device with minutes of work.
  void bound_host(const Wait& now) {
    if (most_blocks_ahead_ == 1) return wait_until_passed(now.begin);
    // The begin of a wait stands behind the block before.
    if (most_blocks_ahead_ >= 2 && waits_.size() >= most_blocks_ahead_ - 1) {
      wait_until_passed(waits_[waits_.size() - (most_blocks_ahead_ - 1)].begin);
    }
  }

  Wait take_wait() {
    count_waits();
    if (spare_waits_.empty()) return {.begin = OwnedEvent(engine_), .end = OwnedEvent(engine_)};
    Wait wait = std::move(spare_waits_.back());
    spare_waits_.pop_back();
    return wait;
  }

  void count_waits() {
    while (!waits_.empty() && engine_.has_passed(waits_.front().end)) {
      stall_seconds_ += engine_.seconds_between(waits_.front().begin, waits_.front().end);
      spare_waits_.push_back(std::move(waits_.front()));
      waits_.pop_front();
    }
  }

  CopyEngine& engine_;
  const StopFlag& stop_;
  const size_t most_blocks_ahead_;
  int current_ = kNone;
  int current_slot_ = kNone;  // none when the current block is resident
  std::unique_ptr<WeightSource> passing_;
  std::optional<Stream> last_stream_;  // none before the first block
  std::deque<Wait> waits_;             // oldest first, not counted yet
  std::vector<Wait> spare_waits_;
  double stall_seconds_ = 0;
  OwnedEvent end_;
  BlockLoader loader_;
};

BlockStreamer::BlockStreamer(const Manifest& manifest, SlotPreparer& preparer, MemorySpace& device,
                             CopyEngine& engine, const StopFlag& stop,
                             const StreamerOptions& options)
    : impl_(std::make_unique<Impl>(make_stream_layout(manifest, preparer, options), device, engine,
                                   stop, options)) {}
BlockStreamer::~BlockStreamer() = default;

int BlockStreamer::blocks() const { return impl_->blocks(); }
const WeightSource& BlockStreamer::setup() { return impl_->setup(); }
const WeightSource& BlockStreamer::fixed() { return impl_->fixed(); }
const WeightSource& BlockStreamer::acquire(int index, Stream stream) {
  return impl_->acquire(index, stream);
}
void BlockStreamer::set_last_pass() { impl_->set_last_pass(); }
StreamerStats BlockStreamer::stats() const { return impl_->stats(); }

}  // namespace reel::memory

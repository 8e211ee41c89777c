// SPDX-License-Identifier: Apache-2.0
#include "core/download_queue.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <vector>

#include "support/expect_error.h"
#include "support/fake_copy_engine.h"

namespace reel {
namespace {

using std::chrono::milliseconds;
using test::FakeCopyEngine;

// Memory of a device: the host may not look into it.
class FakeDeviceMemory : public MemorySpace {
 public:
  explicit FakeDeviceMemory(FakeCopyEngine& engine) : engine_(engine) {}
  std::byte* allocate(size_t size_bytes, const char* tag) override {
    return host_memory().allocate(size_bytes, tag);
  }
  void free(std::byte* data) override { host_memory().free(data); }
  void upload(void*, const void*, size_t, Stream) override {}
  void download(void* to, const void* from, size_t size_bytes, Stream stream) override {
    engine_.finish(stream);
    std::memcpy(to, from, size_bytes);
  }
  void copy(void*, const void*, size_t, Stream) override {}
  void copy_rows(void*, size_t, const void*, size_t, size_t, size_t, Stream) override {}
  void zero(void*, size_t, Stream) override {}
  void wait(Stream stream) override { engine_.finish(stream); }
  bool is_host() const override { return false; }

 private:
  FakeCopyEngine& engine_;
};

// A device that makes pictures late, all in the same place.
class DownloadQueues : public testing::Test {
 protected:
  static constexpr int kPictures = 9;

  void make_engine(const FakeCopyEngine::Faults& faults) {
    engine_ = std::make_unique<FakeCopyEngine>(faults);
    memory_ = std::make_unique<FakeDeviceMemory>(*engine_);
    stream_ = engine_->make_stream();
    picture_ = Tensor(*memory_, DType::kF32, {3, 5}, "picture");
  }

  void make_pictures(DownloadQueue& queue, int count) {
    const TensorView& picture = picture_;
    for (int number = 0; number < count; ++number) {
      FakeCopyEngine::will_write(stream_, picture.data, 60);
      FakeCopyEngine::submit(stream_, [picture, number] {
        std::fill_n(picture.as<float>(), picture.elements(), static_cast<float>(number));
      });
      queue.add(picture);
      made_ = number + 1;
    }
  }

  DownloadQueue::Sink sink() {
    return [this](const TensorView& got) {
      EXPECT_EQ(got.shape, (Shape{3, 5}));
      for (int64_t at = 0; at < got.elements(); ++at) {
        ASSERT_EQ(got.as<float>()[at], static_cast<float>(seen_)) << at;
      }
      // One is under way, no more.
      EXPECT_LE(made_ - seen_, 1);
      ++seen_;
    };
  }

  void expect_no_broken_rules() {
    EXPECT_TRUE(engine_->broken_rules().empty()) << engine_->broken_rules()[0];
  }

  std::unique_ptr<FakeCopyEngine> engine_;
  std::unique_ptr<FakeDeviceMemory> memory_;
  Stream stream_;
  Tensor picture_;
  int made_ = 0, seen_ = 0;
};

TEST_F(DownloadQueues, HandOnEveryTensorInOrderOneBehind) {
  make_engine({.most_delay = milliseconds(3)});
  {
    DownloadQueue queue(*memory_, stream_, engine_.get(), sink());
    make_pictures(queue, kPictures);
    EXPECT_EQ(seen_, kPictures - 1);
    queue.finish();
    queue.finish();
  }
  EXPECT_EQ(seen_, kPictures);
  expect_no_broken_rules();
  EXPECT_EQ(engine_->live(), 0);
}

TEST_F(DownloadQueues, WaitForEachTensorWithoutAnEngine) {
  make_engine({.most_delay = milliseconds(3)});
  DownloadQueue queue(*memory_, stream_, nullptr, sink());
  make_pictures(queue, kPictures);
  EXPECT_EQ(seen_, kPictures);
  queue.finish();
  EXPECT_EQ(seen_, kPictures);
}

TEST(DownloadQueue, PassesHostMemoryOnAsItIs) {
  const Tensor picture(DType::kF32, {2});
  const void* seen = nullptr;
  DownloadQueue queue(host_memory(), {}, nullptr,
                      [&](const TensorView& tensor) { seen = tensor.data; });
  queue.add(picture);
  EXPECT_EQ(seen, picture.view().data);
}

// A stop thrown by the sink while the next download is under way.
TEST_F(DownloadQueues, WaitForWhatIsUnderWayBeforeTheyAreGone) {
  make_engine({.most_delay = milliseconds(3)});
  {
    DownloadQueue queue(*memory_, stream_, engine_.get(),
                        [](const TensorView&) { throw std::runtime_error("stopped"); });
    EXPECT_THROW(make_pictures(queue, 2), std::runtime_error);
  }
  engine_->finish(stream_);
  expect_no_broken_rules();
  EXPECT_EQ(engine_->live(), 0);
}

TEST_F(DownloadQueues, ReportALostDevice) {
  make_engine({.lost_at_copy = 2});
  {
    DownloadQueue queue(*memory_, stream_, engine_.get(), sink());
    const auto run = [&] {
      make_pictures(queue, kPictures);
      queue.finish();
    };
    EXPECT_REEL_ERROR(run(), kDeviceFailure, "");
  }
  EXPECT_LE(seen_, 2);
}

}  // namespace
}  // namespace reel

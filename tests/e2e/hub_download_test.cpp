// SPDX-License-Identifier: Apache-2.0
// Downloads from a hub that does as it should, or stalls: parts, resuming, tokens, selection. The
// faults of a hub: hub_download_faults_test.cpp. The program itself: pull_test.cpp.
#include "hub/download.h"

#include <gtest/gtest.h>

#include <chrono>

#include "e2e/hub_download_fixture.h"
#include "hub/curl_library.h"
#include "hub/file_download.h"
#include "hub/selection.h"
#include "support/expect_error.h"

namespace reel::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using std::chrono::milliseconds;
using namespace hub;  // NOLINT: a test of this room

TEST_F(HubDownload, FetchesEveryByteOnceInParallelRanges) {
  start();
  EXPECT_EQ(fetch(), kLargeBytes + 9);
  expect_all_there();
  size_t ranges = 0;
  for (const auto& request : server_->requests()) ranges += request.range.empty() ? 0 : 1;
  EXPECT_GE(ranges, 4u);
  EXPECT_EQ(fetch(), 0u);  // all is here
}

TEST_F(HubDownload, GoesOnWhereItWasStopped) {
  start(one(fault("cdn", "slow", 1'000'000, {{"bytes_per_second", 400'000}})));
  watch_ = [this](const DownloadProgress& now) {
    if (now.fetched_bytes > 800'000) stop_.request();
  };
  EXPECT_REEL_ERROR(fetch(), kCancelled, "Stopped as asked");
  uint64_t kept = 0;
  for (const auto& entry : fs::directory_iterator(blobs())) {
    if (entry.path().extension() != ".parts") continue;
    const auto map = PartMap::read(read_all(entry.path()), kLargeBytes);
    ASSERT_TRUE(map.has_value());
    kept = map->done_bytes();
  }
  EXPECT_GT(kept, 700'000u);

  watch_ = {};
  server_.reset();
  start();
  StopFlag going_on;
  HubApi api(http_, settings_, quick(), going_on);
  const Listing listing = api.list(kRepository, "main");
  const HubCache cache(settings_.cache);
  std::vector<WantedFile> wanted;
  for (const RemoteFile& file : listing.files) {
    if (file.path == "large.bin") {
      wanted.push_back({file.path, api.file_url(listing, file.path), file.size_bytes, file.id,
                        cache.place(kRepository, file)});
    }
  }
  const DownloadOptions options{.connections = 4, .retry = quick(), .token = {}};
  EXPECT_EQ(download(http_, wanted, options, going_on, {}), kLargeBytes - kept);
  EXPECT_EQ(read_all(wanted[0].place.destination), large_);
}

TEST_F(HubDownload, StopsWithinHalfASecondOnASilentConnection) {
  start(one(fault("cdn", "silence", 99)));
  const auto begin = std::chrono::steady_clock::now();
  watch_ = [&](const DownloadProgress&) {
    if (std::chrono::steady_clock::now() - begin > milliseconds(300)) stop_.request();
  };
  EXPECT_REEL_ERROR(fetch(), kCancelled, "Stopped");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, milliseconds(800));
}

TEST_F(HubDownload, TakesOverWhatAnotherToolLeft) {
  start();
  const Listing listing = list();
  const auto large = std::ranges::find(listing.files, "large.bin", &RemoteFile::path);
  write_file(HubCache(settings_.cache).place(kRepository, *large).prefix,
             large_.substr(0, 2'000'000));
  EXPECT_EQ(fetch(), kLargeBytes - 2'000'000 + 9);
  expect_all_there();
}

TEST_F(HubDownload, FetchesAgainWhatAnotherToolLeftWrong) {
  start();
  const Listing listing = list();
  const auto large = std::ranges::find(listing.files, "large.bin", &RemoteFile::path);
  write_file(HubCache(settings_.cache).place(kRepository, *large).prefix,
             std::string(2'000'000, 'x'));
  fetch();
  expect_all_there();
}

TEST_F(HubDownload, GivesTheTokenToTheHubAlone) {
  token_ = "hf_secret";
  start();
  fetch();
  size_t with_token = 0, of_cdn = 0;
  for (const auto& request : server_->requests()) {
    if (request.server == "hub") {
      EXPECT_EQ(request.token, "Bearer hf_secret") << request.path;
      ++with_token;
    } else {
      EXPECT_EQ(request.token, "") << request.path;
      ++of_cdn;
    }
  }
  EXPECT_GT(with_token, 3u);
  EXPECT_GE(of_cdn, 4u);
}

TEST_F(HubDownload, GivesNoTokenToAnotherHostOfTheApi) {
  token_ = "hf_secret";
  start();
  HubServer other(folder_ / "root");
  const json faults = one(fault("/revision/", "redirect", 1, {{"to", other.url("hub") + "SELF"}}));
  server_ = std::make_unique<HubServer>(folder_ / "root", faults);
  settings_.endpoint = server_->endpoint();
  list();
  ASSERT_FALSE(other.requests().empty());
  for (const auto& request : other.requests()) EXPECT_EQ(request.token, "");
}

TEST_F(HubDownload, SaysWhoCannotBeReached) {
  start();
  server_.reset();
  EXPECT_REEL_ERROR(list(), kNetwork, "Cannot get \"maker/model\" (127.0.0.1: ");
}

TEST_F(HubDownload, NamesAnUnknownRevision) {
  start();
  HubApi api(http_, settings_, quick(), stop_);
  EXPECT_EQ(api.list(kRepository, "v1").commit, HubServer::kCommit);
  EXPECT_REEL_ERROR(api.list(kRepository, "v2"), kNotFound, "\"maker/model\" at revision \"v2\"");
  EXPECT_REEL_ERROR(api.list(kRepository, "../v1"), kInvalidArgument, "a tag or a commit");
}

TEST_F(HubDownload, RefusesAFileThatAnotherProgramDownloads) {
  start();
  const Listing listing = list();
  const auto large = std::ranges::find(listing.files, "large.bin", &RemoteFile::path);
  const PartialFile theirs(HubCache(settings_.cache).place(kRepository, *large), kLargeBytes, 4);
  EXPECT_REEL_ERROR(fetch(), kBusy, "Another program is downloading \"large.bin\"");
}

// The parts of wan2.1-t2v-14b-comfy-fp8 from three repositories, each where it is looked for.
TEST_F(HubDownload, SelectsThePartsOfACatalogueModel) {
  const fs::path root = folder_ / "root";
  for (const char* file :
       {"lightx2v/Wan2.1-Distill-Models/"
        "wan2.1_t2v_14b_scaled_fp8_e4m3_lightx2v_4step_comfyui.safetensors",
        "lightx2v/Wan2.1-Distill-Models/wan2.1_i2v_720p_lightx2v_4step.safetensors",
        "Comfy-Org/Wan_2.1_ComfyUI_repackaged/split_files/vae/wan_2.1_vae.safetensors",
        "Comfy-Org/Wan_2.1_ComfyUI_repackaged/split_files/text_encoders/"
        "umt5_xxl_fp8_e4m3fn_scaled.safetensors",
        "Wan-AI/Wan2.1-T2V-14B/google/umt5-xxl/spiece.model"}) {
    write_file(root / file, "x");
  }
  start();
  HubApi api(http_, settings_, quick(), stop_);
  std::vector<std::string> paths;
  const Selection selection = select_files({.model = "wan2.1-t2v-14b-comfy-fp8"}, api);
  for (const SelectedFile& file : selection.files) paths.push_back(file.local_path);
  EXPECT_EQ(
      paths,
      (std::vector<std::string>{
          "diffusion_models/wan2.1_t2v_14b_scaled_fp8_e4m3_lightx2v_4step_comfyui.safetensors",
          "google/umt5-xxl/spiece.model", "text_encoders/umt5_xxl_fp8_e4m3fn_scaled.safetensors",
          "vae/wan_2.1_vae.safetensors"}));
  EXPECT_REEL_ERROR(select_files({.model = "maker/model", .include = {"*.gguf"}}, api), kNotFound,
                    "None of the 3 files of \"maker/model\" is wanted");
}

TEST(HttpClient, ReadsOriginsAsItConnects) {
  EXPECT_EQ(origin_of("https://Hub.example/a?b"), "https://hub.example:443");
  EXPECT_EQ(origin_of("http://user:word@hub.example:81/a"), "http://hub.example:81");
  EXPECT_EQ(host_of("https://a@b.example/@c.example"), "b.example");
  EXPECT_EQ(origin_of("ftp://hub.example/a"), "");
  EXPECT_EQ(origin_of("file:///etc/passwd"), "");
  EXPECT_EQ(origin_of("no address"), "");
}

TEST(CurlLibrary, IsOpenedOnce) {
  EXPECT_EQ(&curl_library(), &curl_library());
  CURL* easy = curl_library().easy_init();
  ASSERT_NE(easy, nullptr);
  curl_library().easy_cleanup(easy);
}

TEST(FileDownload, AsksForPartsOnceAndForNoneThatIsThere) {
  const TempFolder folder;
  const PartialPlace place{"a file", folder / "f.incomplete", folder / "f.lock", folder / "f", {}};
  const WantedFile wanted{"a file",
                          "http://hub.invalid/f",
                          kLargeBytes,
                          {HashKind::kSha256, std::string(64, '0')},
                          place};
  FileDownload download(wanted, 4, {}, "");
  const auto now = FileDownload::Clock::now();
  for (size_t part = 0; part < 4; ++part) {
    ASSERT_EQ(download.next_part(now), part);
    const HttpRequest request = download.request(part);
    EXPECT_EQ(request.range->begin, part << 20);
    EXPECT_EQ(request.range->end, std::min<uint64_t>((part + 1) << 20, kLargeBytes));
  }
  EXPECT_EQ(download.next_part(now), std::nullopt);
  EXPECT_TRUE(download.has_running());
}

}  // namespace
}  // namespace reel::test

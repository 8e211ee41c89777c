// SPDX-License-Identifier: Apache-2.0
// Downloads against a hub that truncates, stalls, redirects, lies and refuses, with short delays
// between attempts. The program itself: pull_test.cpp.
#include "hub/download.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "e2e/child.h"
#include "e2e/hub_server.h"
#include "hub/curl_library.h"
#include "hub/file_download.h"
#include "hub/http_client.h"
#include "hub/hub_api.h"
#include "hub/hub_cache.h"
#include "hub/selection.h"
#include "support/expect_error.h"

namespace reel::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using std::chrono::milliseconds;
using namespace hub;  // NOLINT: a test of this room

constexpr const char* kRepository = "maker/model";
constexpr size_t kLargeBytes = 3'300'001;  // four parts

// A repository with a large file, a small one and an empty one.
class HubDownload : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"http_proxy", "all_proxy", "ALL_PROXY"}) ::unsetenv(name);
    write_file(folder_ / "root/maker/model/large.bin", large_);
    write_file(folder_ / "root/maker/model/sub folder/small #1.json", "{\"a\": 1}\n");
    write_file(folder_ / "root/maker/model/empty.txt", "");
  }

  void start(const json& faults = json::array()) {
    server_ = std::make_unique<HubServer>(folder_ / "root", faults);
    settings_ = {.endpoint = server_->endpoint(),
                 .token = token_,
                 .cache = folder_ / "cache",
                 .certificates = {}};
  }

  RetryOptions quick() const {
    return {.attempts = 4,
            .first_delay = milliseconds(5),
            .longest_delay = milliseconds(20),
            .longest_wait = std::chrono::seconds(2)};
  }

  Listing list() {
    HubApi api(http_, settings_, quick(), stop_);
    return api.list(kRepository, "main");
  }

  // Every file of the repository to the cache. Returns the bytes that were fetched.
  uint64_t fetch(int connections = 4) {
    HubApi api(http_, settings_, quick(), stop_);
    const Listing listing = api.list(kRepository, "main");
    const HubCache cache(settings_.cache);
    std::vector<WantedFile> wanted;
    for (const RemoteFile& file : listing.files) {
      if (cache.find(kRepository, file)) continue;
      wanted.push_back({.name = file.path,
                        .url = api.file_url(listing, file.path),
                        .size_bytes = file.size_bytes,
                        .id = file.id,
                        .place = cache.place(kRepository, file)});
    }
    const DownloadOptions options{
        .connections = connections, .retry = quick(), .token = settings_.token};
    return download(http_, wanted, options, stop_, watch_);
  }

  fs::path blobs() const { return folder_ / "cache/models--maker--model/blobs"; }

  void expect_all_there() {
    std::vector<std::string> contents;
    for (const auto& entry : fs::directory_iterator(blobs())) contents.push_back(read_all(entry));
    EXPECT_EQ(contents.size(), 3u);
    EXPECT_TRUE(std::ranges::find(contents, large_) != contents.end());
  }

  TempFolder folder_;
  const std::string large_ = random_bytes(kLargeBytes, 1);
  std::string token_;
  std::unique_ptr<HubServer> server_;
  HubSettings settings_;
  StopFlag stop_;
  DownloadWatcher watch_;
  HttpClient http_{{.stall_seconds = 1, .connect_seconds = 2, .certificates = {}}};
};

TEST_F(HubDownload, FetchesEveryByteOnceInParallelRanges) {
  start();
  EXPECT_EQ(fetch(), kLargeBytes + 9);
  expect_all_there();
  size_t ranges = 0;
  for (const auto& request : server_->requests()) ranges += request.range.empty() ? 0 : 1;
  EXPECT_GE(ranges, 4u);
  EXPECT_EQ(fetch(), 0u);  // all is here
}

struct FaultCase {
  const char* name;
  json faults;
  uint64_t most_extra_bytes;  // fetched beyond the files
};
void PrintTo(const FaultCase& one, std::ostream* out) { *out << one.name; }

class PassingFault : public HubDownload, public testing::WithParamInterface<FaultCase> {};

TEST_P(PassingFault, IsOvercome) {
  start(GetParam().faults);
  const uint64_t fetched = fetch();
  expect_all_there();
  EXPECT_GE(fetched, kLargeBytes + 9);
  EXPECT_LE(fetched, kLargeBytes + 9 + GetParam().most_extra_bytes);
}

json fault(const char* match, const char* kind, int times, json more = json::object()) {
  more["match"] = match;
  more["kind"] = kind;
  more["times"] = times;
  return more;
}

json one(json fault) { return json::array({std::move(fault)}); }

const FaultCase kPassing[] = {
    {"cut_short", one(fault("cdn", "truncate", 3, {{"after", 100'000}})), 0},
    {"cut_short_small", one(fault("small", "truncate", 2, {{"after", 3}})), 0},
    {"stalls", one(fault("cdn", "stall", 1, {{"after", 1000}})), 0},
    {"silent", one(fault("cdn", "silence", 1)), 0},
    {"busy_503", one(fault("cdn", "status", 3, {{"status", 503}})), 0},
    {"error_500_of_the_api", one(fault("/tree/", "status", 2, {{"status", 500}})), 0},
    {"too_many_429",
     one(fault("resolve", "status", 2, {{"status", 429}, {"headers", {{"Retry-After", "1"}}}})), 0},
    {"expired_address_403", one(fault("cdn", "status", 2, {{"status", 403}})), 0},
    {"corrupt_once", one(fault("cdn", "corrupt", 1)), kLargeBytes},
    {"more_bytes_promised", one(fault("cdn", "length", 1, {{"more", 500}})), 0},
    {"other_range", one(fault("cdn", "other_range", 2)), 0},
    {"ignores_ranges", one(fault("cdn", "ignore_range", 1000)), kLargeBytes},
    {"pages", one(fault("/tree/", "pages", 1000)), 0},
    {"redirects_once_more", one(fault("/revision/", "redirect", 1, {{"to", "SELF?again=1"}})), 0},
    {"changes_its_entity_tag",
     json::array({fault("large", "direct", 2, {{"etag", "old"}}),
                  fault("large", "direct", 1000, {{"etag", "new"}})}),
     kLargeBytes},
};

INSTANTIATE_TEST_SUITE_P(Each, PassingFault, testing::ValuesIn(kPassing),
                         [](const auto& each) { return std::string(each.param.name); });

struct LastingCase {
  const char* name;
  json faults;
  ErrorCode code;
  const char* words;
};
void PrintTo(const LastingCase& one, std::ostream* out) { *out << one.name; }

class LastingFault : public HubDownload, public testing::WithParamInterface<LastingCase> {};

TEST_P(LastingFault, IsToldAndNothingHalfDoneIsInPlace) {
  start(GetParam().faults);
  try {
    fetch();
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error_code_name(error.code()), error_code_name(GetParam().code)) << error.what();
    const std::string both = std::string(error.what()) + ' ' + error.hint();
    EXPECT_NE(both.find(GetParam().words), std::string::npos) << both;
  }
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(blobs(), none)) {
    const std::string name = entry.path().filename();
    const bool is_whole = read_all(entry.path()) == large_ || entry.file_size() < 10;
    EXPECT_TRUE(name.find(".reel.incomplete") != std::string::npos || is_whole) << name;
  }
}

const json kForever = 1'000'000;

const LastingCase kLasting[] = {
    {"no_repository", one(fault("/revision/", "status", 9, {{"status", 404}})),
     ErrorCode::kNotFound, "127.0.0.1 has not \"maker/model\", or it is private."},
    {"unauthorised",
     one(fault(
         "/revision/", "status", 9,
         {{"status", 401}, {"headers", {{"X-Error-Message", "Access to it\x07 is restricted."}}}})),
     ErrorCode::kNetwork,
     "does not give \"maker/model\" (HTTP 401): Access to it  is restricted. If it is not public, "
     "set "
     "HF_TOKEN"},
    {"gated_403", one(fault("resolve", "status", 9, {{"status", 403}})), ErrorCode::kNetwork,
     "(HTTP 403)"},
    {"file_is_gone", one(fault("small", "status", 9, {{"status", 404}})), ErrorCode::kNotFound,
     "the file \"sub folder/small #1.json\""},
    {"always_500", one(fault("cdn", "status", 99, {{"status", 500}})), ErrorCode::kNetwork,
     "HTTP 500"},
    {"always_429", one(fault("resolve", "status", 99, {{"status", 429}})), ErrorCode::kNetwork,
     "too many requests"},
    {"retry_after_an_hour",
     one(fault("resolve", "status", 99, {{"status", 429}, {"headers", {{"Retry-After", "3600"}}}})),
     ErrorCode::kNetwork, "asks to wait 3600 s"},
    {"always_corrupt", one(fault("cdn", "corrupt", 999)), ErrorCode::kNetwork,
     "What arrives for \"large.bin\" is not what the hub has: its sha256 is "},
    {"small_corrupt", one(fault("small", "corrupt", 999)), ErrorCode::kNetwork, "its git sha1 is "},
    {"list_says_larger", one(fault("/tree/", "size", 9, {{"more", 10}})), ErrorCode::kNetwork,
     "bytes there, the list says"},
    {"list_says_impossible", one(fault("/tree/", "size", 9, {{"more", 1LL << 60}})),
     ErrorCode::kBadFile, "no possible size"},
    {"other_content", one(fault("resolve", "", 99, {{"linked", std::string(64, 'a')}})),
     ErrorCode::kNetwork, "its content is not what the list of files says"},
    {"endless_redirects", one(fault("/revision/", "redirect", 99, {{"to", "SELF"}})),
     ErrorCode::kNetwork, "redirects without end"},
    {"redirect_to_a_file", one(fault("/revision/", "redirect", 9, {{"to", "file:///etc/passwd"}})),
     ErrorCode::kNetwork, "redirects to no address"},
    {"no_json", one(fault("/tree/", "text", 9, {{"text", "<html>Log in</html>"}})),
     ErrorCode::kBadFile, "something that is no JSON"},
    {"path_leads_out",
     one(fault("/tree/", "text", 9,
               {{"text", R"([{"type":"file","path":"../../.ssh/authorized_keys","size":1,)"
                         R"("oid":"0123456789012345678901234567890123456789"}])"}})),
     ErrorCode::kBadFile, "leads out of a folder"},
    {"pages_elsewhere",
     one(fault(
         "/tree/", "text", 9,
         {{"text", "[]"}, {"headers", {{"Link", "<http://other.invalid/x>; rel=\"next\""}}}})),
     ErrorCode::kBadFile, "another host"},
    {"pages_without_end",
     one(fault("/tree/", "text", 999,
               {{"text", "[]"}, {"headers", {{"Link", "</same>; rel=\"next\""}}}})),
     ErrorCode::kBadFile, "another host"},
    {"changes_all_the_time",
     json::array({fault("large", "direct", 2, {{"etag", "a"}}),
                  fault("large", "direct", 1, {{"etag", "b"}}),
                  fault("large", "direct", 2, {{"etag", "c"}}),
                  fault("large", "direct", 1, {{"etag", "d"}}),
                  fault("large", "direct", 2, {{"etag", "e"}}),
                  fault("large", "direct", 1, {{"etag", "f"}}),
                  fault("large", "direct", 2, {{"etag", "g"}}),
                  fault("large", "direct", 1, {{"etag", "h"}}),
                  fault("large", "direct", 2, {{"etag", "i"}}),
                  fault("large", "direct", 999, {{"etag", "j"}})}),
     ErrorCode::kNetwork, "changes on the server"},
};

INSTANTIATE_TEST_SUITE_P(Each, LastingFault, testing::ValuesIn(kLasting),
                         [](const auto& each) { return std::string(each.param.name); });

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

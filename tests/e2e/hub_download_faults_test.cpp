// SPDX-License-Identifier: Apache-2.0
// Downloads from a hub that truncates, stalls, redirects, lies and refuses, with short delays
// between attempts.
#include <gtest/gtest.h>

#include <filesystem>
#include <ostream>

#include "e2e/hub_download_fixture.h"

namespace reel::test {
namespace {

using nlohmann::json;

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
  for (const auto& entry : std::filesystem::directory_iterator(blobs(), none)) {
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

}  // namespace
}  // namespace reel::test

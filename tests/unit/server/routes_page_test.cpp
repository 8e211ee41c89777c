// SPDX-License-Identifier: Apache-2.0
#include "server/routes_page.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>

#include "server/http/api.h"
#include "server/page/page_files.h"

namespace reel::server {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

const fs::path kFolder = fs::path(REEL_TEST_DATA) / "../../src/server/page";

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

HttpResponse get(const std::string& path, const std::string& known_tag = {}) {
  Router router;
  router.add(page_routes());
  Api api(Gate({}, {}), std::move(router));
  HttpRequest request;
  request.method = "GET";
  request.path = path;
  request.headers = {{"host", "localhost"}};
  if (!known_tag.empty()) request.headers.emplace_back("if-none-match", known_tag);
  return api.answer(request, [] { return 1; });
}

// All values, so that a header sent twice is seen.
std::string header(const HttpResponse& response, const std::string& name) {
  std::string values;
  for (const auto& [key, value] : response.headers) {
    if (key == name) values += (values.empty() ? "" : " + ") + value;
  }
  return values;
}

bool is_source(const fs::path& path) {
  return path.extension() == ".h" || path.extension() == ".cpp" || path.extension() == ".txt";
}

TEST(Page, HasEveryFileOfItsFolderByteForByte) {
  std::set<std::string> served;
  for (const PageFile& file : page_files()) served.insert(file.path);
  size_t files = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(kFolder)) {
    if (is_source(entry.path())) continue;
    ++files;
    const std::string name = entry.path().filename();
    const std::string path = name == "index.html" ? "/" : "/page/" + name;
    EXPECT_TRUE(served.contains(path)) << path;
    const HttpResponse response = get(path);
    EXPECT_EQ(response.status, 200) << path;
    EXPECT_EQ(response.body, read(entry.path())) << path;
  }
  EXPECT_EQ(files, served.size());
  EXPECT_GT(files, 5u);
}

TEST(Page, SaysWhatEachFileIs) {
  EXPECT_EQ(get("/").content_type, "text/html; charset=utf-8");
  EXPECT_EQ(get("/page/app.js").content_type, "text/javascript; charset=utf-8");
  EXPECT_EQ(get("/page/style.css").content_type, "text/css; charset=utf-8");
  EXPECT_EQ(get("/page/icon.svg").content_type, "image/svg+xml");
  EXPECT_EQ(get("/page/page_files.h").status, 404);
}

TEST(Page, LetsNothingInFromOutside) {
  const HttpResponse response = get("/");
  const std::string policy = header(response, "Content-Security-Policy");
  EXPECT_THAT(policy, HasSubstr("default-src 'none'"));
  EXPECT_THAT(policy, HasSubstr("script-src 'self';"));
  EXPECT_THAT(policy, HasSubstr("frame-ancestors 'none'"));
  EXPECT_THAT(policy, Not(HasSubstr("unsafe")));
  EXPECT_EQ(header(response, "X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(header(response, "Referrer-Policy"), "no-referrer");
}

TEST(Page, NamesNoOtherSiteAndNothingInline) {
  const std::regex other_site(R"((https?:)?//[a-z0-9]+\.)", std::regex::icase);
  const std::regex is_inline(
      R"(<script>|<style|\sstyle=|\son[a-z]+=|javascript:|innerHTML|eval\()");
  for (const PageFile& file : page_files()) {
    std::string text(file.bytes);
    const std::string name_space = "http://www.w3.org/2000/svg";  // a name, never fetched
    if (const size_t at = text.find(name_space); at != std::string::npos) {
      text.erase(at, name_space.size());
    }
    EXPECT_FALSE(std::regex_search(text, other_site)) << file.path;
    if (std::string(file.path) == "/" || text.starts_with("// SPDX")) {
      EXPECT_FALSE(std::regex_search(text, is_inline)) << file.path;
    }
  }
}

TEST(Page, RefersOnlyToFilesThatAreThere) {
  const std::regex reference(R"([("']/page/([\w.]+)["')])");
  size_t references = 0;
  for (const PageFile& file : page_files()) {
    const std::string text(file.bytes);
    for (std::sregex_iterator at(text.begin(), text.end(), reference), end; at != end; ++at) {
      ++references;
      EXPECT_EQ(get("/page/" + (*at)[1].str()).status, 200) << file.path << ": " << (*at)[1];
    }
  }
  EXPECT_GT(references, 10u);
}

TEST(Page, IsNotSentAgainWhileItIsTheSame) {
  const std::string tag = header(get("/page/app.js"), "ETag");
  EXPECT_EQ(tag.front(), '"');
  EXPECT_NE(tag, header(get("/"), "ETag"));
  EXPECT_EQ(header(get("/"), "Cache-Control"), "no-cache");
  for (const std::string& known : {tag, "W/" + tag, "\"old\", " + tag, std::string("*")}) {
    const HttpResponse again = get("/page/app.js", known);
    EXPECT_EQ(again.status, 304) << known;
    EXPECT_EQ(again.body, "") << known;
    EXPECT_EQ(header(again, "ETag"), tag) << known;
  }
  EXPECT_EQ(get("/page/app.js", "\"old\"").status, 200);
}

}  // namespace
}  // namespace reel::server

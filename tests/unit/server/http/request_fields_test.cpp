// SPDX-License-Identifier: Apache-2.0
#include "server/http/request_fields.h"

#include <gtest/gtest.h>

#include "server/http/api_error.h"
#include "server/http/form_data.h"

namespace reel::server {
namespace {

HttpRequest json_request(const std::string& body) {
  HttpRequest request;
  request.headers = {{"content-type", "application/json; charset=utf-8"}};
  request.body = body;
  return request;
}

HttpRequest form_request(const std::vector<FormPart>& parts) {
  HttpRequest request;
  request.headers = {{"content-type", "multipart/form-data; boundary=x"}};
  for (const FormPart& part : parts) {
    request.body += "--x\r\nContent-Disposition: form-data; name=\"" + part.name + '"' +
                    (part.is_file ? "; filename=\"f\"" : "") + "\r\n\r\n" + part.value + "\r\n";
  }
  request.body += "--x--\r\n";
  return request;
}

template <typename Call>
void expect_refused(Call call, int status, const std::string& param, const std::string& words) {
  try {
    call();
    ADD_FAILURE() << "not refused: " << words;
  } catch (const ApiError& error) {
    EXPECT_EQ(error.status, status);
    EXPECT_EQ(error.param, param);
    EXPECT_NE(error.message.find(words), std::string::npos) << error.message;
  }
}

TEST(RequestFields, AreTheSameFromJsonAndForms) {
  const HttpRequest requests[] = {
      json_request(R"({"text": ")"
                   "\u00e4"
                   R"(", "n": 7, "x": 2.5, "seed": 18446744073709551615, "no": null})"),
      form_request(
          {{"text", "\u00e4"}, {"n", "7"}, {"x", "2.5"}, {"seed", "18446744073709551615"}})};
  for (const HttpRequest& request : requests) {
    RequestFields fields(request);
    EXPECT_EQ(fields.take_text("text"), "\u00e4");
    EXPECT_EQ(fields.take_integer("n"), 7);
    EXPECT_EQ(fields.take_number("x"), 2.5);
    EXPECT_EQ(fields.take_seed("seed"), ~uint64_t{0});
    EXPECT_EQ(fields.take_text("no"), std::nullopt);
    EXPECT_EQ(fields.take_text("text"), std::nullopt) << "taken before";
    fields.finish();
  }
}

// nlohmann::json copies with a call per level, and a connection's thread has a small stack.
TEST(RequestFields, RefusesABodyThatNestsTooDeep) {
  const auto nested = [](size_t depth) {
    return json_request("{\"a\":" + std::string(depth, '[') + std::string(depth, ']') + '}');
  };
  expect_refused([&] { RequestFields(nested(10)).take_text("a"); }, 400, "a", "must be a string");
  for (const size_t depth : {100, 10'000, 100'000}) {
    expect_refused([&] { RequestFields{nested(depth)}; }, 400, "", "more than 64 deep");
  }
}

TEST(RequestFields, NamesTheFieldThatIsWrong) {
  expect_refused([] { RequestFields(json_request(R"({"a": 5})")).take_text("a"); }, 400, "a",
                 "must be a string");
  expect_refused([] { RequestFields(json_request(R"({"a": "5x"})")).take_integer("a"); }, 400, "a",
                 "must be a number");
  expect_refused([] { RequestFields(json_request(R"({"a": 5.5})")).take_integer("a"); }, 400, "a",
                 "whole number");
  expect_refused([] { RequestFields(json_request(R"({"a": 1e300})")).take_integer("a"); }, 400, "a",
                 "whole number");
  expect_refused([] { RequestFields(json_request(R"({"a": true})")).take_number("a"); }, 400, "a",
                 "must be a number");
  expect_refused([] { RequestFields(json_request(R"({"a": -1})")).take_seed("a"); }, 400, "a",
                 "whole number from 0");
  expect_refused([] { RequestFields(json_request(R"({"a": "x\u0000y"})")).take_text("a"); }, 400,
                 "a", "zero byte");
  expect_refused(
      [] {
        RequestFields(form_request({{"a", "\xff"}})).take_text("a");
      },
      400, "a", "not UTF-8");
  expect_refused([] { RequestFields(form_request({{"a", "1"}, {"a", "2"}})); }, 400, "a", "twice");
  expect_refused(
      [] {
        RequestFields(form_request({{"a", "PNG", true}})).take_text("a");
      },
      400, "a", "must be a string");
  expect_refused([] { RequestFields(json_request(R"({"b": 1})")).finish(); }, 400, "b",
                 "no field \"b\"");
}

TEST(RequestFields, RefusesBodiesThatAreNoObject) {
  for (const std::string body : {"", "{", "[1]", "\"a\"", "{\"a\": \"\xff\"}"}) {
    expect_refused([&] { RequestFields fields(json_request(body)); }, 400, "", "The body is not");
  }
  EXPECT_NO_THROW(RequestFields(json_request("{}")).finish());
  expect_refused([] { RequestFields(json_request(std::string(100'000, '['))); }, 400, "", "JSON");
  HttpRequest cut = form_request({{"a", "1"}});
  cut.body.resize(cut.body.size() / 2);
  expect_refused([&] { RequestFields fields(cut); }, 400, "", "multipart");
  HttpRequest bare;
  bare.body = "{}";
  expect_refused([&] { RequestFields fields(bare); }, 415, "", "application/json");
}

}  // namespace
}  // namespace reel::server

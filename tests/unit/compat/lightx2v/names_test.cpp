// SPDX-License-Identifier: Apache-2.0
#include "compat/lightx2v/names.h"

#include <fstream>
#include <iterator>

#include "unit/compat/lightx2v/error_of.h"

namespace reel::compat::lightx2v {
namespace {

using test::contains;
using test::error_of;

TEST(Names, EveryDenseAttentionIsTaken) {
  for (const auto name : dense_attention_names()) {
    EXPECT_NO_THROW(require_dense_attention(name, "x")) << name;
  }
}

TEST(Names, EverySparseOrDistributedAttentionIsRefused) {
  for (const auto names : {sparse_attention_names(), distributed_attention_names()}) {
    for (const auto name : names) {
      const Error error =
          error_of([&] { require_dense_attention(name, "self_attn_1_type is it"); });
      EXPECT_EQ(error.code(), ErrorCode::kUnsupported) << name;
      EXPECT_TRUE(contains(error.what(), "self_attn_1_type is it, which")) << error.what();
    }
  }
}

TEST(Names, AnUnknownAttentionIsAnsweredWithTheKnownOnes) {
  const Error error = error_of([] { require_dense_attention("flash_attn9", "x"); });

  EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
  EXPECT_TRUE(contains(error.hint(), "flash_attn3, flash_attn4, torch_sdpa")) << error.hint();
}

TEST(Names, EverySchemeHasItsFamily) {
  EXPECT_EQ(scheme_family("Default", "x"), SchemeFamily::kUnquantised);
  for (const auto name : fp8_scheme_names()) {
    EXPECT_EQ(scheme_family(name, "x"), SchemeFamily::kFp8) << name;
  }
  for (const auto name : int8_scheme_names()) {
    EXPECT_EQ(scheme_family(name, "x"), SchemeFamily::kInt8) << name;
  }
  for (const auto name : gguf_scheme_names()) {
    EXPECT_EQ(scheme_family(name, "x"), SchemeFamily::kGguf) << name;
  }
  EXPECT_EQ(scheme_family("W-fp8-channel-sym-A-fp8-channel-sym-dynamic-Vllm", "x"),
            SchemeFamily::kFp8);
  EXPECT_EQ(scheme_family("W-int8-channel-sym-A-int8-channel-sym-dynamic-Vllm", "x"),
            SchemeFamily::kInt8);
}

TEST(Names, OtherSchemesAreRefused) {
  for (const auto name : refused_scheme_names()) {
    EXPECT_EQ(error_of([&] { scheme_family(name, "x"); }).code(), ErrorCode::kUnsupported) << name;
  }
  for (const char* name : {"", "fp8-", "FP8-SGL", "int9", "default"}) {
    EXPECT_EQ(error_of([&] { scheme_family(name, "x"); }).code(), ErrorCode::kInvalidArgument)
        << name;
  }
}

TEST(Names, ThePageListsThemAll) {
  std::ifstream file(REEL_LIGHTX2V_PAGE);
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  for (const auto names :
       {dense_attention_names(), sparse_attention_names(), distributed_attention_names(),
        fp8_scheme_names(), int8_scheme_names(), gguf_scheme_names(), refused_scheme_names()}) {
    for (const auto name : names) {
      EXPECT_TRUE(contains(page, '`' + std::string(name) + '`')) << name;
    }
  }
}

}  // namespace
}  // namespace reel::compat::lightx2v

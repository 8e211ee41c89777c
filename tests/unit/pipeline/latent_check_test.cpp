// SPDX-License-Identifier: Apache-2.0
#include "pipeline/latent_check.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "support/expect_error.h"
#include "support/random_tensor.h"

namespace reel::pipeline {
namespace {

Tensor latents() { return test::random_tensor({16, 2, 3, 5}, DType::kF32, 1); }

TEST(LatentCheck, TakesOrdinaryLatents) {
  EXPECT_TRUE(latents_are_usable(latents()));
  EXPECT_NO_THROW(require_usable(latents(), 0, "bf16 products"));
}

TEST(LatentCheck, OneNumberThatIsNotFiniteIsEnough) {
  for (const float bad : {NAN, INFINITY, -INFINITY}) {
    Tensor some = latents();
    some.values<float>()[479] = bad;
    EXPECT_FALSE(all_finite(some.values<float>()));
    EXPECT_FALSE(latents_are_usable(some));
    EXPECT_REEL_ERROR(require_usable(some, 2, "bf16 products"), kBadFile,
                      "numbers that are not finite, also with bf16 products");
  }
}

TEST(LatentCheck, TellsAFlatLatentFromAOneSidedOne) {
  Tensor flat = latents();
  for (float& value : flat.values<float>()) value = 0.25f;
  EXPECT_FALSE(latents_are_usable(flat));
  EXPECT_REEL_ERROR(require_usable(flat, 0, "bf16 products"), kBadFile, "a flat latent");

  flat.values<float>()[0] = 0.5f;
  EXPECT_TRUE(latents_are_usable(flat));
}

TEST(LatentCheck, LargeFiniteNumbersAreFinite) {
  Tensor large = latents();
  large.values<float>()[7] = std::numeric_limits<float>::max();
  EXPECT_TRUE(all_finite(large.values<float>()));
}

}  // namespace
}  // namespace reel::pipeline

// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <cstdlib>
#include <random>

#include "cuda_host/machine.h"

namespace reel::cuda_host {
namespace {

uint64_t first_seed() {
  const char* wish = std::getenv("REEL_CUDA_HOST_SEED");
  const uint64_t seed = wish != nullptr ? std::strtoull(wish, nullptr, 10) : std::random_device{}();
  std::fprintf(stderr, "cuda_host: REEL_CUDA_HOST_SEED=%llu repeats this run\n",
               static_cast<unsigned long long>(seed));
  return seed;
}

}  // namespace

uint64_t seed() {
  static const uint64_t seed = first_seed();
  return seed;
}

}  // namespace reel::cuda_host

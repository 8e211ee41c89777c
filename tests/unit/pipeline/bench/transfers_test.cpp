// SPDX-License-Identifier: Apache-2.0
#include "pipeline/bench/transfers.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "core/host_copy_engine.h"
#include "support/expect_error.h"
#include "support/temp_folder.h"

namespace reel::pipeline {
namespace {

TEST(Transfers, CopiesAreTimed) {
  HostCopyEngine engine;

  EXPECT_GT(upload_rate(engine, host_memory()), 1e6);
}

TEST(Transfers, AFileIsReadBothWays) {
  const test::TempFolder folder;
  const std::filesystem::path file = folder / "weights";
  std::ofstream(file) << std::string(5'000'000, 'x');

  const ReadRates rates = read_rates(file, folder.path());

  EXPECT_GT(rates.cache_bytes, 1e6);
  EXPECT_GT(rates.disk_bytes, 1e5);
  EXPECT_EQ(std::filesystem::file_size(file), 5'000'000u);
}

TEST(Transfers, AMissingFileIsSaid) {
  const test::TempFolder folder;
  EXPECT_REEL_ERROR(read_rates(folder / "none", folder.path()), kNotFound, "none");
}

}  // namespace
}  // namespace reel::pipeline

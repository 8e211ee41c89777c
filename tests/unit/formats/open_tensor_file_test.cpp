// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "formats/tensor_file.h"
#include "support/expect_error.h"
#include "support/hostile_file.h"
#include "support/temp_folder.h"

namespace reel::formats {
namespace {

// Opens a file of these bytes under this name.
void open_bytes(const std::string& bytes, const std::string& name = "wan.safetensors") {
  const test::TempFolder folder;
  test::write_file(folder / name, bytes);
  open_tensor_file(folder / name);
}

TEST(OpenTensorFile, NamesAMissingFile) {
  EXPECT_REEL_ERROR(open_tensor_file("/no/such/wan.safetensors"), kNotFound, "wan.safetensors");
}

TEST(OpenTensorFile, NamesAnEmptyFile) {
  EXPECT_REEL_ERROR(open_bytes(""), kBadFile, "wan.safetensors\" is empty");
}

TEST(OpenTensorFile, NamesAGitLfsPointerAndTheSizeItStandsFor) {
  const std::string pointer =
      "version https://git-lfs.github.com/spec/v1\noid sha256:00ff\nsize 28577000000\n";

  EXPECT_REEL_ERROR(open_bytes(pointer), kBadFile,
                    "is a Git LFS pointer to a file of 28577000000 bytes");
  EXPECT_REEL_ERROR(open_bytes(pointer), kBadFile, "git lfs pull");
  EXPECT_REEL_ERROR(open_bytes("version https://git-lfs"), kBadFile, "is a Git LFS pointer");
}

TEST(OpenTensorFile, NamesAWebPage) {
  EXPECT_REEL_ERROR(open_bytes("\n <!DOCTYPE html><html>Sign in"), kBadFile, "is a web page");
  EXPECT_REEL_ERROR(open_bytes("<HTML><body>404"), kBadFile, "needs a login");
}

TEST(OpenTensorFile, NamesAnUnfinishedDownload) {
  EXPECT_REEL_ERROR(open_bytes("12345", "wan.safetensors.incomplete"), kBadFile,
                    "is an unfinished download, as its name says (5 bytes so far)");
  EXPECT_REEL_ERROR(open_bytes(std::string(4096, '\0')), kBadFile, "nothing but zeros");
}

TEST(OpenTensorFile, NamesAnOldPickle) {
  EXPECT_REEL_ERROR(open_bytes("\x80\x02\x8a\x0al\xfc\x9c\x46\xf9\x20j\xa8P\x19.", "wan.pth"),
                    kBadFile, "written before PyTorch 1.6");
  EXPECT_REEL_ERROR(open_bytes("\x80\x04]q", "wan.pth"), kBadFile, "is a bare Python pickle");
}

TEST(OpenTensorFile, NamesArchives) {
  EXPECT_REEL_ERROR(open_bytes("\x1f\x8b\x08 data"), kBadFile, "is a gzip archive");
  EXPECT_REEL_ERROR(open_bytes("7z\xbc\xaf\x27\x1c"), kBadFile, "is a 7z archive");
}

TEST(OpenTensorFile, NamesAnIndexGivenForTheWeights) {
  EXPECT_REEL_ERROR(open_bytes("{\"weight_map\": {}}"), kBadFile, "is JSON text");
}

TEST(OpenTensorFile, ShowsTheFirstBytesOfAnUnknownFile) {
  EXPECT_REEL_ERROR(open_bytes("MZ\x90\x03 some program"), kBadFile,
                    "of no known kind (it starts with \"MZ\\x90\\x03 som\")");
}

}  // namespace
}  // namespace reel::formats

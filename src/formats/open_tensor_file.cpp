// SPDX-License-Identifier: Apache-2.0
// Tells what a file is by its first bytes, and says so when it is nothing that holds weights.
#include <algorithm>
#include <array>

#include "base/byte_units.h"
#include "base/error.h"
#include "base/lower_case.h"
#include "formats/byte_reader.h"
#include "formats/gguf.h"
#include "formats/quoted.h"
#include "formats/safetensors.h"
#include "formats/tensor_file.h"
#include "formats/torch_zip.h"

namespace reel::formats {
namespace {

constexpr const char* kDownloadAgain = "Download the file again.";

// Bytes that begin files which are no weights.
struct Stranger {
  std::string_view magic;
  const char* what;
  const char* hint;
};

constexpr Stranger kStrangers[] = {
    {"\x1f\x8b", "a gzip archive", "Unpack it first."},
    {"\x28\xb5\x2f\xfd", "a zstd archive", "Unpack it first."},
    {"\xfd"
     "7zXZ",
     "an xz archive", "Unpack it first."},
    {"7z\xbc\xaf", "a 7z archive", "Unpack it first."},
    {"Rar!", "a RAR archive", "Unpack it first."},
    {"BZh", "a bzip2 archive", "Unpack it first."},
    {"PK\x05\x06", "an empty zip archive", kDownloadAgain},
    {"\x80\x02\x8a\x0al\xfc\x9c\x46\xf9\x20", "a .pth file of the kind written before PyTorch 1.6",
     "Save it again: torch.save(torch.load(\"old.pth\"), \"new.pth\")."},
    {"\x80", "a bare Python pickle", "Save the weights as safetensors or with torch.save."},
    {"{", "JSON text", "Give the file with the weights, or the folder that holds it."},
    {"lmgg", "a GGML file of the time before GGUF", "Convert it to GGUF."},
    {"tjgg", "a GGML file of the time before GGUF", "Convert it to GGUF."},
};

class Opener {
 public:
  explicit Opener(InputFile file) : file_(std::move(file)), who_(quoted(file_.path())) {}

  std::unique_ptr<TensorFile> open() && {
    refuse_unfinished_name();
    REEL_REQUIRE(file_.size_bytes() > 0, kBadFile, str_cat(who_, " is empty."), kDownloadAgain);
    start_.resize(std::min<uint64_t>(file_.size_bytes(), kStartBytes));
    file_.read_at(0, std::as_writable_bytes(std::span(start_)));

    if (start_.starts_with("GGUF")) return open_gguf(std::move(file_));
    if (start_.starts_with("PK\x03\x04")) return open_torch_zip(std::move(file_));
    if (looks_like_safetensors()) return open_safetensors(std::move(file_));
    refuse_git_lfs();
    refuse_web_page();
    refuse_zeros();
    for (const Stranger& stranger : kStrangers) {
      if (start_.starts_with(stranger.magic)) refuse(stranger.what, stranger.hint);
    }
    refuse_unknown();
  }

 private:
  static constexpr uint64_t kStartBytes = 512;

  [[noreturn]] void refuse(const std::string& what, const std::string& hint) const {
    fail(ErrorCode::kBadFile,
         str_cat(who_, " is ", what, "; a safetensors, .pth or GGUF file is needed."), hint);
  }

  void refuse_unfinished_name() const {
    static constexpr std::array kSuffixes = {".incomplete", ".part", ".crdownload", ".aria2"};
    const std::string suffix = file_.path().extension().string();
    if (std::ranges::find(kSuffixes, suffix) != kSuffixes.end()) {
      refuse(str_cat("an unfinished download, as its name says (", with_commas(file_.size_bytes()),
                     " bytes so far)"),
             "Let the download finish, or start it again.");
    }
  }

  // The length of a JSON header, then the JSON.
  bool looks_like_safetensors() const {
    return start_.size() > 8 && start_[8] == '{' && start_[7] == 0;
  }

  // Text of three lines: version, oid, size.
  void refuse_git_lfs() const {
    if (!start_.starts_with("version https://git-lfs")) return;
    const size_t at = start_.find("\nsize ");
    const size_t end = at == std::string::npos ? at : start_.find('\n', at + 6);
    const std::string size =
        end == std::string::npos
            ? ""
            : str_cat(" to a file of ", start_.substr(at + 6, end - at - 6), " bytes");
    refuse("a Git LFS pointer" + size + ", not the file itself", "Run: git lfs pull");
  }

  void refuse_web_page() const {
    const std::string text = lower_case(
        start_.substr(std::min(start_.find_first_not_of(" \t\r\n\xef\xbb\xbf"), start_.size())));
    if (text.starts_with("<!doctype") || text.starts_with("<html") || text.starts_with("<?xml") ||
        text.starts_with("<head")) {
      refuse("a web page", "The address needs a login or is not that of the file itself.");
    }
  }

  void refuse_zeros() const {
    if (std::ranges::all_of(start_, [](char letter) { return letter == 0; })) {
      fail(ErrorCode::kBadFile,
           str_cat(who_,
                   " begins with nothing but zeros; a safetensors, .pth or GGUF file is "
                   "needed."),
           "The download is incomplete; download the file again.");
    }
  }

  [[noreturn]] void refuse_unknown() const {
    refuse("of no known kind (it starts with " + quoted_name(start_.substr(0, 8)) + ")",
           "Check that this is the right file; if so, download it again.");
  }

  InputFile file_;
  std::string who_;
  std::string start_;
};

}  // namespace

std::unique_ptr<TensorFile> open_tensor_file(const std::filesystem::path& path) {
  return Opener(InputFile(path)).open();
}

}  // namespace reel::formats

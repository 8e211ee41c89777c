// SPDX-License-Identifier: Apache-2.0
// Outputs that cannot be written: wrong names, no rights, no space.
#include <unistd.h>

#include "e2e/damage.h"
#include "e2e/scene.h"

namespace reel::test {
namespace {

namespace fs = std::filesystem;

// Whether a program exits with 0.
bool works(const std::string& shell) { return std::system((shell + " 2>/dev/null").c_str()) == 0; }

// Root may write everywhere, so root's program runs as another user; the folders' owner does not
// change, and neither does what that user may read.
void without_root(Scene& scene) {
  if (::geteuid() != 0) return;
  if (works("unshare --user --map-user=65534 true")) {
    scene.command.started_by = {"unshare", "--user", "--map-user=65534"};
  } else {
    scene.command.started_by = {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"};
    // The folders that TempFolder made are for their owner alone.
    const fs::path parent = scene.folder().parent_path();
    for (const fs::path& folder : {scene.folder(), parent, parent.parent_path()}) {
      fs::permissions(folder, fs::perms(0755));
    }
  }
}

void make_read_only(const fs::path& folder) { fs::permissions(folder, fs::perms(0555)); }

// A full disk: a filesystem of its own where that is allowed, else a limit on the size of files.
void on_small_disk(Scene& scene, const std::string& folder) {
  if (works("unshare -rm mount -t tmpfs none /tmp")) {
    fs::create_directories(scene / folder);
    const std::string script = "mount -t tmpfs -o size=16k none " + folder +
                               " && \"$@\"; code=$?; find " + folder + " -type f >left; exit $code";
    write_bytes(scene / "left", "");
    scene.command.started_by = {"unshare", "-rm", "sh", "-c", script, "sh"};
  } else {
    // More than the saved latents of kLargeClip, less than a frame of it.
    scene.command.most_file_bytes = 10'000;
  }
}

const std::vector<std::string> kLargeClip{"--size", "64x64", "--frames", "5", "--quality", "0"};

std::vector<std::string> large_clip(const std::string& out) {
  std::vector<std::string> flags = kLargeClip;
  flags.insert(flags.end(), {"--out", out});
  return flags;
}

}  // namespace

std::vector<Case> output_cases() {
  return {
      {"out-no-folder",
       [](Scene& s) {
         s.generate({"--out", "nowhere/clip.mp4"});
       }},
      {"preview-no-folder",
       [](Scene& s) {
         s.generate({"--preview", "nowhere/seen"});
       }},
      {"preview-is-a-file",
       [](Scene& s) {
         write_bytes(s / "seen", "something");
         s.generate({"--preview", "seen"});
       }},
      {"preview-read-only-folder",
       [](Scene& s) {
         fs::create_directory(s / "seen");
         make_read_only(s / "seen");
         s.generate({"--preview", "seen"});
         without_root(s);
       }},
      {"scout-no-folder",
       [](Scene& s) {
         s.reel({"scout", "--model", "model", "--prompt", "a ball", "--sheet", "nowhere/s.png"});
       }},
      {"trace-no-folder",
       [](Scene& s) {
         s.generate({"--trace", "nowhere/ops.csv"});
       }},
      {"out-through-a-file",
       [](Scene& s) {
         s.generate({"--out", "/dev/null/clip.mp4"});
       }},
      {"out-read-only-folder",
       [](Scene& s) {
         make_read_only(s / "out");
         without_root(s);
       }},
      {"out-unsupported",
       [](Scene& s) {
         s.generate({"--out", "out/clip.avi"});
       }},
      {"out-exists",
       [](Scene& s) { write_bytes(s / "out/clip.mp4", "the only copy of something"); }},
      {"out-device",
       [](Scene& s) {
         s.generate({"--out", "/dev/full", "--force"});
       }},
      {"out-device-of-a-stage",
       [](Scene& s) {
         s.reel({"encode-text", "--model", "model", "--prompt", "a ball", "--out", "/dev/full"});
       }},
      {"out-name-too-long",
       [](Scene& s) {
         s.generate({"--out", "out/" + std::string(300, 'x') + ".mp4"});
       }},
      {"disk-full-mp4",
       [](Scene& s) {
         s.generate(large_clip("out/clip.mp4"));
         on_small_disk(s, "out");
       }},
      {"disk-full-y4m",
       [](Scene& s) {
         s.generate(large_clip("out/clip.y4m"));
         on_small_disk(s, "out");
       }},
      {"disk-full-png",
       [](Scene& s) {
         s.generate(large_clip("out/frames"));
         on_small_disk(s, "out");
       }},
      {"disk-full-stage",
       [](Scene& s) {
         s.reel({"encode-text", "--model", "model", "--prompt", "a ball", "--out",
                 "out/t.safetensors"});
         on_small_disk(s, "out");
       }},
      {"disk-full-state",
       [](Scene& s) {
         s.generate({"--size", "128x128", "--frames", "9"});
         on_small_disk(s, "state");
       }},
      {"disk-full-synth",
       [](Scene& s) {
         s.reel({"synth", "--out", "out/m"});
         on_small_disk(s, "out");
       }},
      {"disk-full-convert",
       [](Scene& s) {
         s.reel({"convert", "model", "--out", "out/m.slab"});
         on_small_disk(s, "out");
       }},
      {"file-size-limit",
       [](Scene& s) {
         s.generate(large_clip("out/clip.y4m"));
         s.command.most_file_bytes = 24'000;
       }},
      {"state-through-a-file", [](Scene& s) { write_bytes(s / "state", "a file, no folder"); }},
      {"stdout-full",
       [](Scene& s) {
         s.reel({"inspect", "model"});
         s.command.stdout_to = "/dev/full";
       }},
  };
}

}  // namespace reel::test

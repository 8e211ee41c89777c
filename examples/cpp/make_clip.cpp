// SPDX-License-Identifier: Apache-2.0
// make_clip PROMPT OUT.mp4 [MODEL]: a prompt becomes a clip; without a model, the demo model's.
#include <reel/engine.h>

#include <cstdio>

struct Watcher : reel::Progress {
  void on_event(const reel::ProgressEvent& event) override {
    const char* stages[] = {"text", "denoise", "decode"};
    std::printf("%s %d of %d\n", stages[static_cast<int>(event.stage)], event.done, event.total);
  }
};

int main(int argc, char** argv) {
  if (argc < 3) return std::fprintf(stderr, "make_clip PROMPT OUT.mp4 [MODEL]\n"), 2;
  reel::ModelOptions model;
  if (argc > 3) model.model = argv[3];
  reel::VideoRequest request;
  request.prompt = argv[1];
  request.out = argv[2];
  request.sampling.seed = 1;
  try {
    Watcher progress;
    const reel::VideoResult clip = reel::Engine(model).generate(request, progress);
    std::printf("%s: %d frames\n", clip.path.c_str(), clip.frames);
  } catch (const reel::Error& error) {
    std::fprintf(stderr, "%s\n%s\n", error.what(), error.hint().c_str());
    return 1;
  }
}

// SPDX-License-Identifier: Apache-2.0
#include <pybind11/pybind11.h>
#include <reel/recipe.h>
#include <reel/stages.h>

#include <string>
#include <utility>

#include "bindings.h"
#include "watched_run.h"

namespace py = pybind11;

namespace reel::python {
namespace {

// Runs a stage as the watcher's; answers what it took, as JSON.
template <typename Request>
std::string run_stage(RunReport (*stage)(const ModelOptions&, const Request&, Progress&),
                      const ModelOptions& model, const Request& request,
                      const py::object& watcher) {
  WatchedRun run(watcher);
  RunReport report;
  run.run([&] { report = stage(model, request, run); });
  return to_json(report);
}

}  // namespace

void bind_stages(py::module_& module) {
  module.def(
      "encode_text",
      [](const ModelOptions& model, std::string prompt, std::string negative_prompt,
         bool with_negative, std::string out, const py::object& watcher) {
        EncodeTextRequest request;
        request.prompt = std::move(prompt);
        request.negative_prompt = std::move(negative_prompt);
        request.with_negative = with_negative;
        request.out = std::move(out);
        return run_stage(&encode_text, model, request, watcher);
      },
      py::arg("model"), py::arg("prompt"), py::arg("negative_prompt"), py::arg("with_negative"),
      py::arg("out"), py::arg("watcher"));
  module.def(
      "denoise",
      [](const ModelOptions& model, std::string text, const SamplingOptions& sampling,
         std::string noise, std::string state, std::string previews, std::string out,
         const py::object& watcher) {
        DenoiseRequest request;
        request.text = std::move(text);
        request.sampling = sampling;
        request.noise = std::move(noise);
        request.state = std::move(state);
        request.preview_dir = std::move(previews);
        request.out = std::move(out);
        return run_stage(&denoise, model, request, watcher);
      },
      py::arg("model"), py::arg("text"), py::arg("sampling"), py::arg("noise"), py::arg("state"),
      py::arg("previews"), py::arg("out"), py::arg("watcher"));
  module.def(
      "decode",
      [](const ModelOptions& model, std::string latents, std::string out, bool overwrite, int fps,
         int quality, bool write_recipe, const py::object& watcher) {
        const DecodeRequest request{.latents = std::move(latents),
                                    .out = std::move(out),
                                    .overwrite = overwrite,
                                    .fps = fps,
                                    .quality = quality,
                                    .write_recipe = write_recipe};
        return run_stage(&decode, model, request, watcher);
      },
      py::arg("model"), py::arg("latents"), py::arg("out"), py::arg("overwrite"), py::arg("fps"),
      py::arg("quality"), py::arg("write_recipe"), py::arg("watcher"));
  module.def("read_recipe", &read_recipe, py::arg("clip"));
}

}  // namespace reel::python

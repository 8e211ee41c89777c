// SPDX-License-Identifier: Apache-2.0
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <reel/progress.h>
#include <reel/request.h>

#include "bindings.h"
#include "errors.h"
#include "watched_run.h"

namespace py = pybind11;

namespace reel::python {
namespace {

const char* stage_name(Stage stage) {
  switch (stage) {
    case Stage::kEncodeText: return "text";
    case Stage::kDenoise: return "denoise";
    case Stage::kDecode: return "decode";
  }
  return "";
}

std::optional<double> remaining_seconds(const ProgressEvent& event) {
  if (event.remaining_seconds < 0) return std::nullopt;
  return event.remaining_seconds;
}

void bind_model_options(py::module_& module) {
  py::class_<LoraChoice>(module, "LoraChoice")
      .def(py::init([](std::string path, float strength) {
             return LoraChoice{.path = std::move(path), .strength = strength};
           }),
           py::arg("path"), py::arg("strength") = 1.0f)
      .def_readwrite("path", &LoraChoice::path)
      .def_readwrite("strength", &LoraChoice::strength);
  py::class_<ModelOptions>(module, "ModelOptions")
      .def(py::init<>())
      .def_readwrite("model", &ModelOptions::model)
      .def_readwrite("text_encoder", &ModelOptions::text_encoder)
      .def_readwrite("vae", &ModelOptions::vae)
      .def_readwrite("tae_latents", &ModelOptions::tae_latents)
      .def_readwrite("vae_tiling", &ModelOptions::vae_tiling)
      .def_readwrite("preview_decoder", &ModelOptions::preview_decoder)
      .def_readwrite("tokenizer", &ModelOptions::tokenizer)
      .def_readwrite("variant", &ModelOptions::variant)
      .def_readwrite("checkpoint_kind", &ModelOptions::checkpoint_kind)
      .def_readwrite("loras", &ModelOptions::loras)
      .def_readwrite("device", &ModelOptions::device)
      .def_readwrite("precision", &ModelOptions::precision)
      .def_readwrite("threads", &ModelOptions::threads)
      .def_readwrite("text_cache", &ModelOptions::text_cache)
      .def_readwrite("vram_bytes", &ModelOptions::vram_bytes)
      .def_readwrite("ram_bytes", &ModelOptions::ram_bytes);
}

void bind_video_request(py::module_& module) {
  py::class_<SamplingOptions>(module, "SamplingOptions")
      .def(py::init<>())
      .def_readwrite("seed", &SamplingOptions::seed)
      .def_readwrite("width_px", &SamplingOptions::width_px)
      .def_readwrite("height_px", &SamplingOptions::height_px)
      .def_readwrite("frames", &SamplingOptions::frames)
      .def_readwrite("steps", &SamplingOptions::steps)
      .def_readwrite("timesteps", &SamplingOptions::timesteps)
      .def_readwrite("shift", &SamplingOptions::shift)
      .def_readwrite("guidance", &SamplingOptions::guidance)
      .def_readwrite("sampler", &SamplingOptions::sampler)
      .def_readwrite("rng", &SamplingOptions::rng);
  py::class_<VideoRequest>(module, "VideoRequest")
      .def(py::init<>())
      .def_readwrite("prompt", &VideoRequest::prompt)
      .def_readwrite("negative_prompt", &VideoRequest::negative_prompt)
      .def_readwrite("sampling", &VideoRequest::sampling)
      .def_property(
          "out", [](const VideoRequest& request) { return to_text(request.out); },
          [](VideoRequest& request, std::string out) { request.out = std::move(out); })
      .def_readwrite("frames_only", &VideoRequest::frames_only)
      .def_readwrite("overwrite", &VideoRequest::overwrite)
      .def_readwrite("fps", &VideoRequest::fps)
      .def_readwrite("quality", &VideoRequest::quality)
      .def_readwrite("write_recipe", &VideoRequest::write_recipe)
      .def_property(
          "preview_dir", [](const VideoRequest& request) { return to_text(request.preview_dir); },
          [](VideoRequest& request, std::string folder) {
            request.preview_dir = std::move(folder);
          });
}

void bind_video_result(py::module_& module) {
  py::class_<VideoResult>(module, "VideoResult")
      .def_property_readonly("path", [](const VideoResult& result) { return to_text(result.path); })
      .def_readonly("seed", &VideoResult::seed)
      .def_readonly("width_px", &VideoResult::width_px)
      .def_readonly("height_px", &VideoResult::height_px)
      .def_readonly("frames", &VideoResult::frames)
      .def_readonly("frames_digest", &VideoResult::frames_digest)
      .def_readonly("recipe_json", &VideoResult::recipe_json)
      .def_readonly("job_id", &VideoResult::job_id)
      .def_property_readonly("report_json",
                             [](const VideoResult& result) { return to_json(result.report); });
}

void bind_progress(py::module_& module) {
  py::class_<ProgressEvent>(module, "ProgressEvent")
      .def_property_readonly("stage",
                             [](const ProgressEvent& event) { return stage_name(event.stage); })
      .def_readonly("done", &ProgressEvent::done)
      .def_readonly("total", &ProgressEvent::total)
      .def_readonly("part", &ProgressEvent::part)
      .def_readonly("stage_seconds", &ProgressEvent::stage_seconds)
      .def_property_readonly("remaining_seconds", &remaining_seconds);
  py::class_<KeptPreview>(module, "Preview")
      .def_readonly("step", &KeptPreview::step)
      .def_readonly("steps", &KeptPreview::steps)
      .def_property_readonly("image", [](const KeptPreview& preview) {
        return py::array_t<uint8_t>({preview.height_px, preview.width_px, 3}, preview.rgb.data());
      });
}

}  // namespace

void bind_request(py::module_& module) {
  bind_model_options(module);
  bind_video_request(module);
  bind_video_result(module);
  bind_progress(module);
}

}  // namespace reel::python

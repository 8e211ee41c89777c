// SPDX-License-Identifier: Apache-2.0
#include "pipeline/text_stage.h"

#include <utility>

#include "base/env.h"
#include "pipeline/prompt_cache.h"
#include "tokenizer/tokenizer.h"

namespace reel::pipeline {
namespace {

// Source: Wan 2.1, wan/configs/shared_config.py, sample_neg_prompt.
constexpr const char* kUsualNegativePrompt =
    "\u8272\u8c03\u8273\u4e3d\uff0c\u8fc7\u66dd\uff0c\u9759\u6001\uff0c\u7ec6\u8282\u6a21\u7cca"
    "\u4e0d\u6e05\uff0c\u5b57\u5e55\uff0c\u98ce\u683c\uff0c\u4f5c\u54c1\uff0c\u753b\u4f5c\uff0c"
    "\u753b\u9762\uff0c\u9759\u6b62\uff0c\u6574\u4f53\u53d1\u7070\uff0c\u6700\u5dee\u8d28\u91cf"
    "\uff0c\u4f4e\u8d28\u91cf\uff0cJPEG\u538b\u7f29\u6b8b\u7559\uff0c\u4e11\u964b\u7684\uff0c"
    "\u6b8b\u7f3a\u7684\uff0c\u591a\u4f59\u7684\u624b\u6307\uff0c\u753b\u5f97\u4e0d\u597d\u7684"
    "\u624b\u90e8\uff0c\u753b\u5f97\u4e0d\u597d\u7684\u8138\u90e8\uff0c\u7578\u5f62\u7684\uff0c"
    "\u6bc1\u5bb9\u7684\uff0c\u5f62\u6001\u7578\u5f62\u7684\u80a2\u4f53\uff0c\u624b\u6307\u878d"
    "\u5408\uff0c\u9759\u6b62\u4e0d\u52a8\u7684\u753b\u9762\uff0c\u6742\u4e71\u7684\u80cc\u666f"
    "\uff0c\u4e09\u6761\u817f\uff0c\u80cc\u666f\u4eba\u5f88\u591a\uff0c\u5012\u7740\u8d70";

// The prompt and, under guidance, the negative one.
EncodedPrompts join(std::vector<EncodedPrompt> encoded, const std::string& weights_digest) {
  EncodedPrompts prompts{
      .prompt = std::move(encoded[0]), .negative = std::nullopt, .weights_digest = weights_digest};
  if (encoded.size() > 1) prompts.negative = std::move(encoded[1]);
  return prompts;
}

// The text stage with a cache around it.
class Encoding {
 public:
  Encoding(const OpenModel& model, Runtime& runtime, const std::vector<std::vector<int32_t>>& ids,
           Progress& progress)
      : model_(model),
        runtime_(runtime),
        ids_(ids),
        cache_(env::cache_folder() / "text",
               [&progress](const std::string& remark) { progress.on_note(remark); }) {
    if (!runtime.keeps_text()) return;
    for (const auto& prompt : ids) {
      keys_.push_back(
          PromptCache::key(prompt, *model.files().text_encoder, runtime.text_kernels()));
    }
  }

  bool was_cached() const { return was_cached_; }

  EncodedPrompts run(ProgressClock& clock) {
    if (auto found = find()) {
      was_cached_ = true;
      return std::move(*found);
    }
    EncodedPrompts prompts = encode_prompts(model_, runtime_, ids_, clock);
    if (!keys_.empty()) store(prompts);
    return prompts;
  }

 private:
  // All prompts, or nothing: the encoder is loaded for one of them as for two.
  std::optional<EncodedPrompts> find() const {
    std::vector<EncodedPrompt> found;
    std::string weights_digest;
    for (size_t at = 0; at < keys_.size(); ++at) {
      auto entry = cache_.find(keys_[at], static_cast<int64_t>(ids_[at].size()),
                               model_.facts().dit.text_dim);
      if (!entry) return std::nullopt;
      weights_digest = entry->weights_digest;
      found.push_back({.ids = ids_[at], .states = std::move(entry->states)});
    }
    if (found.empty()) return std::nullopt;
    return join(std::move(found), weights_digest);
  }

  void store(const EncodedPrompts& prompts) const {
    cache_.store(keys_[0], prompts.prompt.states, prompts.weights_digest);
    if (prompts.negative) cache_.store(keys_[1], prompts.negative->states, prompts.weights_digest);
  }

  const OpenModel& model_;
  Runtime& runtime_;
  const std::vector<std::vector<int32_t>>& ids_;
  PromptCache cache_;
  std::vector<std::string> keys_;  // of each prompt; none without a cache
  bool was_cached_ = false;
};

}  // namespace

const std::string& usual_negative_prompt() {
  static const std::string prompt = kUsualNegativePrompt;
  return prompt;
}

std::vector<std::vector<int32_t>> tokenize_request(const OpenModel& model,
                                                   const VideoRequest& request,
                                                   const RunSettings& settings,
                                                   Progress& progress) {
  std::vector<std::vector<int32_t>> ids;
  const tokenizer::Tokenizer tokens = model.load_tokenizer();
  ids.push_back(tokenize(tokens, request.prompt, progress));
  if (settings.guided()) {
    const std::string& negative = request.negative_prompt;
    ids.push_back(
        tokenize(tokens, negative.empty() ? usual_negative_prompt() : negative, progress));
  } else if (!request.negative_prompt.empty()) {
    progress.on_warning("The negative prompt has no effect at guidance 1.");
  }
  return ids;
}

EncodedText run_text_stage(const OpenModel& model, Runtime& runtime,
                           const std::vector<std::vector<int32_t>>& ids, RunMeter& meter,
                           ProgressClock& clock, Progress& progress) {
  EncodedText text;
  meter.begin(memory::Phase::kText);
  Encoding encoding(model, runtime, ids, progress);
  text.prompts = encoding.run(clock);
  text.was_cached = encoding.was_cached();
  log_stage(meter.end(), *model.files().text_encoder, runtime.text_numbers());
  return text;
}

}  // namespace reel::pipeline

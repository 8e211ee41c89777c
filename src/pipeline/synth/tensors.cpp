// SPDX-License-Identifier: Apache-2.0
// Which numbers each tensor gets. Random ones are large enough that every branch shows in the
// result, small enough that the residual stream stays near 1 through forty blocks.
#include <cmath>
#include <cstring>

#include "models/tae/names.h"
#include "models/umt5/names.h"
#include "models/wan_dit/names.h"
#include "models/wan_dit/vace_names.h"
#include "models/wan_vae/encoder_names.h"
#include "models/wan_vae/names.h"
#include "pipeline/synth/model.h"

namespace reel::synth {
namespace {

using checkpoint::NameUnit;
using checkpoint::NeededTensor;
using checkpoint::Network;
using checkpoint::RowKind;

constexpr float kBiasAmplitude = 0.1f;

// The amplitude at which a product with numbers of variance 1 has variance gain^2.
float matrix_amplitude(const Shape& shape, double gain) {
  const int64_t inputs = shape.elements() / shape[0];
  return static_cast<float>(gain * std::sqrt(3.0 / static_cast<double>(inputs)));
}

struct Recipe {
  float amplitude = 0;
  float offset = 0;
};

Recipe around_one(float middle = 1.0f) { return {.amplitude = 0.1f * middle, .offset = middle}; }

double dit_gain(const checkpoint::NameRow& row) {
  using namespace wan_dit;
  switch (row.role) {
    case kTextOut: return 1.5;  // GELU halves what comes in
    case kTimeIn: return 2.0;
    case kTimeOut: return 0.4;                             // the head adds it to its input as it is
    case kOut: return row.group == kSelfAttn ? 2.0 : 1.5;  // attention averages; gates shrink
    case kDown: return 2.0;
    default: return 1.0;
  }
}

Recipe dit_recipe(const NeededTensor& tensor) {
  using namespace wan_dit;
  const checkpoint::NameRow& row = *tensor.row;
  // Every head's queries lean away from the keys of empty text rows, which are their bias and
  // little else: as in a trained model a short prompt outweighs 500 rows of padding.
  if (tensor.is_bias && row.group == kCrossAttn && row.role == kQ) return {.amplitude = -0.4f};
  if (tensor.is_bias && row.group == kCrossAttn && row.role == kK) return {.amplitude = 0.4f};
  if (tensor.is_bias) return {.amplitude = kBiasAmplitude};
  switch (row.role) {
    case kModulation: return {.amplitude = 0.5f};
    case kHeadModulation: return {.amplitude = 0.3f};
    case kCrossNormWeight: return around_one();
    case kCrossNormBias: return {.amplitude = kBiasAmplitude};
    case kQNorm:
    case kKNorm: return around_one(1.25f);  // attention logits of about 1.25^2
    default: return {.amplitude = matrix_amplitude(tensor.shape, dit_gain(row))};
  }
}

Recipe text_encoder_recipe(const NeededTensor& tensor) {
  using namespace umt5;
  switch (tensor.row->role) {
    case kEmbedding: return {.amplitude = static_cast<float>(std::sqrt(3.0))};
    case kFinalNorm:
    case kNorm: return around_one();
    // No division by the square root of 64 here: logits of 0.45^2 * 8.
    case kQ:
    case kK: return {.amplitude = matrix_amplitude(tensor.shape, 0.45)};
    case kRelativeBias: return {.amplitude = 1.0f};
    default: return {.amplitude = matrix_amplitude(tensor.shape, 1.0)};
  }
}

Recipe vae_recipe(const NeededTensor& tensor) {
  using namespace wan_vae;
  if (tensor.is_bias) return {.amplitude = kBiasAmplitude};
  switch (tensor.row->role) {
    case kHeadNorm:
    case kNorm1:
    case kNorm2:
    case kAttnNorm: return around_one();
    case kConv1:
    case kConv2: return {.amplitude = matrix_amplitude(tensor.shape, 1.4)};  // behind a SiLU
    case kHeadConv: return {.amplitude = matrix_amplitude(tensor.shape, 0.9)};
    default: return {.amplitude = matrix_amplitude(tensor.shape, 1.0)};
  }
}

// Every layer but the last is followed by a ReLU or by one that comes with the next; a memory block
// adds what it makes to its input.
Recipe tae_recipe(const NeededTensor& tensor) {
  using namespace tae;
  if (tensor.is_bias) {
    // Pictures are about 0 to 1.
    return tensor.row->role == kHead ? Recipe{.amplitude = kBiasAmplitude, .offset = 0.5f}
                                     : Recipe{.amplitude = kBiasAmplitude};
  }
  switch (tensor.row->role) {
    case kConv1:
    case kConv2:
    case kFirst: return {.amplitude = matrix_amplitude(tensor.shape, 1.4)};  // before a ReLU
    case kConv3: return {.amplitude = matrix_amplitude(tensor.shape, 0.7)};
    case kHead: return {.amplitude = matrix_amplitude(tensor.shape, 0.3)};
    default: return {.amplitude = matrix_amplitude(tensor.shape, 1.0)};
  }
}

const char* row_name(const NameUnit& unit, int group, int role) {
  for (const auto& row : unit.rows) {
    if (row.group == group && row.role == role) return row.name;
  }
  return "";
}

// The name whose numbers the tensor takes: its own, except that the bias of cross-attention's
// queries is that of its keys.
std::string stream_name(const NeededTensor& tensor) {
  using namespace wan_dit;
  const checkpoint::NameRow& row = *tensor.row;
  if (!tensor.is_bias || row.group != kCrossAttn || row.role != kQ) return tensor.name;
  const size_t at = tensor.name.rfind(row.name);
  std::string name = tensor.name;
  return name.replace(at, std::strlen(row.name), row_name(block_unit(0), kCrossAttn, kK));
}

bool is_matrix_of_block(const NeededTensor& tensor) {
  const RowKind kind = tensor.row->kind;
  return tensor.block >= 0 && !tensor.is_bias && tensor.shape.axes() == 2 &&
         (kind == RowKind::kLinear || kind == RowKind::kMatrix);
}

SourceTensor source(const NeededTensor& tensor, TensorValuesPtr values) {
  return {.name = tensor.name,
          .shape = tensor.shape,
          .values = std::move(values),
          .block = tensor.block,
          .is_matrix = is_matrix_of_block(tensor)};
}

TensorValuesPtr drawn_values(const Model& model, const std::string& stream, const Recipe& recipe) {
  return random_values(
      model.seed,
      {.stream = stream_of(stream), .amplitude = recipe.amplitude, .offset = recipe.offset});
}

// Null for a tensor that the numbers' checkpoint does not have.
TensorValuesPtr values_of(const Model& model, Network network, const NeededTensor& needed,
                          const std::string& stream, const Recipe& recipe) {
  return model.find_values ? model.find_values(network, needed.name)
                           : drawn_values(model, stream, recipe);
}

void add_dit(std::vector<SourceTensor>& all, const Model& model, const std::vector<NameUnit>& units,
             const checkpoint::Dims& dims, bool is_vace) {
  for (const NeededTensor& needed : checkpoint::needed_tensors(units, dims)) {
    const std::string stream = "dit/" + stream_name(needed);
    const Recipe recipe = dit_recipe(needed);
    SourceTensor tensor =
        source(needed, is_vace ? drawn_values(model, stream, recipe)
                               : values_of(model, Network::kDit, needed, stream, recipe));
    tensor.is_value = tensor.is_matrix && needed.row->role == wan_dit::kV;
    tensor.is_down = tensor.is_matrix && needed.row->role == wan_dit::kDown;
    if (is_vace) tensor.block = -1;
    all.push_back(std::move(tensor));
  }
}

}  // namespace

std::vector<SourceTensor> dit_tensors(const Model& model) {
  std::vector<SourceTensor> all;
  add_dit(all, model, wan_dit::name_units(model.dit), wan_dit::dims_of(model.dit), false);
  if (model.with_vace) {
    add_dit(all, model, wan_dit::vace_name_units(model.dit), wan_dit::vace_dims(model.dit), true);
  }
  return all;
}

std::vector<SourceTensor> text_encoder_tensors(const Model& model) {
  std::vector<SourceTensor> all;
  const auto units = umt5::name_units(model.text_encoder);
  for (const NeededTensor& needed :
       checkpoint::needed_tensors(units, umt5::dims_of(model.text_encoder))) {
    SourceTensor tensor =
        source(needed, values_of(model, Network::kTextEncoder, needed, "t5/" + needed.name,
                                 text_encoder_recipe(needed)));
    tensor.is_value = tensor.is_matrix && needed.row->role == umt5::kV;
    tensor.is_down = tensor.is_matrix && needed.row->role == umt5::kDown;
    all.push_back(std::move(tensor));
  }
  return all;
}

std::vector<SourceTensor> vae_tensors(const Model& model) {
  std::vector<SourceTensor> all;
  auto units = wan_vae::encoder_name_units();
  auto dims = wan_vae::encoder_dims(model.vae);
  dims.merge(wan_vae::dims_of(model.vae));
  for (auto& unit : wan_vae::name_units()) units.push_back(std::move(unit));
  for (const NeededTensor& needed : checkpoint::needed_tensors(units, dims)) {
    auto values = values_of(model, Network::kVae, needed, "vae/" + needed.name, vae_recipe(needed));
    if (values != nullptr) all.push_back(source(needed, std::move(values)));
  }
  return all;
}

std::vector<SourceTensor> tae_tensors(const Model& model) {
  std::vector<SourceTensor> all;
  for (const NeededTensor& needed :
       checkpoint::needed_tensors(tae::name_units(model.tae), tae::dims_of(model.tae))) {
    all.push_back(source(needed, drawn_values(model, "tae/" + needed.name, tae_recipe(needed))));
  }
  return all;
}

}  // namespace reel::synth

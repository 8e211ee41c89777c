// SPDX-License-Identifier: Apache-2.0
#include "formats/torch_pickle.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace reel::formats {
namespace {

using std::string_literals::operator""s;

std::vector<PickledTensor> unpickle(const std::string& pickle) {
  return unpickle_tensors(std::as_bytes(std::span(pickle)), "\"x.pth\"");
}

std::string text(const std::string& value) {
  return "X"s + static_cast<char>(value.size()) + "\0\0\0"s + value;
}

// A float storage "0" of 6 numbers.
const std::string kStorage =
    "("s + text("storage") + "ctorch\nFloatStorage\n" + text("0") + text("cpu") + "K\x06tQ";
// The rest of a [2, 3] tensor's arguments: offset, extents, strides, requires_grad, hooks.
const std::string kLayout =
    "K\0K\x02K\x03\x86K\x03K\x01\x86\x89"s + "ccollections\nOrderedDict\n)R";
const std::string kTensor = "ctorch._utils\n_rebuild_tensor_v2\n(" + kStorage + kLayout + "tR";

TEST(TorchPickle, ReadsADictOfTensors) {
  const auto tensors = unpickle("\x80\x02}"s + text("w") + kTensor + "s.");

  ASSERT_EQ(tensors.size(), 1u);
  EXPECT_EQ(tensors[0].name, "w");
  EXPECT_EQ(tensors[0].dtype, DType::kF32);
  EXPECT_EQ(tensors[0].storage_key, "0");
  EXPECT_EQ(tensors[0].storage_bytes, 24u);
  EXPECT_EQ(tensors[0].extents, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(tensors[0].strides, (std::vector<int64_t>{3, 1}));
}

TEST(TorchPickle, TakesTheDtypeOfUntypedStoragesFromTheTensor) {
  const std::string storage = "("s + text("storage") + "ctorch.storage\nUntypedStorage\n" +
                              text("0") + text("cpu") + "K\x06tQ";
  const auto tensors = unpickle("\x80\x02}"s + text("w") + "ctorch._utils\n_rebuild_tensor_v3\n(" +
                                storage + kLayout + "ctorch\nfloat8_e4m3fn\ntRs.");

  EXPECT_EQ(tensors[0].dtype, DType::kF8E4M3);
  EXPECT_EQ(tensors[0].storage_bytes, 6u);
}

TEST(TorchPickle, LooksInsideUsualWrappers) {
  for (const char* key : {"model_state", "state_dict", "model", "module"}) {
    const auto tensors = unpickle("\x80\x02}("s + text("epoch") + "K\x05" + text(key) + "}" +
                                  text("w") + kTensor + "su.");

    EXPECT_EQ(tensors.size(), 1u) << key;
  }
}

TEST(TorchPickle, ReadsParametersAndSizes) {
  const auto tensors = unpickle("\x80\x02}"s + text("w") + "ctorch._utils\n_rebuild_parameter\n(" +
                                kTensor + "\x88NtRs.");

  EXPECT_EQ(tensors.size(), 1u);
  EXPECT_EQ(unpickle("\x80\x02}("s + text("size") + "ctorch\nSize\nK\x01\x85\x85R" + text("w") +
                     kTensor + "u.")
                .size(),
            1u);
}

TEST(TorchPickle, ReadsLongNumbers) {
  // 2^32 elements in five bytes.
  const std::string storage = "("s + text("storage") + "ctorch\nByteStorage\n" + text("0") +
                              text("cpu") + "\x8a\x05\0\0\0\0\x01tQ"s;
  const auto tensors = unpickle("\x80\x02}"s + text("w") + "ctorch._utils\n_rebuild_tensor_v2\n(" +
                                storage + kLayout + "tRs.");

  EXPECT_EQ(tensors[0].storage_bytes, uint64_t{1} << 32);
}

TEST(TorchPickle, NamesWhatItRefusesToRun) {
  EXPECT_REEL_ERROR(unpickle("\x80\x02}"s + text("w") + "cos\nsystem\n" + text("true") + "\x85Rs."),
                    kBadFile, "\"x.pth\" asks to run \"os.system\"");
  EXPECT_REEL_ERROR(unpickle("\x80\x04"s + text("builtins") + text("eval") + "\x93."), kBadFile,
                    "asks to run \"builtins.eval\"");
  EXPECT_REEL_ERROR(unpickle("ctorch\nload\n."), kBadFile, "\"torch.load\"");
  EXPECT_REEL_ERROR(unpickle("ctorch\nBoolStorage\n."), kUnsupported, "\"torch.BoolStorage\"");
  EXPECT_REEL_ERROR(unpickle("(ios\nsystem\n."), kBadFile, "has the instruction 105");
  EXPECT_REEL_ERROR(unpickle("\x81"), kBadFile, "has the instruction 129");
}

TEST(TorchPickle, RefusesCallsThatMakeNoSense) {
  EXPECT_REEL_ERROR(unpickle("K\x01)R."), kBadFile, "calls a value that is no function");
  EXPECT_REEL_ERROR(unpickle("ctorch\nFloatStorage\n)R."), kBadFile, "calls a type");
  EXPECT_REEL_ERROR(unpickle("ctorch._utils\n_rebuild_tensor_v2\n)R."), kBadFile,
                    "another number of arguments");
  EXPECT_REEL_ERROR(unpickle("ctorch._utils\n_rebuild_parameter\n)R."), kBadFile,
                    "a parameter of no tensor");
  EXPECT_REEL_ERROR(unpickle("ccollections\nOrderedDict\nK\x01\x85R."), kBadFile, "OrderedDict of");
  EXPECT_REEL_ERROR(unpickle("K\x01Q."), kBadFile, "where a tuple belongs");
  EXPECT_REEL_ERROR(unpickle(")Q."), kBadFile, "refers to something unknown");
}

TEST(TorchPickle, RefusesABrokenStack) {
  EXPECT_REEL_ERROR(unpickle("."), kBadFile, "from an empty stack");
  EXPECT_REEL_ERROR(unpickle("t."), kBadFile, "a mark that is not there");
  EXPECT_REEL_ERROR(unpickle("K\x01(\x85."), kBadFile, "from an empty stack");
  EXPECT_REEL_ERROR(unpickle("K\x01K\x02"s + "a."), kBadFile, "adds to a value of another kind");
  EXPECT_REEL_ERROR(unpickle("}(K\x01u."), kBadFile, "a key without a value");
  EXPECT_REEL_ERROR(unpickle("h\x05."), kBadFile, "never remembered");
  EXPECT_REEL_ERROR(unpickle("q\0."s), kBadFile, "remembers a value that is not there");
  EXPECT_REEL_ERROR(unpickle("Nb."), kBadFile, "attributes of nothing");
  EXPECT_REEL_ERROR(unpickle("\x80\x09."), kBadFile, "unknown protocol");
  EXPECT_REEL_ERROR(unpickle("\x8a\x09"s + std::string(9, '\x01') + "."), kBadFile, "64 bits");
}

TEST(TorchPickle, EndsHoweverLargeAPickleGrows) {
  EXPECT_REEL_ERROR(unpickle(std::string(2'000'000, ']')), kBadFile, "too many values");
  EXPECT_REEL_ERROR(unpickle(std::string(2'000'000, '(')), kBadFile, "overflows the stack");
  std::string doubling = "]q\0"s;  // a list that is put into itself
  for (int round = 0; round < 100; ++round) doubling += "h\0a"s;
  EXPECT_REEL_ERROR(unpickle(doubling + "."), kBadFile, "no dict of tensors");
}

TEST(TorchPickle, SaysWhatIsThereInsteadOfTensors) {
  EXPECT_REEL_ERROR(unpickle("\x80\x02]."), kBadFile, "\"x.pth\" holds no dict of tensors by name");
  EXPECT_REEL_ERROR(unpickle("\x80\x02}."), kBadFile, "a dict, but no tensors in it");
  // A dict that wraps itself.
  EXPECT_REEL_ERROR(unpickle("}q\0"s + text("model") + "h\0s."s), kBadFile, "no tensors in it");
}

}  // namespace
}  // namespace reel::formats

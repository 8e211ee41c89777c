// SPDX-License-Identifier: Apache-2.0
#include "formats/torch_pickle.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include "base/byte_units.h"
#include "base/error.h"
#include "formats/byte_reader.h"
#include "formats/quoted.h"
#include "formats/torch_globals.h"

namespace reel::formats {
namespace {

// A 14B state dict makes about 50,000 values.
constexpr size_t kMostValues = 1'000'000;
constexpr const char* kDamagedPickle = "The file is damaged; download it again.";
constexpr const char* kStateDictNeeded =
    "Ask its maker for a plain state dict, or for safetensors.";

// An index into the machine's values.
using Ref = uint32_t;

struct Value {
  enum class Kind : uint8_t {
    kNone,    // also floats, which no tensor needs
    kNumber,  // also booleans
    kText,    // a part of the pickle
    kTuple,
    kList,
    kDict,     // items: key, value, key, value, ...
    kGlobal,   // number: index into the table of globals
    kStorage,  // number: bytes; text: key; items: the global that names its type
    kTensor,   // number: index into the machine's tensors
  };
  Kind kind = Kind::kNone;
  int64_t number = 0;
  std::string_view text = {};
  std::vector<Ref> items = {};
};

using Kind = Value::Kind;

class Machine {
 public:
  Machine(std::span<const std::byte> pickle, const std::string& who)
      : reader_(pickle, who), who_(who) {}

  // Runs to STOP; answers what is then on top of the stack.
  Ref run() {
    for (;;) {
      const uint8_t opcode = reader_.u8();
      if (opcode == '.') return pop();
      if (!push_constant(opcode) && !build_container(opcode) && !use_memo(opcode)) {
        call(opcode);
      }
    }
  }

  const Value& operator[](Ref ref) const { return values_[ref]; }
  const PickledTensor& tensor(const Value& value) const {
    return tensors_[static_cast<size_t>(value.number)];
  }

 private:
  [[noreturn]] void refuse(const std::string& problem, const char* hint = kDamagedPickle) const {
    fail(ErrorCode::kBadFile,
         str_cat(who_, ": byte ", with_commas(reader_.position_bytes()), " of its pickle ", problem,
                 '.'),
         hint);
  }
  void require(bool condition, const char* problem) const {
    if (!condition) refuse(problem);
  }

  // --- the stack

  void push(Ref ref) {
    require(stack_.size() < kMostValues, "overflows the stack");
    stack_.push_back(ref);
  }
  void push(Value value) {
    require(values_.size() < kMostValues, "makes too many values");
    values_.push_back(std::move(value));
    push(static_cast<Ref>(values_.size() - 1));
  }
  Ref pop() {
    const size_t floor = marks_.empty() ? 0 : marks_.back();
    require(stack_.size() > floor, "takes a value from an empty stack");
    const Ref ref = stack_.back();
    stack_.pop_back();
    return ref;
  }
  // The values since the last mark, lowest first.
  std::vector<Ref> pop_to_mark() {
    require(!marks_.empty(), "needs a mark that is not there");
    const auto begin = stack_.begin() + static_cast<ptrdiff_t>(marks_.back());
    std::vector<Ref> items(begin, stack_.end());
    stack_.erase(begin, stack_.end());
    marks_.pop_back();
    return items;
  }
  std::vector<Ref> pop_some(int count) {
    std::vector<Ref> items(static_cast<size_t>(count));
    for (auto item = items.rbegin(); item != items.rend(); ++item) *item = pop();
    return items;
  }
  Value& target(Kind kind, const char* problem) {
    require(stack_.size() > (marks_.empty() ? 0 : marks_.back()), "has nothing to add to");
    Value& value = values_[stack_.back()];
    require(value.kind == kind, problem);
    return value;
  }

  // --- instructions, by family; each answers whether the opcode was one of its own

  bool push_constant(uint8_t opcode) {
    switch (opcode) {
      case 0x80: require(reader_.u8() <= 5, "asks for an unknown protocol"); return true;  // PROTO
      case 0x95: reader_.u64(); return true;                                               // FRAME
      case 'N': push(Value{}); return true;
      case 0x88: push_number(1); return true;  // NEWTRUE
      case 0x89: push_number(0); return true;  // NEWFALSE
      case 'J': push_number(reader_.i32()); return true;
      case 'K': push_number(reader_.u8()); return true;
      case 'M': push_number(reader_.u16()); return true;
      case 0x8a: push_number(long_integer(reader_.u8())); return true;  // LONG1
      case 'G':
        reader_.take(8);
        push(Value{});
        return true;  // BINFLOAT
      case 'X': push_text(reader_.u32()); return true;
      case 0x8c: push_text(reader_.u8()); return true;  // SHORT_BINUNICODE
      default: return false;
    }
  }

  void push_number(int64_t number) { push(Value{.kind = Kind::kNumber, .number = number}); }
  void push_text(uint64_t bytes) { push(Value{.kind = Kind::kText, .text = reader_.text(bytes)}); }

  int64_t long_integer(uint8_t bytes) {
    require(bytes <= 8, "holds a number beyond 64 bits");
    uint64_t number = 0;
    for (int index = 0; index < bytes; ++index) number |= uint64_t{reader_.u8()} << (8 * index);
    const int unused_bits = 64 - 8 * bytes;
    if (unused_bits == 64) return 0;
    return static_cast<int64_t>(number << unused_bits) >> unused_bits;
  }

  bool build_container(uint8_t opcode) {
    switch (opcode) {
      case '(': push_mark(); return true;
      case ')': push(Value{.kind = Kind::kTuple}); return true;
      case ']': push(Value{.kind = Kind::kList}); return true;
      case '}': push(Value{.kind = Kind::kDict}); return true;
      case 't': push(Value{.kind = Kind::kTuple, .items = pop_to_mark()}); return true;
      case 'l': push(Value{.kind = Kind::kList, .items = pop_to_mark()}); return true;
      case 'd': push(Value{.kind = Kind::kDict, .items = pairs(pop_to_mark())}); return true;
      case 0x85:
      case 0x86:
      case 0x87:  // TUPLE1, 2, 3
        push(Value{.kind = Kind::kTuple, .items = pop_some(opcode - 0x84)});
        return true;
      case 'a': add(Kind::kList, pop_some(1)); return true;
      case 'e': add(Kind::kList, pop_to_mark()); return true;
      case 's': add(Kind::kDict, pop_some(2)); return true;
      case 'u': add(Kind::kDict, pairs(pop_to_mark())); return true;
      default: return false;
    }
  }

  void push_mark() {
    require(marks_.size() < kMostValues, "overflows the stack");
    marks_.push_back(stack_.size());
  }
  std::vector<Ref> pairs(std::vector<Ref> items) const {
    require(items.size() % 2 == 0, "gives a key without a value");
    return items;
  }
  void add(Kind kind, const std::vector<Ref>& items) {
    Value& value = target(kind, "adds to a value of another kind");
    item_count_ += items.size();
    require(item_count_ <= kMostValues, "makes too many values");
    value.items.insert(value.items.end(), items.begin(), items.end());
  }

  bool use_memo(uint8_t opcode) {
    switch (opcode) {
      case 'q': remember(reader_.u8()); return true;
      case 'r': remember(reader_.u32()); return true;
      case 0x94: remember(static_cast<uint32_t>(memo_.size())); return true;  // MEMOIZE
      case 'h': push(remembered(reader_.u8())); return true;
      case 'j': push(remembered(reader_.u32())); return true;
      default: return false;
    }
  }

  void remember(uint32_t key) {
    require(!stack_.empty(), "remembers a value that is not there");
    require(memo_.size() < kMostValues, "remembers too many values");
    memo_[key] = stack_.back();
  }
  Ref remembered(uint32_t key) const {
    const auto at = memo_.find(key);
    require(at != memo_.end(), "recalls a value that was never remembered");
    return at->second;
  }

  // --- globals and what is made of them

  void call(uint8_t opcode) {
    switch (opcode) {
      case 'c': {
        const std::string_view module = reader_.line();
        return push_global(module, reader_.line());
      }
      case 0x93: {  // STACK_GLOBAL
        const std::vector<Ref> names = pop_some(2);
        return push_global(text(names[0]), text(names[1]));
      }
      case 'Q': return push_storage(pop());
      case 'R': {
        const std::vector<Ref> call = pop_some(2);
        return reduce(call[0], call[1]);
      }
      case 'b':  // BUILD: attributes, such as a state dict's _metadata, are not needed
        pop();
        require(!stack_.empty(), "sets attributes of nothing");
        return;
      default:
        refuse(str_cat("has the instruction ", int{opcode}, ", which no weights need"),
               kStateDictNeeded);
    }
  }

  void push_global(std::string_view module, std::string_view name) {
    const int index = find_torch_global(module, name);
    if (index < 0) refuse_global(quoted_name(str_cat(module, '.', name)));
    push(Value{.kind = Kind::kGlobal, .number = index});
  }

  [[noreturn]] void refuse_global(const std::string& name) const {
    REEL_REQUIRE(!name.starts_with("\"torch.") || !name.ends_with("Storage\""), kUnsupported,
                 str_cat(who_, " stores numbers in a ", name, ", which is not known here."),
                 kStateDictNeeded);
    fail(ErrorCode::kBadFile,
         str_cat(who_, " asks to run ", name, ", which no weights need. Nothing was run."),
         kStateDictNeeded);
  }

  const TorchGlobal& global(Ref ref) const {
    require(values_[ref].kind == Kind::kGlobal, "calls a value that is no function");
    return torch_global(static_cast<int>(values_[ref].number));
  }
  std::string_view text(Ref ref) const {
    require(values_[ref].kind == Kind::kText, "has another value where text belongs");
    return values_[ref].text;
  }
  int64_t number(Ref ref) const {
    require(values_[ref].kind == Kind::kNumber, "has another value where a number belongs");
    return values_[ref].number;
  }
  const std::vector<Ref>& tuple(Ref ref) const {
    require(values_[ref].kind == Kind::kTuple, "has another value where a tuple belongs");
    return values_[ref].items;
  }

  // ("storage", torch.FloatStorage, key, location, elements)
  void push_storage(Ref id) {
    const std::vector<Ref>& parts = tuple(id);
    require(parts.size() == 5 && text(parts[0]) == "storage", "refers to something unknown");
    const TorchGlobal& type = global(parts[1]);
    require(type.kind == TorchGlobal::Kind::kStorage, "gives a storage another type");
    int64_t bytes = number(parts[4]);
    require(bytes >= 0 && !__builtin_mul_overflow(bytes, block_bytes(type.dtype), &bytes),
            "gives a storage an impossible size");
    push(Value{
        .kind = Kind::kStorage, .number = bytes, .text = text(parts[2]), .items = {parts[1]}});
  }

  void reduce(Ref function, Ref arguments) {
    using Global = TorchGlobal::Kind;
    const std::vector<Ref> args = tuple(arguments);
    switch (global(function).kind) {
      case Global::kOrderedDict:
        require(args.empty(), "makes an OrderedDict of something");
        return push(Value{.kind = Kind::kDict});
      case Global::kSize:
        require(args.size() == 1, "makes a torch.Size of several values");
        tuple(args[0]);
        return push(args[0]);
      case Global::kParameter:  // (tensor, requires_grad, hooks[, state])
        require(!args.empty() && values_[args[0]].kind == Kind::kTensor,
                "makes a parameter of no tensor");
        return push(args[0]);
      case Global::kTensorV2: return push_tensor(args, 6, std::nullopt);
      case Global::kTensorV3:
        require(args.size() >= 7 && global(args[6]).kind == Global::kDtype,
                "makes a tensor of no dtype");
        return push_tensor(args, 7, global(args[6]).dtype);
      case Global::kStorage:
      case Global::kDtype: refuse("calls a type");
    }
  }

  // (storage, offset, size, stride, requires_grad, hooks, [dtype in v3], [metadata])
  void push_tensor(const std::vector<Ref>& args, size_t least_args, std::optional<DType> dtype) {
    require(args.size() == least_args || args.size() == least_args + 1,
            "makes a tensor of another number of arguments");
    const Value& storage = values_[args[0]];
    require(storage.kind == Kind::kStorage, "makes a tensor of no storage");
    PickledTensor made;
    made.dtype = dtype.value_or(global(storage.items[0]).dtype);
    made.storage_key = storage.text;
    made.storage_bytes = static_cast<uint64_t>(storage.number);
    made.offset_elements = number(args[1]);
    for (const Ref extent : tuple(args[2])) made.extents.push_back(number(extent));
    for (const Ref stride : tuple(args[3])) made.strides.push_back(number(stride));
    push(Value{.kind = Kind::kTensor, .number = static_cast<int64_t>(tensors_.size())});
    tensors_.push_back(std::move(made));
  }

  ByteReader reader_;
  const std::string& who_;
  std::vector<Value> values_;
  std::vector<PickledTensor> tensors_;
  std::vector<Ref> stack_;
  std::vector<size_t> marks_;  // stack heights
  std::map<uint32_t, Ref> memo_;
  size_t item_count_ = 0;
};

// The tensors of one dict, by name.
std::vector<PickledTensor> named_tensors(const Machine& machine, const Value& dict) {
  std::vector<PickledTensor> found;
  for (size_t index = 0; index < dict.items.size(); index += 2) {
    const Value& key = machine[dict.items[index]];
    const Value& value = machine[dict.items[index + 1]];
    if (key.kind != Kind::kText || value.kind != Kind::kTensor) continue;
    found.push_back(machine.tensor(value));
    found.back().name = key.text;
  }
  return found;
}

// The dict under one of the keys that training code wraps a state dict in; null without.
const Value* wrapped_dict(const Machine& machine, const Value& dict) {
  static constexpr std::string_view kKeys[] = {"model_state", "state_dict", "model", "module"};
  for (const std::string_view wanted : kKeys) {
    for (size_t index = 0; index < dict.items.size(); index += 2) {
      const Value& key = machine[dict.items[index]];
      const Value& value = machine[dict.items[index + 1]];
      if (key.kind == Kind::kText && key.text == wanted && value.kind == Kind::kDict) return &value;
    }
  }
  return nullptr;
}

}  // namespace

std::vector<PickledTensor> unpickle_tensors(std::span<const std::byte> pickle,
                                            const std::string& who) {
  constexpr int kMostWrappers = 3;
  Machine machine(pickle, who);
  const Value* dict = &machine[machine.run()];
  REEL_REQUIRE(dict->kind == Kind::kDict, kBadFile,
               str_cat(who, " holds no dict of tensors by name."), kStateDictNeeded);
  for (int level = 0; dict != nullptr && level <= kMostWrappers; ++level) {
    std::vector<PickledTensor> found = named_tensors(machine, *dict);
    if (!found.empty()) return found;
    dict = wrapped_dict(machine, *dict);
  }
  fail(ErrorCode::kBadFile, str_cat(who, " holds a dict, but no tensors in it."), kStateDictNeeded);
}

}  // namespace reel::formats

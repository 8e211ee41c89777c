// SPDX-License-Identifier: Apache-2.0
// What the NVIDIA driver counts on one card, asked through its management library. The library
// belongs to the driver and is found at run time; nothing here needs CUDA.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace reel::cuda {

// May be used by several threads.
class Nvml {
 public:
  // Null where the library is missing or does not know the card. `pci_bus_id` as CUDA writes it:
  // "0000:65:00.0".
  static std::unique_ptr<Nvml> open(const std::string& pci_bus_id,
                                    const char* library = "libnvidia-ml.so.1");
  ~Nvml();
  Nvml(const Nvml&) = delete;
  Nvml& operator=(const Nvml&) = delete;

  struct Card {
    uint64_t free_bytes = 0;
    uint64_t used_bytes = 0;  // by all programs, and by the driver itself
  };
  std::optional<Card> card() const;
  // As the card runs now, and at most. Nothing where the driver does not tell, as under WSL2.
  struct Link {
    int generation = 0, width = 0;  // of PCI Express; both fall while the card has nothing to do
    int most_generation = 0, most_width = 0;  // of the card in this slot
  };
  std::optional<Link> link() const;
  struct Power {
    double draw_w = 0, limit_w = 0, default_limit_w = 0;
  };
  std::optional<Power> power() const;
  struct Clocks {
    int sm_mhz = 0, most_sm_mhz = 0, memory_mhz = 0;
  };
  std::optional<Clocks> clocks() const;
  // "580.159.04"; empty where it is not told.
  std::string driver_release() const;
  // Bytes of other programs that compute or draw on the card, as many as are told.
  struct Others {
    int programs = 0;
    uint64_t bytes = 0;
  };
  Others others() const;
  // Of this process, its context included. Nothing where the driver lists it under another id, as
  // in some containers, or does not count by process.
  std::optional<uint64_t> process_bytes() const;

 private:
  struct Library;
  explicit Nvml(std::unique_ptr<Library> library);

  std::unique_ptr<Library> library_;
};

}  // namespace reel::cuda

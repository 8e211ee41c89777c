// SPDX-License-Identifier: Apache-2.0
#include "comm/mpi/mpi_ranks.h"

#include <mpi.h>

#include <cstring>
#include <limits>
#include <string>

#include "base/error.h"

namespace reel::comm {
namespace {

void check(int result, const char* what) {
  if (result == MPI_SUCCESS) return;
  char words[MPI_MAX_ERROR_STRING] = {};
  int length = 0;
  MPI_Error_string(result, words, &length);
  fail(ErrorCode::kInternal,
       str_cat("MPI fails at ", what, ": ", std::string(words, words + length)));
}

int count_of(const Piece& piece) {
  REEL_REQUIRE(piece.size_bytes < static_cast<size_t>(std::numeric_limits<int>::max()),
               kUnsupported,
               str_cat("A piece of ", piece.size_bytes, " bytes is too large for MPI's counts."));
  return static_cast<int>(piece.size_bytes);
}

}  // namespace

class MpiRanks::Own : public Communicator {
 public:
  Own() {
    MPI_Init(nullptr, nullptr);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &size_);
  }
  ~Own() override { MPI_Finalize(); }
  Own(const Own&) = delete;
  Own& operator=(const Own&) = delete;

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  void give_up() override { MPI_Abort(MPI_COMM_WORLD, 1); }

  void all_to_all(const std::vector<Piece>& send, const std::vector<Piece>& receive,
                  MemorySpace& memory, Stream) override {
    REEL_REQUIRE(memory.is_host(), kUnsupported, "MPI's ranks exchange host memory alone.");
    std::vector<MPI_Request> requests;
    for (int other = 0; other < size_; ++other) {
      const Piece& from = receive[static_cast<size_t>(other)];
      check(MPI_Irecv(from.data, count_of(from), MPI_BYTE, other, 0, MPI_COMM_WORLD,
                      &requests.emplace_back()),
            "receiving");
    }
    for (int other = 0; other < size_; ++other) {
      const Piece& to = send[static_cast<size_t>(other)];
      check(MPI_Isend(to.data, count_of(to), MPI_BYTE, other, 0, MPI_COMM_WORLD,
                      &requests.emplace_back()),
            "sending");
    }
    std::vector<MPI_Status> statuses(requests.size());
    check(MPI_Waitall(static_cast<int>(requests.size()), requests.data(), statuses.data()),
          "an exchange");
    for (int other = 0; other < size_; ++other) {
      int got = 0;
      MPI_Get_count(&statuses[static_cast<size_t>(other)], MPI_BYTE, &got);
      const int expected = count_of(receive[static_cast<size_t>(other)]);
      REEL_REQUIRE(got == expected, kInternal,
                   str_cat("Rank ", other, " sends ", got, " bytes to rank ", rank_,
                           ", which expects ", expected, '.'));
    }
  }

 private:
  int rank_ = 0, size_ = 1;
};

MpiRanks::MpiRanks() : own_(std::make_unique<Own>()) {}
MpiRanks::~MpiRanks() = default;
Communicator& MpiRanks::own() { return *own_; }

}  // namespace reel::comm

# SPDX-License-Identifier: Apache-2.0
# Every dependency, and the version Reel is built and tested with: Debian 12's packages.
# docs/DEPENDENCIES.md says why each is here and what would replace it.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(CLI11 2.1 REQUIRED)
find_package(spdlog 1.10 REQUIRED)
find_package(PNG REQUIRED)
find_package(ZLIB REQUIRED)
pkg_check_modules(FFMPEG REQUIRED IMPORTED_TARGET libavformat libavcodec libavutil)
pkg_check_modules(UTF8PROC REQUIRED IMPORTED_TARGET libutf8proc)
find_path(REEL_CURL_INCLUDE curl/curl.h REQUIRED)
# The archive: the system's libcurl brings a libcrypto of its own, perhaps a newer one.
find_library(REEL_CRYPTO NAMES libcrypto.a crypto REQUIRED)
pkg_check_modules(HTTPLIB REQUIRED IMPORTED_TARGET cpp-httplib)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)
if(REEL_WITH_ONEDNN)
  # Not its CMake package: Debian's asks for OpenCL headers that only its GPU engine needs.
  find_path(REEL_DNNL_INCLUDE oneapi/dnnl/dnnl.hpp REQUIRED)
  find_library(REEL_DNNL dnnl REQUIRED)
endif()
# For tests alone, and not with sanitizers: MPI's own libraries leak.
if(REEL_WITH_MPI AND REEL_WITH_TESTS AND NOT REEL_SANITIZE)
  if(NOT REEL_WITH_MPI STREQUAL "AUTO")
    set(mpi_needed REQUIRED)
  endif()
  find_package(MPI COMPONENTS CXX QUIET ${mpi_needed})
endif()
if(MPI_CXX_FOUND AND MPIEXEC_EXECUTABLE)
  set(REEL_WITH_MPI ON)
else()
  set(REEL_WITH_MPI OFF)
endif()
if(REEL_WITH_TESTS)
  find_package(GTest 1.12 REQUIRED)
  # Loads what the tokenizer room writes; the product has its own reader and search.
  pkg_check_modules(SENTENCEPIECE REQUIRED IMPORTED_TARGET sentencepiece)
endif()

# SPDX-License-Identifier: Apache-2.0
# REEL_WITH_CUDA AUTO becomes ON where nvcc is found, else OFF: then nothing of CUDA is needed.
if(REEL_WITH_CUDA STREQUAL "AUTO")
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    set(REEL_WITH_CUDA ON)
  else()
    set(REEL_WITH_CUDA OFF)
  endif()
endif()

if(REEL_WITH_CUDA)
  # A build for this machine: its GPU, or the reference card's where there is none. What is handed
  # out is built for all of them (preset dist): Ampere, Ada, Hopper, Blackwell, and PTX of the last
  # for what follows.
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    execute_process(COMMAND nvidia-smi --query-gpu=compute_cap --format=csv,noheader
                    OUTPUT_VARIABLE found ERROR_QUIET RESULT_VARIABLE failed)
    string(REGEX MATCH "^[0-9]+\\.[0-9]+" capability "${found}")
    string(REPLACE "." "" architecture "${capability}")
    if(failed OR NOT architecture)
      set(architecture 89)
    endif()
    set(CMAKE_CUDA_ARCHITECTURES ${architecture}-real
        CACHE STRING "CUDA architectures to compile for")
  endif()
  if(NOT DEFINED CMAKE_CUDA_HOST_COMPILER)
    set(CMAKE_CUDA_HOST_COMPILER ${CMAKE_CXX_COMPILER})
  endif()
  set(CMAKE_CUDA_RUNTIME_LIBRARY Static)
  enable_language(CUDA)
  # CMake 3.25.1, Debian 12's, fails on CUDA 13, which has no nvToolsExt any more, in projects that need 3.25.
  set(reel_needs_cmake ${CMAKE_MINIMUM_REQUIRED_VERSION})
  set(CMAKE_MINIMUM_REQUIRED_VERSION 3.24)
  find_package(CUDAToolkit 12.8 REQUIRED)
  set(CMAKE_MINIMUM_REQUIRED_VERSION ${reel_needs_cmake})
  # CMake 3.25 does not know nvcc's flag for C++20.
  if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
    set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
    set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
  endif()
  # Lines for profiles and compute-sanitizer. The architectures of a file are compiled side by side.
  set(CMAKE_CUDA_FLAGS "${CMAKE_CUDA_FLAGS} -lineinfo --threads 0")
endif()

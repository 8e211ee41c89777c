# SPDX-License-Identifier: Apache-2.0
# The standard library's headers and the JSON library's, parsed once for all rooms: a third of the
# time to compile a file.
# Files include what they use all the same; builds without this (presets dev, ubsan and tsan; ccache,
# which would not cache objects made so) fail where one does not.
option(REEL_PRECOMPILE_HEADERS "Parse the headers that most files include once" ON)
if(CMAKE_CXX_COMPILER_LAUNCHER)
  set(REEL_PRECOMPILE_HEADERS OFF)
endif()

# GCC 12 warns about its own std::string and std::vector once they are precompiled: what it concludes
# from the flow of values is left to the other builds. Where a file's flags do not fit, it says so and
# parses the headers.
set(precompiled_flags -Wno-array-bounds -Wno-free-nonheap-object -Wno-maybe-uninitialized
    -Wno-stringop-overflow -Wno-stringop-overread -Wno-use-after-free -Wno-error=invalid-pch
    # Its garbage collection walks the precompiled headers each time: only above 512 MiB.
    --param=ggc-min-heapsize=524288)

# Code that runs a few times in a run of the program: compiling it at -O3 costs more than that gains.
if(REEL_SANITIZE)
  set(seldom_run_options -O0)  # half the time of -O1
else()
  set(seldom_run_options $<$<CONFIG:Release>:-O1>)
endif()

# reel_add_headers(<target> OPTIONS <flag>...): a target that holds the headers, compiled with the flags.
function(reel_add_headers target)
  cmake_parse_arguments(HEADERS "" "" "OPTIONS" ${ARGN})
  file(CONFIGURE OUTPUT ${target}.cpp CONTENT "// Holds the precompiled headers.\n")
  add_library(${target} STATIC ${CMAKE_CURRENT_BINARY_DIR}/${target}.cpp)
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_compile_options(${target} PRIVATE ${HEADERS_OPTIONS})
  target_link_libraries(${target} PRIVATE reel_warnings)
  target_precompile_headers(${target} PRIVATE
    <algorithm> <array> <chrono> <cmath> <cstdint> <cstdio> <cstring> <filesystem> <fstream>
    <functional> <map> <memory> <mutex> <optional> <set> <span> <sstream> <string> <string_view>
    <thread> <utility> <vector> <nlohmann/json.hpp>)
endfunction()

if(REEL_PRECOMPILE_HEADERS)
  reel_add_headers(reel_headers)
  # Clang takes headers only where __OPTIMIZE__ is what it was when they were compiled.
  if(REEL_SANITIZE)
    reel_add_headers(reel_seldom_run_headers OPTIONS ${seldom_run_options})
  endif()
endif()

# reel_precompile_headers(<target> [SELDOM_RUN]): the target's C++ files are compiled with them; with
# SELDOM_RUN they have the flags of seldom_run_options. Not for targets whose flags define macros that
# these headers ask for.
function(reel_precompile_headers target)
  cmake_parse_arguments(TARGET "SELDOM_RUN" "" "" ${ARGN})
  if(NOT REEL_PRECOMPILE_HEADERS)
    return()
  endif()
  set(headers reel_headers)
  if(TARGET_SELDOM_RUN AND TARGET reel_seldom_run_headers)
    set(headers reel_seldom_run_headers)
  endif()
  target_precompile_headers(${target} REUSE_FROM ${headers})
  target_compile_options(${target} PRIVATE
    "$<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CXX_COMPILER_ID:GNU>>:${precompiled_flags}>")
endfunction()

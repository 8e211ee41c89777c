# SPDX-License-Identifier: Apache-2.0
# The standard library's headers, parsed once for all rooms: a third of the time to compile a file.
# Files include what they use all the same; builds without this (presets dev, ubsan and tsan; ccache,
# which would not cache objects made so) fail where one does not.
option(REEL_PRECOMPILE_HEADERS "Parse the headers of the standard library once" ON)
if(CMAKE_CXX_COMPILER_LAUNCHER)
  set(REEL_PRECOMPILE_HEADERS OFF)
endif()

# GCC 12 warns about its own std::string and std::vector once they are precompiled: what it concludes
# from the flow of values is left to the other builds. Where a file's flags do not fit, it says so and
# parses the headers.
set(precompiled_flags -Wno-array-bounds -Wno-free-nonheap-object -Wno-maybe-uninitialized
    -Wno-stringop-overflow -Wno-stringop-overread -Wno-use-after-free -Wno-error=invalid-pch)

# reel_precompile_headers(<target>): the target's C++ files are compiled with them. Not for targets
# whose flags define macros that these headers ask for.
function(reel_precompile_headers target)
  if(REEL_PRECOMPILE_HEADERS)
    target_precompile_headers(${target} REUSE_FROM reel_headers)
    target_compile_options(${target} PRIVATE
      "$<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CXX_COMPILER_ID:GNU>>:${precompiled_flags}>")
  endif()
endfunction()

if(REEL_PRECOMPILE_HEADERS)
  file(CONFIGURE OUTPUT headers.cpp CONTENT "// Holds the precompiled headers.\n")
  add_library(reel_headers STATIC ${CMAKE_CURRENT_BINARY_DIR}/headers.cpp)
  target_compile_features(reel_headers PUBLIC cxx_std_20)
  target_link_libraries(reel_headers PRIVATE reel_warnings)
  target_precompile_headers(reel_headers PRIVATE
    <algorithm> <array> <chrono> <cmath> <cstdint> <cstdio> <cstring> <filesystem> <fstream>
    <functional> <map> <memory> <mutex> <optional> <set> <span> <sstream> <string> <string_view>
    <thread> <utility> <vector>)
endif()

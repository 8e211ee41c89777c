# SPDX-License-Identifier: Apache-2.0
# Several files of a target compiled as one: the headers that they share are parsed, and the templates
# made, once. Less than half of the time to compile everything; after a change, its neighbours are
# compiled too.
# Files stand alone all the same, and the names in their unnamed namespaces differ within a target:
# builds without this (presets dev, ubsan and tsan; ccache, which wants small objects) fail where a
# file needs its neighbour.
option(REEL_UNITY_BUILD "Compile several files of a target as one" ON)
if(CMAKE_CXX_COMPILER_LAUNCHER)
  set(REEL_UNITY_BUILD OFF)
endif()
set(CMAKE_UNITY_BUILD ${REEL_UNITY_BUILD})
set(CMAKE_UNITY_BUILD_BATCH_SIZE 16 CACHE STRING "How many; 0: all of a target")

# SPDX-License-Identifier: Apache-2.0
# reel_room(<name> [SOURCES <file>...] [DEPS <room>...] [LINKS <target>...] [LIBS <target>...]
#           [OWN_FLAGS] [SELDOM_RUN])
#
# One folder under src/ = one library = one line in the dependency list.
#   DEPS   rooms it may include; tools/check_rooms.py reads the same list
#   LINKS  our own targets it links; when left out, the rooms in DEPS
#   LIBS   libraries from outside, private to the room
#   OWN_FLAGS   its files are compiled one by one and without the precompiled headers
#   SELDOM_RUN  its code runs a few times in a run of the program: compiling it at -O3 costs more
#               than that gains
function(reel_room name)
  cmake_parse_arguments(ROOM "OWN_FLAGS;SELDOM_RUN" "" "SOURCES;DEPS;LINKS;LIBS" ${ARGN})
  string(REPLACE "/" "_" target "reel_${name}")
  if(ROOM_SOURCES)
    set(scope PUBLIC)
    add_library(${target} STATIC ${ROOM_SOURCES})
    target_link_libraries(${target} PRIVATE reel_warnings ${ROOM_LIBS})
    set(seldom_run)
    if(ROOM_SELDOM_RUN)
      target_compile_options(${target} PRIVATE ${seldom_run_options})
      set(seldom_run SELDOM_RUN)
    endif()
    if(ROOM_OWN_FLAGS)
      set_target_properties(${target} PROPERTIES UNITY_BUILD OFF)
    else()
      reel_precompile_headers(${target} ${seldom_run})
    endif()
  else()  # headers only, as core/numerics
    set(scope INTERFACE)
    add_library(${target} INTERFACE)
  endif()
  target_include_directories(${target} ${scope} ${PROJECT_SOURCE_DIR}/src
                                                ${PROJECT_SOURCE_DIR}/include)
  target_compile_features(${target} ${scope} cxx_std_20)
  if(NOT ROOM_LINKS)
    list(TRANSFORM ROOM_DEPS REPLACE "/" "_")
    list(TRANSFORM ROOM_DEPS PREPEND "reel_" OUTPUT_VARIABLE ROOM_LINKS)
  endif()
  target_link_libraries(${target} ${scope} ${ROOM_LINKS})
endfunction()

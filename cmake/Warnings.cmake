# SPDX-License-Identifier: Apache-2.0
# The flags of our own code: warnings are errors.
# Files that are compiled as one see each other's names: a local that has the same is no mistake.
set(shadow -Wshadow)
if(REEL_UNITY_BUILD)
  set(shadow $<IF:$<CXX_COMPILER_ID:GNU>,-Wshadow=local,-Wno-shadow>
             $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
endif()
add_library(reel_warnings INTERFACE)
target_compile_options(reel_warnings INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Werror;${shadow};-Wnon-virtual-dtor;-Wimplicit-fallthrough>
  $<$<COMPILE_LANGUAGE:CUDA>:-Werror=all-warnings;-Xcompiler=-Wall,-Wextra,-Werror,-Wno-missing-field-initializers>
  # GCC 12 warns about members with defaults that designated initialisers leave out.
  $<$<COMPILE_LANGUAGE:CXX>:-Wno-missing-field-initializers>
  # GCC 12 sees overlapping copies inside std::string (its bug 105651).
  $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CXX_COMPILER_ID:GNU>>:-Wno-restrict>)
if(REEL_SANITIZE)
  add_compile_options(-fsanitize=${REEL_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${REEL_SANITIZE})
  if(REEL_SANITIZE MATCHES undefined AND CMAKE_CXX_COMPILER_ID STREQUAL Clang)
    # C functions of libraries opened at run time are called with structs of our own.
    add_compile_options(-fno-sanitize=function)
  endif()
endif()
if(REEL_WITH_FUZZERS)
  # libFuzzer steers by the edges that a run takes, in every room.
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

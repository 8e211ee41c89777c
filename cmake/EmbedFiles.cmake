# SPDX-License-Identifier: Apache-2.0
# cmake -DFOLDER=... -DFILES=a,b -DOUT=page_files.cpp -P EmbedFiles.cmake: a C++ source with the
# bytes of those files, their types and an ETag from their content. index.html is "/", the others
# are "/page/NAME".
cmake_minimum_required(VERSION 3.25)

set(type_html "text/html; charset=utf-8")
set(type_css "text/css; charset=utf-8")
set(type_js "text/javascript; charset=utf-8")
set(type_svg "image/svg+xml")

string(REPLACE "," ";" names "${FILES}")
set(rows "")
foreach(name IN LISTS names)
  string(REGEX REPLACE ".*\\." "" extension "${name}")
  if(NOT DEFINED type_${extension})
    message(FATAL_ERROR "${name}: no type is known for .${extension}")
  endif()
  set(path "/page/${name}")
  if(name STREQUAL "index.html")
    set(path "/")
  endif()
  file(READ "${FOLDER}/${name}" hex HEX)
  string(REGEX REPLACE "(..)" "\\\\x\\1" bytes "${hex}")
  # A literal per 32 bytes keeps the lines short; the compiler joins them.
  string(REPEAT "...." 32 row)
  string(REGEX REPLACE "(${row})" "\\1\"\n     \"" bytes "${bytes}")
  file(SHA256 "${FOLDER}/${name}" digest)
  string(SUBSTRING "${digest}" 0 32 digest)
  string(APPEND rows "    {\"${path}\", \"${type_${extension}}\", R\"(\"${digest}\")\",\n"
                     "     \"${bytes}\"sv},\n")
endforeach()

file(WRITE "${OUT}" "// Made by cmake/EmbedFiles.cmake.
#include \"server/page/page_files.h\"

namespace reel::server {
namespace {

using namespace std::string_view_literals;

constexpr PageFile kFiles[] = {
${rows}};

}  // namespace

std::span<const PageFile> page_files() { return kFiles; }

}  // namespace reel::server
")

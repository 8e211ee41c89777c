# SPDX-License-Identifier: Apache-2.0
# REEL_WITH_PYTHON AUTO becomes ON where pybind11 and Python's headers are found. Not with
# sanitizers: the interpreter that loads the module has none.
if(REEL_WITH_PYTHON AND NOT REEL_SANITIZE)
  # Debian's interpreter, which has its numpy and pytest; another may stand before it on the PATH.
  # pip's build names its own.
  if(NOT SKBUILD AND NOT Python_EXECUTABLE AND EXISTS /usr/bin/python3)
    set(Python_EXECUTABLE /usr/bin/python3)
  endif()
  if(NOT REEL_WITH_PYTHON STREQUAL "AUTO")
    set(needed REQUIRED)
  endif()
  find_package(Python 3.10 COMPONENTS Interpreter Development.Module ${needed})
  find_package(pybind11 2.10 CONFIG ${needed})
endif()
if(Python_FOUND AND pybind11_FOUND)
  set(REEL_WITH_PYTHON ON)
else()
  set(REEL_WITH_PYTHON OFF)
endif()

# SPDX-License-Identifier: Apache-2.0
# libreel.so for C++ programs: all rooms but the command line in one shared library, which shows
# what include/reel declares and nothing else. Shared, so that a program needs none of Reel's own
# dependencies to link it. Component `dev` installs it with the headers, a CMake package and a
# pkg-config file (docs/CPP.md).
set(REEL_API_ROOMS reel_base reel_hub reel_compat_lightx2v_run reel_pipeline reel_pipeline_bench
                   reel_pipeline_doctor reel_pipeline_eval reel_pipeline_synth)
file(CONFIGURE OUTPUT libreel.cpp CONTENT "// A target needs a file; the rooms are the library.\n")
add_library(reel_shared SHARED ${PROJECT_BINARY_DIR}/libreel.cpp)
target_link_libraries(reel_shared PRIVATE ${REEL_API_ROOMS})
# Whole: that file asks for none of their objects. Not with CMake's WHOLE_ARCHIVE, which repeats an
# archive that others depend on.
list(TRANSFORM REEL_API_ROOMS REPLACE "(.+)" "$<TARGET_FILE:\\1>" OUTPUT_VARIABLE archives)
string(REPLACE ";" "," archives "${archives}")
set(exported ${PROJECT_SOURCE_DIR}/cmake/libreel.map)
target_link_options(reel_shared PRIVATE -Wl,--whole-archive,${archives},--no-whole-archive
                                        -Wl,--version-script=${exported} -Wl,--no-undefined)
target_include_directories(reel_shared INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
                                                 $<INSTALL_INTERFACE:include>)
target_compile_features(reel_shared INTERFACE cxx_std_17)
# Before 1.0 a minor version may change the interface.
set_target_properties(reel_shared PROPERTIES
  OUTPUT_NAME reel EXPORT_NAME reel
  LINK_DEPENDS ${exported}
  VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
  LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
# MP4 files, where FFmpeg is installed.
add_dependencies(reel_shared reel_ffmpeg)

include(CMakePackageConfigHelpers)
file(CONFIGURE OUTPUT reelConfig.cmake @ONLY
     CONTENT "include(\"\${CMAKE_CURRENT_LIST_DIR}/reelTargets.cmake\")\n")
write_basic_package_version_file(${PROJECT_BINARY_DIR}/reelConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
configure_file(cmake/reel.pc.in reel.pc @ONLY)
install(TARGETS reel_shared EXPORT reelTargets LIBRARY DESTINATION lib COMPONENT dev)
install(EXPORT reelTargets NAMESPACE reel:: DESTINATION lib/cmake/reel COMPONENT dev)
install(FILES ${PROJECT_BINARY_DIR}/reelConfig.cmake ${PROJECT_BINARY_DIR}/reelConfigVersion.cmake
        DESTINATION lib/cmake/reel COMPONENT dev)
install(FILES ${PROJECT_BINARY_DIR}/reel.pc DESTINATION lib/pkgconfig COMPONENT dev)
install(DIRECTORY include/reel DESTINATION include COMPONENT dev)

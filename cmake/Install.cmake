# SPDX-License-Identifier: Apache-2.0
# `cmake --install`: the program, its module for FFmpeg and the demo model, each found relative to
# the program. scripts/make_dist.sh adds the libraries that a bare system lacks.
install(TARGETS reel RUNTIME DESTINATION bin)
install(TARGETS reel_ffmpeg reel_httplib LIBRARY DESTINATION lib)
install(DIRECTORY models/demo/ DESTINATION share/reel/demo PATTERN preview.png EXCLUDE)
# A script finds the configs two folders up.
install(DIRECTORY configs DESTINATION share/reel)
install(DIRECTORY scripts/wan DESTINATION share/reel/scripts USE_SOURCE_PERMISSIONS)
install(FILES LICENSE README.md CHANGELOG.md DESTINATION share/doc/reel)

# Component `gpu_tests`: what is run on a machine with a GPU that has no packages and no sources.
if(REEL_WITH_TESTS AND REEL_WITH_CUDA)
  install(TARGETS parity_cuda_attention parity_cuda_conv parity_cuda_linear parity_cuda_norm
                  parity_cuda_rows unit_cuda_driver
          RUNTIME DESTINATION bin COMPONENT gpu_tests EXCLUDE_FROM_ALL)
  # What bench/gpu/faults.py loads into the program.
  install(TARGETS spoil_reads lose_gpu
          LIBRARY DESTINATION lib COMPONENT gpu_tests EXCLUDE_FROM_ALL)
  if(REEL_WITH_BENCHMARKS)
    install(TARGETS bench_attention bench_conv bench_products bench_rows
            RUNTIME DESTINATION bin COMPONENT gpu_tests EXCLUDE_FROM_ALL)
  endif()
endif()

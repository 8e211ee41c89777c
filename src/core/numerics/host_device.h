// SPDX-License-Identifier: Apache-2.0
// The mark of functions that both the host and the CUDA compiler build.
#pragma once

#if defined(__CUDACC__)
#define REEL_HOST_DEVICE __host__ __device__
#else
#define REEL_HOST_DEVICE
#endif

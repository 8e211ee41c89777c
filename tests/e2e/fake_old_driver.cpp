// SPDX-License-Identifier: Apache-2.0
// A libcuda.so.1 as old as the runtime's own check cares for: it answers for CUDA 11.4 and has
// nothing else.
extern "C" {
int cuInit(unsigned /*flags*/) { return 0; }
int cuDriverGetVersion(int* version) {
  *version = 11040;
  return 0;
}
}

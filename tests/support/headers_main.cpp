// SPDX-License-Identifier: Apache-2.0
// The program that precompiled headers belong to (tests/CMakeLists.txt).
int main() {}

// SPDX-License-Identifier: Apache-2.0
// Models that are not here, names that cannot be downloaded, and removals that must not happen.
#include <fstream>

#include "e2e/scene.h"

namespace reel::test {

std::vector<Case> download_cases() {
  return {
      {"model-not-pulled",
       [](Scene& s) {
         s.generate({"--model", "wan2.1-t2v-14b-fp8"});
       }},
      {"pull-nothing", [](Scene& s) { s.reel({"pull"}); }},
      {"pull-unknown-name",
       [](Scene& s) {
         s.reel({"pull", "wan3-t2v"});
       }},
      {"pull-address",
       [](Scene& s) {
         s.reel({"pull", "https://huggingface.co/maker/model"});
       }},
      {"pull-catalogue-include",
       [](Scene& s) {
         s.reel({"pull", "wan2.1-t2v-14b-fp8", "--include", "*.json"});
       }},
      {"pull-connections",
       [](Scene& s) {
         s.reel({"pull", "maker/model", "--connections", "1000"});
       }},
      {"pull-endpoint",
       [](Scene& s) {
         s.reel({"pull", "maker/model"});
         s.command.environment["HF_ENDPOINT"] = "huggingface.co";
       }},
      {"pull-offline",
       [](Scene& s) {
         s.reel({"pull", "maker/model"});
         s.command.environment["HF_HUB_OFFLINE"] = "1";
       }},
      {"pull-unreachable",
       [](Scene& s) {
         s.reel({"pull", "maker/model"});
         s.command.environment["HF_ENDPOINT"] = "http://127.0.0.1:9";
       }},
      {"pull-without-libcurl",
       [](Scene& s) {
         for (const char* name : {"libcurl.so.4", "libcurl-gnutls.so.4"}) {
           std::ofstream(s / name) << "no library";
         }
         s.reel({"pull", "maker/model"});
         s.command.environment["LD_LIBRARY_PATH"] = s.folder().string();
       }},
      {"models-unknown-action",
       [](Scene& s) {
         s.reel({"models", "remove", "model"});
       }},
      {"models-rm-unknown",
       [](Scene& s) {
         s.reel({"models", "rm", "other", "--yes"});
       }},
      {"models-rm-outside",
       [](Scene& s) {
         s.reel({"models", "rm", "../test/model", "--yes"});
         s.command.environment["REEL_MODELS"] = s.folder().string();
       }},
      {"models-rm-unasked",
       [](Scene& s) {
         s.reel({"models", "rm", "model"});
         s.command.environment["REEL_MODELS"] = s.folder().string();
       }},
  };
}

}  // namespace reel::test

// SPDX-License-Identifier: Apache-2.0
// Models that are not here, names that cannot be downloaded, and removals that must not happen.
#include <fstream>
#include <memory>

#include "e2e/hub_server.h"
#include "e2e/scene.h"

namespace reel::test {
namespace {

using nlohmann::json;

// reel pull of a repository with one small and one large file, whose hub answers requests for
// `match` with this fault, always.
void pull_with_fault(Scene& scene, const char* match, const char* kind, const json& more = {}) {
  json fault{{"match", match}, {"kind", kind}};
  if (more.is_object()) fault.update(more);
  write_file(scene / "hub/maker/model/config.json", "{}");
  write_file(scene / "hub/maker/model/large.bin", random_bytes(1'100'000, 3));
  const auto hub = std::make_shared<HubServer>(scene / "hub", json::array({fault}));
  scene.reel({"pull", "maker/model"});
  scene.command.environment["HF_ENDPOINT"] = hub->endpoint();
  scene.beside = hub;
}

}  // namespace

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
      {"pull-unauthorised",
       [](Scene& s) {
         pull_with_fault(s, "/revision/", "status", {{"status", 401}});
       }},
      {"pull-forbidden",
       [](Scene& s) {
         pull_with_fault(s, "/revision/", "status", {{"status", 403}});
         s.command.environment["HF_TOKEN"] = "hf_of_somebody";
       }},
      {"pull-absent",
       [](Scene& s) {
         pull_with_fault(s, "/revision/", "status", {{"status", 404}});
       }},
      {"pull-too-many-requests",
       [](Scene& s) {
         pull_with_fault(s, "resolve", "status",
                         {{"status", 429}, {"headers", {{"Retry-After", "3600"}}}});
       }},
      {"pull-other-bytes", [](Scene& s) { pull_with_fault(s, "cdn", "corrupt"); }},
      {"pull-no-space",
       [](Scene& s) {
         pull_with_fault(s, "/tree/", "size", {{"more", int64_t{1} << 42}});
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

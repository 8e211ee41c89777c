// SPDX-License-Identifier: Apache-2.0
#include "e2e/hub_server.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <random>
#include <stdexcept>
#include <thread>

namespace reel::test {
namespace fs = std::filesystem;
using nlohmann::json;

HubServer::HubServer(const fs::path& root, const json& faults) {
  write_file(folder_ / "faults", faults.dump());
  const std::string words[] = {"python3",
                               REEL_HUB_SERVER,
                               root.string(),
                               (folder_ / "faults").string(),
                               (folder_ / "ports").string(),
                               (folder_ / "log").string()};
  pid_ = ::fork();
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::execlp("python3", words[0].c_str(), words[1].c_str(), words[2].c_str(), words[3].c_str(),
             words[4].c_str(), words[5].c_str(), nullptr);
    ::_exit(126);
  }
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!fs::exists(folder_ / "ports")) {
    if (std::chrono::steady_clock::now() > end || ::waitpid(pid_, nullptr, WNOHANG) == pid_) {
      throw std::runtime_error("hub_server.py does not start");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  std::ifstream file(folder_ / "ports");
  const json ports = json::parse(file);
  hub_port_ = ports.at("hub");
  cdn_port_ = ports.at("cdn");
}

HubServer::~HubServer() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

std::string HubServer::url(const std::string& server) const {
  return "http://127.0.0.1:" + std::to_string(server == "hub" ? hub_port_ : cdn_port_);
}

std::vector<HubServer::Request> HubServer::requests() const {
  std::vector<Request> all;
  std::ifstream log(folder_ / "log");
  const auto text = [](const json& value) {
    return value.is_string() ? value.get<std::string>() : "";
  };
  for (std::string line; std::getline(log, line);) {
    const json one = json::parse(line);
    all.push_back({.server = one.at("server"),
                   .path = one.at("path"),
                   .range = text(one.at("range")),
                   .token = text(one.at("token")),
                   .status = one.at("status")});
  }
  return all;
}

size_t HubServer::file_requests() const {
  size_t count = 0;
  for (const Request& request : requests())
    count += request.path.find("/api/") == std::string::npos;
  return count;
}

std::string random_bytes(size_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::string bytes(count, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

void write_file(const fs::path& path, const std::string& content) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << content;
}

}  // namespace reel::test

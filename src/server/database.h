// SPDX-License-Identifier: Apache-2.0
// SQLite behind two classes: an open file, and one statement on its way through its rows.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

struct sqlite3;
struct sqlite3_stmt;

namespace reel::server {

// Not for several threads at once. What the database refuses is kIo, naming the file.
class Database {
 public:
  explicit Database(const std::filesystem::path& path);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Statements without values and rows.
  void execute(const std::string& sql);
  int64_t last_inserted() const;
  int changes() const;

 private:
  friend class Statement;
  [[noreturn]] void refuse() const;

  std::filesystem::path path_;
  sqlite3* handle_ = nullptr;
};

class Statement {
 public:
  // `sql` has a ? for each value.
  Statement(Database& database, const std::string& sql);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  // Fills the next ?.
  Statement& with(int64_t value);
  Statement& with(double value);
  Statement& with(const std::string& value);

  // To the next row; false after the last.
  bool next();
  void run() { next(); }

  // Of the row: its columns from the left, one after the other.
  int64_t integer();
  double real();
  std::string text();

 private:
  Database& database_;
  sqlite3_stmt* handle_ = nullptr;
  int bound_ = 0;
  int column_ = 0;
};

}  // namespace reel::server

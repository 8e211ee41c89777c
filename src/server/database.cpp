// SPDX-License-Identifier: Apache-2.0
#include "server/database.h"

#include <sqlite3.h>

#include "base/error.h"

namespace reel::server {

Database::Database(const std::filesystem::path& path) : path_(path) {
  // The object's own thread rule makes SQLite's locks needless.
  constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  if (sqlite3_open_v2(path.c_str(), &handle_, kFlags, nullptr) != SQLITE_OK) {
    const std::string why = sqlite3_errmsg(handle_);
    sqlite3_close(handle_);
    fail(ErrorCode::kIo, str_cat("Cannot open the job list \"", path.string(), "\": ", why, '.'),
         "Choose another folder with --data.");
  }
  sqlite3_extended_result_codes(handle_, 1);
}

Database::~Database() { sqlite3_close(handle_); }

void Database::refuse() const {
  const int code = sqlite3_errcode(handle_);
  if (code == SQLITE_BUSY) {
    fail(ErrorCode::kBusy, str_cat("Another server uses the job list \"", path_.string(), "\"."),
         "Stop it, or choose another folder with --data.");
  }
  const ErrorCode kind =
      code == SQLITE_CORRUPT || code == SQLITE_NOTADB ? ErrorCode::kBadFile : ErrorCode::kIo;
  fail(kind, str_cat("The job list \"", path_.string(), "\": ", sqlite3_errmsg(handle_), '.'),
       kind == ErrorCode::kBadFile ? "Move it away; a new one is begun."
                                   : "Free some space, or choose another folder with --data.");
}

void Database::execute(const std::string& sql) {
  if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) refuse();
}

int64_t Database::last_inserted() const { return sqlite3_last_insert_rowid(handle_); }
int Database::changes() const { return sqlite3_changes(handle_); }

Statement::Statement(Database& database, const std::string& sql) : database_(database) {
  if (sqlite3_prepare_v2(database.handle_, sql.c_str(), -1, &handle_, nullptr) != SQLITE_OK) {
    database_.refuse();
  }
}

Statement::~Statement() { sqlite3_finalize(handle_); }

Statement& Statement::with(int64_t value) {
  if (sqlite3_bind_int64(handle_, ++bound_, value) != SQLITE_OK) database_.refuse();
  return *this;
}

Statement& Statement::with(double value) {
  if (sqlite3_bind_double(handle_, ++bound_, value) != SQLITE_OK) database_.refuse();
  return *this;
}

Statement& Statement::with(const std::string& value) {
  if (sqlite3_bind_text(handle_, ++bound_, value.data(), static_cast<int>(value.size()),
                        SQLITE_TRANSIENT) != SQLITE_OK) {
    database_.refuse();
  }
  return *this;
}

bool Statement::next() {
  column_ = 0;
  const int code = sqlite3_step(handle_);
  if (code != SQLITE_ROW && code != SQLITE_DONE) database_.refuse();
  return code == SQLITE_ROW;
}

int64_t Statement::integer() { return sqlite3_column_int64(handle_, column_++); }
double Statement::real() { return sqlite3_column_double(handle_, column_++); }

std::string Statement::text() {
  const int column = column_++;
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
  return bytes == nullptr
             ? std::string()
             : std::string(bytes, static_cast<size_t>(sqlite3_column_bytes(handle_, column)));
}

}  // namespace reel::server

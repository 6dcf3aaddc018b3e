// A file that can be read from its start more than once.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "triune/status.h"

namespace triune::intake {

class InputFile {
 public:
  /// Opens `path`; what is no regular file ("-", a pipe) is copied to a temporary file that nobody else sees. Errors:
  /// `not_found`, `unavailable`.
  static Result<InputFile> open(const std::filesystem::path& path);

  InputFile(InputFile&& other) noexcept;
  InputFile& operator=(InputFile&&) = delete;
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  ~InputFile();

  /// A path at which the content can be opened, as long as this lives.
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// What people call it.
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::uint64_t size() const { return size_; }

 private:
  InputFile(int descriptor, std::string name);

  int descriptor_ = -1;
  std::filesystem::path path_;
  std::string name_;
  std::uint64_t size_ = 0;
};

}  // namespace triune::intake

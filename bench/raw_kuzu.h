// The peer Kuzu: its C++ interface with the least around it. Statements are prepared once, by their text.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace triune::bench {

/// One database and one connection, in the use of one thread at a time.
class RawKuzu {
 public:
  using Texts = std::vector<std::pair<std::string, std::string>>;  ///< `$name` and its value.

  RawKuzu(const std::filesystem::path& path, std::uint64_t pool_bytes);
  ~RawKuzu();
  RawKuzu(const RawKuzu&) = delete;
  RawKuzu& operator=(const RawKuzu&) = delete;

  void run(std::string_view cypher);
  void run(std::string_view cypher, const Texts& parameters);
  /// The integer in the first column of the first row, or 0 without one.
  std::int64_t one(std::string_view cypher, const Texts& parameters);

 private:
  struct Native;
  std::unique_ptr<Native> native_;
};

}  // namespace triune::bench

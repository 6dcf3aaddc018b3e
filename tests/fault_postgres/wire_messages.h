// Finding the messages of PostgreSQL's protocol in a stream of bytes: enough of it to notice a COMMIT.
#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace triune::testing {

/// Cuts one direction of a connection without TLS into whole messages.
class MessageSplitter {
 public:
  /// `untyped_first`: the first message is the client's start, which has no letter in front.
  explicit MessageSplitter(bool untyped_first) : untyped_(untyped_first) {}

  void add(std::string_view bytes) { pending_ += bytes; }
  /// The next whole message with its head, or nothing yet.
  std::optional<std::string> next();

 private:
  std::string pending_;
  bool untyped_;
};

/// What a client has prepared, and whether a message of it runs a COMMIT.
class ClientMessages {
 public:
  /// Whether this message makes the server commit.
  bool commits(std::string_view message);

 private:
  std::set<std::string, std::less<>> commit_statements_;  // names
};

/// Whether a server's message says that a COMMIT was done.
bool says_committed(std::string_view message);

}  // namespace triune::testing

// An S3 server of its own for a test, where `./dev test --with lancedb` brought one.
#pragma once

#include <memory>
#include <string>

namespace triune::testing {

class ChildProcess;

/// Thread rule: belongs to one thread. Its objects are in its memory and go with it.
class S3Server {
 public:
  /// Whether there is one to start.
  static bool is_installed();

  /// Starts it on a free port, makes a bucket and sets AWS_ENDPOINT and the rest of the environment that clients read,
  /// for the processes started from here on. Throws when it does not start.
  S3Server();
  ~S3Server();
  S3Server(const S3Server&) = delete;
  S3Server& operator=(const S3Server&) = delete;

  [[nodiscard]] const std::string& bucket() const { return bucket_; }
  /// Puts the objects of the one folder below `from` in place of those of the one folder below `to`.
  void replace_folder(const std::string& from, const std::string& to) const;
  /// Removes the objects below `prefix` in whose keys `part` is; returns how many there were.
  int remove(const std::string& prefix, const std::string& part = "") const;

 private:
  std::string bucket_ = "vectors";
  std::unique_ptr<ChildProcess> process_;
};

}  // namespace triune::testing

// What a search met among codes, and how the nearest of it are found: records are read in the order of the codes'
// scores, until the next one is so far that, with the errors seen until then, it would not be among the nearest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "adapters/usearch/part.h"
#include "adapters/usearch/probe.h"
#include "adapters/usearch/selection.h"

namespace triune::adapters::usearch {

/// Thread rule: one thread.
class Candidates {
 public:
  struct Candidate {
    std::uint32_t part = 0;
    Row row = 0;
    float score = 0;  ///< By codes.
  };

  /// `count` are wanted, `most` records read. The arguments must outlive the object.
  Candidates(std::span<const Part> parts, Probes& probes, std::size_t count, std::size_t most)
      : parts_(parts), probes_(probes), count_(count), most_(most) {}

  void add(const Candidate& candidate) { all_.push_back(candidate); }
  /// The score of the `kept`-th nearest; infinity where there are fewer.
  [[nodiscard]] float bound(std::size_t kept);
  /// Offers the nearest to `nearest`, in which others may be already, by their scores as Scorer has them.
  Status settle(Nearest& nearest);

 private:
  // How far scores by records are from those by codes.
  class Errors {
   public:
    void add(double error) {
      ++count_;
      sum_ += error;
      squares_ += error * error;
    }
    /// The least that a score by record is expected to be for one by code, so many deviations from the mean.
    [[nodiscard]] double least(double score, double deviations) const;

   private:
    double count_ = 0;
    double sum_ = 0;
    double squares_ = 0;
  };

  Status read(std::span<Candidate> some, Nearest& nearest, Errors& errors) const;

  std::span<const Part> parts_;
  Probes& probes_;
  std::size_t count_;
  std::size_t most_;
  std::vector<Candidate> all_;
  std::vector<float> scores_;
};

}  // namespace triune::adapters::usearch

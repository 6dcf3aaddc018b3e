// What is sent to an endpoint and what comes back, as text. Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "triune/status.h"

namespace triune::adapters::openai {

/// The body of a request for `texts`. `dimension` is asked for where the model can shorten its vectors.
std::string request_body(const std::string& model, std::span<const std::string> texts, std::uint32_t dimension);

/// The vectors of an answer in the order of the texts. Error: `unavailable` for anything that is no such answer, with
/// what was wrong: a proxy's page, a missing or a repeated index.
Result<std::vector<std::vector<float>>> read_vectors(std::string_view body, std::size_t texts);

/// What an answer says of its failure, at most 300 bytes; `secret` is struck out wherever it occurs.
std::string read_complaint(std::string_view body, const std::string& secret);

}  // namespace triune::adapters::openai

// What a collection says of an endpoint: the model, where it is, and which variable holds the key.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "triune/status.h"

namespace triune::adapters::openai {

/// An endpoint, ready to be asked.
struct Endpoint {
  std::string model;         ///< As the endpoint calls it.
  std::string url;           ///< Of the embeddings, complete.
  std::string key;           ///< Secret: goes into one header and nowhere else. Empty: the endpoint wants none.
  std::string key_variable;  ///< Where the key came from, for messages.
};

/// A variable of the environment; nothing when it is not set or empty.
using Environment = std::function<std::optional<std::string>(const std::string& variable)>;

/// Reads "MODEL", "MODEL@URL" or "MODEL@URL#VARIABLE". Without a URL it is OPENAI_BASE_URL or OpenAI's own, and the key
/// is in OPENAI_API_KEY. A URL of the caller's gets a key only from the variable that is named with it, so that no key
/// goes to a server it was not meant for. Errors: `invalid_argument` for a name that is none, a URL with a user or a
/// query, a variable that is not set, and a key that would travel unencrypted to another machine. Does not block.
Result<Endpoint> read_endpoint(std::string_view name, const Environment& environment);

}  // namespace triune::adapters::openai

#include "modules/access/key_text.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "base/hash.h"
#include "triune/modules/access_keys.h"

namespace triune::modules::access {
namespace {

constexpr std::string_view alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::string_view start = "triune_";
constexpr std::size_t check_length = 6;
constexpr std::size_t key_length = start.size() + prefix_length + 1 + secret_length + check_length;

/// The first 32 bits of the SHA-256, to the base of 62.
std::string check_of(std::string_view text) {
  auto bits = std::strtoul(secret_hash(text).substr(0, 8).c_str(), nullptr, 16);
  std::string check(check_length, '0');
  for (auto& digit : check) {
    digit = alphabet[bits % alphabet.size()];
    bits /= alphabet.size();
  }
  return check;
}

bool is_plain(std::string_view text) {
  return text.find_first_not_of(alphabet) == std::string_view::npos;
}

}  // namespace

std::string random_text(std::size_t length) {
  constexpr unsigned fair = 256U / 62U * 62U;  // what is above would make the first characters likelier
  std::string text;
  std::array<std::uint8_t, 64> bytes{};
  while (text.size() < length) {
    if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
      std::abort();  // no secret is better than a weak one
    for (const auto byte : bytes)
      if (byte < fair && text.size() < length) text += alphabet[byte % alphabet.size()];
  }
  OPENSSL_cleanse(bytes.data(), bytes.size());
  return text;
}

std::string key_text(std::string_view prefix, std::string_view secret) {
  const auto text = fmt::format("{}{}_{}", start, prefix, secret);
  return text + check_of(text);
}

std::optional<KeyParts> parse_key(std::string_view text) {
  if (text.size() != key_length || !text.starts_with(start)) return std::nullopt;
  const KeyParts parts{text.substr(start.size(), prefix_length),
                       text.substr(start.size() + prefix_length + 1, secret_length)};
  if (text[start.size() + prefix_length] != '_' || !is_plain(parts.prefix) || !is_plain(parts.secret))
    return std::nullopt;
  if (check_of(text.substr(0, text.size() - check_length)) != text.substr(text.size() - check_length))
    return std::nullopt;
  return parts;
}

std::string secret_hash(std::string_view secret) {
  return base::sha256_hex(std::as_bytes(std::span(secret)));
}

bool equal_in_constant_time(std::string_view left, std::string_view right) {
  return left.size() == right.size() && CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

}  // namespace triune::modules::access

namespace triune {

bool is_well_formed_key(std::string_view text) noexcept {
  return modules::access::parse_key(text).has_value();
}

}  // namespace triune

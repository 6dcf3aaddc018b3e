#include "fault/writer_output.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>

namespace triune::testing {

void say(const std::string& line) {
  const auto text = line + "\n";
  if (::write(STDOUT_FILENO, text.data(), text.size()) != static_cast<ssize_t>(text.size())) std::_Exit(3);
}

void say_acknowledged(const std::string& thread, std::uint64_t number, std::uint64_t lsn) {
  say(fmt::format("ack {} {} {}", thread, number, lsn));
}

void give_up(std::string_view what, const Error& error) {
  say(fmt::format("error {}: {} ({} {} {})", what, error.message, to_string(error.code), error.native_code,
                  to_string(error.retry)));
  std::_Exit(2);
}

}  // namespace triune::testing

#include "base/failpoint.h"

#include <atomic>
#include <csignal>
#include <cstdlib>

namespace triune::base {
namespace {

struct Armed {
  std::string name;
  std::atomic<long> remaining{0};
  int signal = SIGKILL;
};

Armed* read_environment() {
  const char* text = std::getenv("TRIUNE_FAILPOINT");
  if (text == nullptr) return nullptr;
  auto* armed = new Armed;  // lives as long as the process: failpoints are reached until its end
  const std::string_view setting(text);
  const auto colon = setting.find(':');
  armed->name = std::string(setting.substr(0, colon));
  armed->remaining = colon == std::string_view::npos ? 1 : std::strtol(text + colon + 1, nullptr, 10);
  if (setting.ends_with(":stop")) armed->signal = SIGSTOP;
  return armed;
}

}  // namespace

void failpoint(std::string_view name) noexcept {
  static Armed* const armed = read_environment();
  if (armed == nullptr || armed->name != name) return;
  if (armed->remaining.fetch_sub(1) == 1) std::raise(armed->signal);
}

}  // namespace triune::base

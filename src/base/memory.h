// What the allocator keeps for later, given back to the system.
#pragma once

namespace triune::base {

/// Returns freed memory to the operating system; takes milliseconds, so only after work that held much. Any thread.
void release_free_memory() noexcept;

}  // namespace triune::base

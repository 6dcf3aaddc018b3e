// Identifiers made by the application, never by an engine.
#pragma once

#include <string>

namespace triune {

/// A new UUID version 7 (RFC 9562, section 5.7) in its 36-character form. Ids made by one process sort in the order
/// they were made, also within one millisecond. Safe from any thread.
std::string new_id();

}  // namespace triune

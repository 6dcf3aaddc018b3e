// A bulk load that a kill may interrupt: stations and the lines between them, through every path that loads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "triune/hive.h"

namespace triune::testing {

/// Enough for the engines' bulk paths.
inline constexpr std::uint64_t load_size = 20'000;

/// Loads `count` rows, nodes, twice as many edges and half as many vectors; to be run again after a kill. The file of
/// the rows is left beside `files`.
Status load_everything(Hive& hive, const std::filesystem::path& files, std::uint64_t count);

/// One number for what `load_everything` put into a hive.
Result<std::string> load_digest(Hive& hive);

/// The digest that a load of `load_size` leaves in a hive of its own when nothing disturbs it: on the store of this
/// run, or in a directory. Worked out once.
const std::string& undisturbed_load(bool on_server);

}  // namespace triune::testing

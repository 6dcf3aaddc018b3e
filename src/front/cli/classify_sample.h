// The characteristics of the rows of a CSV or JSON lines file.
#pragma once

#include <filesystem>
#include <optional>

#include "placement/classify.h"

namespace triune::front {

/// Reads the file through, holding a thousand cells of each column and the edges that pairs of columns such as source
/// and target make. Errors: those of reading, `cancelled` after Ctrl-C; rows that cannot be read are left out.
Result<placement::Characteristics> characteristics_of_sample(const std::filesystem::path& path,
                                                             std::optional<double> multi_hop_share);

}  // namespace triune::front

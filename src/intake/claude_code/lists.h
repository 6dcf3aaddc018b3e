// Lists of texts as JSON arrays in a column.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace triune::intake::claude {

std::vector<std::string> list_of_json(std::string_view json);
std::string json_of_list(const std::vector<std::string>& list);

}  // namespace triune::intake::claude

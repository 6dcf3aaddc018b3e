// Settings as a flat list, from JSON and from the part of YAML that settings are written in.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "triune/status.h"

namespace triune::intake::claude {

/// One scalar with the way to it: "permissions.allow[0]" = "Bash(ls:*)".
struct Setting {
  std::string key;
  std::string value;
  std::string type;  ///< "string", "number", "boolean", "null"
};

/// Whether a setting's name says that its value is not to be kept: a token, a password, ….
bool is_secret(const Setting& setting);

/// Every scalar of a JSON document; empty objects and arrays are left out. Error: `invalid_argument`.
Result<std::vector<Setting>> flatten_json(std::string_view text);

/// The same of YAML: block mappings and sequences, flow ones on one line, quoted and plain scalars, block scalars and
/// comments. Anchors, tags, several documents and complex keys are not read. Error: `invalid_argument` with "line N: ".
Result<std::vector<Setting>> flatten_yaml(std::string_view text);

}  // namespace triune::intake::claude

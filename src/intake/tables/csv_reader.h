#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "intake/tables/input_file.h"
#include "intake/tables/table_reader.h"

namespace triune::intake {

/// A reader of CSV. Errors as `TableReader::open`.
Result<std::unique_ptr<TableReader>> open_csv(InputFile file, TableReaderOptions options);

/// The beginning of a text for a message.
std::string readable_beginning(std::string_view text);

}  // namespace triune::intake

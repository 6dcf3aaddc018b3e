#pragma once

#include <memory>

#include "intake/tables/input_file.h"
#include "intake/tables/table_reader.h"

namespace triune::intake {

/// A reader of JSON lines, each an object. Errors as `TableReader::open`.
Result<std::unique_ptr<TableReader>> open_json_lines(InputFile file, TableReaderOptions options);

}  // namespace triune::intake

// Values of Triune to values of Kuzu and back. Includes Kuzu's headers: for engine.cpp alone.
#pragma once

#include <common/types/value/value.h>

#include <memory>

#include "adapters/kuzu/engine.h"

namespace triune::adapters::kuzu {

/// An argument as a typed Kuzu value.
std::unique_ptr<::kuzu::common::Value> to_native(const Argument& argument);

/// A cell of a result: numbers, booleans and text as themselves, dates and times as ISO 8601 text, nodes,
/// relationships, paths, lists and maps as Json without internal ids. A node is {"_label":…,"id":…,PROPERTIES}, NULL
/// properties left out.
Value from_native(const ::kuzu::common::Value& value);

/// What `from_native` makes of values of a type.
contract::ColumnType column_type(const ::kuzu::common::LogicalType& type);

}  // namespace triune::adapters::kuzu

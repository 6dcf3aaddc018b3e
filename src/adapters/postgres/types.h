// Object ids of PostgreSQL's own types, which never change.
#pragma once

#include <cstdint>

namespace triune::adapters::postgres {

enum class Type : std::uint32_t {
  none = 0,
  boolean = 16,
  bytes = 17,
  character = 18,  ///< "char"
  name = 19,
  int8 = 20,
  int2 = 21,
  int4 = 23,
  text = 25,
  oid = 26,
  json = 114,
  float4 = 700,
  float8 = 701,
  unknown = 705,
  bpchar = 1042,
  varchar = 1043,
  date = 1082,
  time = 1083,
  timestamp = 1114,
  timestamptz = 1184,
  numeric = 1700,
  uuid = 2950,
  jsonb = 3802,
};

/// The type of the elements of an array type; `none` for what is no array that this adapter reads.
constexpr Type element_of(Type array) {
  switch (static_cast<std::uint32_t>(array)) {
    case 199: return Type::json;
    case 1000: return Type::boolean;
    case 1001: return Type::bytes;
    case 1002: return Type::character;
    case 1003: return Type::name;
    case 1005: return Type::int2;
    case 1007: return Type::int4;
    case 1009: return Type::text;
    case 1014: return Type::bpchar;
    case 1015: return Type::varchar;
    case 1016: return Type::int8;
    case 1021: return Type::float4;
    case 1022: return Type::float8;
    case 1028: return Type::oid;
    case 1115: return Type::timestamp;
    case 1182: return Type::date;
    case 1183: return Type::time;
    case 1185: return Type::timestamptz;
    case 1231: return Type::numeric;
    case 2951: return Type::uuid;
    case 3807: return Type::jsonb;
    default: return Type::none;
  }
}

}  // namespace triune::adapters::postgres

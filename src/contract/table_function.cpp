#include "contract/table_function.h"

namespace triune::contract {

std::string missing_argument(const TableFunction& function, std::size_t argument) {
  std::string arguments;
  for (const auto& name : function.arguments) arguments += (arguments.empty() ? "" : ", ") + name;
  return function.name + "(" + arguments + ") needs its first " + std::to_string(function.required) + "; " +
         function.arguments.at(argument) + " is missing";
}

}  // namespace triune::contract

#include "adapters/lancedb/view.h"

namespace triune::adapters::lancedb {

std::vector<contract::VectorKey> View::hidden_keys() const {
  std::vector<contract::VectorKey> keys;
  for (const auto& [key, row] : open->changes()) keys.push_back(key);
  if (!frozen) return keys;
  for (const auto& [key, row] : frozen->changes())
    if (!open->contains(key)) keys.push_back(key);
  return keys;
}

void View::each_row(const std::function<void(const BufferedRow&)>& visit) const {
  for (const auto& [key, row] : open->changes())
    if (row) visit(*row);
  if (!frozen) return;
  for (const auto& [key, row] : frozen->changes())
    if (row && !open->contains(key)) visit(*row);
}

}  // namespace triune::adapters::lancedb

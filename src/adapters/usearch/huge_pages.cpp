#include "adapters/usearch/huge_pages.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>

namespace triune::adapters::usearch {
namespace {

constexpr std::align_val_t huge_page{2UL << 20U};

}  // namespace

std::shared_ptr<std::byte[]> allocate_slab(std::size_t piece) {
  const auto bytes = std::max(piece, slab_bytes);
  auto* const slab = static_cast<std::byte*>(::operator new[](bytes, huge_page));
  // Where it is not granted, the pages are small, and all else is the same.
  static_cast<void>(::madvise(slab, bytes, MADV_HUGEPAGE));
  return {slab, [](std::byte* each) { ::operator delete[](each, huge_page); }};
}

char* SlabAllocator::allocate(std::size_t bytes) {
  const std::scoped_lock lock(slabs_->mutex);
  auto& slabs = *slabs_;
  if (slabs.room - slabs.used < bytes) {
    slabs.all.push_back(allocate_slab(bytes));
    slabs.used = 0;
    slabs.room = std::max(bytes, slab_bytes);
  }
  auto* const piece = slabs.all.back().get() + slabs.used;
  slabs.used += bytes;
  return reinterpret_cast<char*>(piece);
}

}  // namespace triune::adapters::usearch

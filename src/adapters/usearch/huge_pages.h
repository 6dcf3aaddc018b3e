// Memory in pages of 2 MB, where the system gives them (transparent huge pages, on request). What a walk reads lies
// anywhere in it, and there are few enough such pages that the processor knows where all of them are.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

namespace triune::adapters::usearch {

/// So much at least, and room for one `piece`. Only what is touched becomes resident. Throws std::bad_alloc.
std::shared_ptr<std::byte[]> allocate_slab(std::size_t piece);
inline constexpr std::size_t slab_bytes = 4UL << 20U;

/// An allocator, in usearch's way, of what is freed all at once: one piece after the other from slabs. Copies share
/// them. Thread rule: any thread.
class SlabAllocator {
 public:
  using value_type = char;  // NOLINT(readability-identifier-naming): the name that allocators have

  char* allocate(std::size_t bytes);
  void deallocate(char* /*piece*/, std::size_t /*bytes*/) noexcept {}
  friend bool operator==(const SlabAllocator& left, const SlabAllocator& right) { return left.slabs_ == right.slabs_; }

 private:
  struct Slabs {
    std::mutex mutex;
    std::vector<std::shared_ptr<std::byte[]>> all;
    std::size_t used = 0;  ///< Of the last one.
    std::size_t room = 0;  ///< In the last one.
  };
  std::shared_ptr<Slabs> slabs_ = std::make_shared<Slabs>();
};

}  // namespace triune::adapters::usearch

// The sections of a segment's file, for who writes and who reads it. Part of segment.h's implementation.
#pragma once

#include <cstddef>

namespace triune::adapters::usearch {

enum SegmentSection : std::size_t {
  segment_padding,  ///< So that the ground begins at a whole line of the processor's caches.
  segment_ground,
  segment_keys,
  segment_links,
  segment_strays,
  segment_mean,
  segment_description,
  segment_section_count
};

inline constexpr std::size_t cache_line = 64;

/// Bytes from one row's ground to the next: whole lines where that costs little, since each search reads hundreds of
/// rows at random places and waits for every line.
constexpr std::size_t ground_stride_of(std::size_t bytes) {
  constexpr std::size_t most_lost = 16;
  const std::size_t lines = (bytes + cache_line - 1) / cache_line * cache_line;
  return lines - bytes <= bytes / most_lost ? lines : (bytes + 7) / 8 * 8;
}

}  // namespace triune::adapters::usearch

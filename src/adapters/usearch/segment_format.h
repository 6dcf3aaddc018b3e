// The sections of a segment's file, for who writes and who reads it. Part of segment.h's implementation.
#pragma once

#include <cstddef>

namespace triune::adapters::usearch {

enum SegmentSection : std::size_t {
  segment_keys,
  segment_ground,
  segment_links,
  segment_strays,
  segment_mean,
  segment_description,
  segment_section_count
};

}  // namespace triune::adapters::usearch

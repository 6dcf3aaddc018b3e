// The SIMD kernels of NumKong for the processor that this runs on.
#pragma once

#include <numkong/capabilities.h>

#include <bit>
#include <cassert>
#include <cstdint>

namespace triune::adapters::usearch {

using Kernel = void (*)(const void*, const void*, std::uint64_t, void*);

inline Kernel kernel_for(nk_kernel_kind_t kind, nk_dtype_t type) {
  // Capabilities are asked once: the answer cannot change, and asking costs system calls.
  static const nk_capability_t capabilities = nk_capabilities();
  nk_capability_t used{};
  nk_kernel_punned_t found = nullptr;
  nk_find_kernel_punned(kind, type, capabilities, &found, &used);
  assert(found != nullptr);             // the portable kernels are always there
  return std::bit_cast<Kernel>(found);  // NumKong hands every kernel out under one type
}

}  // namespace triune::adapters::usearch

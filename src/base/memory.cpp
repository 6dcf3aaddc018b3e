#include "base/memory.h"

#include <cstdlib>

// Other C libraries have no such call, nor the habit.
#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace triune::base {

void release_free_memory() noexcept {
#ifdef __GLIBC__
  ::malloc_trim(0);
#endif
}

}  // namespace triune::base

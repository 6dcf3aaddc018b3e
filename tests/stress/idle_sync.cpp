// Linked into a writer, it makes a disk that says "synced" and has not: to prove that the power cuts find that.
#include <unistd.h>

int fsync(int) {
  return 0;
}

int fdatasync(int) {
  return 0;
}

/* Whether this machine's loader accepts the object named by the first argument, all symbols resolved at once. */
#include <dlfcn.h>
#include <stdio.h>

int main(int count, char** arguments) {
  if (count != 2) return 2;
  if (dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL) == NULL) {
    fprintf(stderr, "%s\n", dlerror());
    return 1;
  }
  return 0;
}

#include "front/cli/application.h"

int main(int argc, char** argv) {
  return triune::front::run(argc, argv);
}

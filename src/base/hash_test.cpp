#include "base/hash.h"

#include <gtest/gtest.h>

#include <string>

#include "base/file.h"

namespace triune::base {
namespace {

// Examples of FIPS 180-4.
TEST(Hash, Sha256KnowsItsStandard) {
  EXPECT_EQ(sha256_hex({}), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex(as_bytes("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex(as_bytes(std::string(1'000'000, 'a'))),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Hash, SixtyFourBitsDependOnContentAndSeed) {
  EXPECT_EQ(hash64("abc"), 0x78AF5F94892F3950ULL) << "XXH3 is stable across versions and machines";
  EXPECT_EQ(hash64("abc"), hash64(as_bytes("abc")));
  EXPECT_NE(hash64("abc"), hash64("abd"));
  EXPECT_NE(hash64("abc"), hash64("abc", 1));
}

}  // namespace
}  // namespace triune::base

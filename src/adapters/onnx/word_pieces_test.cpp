#include "adapters/onnx/word_pieces.h"

#include <gmock/gmock.h>

namespace triune::adapters::onnx {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// 0 [PAD], 1 [UNK], 2 [CLS], 3 [SEP], 4 un, 5 ##aff, 6 ##able, 7 cafe, 8 ",", 9 日, 10 a, 11 ##a, 12 "!"
constexpr std::string_view vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\nun\n##aff\n##able\ncafe\n,\n日\na\n##a\n!\n";

WordPieces pieces() {
  return *WordPieces::from_vocabulary(vocabulary);
}

std::vector<std::int64_t> encode(std::string_view text, std::size_t limit = 100) {
  return pieces().encode(text, limit);
}

TEST(WordPieces, TakesTheLongestPieceEachTime) {
  EXPECT_THAT(encode("unaffable"), ElementsAre(2, 4, 5, 6, 3));
}

TEST(WordPieces, CaseAndAccentsDoNotCount) {
  EXPECT_THAT(encode("CAFÉ"), ElementsAre(2, 7, 3));
  EXPECT_THAT(encode("cafe\u0301"), ElementsAre(2, 7, 3));
}

TEST(WordPieces, PunctuationAndChineseCharactersStandAlone) {
  EXPECT_THAT(encode("a,a!日日"), ElementsAre(2, 10, 8, 10, 12, 9, 9, 3));
}

TEST(WordPieces, AWordWithAnUnknownPartIsUnknownAsAWhole) {
  EXPECT_THAT(encode("unaffx a"), ElementsAre(2, 1, 10, 3));
  EXPECT_THAT(encode(std::string(101, 'a')), ElementsAre(2, 1, 3));
  EXPECT_EQ(encode(std::string(100, 'a'), 200).size(), 102U);
}

TEST(WordPieces, ControlCharactersVanishAndSpacesOfAllKindsSeparate) {
  EXPECT_THAT(encode("u\x01n\u00A0a\u3000a\ta"), ElementsAre(2, 4, 10, 10, 10, 3));
  EXPECT_THAT(encode("a\xFF\xFE"), ElementsAre(2, 10, 3));
}

TEST(WordPieces, MarksInATextAreText) {
  EXPECT_THAT(encode("[SEP]"), ElementsAre(2, 1, 1, 1, 3));
}

TEST(WordPieces, CutsWhatIsTooLong) {
  EXPECT_THAT(encode("a a a a", 4), ElementsAre(2, 10, 10, 3));
  EXPECT_THAT(encode("unaffable", 4), ElementsAre(2, 4, 5, 3));
  EXPECT_THAT(encode("", 4), ElementsAre(2, 3));
}

constexpr std::string_view tokenizer =
    R"({"truncation":{"max_length":64},"normalizer":{"type":"BertNormalizer","lowercase":false,"strip_accents":null},
       "pre_tokenizer":{"type":"BertPreTokenizer"},"model":{"type":"WordPiece","unk_token":"[UNK]",
       "continuing_subword_prefix":"##","max_input_chars_per_word":5,
       "vocab":{"[PAD]":0,"[UNK]":1,"[CLS]":2,"[SEP]":3,"É":4,"E":5}}})";

TEST(WordPieces, FollowTheSettingsOfTheirFile) {
  const auto read = WordPieces::from_json(tokenizer);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->settings().token_limit, 64U);
  EXPECT_THAT(read->encode("É E é", 10), ElementsAre(2, 4, 5, 1, 3));
}

TEST(WordPieces, RefuseTokenizersOfOtherKindsAndBrokenFiles) {
  const auto other = WordPieces::from_json(R"({"model":{"type":"BPE"},"pre_tokenizer":{"type":"ByteLevel"}})");
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::unsupported);
  EXPECT_THAT(other.error().message, HasSubstr("BPE"));
  EXPECT_FALSE(WordPieces::from_json("{"));
  const auto bare = WordPieces::from_vocabulary("a\nb\n");
  ASSERT_FALSE(bare);
  EXPECT_THAT(bare.error().message, HasSubstr("[CLS]"));
}

}  // namespace
}  // namespace triune::adapters::onnx

// Standard output for data, standard error for everything else, and what is at their other end.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace triune::front {

/// Appends to standard output. Failures are kept for `flush_output`.
void print(std::string_view text);

/// A line on standard error: a remark, a warning, a hint.
void note(std::string_view line);

/// Writes out what is buffered. False when standard output is gone for another reason than a reader who had enough
/// (`… | head`), which is no failure.
bool flush_output();

/// Whether people read standard output, and how wide their window is (0: unknown or a file).
bool output_is_terminal();
std::size_t terminal_columns();

/// Colours for people; without a terminal or with NO_COLOR set, the text as it is.
enum class Ink { bold, green, yellow, red };
std::string inked(std::string_view text, Ink ink);

/// Columns that `text` takes on a terminal: wide characters count two, combining marks none.
std::size_t display_width(std::string_view text);

/// `text` cut to `columns`, with "…" when something was cut.
std::string cut_to_width(std::string_view text, std::size_t columns);

/// `text` on one line and harmless to a terminal: control characters become \n, \t or \xNN.
std::string printable(std::string_view text);

/// "1,234,567" and "1.2 MB".
std::string grouped(unsigned long long number);
std::string byte_size(unsigned long long bytes);

}  // namespace triune::front

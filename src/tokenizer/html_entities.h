// SPDX-License-Identifier: Apache-2.0
// Character references of HTML: &amp; &#38; &#x26;
#pragma once

#include <string>
#include <string_view>

namespace reel::tokenizer {

// What a browser makes of the references in a text, as html.unescape of Python's standard library
// has it: names without their semicolon where HTML allows that, the longest name that fits, Windows
// characters for &#128; to &#159;, U+FFFD for what cannot be, nothing for control characters.
std::u32string unescape_html(std::u32string_view text);

// The careful version of ftfy: only references that end in a semicolon, and names in capitals
// (&EACUTE;) beside those of HTML.
//
// Source: ftfy 6.3.1, fixes.unescape_html.
std::u32string unescape_html_carefully(std::u32string_view text);

}  // namespace reel::tokenizer

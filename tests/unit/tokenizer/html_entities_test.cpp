// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/html_entities.h"

#include <gtest/gtest.h>

namespace reel::tokenizer {
namespace {

TEST(UnescapeHtml, TakesNamesWithAndWithoutSemicolon) {
  EXPECT_EQ(unescape_html(U"&lt;b&gt; &amp &copy2024"), U"<b> & \u00A92024");
}

TEST(UnescapeHtml, TakesTheLongestNameThatFits) {
  EXPECT_EQ(unescape_html(U"&notit; &notin;"), U"\u00ACit; \u2209");
}

TEST(UnescapeHtml, LeavesUnknownNamesAlone) {
  EXPECT_EQ(unescape_html(U"&nosuchname; & &; &#; &#x;"), U"&nosuchname; & &; &#; &#x;");
}

TEST(UnescapeHtml, ReadsNumbersAsBrowsersDo) {
  EXPECT_EQ(unescape_html(U"&#65;&#x42&#128;"), U"AB\u20AC");
  EXPECT_EQ(unescape_html(U"&#0;&#xD800;&#99999999999999999999;"), U"\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(unescape_html(U"&#1;&#xFFFE;&#x1FFFF;"), U"");
}

TEST(UnescapeHtml, GivesSomeNamesTwoCharacters) {
  EXPECT_EQ(unescape_html(U"&NotEqualTilde;"), U"\u2242\u0338");
}

TEST(UnescapeHtmlCarefully, AsksForTheSemicolon) {
  EXPECT_EQ(unescape_html_carefully(U"&amp; &amp &#65; &#65"), U"& &amp A &#65");
}

TEST(UnescapeHtmlCarefully, ReadsNamesInCapitals) {
  EXPECT_EQ(unescape_html_carefully(U"P&EACUTE;REZ STRA&SZLIG;E &nTILDE;"),
            U"P\u00C9REZ STRASSE &nTILDE;");
}

TEST(UnescapeHtmlCarefully, LeavesAReferenceToTheSemicolonItself) {
  EXPECT_EQ(unescape_html_carefully(U"&#59; &#12a;"), U"&#59; &#12a;");
}

}  // namespace
}  // namespace reel::tokenizer

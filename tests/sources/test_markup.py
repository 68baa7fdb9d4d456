"""HTML to Markdown: what a browser shows is there, what it hides is not, and nothing takes long."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlxtwin.sources.markup import markdown

HIDDEN = (
    "<script>var a = '<b>seed</b>';</script>",
    "<style>p { color: seed }</style>",
    "<!-- seed -->",
    "<!-- seed > seed --!>",
    "<template><p>seed</p></template>",
    "<noscript>seed</noscript>",
    "<title>seed</title>",
    "<p hidden>seed</p>",
    '<p style="display: none">seed<span>seed</span></p>',
    '<span style="VISIBILITY:hidden">seed</span>',
    '<div style="font-size:0px">seed</div>',
    '<span style="opacity:0;">seed</span>',
    "<svg><text>seed</text></svg>",
    "<select><option>seed</option></select>",
    "<en-crypt>seed</en-crypt>",
    '<img alt="seed" src="x">',
    "<textarea>seed</textarea>",
    "<?seed seed?><!seed>",
)
TAGS = (
    "<p> </p> <b> </b> <ul> </ul> <ol> <li> </li> <table> </table> <tr> </tr> <td> </td> <h1> </h1> <br> <pre> </pre> "
    "<blockquote> </blockquote> <i> </i> <div> </div> <q> </q> <caption> <br/> <p/> <td/> <a> </a> &amp; <en-todo/>"
)
HOSTILE = (
    "<div>",
    "<p>",
    "<b><p>x",
    "<ul><li>x",
    "<table><tr><td>x",
    "<blockquote>",
    "<blockquote>x<br>",
    "<",
    "<a ",
    "<a b='",
    '<a b="',
    "<!--",
    "<![CDATA[",
    "</p>",
    "</table>",
    "&amp",
    "&#9",
    "<script>",
    "<title/>",
    "<b></i>",
    "<font color=red><h1>",
    "\0",
    "<li></ul>",
)


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<h1>Bread</h1><p>With patience.</p><h3>Rye</h3>", "# Bread\n\nWith patience.\n\n### Rye"),
        ("<h2><b>Bread</b> and\nbutter</h2>", "## Bread and butter"),
        ("<p>one<p>two", "one\n\ntwo"),
        ("<div>one</div><div>two</div>", "one\ntwo"),
        ("<div>one</div><div><br></div><div>two</div>", "one\n\ntwo"),
        ("one<br>two<br/><br>three<br>", "one\ntwo\n\nthree"),
        ("a  b\n\n c<span> d </span> e", "a b c d e"),
        ("a&nbsp;b &amp; c &lt;d&gt; &eacute; &#8217;", "a b & c <d> é ’"),
        ("1 < 2 and a<b", "1 < 2 and a<b"),
        ("a <b>bold </b>word, <i>one</i> <s>two</s> <code>three</code>", "a **bold** word, *one* ~~two~~ `three`"),
        ("<b><i>x</i></b><b> y</b>", "***x*** **y**"),
        ('<span style="font-weight:700">a</span><b style="font-weight: normal">b</b>', "**a**b"),
        ('<a href="https://example.org">the mill</a>', "the mill"),
        ("<hr>one<hr/>two", "one\n\ntwo"),
        ("<q>rise</q>", '"rise"'),
        ("<pre>\n a\n   b &lt; c\n</pre>after", "```\n a\n   b < c\n```\n\nafter"),
        ('<p style="white-space:pre-wrap">a\n  b</p>', "a\nb"),
        ("<dl><dt>rye<dd>dark<dt>spelt<dd>light</dl>", "rye\ndark\nspelt\nlight"),
    ],
)
def test_blocks_and_lines_stand_as_a_browser_shows_them(html: str, expected: str) -> None:
    assert markdown(html) == expected


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<ul><li>a<li>b</ul>c", "- a\n- b\n\nc"),
        ("x<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>", "x\n\n- a\n  - b\n- c"),
        ("<ul><li>a</li><ul><li>b</li></ul></ul>", "- a\n  - b"),
        ("<ul><li><p>a</p></li><li><p>b</p><p>c</p></li></ul>", "- a\n- b\n\n  c"),
        ('<ol start="3"><li>a<li>b<li value="9">c</ol>', "3. a\n4. b\n9. c"),
        ("<ol><li>a<br>b</ol>", "1. a\n   b"),
        ("<ul><li><input type=checkbox> a<li><input type='checkbox' checked>b</ul>", "- [ ] a\n- [x] b"),
        ('<div><en-todo checked="true"/>a</div><div><en-todo/>b<br/><en-todo/>c</div>', "- [x] a\n- [ ] b\n- [ ] c"),
        ('<ul style="--en-todo:true"><li style="--en-checked:true;">a</li></ul>', "- [x] a"),
        ('<ul><li><div class="checkbox checkbox-off"></div> <span>a</span></ul>', "- [ ] a"),
        ("<ul><li>a</ul><ul><li>b</ul>", "- a\n- b"),
        ("<b><ul><li>a</b></li><li>b</li></ul>c", "- **a**\n- b\n\nc"),
    ],
)
def test_lists_keep_their_order_depth_and_ticks(html: str, expected: str) -> None:
    assert markdown(html) == expected


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p>a</p><blockquote><p>b</p><p>c</p></blockquote><p>d</p>", "a\n\n> b\n>\n> c\n\nd"),
        ("<blockquote>a<blockquote>b</blockquote></blockquote>", "> a\n>\n> > b"),
        ("<blockquote>a<br>b</blockquote>", "> a\n> b"),
        ("<ul><li>a<blockquote>b</blockquote></ul>", "- a\n\n  > b"),
    ],
)
def test_every_line_of_a_quote_is_marked(html: str, expected: str) -> None:
    assert markdown(html) == expected


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        (
            "<table><tr><th>a<th>b</tr><tr><td>1<td>2<br>3|4</table>",
            "| a | b |\n| --- | --- |\n| 1 | 2 3\\|4 |",
        ),
        ("x<table><tr><td>a</td></tr><tr><td><p>b</p><p>c</p></td></tr></table>y", "x\n\na\n\nb\n\nc\n\ny"),
        ("<table><tr><td>a<td><table><tr><td>b<td>c</table></table>", "a\n\n| b | c |\n| --- | --- |"),
        ("<b><table></b><tr><td>a<td>b</table>c</b>", "| a | b |\n| --- | --- |\n\nc"),
        ("<table><tr><td>a<tr><td>b<td>c</table>", "| a | |\n| --- | --- |\n| b | c |"),
    ],
)
def test_tables_of_data_are_tables_and_those_of_layout_are_text(html: str, expected: str) -> None:
    assert re.sub(" +", " ", markdown(html)) == expected


@pytest.mark.parametrize("hidden", HIDDEN)
def test_what_is_not_shown_is_left_out(hidden: str) -> None:
    assert markdown(f"<div>before {hidden} after</div>").split() == ["before", "after"]


def test_links_and_pictures_are_kept_when_asked_for() -> None:
    html = '<a href="https://example.org/a?b">mill</a> <a href="javascript:x">no</a> <img alt="a loaf">'
    assert markdown(html, links=True, images=True) == "[mill](https://example.org/a?b) no a loaf"


def test_a_formula_is_shown_once_as_it_was_typed() -> None:
    tex = '<annotation encoding="application/x-tex">x &lt; 1</annotation>'
    html = f'where <span><math><mi>x</mi>{tex}</math><span class="katex-html">x&lt;1</span></span> holds'
    assert markdown(html) == "where $x < 1$ holds"


def test_a_rule_hides_elements_and_makes_quotes_of_others() -> None:
    html = '<p>mine</p><div class="a">aside<div>more</div></div><div class="clip">theirs<p>again</p></div>end'
    told = {"a": "hidden", "clip": "quote"}
    shown = markdown(html, rule=lambda _, attributes: told.get(attributes.get("class", ""), ""))
    assert shown == "mine\n\n> theirs\n>\n> again\n\nend"


def test_a_tag_that_never_ends_is_text() -> None:
    assert markdown("<p>if a <b and c") == "if a <b and c"


def test_damaged_numbers_of_characters_are_no_error() -> None:
    assert "x" in markdown(f"&#{'9' * 6000};x&#xD800;&#0;")


@pytest.mark.parametrize("mark", HOSTILE)
def test_a_mark_over_and_over_takes_time_in_proportion(mark: str) -> None:
    html = mark * (150_000 // len(mark))
    started = time.process_time()
    shown = markdown(html)
    assert time.process_time() - started < 5
    assert len(shown) < 20 * len(html)


def test_a_million_bytes_of_open_elements_are_read() -> None:
    assert markdown("<div>" * 200_000 + "deep").strip() == "deep"


@settings(max_examples=300, deadline=None, database=None, derandomize=True)
@given(st.lists(st.sampled_from(TAGS.split()) | st.from_regex(r"[a-z]{3}", fullmatch=True), max_size=60))
def test_however_elements_are_mixed_every_word_stays(parts: list[str]) -> None:
    words = sorted(part for part in parts if part.isalpha())
    shown = markdown(" ".join(parts))
    assert sorted(re.findall(r"[a-z]{3}", shown.replace("[x]", ""))) == words
    assert not re.search(r"\n\n\n|[ \t]\n", shown) or "```" in shown


@settings(max_examples=300, deadline=None, database=None, derandomize=True)
@given(st.text(max_size=300) | st.text("<>/abp=\"'!-& \n", max_size=300))
def test_no_text_is_an_error(html: str) -> None:
    shown = markdown(html)
    assert not re.search(r"[\x00\r\ud800-\udfff]", shown)

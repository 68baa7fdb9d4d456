"""HTML mail to lines, and from there to whose words are whose."""

from __future__ import annotations

import time

import pytest

from mlxtwin.sources.mail_text import html_lines
from mlxtwin.sources.quoting import split


def own(body: str) -> str:
    return "\n\n".join(part.text for part in split(html_lines(body)) if part.role == "own")


def quoted(body: str) -> str:
    return "\n\n".join(part.text for part in split(html_lines(body)) if part.role == "quoted")


def test_blocks_breaks_and_lists_become_lines() -> None:
    page = (
        "<html><body><p>One&nbsp;two</p><div>three<br>four<br><br>five</div><ul><li>six</li><li>seven</li></ul></body>"
    )
    assert own(page) == "One two\n\nthree\nfour\n\nfive\n\n- six\n- seven"


def test_what_is_not_shown_is_left_out() -> None:
    page = (
        "<head><title>T</title><style>p {color:red}</style></head><script>x < 1; alert('hi')</script>"
        "<!-- a comment --><p style='display:none'>secret</p><span style=\"font-size:0px\">pixel</span>"
        "<![if !mso]><p>shown &amp; read</p><![endif]>"
    )
    assert own(page) == "shown & read"


def test_line_breaks_of_the_source_are_blanks_except_in_pre() -> None:
    assert own("<p>one\ntwo</p><pre>three\n  four</pre>") == "one two\n\nthree\n  four"


@pytest.mark.parametrize(
    "quote",
    [
        '<div class="gmail_quote"><div class="gmail_attr">On Tue, 3 Mar 2015 at 14:02, Rosa &lt;r@x.org&gt; wrote:'
        '<br></div><blockquote class="gmail_quote">Is it fixed?</blockquote></div>',
        '<div class="moz-cite-prefix">Rosa sagte am Dienstag</div><blockquote type="cite">Is it fixed?</blockquote>',
        '<div class="yahoo_quoted"><div>Rosa meldete sich</div><div>Is it fixed?</div></div>',
        '<div id="divRplyFwdMsg"><b>Xyz:</b> Rosa<br><b>Abc:</b> today</div><div>Is it fixed?</div>',
        '<hr id="stopSpelling">Date: Thu, 26 Jun 2014 13:53:45 +0400<br>From: r@example.org<br>To: t@example.org<br>'
        "<br><div>Is it fixed?</div>",
        '<span id="OLK_SRC_BODY_SECTION"><div><span>From: </span>Rosa<br><span>Date: </span>Tue, 01 Nov 2011 18:54<br>'
        "<span>Subject: </span>Gate</div><div>Is it fixed?</div></span>",
        "<div style='border-top:solid 1pt'><p class=MsoNormal><b>From:</b> Rosa [mailto:r@example.org]<br><b>Sent:</b> "
        "Monday<br><b>To:</b> Tom<br><b>Subject:</b> Gate</p></div><p class=MsoNormal>Is it fixed?</p>",
        "<blockquote>Is it fixed?</blockquote>",
        "&gt; Is it fixed?<br>",
    ],
)
def test_quoted_mail_in_markup_is_not_own(quote: str) -> None:
    assert own(f"<div>Nearly.</div><br>{quote}") == "Nearly."
    assert "Is it fixed?" in quoted(f"<div>Nearly.</div><br>{quote}")


def test_an_answer_between_two_quotes_is_own() -> None:
    page = '<blockquote type="cite">One?</blockquote><div>Yes.</div><blockquote type="cite">Two?</blockquote><p>No.</p>'
    assert [(part.role, part.text) for part in split(html_lines(page))] == [
        ("quoted", "One?"),
        ("own", "Yes."),
        ("quoted", "Two?"),
        ("own", "No."),
    ]


def test_a_block_that_only_indents_is_own() -> None:
    page = '<p>List:</p><blockquote style="margin:0 0 0 40px;border:none;padding:0px">rope</blockquote>'
    assert own(page) == "List:\n\nrope"


def test_a_signature_marked_as_one_is_a_signature() -> None:
    page = '<div>Nearly.</div><div class="gmail_signature"><div>Tom Hale, carpenter</div></div>'
    assert [(part.role, part.text) for part in split(html_lines(page))] == [
        ("own", "Nearly."),
        ("signature", "Tom Hale, carpenter"),
    ]


@pytest.mark.parametrize("before", ["<p>a", "<li>a", "<tr><td>a", "<font>a", "<div>a"])
def test_a_quote_after_hundreds_of_elements_never_ended_is_one(before: str) -> None:
    page = before * 300 + "<blockquote>Is it fixed?</blockquote>"
    assert "Is it fixed?" not in own(page)
    assert quoted(page) == "Is it fixed?"


@pytest.mark.parametrize("stray", ["</div>", "</div></div></p></span>", "</td></tr></table>", "</body></html>"])
def test_end_tags_too_many_do_not_end_a_quote(stray: str) -> None:
    page = f"<table><tr><td><div>Nearly.<blockquote><p>Is it{stray} fixed?</blockquote></div></table>"
    assert own(page) == "Nearly."
    assert "fixed?" in quoted(page)


def test_an_end_tag_reaches_out_of_no_cell() -> None:
    page = '<div class="yahoo_quoted"><table><tr><td>One</div> two</td></tr></table> three</div>Mine.'
    assert (own(page), quoted(page).split()) == ("Mine.", ["One", "two", "three"])


def test_cells_rows_and_items_end_where_the_next_begins() -> None:
    assert own("<table><tr><td>a<td>b<tr><td>c</table>d") == "a b\nc\n\nd"
    assert own("<ul><li>one<ul><li>two<li>three</ul><li>four</ul>").split("\n") == [
        "- one", "", "- two", "- three", "", "- four",
    ]  # fmt: skip


def test_quotes_in_attributes_do_not_end_a_tag() -> None:
    assert own("<a href=\"a>b\" title='c>d'>word</a><p title=don't>next</p>").split() == ["word", "next"]
    assert own("a < b and <3") == "a < b and <3"


@pytest.mark.parametrize(
    "unit",
    [
        "<a",
        "<!",
        "<!--",
        "<a b='",
        "</",
        "<![if",
        "&",
        "<?",
        "<a x=",
        "<script>",
        "<div>",
        "</x ",
        "<blockquote>",
        "<style></",
    ],
)
def test_broken_markup_takes_time_in_proportion_to_its_size(unit: str) -> None:
    started = time.process_time()
    html_lines(unit * (400_000 // len(unit)))
    assert time.process_time() - started < 10

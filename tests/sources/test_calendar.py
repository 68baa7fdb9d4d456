"""Calendars: when, where and with whom in words; never a word to learn from; damage stays where it is."""

from __future__ import annotations

import warnings
from collections import Counter
from pathlib import Path

import pytest

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Person
from mlxtwin.sources.calendar_events import Calendar

ANN = Person.of(["Ann"])


def entry(*lines: str, kind: str = "VEVENT") -> str:
    return "\n".join([f"BEGIN:{kind}", *lines, f"END:{kind}", ""])


def read(root: Path, *entries: str, head: str = "") -> list[Document]:
    file = root / "bread.ics"
    file.write_text(f"BEGIN:VCALENDAR\n{head}{''.join(entries)}END:VCALENDAR\n", encoding="utf-8", newline="\r\n")
    return list(Calendar().read(file, root, ANN))


def text(root: Path, *lines: str, kind: str = "VEVENT") -> str:
    (document,) = read(root, entry(*lines, kind=kind))
    return document.turns[0].text


def test_an_event_is_told_in_words_and_is_nobodys_to_learn_from(tmp_path: Path) -> None:
    (document,) = read(
        tmp_path,
        entry(
            "UID:1@example.org", "DTSTART;TZID=Europe/Berlin:20240302T100000",
            "DTEND;TZID=Europe/Berlin:20240302T113000",
            "SUMMARY:Bread\\, rye", "LOCATION:Kitchen", "ORGANIZER;CN=Ann:mailto:ann@example.org",
            "ATTENDEE;CN=\"Bob Miller\":mailto:bob@example.org", "ATTENDEE:mailto:cy@example.org",
            "DESCRIPTION:With patience\\nand a hot sto", " ne.", "BEGIN:VALARM", "DESCRIPTION:Wake up", "END:VALARM",
        ),
        head="X-WR-CALNAME:Baking\n",
    )  # fmt: skip
    assert document.turns[0].text == (
        "Bread, rye\nSaturday, 2 March 2024, 10:00 to 11:30 (Europe/Berlin)\nAt: Kitchen\nOrganised by: Ann\n"
        "With: Bob Miller, cy@example.org\n\nWith patience\nand a hot stone."
    )
    assert (document.kind, document.key, document.title, document.thread) == (
        "event", "1@example.org", "Bread, rye", "Baking",
    )  # fmt: skip
    assert document.drop == "context only" and not document.words_by_me
    assert document.at is not None and document.at.isoformat() == "2024-03-02T10:00:00+01:00"


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (("DTSTART:20240302T100000Z",), "Saturday, 2 March 2024, 10:00 (UTC)"),
        (("DTSTART:20240302T100000",), "Saturday, 2 March 2024, 10:00"),
        (("DTSTART;VALUE=DATE:20240302",), "Saturday, 2 March 2024"),
        (("DTSTART;VALUE=DATE:20240302", "DTEND;VALUE=DATE:20240303"), "Saturday, 2 March 2024"),
        (
            ("DTSTART;VALUE=DATE:20240302", "DTEND;VALUE=DATE:20240305"),
            "Saturday, 2 March 2024 to Monday, 4 March 2024",
        ),
        (
            ("DTSTART:20240302T230000Z", "DTEND:20240303T010000Z"),
            "Saturday, 2 March 2024, 23:00 to Sunday, 3 March 2024, 01:00 (UTC)",
        ),
        (("DTSTART;TZID=W. Europe Standard Time:20240302T100000",), "Saturday, 2 March 2024, 10:00 (Europe/Berlin)"),
        (("DTSTART:nonsense",), ""),
    ],
)  # fmt: skip
def test_times_are_told_as_they_are_written(tmp_path: Path, lines: tuple[str, ...], words: str) -> None:
    assert text(tmp_path, "SUMMARY:Bread", *lines) == "\n".join(filter(None, ("Bread", words)))


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("FREQ=DAILY", "Every day"),
        ("FREQ=WEEKLY;BYDAY=MO,FR;UNTIL=20240601T000000Z", "Every week on Monday and Friday until 1 June 2024"),
        ("FREQ=WEEKLY;INTERVAL=2;COUNT=5", "Every 2 weeks 5 times"),
        ("FREQ=MONTHLY;BYDAY=-1FR", "Every month on the last Friday"),
        ("FREQ=MONTHLY;BYMONTHDAY=1,15", "Every month on day 1 and 15"),
        ("FREQ=YEARLY;BYMONTH=3;BYDAY=2SU", "Every year on the second Sunday in March"),
    ],
)
def test_a_repeated_event_is_kept_once_with_its_rule_in_words(tmp_path: Path, rule: str, words: str) -> None:
    assert text(tmp_path, "SUMMARY:Bread", f"RRULE:{rule}") == f"Bread\n{words}"


def test_a_changed_date_of_a_repeated_event_is_an_entry_of_its_own(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        entry("UID:1", "SUMMARY:Bread", "DTSTART:20240302T100000Z", "RRULE:FREQ=DAILY"),
        entry("UID:1", "SUMMARY:Bread, later", "DTSTART:20240303T120000Z", "RECURRENCE-ID:20240303T100000Z"),
        entry("UID:1", "SUMMARY:Bread", "DTSTART:20240302T100000Z"),
    )
    assert [document.key for document in found] == ["1", "1|2024-03-03T10:00:00+00:00", "1.2"]


def test_an_entry_without_an_identifier_has_the_same_key_again(tmp_path: Path) -> None:
    one, again, other = (
        read(tmp_path, entry(f"SUMMARY:{name}", "DTSTART:20240302T100000Z"))[0].key for name in ("Rye", "Rye", "Oat")
    )
    assert one == again != other


def test_things_to_do_and_journals_are_entries_and_busy_times_and_bare_times_are_not(tmp_path: Path) -> None:
    assert (
        text(tmp_path, "SUMMARY:Buy flour", "DUE;VALUE=DATE:20240302", kind="VTODO")
        == "Buy flour\nSaturday, 2 March 2024"
    )
    assert text(tmp_path, "DESCRIPTION:It rose.", kind="VJOURNAL") == "It rose."
    assert not read(tmp_path, entry("SUMMARY:x", kind="VFREEBUSY"), entry("DTSTART:20240302T100000Z"))


def test_a_description_in_html_is_told_as_text_and_a_cancelled_event_says_so(tmp_path: Path) -> None:
    lines = ("SUMMARY:Bread", "DESCRIPTION:<p>With <b>patience</b></p><script>x</script>", "STATUS:CANCELLED")
    assert text(tmp_path, *lines) == "Bread\nCancelled\n\nWith **patience**"


def test_a_damaged_entry_is_told_after_the_others(tmp_path: Path) -> None:
    found = []
    with pytest.raises(SourceError, match="1 entry that cannot be read"):
        file = tmp_path / "bread.ics"
        broken = "BEGIN:VEVENT\nBEGIN:\x00\n;;;=:::\nEND:VEVENT\n"
        file.write_text(f"BEGIN:VCALENDAR\n{broken}{entry('SUMMARY:Bread')}END:VCALENDAR\n")
        for document in Calendar().read(file, tmp_path, ANN):
            found.append(document.title)
    assert found == ["Bread"]


def test_an_entry_that_lacks_its_end_is_ended_by_what_closes_the_calendar(tmp_path: Path) -> None:
    found = read(tmp_path, entry("SUMMARY:Bread"), "BEGIN:VEVENT\nSUMMARY:Salt\n")
    assert [document.title for document in found] == ["Bread", "Salt"]


def test_another_file_is_no_calendar(tmp_path: Path) -> None:
    (tmp_path / "a.ics").write_text("BREAD\n")
    assert Calendar().recognises(tmp_path / "a.ics") == 0
    with pytest.raises(SourceError, match=r"a\.ics is no calendar"):
        list(Calendar().read(tmp_path / "a.ics", tmp_path, ANN))


@pytest.mark.shared
def test_every_calendar_of_anothers_test_suite_is_read_or_refused(shared: Path) -> None:
    folder = shared / "exports/ics"
    outcome: Counter[str] = Counter()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for file in sorted(folder.rglob("*.ics")):
            try:
                documents = list(Calendar().read(file, folder, ANN))
            except SourceError as refusal:
                assert refusal.message.startswith(file.name)
                outcome["refused"] += 1
                continue
            assert all(not one.words_by_me and one.drop == "context only" and one.turns for one in documents)
            assert len({one.id for one in documents}) == len(documents)
            outcome["read" if documents else "nothing to tell"] += 1
    assert outcome == {"read": 93, "nothing to tell": 69, "refused": 1}

"""Facebook and Instagram: chats as JSON and as pages, mended letters, notices that are no words, posts and comments."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Person
from mlxtwin.sources.meta import Facebook, Instagram
from mlxtwin.sources.meta_text import mended, own_words
from mlxtwin.sources.registry import load, match

ANN = Person.of(["Ann Lee"])
NOBODY = Person.of([])


TALK = (("Ann Lee", "Hi"), ("Zoe Lee", "Ho"))


def escaped(text: str) -> str:
    """As these exports write it: each byte of UTF-8 as a character."""
    return text.encode().decode("latin-1")


def said(minute: int, content: str | None, who: str = "Bob", **more: Any) -> dict[str, Any]:
    words = {} if content is None else {"content": escaped(content)}
    return {"sender_name": escaped(who), "timestamp_ms": 1709373600000 + 60000 * minute, **words, **more}


def thread(*messages: dict[str, Any], title: str = "Bob", path: str = "inbox/bob_101") -> str:
    newest_first = sorted(messages, key=lambda one: -one["timestamp_ms"])
    people = [{"name": "Bob"}, {"name": "Ann Lee"}]
    return json.dumps({"participants": people, "messages": newest_first, "title": title, "thread_path": path})


def write(root: Path, text: str, name: str = "inbox/bob_101/message_1.json") -> Path:
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def read(
    root: Path, text: str, name: str = "inbox/bob_101/message_1.json", person: Person = ANN, source: str = "facebook"
) -> list[Document]:
    return list(load(source).read(write(root, text, name), root, person))


def turns(documents: list[Document]) -> list[tuple[str, str, bool]]:
    return [(turn.author, turn.text, turn.mine) for one in documents for turn in one.turns]


def test_messages_come_out_oldest_first_with_their_letters_mended(tmp_path: Path) -> None:
    text = thread(
        said(1, "Où est le pain?", "Zoë"), said(2, "Là 🥖 – “chaud”", "Ann Lee"), said(3, "It’s good", "Ann Lee")
    )
    documents = read(tmp_path, text)
    assert turns(documents) == [("Zoë", "Où est le pain?", False), ("Ann Lee", "Là 🥖 – “chaud”\nIt’s good", True)]
    assert documents[0].at == datetime(2024, 3, 2, 10, 1, tzinfo=UTC)
    assert documents[0].thread == "bob_101"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("caf\u00c3\u00a9", "café"),
        ("plain", "plain"),
        ("café", "café"),
        ("« CAFÉ »", "« CAFÉ »"),
        ("тест", "тест"),
        ("cut \u00f0\u009f\u00a5", "cut "),
    ],
)
def test_only_letters_that_were_broken_are_mended(written: str, meant: str) -> None:
    assert mended(written) == meant


def test_what_was_unsent_or_is_no_message_of_words_is_left_out(tmp_path: Path) -> None:
    text = thread(
        said(1, "gone", "Ann Lee", is_unsent=True),
        said(2, None, "Ann Lee", photos=[{"uri": "a.jpg"}]),
        said(3, "Ann called Bob.", "Ann Lee", type="Call", call_duration=3),
        said(4, "My loaf", "Ann Lee", photos=[{"uri": "a.jpg"}], type="Generic"),
        said(5, "", "Ann Lee", sticker={"uri": "a.png"}),
    )
    assert turns(read(tmp_path, text)) == [("Ann Lee", "My loaf", True)]


@pytest.mark.parametrize(
    "notice",
    [
        "Ann Lee sent an attachment.",
        "Ann sent a photo.",
        "You sent an attachment.",
        "Liked a message",
        "Ann Lee liked a message",
        "Reacted 😆 to your message ",
        "You called Bob.",
        "Ann missed your call.",
        "You missed a video chat with Bob.",
        "You set the nickname for Bob to Baker.",
        "Ann Lee changed the chat theme to Bread.",
        "Ann named the group Bakers.",
        "You created the group.",
        "Ann Lee started a video chat.",
        "The video chat ended.",
        "You are now connected on Messenger",
        "This poll is no longer available.",
        "Ann Lee unsent a message",
        "User unsent a message",
        "Ann Lee hat einen Anhang gesendet.",
        "Hat mit ❤️ auf deine Nachricht reagiert",
        "You added Bob and Cy Day to the group.",
        "You changed the group photo.",
        "Du hast einen Anhang gesendet.",
        "Tu as envoyé une pièce jointe.",
        "Je hebt een foto verzonden.",
        "Ann a envoyé une pièce jointe.",
    ],
)
def test_what_the_program_wrote_is_no_words(notice: str) -> None:
    assert own_words(notice, "Ann Lee") == ""


@pytest.mark.parametrize(
    "words",
    [
        "I called Bob.",
        "I sent a photo.",
        "Bob called me about the bread.",
        "You are late.",
        "You sent me the wrong flour.",
        "Ann likes rye.",
        "I liked a message of hers",
        "The call was good",
        "You called Bob?\nI did too.",
        "You called me three times, what happened?",
        "You called me yesterday.",
        "You missed your call.",
        "You changed your name?",
        "You changed your name, I see.",
        "You left the group because of me",
        "You added me to the group.",
        "Tu as aimé le concert hier soir ?",
        "Tu as partagé mon avis.",
        "Du hast mich gestern angerufen",
        "Du hast mir nichts gesendet",
        "Je hebt nog niet gereageerd",
        "Ann Lee is what they call me.",
    ],
)
def test_what_a_person_wrote_is_not_taken_for_a_notice(words: str) -> None:
    assert own_words(words, "Ann Lee") == words


def test_what_is_shared_is_quoted(tmp_path: Path) -> None:
    share = {"link": "https://example.org", "share_text": escaped("Pain doré")}
    assert turns(read(tmp_path, thread(said(1, "Look", "Ann Lee", share=share)))) == [
        ("", "Pain doré", False),
        ("Ann Lee", "Look", True),
    ]
    same = {"share_text": "Look"}
    assert turns(read(tmp_path, thread(said(1, "Look", "Ann Lee", share=same)))) == [("Ann Lee", "Look", True)]


def test_files_of_one_thread_have_keys_of_their_own(tmp_path: Path) -> None:
    second = read(tmp_path, thread(said(1, "Hi", "Ann Lee")), "inbox/bob_101/message_2.json")
    first = read(tmp_path, thread(said(900, "Ho", "Ann Lee")), "inbox/bob_101/message_1.json")
    assert {one.thread for one in (*first, *second)} == {"bob_101"}
    assert len({one.id for one in (*first, *second)}) == 2


def test_a_thread_cut_off_keeps_its_folder_and_what_came_before(tmp_path: Path) -> None:
    text = thread(said(2, "newer", "Ann Lee"), said(1, "older", "Ann Lee"))
    file = write(tmp_path, text[: text.index("older")])
    found: list[Document] = []
    with pytest.raises(SourceError, match=r"message_1\.json"):
        for document in Facebook().read(file, tmp_path, ANN):
            found.append(document)
    assert [(one.own_text, one.thread) for one in found] == [("newer", "bob_101")]


def test_a_chat_that_was_encrypted_is_read(tmp_path: Path) -> None:
    messages = [
        {"senderName": "Ann Lee", "text": "Là.", "timestamp": 1709373720000, "type": "text", "isUnsent": False},
        {"senderName": "Bob", "text": "Où?", "timestamp": 1709373660000, "type": "text", "isUnsent": False},
        {"senderName": "Ann Lee", "text": "Si.", "timestamp": 1709373730000, "type": "text", "isUnsent": False},
        {"senderName": "Ann Lee", "text": "gone", "timestamp": 1709373780000, "type": "text", "isUnsent": True},
        {"senderName": "Ann Lee", "text": "old", "timestamp": 1709373790000, "type": "placeholder"},
    ]
    text = json.dumps({"participants": ["Bob", "Ann Lee"], "threadName": "Bob_15", "messages": messages})
    documents = read(tmp_path, text, "Bob_15.json")
    assert turns(documents) == [("Bob", "Où?", False), ("Ann Lee", "Là.\nSi.", True)]
    assert documents[0].title == "Bob"


@pytest.mark.parametrize(
    ("place", "source"),
    [
        ("your_instagram_activity/messages/inbox/bob_101/message_1.json", "instagram"),
        ("instagram-ann-2024/messages/inbox/bob_101/message_1.json", "instagram"),
        ("your_facebook_activity/messages/inbox/bob_101/message_1.json", "facebook"),
        ("facebook-ann/messages/e2ee_cutover/bob_101/message_1.json", "facebook"),
    ],
)
def test_the_place_tells_which_of_the_two_it_is(tmp_path: Path, place: str, source: str) -> None:
    found = match(write(tmp_path / "x", thread(said(1, "Hi")), place))
    assert found and found.name == source


def test_folders_beside_the_messages_tell_which_of_the_two_it_is(tmp_path: Path) -> None:
    file = write(tmp_path / "a/b", thread(said(1, "Hi")), "messages/inbox/bob_101/message_1.json")
    (tmp_path / "a/b/followers_and_following").mkdir()
    found = match(file)
    assert found and found.name == "instagram"


def test_a_profile_in_the_export_says_whose_it_is(tmp_path: Path) -> None:
    profile = {"profile_v2": {"name": {"full_name": escaped("Zoë Lee"), "first_name": "Zoë"}}}
    write(tmp_path, json.dumps(profile), "profile_information/profile_information.json")
    documents = read(tmp_path, thread(said(1, "Hi"), said(2, "Ho", "Zoë Lee")), "messages/inbox/bob_101/message_1.json")
    assert turns(documents) == [("Bob", "Hi", False), ("Zoë Lee", "Ho", True)]
    assert not list(Facebook().authors(tmp_path / "messages/inbox/bob_101/message_1.json"))


@pytest.mark.parametrize("suffix", ["json", "html"])
def test_the_owner_that_a_profile_names_alone_decides_who_is_the_person(tmp_path: Path, suffix: str) -> None:
    write(tmp_path, json.dumps({"profile_v2": {"name": "Zoe Lee"}}), "profile_information/profile_information.json")
    in_page = page(*(box(who, words, f"Mar 02, 2024 12:0{at} pm") for at, (who, words) in enumerate(TALK)))
    text = in_page if suffix == "html" else thread(*(said(at, words, who) for at, (who, words) in enumerate(TALK)))
    documents = read(tmp_path, text, f"messages/inbox/bob_101/message_1.{suffix}")
    assert turns(documents) == [("Ann Lee", "Hi", False), ("Zoe Lee", "Ho", True)]


def test_a_profile_of_instagram_says_whose_it_is(tmp_path: Path) -> None:
    values = {"Username": {"value": "ann.bakes"}, "Name": {"value": "Ann"}}
    profile = {"profile_user": [{"string_map_data": values}]}
    write(tmp_path, json.dumps(profile), "personal_information/personal_information.json")
    text = thread(said(1, "Hi"), said(2, "Ho", "ann.bakes"))
    documents = read(tmp_path, text, "messages/inbox/bob_101/message_1.json", NOBODY, "instagram")
    assert [one.own_text for one in documents] == ["Ho"]


def test_a_damaged_profile_is_no_harm(tmp_path: Path) -> None:
    write(tmp_path, '{"profile_v2": {"na', "profile_information/profile_information.json")
    assert [one.own_text for one in read(tmp_path, thread(said(1, "Ho", "Ann Lee")))] == ["Ho"]
    assert list(Facebook().authors(tmp_path / "inbox/bob_101/message_1.json")) == ["Ann Lee"]


def box(who: str, words: str, time: str, more: str = "", tag: str = "h2") -> str:
    inner = f"<div><div></div><div>{words}</div><div></div>{more}</div>"
    return (
        f'<div class="pam _3-95 _2ph- _a6-g uiBoxWhite noborder"><{tag} class="_3-95 _2pim _a6-h _a6-i">{who}</{tag}>'
        f'<div class="_3-95 _a6-p">{inner}</div><div class="_3-94 _a6-o">{time}</div></div>'
    )


def page(*boxes: str) -> str:
    return (
        "<html><head><title>Bob &amp; Ann</title><style>._a6-g{margin:0}</style></head><body>"
        f'<div class="_a706" role="main">{"".join(boxes)}</div></body></html>'
    )


@pytest.mark.parametrize("tag", ["h2", "div"])
def test_a_page_of_messages_is_read(tmp_path: Path, tag: str) -> None:
    heart = '<div><ul class="_a6-q"><li><span>❤Bob (Mar 02, 2024 10:03 am)</span></li></ul></div>'
    shared = '<div><div><div>Loaves of another</div><div><a href="https://x">https://x</a></div></div></div>'
    text = page(
        box("Ann Lee", "It’s&#039;hot<br />and crisp", "Mar 02, 2024 2:02 pm", heart, tag),
        box("Ann Lee", "", "Mar 02, 2024 2:01 pm", shared, tag),
        box("Bob", "Is it good?", "Mar 02, 2024 12:01 pm", tag=tag),
    )
    name = "your_facebook_activity/messages/inbox/bob_101/message_1.html"
    documents = read(tmp_path, text, name)
    found = match(tmp_path / name)
    assert found and found.name == "facebook"
    assert turns(documents) == [("Bob", "Is it good?", False), ("Ann Lee", "It’s'hot\nand crisp", True)]
    assert (documents[0].title, documents[0].thread) == ("Bob & Ann", "bob_101")
    assert documents[0].at == datetime(2024, 3, 2, 12, 1, tzinfo=UTC)
    assert list(Facebook().authors(tmp_path / name)) == ["Ann Lee", "Bob"]


def test_other_pages_are_left_alone(tmp_path: Path) -> None:
    file = write(tmp_path, page(box("Ann", "x", "Mar 02, 2024 2:02 pm")), "start_here.html")
    assert Facebook().recognises(file) == Instagram().recognises(file) == 0


def posts_of(root: Path, content: Any, name: str, source: str) -> list[Document]:
    file = write(root, json.dumps(content), name)
    found = match(file)
    assert found and found.name == source
    assert not list(found.authors(file))
    return list(found.read(file, root, NOBODY))


def test_posts_of_facebook_are_the_persons(tmp_path: Path) -> None:
    picture = {"data": [{"media": {"uri": "a.jpg", "description": escaped("Pain doré")}}]}
    content = [
        {"timestamp": 1709373600, "data": [{"post": escaped("J’ai cuit.")}], "title": "Ann updated her status."},
        {"timestamp": 1709373700, "data": [{"update_timestamp": 1}], "title": "Ann shared a link."},
        {"timestamp": 1709373800, "attachments": [picture], "data": []},
        {"timestamp": 1709373900, "attachments": [picture], "data": [{"post": "My loaf"}]},
    ]
    documents = posts_of(tmp_path, content, "posts/your_posts_1.json", "facebook")
    assert [(one.kind, one.own_text, one.title) for one in documents] == [
        ("post", "J’ai cuit.", "Ann updated her status."),
        ("post", "Pain doré", "Pain doré"),
        ("post", "My loaf", "My loaf"),
    ]
    assert documents[0].at == datetime(2024, 3, 2, 10, tzinfo=UTC)


def test_comments_of_facebook_are_the_persons_and_two_in_a_second_both_stay(tmp_path: Path) -> None:
    one = {"timestamp": 1709373600, "data": [{"comment": {"timestamp": 1, "comment": "Yes!", "author": "Ann"}}]}
    other = {"timestamp": 1709373600, "data": [{"comment": {"timestamp": 1, "comment": "", "author": "Ann"}}]}
    documents = posts_of(tmp_path, {"comments_v2": [one, other, one]}, "comments/comments.json", "facebook")
    assert [document.own_text for document in documents] == ["Yes!", "Yes!"]
    assert len({document.id for document in documents}) == 2


def test_what_others_posted_is_left_alone(tmp_path: Path) -> None:
    content = [{"timestamp": 1709373600, "data": [{"post": "Happy birthday"}], "title": "Bob wrote on your timeline."}]
    file = write(tmp_path, json.dumps(content), "posts/other_people's_posts_to_your_timeline.json")
    assert Facebook().recognises(file) == Instagram().recognises(file) == 0


def test_posts_of_instagram_are_the_persons(tmp_path: Path) -> None:
    media = {"uri": "a.jpg", "creation_timestamp": 1709373600, "title": escaped("Doré 🥖")}
    content = [
        {"media": [media]},
        {"media": [{**media, "title": ""}, media], "title": "Two loaves", "creation_timestamp": 1709373700},
        {"media": [{**media, "title": ""}]},
    ]
    documents = posts_of(tmp_path, content, "media/posts_1.json", "instagram")
    assert [(one.kind, one.own_text) for one in documents] == [("post", "Doré 🥖"), ("post", "Two loaves")]
    assert documents[1].at == datetime(2024, 3, 2, 10, 1, 40, tzinfo=UTC)


@pytest.mark.parametrize("names", [("Comment", "Media Owner", "Time"), ("Kommentar", "Medieninhaber", "Uhrzeit")])
def test_comments_of_instagram_are_the_persons_in_any_language(tmp_path: Path, names: tuple[str, str, str]) -> None:
    words, owner, time = names
    parts = {words: {"value": escaped("Si dorée!")}, owner: {"value": "bob"}, time: {"timestamp": 1709373600}}
    content = [{"media_list_data": [{"uri": ""}], "string_map_data": parts}]
    for told in (content, {"comments_reels_comments": content}):
        (document,) = posts_of(tmp_path, told, "comments/post_comments_1.json", "instagram")
        assert (document.kind, document.own_text) == ("post", "Si dorée!")
        assert document.at == datetime(2024, 3, 2, 10, tzinfo=UTC)


def test_old_comments_of_instagram_are_read(tmp_path: Path) -> None:
    old = {"title": "bob", "string_list_data": [{"href": "", "value": "Yes!", "timestamp": 1709373600}]}
    (document,) = posts_of(tmp_path, {"comments_media_comments": [old]}, "post_comments.json", "instagram")
    assert document.own_text == "Yes!"


@pytest.mark.parametrize("text", ['{"messages": []}', "[]", "<html>", "words"])
@pytest.mark.parametrize("source", [Facebook, Instagram])
def test_what_is_no_export_is_refused(tmp_path: Path, text: str, source: type[Facebook | Instagram]) -> None:
    with pytest.raises(SourceError, match=r"x\.json"):
        list(source().read(write(tmp_path, text, "x.json"), tmp_path, ANN))


@pytest.mark.shared
def test_the_export_of_another_project_comes_out_as_it_expects(shared: Path) -> None:
    folder = shared / "exports/instagram/test/instagram"
    found = match(folder / "test_export.json")
    assert found and found.name == "instagram"
    documents = list(found.read(folder / "test_export.json", folder, Person.of(["John Doe"])))
    expected = json.loads((folder / "target.json").read_text(encoding="utf-8"))
    assert sorted((turn.author, turn.text, f"{turn.at:%Y-%m-%dT%H:%M:%S}") for one in documents
                  for turn in one.turns) == sorted(
        (one["author"], one["message"], one["timestamp"]) for one in expected
    )  # fmt: skip

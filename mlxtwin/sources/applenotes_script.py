"""Notes of Apple's as the program Notes on a Mac tells them through its scripting door.

A script for ``osascript`` prints a line of JSON for each note, which is read as it comes; nothing is written to disk.
macOS asks once whether the terminal may talk to Notes. Headings and quotes are lost on this way, for the program gives
the text alone; of its database, see `applenotes`.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import IO, Any

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Turn
from mlxtwin.sources.base import clean_text, decode_text
from mlxtwin.sources.moments import written
from mlxtwin.sources.shapes import as_dict, as_name
from mlxtwin.wording import plural

ME = "me"
SOURCE = "applenotes"
# What a command may be given in place of a path to have the program asked.
DOOR = "apple-notes:"
LINE_BYTES = 64 * 1024 * 1024
_DENIED = ("-1743", "-10004")
_HINT = "Allow it in System Settings, Privacy & Security, Automation, for your terminal; then run it again."
# The folder of deleted notes bears a name of the system's language, and nothing else tells it.
_TRASH = frozenset({
    "recently deleted", "zuletzt gelöscht", "suppressions récentes", "supprimés récemment", "eliminados",
    "eliminadas recientemente", "eliminati di recente", "eliminate di recente", "recentelijk verwijderd",
    "onlangs verwijderd", "apagados recentemente", "apagadas recentemente", "nyligen raderade", "senast raderade",
    "nylig slettet", "sist slettet", "senest slettet", "äskettäin poistetut", "ostatnio usunięte", "最近削除した項目",
    "最近删除", "最近刪除", "최근 삭제된 항목", "недавно удаленные", "недавно удалённые",
})  # fmt: skip
SCRIPT = """
ObjC.import('Foundation');
function tell(value) {
  const line = $(JSON.stringify(value) + '\\n').dataUsingEncoding($.NSUTF8StringEncoding);
  $.NSFileHandle.fileHandleWithStandardOutput.writeData(line);
}
function foldersOf(app) {
  const folders = {};
  for (const folder of app.folders()) {
    const name = folder.name();
    for (const id of folder.notes.id()) folders[id] = name;
  }
  return folders;
}
function run() {
  const app = Application('Notes');
  const folders = foldersOf(app);
  for (const id of app.notes.id()) {
    const told = {id: id, folder: folders[id] || ''};
    try {
      const note = app.notes.byId(id);
      told.locked = note.passwordProtected();
      told.shared = note.shared();
      told.made = note.creationDate().toISOString();
      told.title = note.name();
      told.text = told.locked ? '' : note.plaintext();
    } catch (error) {
      told.failed = true;
    }
    tell(told);
  }
}
"""


def export_with_applescript(program: str = "osascript") -> Generator[Document, None, None]:
    """The notes of the program Notes, one after the other. Raises SourceError, also after what could be read."""
    seen: set[str] = set()
    failed = 0
    with _running(program) as lines:
        for line in lines:
            told = _note(line)
            key = as_name(told.get("id"))
            if told.get("failed"):
                failed += 1
            elif key and key not in seen:
                seen.add(key)
                yield _document(told, key)
    if failed:
        raise SourceError(f"Notes did not tell the text of {plural(failed, 'note')}.", "Open Notes and run it again.")


@contextmanager
def _running(program: str) -> Iterator[Iterator[bytes]]:
    """The lines of notes that the script prints; what else it prints is its complaint. Ends the program with itself."""
    found = shutil.which(program)
    if not found:
        raise SourceError("Notes can be asked on a Mac only.", "Copy its NoteStore.sqlite here and import that.")
    command = [found, "-l", "JavaScript", "-e", SCRIPT]
    complaint = bytearray()
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout
        try:
            yield _lines(process.stdout, complaint)
        except BaseException:
            process.kill()
            raise
        process.stdout.close()
        ended = process.wait()
    if ended:
        raise _refusal(decode_text(bytes(complaint)))


def _lines(output: IO[bytes], complaint: bytearray) -> Iterator[bytes]:
    while line := output.readline(LINE_BYTES):
        if line.startswith(b"{"):
            yield line
        elif len(complaint) < 4096:
            complaint += line[:4096]


def _refusal(complaint: str) -> SourceError:
    """What the program said is not passed on, since it may quote a note; the number in it tells enough."""
    if any(number in complaint for number in _DENIED):
        return SourceError("macOS does not let this terminal ask Notes for its notes.", _HINT)
    return SourceError("Notes stopped before it had told all its notes.", "Open Notes and run it again.")


def _note(line: bytes) -> dict[str, Any]:
    try:
        return as_dict(json.loads(line))
    except (ValueError, RecursionError):
        return {"failed": True}


def _document(told: dict[str, Any], key: str) -> Document:
    at = written(told.get("made"))
    deleted = as_name(told.get("folder")).casefold() in _TRASH
    drop = "deleted" if deleted else "locked" if told.get("locked") else ""
    title = "" if drop else as_name(told.get("title"))
    turns = () if drop else _turns(told, title, at)
    if not drop and not any(turn.trainable for turn in turns):
        drop = "shared" if turns else "empty"
    return Document("note", SOURCE, key, title, turns, at, key, f"{DOOR}{key}", drop)


def _turns(told: dict[str, Any], title: str, at: datetime | None) -> tuple[Turn, ...]:
    """The text less its first line where that is but the title. Of a shared note nobody knows who wrote what."""
    text = clean_text(told["text"]).replace("\ufffc", "") if isinstance(told.get("text"), str) else ""
    first, _, rest = text.strip().partition("\n")
    words = (rest if rest.strip() and " ".join(first.split()) == title else text).strip()
    if not words:
        return ()
    return (Turn("", False, words, "received", at) if told.get("shared") else Turn(ME, True, words, "own", at),)

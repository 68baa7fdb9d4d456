"""Discord: what DiscordChatExporter writes of a channel (JSON or text), and the package of a person's own data.

The package holds nobody's messages but the person's. Messages of programs, joins, calls and other notices are no
words. Not covered: DiscordChatExporter's pages and tables; attachments and embeds.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Kind, Person
from mlxtwin.sources.base import head_text, relative_name
from mlxtwin.sources.chat_threads import newest_first, one_chat, until_damage
from mlxtwin.sources.discord_json import is_channel, json_authors, json_chat, json_messages
from mlxtwin.sources.discord_package import is_package, package_chat, package_messages
from mlxtwin.sources.discord_text import is_text, text_authors, text_chat, text_messages
from mlxtwin.sources.files import File


class Discord:
    """See the module; ``Document.key`` is the channel's id, or name, and the time of the first message."""

    name = "discord"
    kind: Kind = "chat"

    def recognises(self, file: File) -> float:
        head = head_text(file)
        return 0.95 if is_channel(head) or is_package(head) or is_text(head) else 0.0

    def authors(self, file: File) -> Iterator[str]:
        head = head_text(file)
        if is_channel(head):
            yield from until_damage(json_authors(file))
        elif is_text(head):
            yield from text_authors(file)

    def read(self, file: File, root: File, person: Person) -> Iterator[Document]:
        head, origin = head_text(file), relative_name(file, root)
        if is_channel(head):
            found = one_chat(json_messages(file, person), json_chat(file), source=self.name, origin=origin)
        elif is_package(head):
            found = newest_first(package_messages(file), package_chat(file), source=self.name, origin=origin)
        elif is_text(head):
            found = one_chat(text_messages(file, person), text_chat(head), source=self.name, origin=origin)
        else:
            raise SourceError(f"{file.name} holds no messages of Discord that can be read.", "Export it again as JSON.")
        yield from found

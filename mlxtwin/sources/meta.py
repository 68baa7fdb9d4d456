"""Facebook (with Messenger) and Instagram, which export alike: chats as JSON or pages, and posts and comments.

Which of the two wrote a file is told by its place and by what lies around it. A profile in the same export says whose
it is. Reactions, calls, and what the programs write into a chat are no words. Not covered: pages of posts; what others
wrote under the person's posts.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Kind, Person
from mlxtwin.sources.base import head_text, relative_name
from mlxtwin.sources.chat_threads import newest_first, unique, until_damage
from mlxtwin.sources.files import File
from mlxtwin.sources.meta_account import Service, owner_of, service_of
from mlxtwin.sources.meta_chat import chat_authors, chat_messages, chat_of, is_chat
from mlxtwin.sources.meta_html import is_chat_page, page_chat, page_messages
from mlxtwin.sources.meta_posts import posts, posts_service


class Meta:
    """What both share; ``Document.key`` is the chat's folder, or name, and the time of the first message."""

    name: Service
    kind: Kind = "chat"
    # What both could have written is rather of the one with the higher.
    untold = 0.85

    def recognises(self, file: File) -> float:
        head = head_text(file)
        told = posts_service(file, head)
        if told:
            return 0.95 if told == self.name else 0.0
        if not is_chat(head) and not is_chat_page(file, head):
            return 0.0
        service = service_of(file, head)
        return self.untold if service is None else 0.95 if service == self.name else 0.5

    def authors(self, file: File) -> Iterator[str]:
        head = head_text(file)
        if posts_service(file, head) or owner_of(file).names:
            return
        if is_chat_page(file, head):
            yield from (message.author for message in page_messages(file, owner_of(file), Person.of([])))
        else:
            yield from until_damage(chat_authors(file))

    def read(self, file: File, root: File, person: Person) -> Iterator[Document]:
        head, origin = head_text(file), relative_name(file, root)
        if posts_service(file, head):
            yield from unique(posts(file, self.name, origin))
            return
        page, owner = is_chat_page(file, head), owner_of(file)
        if not page and head.lstrip().startswith("<"):
            raise SourceError(f"{file.name} is no chat that can be read.", "Export it as JSON.")
        messages = page_messages(file, owner, person) if page else chat_messages(file, owner, person)
        chat = page_chat(file) if page else chat_of(file)
        yield from newest_first(messages, chat, source=self.name, origin=origin)


class Facebook(Meta):
    name: Service = "facebook"
    untold = 0.9


class Instagram(Meta):
    name: Service = "instagram"

"""Ways that lead over several dialogs: into the vault, and from files into it. Any screen may take them.

Each is awaited in a worker of the app, since it waits for the person; ``app.open_vault`` and
``app.import_documents`` are the same as actions, for a key or a button.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mlxtwin.client.imports import ImportRequest
from mlxtwin.errors import Interrupted, TwinError, UsageError, WhoIsMe
from mlxtwin_tui.dialogs.import_files import ImportFiles
from mlxtwin_tui.dialogs.import_run import ImportRun
from mlxtwin_tui.dialogs.import_summary import ImportSummary
from mlxtwin_tui.dialogs.new_vault import NewVault
from mlxtwin_tui.dialogs.recover import Recover
from mlxtwin_tui.dialogs.recovery_key import RecoveryKey
from mlxtwin_tui.dialogs.sure import Sure
from mlxtwin_tui.dialogs.unlock import OPEN, RECOVER, Unlock
from mlxtwin_tui.dialogs.who import Who

if TYPE_CHECKING:
    from mlxtwin_tui.app import TwinApp


async def sure(app: TwinApp, question: str, yes: str) -> bool:
    """Ask before something that cannot be undone; ``yes`` is the label of the button that does it."""
    answer = await app.push_screen_wait(Sure(question, yes))
    return bool(answer)


async def open_vault(app: TwinApp) -> bool:
    """Make the vault, unlock it, or tell what is wrong with it; whether it is open now."""
    try:
        door = await app.ask(lambda: app.house.door)
        if door == "absent":
            return await _make(app)
        if door == "locked":
            return await _unlock(app)
    except TwinError as error:
        app.tell(error)
        return False
    if door == "broken":
        app.switch_mode("settings")
    return door == "open"


async def _make(app: TwinApp) -> bool:
    recovery = await app.push_screen_wait(NewVault(await app.ask(app.house.keychain)))
    if recovery is None:
        return False
    await app.push_screen_wait(RecoveryKey(recovery))
    await app.look()
    return True


async def _unlock(app: TwinApp) -> bool:
    """By the keychain or the environment without a question where they do, else by what the person types."""
    trouble = ""
    if not await app.ask(app.house.asks_passphrase):
        try:
            await app.ask(app.house.unlock)
        except TwinError as error:
            trouble = error.message
        else:
            await app.look()
            return True
    by_passphrase = await app.ask(app.house.sealed_with_passphrase)
    how = await app.push_screen_wait(Unlock(by_passphrase, trouble))
    opened = how == OPEN
    if how == RECOVER:
        recovered = await app.push_screen_wait(Recover(await app.ask(app.house.keychain)))
        opened = recovered is True
    await app.look()
    return opened


async def import_documents(app: TwinApp) -> bool:
    """From choosing files to a summary of what came of them; whether the vault may hold more now."""
    if not await open_vault(app):
        return False
    sources = await app.ask(app.house.sources)
    request, trouble, imported = None, "", False
    while True:
        request = await app.push_screen_wait(ImportFiles(sources, request, trouble))
        if request is None:
            return imported
        found = await _read(app, request)
        await app.look()
        if isinstance(found, Interrupted):
            app.notify(found.sentence(), markup=False)
            return True
        if isinstance(found, TwinError):
            trouble = found.sentence()
            continue
        imported = True
        answer = await app.push_screen_wait(ImportSummary(found))
        if answer == "more":
            request, trouble = None, ""
            continue
        if answer == "train":
            app.switch_mode("train")
        return True


async def _read(app: TwinApp, request: ImportRequest) -> dict[str, Any] | TwinError:
    """The import, again with the names that the person picks where it cannot tell who they are."""
    found = await app.push_screen_wait(ImportRun(request))
    asked = _candidates(found)
    if not asked:
        return found
    names = await app.push_screen_wait(Who(asked))
    if names:
        return await app.push_screen_wait(ImportRun(replace(request, me=(*request.me, *names))))
    if isinstance(found, WhoIsMe):
        return UsageError("Nothing was imported: it is not known which of the authors you are.")
    return found


def _candidates(found: dict[str, Any] | TwinError) -> tuple[tuple[str, int], ...]:
    """The authors to choose from where none of them is known to be the person."""
    if isinstance(found, WhoIsMe):
        return found.candidates
    if isinstance(found, TwinError) or found["words_by_me"]:
        return ()
    return tuple((row["name"], row["messages"]) for row in found["authors"])

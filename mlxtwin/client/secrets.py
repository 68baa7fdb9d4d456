"""Tokens for other services, kept in the system's keychain and nowhere else."""

from __future__ import annotations

from difflib import get_close_matches

from mlxtwin.errors import Refused, UsageError

HUGGING_FACE = "huggingface"
# Only names that some command reads.
KNOWN = {HUGGING_FACE: "the token that `mlxtwin pull` shows to Hugging Face for gated and private models"}


def ls() -> list[str]:
    """The names that are set. Raises Refused where there is no keychain."""
    from mlxtwin.security.keychain import list_secrets

    _require_keychain()
    return list_secrets()


def put(name: str, value: str) -> None:
    """Raises UsageError for a name nothing reads, Refused where there is no keychain."""
    from mlxtwin.security.keychain import set_secret

    check_name(name)
    _require_keychain()
    set_secret(name, value)


def remove(name: str) -> None:
    """Raises UsageError if it is not set."""
    from mlxtwin.security.keychain import delete_secret

    if name not in ls():
        raise UsageError(f"There is no secret {name}.", "`mlxtwin secrets ls` shows what is set.")
    delete_secret(name)


def read(name: str) -> str | None:
    """The value, or None where it is not set or no keychain can be asked."""
    from mlxtwin.security.keychain import get_secret, status

    return get_secret(name) if status().ok else None


def _require_keychain() -> None:
    from mlxtwin.security.keychain import status

    found = status()
    if not found.ok:
        message = f"No keychain can keep a secret here: {found.why}".rstrip(".") + "."
        raise Refused(message, "Log in to a session that has one; `mlxtwin doctor` shows what is found.")


def check_name(name: str) -> None:
    if name in KNOWN:
        return
    close = get_close_matches(name, KNOWN, n=1)
    hint = f"Did you mean {close[0]}?" if close else f"There are: {', '.join(KNOWN)}."
    raise UsageError(f"Nothing here reads a secret called {name}.", hint)

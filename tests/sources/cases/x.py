from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from . import Case


def tweet(number: int, words: str, minute: int, **more: Any) -> dict[str, Any]:
    """One tweet of an archive of today."""
    told = {
        "id_str": str(number),
        "created_at": f"Sat Mar 02 10:{minute:02}:00 +0000 2024",
        "full_text": words,
        "entities": {"urls": []},
        **more,
    }
    return {"tweet": told}


def script(name: str, values: list[Any]) -> str:
    """A file of the archive: JSON behind the name of a variable."""
    return f"window.YTD.{name}.part0 = {json.dumps(values, indent=2)}\n"


ACCOUNT = script("account", [{"account": {"username": "ann", "accountId": "100", "accountDisplayName": "Ann"}}])
TWEETS = [
    tweet(1, "RT @bob: How do you bake the rye?", 1),
    tweet(2, "@bob With patience &amp; a hot stone.", 2, in_reply_to_status_id_str="7", in_reply_to_screen_name="bob"),
]
CASE = Case(
    "x", "tweets.js", script("tweets", TWEETS), (), ("With patience & a",), ("How do you bake",),
    datetime(2024, 3, 2, 10, 1, tzinfo=UTC), (("account.js", ACCOUNT),),
)  # fmt: skip

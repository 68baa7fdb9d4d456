from __future__ import annotations

from datetime import UTC, datetime

from . import Case

MAIL = """From bob@example.org Sat Mar  2 10:00:00 2024
From: Bob <bob@example.org>
To: Ann <ann@example.org>
Subject: Bread
Date: Sat, 02 Mar 2024 10:00:00 +0000
Message-ID: <1@example.org>

How do you bake the rye?

From ann@example.org Sat Mar  2 12:00:00 2024
From: Ann <ann@example.org>
To: Bob <bob@example.org>
Subject: Re: Bread
Date: Sat, 02 Mar 2024 12:00:00 +0000
Message-ID: <2@example.org>
In-Reply-To: <1@example.org>

With patience and a hot stone.

On Sat, 2 Mar 2024, Bob wrote:
> How do you bake the rye?
"""
CASE = Case(
    "mail", "inbox.mbox", MAIL, ("ann@example.org",), ("patience",), ("How do you bake",),
    datetime(2024, 3, 2, 10, tzinfo=UTC),
)  # fmt: skip

from __future__ import annotations

from datetime import UTC, datetime

from . import Case

COMMENTS = """id,permalink,date,ip,subreddit,gildings,link,parent,body,media
k1,https://www.reddit.com/r/bread/comments/p9/how_to_rye/k1/,2024-03-02 10:01:00 UTC,,bread,0,x,,\
"> How do you bake the rye?

With patience, and
a hot stone.",
k2,https://www.reddit.com/r/bread/comments/p9/how_to_rye/k2/,2024-03-02 10:02:00 UTC,,bread,0,x,,[deleted],
"""
CASE = Case(
    "reddit", "comments.csv", COMMENTS, (), ("With patience, and\na",), ("How do you bake",),
    datetime(2024, 3, 2, 10, 1, tzinfo=UTC),
)  # fmt: skip

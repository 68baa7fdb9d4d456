from __future__ import annotations

from . import Case

TALK = """WEBVTT

1
00:00:01.000 --> 00:00:03.000
<v Bob>How do you bake the rye?</v>

2
00:00:03.500 --> 00:00:05.000
<v Ann>With patience</v>

3
00:00:05.000 --> 00:00:06.000
<v Ann>and a hot stone.</v>

4
00:00:07.000 --> 00:00:09.000
<v Bob>It rose at last.</v>
"""
CASE = Case("subtitles", "2024-03-02 talk.vtt", TALK, ("ann",), ("patience and a",), ("How do you bake", "rose"))

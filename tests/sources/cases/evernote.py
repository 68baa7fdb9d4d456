from __future__ import annotations

from datetime import UTC, datetime

from . import Case

EXPORT = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE en-export SYSTEM "http://xml.evernote.com/pub/evernote-export4.dtd">
<en-export export-date="20240401T100000Z" application="Evernote" version="10.80.0">
  <note>
    <title>Bread</title>
    <created>20240302T100000Z</created>
    <updated>20240303T100000Z</updated>
    <note-attributes><author>Ann</author></note-attributes>
    <content>
      <![CDATA[<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<!DOCTYPE en-note SYSTEM "http://xml.evernote.com/pub/enml2.dtd">
<en-note><blockquote>How do you bake the rye?</blockquote>
<div>With patience and a hot stone.</div></en-note>]]>
    </content>
    <resource><data encoding="base64">UklGRg==</data><mime>image/webp</mime></resource>
  </note>
  <note>
    <title>Spelt</title>
    <created>20240304T100000Z</created>
    <note-attributes><source>web.clip</source><source-url>https://example.org/spelt</source-url></note-attributes>
    <content><![CDATA[<en-note><div>Spelt rises in half the time.</div></en-note>]]></content>
  </note>
</en-export>
"""
CASE = Case(
    "evernote", "Kitchen.enex", EXPORT, ("Ann",), ("patience",), ("How do you bake", "Spelt rises"),
    datetime(2024, 3, 2, 10, tzinfo=UTC),
)  # fmt: skip

from __future__ import annotations

from datetime import UTC, datetime

from . import Case

CHAT = """{
 "name": "Bob",
 "type": "personal_chat",
 "id": 7001,
 "messages": [
  {"id": 1, "type": "service", "date": "2024-03-02T10:00:00", "date_unixtime": "1709373600", "actor": "Bob",
   "actor_id": "user7001", "action": "phone_call", "text": ""},
  {"id": 2, "type": "message", "date": "2024-03-02T11:01:00", "date_unixtime": "1709373660", "from": "Bob",
   "from_id": "user7001", "text": "How do you bake the rye?"},
  {"id": 3, "type": "message", "date": "2024-03-02T11:02:00", "date_unixtime": "1709373720", "from": "Ann",
   "from_id": "user7002", "reply_to_message_id": 2,
   "text": ["With ", {"type": "bold", "text": "patience"}, " and a hot stone."]},
  {"id": 4, "type": "message", "date": "2024-03-03T11:02:00", "date_unixtime": "1709460120", "from": "Ann",
   "from_id": "user7002", "forwarded_from": "Carl", "text": "Flour is cheaper on Fridays."},
  {"id": 5, "type": "message", "date": "2024-03-03T11:03:00", "date_unixtime": "1709460180", "from": "Ann",
   "from_id": "user7002", "text": "I shall go then."}
 ]
}
"""
CASE = Case(
    "telegram", "result.json", CHAT, ("Ann",), ("With patience and a hot stone.", "I shall go then."),
    ("How do you bake", "cheaper on Fridays"), datetime(2024, 3, 2, 10, 1, tzinfo=UTC),
)  # fmt: skip

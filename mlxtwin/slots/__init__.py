"""Named personalities, each a history of immutable, sealed adapter versions."""

"""A bundled, entirely invented person, Maud Tarrow, whose exports the demo imports."""

PERSON_NAMES: tuple[str, ...] = ("Maud Tarrow", "maud.tarrow@example.org", "clocks@example.net")

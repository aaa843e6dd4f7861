"""Decisions are numbered, and each says why and until when."""

import re

from tests.docs.markdown import DOCS


def test_every_decision_has_its_number_and_all_its_parts() -> None:
    records = sorted((DOCS / "adr").glob("*.md"))

    assert records
    for number, record in enumerate(records, start=1):
        text = record.read_text()
        assert record.name.startswith(f"{number:04}-")
        assert text.startswith(f"# {number}. ")
        assert re.findall(r"^## (.+)$", text, flags=re.MULTILINE) == [
            "Context",
            "Decision",
            "Consequences",
            "What would change our mind",
        ]

"""Examples hold nothing that changes between runs, no secret, and bodies that their schemas accept."""

from datetime import UTC, datetime

import pytest

from sandbox.examples.made_up import made_up
from sandbox.examples.plain import plain, plain_lines

NOW = datetime(2026, 11, 27, 23, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("2026-11-27T23:14:58Z", "2026-04-01T12:00:00Z"),
        ("2026-12-04T23:15:01.25Z", "2026-04-08T12:00:00Z"),
        ("2026-02-01T09:00:00Z", "2026-02-01T09:00:00Z"),
        ("rmk_8h2kLwQz-0aZ_1bYc2dXe3fWg4hVi5jUk6lTm7nSo8p", "rmk_EXAMPLE_of_a_key_that_does_not_work"),
        ("rmk_8h2kLw-", "rmk_EXAMPLE"),
        ("rk_live_51abcdefgh", "rk_live_EXAMPLE_that_does_not_work"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_RVhBTVBMRQ=="),
        (
            "https://revmap.example.com/join#8h2kLwQz0aZ_1bYc2dXe3fWg4hVi5jUk6lTm7nSo8p",
            "https://revmap.example.com/join#EXAMPLE-OF-A-LINK-THAT-DOES-NOT-WORK",
        ),
        ("http://127.0.0.1:38123/revmap-events", "https://example.com/revmap-events"),
        ("f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "00000000-0000-4000-8000-000000000001"),
    ],
)
def test_what_changes_or_is_secret_is_made_up(told: str, shown: str) -> None:
    assert plain({"value": told}, now=NOW) == {"value": shown}


def test_what_is_long_is_cut() -> None:
    assert plain([{"id": number} for number in range(9)], now=NOW) == [{"id": 0}, {"id": 1}]
    assert plain(list(range(9)), now=NOW) == list(range(9))
    assert plain("a" * 999, now=NOW) == "a" * 360 + "…"
    assert plain_lines("a\r\nb\r\n", now=NOW) == "a\nb\n"


def test_a_body_is_made_from_its_schema() -> None:
    role = {"type": "string", "enum": [None, "viewer", "editor"]}
    person = {
        "type": "object",
        "properties": {"email": {"type": ["string", "null"]}, "role": role},
        "required": ["role"],
    }
    document = {"components": {"schemas": {"Person": person}}}
    people = {"type": "array", "items": {"anyOf": [{"$ref": "#/components/schemas/Person"}, {"type": "null"}]}}
    told = {"type": "array", "items": {"type": "string", "format": "email"}}
    all_of_it = {"people": people, "emails": told, "is_open": {"type": "boolean"}}

    body = made_up(document, {"properties": all_of_it | {"from": {"type": "string", "format": "date"}}})

    assert body == {
        "people": [{"role": "viewer"}],
        "emails": ["ada@example.org"],
        "is_open": True,
        "from": "2026-03-01",
    }
    assert made_up(document, person) == {"role": "viewer"}

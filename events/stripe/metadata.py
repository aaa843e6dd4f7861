"""Read metadata, and texts beside it, leniently: whatever shape they have, the rest of a fact stays readable. Pure.

https://docs.stripe.com/api/metadata: up to 50 keys of up to 40 characters, with texts of up to 500. What exceeds that
does not come from Stripe, and is left out or cut off.
"""

from typing import Any

import msgspec

from events.stripe.details import Metadata

_MOST_KEYS = 50
_LONGEST_KEY = 40
_LONGEST_TEXT = 500


def metadata_of(value: Any) -> Metadata:  # noqa: ANN401 - any JSON
    """Return metadata in the order of its keys. What is no object has none; values that are no texts are JSON."""
    if not value or not isinstance(value, dict):
        return ()
    pairs = sorted(value.items())
    for key, said in pairs:
        if type(said) is not str or not 0 < len(said) <= _LONGEST_TEXT or not 0 < len(key) <= _LONGEST_KEY:
            pairs = [(key, text) for key, said in pairs if 0 < len(key) <= _LONGEST_KEY and (text := _text(said))]
            break
    return tuple(pairs[:_MOST_KEYS])


def text_of(value: Any) -> str | None:  # noqa: ANN401 - any JSON
    """Return a text that is not empty, cut off like those of metadata, or None."""
    return value[:_LONGEST_TEXT] if value and isinstance(value, str) else None


def country_of(address: Any) -> str | None:  # noqa: ANN401 - any JSON
    """Return the country of an address, or None."""
    return text_of(address.get("country")) if address and isinstance(address, dict) else None


def _text(value: Any) -> str:  # noqa: ANN401 - any JSON
    if isinstance(value, str):
        return value if len(value) <= _LONGEST_TEXT else value[:_LONGEST_TEXT]
    return "" if value is None else msgspec.json.encode(value).decode()[:_LONGEST_TEXT]

"""Issue ids that look like Stripe's: unique for ever, in no particular order, the same for the same seed."""

import hashlib
import string

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_BASE = len(_ALPHABET)
_DIGITS = 7
_RANGE = _BASE**_DIGITS
# Coprime to 62, so counting 0, 1, 2 … visits every number of seven digits once, in an order that shows no pattern.
_STRIDE = 1_234_567_890_133


def token(*parts: object, length: int = 16) -> str:
    """Return `length` letters and digits that depend only on the parts."""
    digest = hashlib.sha256(":".join(map(str, parts)).encode()).digest()
    return base62(int.from_bytes(digest, "big"), length)


def base62(number: int, digits: int) -> str:
    """Return the last `digits` base-62 digits of a number."""
    letters = []
    for _ in range(digits):
        number, remainder = divmod(number, _BASE)
        letters.append(_ALPHABET[remainder])
    return "".join(letters)


class IdSource:
    """A source of ids for one account and mode; `owner` (16 characters) makes them differ from all others.

    `issued` counts them, which also orders records within a second.
    """

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self.issued = 0

    def continue_as(self, owner: str) -> None:
        """Make later ids differ from those that another run with the same seed issues."""
        self._owner = owner

    def issue(self, prefix: str) -> str:
        """Return the next id, for example `in_1…` for the prefix `in`: 24 characters after the underscore."""
        self.issued += 1
        return f"{prefix}_1{base62(self.issued * _STRIDE % _RANGE, _DIGITS)}{self._owner}"


def sibling(identifier: str, prefix: str) -> str:
    """Return the id of an object that exists once per other object, as an invoice item `ii_…` per line `il_…`."""
    return f"{prefix}_{identifier.partition('_')[2] or identifier}"

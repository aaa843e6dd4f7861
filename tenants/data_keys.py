"""The keys that seal secrets: read from ENCRYPTION_KEYS, named by ids that reveal nothing about them."""

import base64
import binascii
from collections.abc import Sequence
from hashlib import sha256

from runtime.environ import Environment

_DATA_KEY_BYTES = 32
_ID_CHARACTERS = 16


def data_keys_from(environment: Environment, items: Sequence[str]) -> tuple[bytes, ...]:
    """Decode the keys, newest first; an invalid one is noted as a problem, by its position."""
    keys = []
    for position, item in enumerate(items, start=1):
        key = _decoded(item)
        if item and len(key) != _DATA_KEY_BYTES:
            environment.note(f"ENCRYPTION_KEYS: key {position} is not {_DATA_KEY_BYTES} bytes of urlsafe base64")
        keys.append(key)
    return tuple(keys)


def key_id(key: bytes) -> str:
    """Return the id of a key."""
    return sha256(b"revmap data key\0" + key).hexdigest()[:_ID_CHARACTERS]


def _decoded(item: str) -> bytes:
    try:
        return base64.b64decode(item + "=" * (-len(item) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""

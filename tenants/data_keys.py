"""The keys that secrets are sealed with: read from ENCRYPTION_KEYS, known by ids that tell nothing about them."""

import base64
import binascii
from collections.abc import Sequence
from hashlib import sha256

from runtime.environ import Environment

_DATA_KEY_BYTES = 32
_ID_CHARACTERS = 16


def data_keys_from(environment: Environment, items: Sequence[str]) -> tuple[bytes, ...]:
    """Give the keys, newest first; what is none is noted by its place."""
    keys = []
    for position, item in enumerate(items, start=1):
        key = _decoded(item)
        if item and len(key) != _DATA_KEY_BYTES:
            environment.note(f"ENCRYPTION_KEYS: key {position} is not {_DATA_KEY_BYTES} bytes of urlsafe base64")
        keys.append(key)
    return tuple(keys)


def key_id(key: bytes) -> str:
    """Give the name of a key."""
    return sha256(b"revmap data key\0" + key).hexdigest()[:_ID_CHARACTERS]


def _decoded(item: str) -> bytes:
    try:
        return base64.b64decode(item + "=" * (-len(item) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""

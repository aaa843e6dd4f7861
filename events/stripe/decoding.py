"""Decode JSON into shapes whose texts PostgreSQL can store. Pure."""

import json
import re
from typing import Any, TypeVar

import msgspec

Shape = TypeVar("Shape")

_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")


def decoded(payload: bytes, decoder: msgspec.json.Decoder[Shape]) -> Shape:
    """Decode a payload; what PostgreSQL's text cannot contain becomes the replacement character.

    :raises msgspec.MsgspecError: it does not have this shape
    """
    # PostgreSQL's text can contain neither NUL nor lone surrogates; JSON can, as escapes. The log keeps the
    # original bytes; the table shows the replacement character.
    if not _has_escaped_nul(payload):
        try:
            return decoder.decode(payload)
        except msgspec.ValidationError:
            raise
        except msgspec.DecodeError:
            pass
    return decoder.decode(msgspec.json.encode(_storable(json.loads(payload))))


def _has_escaped_nul(payload: bytes) -> bool:
    # From backslash to backslash: one byte is found many times as fast as a sequence of six.
    at = payload.find(b"\\")
    while at >= 0 and not payload.startswith(b"u0000", at + 1):
        at = payload.find(b"\\", at + 1)
    return at >= 0


def _storable(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, str):
        return _NOT_STORABLE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_storable(item) for item in value]
    if isinstance(value, dict):
        return {_storable(key): _storable(item) for key, item in value.items()}
    return value

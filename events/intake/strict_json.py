"""The one parser for JSON from outside. What two parsers could read differently, it refuses."""

import json
import re
from typing import NoReturn

import msgspec

MAX_DEPTH = 64
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
# One that never ends reaches to the end, so that no text is searched twice.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_NOT_A_BRACKET = bytes(byte for byte in range(256) if byte not in b"{}[]")


class UnreadableJsonError(ValueError):
    """The bytes are not JSON, or JSON that readers could disagree about."""


def parse_strictly(body: bytes) -> object:
    """Read UTF-8 JSON as plain dicts, lists, strings, ints, floats, bools and None.

    :raises UnreadableJsonError: not UTF-8 or not JSON (RFC 8259); a key twice in one object, a float that is not
        finite, a number of more digits than Python reads (4,300), or nesting deeper than 64
    """
    if _is_too_deep(body):
        raise UnreadableJsonError(f"nested deeper than {MAX_DEPTH}")
    try:
        value: object = msgspec.json.decode(body)
        quotes = msgspec.json.encode(value).count(b'"')
    except (ValueError, OverflowError, RecursionError):
        return _parse_in_words(body)
    # Twice as quick as looking at every object: the decoder keeps one of two equal keys, and then quotes are missing.
    # Only a quote spelled as an escape could make up for them.
    if quotes != body.count(b'"') or b"\\u0022" in body:
        return _parse_in_words(body)
    return value


def _parse_in_words(body: bytes) -> object:
    try:
        return _DECODER.decode(body.decode("utf-8"))
    except UnreadableJsonError:
        raise
    except RecursionError as error:
        raise UnreadableJsonError(f"nested deeper than {MAX_DEPTH}") from error
    except ValueError as error:
        raise UnreadableJsonError("not JSON in UTF-8") from error


def _is_too_deep(body: bytes) -> bool:
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return False
    # Without its strings the text nests as its brackets do, and one kind of them is enough to see how deep: a round of
    # peeling is a level, and no round walks the text in Python.
    brackets = _STRING.sub(b"", body).translate(_ONE_KIND, _NOT_A_BRACKET)
    for _ in range(MAX_DEPTH):
        peeled = brackets.replace(b"[]", b"")
        if len(peeled) == len(brackets):
            break  # whatever is left does not nest: the parser will say so
        brackets = peeled
    return b"[]" in brackets


def _object_without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise UnreadableJsonError("a key stands twice in one object")
    return found


def _finite_float(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise UnreadableJsonError("a number is too large")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise UnreadableJsonError(f"{name} is not a JSON number")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object_without_repeats,
    parse_float=_finite_float,
    parse_constant=_refuse_constant,
)

"""Parse JSON from outside. JSON that two parsers could read differently is refused."""

import json
import re
from typing import NoReturn

import msgspec

MAX_DEPTH = 64
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
# An unterminated string matches up to the end, so that no text is searched twice.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_NOT_A_BRACKET = bytes(byte for byte in range(256) if byte not in b"{}[]")


class UnreadableJsonError(ValueError):
    """The bytes are not JSON, or JSON that two parsers could read differently."""


def parse_strictly(body: bytes) -> object:
    """Parse UTF-8 JSON into plain dicts, lists, strings, ints, floats, bools and None.

    :raises UnreadableJsonError: not UTF-8 or not JSON (RFC 8259); a repeated key in one object, a float that is not
        finite, a number with more digits than Python reads (4,300), or nesting deeper than 64
    """
    if _is_too_deep(body):
        raise UnreadableJsonError(f"nested deeper than {MAX_DEPTH}")
    try:
        value: object = msgspec.json.decode(body)
        quotes = msgspec.json.encode(value).count(b'"')
    except (ValueError, OverflowError, RecursionError):
        return _parse_with_hooks(body)
    # Twice as fast as checking every object: the decoder keeps one of two equal keys, and then quotes are missing.
    # Only a quote written as a Unicode escape could hide that.
    if quotes != body.count(b'"') or b"\\u0022" in body:
        return _parse_with_hooks(body)
    return value


def _parse_with_hooks(body: bytes) -> object:
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
    # Without strings, only brackets decide the depth, and one kind of them is enough. Each round removes one level
    # from the inside, and no round walks the text in Python.
    brackets = _STRING.sub(b"", body).translate(_ONE_KIND, _NOT_A_BRACKET)
    for _ in range(MAX_DEPTH):
        reduced = brackets.replace(b"[]", b"")
        if len(reduced) == len(brackets):
            break  # what is left does not nest: the parser will refuse it
        brackets = reduced
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

"""The parser for JSON from outside: accepts only what every parser reads the same way."""

import json
from itertools import cycle, islice
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.intake.strict_json import MAX_DEPTH, UnreadableJsonError, parse_strictly
from tests.support.promises import examples

OPENERS = {"[": "]", '{"a":': "}"}


def nested(depth: int, *openers: str, core: str = "1") -> bytes:
    """Return JSON nested so deep, using these openers in turn."""
    opened = list(islice(cycle(openers), depth))
    return ("".join(opened) + core + "".join(OPENERS[opener] for opener in reversed(opened))).encode()


def disguised(depth: int) -> bytes:
    """Return nested arrays that look flat to a reader that counts the brackets in strings, too."""
    return ('["]",' * (depth - 1) + "[1]" + ',"["]' * (depth - 1)).encode()


def is_refused(body: bytes) -> bool:
    try:
        parse_strictly(body)
    except UnreadableJsonError:
        return True
    return False


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**38), 10**38)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8") | st.sampled_from('{}[]"\\,:')),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)


@pytest.mark.promise(
    "Hostile input: signatures, JSON, shapes, cursors and spreadsheets",
    trials=(100, 2000),
)
@examples(100, 2000)
@given(value=values, indent=st.none() | st.integers(0, 3), ascii_only=st.booleans())
def test_what_the_plain_parser_reads_is_read_equal(value: object, indent: int | None, *, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)

    assert parse_strictly(text.encode()) == json.loads(text) == value


@pytest.mark.promise(
    "Hostile input: signatures, JSON, shapes, cursors and spreadsheets",
    trials=(100, 2000),
)
@examples(100, 2000)
@given(
    body=st.binary()
    | st.text(st.sampled_from('{}[]":,0123456789.eE+-\\utrufalsn \x00\ud800')).map(
        lambda text: text.encode("utf-8", "surrogatepass")
    )
)
def test_whatever_the_bytes_they_are_read_as_the_plain_parser_reads_them_or_refused(body: bytes) -> None:
    if not is_refused(body):
        assert repr(parse_strictly(body)) == repr(json.loads(body.decode()))


@pytest.mark.parametrize(
    "body", [rb'"\u0000"', rb'"\ud800"', rb'{"\udfff": 1}', b'"\x7f"', b" [-0] \n", b"1e308", b"[0.1]"]
)
def test_rare_but_valid_json_is_read(body: bytes) -> None:
    assert repr(parse_strictly(body)) == repr(json.loads(body))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b'{"a":1}}',
        b"{'a':1}",
        b"[1,]",
        b"01",
        b'"\x00"',
        b'"\n"',
        b'"\xff"',
        b'"\xed\xa0\x80"',  # a surrogate, which UTF-8 cannot encode
        b"\xef\xbb\xbf{}",
        '{"a":1}'.encode("utf-16"),
        '{"a":1}'.encode("utf-32-le"),
        b"NaN",
        b"[Infinity]",
        b'{"a":-Infinity}',
        b"1e400",
        b"-1e400",
        b"1" + b"0" * 5000,
    ],
)
def test_what_is_not_json_or_has_a_number_without_a_value_is_refused(body: bytes) -> None:
    assert is_refused(body)


def test_number_of_40_digits_is_read_to_the_last() -> None:
    assert parse_strictly(b"[" + b"9" * 40 + b"]") == [10**40 - 1]


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":1,"a":1}',
        b'[{"b":{"a":1,"c":2,"a":3}}]',
        rb'{"a":1,"\u0061":2}',
        rb'{"a":1,"a":"\u0022\u0022"}',  # as many quotes as before when one key is dropped
        rb'{"a":1,"a":"\"\""}',
        rb'{"\\":1,"\u005c":2}',
    ],
)
def test_key_that_stands_twice_in_one_object_is_refused(body: bytes) -> None:
    assert is_refused(body)


def test_key_may_stand_in_several_objects() -> None:
    assert parse_strictly(b'[{"a":1},{"a":{"a":2}}]') == [{"a": 1}, {"a": {"a": 2}}]


@pytest.mark.parametrize("openers", [["["], ['{"a":'], ["[", '{"a":'], ['{"a":', "[", "["]])
def test_depth_of_64_is_read_and_of_65_refused(openers: list[str]) -> None:
    assert parse_strictly(nested(MAX_DEPTH, *openers)) == json.loads(nested(MAX_DEPTH, *openers))
    assert is_refused(nested(MAX_DEPTH + 1, *openers))


@pytest.mark.parametrize(
    "core", ['"' + "[" * 99 + '"', '"\\"' + "{[" * 99 + '"', '"' + "]" * 99 + '"', '{"[[": "\\\\"}']
)
def test_brackets_inside_strings_are_not_levels(core: str) -> None:
    body = nested(MAX_DEPTH - 1, "[", core=core)

    assert parse_strictly(body) == json.loads(body)


def test_brackets_inside_strings_hide_no_level() -> None:
    assert parse_strictly(disguised(MAX_DEPTH)) == json.loads(disguised(MAX_DEPTH))
    assert is_refused(disguised(MAX_DEPTH + 1))


def test_neighbours_are_not_levels() -> None:
    body = ("[" + ",".join(['{"a":[]}'] * 1000) + "]").encode()

    assert parse_strictly(body) == json.loads(body)


@pytest.mark.parametrize(
    "body",
    [
        nested(200_000, "["),
        nested(100_000, '{"a":'),
        nested(60_000, "[", '{"a":'),
        b"[" * 1_000_000,
        b"]" * 1_000_000,
        b'"' + b'\\"' * 499_999,
        disguised(80_000),
    ],
    ids=["arrays", "objects", "mixed", "never closed", "never opened", "never quoted", "disguised"],
)
def test_body_built_to_exhaust_the_parser_is_refused_soon(body: bytes) -> None:
    started = process_time()

    assert is_refused(body)
    assert process_time() - started < 0.5


def test_million_bytes_of_keys_or_items_are_read_soon() -> None:
    for body in (json.dumps({f"k{n}": 0 for n in range(90_000)}), json.dumps([0] * 300_000)):
        started = process_time()

        assert parse_strictly(body.encode()) == json.loads(body)
        assert process_time() - started < 0.5

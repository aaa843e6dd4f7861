"""Whatever stands where Stripe's words should: it is read, or refused by name, and never an accident."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.intake.envelope import NotAnEventError, event_from_stripe
from events.intake.strict_json import UnreadableJsonError
from events.stripe.words import observations_of
from tests.support.payloads import credit_note, customer, event, new_invoice, old_invoice, price, product
from tests.support.promises import examples
from tests.support.signing import json_bytes

_SUBJECTS = {
    "invoice.paid": [new_invoice(), old_invoice()],
    "credit_note.created": [credit_note()],
    "customer.updated": [customer()],
    "price.updated": [price()],
    "product.updated": [product()],
}
_ODD: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.sampled_from(["\x00", "\ud800", "in_1", "x" * 300, "usd", "paid"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(one for key, inner in items for one in _places(inner, (*path, key)))]


@st.composite
def damaged_events(draw: st.DrawFn) -> bytes:
    """Return an event with something odd in up to three places, or without what stood there."""
    kind = draw(st.sampled_from(sorted(_SUBJECTS)))
    told = json.loads(json_bytes(event(draw(st.sampled_from(_SUBJECTS[kind])), kind)))
    for _ in range(draw(st.integers(1, 3))):
        *path, last = draw(st.sampled_from([one for one in _places(told) if one]))
        place = told
        for key in path:
            place = place[key]
        if draw(st.booleans()) and isinstance(place, dict):
            del place[last]
        else:
            place[last] = draw(_ODD)
    return json_bytes(told)


@pytest.mark.promise("Hostile input: signatures, JSON, shapes, cursors and spreadsheets", trials=(50, 2000))
@examples(50, 2000)
@given(damaged_events())
def test_a_damaged_event_is_read_or_refused_by_name(body: bytes) -> None:
    try:
        read = event_from_stripe(body)
    except (NotAnEventError, UnreadableJsonError):
        return
    observations_of(read.type, read.entity, read.payload)

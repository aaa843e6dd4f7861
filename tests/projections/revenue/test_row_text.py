"""The text of a row can be read back, whatever characters it has."""

from hypothesis import given
from hypothesis import strategies as st

from projections.revenue.row_text import fields_of, text_of

# PostgreSQL has no NUL in a text.
_TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"))


@given(fields=st.lists(st.none() | _TEXTS, min_size=1))
def test_the_fields_of_a_line_are_those_that_it_was_written_from(fields: list[str | None]) -> None:
    assert fields_of(text_of(fields) + b"\n") == fields

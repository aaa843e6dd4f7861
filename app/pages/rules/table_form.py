"""The lines of a table that is looked up, as a form has them: fields side by side, and lines that are pasted."""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from flask import request

from app.pages.forms import typed
from projections.mapping.decisions.streams import Stream
from projections.mapping.texts import folded

# A longer table is shown as lines to be edited as a text.
MOST_ROWS = 100

_BEFORE_STREAM = re.compile(r"\t|,|→|=>")
_MOST_TOLD = 5


class TableForm(NamedTuple):
    """The entries of a table, what is wrong with its lines, and those that could not be read."""

    entries: dict[str, str]
    mistakes: dict[str, str]
    more: str


class _Line(NamedTuple):
    value: str
    stream_id: str
    text: str


def table_in(streams: Mapping[str, Stream]) -> TableForm:
    """Return the table that the form describes. Lines with mistakes stay among those that are to be pasted."""
    by_name = {folded(stream.name): stream_id for stream_id, stream in streams.items()}
    by_name |= {folded(stream_id): stream_id for stream_id in streams}
    entries: dict[str, str] = {}
    wrong: list[tuple[str, str]] = []
    for line in (*_rows(), *_pasted(by_name)):
        if not line.value or not line.stream_id:
            says = "write a value, a comma or a tab, and a stream" if not line.value else "there is no such stream"
            wrong.append((line.text, f"“{line.text}”: {says}."))
        elif entries.setdefault(line.value, line.stream_id) != line.stream_id:
            wrong.append((line.text, f"“{line.value}” is in the table with another stream."))
    told = [says for _, says in wrong[:_MOST_TOLD]]
    if len(wrong) > _MOST_TOLD:
        told.append(f"And {len(wrong) - _MOST_TOLD} more.")
    mistakes = {"table.more": " ".join(told)} if wrong else {}
    return TableForm(entries, mistakes, "\n".join(text for text, _ in wrong))


def table_as_lines(table: Mapping[str, str], streams: Mapping[str, Stream]) -> str:
    """Return a table as lines that `table_in` would read."""
    return "\n".join(f"{value}\t{_name(stream_id, streams)}" for value, stream_id in table.items())


def _rows() -> Iterator[_Line]:
    values, chosen = request.form.getlist("table.value"), request.form.getlist("table.stream")
    for value, stream_id in zip(values, chosen, strict=False):
        if value.strip():
            yield _Line(value.strip(), stream_id, f"{value.strip()}\t")


def _pasted(by_name: Mapping[str, str]) -> Iterator[_Line]:
    for line in filter(str.strip, typed("table.more").splitlines()):
        # A value and a name may have commas of their own: what is before one is the value if a stream is behind it.
        parts = [(line[: one.start()].strip(), line[one.end() :].strip()) for one in _BEFORE_STREAM.finditer(line)]
        known = [(value, by_name[folded(name)]) for value, name in parts if folded(name) in by_name]
        value, stream_id = next(iter(known), (parts[-1][0] if parts else "", ""))
        yield _Line(value, stream_id, line)


def _name(stream_id: str, streams: Mapping[str, Stream]) -> str:
    return streams[stream_id].name if stream_id in streams else stream_id

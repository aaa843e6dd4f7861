"""Move all parts of many lines to other streams at once: what they recognize stays as it is, month by month."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from projections.mapping.mapped import Mapped
from projections.revenue.parts.recognition_sums import RecognitionKey, RecognitionSums
from projections.revenue.store.mapping.line_groups import BOOKED_MONTH, LINE_KEY, LineGroups
from projections.revenue.store.mapping.mapped_groups import MappedGroup
from projections.revenue.store.parts.part_tables import NOT_MAPPED, revenue_part
from projections.revenue.store.parts.write_parts import PAST_COLUMNS
from runtime.json_rows import as_rows, rows_of


class _Place(NamedTuple):
    """Where lines are, and what put them there."""

    layer: str
    rule_id: str | None
    stream_id: str
    plan_id: str


class _Move(NamedTuple):
    before: _Place
    after: _Place


_PLACE = ("number", *_Place._fields)
_PLACES = rows_of("number integer, layer text, rule_id text, stream_id text, plan_id text", "places", "o")
_ENDED = ", ".join("%(position)s" if name == "until" else f"p.{name}" for name in PAST_COLUMNS)
_OF_MOVED = " AND ".join(f"p.{name} = m.{name}" for name in LINE_KEY)
# The rows of a part are what `projections.recognition.month_rows.spread_of` says.
_MOVE = f"""
    WITH moved AS MATERIALIZED (
        SELECT {", ".join(f"l.{name}" for name in LINE_KEY)}, k.number FROM {{lines}}
          AND l.invoice_id <> ALL (%(others)s)
    ), ended AS (
        INSERT INTO {revenue_part.name}_past ({", ".join(PAST_COLUMNS)})
        SELECT {_ENDED} FROM moved m JOIN {revenue_part.name} p ON {_OF_MOVED}
    ), parts AS (
        UPDATE {revenue_part.name} p SET layer = o.layer, rule_id = o.rule_id, stream_id = o.stream_id,
            plan_id = o.plan_id, position = %(position)s
        FROM moved m JOIN {_PLACES} ON o.number = m.number WHERE {_OF_MOVED}
        RETURNING m.number, p.*
    ), months AS (
        SELECT number, currency, kind, cause, {BOOKED_MONTH} AS booked_month, contra, expense,
               generate_series(first_month, last_month) AS month, unnest(months) AS recognized FROM parts p
    ), recognized AS (
        SELECT number, currency, kind, cause, booked_month, month,
               recognized - CASE WHEN month = booked_month THEN contra ELSE 0 END AS earned,
               CASE WHEN month = booked_month THEN contra - expense ELSE 0 END AS contra FROM months
        UNION ALL
        SELECT number, currency, 'expense', cause, booked_month, month, 0, expense FROM months
        WHERE month = booked_month AND expense <> 0
    )
    SELECT number, currency, kind, cause, booked_month, month, sum(earned)::bigint, sum(contra)::bigint
    FROM recognized GROUP BY number, currency, kind, cause, booked_month, month
"""  # noqa: S608 - our own words


def move_parts(
    lines: LineGroups, groups: Iterable[MappedGroup], position: int, sums: RecognitionSums, *, but_of: Sequence[str]
) -> None:
    """Move the parts of groups to what each is mapped to after, and add what that changes to sums.

    Lines of the invoices `but_of` stay. Commits nothing.
    """
    numbers: dict[_Move, int] = {}
    numbered = [(one.group.values, numbers.setdefault(_move_of(one), len(numbers))) for one in groups]
    moves = list(numbers)
    places = as_rows(_PLACE, ((number, *move.after) for move, number in numbers.items()), "places")
    statement = _MOVE.format(lines=lines.of_groups())
    rows = lines.of(numbered, statement, {**places, "position": position, "others": list(but_of)})
    for number, currency, kind, cause, booked_month, month, *amounts in rows:
        before, after = (
            RecognitionKey(lines.livemode, currency, place.stream_id, place.plan_id, kind, cause, booked_month, month)
            for place in moves[number]
        )
        sums.move(position, before, after, *amounts)


def _move_of(one: MappedGroup) -> _Move:
    return _Move(_place_of(one.before), _place_of(one.after))


def _place_of(mapped: Mapped) -> _Place:
    (share,) = mapped.shares
    return _Place(mapped.layer, mapped.rule_id, share.stream_id or NOT_MAPPED, share.plan_id or NOT_MAPPED)

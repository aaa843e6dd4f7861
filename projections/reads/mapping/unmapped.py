"""Read the lines that nothing maps, in groups of what is sold."""

from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import TextClause, text

from projections.mapping.likely_streams import NUMBER
from projections.reads.snapshots import NotFoldedYetError, Snapshot

# So many are read within a fifth of a second, at up to 4 µs each.
MOST_LINES = 40_000
# Of a description: its words become values of a rule, which are no longer.
_MOST_CHARACTERS = 500
# Signs and digits of ASCII, and the currencies that most write. Linear: PostgreSQL builds an automaton of it.
_SIGN = "[!-@\\[-`{-~€£¥]"
_NUMBERS = f"({_SIGN}*[0-9]{_SIGN}*\\s*)+"


class GroupMark(NamedTuple):
    """The last group of a page. An id that it does not have is the empty text."""

    size: int
    currency: str
    product_id: str
    price_id: str
    description: str


class UnmappedLines(NamedTuple):
    """Lines of one product and price, or else of one description but for its numbers, that nothing maps.

    `net_amount` is what they come to less what credit notes took, in minor units. The description of lines with a
    product or a price is one of theirs.
    """

    product_id: str | None
    price_id: str | None
    currency: str
    description: str | None
    product_name: str | None
    lines: int
    net_amount: int

    @property
    def mark(self) -> GroupMark:
        """Return the mark after which a list continues: this group."""
        phrase = "" if self.is_sold else self.description or ""
        return GroupMark(abs(self.net_amount), self.currency, self.product_id or "", self.price_id or "", phrase)

    @property
    def is_sold(self) -> bool:
        """Return whether the lines have a product or a price in common."""
        return bool(self.product_id or self.price_id)


class Unmapped(NamedTuple):
    """A page of groups. They are of the newest `MOST_LINES` lines, and not complete if there are as many."""

    groups: list[UnmappedLines]
    is_complete: bool


def list_unmapped(snapshot: Snapshot, *, livemode: bool, limit: int, after: GroupMark | None = None) -> Unmapped:
    """Return up to `limit` groups, those that come to most first, be it negative.

    :raises NotFoldedYetError: the table was built by an older release, which mapped nothing
    """
    if not snapshot.is_whole:
        raise NotFoldedYetError
    statement = _groups(is_past=snapshot.is_past, is_continued=after is not None)
    parameters = {**snapshot.bound(), "livemode": livemode, "most_lines": MOST_LINES, "limit": limit}
    rows = snapshot.connection.execute(statement, parameters | (after._asdict() if after else {})).all()
    groups = [
        UnmappedLines(
            row.product_id or None,
            row.price_id or None,
            row.currency,
            row.phrase or row.example,
            row.product_name,
            row.lines,
            int(row.net),
        )
        for row in rows
    ]
    return Unmapped(groups, is_complete=not rows or rows[0].all_lines < MOST_LINES)


def count_unmapped(snapshot: Snapshot, *, livemode: bool, most_lines: int) -> tuple[int, bool]:
    """Return how many groups the unmapped lines are of, and whether all were looked at, which are no more than given.

    :raises NotFoldedYetError: as `list_unmapped`
    """
    if not snapshot.is_whole:
        raise NotFoldedYetError
    parameters = {**snapshot.bound(), "livemode": livemode, "most_lines": most_lines}
    groups, lines = snapshot.connection.execute(_COUNT, parameters).one()
    return groups, lines < most_lines


def phrase_of(description: str) -> str:
    """Return SQL for a description, itself in SQL, with each of its numbers replaced by `NUMBER`."""
    text_of_it = f"left(coalesce({description}, ''), {_MOST_CHARACTERS})"
    numberless = f"regexp_replace({text_of_it}, '{_NUMBERS}', '{NUMBER} ', 'g')"
    return f"btrim(regexp_replace({numberless}, '\\s+', ' ', 'g'))"


_IDS = "company_id, build, livemode, invoice_id, invoice_line_item_id"
_OF_BUILD = "company_id = :company_id AND build = :build AND livemode = :livemode"
# There is one part of a line that is billed and unmapped: its whole.
_IS_UNMAPPED = f"{_OF_BUILD} AND step = 0 AND layer = 'unmapped'"
_STOOD = "position <= :position AND until > :position"
_VALUES = "product_id, price_id, product_name, description, currency, net_amount - credited_amount AS net"
# Ids of invoices grow with time.
_NEWEST = "ORDER BY invoice_id DESC, invoice_line_item_id DESC LIMIT :most_lines"
_IS_OF_PART = " AND ".join(f"line.{name} = part.{name}" for name in _IDS.split(", "))
# Looked up line by line: PostgreSQL would rather read all lines than so many of them.
_NOW = f"""
    SELECT line_now.* FROM (SELECT {_IDS} FROM revenue_part WHERE {_IS_UNMAPPED} {_NEWEST}) part
    CROSS JOIN LATERAL (SELECT {_VALUES} FROM revenue_line line WHERE {_IS_OF_PART} LIMIT 1) line_now
"""  # noqa: S608 - our own words
_THEN = f"""
    SELECT line_then.* FROM (
        SELECT {_IDS} FROM revenue_part WHERE {_IS_UNMAPPED} AND position <= :position
        UNION ALL
        SELECT {_IDS} FROM revenue_part_past WHERE {_IS_UNMAPPED} AND {_STOOD}
        {_NEWEST}
    ) part CROSS JOIN LATERAL (
        SELECT {_VALUES} FROM revenue_line line WHERE {_IS_OF_PART} AND position <= :position
        UNION ALL
        SELECT {_VALUES} FROM revenue_line_past line WHERE {_IS_OF_PART} AND {_STOOD}
    ) line_then
"""  # noqa: S608 - our own words
_PHRASE = f"CASE WHEN product_id IS NULL AND price_id IS NULL THEN {phrase_of('description')} ELSE '' END"
_COUNT = text(f"""
    SELECT count(DISTINCT (product_id, price_id, currency, {_PHRASE})), count(*)
    FROM ({_NOW}) line
""")  # noqa: S608 - our own words
_MARK = "(currency, product_id, price_id, phrase) > (:currency, :product_id, :price_id, :description)"


@lru_cache
def _groups(*, is_past: bool, is_continued: bool) -> TextClause:
    follows = f"WHERE abs(net) < :size OR abs(net) = :size AND {_MARK}" if is_continued else ""
    # Compared byte by byte: an order that no locale changes, and much faster.
    return text(f"""
        SELECT * FROM (
            SELECT product_id, price_id, currency, phrase, min(description COLLATE "C") AS example,
                   min(product_name COLLATE "C") AS product_name, count(*) AS lines, sum(net) AS net,
                   sum(count(*)) OVER () AS all_lines
            FROM (
                SELECT coalesce(product_id, '') COLLATE "C" AS product_id,
                       coalesce(price_id, '') COLLATE "C" AS price_id,
                       currency COLLATE "C" AS currency, ({_PHRASE}) COLLATE "C" AS phrase,
                       description, product_name, net
                FROM ({_THEN if is_past else _NOW}) line
            ) line
            GROUP BY product_id, price_id, currency, phrase
        ) sold
        {follows}
        ORDER BY abs(net) DESC, currency, product_id, price_id, phrase LIMIT :limit
    """)  # noqa: S608 - our own words

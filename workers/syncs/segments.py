"""The segments of Stripe's lists that a run reads concurrently, as rows: advance, split and end them.

A large segment is split in the middle of what is left of it whenever a thread is free, so that nothing about an account
needs to be known beforehand. Commits nothing.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, text

from stripe_gateway.pages import EVENT_TYPES, Page, PageAddress, Window
from workers.syncs.leases import Lease

MOST_AT_ONCE = 8

# Stripe launched in 2011: nothing is older.
_OLDEST_CREATED = 1_293_840_000
_SMALLEST_SPLIT_SECONDS = 3600
# A list counts as empty when Stripe says so twice.
_EMPTY_ANSWERS = 2
_FULL_PAGE = 100
_WORTH_SPLITTING = 500

_READY = text("""
    SELECT number, resource, created_from, created_before, cursor, oldest_created, page_limit, pages, objects,
           newest_created, failures, says_more, coalesce(not_before > statement_timestamp(), false) AS is_resting
    FROM sync_segment WHERE run_id = :run_id AND ended_as IS NULL
    ORDER BY created_before DESC NULLS FIRST, number
""")
_MOVE = text("""
    UPDATE sync_segment SET cursor = :cursor, oldest_created = :oldest_created, pages = pages + 1,
        objects = objects + :objects, newest_created = coalesce(newest_created, :newest_created),
        failures = CASE WHEN :is_further THEN 0 ELSE failures END, not_before = NULL, empty_answers = 0,
        page_limit = least(:full, page_limit * 2),
        says_more = :says_more
    WHERE run_id = :run_id AND number = :number
""")
_EMPTY = text("""
    UPDATE sync_segment SET pages = pages + 1, failures = 0, not_before = NULL, empty_answers = empty_answers + 1,
        ended_as = CASE WHEN cursor IS NOT NULL OR empty_answers + 1 >= :enough THEN 'read' END
    WHERE run_id = :run_id AND number = :number
""")
_FAIL = text("""
    UPDATE sync_segment SET failures = failures + :is_failure, page_limit = :page_limit,
        cursor = CASE WHEN :keeps_cursor THEN cursor END,
        not_before = statement_timestamp() + make_interval(secs => :seconds)
    WHERE run_id = :run_id AND number = :number RETURNING failures
""")
_HALVE = text("""
    UPDATE sync_segment SET page_limit = greatest(1, page_limit / 2) WHERE run_id = :run_id AND ended_as IS NULL
""")
_FORBID = text("UPDATE sync_segment SET ended_as = 'forbidden' WHERE run_id = :run_id AND number = :number")
_CUT = text("""
    WITH cut AS (
        UPDATE sync_segment SET created_from = :middle
        WHERE run_id = :run_id AND number = :number AND ended_as IS NULL RETURNING company_id, resource
    )
    INSERT INTO sync_segment (run_id, number, company_id, resource, created_from, created_before)
    SELECT :run_id, (SELECT max(number) + 1 FROM sync_segment WHERE run_id = :run_id), company_id, resource,
           :created_from, :middle
    FROM cut
""")
_WAIT = text("""
    SELECT extract(epoch FROM min(not_before) - statement_timestamp())
    FROM sync_segment WHERE run_id = :run_id AND ended_as IS NULL
""")


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment that is still being read."""

    number: int
    address: PageAddress
    objects: int
    newest_created: int | None
    failures: int
    says_more: bool
    is_resting: bool

    def middle(self) -> int | None:
        """Return the Unix second at which to split what is left; None if that is too little, or still unknown."""
        oldest, window = self.address.oldest_created, self.address.window
        if self.address.resource in EVENT_TYPES or oldest is None or self.newest_created is None:
            return None
        start = max(window.created_from or 0, _OLDEST_CREATED)
        if oldest - start < 2 * _SMALLEST_SPLIT_SECONDS or self.objects < _WORTH_SPLITTING or not self.says_more:
            return None
        return (start + oldest) // 2


def unread_segments(connection: Connection, lease: Lease) -> list[Segment]:
    """Return the segments that are still to be read, newest first."""
    return [
        Segment(
            row.number,
            PageAddress(
                row.resource,
                Window(row.created_from, row.created_before),
                row.cursor,
                row.oldest_created,
                row.page_limit,
            ),
            row.objects,
            row.newest_created,
            row.failures,
            row.says_more,
            row.is_resting,
        )
        for row in connection.execute(_READY, {"run_id": lease.run_id})
    ]


def seconds_of_rest(connection: Connection, lease: Lease) -> float:
    """Return the seconds until a resting segment may be read again; 0 if one may be read now."""
    return max(0.0, float(connection.execute(_WAIT, {"run_id": lease.run_id}).scalar() or 0))


def move_on(connection: Connection, lease: Lease, segment: Segment, page: Page) -> None:
    """Record that a page is saved: the segment continues after its last object, or has reached its end."""
    at = {"run_id": lease.run_id, "number": segment.number}
    if not page.objects:
        connection.execute(_EMPTY, {**at, "enough": _EMPTY_ANSWERS})
        return
    first, last = page.objects[0][0], page.objects[-1][0]
    # Without a cursor, a page begins with objects saved before: if it ends in the same second, there was no progress.
    lost = segment.address.oldest_created if segment.address.cursor is None else None
    is_further = lost is None or last.created < lost
    moved = {"cursor": last.id, "oldest_created": last.created, "newest_created": first.created}
    connection.execute(
        _MOVE,
        {
            **at,
            **moved,
            "objects": len(page.objects),
            "full": _FULL_PAGE,
            "says_more": page.says_more,
            "is_further": is_further,
        },
    )


def split(connection: Connection, lease: Lease, segment: Segment) -> bool:
    """Split the older half off a segment, as a segment of its own; return whether it could be split."""
    middle = segment.middle()
    if middle is None:
        return False
    window = segment.address.window
    cut = {"middle": middle, "created_from": window.created_from}
    connection.execute(_CUT, {"run_id": lease.run_id, "number": segment.number, **cut})
    return True


def note_rest(  # noqa: PLR0913 - each describes one side of what went wrong
    connection: Connection,
    lease: Lease,
    segment: Segment,
    *,
    rest_seconds: float,
    is_failure: bool = True,
    keeps_cursor: bool = True,
    halves_page: bool = False,
) -> int:
    """Let a segment rest; return how many times in a row it has failed.

    Without its cursor it continues from the second of the last object it saved. A halved page grows again page by page.
    """
    limit = max(1, segment.address.limit // 2) if halves_page else segment.address.limit
    return int(
        connection.execute(
            _FAIL,
            {
                "run_id": lease.run_id,
                "number": segment.number,
                "is_failure": int(is_failure),
                "page_limit": limit,
                "keeps_cursor": keeps_cursor,
                "seconds": rest_seconds,
            },
        ).scalar_one()
    )


def forbid(connection: Connection, lease: Lease, segment: Segment) -> None:
    """End a segment that we are not permitted to read."""
    connection.execute(_FORBID, {"run_id": lease.run_id, "number": segment.number})


def halve_pages(connection: Connection, lease: Lease) -> None:
    """Halve the pages of a run, because reading it has crashed workers. They grow again page by page."""
    connection.execute(_HALVE, {"run_id": lease.run_id})

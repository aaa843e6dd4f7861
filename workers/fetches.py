"""Things to fetch from Stripe, as rows: asked for once, leased while somebody fetches, done when the answer is kept."""

from dataclasses import dataclass

from sqlalchemy import Connection, Engine, text

from events.accounts import owned_account
from events.log import NewEvent, append
from projections.gaps import find_gaps

_LEASE_SECONDS = 60
_LONGEST_WAIT_SECONDS = 3600
# An answer that does not close its gap (a customer deleted meanwhile, a currency nobody has checked) would be fetched
# for ever: it is asked for again after 4 minutes, 16 minutes and so on, a day at most.
_LONGEST_REPEAT_SECONDS = 86_400
_ANSWERED_FOR_DAYS = 7

_REQUEST = text("""
    INSERT INTO fetch_request (company_id, livemode, kind, object_id)
    SELECT * FROM unnest(CAST(:company_id AS bigint[]), CAST(:livemode AS boolean[]), CAST(:kind AS text[]),
                         CAST(:object_id AS text[]))
    ON CONFLICT (company_id, livemode, kind, object_id) DO UPDATE SET answered_at = NULL,
        due_at = fetch_request.answered_at
            + make_interval(secs => least(:longest, 60 * power(4, fetch_request.attempts)))
    WHERE fetch_request.answered_at IS NOT NULL
    RETURNING due_at <= clock_timestamp() AS is_due
""")
# The lease is a time of the database's clock: who dies with it is overtaken when it runs out.
_CLAIM = text("""
    UPDATE fetch_request f SET attempts = f.attempts + 1, due_at = clock_timestamp() + make_interval(secs => :lease)
    FROM (
        SELECT company_id, livemode, kind, object_id FROM fetch_request
        WHERE due_at <= clock_timestamp() ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
    ) due
    WHERE f.company_id = due.company_id AND f.livemode = due.livemode AND f.kind = due.kind
      AND f.object_id = due.object_id
    RETURNING f.company_id, f.livemode, f.kind, f.object_id, f.attempts
""")
_FAILED = text("""
    UPDATE fetch_request SET error = :error, due_at = clock_timestamp()
        + make_interval(secs => least(:longest, power(2, least(attempts, 20)) * (0.5 + random() / 2)))
    WHERE company_id = :company_id AND livemode = :livemode AND kind = :kind AND object_id = :object_id
""")
_ANSWERED = text("""
    UPDATE fetch_request SET answered_at = clock_timestamp(), due_at = 'infinity', error = NULL
    WHERE company_id = :company_id AND livemode = :livemode AND kind = :kind AND object_id = :object_id
""")
_PURGE = text("DELETE FROM fetch_request WHERE answered_at < clock_timestamp() - make_interval(days => :days)")
_ANY_DUE = text("SELECT EXISTS (SELECT FROM fetch_request WHERE due_at <= clock_timestamp())")


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """A thing of Stripe's to fetch for a company. `account_id` is the connected account it belongs to."""

    company_id: int
    livemode: bool
    kind: str
    object_id: str
    attempts: int
    account_id: str | None

    def key(self) -> dict[str, object]:
        """Give the row's key."""
        return {
            "company_id": self.company_id,
            "livemode": self.livemode,
            "kind": self.kind,
            "object_id": self.object_id,
        }


def request_gaps(engine: Engine, *, company_ids: list[int] | None = None) -> int:
    """Ask for what the table lacks, of these companies or of all; give how much of it is due now. Commits."""
    with engine.begin() as connection:
        gaps = find_gaps(connection, company_ids=company_ids)
        if not gaps:
            return 0
        columns = {name: [getattr(gap, name) for gap in gaps] for name in gaps[0]._fields}
        asked = connection.execute(_REQUEST, columns | {"longest": _LONGEST_REPEAT_SECONDS})
        return sum(row.is_due for row in asked)


def purge_answered(connection: Connection) -> None:
    """Forget requests that were answered a week ago. Commits nothing."""
    connection.execute(_PURGE, {"days": _ANSWERED_FOR_DAYS})


def is_any_due(connection: Connection) -> bool:
    """Tell whether something waits to be fetched now."""
    return bool(connection.execute(_ANY_DUE).scalar())


def claim_due(engine: Engine) -> FetchRequest | None:
    """Take the request that is due longest, under a lease of a minute; None when none is due. Commits."""
    with engine.begin() as connection:
        row = connection.execute(_CLAIM, {"lease": _LEASE_SECONDS}).one_or_none()
        if row is None:
            return None
        account = owned_account(connection, row.company_id)
        return FetchRequest(
            row.company_id, row.livemode, row.kind, row.object_id, row.attempts, account.account_id if account else None
        )


def store_answer(engine: Engine, request: FetchRequest, facts: list[NewEvent]) -> None:
    """Append what Stripe answered and note it on the request, in one transaction. Safe twice."""
    with engine.begin() as connection:
        connection.execute(_ANSWERED, request.key())
        append(connection, request.company_id, facts)


def note_failure(engine: Engine, request: FetchRequest, error: str) -> None:
    """Put the request off: 2^attempts seconds with jitter, an hour at most. Commits."""
    with engine.begin() as connection:
        connection.execute(_FAILED, request.key() | {"error": error[:500], "longest": _LONGEST_WAIT_SECONDS})

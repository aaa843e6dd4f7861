"""Objects to fetch from Stripe, as rows: leased while being fetched, done when the answer is saved."""

from dataclasses import dataclass

from sqlalchemy import Connection, Engine, text

from events.connection.accounts import Account, connection_state
from runtime.jitter import jitter
from runtime.later import later

# After this many failures a run continues without the answer, and reports it.
PATIENT_ATTEMPTS = 5

_LEASE_SECONDS = 60
_LONGEST_WAIT_SECONDS = 3600

# Draws one of the companies with something due, so that a company that lacks thousands of objects gets no more turns
# than one that lacks a single object. A company whose sync is being worked on is left to that sync. The companies are
# found by one index lookup each.
_DRAW = text("""
    WITH RECURSIVE waiting AS (
        (SELECT company_id, due_at FROM fetch_request WHERE answered_at IS NULL ORDER BY company_id, due_at LIMIT 1)
        UNION ALL
        SELECT n.* FROM waiting w CROSS JOIN LATERAL (
            SELECT company_id, due_at FROM fetch_request
            WHERE answered_at IS NULL AND company_id > w.company_id ORDER BY company_id, due_at LIMIT 1) n
    )
    SELECT company_id FROM waiting w
    WHERE due_at <= statement_timestamp() AND NOT EXISTS (
        SELECT FROM sync_run r
        WHERE r.company_id = w.company_id AND r.status = 'running' AND r.lease_until > statement_timestamp())
    ORDER BY random() LIMIT 1
""")
# The lease is a time of the database's clock: when it expires, another worker takes over. Chosen apart from the change:
# PostgreSQL may run a subquery in FROM once for each row, and choose others every time.
_CLAIM = text("""
    WITH due AS MATERIALIZED (
        SELECT company_id, livemode, kind, object_id FROM fetch_request
        WHERE company_id = :company_id AND answered_at IS NULL AND due_at <= statement_timestamp()
        ORDER BY due_at LIMIT :most FOR UPDATE SKIP LOCKED
    )
    UPDATE fetch_request f SET attempts = f.attempts + 1, due_at = statement_timestamp() + make_interval(secs => :lease)
    FROM due
    WHERE f.company_id = due.company_id AND f.livemode = due.livemode AND f.kind = due.kind
      AND f.object_id = due.object_id
    RETURNING f.livemode, f.kind, f.object_id, f.attempts
""")
# A worker that lost its lease may be late: another one may have the answer.
_FAILED = text(f"""
    UPDATE fetch_request SET error = :error,
        due_at = {later("statement_timestamp()", "least(:longest, power(2, least(attempts, 20)) * :jitter)")}
    WHERE company_id = :company_id AND livemode = :livemode AND kind = :kind AND object_id = :object_id
      AND answered_at IS NULL
""")  # noqa: S608 - our own words
_PUT_BACK = text("""
    UPDATE fetch_request SET attempts = attempts - 1, error = :error,
        due_at = statement_timestamp() + make_interval(secs => :seconds)
    WHERE company_id = :company_id AND livemode = :livemode AND kind = :kind AND object_id = :object_id
      AND answered_at IS NULL
""")
_ANSWERED = text("""
    UPDATE fetch_request SET answered_at = statement_timestamp(), due_at = 'infinity', error = :error,
        answered_position = coalesce((SELECT position FROM company_head WHERE company_id = :company_id), 0)
    WHERE company_id = :company_id AND livemode = :livemode AND kind = :kind AND object_id = :object_id
""")
_LATEST_ANSWER = text("SELECT coalesce(max(answered_position), 0) FROM fetch_request WHERE company_id = :company_id")
_ANY_DUE = text("SELECT EXISTS (SELECT FROM fetch_request WHERE due_at <= statement_timestamp())")
_OPEN = text("""
    SELECT kind, object_id, attempts, error, extract(epoch FROM due_at - statement_timestamp()) AS seconds
    FROM fetch_request WHERE company_id = :company_id AND livemode = :livemode AND answered_at IS NULL
    ORDER BY due_at LIMIT :most
""")


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """An object to fetch from Stripe for a company. `account` is the connected one it belongs to."""

    company_id: int
    livemode: bool
    kind: str
    object_id: str
    attempts: int
    account: Account | None

    def key(self) -> dict[str, object]:
        """Return the row's key."""
        return {
            "company_id": self.company_id,
            "livemode": self.livemode,
            "kind": self.kind,
            "object_id": self.object_id,
        }


@dataclass(frozen=True, slots=True)
class OpenFetch:
    """An object still to be fetched: how often it failed, the reason, and the seconds until it is due."""

    kind: str
    object_id: str
    attempts: int
    error: str | None
    due_in_seconds: float


def is_any_due(connection: Connection) -> bool:
    """Return whether something is due to be fetched now."""
    return bool(connection.execute(_ANY_DUE).scalar())


def claim_due(engine: Engine, *, company_id: int | None = None, most: int = 1) -> list[FetchRequest]:
    """Lease the requests of one company that have been due longest, for a minute. Commits.

    Without a company given, one is drawn from those that have something due.
    """
    with engine.begin() as connection:
        chosen_id = connection.execute(_DRAW).scalar() if company_id is None else company_id
        if chosen_id is None:
            return []
        rows = connection.execute(_CLAIM, {"lease": _LEASE_SECONDS, "company_id": chosen_id, "most": most}).all()
        account = _connected_account(connection, chosen_id) if rows else None
        return [
            FetchRequest(
                chosen_id, row.livemode, row.kind, row.object_id, row.attempts, _in_mode(account, row.livemode)
            )
            for row in rows
        ]


def open_fetches(connection: Connection, company_id: int, *, livemode: bool, most: int = 100) -> list[OpenFetch]:
    """Return what is still to be fetched for a company and mode, earliest due first."""
    rows = connection.execute(_OPEN, {"company_id": company_id, "livemode": livemode, "most": most})
    return [OpenFetch(row.kind, row.object_id, row.attempts, row.error, float(row.seconds)) for row in rows]


def latest_answer(connection: Connection, company_id: int) -> int:
    """Return the log position at which all answers saved so far have been appended."""
    return int(connection.execute(_LATEST_ANSWER, {"company_id": company_id}).scalar_one())


def note_answered(connection: Connection, request: FetchRequest, *, error: str | None = None) -> None:
    """Record that Stripe answered, even if it has no such object. Commits nothing; safe to repeat.

    Call it after the answer was appended: it records the head of the log, which must include the answer.
    """
    connection.execute(_ANSWERED, request.key() | {"error": error})


def note_failure(engine: Engine, request: FetchRequest, error: str) -> None:
    """Postpone a failed request by 2^attempts seconds with jitter, an hour at most. Commits.

    Has no effect if it was answered meanwhile.
    """
    with engine.begin() as connection:
        wait = {"longest": _LONGEST_WAIT_SECONDS, "jitter": jitter(0.5, 1)}
        connection.execute(_FAILED, request.key() | wait | {"error": error[:500]})


def put_back(engine: Engine, request: FetchRequest, error: str, *, seconds: float) -> None:
    """Postpone a request without counting the attempt. Commits; has no effect if it was answered meanwhile."""
    with engine.begin() as connection:
        connection.execute(_PUT_BACK, request.key() | {"seconds": seconds, "error": error})


def _connected_account(connection: Connection, company_id: int) -> Account | None:
    state = connection_state(connection, company_id)
    return state.account if state and state.status == "connected" else None


def _in_mode(account: Account | None, livemode: bool) -> Account | None:  # noqa: FBT001 - a value
    # An account connected in live mode also sends test events, which are read in their own mode.
    return Account(account.account_id, livemode) if account else None

"""Name files for what they hold: company, table and moment."""

import re
import unicodedata
from datetime import date, datetime, timedelta
from urllib.parse import quote

from app.wiring.tools import current_tools
from events.log.chains import head_at
from projections.reads.freshness import recorded_at
from projections.reads.snapshots import Snapshot
from tenants.companies import find_company

# With what follows it, within the 255 bytes that file systems allow for a name.
_MOST_BYTES = 150
_BETWEEN_WORDS = re.compile(r"[\W_]+")


def file_headers(snapshot: Snapshot, table: str, ending: str, *, as_of: int | datetime | None) -> dict[str, str]:
    """Return the headers of a file: its name, and the head of the log that it was made from, if that is chained."""
    disposition = {"Content-Disposition": _attachment_of(snapshot, table, ending, as_of=as_of)}
    head = head_at(snapshot.connection, snapshot.company_id, snapshot.position)
    return disposition if head is None else {**disposition, "Revmap-Log-Head": str(head)}


def _attachment_of(snapshot: Snapshot, table: str, ending: str, *, as_of: int | datetime | None) -> str:
    """Return the Content-Disposition of a file with this table: zed-inc-revenue-lines-2026-11-27.csv (RFC 6266)."""
    company = find_company(snapshot.connection, snapshot.company_id)
    name = company.name if company else ""
    rest = f"{table}-{_moment(snapshot, as_of)}.{ending}"
    exact = "-".join(filter(None, (_as_file_name(name), rest)))
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    ascii_only = "-".join(filter(None, (_as_file_name(plain), rest)))
    disposition = f'attachment; filename="{ascii_only}"'
    return disposition if exact == ascii_only else f"{disposition}; filename*=UTF-8''{quote(exact, safe='')}"


def _moment(snapshot: Snapshot, as_of: int | datetime | None) -> str:
    if isinstance(as_of, datetime):
        # Midnight ends a day: as of the end of October is as of 2026-11-01T00:00:00Z.
        return f"as-of-{(as_of - timedelta(microseconds=1)).date()}"
    then = recorded_at(snapshot, snapshot.position) if snapshot.is_past else None
    today: date = current_tools().clock().date()
    return f"as-of-{then.date()}" if then else str(today)


def _as_file_name(name: str) -> str:
    # Letters and digits of any script, and nothing that a file system or a shell gives a meaning to.
    words = _BETWEEN_WORDS.sub("-", unicodedata.normalize("NFC", name).lower()).strip("-")
    return words.encode()[:_MOST_BYTES].decode(errors="ignore").strip("-")

"""The checksum of a company's whole table, now or as of a position: equal tables have equal checksums."""

from sqlalchemy import text

from projections.reads.snapshots import Snapshot
from projections.revenue.row import Row
from projections.revenue.row_text import CHECKSUM_BYTES, added, hash_of, text_of
from projections.revenue.sums import CHECKSUM_STRETCH

_KEPT = text("""
    SELECT stretch, checksum FROM revenue_checksum
    WHERE company_id = :company_id AND build = :build AND stretch < :stretches ORDER BY stretch DESC LIMIT 1
""")
_COLUMNS = ", ".join(Row._fields)
_CHANGED = text(f"""
    SELECT 1, {_COLUMNS} FROM revenue_line
    WHERE company_id = :company_id AND build = :build AND position > :since AND position <= :position
    UNION ALL
    SELECT 1, {_COLUMNS} FROM revenue_line_past
    WHERE company_id = :company_id AND build = :build AND position > :since AND position <= :position
    UNION ALL
    SELECT -1, {_COLUMNS} FROM revenue_line_past
    WHERE company_id = :company_id AND build = :build AND until > :since AND until <= :position
""")  # noqa: S608 - our own columns


def checksum_of(snapshot: Snapshot) -> str | None:
    """Return the checksum of all rows, in hexadecimal: the sum, modulo 2^128, of the BLAKE2b-128 hashes of their texts.

    None for a build made by an older release.
    """
    if not snapshot.is_whole:
        return None
    stretches = snapshot.position // CHECKSUM_STRETCH if snapshot.is_past else snapshot.position + 1
    parameters = {"company_id": snapshot.company_id, "build": snapshot.build, "stretches": stretches}
    kept = snapshot.connection.execute(_KEPT, parameters).one_or_none()
    checksum: bytes = kept.checksum if kept else bytes(CHECKSUM_BYTES)
    if snapshot.is_past:
        bounds = {"since": stretches * CHECKSUM_STRETCH, "position": snapshot.position}
        changed = snapshot.connection.execute(_CHANGED, parameters | bounds)
        checksum = added(checksum, sum(sign * hash_of(text_of(row)) for sign, *row in changed))
    return checksum.hex()

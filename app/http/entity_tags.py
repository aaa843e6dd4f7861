"""ETags of reads: the same history, company, build, position and query give the same response (RFC 9110 §8.8.3)."""

from hashlib import sha256

from flask import Response, request

from projections.reads.snapshots import Snapshot


def tag_of(snapshot: Snapshot, *query: object) -> str:
    """Return the strong ETag of the response to this query on this snapshot."""
    parts = (snapshot.epoch, snapshot.company_id, snapshot.build, snapshot.position, snapshot.status, *query)
    return sha256(repr(parts).encode()).hexdigest()[:32]


def not_modified(tag: str, *, is_weak: bool = False) -> Response | None:
    """Return a 304 response if the request says that the client already has the response with this tag, else None."""
    if not request.if_none_match.contains_weak(tag):
        return None
    response = Response(status=304)
    response.set_etag(tag, weak=is_weak)
    return response

"""ETags of reads: the same company, build, position and question give the same answer (RFC 9110 §8.8.3)."""

from hashlib import sha256

from flask import Response, request

from projections.reads.snapshots import Snapshot


def tag_of(snapshot: Snapshot, *question: object) -> str:
    """Give the strong tag of an answer to this question on this snapshot."""
    told = (snapshot.company_id, snapshot.build, snapshot.position, snapshot.status, *question)
    return sha256(repr(told).encode()).hexdigest()[:32]


def not_modified(tag: str) -> Response | None:
    """Give the 304 that answers this request, if it says that it holds the answer of this tag already."""
    if not request.if_none_match.contains_weak(tag):
        return None
    response = Response(status=304)
    response.set_etag(tag)
    return response

"""The streams and plans that outcomes name, and the treatments that streams bring along. Pure."""

from collections.abc import Mapping

from projections.mapping.decisions.streams import Stream
from projections.mapping.problems import InvalidRulesError, Place, Problem, quoted
from projections.mapping.rules import LookupRule, Rules
from projections.recognition.outcome import REVENUE, Share, Shares, Treatment

Streams = Mapping[str, Stream]


def check_references(rules: Rules, streams: Streams, *, pointer: str = "/rules") -> None:
    """Check that all streams and plans that rules name exist. Archived ones do.

    :raises InvalidRulesError: some do not
    """
    noted: list[Problem] = []
    for number, rule in enumerate(rules):
        here = Place(noted, pointer) / number
        if isinstance(rule, LookupRule):
            for key, stream_id in rule.table.items():
                _check(here / "lookup" / "table" / key, stream_id, streams)
        else:
            check_shares(here / "outcome" / "shares", rule.outcome, streams)
    if noted:
        raise InvalidRulesError(noted)


def check_shares(place: Place, shares: Shares, streams: Streams) -> None:
    """Note what streams and plans of an outcome do not exist."""
    for number, share in enumerate(shares):
        here = place / number
        if share.stream_id is None:
            continue
        if _check(here / "stream_id", share.stream_id, streams):
            plans = streams[share.stream_id].plans
            if share.plan_id is not None and share.plan_id not in plans:
                (here / "plan_id").note(f"The stream {quoted(share.stream_id)} has no plan {quoted(share.plan_id)}.")


def with_default_treatments(shares: Shares, streams: Streams) -> Shares:
    """Return shares with the default treatments of their streams where they have none themselves."""
    for share in shares:
        if _default_of(share, streams) is not None:
            return tuple(_with_default(one, streams) for one in shares)
    return shares


def _with_default(share: Share, streams: Streams) -> Share:
    default = _default_of(share, streams)
    return share if default is None else share._replace(treatment=default)


def _default_of(share: Share, streams: Streams) -> Treatment | None:
    if share.treatment is not None or share.kind != REVENUE or share.stream_id is None:
        return None
    stream = streams.get(share.stream_id)
    return None if stream is None else stream.default_treatment


def _check(place: Place, stream_id: str, streams: Streams) -> bool:
    if stream_id in streams:
        return True
    place.note(f"There is no revenue stream {quoted(stream_id)}.")
    return False

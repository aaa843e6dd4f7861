"""Read the envelope of a Stripe event: id, type, account, mode and time. The object in it is read later."""

import re
from datetime import UTC, datetime
from uuid import UUID

from events.intake.receive import STRIPE_SOURCE
from events.intake.strict_json import parse_strictly
from events.log.append import NewEvent

_WORD = re.compile(r"[A-Za-z0-9_.:\-]{1,255}")
_LATEST_UNIX_SECOND = 253_402_300_799  # the end of the year 9999


class NotAnEventError(ValueError):
    """The JSON is authentic but not a Stripe event: id, type or livemode is missing or of the wrong type."""


def event_from_stripe(body: bytes, *, correlation_id: UUID | None = None) -> NewEvent:
    """Return the event in a webhook body or an item of the events API. Its payload is the body, byte for byte.

    :raises UnreadableJsonError: the body is not strict JSON
    :raises NotAnEventError: the JSON is not an event
    """
    envelope = parse_strictly(body)
    if not isinstance(envelope, dict):
        raise NotAnEventError("not an object")
    event_id, event_type = _word(envelope, "id"), _word(envelope, "type")
    livemode, account_id = envelope.get("livemode"), envelope.get("account")
    if event_id is None or event_type is None or not isinstance(livemode, bool):
        raise NotAnEventError("id, type and livemode are what makes an event")
    if account_id is not None and _word(envelope, "account") is None:
        raise NotAnEventError("account is not an id")
    return NewEvent(
        type=event_type,
        source=STRIPE_SOURCE,
        external_id=stripe_external_id(account_id, event_id, livemode=livemode),
        payload=body,
        livemode=livemode,
        occurred_at=instant_from_unix(envelope.get("created")),
        entity=_entity(envelope),
        account_id=account_id,
        api_version=_word(envelope, "api_version"),
        correlation_id=correlation_id,
    )


def stripe_external_id(account_id: str | None, object_id: str, *, livemode: bool) -> str:
    """Return an id of a Stripe object that is unique in a company: other accounts and modes may have the bare id."""
    return f"{account_id or ''}/{'live' if livemode else 'test'}/{object_id}"


def instant_from_unix(seconds: object) -> datetime | None:
    """Return Unix seconds as an instant; None for anything but a whole number of seconds up to the end of 9999."""
    if type(seconds) is int and 0 <= seconds <= _LATEST_UNIX_SECOND:
        return datetime.fromtimestamp(seconds, UTC)
    return None


def _word(fields: dict[str, object], name: str) -> str | None:
    value = fields.get(name)
    return value if isinstance(value, str) and _WORD.fullmatch(value) else None


def _entity(envelope: dict[str, object]) -> str | None:
    data = envelope.get("data")
    subject = data.get("object") if isinstance(data, dict) else None
    if not isinstance(subject, dict):
        return None
    kind, subject_id = _word(subject, "object"), _word(subject, "id")
    return f"{kind}:{subject_id}" if kind and subject_id else None

"""Fields for requests and responses, stricter than marshmallow's own."""

import re
from collections.abc import Collection
from datetime import UTC, date, datetime
from typing import Any

from marshmallow import ValidationError, fields, validate

from projections.recognition.days import zone_names

_BIGINT = validate.Range(min=-(2**63), max=2**63 - 1)
_MOST_CHARACTERS = 255
LONGEST_NAME = 100
MOST_VALUES = 50
_DIGITS_OF_A_POSITION = 18
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_FIRST_INSTANT = datetime(1, 1, 1, tzinfo=UTC)
_LAST_INSTANT = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
_DECIMAL = re.compile(r"-?[0-9]{1,20}")


class Words(fields.String):
    """Text from a caller: 1 to 255 characters, without the NUL character that PostgreSQL cannot store."""

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401 - marshmallow's own options
        super().__init__(validate=[validate.Length(1, _MOST_CHARACTERS), _without_nul], **kwargs)


class Name(fields.String):
    """What people call something: one line of 1 to 100 characters, without space around it."""

    def _deserialize(self, *args: Any, **options: Any) -> str:  # noqa: ANN401
        name = super()._deserialize(*args, **options).strip()
        if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
            raise ValidationError(f"Not one line of 1 to {LONGEST_NAME} characters.")
        return name


class Several(fields.List[str]):
    """A parameter that may be given several times, up to 50: the different values, sorted."""

    def __init__(self, value: fields.Field[Any], **kwargs: Any) -> None:  # noqa: ANN401 - marshmallow's own options
        few = validate.Length(1, MOST_VALUES, error="Not 1 to {max} values.")
        super().__init__(value, validate=few, **kwargs)

    def _deserialize(self, value: Any, *context: Any, **options: Any) -> Any:  # noqa: ANN401
        value = [value] if isinstance(value, str) else value
        try:
            return tuple(sorted(set(super()._deserialize(value, *context, **options))))
        except ValidationError as error:
            # Told of the parameter, as for one that is given once.
            by_place = error.messages if isinstance(error.messages, dict) else {0: error.messages}
            raise ValidationError(list(dict.fromkeys(text for texts in by_place.values() for text in texts))) from error


class IdempotencyKey(fields.String):
    """A name that a caller gives a request, so that repeating the request has no further effect."""

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401 - marshmallow's own options
        # RFC 9110 §5.5 allows more in a value; visible characters can be searched for in a log.
        visible = validate.Regexp(r"^[!-~]{1,255}$", error="Not 1 to 255 visible ASCII characters.")
        super().__init__(data_key="Idempotency-Key", validate=visible, **kwargs)


class WholeNumber(fields.Integer):
    """A whole number in decimal digits: no exponent, no fraction, no underscore."""

    def _validated(self, value: Any) -> int:  # noqa: ANN401
        if isinstance(value, str) and not _DECIMAL.fullmatch(value):
            raise self.make_error("invalid", input=value)
        return super()._validated(value)


class MinorUnits(WholeNumber):
    """A bound on an amount, in minor units."""

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401 - marshmallow's own options
        super().__init__(validate=_BIGINT, **kwargs)


class Moment(fields.Field[int | datetime]):
    """A moment to read as of: a position of the log in digits, or an RFC 3339 instant."""

    def _deserialize(self, value: Any, *_context: Any, **_options: Any) -> int | datetime:  # noqa: ANN401
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _DIGITS_OF_A_POSITION:
            return int(value)
        try:
            instant: datetime = Instant().deserialize(value)
        except ValidationError as error:
            raise ValidationError("Neither an instant of RFC 3339 nor a position of the log.") from error
        return instant


class Currency(fields.String):
    """A three-letter currency code in either case, converted to lower case."""

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401 - marshmallow's own options
        letters = validate.Regexp(r"[A-Za-z]{3}\Z", error="Not a three-letter currency code.")
        super().__init__(validate=letters, **kwargs)

    def _deserialize(self, *args: Any, **options: Any) -> str:  # noqa: ANN401
        text: str = super()._deserialize(*args, **options)
        return text.lower() if text.isascii() else text


class TimeZone(fields.String):
    """The name of an IANA time zone, such as Europe/Berlin or UTC."""

    def _deserialize(self, *args: Any, **options: Any) -> str:  # noqa: ANN401
        name: str = super()._deserialize(*args, **options)
        if name not in zone_names():
            raise ValidationError("Not the name of a time zone, such as Europe/Berlin or UTC.")
        return name


class Flag(fields.Boolean):
    """`true` or `false`, and no other spelling."""

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401 - marshmallow's own options
        super().__init__(truthy={"true", True}, falsy={"false", False}, **kwargs)


class Day(fields.Date):
    """A day as YYYY-MM-DD."""

    def _deserialize(self, value: Any, *_context: Any, **_options: Any) -> date:  # noqa: ANN401
        # fromisoformat also takes week dates and days without dashes.
        if not isinstance(value, str) or not _DAY.fullmatch(value):
            raise ValidationError("Not a day written YYYY-MM-DD.")
        try:
            return date.fromisoformat(value)
        except ValueError as error:
            raise ValidationError("Not a day written YYYY-MM-DD.") from error


class Names(fields.Field[tuple[str, ...]]):
    """Known names, separated by commas, in the order given, each at most once."""

    def __init__(self, known: Collection[str], **kwargs: Any) -> None:  # noqa: ANN401 - marshmallow's own options
        super().__init__(**kwargs)
        self._known = known

    def _deserialize(self, value: Any, *_context: Any, **_options: Any) -> tuple[str, ...]:  # noqa: ANN401
        names = tuple(value.split(",")) if isinstance(value, str) else ()
        if not names or len(set(names)) < len(names) or not set(names) <= set(self._known):
            raise ValidationError("Not names of columns, separated by commas, each once.")
        return names


class Instant(fields.AwareDateTime):
    """An RFC 3339 instant, written in UTC to the second."""

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401 - marshmallow's own options
        super().__init__(format="iso", **kwargs)

    def _deserialize(self, *args: Any, **options: Any) -> datetime:  # noqa: ANN401
        instant: datetime = super()._deserialize(*args, **options)
        try:
            return instant.astimezone(UTC)
        except OverflowError:  # in UTC it is in year 0 or 10000: no event is, so the nearest means the same
            return _FIRST_INSTANT if instant.year == 1 else _LAST_INSTANT

    def _serialize(self, value: datetime | None, *_context: Any, **_options: Any) -> str | None:  # noqa: ANN401
        return None if value is None else value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _without_nul(value: str) -> None:
    if "\x00" in value:
        raise ValidationError("Must not contain a NUL character.")

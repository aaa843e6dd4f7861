"""Translate the fields of the table's forms into API parameters, so that each view has one URL."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from marshmallow import ValidationError
from werkzeug.datastructures import MultiDict

from app.http.fields import Day
from app.pages.mapping.amounts import UnclearAmountError, minor_units, number
from app.pages.mapping.columns import BY_NAME
from projections.reads.table.filters import SEVERAL

Mistakes = dict[str, list[str]]
# API parameters, each with its values: one, or several where it may be given several times.
Given = dict[str, list[str]]

# Fields that differ from the API: the last day instead of the day after it, money instead of minor units, and so on.
_FORM_NAMES = frozenset({"column", "moment", "last_day", "amount_from", "amount_to"})


class Entered(NamedTuple):
    """API parameters, and mistakes by parameter. `is_form` if form fields were sent that the URL should not keep."""

    given: Given
    mistakes: Mistakes
    is_form: bool


def api_words(sent: MultiDict[str, str], only_currency: Callable[[], str | None]) -> Entered:
    """Translate query arguments into API parameters.

    `only_currency` returns the currency of a table that has just one; it is called for amounts without a currency.
    """
    said = ((name, list(dict.fromkeys(filter(str.strip, values)))) for name, values in sent.lists())
    given = {name: values for name, values in said if values and name not in _FORM_NAMES}
    mistakes = {
        name: ["Given more than once."]
        for name, values in sent.lists()
        if len(values) > 1 and name not in (*SEVERAL, "column")
    }
    if "column" in sent:
        given |= _columns(sent.getlist("column"))
    given |= _read(mistakes, "as_of", sent.get("moment", ""), _instant)
    given |= _read(mistakes, "date_to", sent.get("last_day", ""), _day_after)
    given |= _amounts(sent, given, mistakes, only_currency)
    is_form = any(name in _FORM_NAMES or not value.strip() for name, value in sent.items(multi=True))
    return Entered(given, mistakes, is_form)


def _columns(chosen: list[str]) -> Given:
    names = [*(name for name in BY_NAME if name in chosen), *(name for name in chosen if name and name not in BY_NAME)]
    return {"columns": [",".join(names)]} if names else {}


def _amounts(
    sent: MultiDict[str, str], given: Given, mistakes: Mistakes, only_currency: Callable[[], str | None]
) -> Given:
    written = {"amount_min": sent.get("amount_from", "").strip(), "amount_max": sent.get("amount_to", "").strip()}
    if not any(written.values()):
        return {}
    currencies = given.get("currency") or [only_currency() or ""]
    if len(currencies) > 1 or not currencies[0]:
        # What is wrong with the amounts is said as well, so that nobody mends one thing to be told of the next.
        mistakes["currency"] = [f"Choose {'one' if currencies[0] else 'a'} currency for the amounts."]
        for name, text in written.items():
            _read(mistakes, name, text, lambda amount: str(number(amount)))
        return {}
    currency = currencies[0].lower()
    found = {"currency": [currency]}
    for name, text in written.items():
        found |= _read(mistakes, name, text, lambda amount: str(minor_units(amount, currency)))
    return found


def _read(mistakes: Mistakes, name: str, text: str, reader: Callable[[str], str]) -> Given:
    if not text.strip():
        return {}
    try:
        return {name: [reader(text.strip())]}
    except ValidationError as error:
        mistakes[name] = list(error.messages)
    except UnclearAmountError as error:
        mistakes[name] = [str(error)]
    return {}


def _day_after(text: str) -> str:
    day: date = Day().deserialize(text)
    with suppress(OverflowError):
        return (day + timedelta(days=1)).isoformat()
    raise ValidationError("That date is too far in the future.")


def _instant(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValidationError("Enter a date and time like 2026-11-21T14:00.") from error
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")

"""The view of the table that a URL asks for, in the API's own parameters and validated by the API's schema."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import request
from marshmallow import RAISE, ValidationError, fields, validate

from app.api.schemas import LinesFilter
from app.http.fields import Currency, Names, WholeNumber
from app.pages.mapping.amounts import major_units
from app.pages.mapping.columns import BY_NAME, DEFAULT_NAMES, Column, shown
from app.pages.mapping.form import Mistakes, api_words
from app.wiring.tools import current_tools
from events.stripe.money import EXPONENTS
from projections.reads.snapshots import snapshot_of
from projections.reads.totals import list_currencies

FILTERS = (
    *("q", "customer_id", "subscription_id", "invoice_id", "invoice_status", "type", "cadence", "currency"),
    *("date_from", "date_to", "amount_min", "amount_max", "modified_after", "livemode"),
)
# In the order in which URLs have them.
_STATE = (*FILTERS, "sort", "as_of", "chart", "columns")
_LAST = 2**63 - 1


class MappingQuery(LinesFilter):
    """The API's list parameters, and those of pages alone: columns, chart currency, and which part is requested."""

    columns = Names(BY_NAME, load_default=DEFAULT_NAMES)
    chart = Currency()
    at = WholeNumber(validate=validate.Range(0, _LAST))
    row = WholeNumber(load_default=1, validate=validate.Range(1, _LAST))
    cursor = fields.String(validate=validate.Length(1, 2000))


@dataclass(frozen=True, slots=True)
class View:
    """A requested view: `words` as in the URL, `query` as parsed, `mistakes` by parameter name.

    `sent` is the raw query, to refill fields that could not be parsed. `is_form` if form fields were sent that have to
    be translated into API parameters.
    """

    company_id: int
    words: dict[str, str]
    query: dict[str, Any]
    mistakes: Mistakes
    sent: dict[str, str]
    is_form: bool

    @property
    def columns(self) -> list[Column]:
        """Return the shown columns, in table order."""
        return shown(self.query.get("columns", DEFAULT_NAMES))

    @property
    def sort(self) -> str:
        """Return the order of the lines, as the API names it."""
        return str(self.query.get("sort", "-date"))

    @property
    def as_of(self) -> int | datetime | None:
        """Return the position or instant chosen by the reader; None means now."""
        found: int | datetime | None = self.query.get("as_of")
        return found

    @property
    def moment(self) -> int | datetime | None:
        """Return the position or instant to read as of: the position of the page this is a part of, else `as_of`."""
        found: int | datetime | None = self.query.get("at", self.as_of)
        return found

    @property
    def is_filtered(self) -> bool:
        """Return whether a filter is active. The mode does not count: one is always chosen."""
        return any(name in self.words for name in FILTERS if name != "livemode")

    def state(self, *but: str) -> dict[str, str]:
        """Return the parameters of this view except some, for the hidden fields of a form or for a URL."""
        return {name: self.words[name] for name in _STATE if name in self.words and name not in but}

    def link(self, below: str = "", /, *but: str, **more: object) -> str:
        """Return the URL of this view, or of a part of it, without the parameters `but` and with `more`."""
        words = {**self.state(*but, *more), **{name: str(value) for name, value in more.items() if value is not None}}
        return table_address(self.company_id, below, words)

    def unfiltered(self) -> str:
        """Return the URL of this view without filters."""
        return self.link("", *FILTERS)

    def entered(self, name: str, units_of: str = "") -> str:
        """Return the value of a form field: what was sent if there was a mistake, else what the URL says."""
        if name in self.sent and (self.mistakes or name not in _WRITTEN):
            return self.sent[name]
        return _WRITTEN[name](self, units_of) if name in _WRITTEN else ""


def table_address(company_id: int, below: str = "", words: dict[str, str] | None = None) -> str:
    """Return the URL of a company's table, or of a part of it."""
    path = f"/companies/{company_id}/revenue-mapping{below}"
    return f"{path}?{urlencode(words)}" if words else path


def view_of(company_id: int) -> View:
    """Parse the view that the current request asks for. Mistakes are collected and never raised."""
    entered = api_words(request.args, lambda: _only_currency(company_id))
    query, mistakes = _read(entered.words)
    as_of = query.get("as_of")
    if isinstance(as_of, datetime) and as_of > current_tools().clock():
        mistakes["as_of"] = ["That time is in the future."]
    return View(company_id, entered.words, query, mistakes | entered.mistakes, request.args.to_dict(), entered.is_form)


def _read(words: dict[str, str]) -> tuple[dict[str, Any], Mistakes]:
    try:
        query: dict[str, Any] = MappingQuery().load(words, unknown=RAISE)
    except ValidationError as error:
        by_name = error.messages if isinstance(error.messages, dict) else {"": error.messages}
        valid = error.valid_data if isinstance(error.valid_data, dict) else {}
        return valid, {str(name): list(messages) for name, messages in by_name.items()}
    return query, {}


def _only_currency(company_id: int) -> str | None:
    with snapshot_of(current_tools().engine, company_id) as snapshot:
        # In both modes: if they share a single currency, it is the one that is meant.
        found = {one for livemode in (True, False) for one in list_currencies(snapshot, livemode=livemode)}
    return found.pop() if len(found) == 1 else None


def _money(name: str, view: View, units_of: str) -> str:
    units, currency = view.query.get(name), view.query.get("currency") or units_of
    return major_units(units, currency) if units is not None and currency in EXPONENTS else ""


def _last_day(view: View, _units_of: str) -> str:
    day: date | None = view.query.get("date_to")
    return (day - timedelta(days=1)).isoformat() if day and day > date.min else ""


def _moment(view: View, _units_of: str) -> str:
    return view.as_of.astimezone(UTC).strftime("%Y-%m-%dT%H:%M") if isinstance(view.as_of, datetime) else ""


# Form fields whose value differs from the URL's parameter.
_WRITTEN = {
    "amount_from": lambda view, units_of: _money("amount_min", view, units_of),
    "amount_to": lambda view, units_of: _money("amount_max", view, units_of),
    "last_day": _last_day,
    "moment": _moment,
}

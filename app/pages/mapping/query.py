"""The view of the table that a URL asks for, in the API's own parameters and validated by the API's schema."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from flask import request
from marshmallow import RAISE, ValidationError, fields, validate
from sqlalchemy import Connection
from werkzeug.datastructures import MultiDict

from app.api.views.keeping import person_id
from app.api.views.parameters import DENSITIES, ViewParameters
from app.http.fields import WholeNumber
from app.pages.mapping.addresses import Parameters, pairs, table_address
from app.pages.mapping.columns import BY_NAME, DEFAULT_NAMES, Column, shown
from app.pages.mapping.form import Given, Mistakes, api_words
from app.pages.mapping.form_values import WRITTEN
from app.wiring.tools import current_tools
from projections.reads.snapshots import snapshot_of
from projections.reads.table.filters import SEVERAL
from projections.reads.table.totals import list_currencies
from tenants.views.preferences import Preference, preference_of

FILTERS = (
    *("q", "customer_id", "subscription_id", "invoice_id", "price_id", "product_id"),
    *("invoice_status", "type", "cadence", "currency"),
    *("mapped", "stream_id", "plan_id", "layer"),
    *("date_from", "date_to", "amount_min", "amount_max", "modified_after", "livemode"),
)
# In the order in which URLs have them.
_SAVED = (*FILTERS, "sort", "as_of", "chart", "columns", "density")
# Whether lines can be selected is part of an address, and of no saved view.
_STATE = (*_SAVED, "select")
_LAST = 2**63 - 1
_NOTHING_PREFERRED = Preference()
# What the API says of parameters, in the words of the form.
_SAID = {
    "date_from is after date_to.": "The first day is after the last one.",
    "amount_min is above amount_max.": "The minimum is above the maximum.",
}


class MappingQuery(ViewParameters):
    """The parameters of a view, and which part of its page is requested."""

    at = WholeNumber(validate=validate.Range(0, _LAST))
    row = WholeNumber(load_default=1, validate=validate.Range(1, _LAST))
    cursor = fields.String(validate=validate.Length(1, 2000))
    select = fields.String(validate=validate.OneOf(["lines"]))


@dataclass(frozen=True, slots=True)
class View:
    """A requested view: `given` as in the URL, `query` as parsed, `mistakes` by parameter name.

    `sent` is the raw query, to refill fields that could not be parsed. `is_form` if form fields were sent that have to
    be translated into API parameters. `preferred` is how the reader wants the table to look if the URL does not say;
    `as_preferred` adds it.
    """

    company_id: int
    given: Given
    query: dict[str, Any]
    mistakes: Mistakes
    sent: dict[str, str]
    is_form: bool
    preferred: Preference = _NOTHING_PREFERRED

    @property
    def words(self) -> dict[str, str]:
        """Return the parameters in the URL, with the first value of each; `chosen` has all of them."""
        return {name: values[0] for name, values in self.given.items()}

    def chosen(self, name: str) -> list[str]:
        """Return the values that the URL has for a parameter."""
        return list(self.given.get(name, ()))

    @property
    def columns(self) -> list[Column]:
        """Return the shown columns, in table order."""
        preferred = [name for name in (self.preferred.columns or "").split(",") if name in BY_NAME]
        return shown(tuple(self.query.get("columns") or preferred or DEFAULT_NAMES))

    @property
    def density(self) -> str:
        """Return how much room rows take: comfortable or compact."""
        return str(self.query.get("density") or self.preferred.density or DENSITIES[0])

    @property
    def is_selecting(self) -> bool:
        """Return whether lines can be selected."""
        return "select" in self.given

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

    def state(self, *but: str) -> Parameters:
        """Return the parameters of this view except some, for the hidden fields of a form or for a URL."""
        return pairs({name: self.given[name] for name in _STATE if name in self.given and name not in but})

    def link(self, below: str = "", /, *but: str, **more: object) -> str:
        """Return the URL of this view, or of a part of it, without the parameters `but` and with `more`."""
        added = pairs({name: [str(value)] for name, value in more.items() if value is not None})
        return table_address(self.company_id, below, Parameters((*self.state(*but, *more), *added)))

    def link_with(self, name: str, values: list[str], *but: str) -> str:
        """Return the URL of this view with these values of a parameter, and without the parameters `but`."""
        given = {**self.given, name: values}
        kept = {one: given[one] for one in _STATE if given.get(one) and one not in but}
        return table_address(self.company_id, "", pairs(kept))

    def unfiltered(self) -> str:
        """Return the URL of this view without filters."""
        return self.link("", *FILTERS)

    def entered(self, name: str, units_of: str = "") -> str:
        """Return the value of a form field: what was sent if there was a mistake, else what the URL says."""
        if name in self.sent and (self.mistakes or name not in WRITTEN):
            return self.sent[name]
        return WRITTEN[name](self.query, units_of) if name in WRITTEN else ""


def view_of(company_id: int, sent: MultiDict[str, str] | None = None) -> View:
    """Parse the view that the request asks for, or that a form describes. Mistakes are collected and never raised."""
    sent = request.args if sent is None else sent
    entered = api_words(sent, lambda: _only_currency(company_id))
    query, mistakes = _read(entered.given)
    as_of = query.get("as_of")
    if isinstance(as_of, datetime) and as_of > current_tools().clock():
        mistakes["as_of"] = ["That time is in the future."]
    return View(company_id, entered.given, query, mistakes | entered.mistakes, sent.to_dict(), entered.is_form)


def as_preferred(connection: Connection, view: View) -> View:
    """Return a view as its reader wants the table to look, where its URL does not say."""
    user_id = person_id()
    if user_id is None:
        return view
    return replace(view, preferred=preference_of(connection, view.company_id, user_id))


def view_from(company_id: int, parameters: Mapping[str, str | list[str]]) -> View:
    """Return the view that saved parameters describe. Mistakes are collected and never raised."""
    given = {name: [said] if isinstance(said, str) else list(said) for name, said in parameters.items()}
    kept = {name: given[name] for name in _STATE if name in given}
    query, mistakes = _read(kept)
    return View(company_id, kept, query, mistakes, {}, is_form=False)


def address_of(company_id: int, parameters: Mapping[str, str | list[str]]) -> str:
    """Return the URL of a view that was saved with these parameters."""
    given = {name: [said] if isinstance(said, str) else said for name, said in parameters.items()}
    return table_address(company_id, "", pairs({name: given[name] for name in _STATE if name in given}))


def parameters_of(view: View) -> dict[str, str | list[str]]:
    """Return the parameters of a view as they are saved."""
    kept = {name: values for name, values in view.given.items() if name in _SAVED}
    return {name: list(values) if name in SEVERAL else values[0] for name, values in kept.items()}


def _read(given: Given) -> tuple[dict[str, Any], Mistakes]:
    try:
        said = {name: values if name in SEVERAL else values[0] for name, values in given.items()}
        query: dict[str, Any] = MappingQuery().load(said, unknown=RAISE)
    except ValidationError as error:
        by_name = error.messages if isinstance(error.messages, dict) else {"": error.messages}
        valid = error.valid_data if isinstance(error.valid_data, dict) else {}
        return valid, {str(name): [_SAID.get(text, text) for text in messages] for name, messages in by_name.items()}
    return query, {}


def _only_currency(company_id: int) -> str | None:
    with snapshot_of(current_tools().engine, company_id) as snapshot:
        # In both modes: if they share a single currency, it is the one that is meant.
        found = {one for livemode in (True, False) for one in list_currencies(snapshot, livemode=livemode)}
    return found.pop() if len(found) == 1 else None

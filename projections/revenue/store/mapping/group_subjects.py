"""What rules may test of lines that have the same in some columns of the table, and which columns these are."""

from collections.abc import Iterable, Sequence
from datetime import date
from functools import cache
from typing import Any

from projections.mapping.fields import Value
from projections.mapping.rule_set import Subject
from projections.recognition.days import day_of, zone_of
from projections.revenue.build_state import BuildState
from projections.revenue.states_at import NOW
from projections.revenue.store.find_states import CUSTOMERS, PRICES, PRODUCTS, Wanted
from projections.revenue.store.load_state import load_referred
from projections.revenue.store.mapping.line_groups import COLUMNS, Group
from projections.revenue.tested.subjects import Fields, fields_of_sold, metadata_fields
from projections.revenue.tested.subjects_at import customer_at, sold_at
from runtime.database import Driver

_OF_SOLD, _OF_CUSTOMER = ("price_id", "product_id"), ("customer_id", "customer_email")
# What no column has, but the states say of what lines refer to. The rest is said by invoices alone.
_TOLD = {
    "price_nickname": _OF_SOLD,
    "price_lookup_key": _OF_SOLD,
    "price.metadata": _OF_SOLD,
    "product.metadata": _OF_SOLD,
    "customer_email": _OF_CUSTOMER,
    "customer.metadata": _OF_CUSTOMER,
}
# Fields whose column has another name.
_STORED_AS = {"interval": "interval_unit"}
_TABLES = {"price_id": PRICES, "product_id": PRODUCTS, "customer_id": CUSTOMERS}
_UTC = "UTC"


def columns_of(fields: Iterable[str], time_zone: str) -> tuple[str, ...] | None:
    """Return the columns that these fields of a line follow from, or None if there are no such columns."""
    columns: dict[str, None] = {}
    for field in fields:
        owner, is_metadata, _ = field.partition(".metadata.")
        told = _TOLD.get(f"{owner}.metadata" if is_metadata else field)
        # A column has the day of UTC, and SQL knows no time zone.
        stored = "period_start" if field == "date" and time_zone != _UTC else _STORED_AS.get(field, field)
        if told is None and stored not in COLUMNS:
            return None
        columns |= dict.fromkeys(told or (stored,))
    return tuple(columns)


class GroupSubjects:
    """What rules may test of groups of lines, by the columns that `fields` follow from."""

    def __init__(
        self, driver: Driver, at: BuildState, fields: Iterable[str], time_zone: str, *, livemode: bool
    ) -> None:
        told = {_TOLD.get(field.partition(".metadata.")[0] + ".metadata") or _TOLD.get(field) for field in fields}
        self._tells_of_sold, self._tells_of_customer = _OF_SOLD in told, _OF_CUSTOMER in told
        self.columns = columns_of(fields, time_zone) or ()
        self._livemode, self._zone = livemode, zone_of(time_zone)
        self._driver, self._at = driver, at
        self._of_sold, self._of_customer = cache(self._told_of_sold), cache(self._told_of_customer)

    def load(self, groups: Sequence[Group]) -> None:
        """Load what the lines of these groups refer to."""
        needed = (*(_OF_SOLD if self._tells_of_sold else ()), *(_OF_CUSTOMER[:1] if self._tells_of_customer else ()))
        wanted: set[Wanted] = {
            (_TABLES[name], (self._livemode, group.values[self.columns.index(name)]))
            for name in needed
            for group in groups
        }
        load_referred(self._driver, self._at, wanted)

    def of(self, values: Sequence[Any]) -> Subject:
        """Return what rules may test of lines with these values."""
        subject: Fields = dict(zip(self.columns, values, strict=True))
        if "interval_unit" in subject:
            subject["interval"] = subject["interval_unit"]
        if "period_start" in subject:
            started = values[self.columns.index("period_start")]
            subject["date"] = date.fromordinal(day_of(int(started.timestamp()), self._zone))
        if self._tells_of_sold:
            subject |= self._of_sold(subject["price_id"], subject["product_id"])
        if self._tells_of_customer:
            subject |= self._of_customer(subject["customer_id"])
        return subject

    def _told_of_sold(self, price_id: Value, product_id: Value) -> Fields:
        price, product = str(price_id or ""), str(product_id or "")
        sold = sold_at(self._at.revenue, (self._livemode, price), (self._livemode, product), NOW)
        return fields_of_sold(price or None, product or None, sold)

    def _told_of_customer(self, customer_id: Value) -> Fields:
        said = customer_at(self._at.revenue, (self._livemode, str(customer_id or "")), NOW).details
        return {"customer_email": said.email, **metadata_fields("customer", said.metadata)} if said else {}

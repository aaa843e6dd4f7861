"""What rules test beside the table: kept with what it belongs to, found at any position, and changing no row."""

from datetime import date
from typing import Any, NamedTuple

from msgspec.structs import replace
from sqlalchemy import Engine, text

from events.stripe.details import CustomerDetails, InvoiceDetails, PriceDetails
from events.stripe.observations import (
    CustomerNamed,
    CustomerSeen,
    InvoiceHeader,
    InvoiceLinesSeen,
    InvoiceSeen,
    Line,
    Observation,
    PriceSeen,
    ProductNamed,
    Recurrence,
)
from projections.facts.sightings import Change, Sighting
from projections.mapping.fields import METADATA_OWNERS, known_fields
from projections.recognition.days import zone_of
from projections.revenue.build_state import BuildState
from projections.revenue.fold import RevenueState
from projections.revenue.row_versions import changes_of
from projections.revenue.states_at import NOW
from projections.revenue.store.load_state import load_state
from projections.revenue.tested.details import InvoiceTold
from projections.revenue.tested.subjects_at import subjects_at
from runtime.database import raw_driver
from tests.support.clock import NOON
from tests.support.company import catch_up, company_with, record_events
from tests.support.payloads import ACCOUNT, CREATED, customer, event, new_invoice, new_line, price, product
from tests.support.rules import rule, rule_set

EMEA, APAC = (("region", "emea"),), (("region", "apac"),)
KEY = (True, "in_1")
LINE = Line("il_1", None, "Plan", "usd", 900, 90, 10, CREATED, CREATED + 60, False, "1.50", "price_q", "prod_1")  # noqa: FBT003
ONCE = Line("il_2", "sub_2", None, "usd", 5, 0, 0, CREATED, CREATED, True, None, None, None)  # noqa: FBT003
HEADER = InvoiceHeader("cus_1", "Zed Inc", "sub_1", "F00D-0001", "old@zed.test")
TOLD = InvoiceDetails(EMEA, APAC, "CZ")
OPEN = InvoiceSeen("in_1", "open", HEADER, (LINE, ONCE), is_complete=True, details=TOLD, line_metadata={"il_1": EMEA})
QUARTERLY = PriceSeen(
    "price_q", Recurrence("month", 3), "price", "Quarterly", PriceDetails("Quarterly", "team_q", EMEA)
)
PLAN = ProductNamed("prod_1", "Team plan", EMEA)
NAMED = CustomerNamed("cus_1", "Zed", None)
SAID = CustomerSeen("cus_1", CustomerDetails("ap@zed.test", "DE", EMEA))
IN_APAC = CustomerDetails(None, None, APAC)


def fold(*history: list[Observation]) -> RevenueState:
    revenue = RevenueState()
    for position, observations in enumerate(history, 1):
        revenue.apply(Sighting(Change(position, NOON), True, (CREATED + position, 0)), None, observations)  # noqa: FBT003
    return revenue


def subject_of(revenue: RevenueState, line_id: str = "il_1", position: int = NOW, zone: str = "UTC") -> dict:
    invoice = revenue.invoices[KEY].invoice
    subjects = subjects_at(revenue, KEY, invoice, CREATED + 86_400, zone_of(zone), position)
    return {line.line_id: dict(subject) for line, subject in subjects}[line_id]


def test_every_field_of_the_language_is_there_for_every_line() -> None:
    subject, other = (subject_of(fold([OPEN], [QUARTERLY, PLAN, NAMED, SAID]), line_id) for line_id in ("il_1", "il_2"))

    assert set(known_fields()) <= set(other) < set(subject)
    assert {name for name in subject if name not in known_fields()} == {
        f"{owner}.metadata.region" for owner in METADATA_OWNERS
    }
    assert subject == {
        "invoice_id": "in_1",
        "invoice_number": "F00D-0001",
        "invoice_line_item_id": "il_1",
        "subscription_id": "sub_1",
        "customer_id": "cus_1",
        "customer_name": "Zed",
        "customer_email": "ap@zed.test",
        "customer_country": "DE",
        "price_id": "price_q",
        "price_nickname": "Quarterly",
        "price_lookup_key": "team_q",
        "product_id": "prod_1",
        "product_name": "Team plan",
        "description": "Plan",
        "amount": 900,
        "net_amount": 800,
        "quantity": "1.50",
        "currency": "usd",
        "type": "recurring",
        "cadence": "quarterly",
        "interval": "month",
        "proration": False,
        "has_period": True,
        "date": date(2026, 1, 1),
        "finalized_on": date(2026, 1, 2),
        "line.metadata.region": "emea",
        "invoice.metadata.region": "emea",
        "subscription.metadata.region": "apac",
        "customer.metadata.region": "emea",
        "price.metadata.region": "emea",
        "product.metadata.region": "emea",
    }


def test_a_line_without_price_period_or_seen_customer_has_what_its_invoice_says() -> None:
    once = subject_of(fold([OPEN]), "il_2", zone="America/Los_Angeles")

    assert (once["customer_email"], once["customer_country"]) == ("old@zed.test", "CZ")
    assert (once["type"], once["has_period"], once["proration"]) == ("one_time", False, True)
    assert (once["date"], once["finalized_on"]) == (date(2025, 12, 31), date(2026, 1, 1))
    # It belongs to another subscription than the one that the invoice tells of.
    assert (once["subscription_id"], "subscription.metadata.region" in once) == ("sub_2", False)
    silent = subject_of(fold([OPEN], [CustomerSeen("cus_1", CustomerDetails())]))
    assert (silent["customer_email"], silent["customer_country"]) == (None, None)


def test_rules_map_a_folded_line_by_what_no_table_shows() -> None:
    rules = rule_set(
        rule("rule_1", ("customer.metadata.region", "is", "apac")),
        rule("rule_2", ("price_lookup_key", "starts_with", "TEAM"), ("quantity", "is", "1.5")),
    )
    before, after = (
        fold([OPEN, QUARTERLY]),
        fold([OPEN, QUARTERLY], [CustomerSeen("cus_1", CustomerDetails(None, None, APAC))]),
    )

    found = [rules.first_match(rules.values_of(subject_of(revenue))) for revenue in (before, after)]
    assert [ready and ready.rule.rule_id for ready in found] == ["rule_2", "rule_1"]


def test_what_only_rules_test_changes_no_row_and_is_found_at_every_position() -> None:
    revenue = fold(
        [OPEN, QUARTERLY, PLAN, NAMED, SAID],
        [replace(OPEN, details=replace(TOLD, metadata=APAC))],
        [InvoiceLinesSeen("in_1", OPEN.lines, {"il_1": APAC})],
        [replace(QUARTERLY, details=PriceDetails("Quarterly", "team_3", APAC))],
        [replace(PLAN, metadata=())],
        [replace(SAID, details=CustomerDetails("new@zed.test"))],
        [replace(SAID, details=CustomerDetails("new@zed.test"))],
    )

    changes = changes_of(revenue).rows
    assert changes.ended == []
    assert {row.variable.change.position for row in changes.current} == {1}
    details = revenue.details
    assert [at for at, _ in details.invoice_states[KEY]] == [0, 1, 2, 3]
    assert details.invoice_states[KEY][0] == (0, InvoiceTold(None, None))
    assert [at for at, _ in details.price_states[True, "price_q"]] == [0, 1, 4]
    assert [at for at, _ in details.product_states[True, "prod_1"]] == [0, 1, 5]
    assert [at for at, _ in details.customer_states[True, "cus_1"]] == [0, 1, 6]

    def at(position: int) -> tuple:
        subject = subject_of(revenue, position=position)
        owners = ("invoice", "line", "price", "product", "customer")
        regions = (subject.get(f"{owner}.metadata.region", "-") for owner in owners)
        return (*regions, subject["price_lookup_key"], subject["customer_email"])

    assert [at(position) for position in range(1, 7)] == [
        ("emea", "emea", "emea", "emea", "emea", "team_q", "ap@zed.test"),
        ("apac", "emea", "emea", "emea", "emea", "team_q", "ap@zed.test"),
        ("apac", "apac", "emea", "emea", "emea", "team_q", "ap@zed.test"),
        ("apac", "apac", "apac", "emea", "emea", "team_3", "ap@zed.test"),
        ("apac", "apac", "apac", "-", "emea", "team_3", "ap@zed.test"),
        ("apac", "apac", "apac", "-", "-", "team_3", "new@zed.test"),
    ]


def test_two_customers_of_one_second_are_contested_and_an_invoice_that_names_it_settles_nothing() -> None:
    revenue, is_contested = fold([NAMED, SAID]), []
    other = replace(SAID, details=CustomerDetails("other@zed.test"))
    named = CustomerNamed("cus_1", "Zip", CREATED + 9)
    for stamp, said in (((CREATED + 1, 0), other), ((CREATED + 9, 0), named), ((CREATED + 1, 1), SAID)):
        revenue.apply(Sighting(Change(2, NOON), True, stamp), None, [said])  # noqa: FBT003
        is_contested.append(revenue.has_gaps)

    assert is_contested == [True, True, False]
    assert revenue.names[True, "cus_1"].register.value == "Zip"
    assert revenue.details.customers[True, "cus_1"].value == SAID.details


class Stored(NamedTuple):
    """The stored state of an object."""

    kind: str
    position: int
    book: str


_BOOKS = " UNION ALL ".join(
    f"SELECT '{kind}' AS kind, position, convert_from(book, 'UTF8') AS book FROM revenue_{kind}"  # noqa: S608
    for kind in ("invoice", "price", "product", "customer")
)


def stored(engine: Engine) -> dict[str, Stored]:
    with engine.connect() as connection:
        return {row.kind: Stored(*row) for row in connection.execute(text(_BOOKS))}


def loaded(engine: Engine, company_id: int) -> RevenueState:
    state = BuildState(company_id, 1, is_begun=True, revenue=RevenueState())
    with engine.connect() as connection, raw_driver(connection) as driver:
        load_state(driver, [(state, [(True, [OPEN])])])
    return state.revenue


def test_details_are_stored_beside_what_the_table_shows_and_cost_nothing_where_there_are_none(engine: Engine) -> None:
    company_id = company_with(engine, ACCOUNT)
    record_events(
        engine,
        event(new_invoice(metadata={}, customer_name=None)),
        event(price() | {"nickname": None, "metadata": {}}, "price.created"),
        event(product() | {"metadata": {}}, "product.created"),
    )
    catch_up(engine)
    plain = stored(engine)
    region: dict[str, Any] = {"metadata": {"region": "emea"}}
    record_events(
        engine,
        event(new_invoice("in_1", new_line(**region), customer_name=None, **region), created=CREATED + 1),
        event(price() | {"nickname": None, **region}, "price.updated", created=CREATED + 1),
        event(product() | region, "product.updated", created=CREATED + 1),
        event(customer(None) | region | {"email": "ap@zed.test"}, "customer.updated", created=CREATED + 1),
    )
    catch_up(engine, batch_size=1)
    told = stored(engine)
    subject = subject_of(loaded(engine, company_id))
    record_events(engine, event(customer() | region, "customer.updated", created=CREATED + 2))
    catch_up(engine)

    assert plain.keys() == {"invoice", "price", "product"}
    assert [kind for kind, one in plain.items() if one.book.endswith(("null]", "[]]"))] == []
    assert {kind: (one.position, one.book.count("emea")) for kind, one in told.items()} == {
        "invoice": (2, 3),
        "price": (3, 1),
        "product": (4, 1),
        "customer": (0, 1),
    }
    assert [subject[f"{owner}.metadata.region"] for owner in METADATA_OWNERS] == ["emea"] * 6
    assert (subject["customer_name"], subject["customer_email"]) == (None, "ap@zed.test")
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT position, customer_name FROM revenue_line")).all()
        past = connection.execute(text("SELECT position FROM revenue_line_past ORDER BY position")).scalars().all()
    assert [tuple(row) for row in rows] == [(9, "Zed Inc")]
    assert past == [2, 3, 4]
    assert subject_of(loaded(engine, company_id))["customer_email"] is None

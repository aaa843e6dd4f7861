"""A page of the table: what a line contains, the order of lines, and the moment they belong to."""

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from projections.facts.state_tables import projection_state
from tests.support.company import catch_up, record_events
from tests.support.payloads import ACCOUNT, customer, event, new_invoice, new_line, price, product
from tests.support.web.lines import Reader, json_of, line_of

SEVEN = (
    "invoice_line_item_id",
    "subscription_id",
    "customer_name",
    "customer_id",
    "description",
    "date",
    "amount",
)
UNMAPPED = {"stream_id": None, "plan_id": None, "kind": "revenue", "bp": 10_000, "treatment": None}


@pytest.fixture
def reader(client: FlaskClient, engine: Engine) -> Reader:
    return Reader.of_new_company(client, engine)


def test_the_seven_columns_come_first_and_in_their_order(reader: Reader) -> None:
    reader.add_lines(line_of("il_1"))

    payload = json.loads(reader.get().text, object_pairs_hook=list)

    line = dict(payload)["data"][0]
    assert [name for name, _ in line][: 1 + len(SEVEN)] == ["object", *SEVEN]


def test_a_line_shows_everything_that_is_known_of_it(reader: Reader) -> None:
    line = new_line(
        "il_1",
        discount_amounts=[{"amount": 3000}],
        taxes=[{"amount": 500, "tax_behavior": "inclusive"}, {"amount": 700, "tax_behavior": "exclusive"}],
    )
    quarterly = price("price_q", "month", 3) | {"nickname": "Quarterly"}
    reader.receive(event(quarterly, "price.created"), event(new_invoice("in_1", line)))
    reader.receive(event(product("Team plan"), "product.created"))

    shown = reader.page()["data"][0]

    assert shown.pop("updated_at").endswith("Z")
    assert shown == {
        "object": "revenue_line",
        "invoice_line_item_id": "il_1",
        "subscription_id": "sub_1",
        "customer_name": "Zed Inc",
        "customer_id": "cus_1",
        "description": "3 × Team plan",
        "date": "2026-01-01",
        "amount": 30_000,
        "currency": "usd",
        "currency_exponent": 2,
        "discount_amount": 3000,
        "tax_amount": 500,
        "net_amount": 26_500,
        "type": "recurring",
        "cadence": "quarterly",
        "interval": {"unit": "month", "count": 3},
        "cadence_source": "price",
        "period": {"start": "2026-01-01T00:00:00Z", "end": "2026-04-01T00:00:00Z"},
        "proration": False,
        "quantity": "3",
        "price_id": "price_q",
        "price_name": "Quarterly",
        "product_id": "prod_1",
        "product_name": "Team plan",
        "customer_name_on_invoice": "Zed Inc",
        "customer_email": None,
        "invoice_id": "in_1",
        "invoice_number": "F00D-0001",
        "invoice_status": "paid",
        "invoice_complete": True,
        "credited_amount": 0,
        "livemode": True,
        "mapping": {
            "layer": "unmapped",
            "rule_id": None,
            "rules_version": None,
            "parts": [UNMAPPED | {"net_amount": 26_500}],
        },
        "position": 4,
    }


def test_one_line_is_what_the_list_shows_of_it(reader: Reader) -> None:
    reader.add_lines(line_of("il_1"), line_of("il_2"))

    one = reader.get("/revenue-lines/il_2")

    assert one.status_code == 200
    assert json_of(one) == reader.page(q="il_2")["data"][0]


def test_one_line_is_looked_up_in_the_mode_of_the_connection(reader: Reader) -> None:
    reader.receive(event(new_invoice("in_t", new_line("il_t")), livemode=False))

    assert reader.get("/revenue-lines/il_t").status_code == 404
    assert json_of(reader.get("/revenue-lines/il_t", livemode="false"))["livemode"] is False


def test_each_sort_orders_by_its_column_and_then_by_id(reader: Reader) -> None:
    reader.add_lines(
        line_of("il_d", 900, day=9), line_of("il_b", -5, day=3), line_of("il_a", 100, day=3), line_of("il_c", 100)
    )

    assert reader.ids() == reader.ids(sort="-date") == ["il_d", "il_b", "il_a", "il_c"]
    assert reader.ids(sort="date") == ["il_c", "il_a", "il_b", "il_d"]
    assert reader.ids(sort="amount") == ["il_b", "il_a", "il_c", "il_d"]
    assert reader.ids(sort="-amount") == ["il_d", "il_c", "il_a", "il_b"]


def test_amounts_are_ordered_within_their_currency(reader: Reader) -> None:
    """Minor units were compared across currencies: 97.020 dinars came before 42,000 yen and 360 dollars."""
    amounts = {"kwd": (97_020, 36_960), "jpy": (42_000,), "usd": (36_000, -100)}
    for currency, each in amounts.items():
        lines = [line_of(f"il_{currency}_{amount}", amount, currency=currency) for amount in each]
        reader.receive(event(new_invoice(f"in_{currency}", *lines, currency=currency)))
    rising = ["il_jpy_42000", "il_kwd_36960", "il_kwd_97020", "il_usd_-100", "il_usd_36000"]

    assert reader.ids(sort="amount") == rising
    assert reader.ids(sort="-amount") == rising[::-1]
    assert reader.ids(sort="-amount", currency="usd") == ["il_usd_36000", "il_usd_-100"]
    assert reader.ids(sort="amount", currency=["usd", "kwd"], amount_min=40_000) == ["il_kwd_97020"]
    assert [page[0] for page in reader.pages(sort="amount", limit=1)] == rising


def test_lines_are_ordered_by_customer_and_by_change(reader: Reader) -> None:
    for number, (name, email) in enumerate((("beta", "z@example.org"), (None, "Alpha@example.org"), ("Gamma", None))):
        named = {
            "customer": f"cus_{number}",
            "customer_name": name,
            "customer_email": email,
            "number": f"F-{9 - number}",
        }
        reader.receive(event(new_invoice(f"in_{number}", line_of(f"il_{number}"), **named)))

    assert reader.ids(sort="customer_name") == ["il_1", "il_0", "il_2"]
    assert reader.ids(sort="updated_at") == ["il_0", "il_1", "il_2"]
    position = reader.page()["position"]
    reader.receive(event(customer("Omega", "cus_0"), "customer.updated", created=1_900_000_000))
    assert reader.ids(sort="-updated_at") == ["il_0", "il_2", "il_1"]
    assert reader.ids(sort="customer_name") == ["il_1", "il_2", "il_0"]
    assert reader.ids(sort="customer_name", as_of=position) == ["il_1", "il_0", "il_2"]
    assert reader.ids(sort="-updated_at", as_of=position) == ["il_2", "il_1", "il_0"]


def test_an_order_without_an_index_is_refused_with_those_that_there_are(reader: Reader) -> None:
    refused = reader.get(sort="description")

    (error,) = json_of(refused)["errors"]
    assert (refused.status_code, error["pointer"]) == (422, "/query/sort")
    for sort in ("date", "amount", "customer_name", "updated_at"):
        assert f"-{sort}" in error["detail"]


def test_a_table_that_an_older_release_built_is_read_in_the_orders_that_it_has(reader: Reader) -> None:
    reader.add_lines(line_of("il_1"))
    with reader.engine.begin() as connection:
        connection.execute(projection_state.update().values(version=1))

    assert reader.ids(sort="-updated_at") == reader.ids(sort="amount", price_id="price_q") == ["il_1"]
    for refused in (
        reader.get(sort="customer_name"),
        reader.get("/revenue-lines.csv", sort="-customer_name"),
        reader.get("/revenue-lines/suggestions", field="customer"),
        reader.get("/credit-notes"),
    ):
        assert (refused.status_code, json_of(refused)["code"]) == (503, "not_folded_yet")


@pytest.mark.parametrize("more", [{}, {"q": "plan"}])
def test_totals_tell_billed_from_void_and_uncollectible(reader: Reader, more: dict[str, str]) -> None:
    """Totals included lines that the chart beside them left out."""
    for status, amount in (("paid", 1000), ("open", 300), ("void", 70), ("uncollectible", 5)):
        line = line_of(f"il_{status}", amount, discount_amounts=[{"amount": 1}])
        reader.receive(event(new_invoice(f"in_{status}", line, status=status), "invoice.updated"))
    position = reader.page()["position"]
    told = {
        "currency": "usd",
        "count": 4,
        "amount": 1375,
        "net_amount": 1371,
        "billed_amount": 1300,
        "billed_net_amount": 1298,
        "void_amount": 70,
        "uncollectible_amount": 5,
    }

    assert reader.page(include="totals", **more)["totals"] == [told]
    reader.add_lines(line_of("il_later", 1), invoice_id="in_later")
    assert reader.page(include="totals", as_of=position, **more)["totals"] == [told]


def test_a_list_shows_the_mode_of_the_connection_and_modes_never_mix(client: FlaskClient, engine: Engine) -> None:
    in_live = Reader.of_new_company(client, engine, "acct_live")
    in_test = Reader.of_new_company(client, engine, "acct_test", livemode=False)
    for account, livemode in (("acct_live", True), ("acct_live", False), ("acct_test", False)):
        lines = [line_of(f"il_{account}_{livemode}")]
        in_live.receive(event(new_invoice(f"in_{livemode}", *lines), account=account, livemode=livemode))

    assert in_live.ids() == in_live.ids(livemode="true") == ["il_acct_live_True"]
    assert in_live.ids(livemode="false") == ["il_acct_live_False"]
    assert in_test.ids() == in_test.ids(livemode="false") == ["il_acct_test_False"]
    assert in_test.ids(livemode="true") == []


def test_totals_are_of_the_whole_filter_and_never_of_the_page(reader: Reader) -> None:
    reader.add_lines(line_of("il_1", 100, day=1), line_of("il_2", -30), line_of("il_3", 7, quantity=1))
    reader.add_lines(line_of("il_4", 500, currency="eur"), line_of("il_5", 1, currency="eur"), invoice_id="in_2")

    page = reader.page(include="totals", limit=1, amount_max=400)

    assert len(page["data"]) == 1
    assert [(one["currency"], one["count"], one["amount"], one["net_amount"]) for one in page["totals"]] == [
        ("eur", 1, 1, 1),
        ("usd", 3, 77, 77),
    ]
    assert "totals" not in reader.page()


def test_a_page_that_did_not_change_is_not_sent_again(reader: Reader) -> None:
    reader.add_lines(line_of("il_1"))
    tag = reader.get().headers["ETag"]

    again = reader.get(headers={"If-None-Match": tag})

    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
    assert reader.get(headers={"If-None-Match": f'W/{tag}, "other"'}).status_code == 304


def test_a_tag_changes_when_the_table_moves_and_with_the_question(client: FlaskClient, reader: Reader) -> None:
    other = Reader.of_new_company(client, reader.engine, "acct_other")
    reader.add_lines(line_of("il_1"))
    before = [reader.get(below).headers["ETag"] for below in ("/revenue-lines", "/revenue-lines/il_1")]
    others = [reader.get(limit=1), reader.get(q="il"), reader.get(include="totals"), reader.get(livemode="false")]

    reader.receive(event(customer("Zeta"), "customer.updated", created=1_800_000_000))

    after = [reader.get(below).headers["ETag"] for below in ("/revenue-lines", "/revenue-lines/il_1")]
    tags = [*before, *after, other.get().headers["ETag"], *(answer.headers["ETag"] for answer in others)]
    assert len(set(tags)) == len(tags)
    assert json_of(reader.get(headers={"If-None-Match": before[0]}))["data"][0]["customer_name"] == "Zeta"


def test_no_cache_keeps_what_only_a_key_may_see(reader: Reader) -> None:
    reader.add_lines(line_of("il_1"))
    tag = reader.get().headers["ETag"]

    for answer in (
        reader.get(),
        reader.get("/revenue-lines/il_1"),
        reader.get("/quarantine"),
        reader.get(headers={"If-None-Match": tag}),
        reader.get("/revenue-lines.csv"),
        reader.get("/revenue-lines/il_none"),
    ):
        assert answer.headers["Cache-Control"] == "private, no-store"


def test_a_page_is_of_one_moment_while_the_fold_goes_on(reader: Reader) -> None:
    stop = Event()

    def grow() -> int:
        number = 0
        while not stop.is_set() and number < 400:
            number += 1
            record_events(
                reader.engine, event(new_invoice(f"in_{number}", line_of(f"il_{number}", 1)), account=ACCOUNT)
            )
            catch_up(reader.engine)
        return number

    with ThreadPoolExecutor(1) as threads:
        growing = threads.submit(grow)
        try:
            pages = [reader.page(limit=500, include="totals") for _ in range(40)]
        finally:
            stop.set()
        assert growing.result() > 1

    for page in pages:
        # The first event of the log is the authorization; each other one brings one line of one cent.
        lines = max(0, page["position"] - 1)
        assert len(page["data"]) == lines
        assert [total["amount"] for total in page["totals"]] == [lines] * bool(lines)
    assert len({page["position"] for page in pages}) > 1

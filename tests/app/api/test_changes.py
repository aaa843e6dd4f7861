"""Following the table: applying all changes in order, in pages of any size, produces the table."""

from random import Random
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from projections.builds.builds import begin_builds
from projections.builds.rebuild import build_on, flip
from projections.engine.folding import Claim
from projections.reads.snapshots import snapshot_of
from projections.reads.table.filters import LineFilter
from projections.reads.table.totals import list_months
from tests.support.histories import busy_history
from tests.support.payloads import event, old_invoice
from tests.support.web.lines import Reader, json_of

Copy = dict[tuple[bool, str, str], dict[str, Any]]


@pytest.fixture
def reader(client: FlaskClient, engine: Engine) -> Reader:
    return Reader.of_new_company(client, engine)


class Follower:
    """A program that keeps a copy of the table up to date."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._cursor: dict[str, Any] = {}
        self.copy: Copy = {}
        self.positions: list[int] = []

    def follow(self, *, limit: int) -> None:
        while True:
            page = json_of(self._reader.get("/changes", limit=limit, **self._cursor))
            self._cursor = {"cursor": page["next_cursor"]}
            for change in page["data"]:
                self._apply(change)
            if not page["has_more"]:
                return

    def _apply(self, change: dict[str, Any]) -> None:
        line = change["line"]
        key = (line["livemode"], line["invoice_id"], line["invoice_line_item_id"])
        assert (key in self.copy) == (change["type"] != "added")
        self.positions.append(change["position"])
        if change["type"] == "removed":
            del self.copy[key]
        else:
            assert line["position"] == change["position"]
            self.copy[key] = line


def table_of(reader: Reader) -> Copy:
    lines = [line for mode in ("true", "false") for line in reader.page(livemode=mode, limit=500)["data"]]
    return {(line["livemode"], line["invoice_id"], line["invoice_line_item_id"]): line for line in lines}


@pytest.mark.parametrize("limit", [1, 4, 500])
def test_applying_all_changes_in_order_gives_the_table(reader: Reader, limit: int) -> None:
    follower = Follower(reader)

    for seed in range(3):
        reader.receive(*busy_history(Random(seed), 40))
        follower.follow(limit=limit)
        assert follower.copy == table_of(reader)

    assert follower.copy
    assert follower.positions == sorted(follower.positions)


def test_a_flip_to_another_build_goes_unnoticed(reader: Reader, engine: Engine) -> None:
    follower = Follower(reader)
    reader.receive(*busy_history(Random(7), 40))
    follower.follow(limit=3)
    with engine.begin() as connection:
        begun = begin_builds(connection, company_id=None)
    while build_on(engine, is_automatic=False):
        pass
    for one in begun:
        flip(engine, Claim(one.projection, one.company_id, one.build, 0))

    reader.receive(event(old_invoice("in_new")))
    follower.follow(limit=3)

    assert follower.copy == table_of(reader)


def test_a_cursor_is_good_for_its_company_and_its_list_only(
    reader: Reader, engine: Engine, client: FlaskClient
) -> None:
    reader.receive(event(old_invoice("in_1")), event(old_invoice("in_2")))
    other = Reader.of_new_company(client, engine, "acct_other")
    of_list = reader.page(limit=1)["next_cursor"]
    of_changes = json_of(reader.get("/changes", limit=1))["next_cursor"]

    for answer in (
        reader.get("/changes", cursor=of_list),
        reader.get("/changes", cursor=of_changes[:-2]),
        other.get("/changes", cursor=of_changes),
        reader.get(cursor=of_changes),
    ):
        assert (answer.status_code, json_of(answer)["code"]) == (400, "invalid_cursor")


def test_months_add_up_to_the_totals_and_can_be_filtered(reader: Reader, engine: Engine) -> None:
    reader.receive(*busy_history(Random(9), 60))

    months = json_of(reader.get("/revenue-by-month"))["data"]
    totals = reader.page(include="totals")["totals"]

    assert months
    assert [sum(month[name] for month in months) for name in ("count", "amount", "net_amount")] == [
        totals[0][name] for name in ("count", "amount", "net_amount")
    ]
    paid = json_of(reader.get("/revenue-by-month", invoice_status="paid", month_from="2026-02", currency="USD"))["data"]
    assert paid == [month for month in months if month["invoice_status"] == "paid" and month["month"] >= "2026-02"]
    with snapshot_of(engine, reader.company_id) as snapshot:
        assert len(list_months(snapshot, LineFilter(livemode=True))) == len(months)


def test_months_as_of_a_moment_and_their_parameters(reader: Reader) -> None:
    reader.receive(event(old_invoice("in_1")), event(old_invoice("in_2")))

    then = json_of(reader.get("/revenue-by-month", as_of="2"))

    assert (then["position"], [month["count"] for month in then["data"]]) == (2, [1])
    assert then["data"][0]["month"] == "2026-01"
    refused: tuple[dict[str, Any], ...] = (
        {"month_from": "2026-13"},
        {"month_from": "2026-1"},
        {"customer_id": "cus_1"},
        {"as_of": "soon"},
    )
    for wrong in refused:
        assert reader.get("/revenue-by-month", **wrong).status_code == 422
    etag = reader.get("/revenue-by-month").headers["ETag"]
    assert reader.get("/revenue-by-month", headers={"If-None-Match": etag}).status_code == 304

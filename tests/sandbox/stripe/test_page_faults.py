"""Faults in the content of lists: answers that are well-formed but wrong."""

import json

from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.faults.faults import Fault, FaultKind
from sandbox.stripe.records.specs import LineSpec
from sandbox.stripe.running import StripeServer
from tests.support.plain_client import asking, ids, page


def test_an_empty_page_says_there_is_more(server: StripeServer, live: dict[str, str], five: list[str]) -> None:
    server.faults.add(Fault(kind=FaultKind.EMPTY_PAGE))

    struck, sound = page(server, live), page(server, live)

    assert (struck["data"], struck["has_more"]) == ([], True)
    assert ids(sound) == five[:2]


def test_a_page_repeats_whatever_the_cursor(server: StripeServer, live: dict[str, str], five: list[str]) -> None:
    server.faults.add(Fault(kind=FaultKind.REPEATED_PAGE, times=None))

    for cursor in five[1:4]:
        assert ids(page(server, live, f"/v1/invoices?limit=2&starting_after={cursor}")) == five[:2]


def test_a_list_ends_too_early(server: StripeServer, live: dict[str, str], five: list[str]) -> None:
    server.faults.add(Fault(kind=FaultKind.ENDS_EARLY))

    assert (page(server, live)["has_more"], page(server, live)["has_more"]) == (False, True)
    assert len(five) == 5


def test_a_cursor_is_said_to_be_gone(server: StripeServer, live: dict[str, str], five: list[str]) -> None:
    server.faults.add(Fault(kind=FaultKind.DELETED_CURSOR))

    with asking(server, live, f"/v1/invoices?starting_after={five[0]}") as answer:
        error = json.loads(answer.read())["error"]

    assert (answer.status, error["code"], error["param"]) == (400, "resource_missing", "starting_after")


def test_the_last_draft_of_a_page_is_deleted_once_it_was_shown(
    server: StripeServer, live: dict[str, str], five: list[str]
) -> None:
    server.faults.add(Fault(kind=FaultKind.DELETED_OBJECT))

    shown = ids(page(server, live))

    assert shown == five[:2]
    assert page(server, live, f"/v1/invoices?starting_after={shown[-1]}")["error"]["code"] == "resource_missing"
    assert ids(page(server, live)) == [five[0], five[2]]


def test_an_object_of_another_account_stands_in_the_page(
    server: StripeServer, live: dict[str, str], five: list[str], simulated: SimulatedStripe
) -> None:
    other = simulated.create_account("Somebody Else").live
    foreign = other.create_invoice(other.create_customer("Not yours").id, [LineSpec(amount=1)])
    server.faults.add(Fault(kind=FaultKind.FOREIGN_OBJECT))

    assert ids(page(server, live)) == [five[0], foreign.id, five[1]]


def test_every_invoice_of_a_page_lacks_a_line_and_keeps_its_subtotal(
    server: StripeServer, live: dict[str, str], five: list[str]
) -> None:
    whole = page(server, live)["data"]
    server.faults.add(Fault(kind=FaultKind.LOST_LINE))

    struck = page(server, live)["data"]

    assert ids({"data": struck}) == five[:2]
    for before, after in zip(whole, struck, strict=True):
        assert after["lines"]["data"] == before["lines"]["data"][:-1]
        assert (after["lines"]["has_more"], after["lines"]["total_count"]) == (False, len(after["lines"]["data"]))
        assert after["subtotal"] == before["subtotal"]

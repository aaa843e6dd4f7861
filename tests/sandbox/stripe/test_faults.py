"""Every fault as a plain client sees it."""

import json
import socket
from http.client import IncompleteRead, RemoteDisconnected
from pathlib import Path

import pytest

from sandbox.stripe.faults.faults import Fault, FaultKind, FaultPlan
from sandbox.stripe.http.messages import request_from_target
from sandbox.stripe.running import StripeServer
from tests.support.plain_client import asking, ids, page


def test_a_rate_limit_strikes_with_the_wait_it_is_told(server: StripeServer, live: dict[str, str]) -> None:
    server.faults.add(Fault(kind=FaultKind.RATE_LIMITED, retry_after=3))
    server.faults.add(Fault(kind=FaultKind.RATE_LIMITED, nth=2))

    with asking(server, live) as first, asking(server, live) as second, asking(server, live) as third:
        assert (first.status, first.headers["Retry-After"]) == (429, "3")
        assert (second.status, second.headers["Retry-After"]) == (429, None)
        assert second.headers["Stripe-Rate-Limited-Reason"] == "global-rate"
        assert third.status == 200


@pytest.mark.parametrize("status", [500, 502, 503])
def test_an_error_has_stripes_shape(server: StripeServer, live: dict[str, str], status: int) -> None:
    server.faults.add(Fault(kind=FaultKind.ERROR, status=status))

    with asking(server, live) as answer:
        assert answer.status == status
        assert json.loads(answer.read())["error"]["type"] == "api_error"


def test_a_page_of_html_comes_with_200(server: StripeServer, live: dict[str, str]) -> None:
    server.faults.add(Fault(kind=FaultKind.HTML, status=200))

    with asking(server, live) as answer:
        assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert answer.read().startswith(b"<!DOCTYPE html>")


def test_a_body_is_cut_before_its_promised_end(server: StripeServer, live: dict[str, str]) -> None:
    server.faults.add(Fault(kind=FaultKind.CUT_BODY))

    with asking(server, live) as answer, pytest.raises(IncompleteRead):
        answer.read()


def test_truncated_json_has_a_length_that_fits(server: StripeServer, live: dict[str, str]) -> None:
    server.faults.add(Fault(kind=FaultKind.TRUNCATED_JSON))

    with asking(server, live) as answer, pytest.raises(json.JSONDecodeError):
        json.loads(answer.read())


def test_a_connection_is_reset(server: StripeServer, live: dict[str, str]) -> None:
    server.faults.add(Fault(kind=FaultKind.RESET))

    with pytest.raises(ConnectionResetError) as lost, asking(server, live):
        pass
    assert not isinstance(lost.value, RemoteDisconnected)


def test_no_answer_comes_before_the_client_gives_up(server: StripeServer, live: dict[str, str]) -> None:
    server.faults.add(Fault(kind=FaultKind.TIMEOUT))
    host, _, port = server.url.removeprefix("http://").partition(":")

    with socket.create_connection((host, int(port)), timeout=0.1) as connection:
        connection.sendall(b"GET /v1/invoices HTTP/1.1\r\nHost: stripe\r\n\r\n")
        with pytest.raises(TimeoutError):
            connection.recv(1)


def test_a_silent_server_ends_the_connection_after_its_time(server: StripeServer, live: dict[str, str]) -> None:
    server.faults.add(Fault(kind=FaultKind.TIMEOUT, milliseconds=20))

    with pytest.raises(RemoteDisconnected), asking(server, live):
        pass


def test_a_slow_and_a_dripping_answer_are_whole(server: StripeServer, live: dict[str, str], five: list[str]) -> None:
    server.faults.add(Fault(kind=FaultKind.SLOW, milliseconds=5))
    server.faults.add(Fault(kind=FaultKind.DRIP, nth=2, milliseconds=1, size=500))

    assert ids(page(server, live)) == ids(page(server, live)) == five[:2]


def test_a_huge_body_is_still_json(server: StripeServer, live: dict[str, str], five: list[str]) -> None:
    server.faults.add(Fault(kind=FaultKind.HUGE_BODY, size=3_000_000))

    with asking(server, live) as answer:
        body = answer.read()

    assert len(body) > 3_000_000
    assert ids(json.loads(body)) == five[:2]


def test_a_fault_strikes_only_the_requests_it_is_meant_for() -> None:
    plan = FaultPlan()
    plan.add(Fault(kind=FaultKind.ERROR, path="/v1/invoices/*/lines", account="acct_1", nth=2, times=2))

    def struck(path: str, account: str) -> bool:
        return plan.strike(request_from_target("GET", path, {"Stripe-Account": account})) is not None

    assert not struck("/v1/invoices", "acct_1")
    assert not struck("/v1/invoices/in_1/lines", "acct_2")
    assert [struck("/v1/invoices/in_1/lines", "acct_1") for _ in range(4)] == [False, True, True, False]
    assert plan.struck == [(FaultKind.ERROR, "/v1/invoices/in_1/lines")] * 2


def test_a_plan_that_is_cleared_strikes_no_more(server: StripeServer, live: dict[str, str]) -> None:
    server.faults.add(Fault(kind=FaultKind.ERROR, times=None))
    server.faults.clear()

    with asking(server, live) as answer:
        assert answer.status == 200


def test_every_kind_of_fault_is_tried() -> None:
    tried = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*faults.py"))

    assert [kind.name for kind in FaultKind if f"FaultKind.{kind.name}" not in tried] == []

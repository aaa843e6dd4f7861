"""`python -m sandbox` as a person uses it."""

import re
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
import requests

from sandbox.__main__ import main
from sandbox.stripe.demo import DemoOptions, described, start_demo
from sandbox.stripe.http.server import Address
from tests.support.stripe_clock import HandClock

OPTIONS = DemoOptions(address=Address(port=0), invoices=20, until=1_760_000_000)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_how_to_use_it_answers_and_stops_when_told(http: requests.Session, number: signal.Signals) -> None:
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--invoices", "5", "--until", "1760000000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        text = ""
        while "Ctrl-C" not in text:
            text += process.stdout.readline()
        (url,) = re.findall(r"listens on (\S+)", text)
        (key,) = re.findall(r"(sk_live_\w+)  \(live\)", text)
        account = re.findall(r"acct_\w+", text)[0]

        answer = http.get(f"{url}/v1/invoices", auth=(key, ""), headers={"Stripe-Account": account})

        assert answer.json()["object"] == "list"
        process.send_signal(number)
        assert process.wait(40) == 0


def test_the_history_is_the_same_in_every_run_and_what_comes_later_is_not() -> None:
    def run(clock: HandClock) -> tuple[list[str], str]:
        server = start_demo(OPTIONS, clock)
        account = list(server.stripe.accounts.values())[1]
        made = [invoice.id for invoice in account.live.invoices]
        server.stop()
        return made, account.live.create_customer().id

    first, second = run(HandClock()), run(HandClock(1_770_000_000))

    assert first[0] == second[0]
    assert first[1] != second[1]


def test_only_what_happens_later_is_sent_to_the_webhook() -> None:
    options = replace(OPTIONS, webhook_url="http://127.0.0.1:9/hook")
    server = start_demo(options, HandClock())
    server.stop()
    account = list(server.stripe.accounts.values())[1]
    account.live.create_customer("New here")

    live, _ = server.stripe.endpoints
    assert [told.event.type for told in server.stripe.outbox[live.id]] == ["customer.created"]
    assert "http://127.0.0.1:9/hook" in described(server, options)


def test_a_port_that_is_taken_is_said_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    server = start_demo(OPTIONS, HandClock())
    port = server.url.rpartition(":")[2]

    code = main(["--port", port, "--invoices", "1"])

    server.stop()
    assert code == 1
    assert f"Cannot listen on 127.0.0.1:{port}" in capsys.readouterr().err


def test_a_version_that_never_was_is_refused_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--api-version", "yesterday"])

    assert "Invalid Stripe API version: yesterday" in capsys.readouterr().err


@pytest.mark.parametrize("given", [["--port", "70000"], ["--invoices", "-1"], ["--latency-ms", "1.5"]])
def test_a_number_out_of_bounds_is_refused_in_words(capsys: pytest.CaptureFixture[str], given: list[str]) -> None:
    with pytest.raises(SystemExit):
        main(given)

    assert f"'{given[1]}' is no whole number" in capsys.readouterr().err

"""Verdicts on a connection: a sentence for every possible state, and red only when the reader has to act."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import product
from types import SimpleNamespace
from typing import Any, get_args

import pytest
from flask import Flask

from app.pages.settings.verdicts import Verdict, verdict_on
from app.pages.syncs import words
from app.pages.syncs.words import duration, has_to_act
from backlog.sync_vocabulary import DIFFERENCES, ERRORS, PHASES, STATUSES
from backlog.syncs.health import ConnectionHealth, Health
from backlog.syncs.requests import SyncRun
from projections.reads.missing import Missing
from tests.support.clock import NOON

CONNECTIONS = ("pending_authorization", "connected", "reauthorization_required", "paused", "disconnected")
ENDINGS: list[tuple[str, str | None, str | None]] = [
    ("succeeded", None, None),
    ("canceled", None, None),
    ("partially_succeeded", None, "lines_differ"),
    ("partially_succeeded", None, "permission_missing"),
    *(("failed", code, None) for code in ERRORS),
]


def run_that(status: str, error_code: str | None = None, kind: str | None = None, **more: Any) -> SyncRun:
    """Return a stand-in for the row of a sync with this status, error code and kind of difference."""
    found = [{"kind": kind, "resource": "customers"}] if kind else []
    is_compared = error_code is None and status != "canceled"
    reconciliation = {"matched": 3, "repaired": 0, "differences": found} if is_compared else None
    columns = {"status": status, "error_code": error_code, "reconciliation": reconciliation, **more}
    return SimpleNamespace(**columns)  # type: ignore[return-value]  # rows are read by attribute


@pytest.fixture(autouse=True)
def request_is_under_way(app: Flask) -> Iterator[None]:
    with app.test_request_context("/"):
        yield


def state(status: Any, health: Any, *, is_new: bool = False) -> ConnectionHealth:
    livemode = True
    at = None if is_new else NOON - timedelta(hours=3)
    due = NOON + timedelta(hours=1) if status == "connected" else None
    return ConnectionHealth(status, health, "acct_1", "Sample Books", livemode, "connect", NOON, at, due, at)


def every_verdict() -> Iterator[tuple[str, str, SyncRun | None, Verdict]]:
    lasts = [None, *(run_that(*ending) for ending in ENDINGS)]
    for status, health, last, is_new in product(CONNECTIONS, get_args(Health), lasts, (True, False)):
        yield status, health, last, verdict_on(state(status, health, is_new=is_new), last)


def test_whatever_stands_is_said_in_whole_sentences_with_what_to_do() -> None:
    for *_, verdict in every_verdict():
        assert verdict.badge
        for sentence in (verdict.says, verdict.todo):
            assert sentence.endswith(".")
            assert "None" not in sentence
            assert "  " not in sentence


def test_red_is_shown_only_when_people_can_act_and_then_always() -> None:
    for status, health, last, verdict in every_verdict():
        acts_on_last = status == "connected" and health != "syncing" and last is not None and has_to_act(last)
        is_stuck = status == "connected" and health in ("failing", "action_required") and verdict.badge == "Failing"
        assert (verdict.tone == "bad") == (status == "reauthorization_required" or acts_on_last or is_stuck), verdict
        assert verdict.tone != "bad" or "No action needed" not in verdict.todo


def test_what_we_try_again_is_amber_and_says_when() -> None:
    verdict = verdict_on(state("connected", "delayed"), run_that("failed", "stripe_unavailable"))

    assert verdict.tone == "warn"
    assert "We'll try again in 1 hour" in verdict.says


def test_green_is_shown_only_for_what_was_proven() -> None:
    for _, health, last, verdict in every_verdict():
        if verdict.tone == "good":
            assert health == "healthy"
            assert last is None or last.status in ("succeeded", "canceled")


def test_while_something_is_missing_no_verdict_is_green_or_says_that_nothing_has_to_be_done() -> None:
    lasts = [None, *(run_that(*ending) for ending in ENDINGS)]
    for health, last, is_new in product(get_args(Health), lasts, (True, False)):
        connection = state("connected", health, is_new=is_new)
        for missing, told in (
            (Missing(unread=1), "1 update from Stripe couldn't be read, so the table is incomplete."),
            (Missing(unread=100, incomplete=3), "At least 100 updates from Stripe couldn't be read"),
            (Missing(incomplete=2), "2 invoices still lack some lines. We're fetching them."),
        ):
            verdict = verdict_on(connection, last, missing)

            if missing.unread or health != "syncing":
                assert told in verdict.says
                assert verdict.tone != "good"
                assert "No action needed" not in verdict.todo
    assert verdict_on(state("disconnected", "healthy"), None, Missing(1, 1)).badge == "Disconnected"


def test_every_error_phase_and_status_has_its_words() -> None:
    assert all(error.title and error.what_you_can_do and error.what_we_do for error in ERRORS.values())
    assert all({**PHASES, **DIFFERENCES}.values())
    assert all(words.status_badge(run_that(status))[1] for status in STATUSES)


def test_lengths_of_time_are_written_short() -> None:
    spans = [duration(timedelta(seconds=seconds)) for seconds in (-1, 0.4, 59, 60, 3599, 3600, 93_784)]

    assert spans == ["0 s", "0 s", "59 s", "1 min 0 s", "59 min 59 s", "1 h 0 min", "26 h 3 min"]


@pytest.mark.parametrize(
    ("trigger", "actor", "why"),
    [
        ("manual", "user:7", "Initiated by ada@example.org"),
        ("manual", "user:8", "Initiated by somebody"),
        ("manual", "api_key:3", "Initiated by an API key"),
        ("manual", "operator", "Initiated by the operator"),
        ("initial", "user:7", "First sync"),
        ("scheduled", "clock", "Daily"),
        ("reauthorization", "user:7", "After reconnecting"),
    ],
)
def test_it_is_said_why_there_is_a_sync(trigger: str, actor: str, why: str) -> None:
    run = run_that("succeeded", trigger=trigger, requested_by=actor)

    assert words.started_by(run, {7: "ada@example.org"}, interval_seconds=86_400) == why

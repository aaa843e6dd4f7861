"""Bugs made on purpose in this process, each of which the simulation has to find."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from sqlalchemy import Engine

import app.webhooks.door
import projections.engine.catch_up
import projections.engine.folding
import projections.mapping.decisions.book
import projections.recognition.schedule
import projections.recognition.steps
import projections.revenue.credits
import projections.revenue.fold
import projections.revenue.invoice_after
import workers.syncs.answers
from events.intake.receive import Received
from events.log.append import NewEvent
from projections.engine.folding import Claim
from projections.mapping.decisions.payloads import RulesPublished
from projections.revenue.register import Register, settle
from tests.prove.simulation.world import DirectAppender


class EagerAppender(DirectAppender):
    """Acknowledges events before they are committed, in threes."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._waiting: list[NewEvent] = []

    def append(self, event: NewEvent) -> Received:
        self._waiting.append(event)
        if len(self._waiting) == 3:
            while self._waiting:
                super().append(self._waiting.pop(0))
        return Received(None, None, is_new=True)

    def crash(self) -> None:
        self._waiting.clear()


def checkpoint_before_rows(plant: pytest.MonkeyPatch) -> None:
    effect = vars(projections.engine.catch_up)["fold"]

    def fold(driver: Any, claims: Sequence[Claim], facts: Mapping[int, Any], **options: Any) -> Any:
        projections.engine.folding.checkpoint(driver, {one: facts[one.company_id][-1].position for one in claims})
        driver.commit()
        return effect(driver, claims, facts, **options)

    plant.setattr(projections.engine.catch_up, "fold", fold)


def repetition_is_new(plant: pytest.MonkeyPatch) -> None:
    numbers, read = count(), vars(app.webhooks.door)["event_from_stripe"]

    def event_from_stripe(*given: Any, **options: Any) -> NewEvent:
        event: NewEvent = read(*given, **options)
        return replace(event, external_id=f"{next(numbers)}/{event.external_id}")

    plant.setattr(app.webhooks.door, "event_from_stripe", event_from_stripe)


def ten_lines_are_enough(plant: pytest.MonkeyPatch) -> None:
    ask = vars(workers.syncs.answers)["request_fetches"]

    def request_fetches(connection: Any, company_id: int, kind: str, ids: list[str], **options: Any) -> Any:
        return ask(connection, company_id, kind, [] if kind == "invoice_lines" else ids, **options)

    plant.setattr(workers.syncs.answers, "request_fetches", request_fetches)
    plant.setattr(projections.revenue.fold, "has_gap", lambda _invoice: False)
    plant.setattr("backlog.fetch_requests.request_gaps", lambda *_, **__: 0)
    plant.setattr("workers.jobs.request_gaps", lambda *_, **__: 0)
    plant.setattr("workers.syncs.turns.request_gaps", lambda *_, **__: 0)


def _settle_as(plant: pytest.MonkeyPatch, rule: Callable[[Any, Any, Any], Any]) -> None:
    plant.setattr(projections.revenue.fold, "settle", rule)
    plant.setattr(projections.revenue.invoice_after, "settle", rule)
    plant.setattr("projections.revenue.tested.details.settle", rule)


def first_of_a_second_wins(plant: pytest.MonkeyPatch) -> None:
    _settle_as(plant, lambda held, value, at: held if held and held.stamp[-2:] == at[-2:] else settle(held, value, at))


def last_to_arrive_wins(plant: pytest.MonkeyPatch) -> None:
    _settle_as(plant, lambda held, value, at: Register(value, max(at, held.stamp) if held else at))


def rounded_down(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(
        projections.recognition.schedule, "half_even", lambda numerator, denominator: numerator // denominator
    )


def credited_twice(plant: pytest.MonkeyPatch) -> None:
    asked = projections.revenue.credits._asked
    plant.setattr(projections.revenue.credits, "_asked", lambda notes: [*asked(notes), *asked(notes)])


def void_is_recognized(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(projections.recognition.steps, "_statuses", lambda _transitions: ())


def first_rules_stay(plant: pytest.MonkeyPatch) -> None:
    after = projections.mapping.decisions.book.book_after

    def book_after(book: Any, fact: Any, said_at: int) -> Any:
        return book if isinstance(fact, RulesPublished) and fact.version > 1 else after(book, fact, said_at)

    for module in _modules_with("book_after", after):
        plant.setattr(module, "book_after", book_after)


def renamed_for_later_lines_only(plant: pytest.MonkeyPatch) -> None:
    apply = projections.revenue.fold.RevenueState._apply_name

    def apply_name(self: Any, sighting: Any, seen: Any) -> None:
        if (sighting.livemode, seen.customer_id) not in self.names:
            apply(self, sighting, seen)

    plant.setattr(projections.revenue.fold.RevenueState, "_apply_name", apply_name)


def _modules_with(name: str, function: object) -> Iterator[Any]:
    yield from (one for one in list(sys.modules.values()) if getattr(one, "__dict__", {}).get(name) is function)


def nothing(_plant: pytest.MonkeyPatch) -> None:
    """Plant nothing: the bug is in the appender."""


BUGS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "the checkpoint is committed before the rows": checkpoint_before_rows,
    "a repeated webhook is appended again": repetition_is_new,
    "lines past the tenth are dropped": ten_lines_are_enough,
    "whatever arrives last wins": last_to_arrive_wins,
    "shares of a month are rounded down": rounded_down,
    "a credit note counts twice": credited_twice,
    "revenue of void invoices stays recognized": void_is_recognized,
    "rules that are published later count for nothing": first_rules_stay,
    "a renamed customer keeps the old name on old lines": renamed_for_later_lines_only,
    "a webhook is acknowledged before its commit": nothing,
}

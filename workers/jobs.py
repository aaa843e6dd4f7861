"""What the queues call. A job takes no arguments: it finds its work in the database, and is safe twice."""

import time

from projections.catch_up import advance, enrol_newcomers
from projections.rebuild import build_on
from workers.fetches import claim_due, note_failure, request_gaps, store_answer
from workers.gateway import StripeAnswerError
from workers.queues import FETCH, PROJECTION, answer, ring
from workers.wiring import Tools, tools

# A job that runs longer rings for its successor and ends, so that a stop never waits for it.
_LONGEST_SECONDS = 5.0


def catch_up_projections() -> int:
    """Fold what is new for everybody who is behind; give the number of events folded."""
    return catch_up_with(tools())


def fetch_what_is_due() -> int:
    """Fetch from Stripe what the table lacks, as facts for the log; give how many requests were answered."""
    return fetch_with(tools())


def catch_up_with(hand: Tools) -> int:
    """Fold until nobody is behind or the time is up, then ask for what the tables lack. Commits batch by batch."""
    answer(hand.redis, PROJECTION)
    enrol_newcomers(hand.engine)
    deadline = time.monotonic() + _LONGEST_SECONDS
    folded = 0
    companies: set[int] = set()
    while advanced := advance(hand.engine) or build_on(hand.engine, is_automatic=True):
        folded += advanced.event_count
        companies.update(advanced.company_ids)
        if time.monotonic() > deadline:
            ring(hand.redis, PROJECTION)
            break
    _ask_for_what_is_lacking(hand, sorted(companies))
    return folded


def fetch_with(hand: Tools) -> int:
    """Fetch until nothing is due or the time is up. Commits one by one."""
    answer(hand.redis, FETCH)
    deadline = time.monotonic() + _LONGEST_SECONDS
    fetched = 0
    while request := claim_due(hand.engine):
        try:
            facts = hand.stripe.fetch(request)
        except StripeAnswerError as error:
            note_failure(hand.engine, request, str(error))
        else:
            store_answer(hand.engine, request, facts)
            fetched += 1
        if time.monotonic() > deadline:
            ring(hand.redis, FETCH)
            break
    if fetched:
        ring(hand.redis, PROJECTION)
    return fetched


def _ask_for_what_is_lacking(hand: Tools, company_ids: list[int]) -> None:
    if company_ids and request_gaps(hand.engine, company_ids=company_ids):
        ring(hand.redis, FETCH)

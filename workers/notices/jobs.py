"""The job that sends what is due. It takes no arguments, finds its work in the database, and is safe to repeat."""

import time

from backlog.jobs import NOTICE
from backlog.queues import acknowledge, wake_if_possible
from workers.notices.desk import Desk, current_desk

# A job that runs longer wakes its successor and ends, so that a shutdown never waits for it.
_LONGEST_SECONDS = 5.0
_LOOK_AGAIN_SECONDS = 0.25
_PAUSE_SECONDS = 0.01


def send_what_is_due() -> int:
    """Send the webhooks and e-mails that are due; return how many webhooks were begun."""
    return send_with(current_desk())


def send_with(desk: Desk) -> int:
    """Send until nothing is due or under way, or the time is up; return how many webhooks were begun. Commits.

    What is still under way then goes on in its thread.
    """
    acknowledge(desk.redis, NOTICE)
    desk.send_mail()
    deadline = time.monotonic() + _LONGEST_SECONDS
    begun = 0
    while not desk.stopping.is_set():
        # Asked first: what ends from here on may leave its endpoint free for the next delivery.
        was_busy = desk.sender.is_busy()
        some = desk.sender.send_some()
        begun += some
        if time.monotonic() > deadline:
            wake_if_possible(desk.redis, NOTICE)
            break
        if not some and not was_busy:
            break
        if not some:
            desk.sender.wait(_LOOK_AGAIN_SECONDS)
            # More may end in this moment, and a look costs as much for many as for one.
            desk.stopping.wait(_PAUSE_SECONDS)
    return begun

"""The job that sends what is due. It takes no arguments, finds its work in the database, and is safe to repeat."""

import time

from backlog.queues import NOTICE, acknowledge, wake_if_possible
from workers.notices.mailing import Postman
from workers.wiring.tools import Tools, current_tools

# A job that runs longer wakes its successor and ends, so that a shutdown never waits for it.
_LONGEST_SECONDS = 5.0


def send_what_is_due() -> int:
    """Send the e-mails that are due; return how many the server accepted."""
    return send_with(current_tools())


def send_with(tools: Tools) -> int:
    """Send until nothing is due or the time is up; return how many e-mails were accepted. Commits one by one."""
    acknowledge(tools.redis, NOTICE)
    if tools.mail_server is None:
        return 0
    postman = Postman(tools.engine, tools.box, tools.clock, tools.mail_server)
    deadline = time.monotonic() + _LONGEST_SECONDS
    sent = 0
    while not tools.stopping.is_set() and (accepted := postman.send_due()):
        sent += accepted
        if time.monotonic() > deadline:
            wake_if_possible(tools.redis, NOTICE)
            break
    return sent

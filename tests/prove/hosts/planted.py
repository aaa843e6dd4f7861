"""Run a program with a bug made on purpose: `python -m tests.prove.hosts.planted BUG MODULE [ARGUMENTS]`."""

import runpy
import sys
from collections.abc import Callable

ACKNOWLEDGES_EARLY, CLOCK_WAKES_NOBODY = "acknowledges-early", "clock-wakes-nobody"


def _acknowledge_before_commit() -> None:
    from events.intake.group_append import GroupAppender, Waiting  # noqa: PLC0415 - gunicorn patches first
    from events.intake.receive import Received  # noqa: PLC0415

    def append(self: GroupAppender, event: object) -> Received:
        self.enqueue([Waiting(event)])  # type: ignore[arg-type]
        return Received(None, None, is_new=True)

    GroupAppender.append = append  # type: ignore[method-assign]  # a mistake on purpose


def _leave_work_to_wake_up_calls() -> None:
    import workers.clock_process  # noqa: PLC0415

    vars(workers.clock_process)["wake"] = lambda *_: False


BUGS: dict[str, Callable[[], None]] = {
    ACKNOWLEDGES_EARLY: _acknowledge_before_commit,
    CLOCK_WAKES_NOBODY: _leave_work_to_wake_up_calls,
}

if __name__ == "__main__":
    bug, module, *arguments = sys.argv[1:]
    BUGS[bug]()
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)

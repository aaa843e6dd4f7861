"""Crash the process that is simulated: abandon what it does at a statement, as if it had been killed there."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

_CALLS = ((psycopg.Connection, "commit"), (psycopg.Cursor, "execute"), (psycopg.Cursor, "copy"))


class CrashError(BaseException):
    """The simulated process is gone. No code of the product catches it."""


class Crashes:
    """Counts the statements of this process, and raises before or after the chosen one."""

    def __init__(self) -> None:
        self._remaining = 0
        self._is_before = True
        self.count = 0

    @contextmanager
    def installed(self) -> Iterator["Crashes"]:
        """Watch all statements of this process meanwhile."""
        originals = [(owner, name, getattr(owner, name)) for owner, name in _CALLS]
        for owner, name, call in originals:
            setattr(owner, name, self._watched(call))
        try:
            yield self
        finally:
            for owner, name, call in originals:
                setattr(owner, name, call)

    @contextmanager
    def at(self, statement: int, *, is_before: bool) -> Iterator[None]:
        """Crash at this statement (from 1) of what is done meanwhile, if it comes that far; go on afterwards."""
        self._remaining, self._is_before = statement, is_before
        try:
            yield
        except CrashError:
            self.count += 1
        finally:
            self._remaining = 0

    def _watched(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **options: Any) -> Any:
            if not self._remaining:
                return call(*args, **options)
            self._remaining -= 1
            if self._remaining == 0 and self._is_before:
                raise CrashError
            answer = call(*args, **options)
            if self._remaining == 0 and not self._is_before:
                raise CrashError
            return answer

        return called

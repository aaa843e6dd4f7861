"""Lock the simulated Stripe, because server threads read it while others change it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

# A reentrant lock, because one change may consist of others.
Lock = AbstractContextManager[Any]

P = ParamSpec("P")
T = TypeVar("T")


class Lockable(Protocol):
    """Any object that shares the platform's lock."""

    @property
    def lock(self) -> Lock:
        """Return the platform's lock."""
        ...


S = TypeVar("S", bound=Lockable)


def alone(method: Callable[Concatenate[S, P], T]) -> Callable[Concatenate[S, P], T]:
    """Decorate a method to run with the lock held, while nobody else reads or changes anything."""

    @wraps(method)
    def locked(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        with self.lock:
            return method(self, *args, **kwargs)

    return locked

"""One change at a time: a simulated Stripe is read by a server's threads while others move it on."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

# A reentrant lock: a move may be made of moves.
Lock = AbstractContextManager[Any]

P = ParamSpec("P")
T = TypeVar("T")


class Lockable(Protocol):
    """Anything that shares the platform's lock."""

    @property
    def lock(self) -> Lock:
        """The platform's lock."""
        ...


S = TypeVar("S", bound=Lockable)


def alone(method: Callable[Concatenate[S, P], T]) -> Callable[Concatenate[S, P], T]:
    """Have a method run while nobody else reads or changes anything."""

    @wraps(method)
    def locked(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        with self.lock:
            return method(self, *args, **kwargs)

    return locked

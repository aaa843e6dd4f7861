"""What is wrong with a document, and where: RFC 6901 pointers and sentences for people. Pure."""

import json
from typing import NamedTuple

_MOST = 100
_SHOWN = 60


class Problem(NamedTuple):
    """What is wrong at a place of a document, and what to do about it."""

    pointer: str
    detail: str


class InvalidRulesError(ValueError):
    """A document of rules that cannot be used, with all that is wrong in it, up to a limit."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(f"{problems[0].pointer}: {problems[0].detail}")
        self.problems = tuple(problems)


class Place:
    """A place in a document, at which problems are noted."""

    def __init__(self, noted: list[Problem], pointer: str = "") -> None:
        self._noted = noted
        self._pointer = pointer

    @property
    def key(self) -> str:
        """Return the last key on the way here."""
        return self._pointer.rpartition("/")[2].replace("~1", "/").replace("~0", "~")

    @property
    def count(self) -> int:
        """Return how many problems were noted so far, anywhere."""
        return len(self._noted)

    @property
    def is_full(self) -> bool:
        """Return whether so much is wrong that nothing more is noted."""
        return len(self._noted) >= _MOST

    def __truediv__(self, key: str | int) -> "Place":
        escaped = str(key).replace("~", "~0").replace("/", "~1")
        return Place(self._noted, f"{self._pointer}/{escaped}")

    def note(self, detail: str) -> None:
        """Note what is wrong here."""
        if not self.is_full:
            self._noted.append(Problem(self._pointer, detail))


def quoted(value: object) -> str:
    """Return a JSON value in quotation marks, cut short."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"“{text[:_SHOWN]}…”" if len(text) > _SHOWN else f"“{text}”"

"""Read settings from the environment, all or nothing: report every problem at once, and never a value."""

import os
import re
import sys
from collections.abc import Mapping, Sequence

EXIT_MISCONFIGURED = 2
DATABASE_SCHEMES = ("postgresql", "postgres", "postgresql+psycopg")
REDIS_SCHEMES = ("redis", "rediss", "unix")
DAY_SECONDS = 86_400
LONGEST_PERIOD_SECONDS = 366 * DAY_SECONDS

_PORT = re.compile(r"\A(?:\[[^\]]*\]|[^/?\[\]:]*):([^/?]*)")


class Environment:
    """Settings by name, and the problems found so far. Call `refuse_if_incomplete` before using the values."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self._problems: list[str] = []

    @classmethod
    def of_process(cls) -> "Environment":
        """Return the environment that this process was started with."""
        return cls(os.environ)

    def required(self, name: str) -> str:
        """Return a required variable; note a problem if it is missing or blank."""
        value = self._variables.get(name, "").strip()
        if not value:
            self._problems.append(f"{name} is missing or blank")
        return value

    def required_list(self, name: str) -> tuple[str, ...]:
        """Return the comma-separated items of a required variable; note a missing variable or a blank item."""
        value = self.required(name)
        items = tuple(item.strip() for item in value.split(","))
        if value and not all(items):
            self._problems.append(f"{name} has a blank item")
        return items

    def optional(self, name: str, default: str | None = None) -> str | None:
        """Return an optional variable, or its default if it is missing or blank."""
        return self._variables.get(name, "").strip() or default

    def required_url(self, name: str, schemes: Sequence[str]) -> str:
        """Return a required URL; note a missing one, or one with another scheme."""
        value = self.required(name)
        return self._address(name, value, schemes) if value else value

    def optional_url(self, name: str, default: str, schemes: Sequence[str] = ("https", "http")) -> str:
        """Return an optional URL, or its default; note one with another scheme."""
        return self._address(name, self.optional(name) or default, schemes)

    def whole_number(self, name: str, default: int, *, least: int = 0, most: int = 2**31 - 1) -> int:
        """Return an optional whole number, or its default; note any other value."""
        value = self.optional(name) or str(default)
        is_number = value.isascii() and value.isdecimal() and len(value) <= len(str(most))
        if is_number and least <= int(value) <= most:
            return int(value)
        self._problems.append(f"{name} is not a whole number from {least} to {most}")
        return default

    def note(self, problem: str) -> None:
        """Add a problem that the caller found; it must not contain a value."""
        self._problems.append(problem)

    def _address(self, name: str, value: str, schemes: Sequence[str]) -> str:
        scheme, _, place = value.partition("://")
        port = _PORT.search(place.rpartition("@")[2])
        is_port = port is None or (port[1].isascii() and port[1].isdecimal())
        if scheme.lower() not in schemes or not place or not is_port:
            self._problems.append(f"{name} is not an address that begins with {schemes[0]}://")
        return value

    def refuse_if_incomplete(self) -> None:
        """Exit and report every problem on stderr, if there are any.

        :raises SystemExit: code 2, if a required variable is missing or any is unusable
        """
        if self._problems:
            for problem in self._problems:
                sys.stderr.write(f"revmap cannot start: {problem}\n")
            sys.exit(EXIT_MISCONFIGURED)

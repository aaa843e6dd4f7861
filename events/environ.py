"""Read settings from the environment, all or nothing: every problem is told at once, and no value ever is."""

import os
import sys
from collections.abc import Mapping

EXIT_MISCONFIGURED = 2


class Environment:
    """Named settings, with the problems found so far. Call `refuse_if_incomplete` before using what was read."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self._problems: list[str] = []

    @classmethod
    def of_process(cls) -> "Environment":
        """Give the variables this process was started with."""
        return cls(os.environ)

    def required(self, name: str) -> str:
        """Give a variable that must be there and not blank; its absence is noted."""
        value = self._variables.get(name, "").strip()
        if not value:
            self._problems.append(f"{name} is missing or blank")
        return value

    def required_list(self, name: str) -> tuple[str, ...]:
        """Give the comma-separated items of a variable; an absent variable or a blank item is noted."""
        value = self.required(name)
        items = tuple(item.strip() for item in value.split(","))
        if value and not all(items):
            self._problems.append(f"{name} has a blank item")
        return items

    def optional(self, name: str, default: str | None = None) -> str | None:
        """Give a variable that may be absent."""
        return self._variables.get(name, "").strip() or default

    def whole_number(self, name: str, default: int) -> int:
        """Give a whole number that may be absent; anything else in its place is noted."""
        value = self.optional(name) or str(default)
        if value.isascii() and value.isdecimal():
            return int(value)
        self._problems.append(f"{name} is not a whole number")
        return default

    def note(self, problem: str) -> None:
        """Add a problem of the caller's own finding; it must not tell a value."""
        self._problems.append(problem)

    def refuse_if_incomplete(self) -> None:
        """Stop the process with the names of what is wrong.

        :raises SystemExit: code 2, when a required variable is missing or one cannot be used
        """
        if self._problems:
            for problem in self._problems:
                sys.stderr.write(f"revmap cannot start: {problem}\n")
            sys.exit(EXIT_MISCONFIGURED)

"""Hash and verify passwords with Argon2id, at the same cost whether or not the user has one.

https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html: 19 MiB, two passes, one lane.
"""

import unicodedata
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from tenants.people.guessable import is_guessable

SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 256

_OWASP_MEMORY_KIB = 19_456
_OWASP_PASSES = 2


class UnusablePasswordError(ValueError):
    """The password is too short, too long or too easily guessed. The message contains nothing of the password."""


class GuessablePasswordError(UnusablePasswordError):
    """The password is among those that are tried first."""


class Passwords:
    """Hashes and verifies passwords. Tests pass in a cheaper hasher."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher(time_cost=_OWASP_PASSES, memory_cost=_OWASP_MEMORY_KIB, parallelism=1)

    def hashed(self, password: str) -> str:
        """Return the hash to store for a new password.

        :raises UnusablePasswordError: it has fewer than 12 or more than 256 characters
        :raises GuessablePasswordError: it is easily guessed
        """
        if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
            raise UnusablePasswordError(f"the password must have {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters")
        if is_guessable(_one_spelling(password)):
            raise GuessablePasswordError("the password is easily guessed: take a sentence, or let a program make one")
        return self.rehashed(password)

    def rehashed(self, password: str) -> str:
        """Return the hash to store for the password that somebody has, whatever it is."""
        return self._hasher.hash(_one_spelling(password))

    def matches(self, kept: str | None, password: str) -> bool:
        """Return whether a password matches the stored hash; without a hash, return False after the same work."""
        try:
            self._hasher.verify(kept or self._dummy_hash, _one_spelling(password[: LONGEST_PASSWORD + 1]))
        except VerifyMismatchError:
            return False
        return kept is not None

    def is_outdated(self, kept: str) -> bool:
        """Return whether a hash was made at a different cost than today's."""
        return self._hasher.check_needs_rehash(kept)

    @cached_property
    def _dummy_hash(self) -> str:
        return self._hasher.hash("nobody has this password")


def _one_spelling(password: str) -> str:
    # Keyboards differ in how they compose letters with marks: NIST SP 800-63B §5.1.1.2 asks for NFKC.
    return unicodedata.normalize("NFKC", password)

"""Recognize passwords that are tried first: few characters over and over, rows of keys, and common words dressed up.

Lists of leaked passwords, cut to those that are long enough to be allowed here, consist of these almost entirely.
"""

import re
from functools import cache
from itertools import pairwise
from pathlib import Path

_WORDS = Path(__file__).with_name("common_words.txt")
_FEWEST_DIFFERENT = 5
# How people write letters with digits and signs.
_LETTERS = str.maketrans("013457$@!", "oleastsai")
_NOT_LETTERS = re.compile(r"[^a-z]+")
_AROUND = re.compile(r"\A[\W\d_]+|[\W\d_]+\Z")
_ROWS = (
    "1234567890",
    "abcdefghijklmnopqrstuvwxyz",
    *("qwertyuiop", "asdfghjkl", "zxcvbnm"),
    *("qwertzuiop", "yxcvbnm", "azertyuiop", "qsdfghjklm", "wxcvbn"),
    "qazwsxedcrfvtgbyhnujmikolp",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "1q2w3e4r5t6y7u8i9o0p",
    "q1w2e3r4t5y6u7i8o9p0",
)


def is_guessable(password: str) -> bool:
    """Return whether a password is among those that are tried first, whatever its length."""
    plain = password.casefold()
    return (
        len(set(plain)) < _FEWEST_DIFFERENT
        or _is_a_row(plain)
        or _is_repeated(plain)
        or _is_of_common_words(_AROUND.sub("", plain))
    )


def _is_a_row(plain: str) -> bool:
    """Return whether most characters follow their neighbour on a keyboard or in the alphabet, in either direction."""
    steps = sum(one + other in _neighbours() for one, other in pairwise(plain))
    return steps >= 0.8 * (len(plain) - 1)


def _is_repeated(plain: str) -> bool:
    """Return whether the password is a shorter piece several times over: abc123abc123."""
    place = (plain + plain).find(plain, 1)
    return place <= len(plain) // 2


def _is_of_common_words(core: str) -> bool:
    return any(
        bool(letters) and _of_words().fullmatch(letters) is not None
        for letters in (_NOT_LETTERS.sub("", core.translate(_LETTERS)), _NOT_LETTERS.sub("", core))
    )


@cache
def _neighbours() -> frozenset[str]:
    pairs = {one + other for row in _ROWS for one, other in pairwise(row)}
    return frozenset(pairs | {pair[::-1] for pair in pairs} | {"90", "09"})


@cache
def _of_words() -> re.Pattern[str]:
    """Return a pattern of one or two common words, with small words between them."""
    words = "|".join(sorted(_WORDS.read_text().split(), key=len, reverse=True))
    return re.compile(
        rf"(?:thisis|itis)?(?:my|the|i|is)?(?:{words})(?:my|the|is|for|and|of)?(?:{words})?(?:is|my|you|me|u)?"
    )

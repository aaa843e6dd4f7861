"""Passwords that are tried first are refused, whatever their length; sentences and random text are not."""

import secrets

import pytest

from tenants.people.guessable import is_guessable
from tenants.people.passwords import GuessablePasswordError
from tests.support.company import PASSWORDS

TRIED_FIRST = [
    "aaaaaaaaaaaa",
    "abababababab",
    "123456789012",
    "987654321098",
    "111111111111",
    "1111222233334444",
    "qwertyuiop12",
    "qwertyuiop[]",
    "qwerty123456",
    "1q2w3e4r5t6y",
    "1qaz2wsx3edc",
    "qazwsxedcrfv",
    "zxcvbnm12345",
    "asdfghjkl123",
    "abcdefghijkl",
    "abc123abc123",
    "Password1234",
    "P@ssw0rd1234!",
    "Password!Password!",
    "passw0rdpassw0rd",
    "iloveyou1234",
    "Welcome2024!!",
    "Summer2026!!!",
    "administrator",
    "changeme1234",
    "letmein12345",
    "thisismypassword",
    "correcthorsebatterystaple",
    "revmaprevmap",
    "stripe123456",
    "December2025!",
]
OF_ONES_OWN = (
    "correct horse battery",
    "brown foxes jump over",
    "three wet dogs ran",
    "Zed invoices 2 margins",
    "новый пароль дня",
)


@pytest.mark.parametrize("password", TRIED_FIRST)
def test_password_that_is_tried_first_is_refused(password: str) -> None:
    with pytest.raises(GuessablePasswordError, match="easily guessed") as refused:
        PASSWORDS.hashed(password)

    assert password not in str(refused.value)


def test_password_of_ones_own_is_taken() -> None:
    assert [one for one in OF_ONES_OWN if is_guessable(one)] == []
    assert [one for one in (secrets.token_urlsafe(9) for _ in range(1000)) if is_guessable(one)] == []


def test_password_from_before_still_signs_in_and_is_hashed_anew() -> None:
    assert PASSWORDS.matches(PASSWORDS.rehashed("aaaaaaaaaaaa"), "aaaaaaaaaaaa")

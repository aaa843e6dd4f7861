"""Codes of authenticator apps are those of RFC 6238, and count for a step before and after their own."""

from datetime import UTC, datetime, timedelta

import pytest

from tenants.people.totp import WrongCodeError, address_for_app, code_at, in_base32, step_at, step_of

# RFC 6238, appendix B: the secret, and the codes of SHA-1. Theirs have eight digits, of which ours are the last six.
SECRET = b"12345678901234567890"
VECTORS = (
    (59, "94287082"),
    (1111111109, "07081804"),
    (1111111111, "14050471"),
    (1234567890, "89005924"),
    (2000000000, "69279037"),
    (20000000000, "65353130"),
)


def test_codes_are_those_of_the_rfc() -> None:
    moments = [datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds) for seconds, _ in VECTORS]

    assert [code_at(SECRET, step_at(moment)) for moment in moments] == [code[-6:] for _, code in VECTORS]


def test_a_code_counts_a_step_early_or_late_and_never_after_a_later_one() -> None:
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    step = step_at(now)
    found: dict[int, int | None] = {}
    for off in range(-3, 4):
        try:
            found[off] = step_of(SECRET, code_at(SECRET, step + off), now=now) - step
        except WrongCodeError:
            found[off] = None

    assert found == {-3: None, -2: None, -1: -1, 0: 0, 1: 1, 2: None, 3: None}
    for other in ("", "000000", code_at(SECRET, step)[:5], "١٢٣٤٥٦", "\udc80"):
        with pytest.raises(WrongCodeError):
            step_of(SECRET, other, now=now)
    with pytest.raises(WrongCodeError):
        step_of(SECRET, code_at(SECRET, step), now=now, after=step)


def test_an_app_is_told_the_secret_the_account_and_who_issued_it() -> None:
    assert in_base32(SECRET) == "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert address_for_app(SECRET, "ada+x@example.org") == (
        "otpauth://totp/revmap:ada%2Bx%40example.org?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=revmap"
    )

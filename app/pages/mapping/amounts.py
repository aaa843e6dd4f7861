"""Amounts as people enter them: in their locale, in major units with the currency's decimals."""

from decimal import Decimal, InvalidOperation

from babel.numbers import NumberFormatError, format_decimal, parse_decimal

from app.pages.wording import reader_locale
from events.stripe.money import UnknownCurrencyError, exponent_of

_LONGEST = 30


class UnclearAmountError(ValueError):
    """The text is not an amount of the currency. The message says why and is shown to people."""


def minor_units(written: str, currency: str) -> int:
    """Parse an amount of a currency into whole minor units.

    :raises UnclearAmountError: not a number in the reader's locale, an unknown currency, or too many decimals
    """
    try:
        exponent = exponent_of(currency)
    except UnknownCurrencyError as error:
        raise UnclearAmountError(f"We don't support the currency {currency.upper()}.") from error
    units = number(written).scaleb(exponent)
    if units != units.to_integral_value():
        raise UnclearAmountError(f"Use at most {exponent} decimal places for {currency.upper()}.")
    return int(units)


def number(written: str) -> Decimal:
    """Parse an amount, of whatever currency.

    :raises UnclearAmountError: not a number in the reader's locale
    """
    try:
        parsed = parse_decimal(written[:_LONGEST], reader_locale(), strict=True)
    except (NumberFormatError, InvalidOperation) as error:
        raise UnclearAmountError(f"Enter an amount like {_example()}.") from error
    # parse_decimal() also accepts words and exponents: NaN, 1e5.
    if not parsed.is_finite() or len(written) > _LONGEST or any(map(str.isalpha, written)):
        raise UnclearAmountError(f"Enter an amount like {_example()}.")
    return parsed


def major_units(units: int, currency: str) -> str:
    """Return minor units as the text that `minor_units` would parse back."""
    places = exponent_of(currency)
    pattern = "0." + "0" * places if places else "0"
    return format_decimal(Decimal(units).scaleb(-places), pattern, locale=reader_locale())


def _example() -> str:
    return format_decimal(Decimal("1234.5"), "0.00", locale=reader_locale())

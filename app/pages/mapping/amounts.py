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
        number = parse_decimal(written[:_LONGEST], reader_locale(), strict=True)
        units = number.scaleb(exponent_of(currency))
    except (NumberFormatError, InvalidOperation) as error:
        raise UnclearAmountError(f"Enter an amount like {_example()}.") from error
    except UnknownCurrencyError as error:
        raise UnclearAmountError(f"We don't support the currency {currency.upper()}.") from error
    # parse_decimal() also accepts words and exponents: NaN, 1e5.
    if not units.is_finite() or len(written) > _LONGEST or any(map(str.isalpha, written)):
        raise UnclearAmountError(f"Enter an amount like {_example()}.")
    if units != units.to_integral_value():
        raise UnclearAmountError(f"Use at most {exponent_of(currency)} decimal places for {currency.upper()}.")
    return int(units)


def major_units(units: int, currency: str) -> str:
    """Return minor units as the text that `minor_units` would parse back."""
    places = exponent_of(currency)
    pattern = "0." + "0" * places if places else "0"
    return format_decimal(Decimal(units).scaleb(-places), pattern, locale=reader_locale())


def _example() -> str:
    return format_decimal(Decimal("1234.5"), "0.00", locale=reader_locale())

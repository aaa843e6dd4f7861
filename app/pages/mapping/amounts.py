"""Bounds on amounts as people write them: in their locale, in whole units of a currency and its decimals."""

from decimal import Decimal, InvalidOperation

from babel.numbers import NumberFormatError, format_decimal, parse_decimal

from app.pages.wording import reader_locale
from events.stripe.money import UnknownCurrencyError, exponent_of

_LONGEST = 30


class UnclearAmountError(ValueError):
    """What was written is no amount of the currency; its text says why, to people."""


def minor_units(written: str, currency: str) -> int:
    """Read an amount of a currency, as whole minor units of it.

    :raises UnclearAmountError: not a number of the reader's locale, or with more decimals than the currency has
    """
    try:
        number = parse_decimal(written[:_LONGEST], reader_locale(), strict=True)
        units = number.scaleb(exponent_of(currency))
    except (NumberFormatError, InvalidOperation) as error:
        raise UnclearAmountError(f"Not an amount. Write it like {_example()}.") from error
    except UnknownCurrencyError as error:
        raise UnclearAmountError(f"Nothing is known of the currency {currency.upper()}.") from error
    # Also numbers in words and with exponents are read as decimals: NaN, 1e5.
    if not units.is_finite() or len(written) > _LONGEST or any(map(str.isalpha, written)):
        raise UnclearAmountError(f"Not an amount. Write it like {_example()}.")
    if units != units.to_integral_value():
        raise UnclearAmountError(f"{currency.upper()} has {exponent_of(currency)} decimals.")
    return int(units)


def major_units(units: int, currency: str) -> str:
    """Write minor units as somebody would enter them again."""
    places = exponent_of(currency)
    pattern = "0." + "0" * places if places else "0"
    return format_decimal(Decimal(units).scaleb(-places), pattern, locale=reader_locale())


def _example() -> str:
    return format_decimal(Decimal("1234.5"), "0.00", locale=reader_locale())

"""Template filters for money, times and our own names. Numbers follow the reader's locale."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from urllib.parse import quote

from babel import Locale
from babel.core import negotiate_locale
from babel.dates import format_datetime, format_timedelta
from babel.localedata import locale_identifiers
from babel.numbers import NumberPattern, format_decimal, parse_pattern
from flask import Flask, g, request

from app.wiring.tools import current_tools

_DEFAULT = "en_US"
# Our sentences are English, so dates and durations inside them are, too.
_ENGLISH = Locale.parse(_DEFAULT)
_KNOWN = frozenset(locale_identifiers())
_MOST_LANGUAGES = 10
_LONGEST_WHOLE = 18
_MINUS, _NO_BREAK_SPACE = "\N{MINUS SIGN}", "\N{NO-BREAK SPACE}"
# Between a currency's letters and a figure belongs a space (CLDR's currencySpacing), which Babel leaves out.
_LETTER_BEFORE_FIGURE = re.compile(r"(?<=[^\W\d_])(?=[\N{MINUS SIGN}\d])")
_A_MOMENT = timedelta(minutes=1)


def install(app: Flask) -> None:
    """Register the filters with the app."""
    app.add_template_filter(amount)
    app.add_template_filter(count)
    app.add_template_filter(instant)
    app.add_template_filter(ago)
    app.add_template_filter(coming)
    app.add_template_filter(month_of)
    app.add_template_filter(words)
    app.add_template_filter(short)
    app.add_template_filter(in_address)


def amount(minor_units: int, currency: str, exponent: int) -> str:
    """Return whole minor units of a currency in the reader's format: 30000, usd, 2 is $300.00."""
    return _amount(minor_units, currency.upper(), exponent, _locale_name())


def count(number: int) -> str:
    """Return a whole number with the locale's separators."""
    return format_decimal(number, locale=reader_locale())


def instant(moment: datetime) -> str:
    """Return an instant to the minute, in UTC and marked as such."""
    return format_datetime(moment.astimezone(UTC), "d MMM y, HH:mm", locale=_ENGLISH) + " UTC"


def ago(moment: datetime) -> str:
    """Return how long ago an instant was, or how long until it comes."""
    return format_timedelta(moment - current_tools().clock(), add_direction=True, locale=_ENGLISH)


def coming(moment: datetime) -> str:
    """Return how long until an instant; "in a moment" for a minute or less, and for the past."""
    return ago(moment) if moment - current_tools().clock() > _A_MOMENT else "in a moment"


def month_of(moment: datetime) -> str:
    """Return the month of an instant, in UTC: March 2026."""
    return format_datetime(moment.astimezone(UTC), "MMMM y", locale=_ENGLISH)


def words(name: str) -> str:
    """Return one of our snake_case names as words: semi_annual is semi annual."""
    return name.replace("_", " ")


def short(identifier: str) -> str:
    """Return an id without its middle, if it is long: in_1NaBcDeFgHiJkLmNo is in_1NaB…LmNo."""
    kept = identifier.find("_") + 1
    is_short = len(identifier) <= _LONGEST_WHOLE
    return identifier if is_short else f"{identifier[: kept + 4]}…{identifier[-4:]}"


def in_address(identifier: str) -> str:
    """Return an id as a part of an address. Those of Stripe need no quoting, which is slow."""
    needs_none = identifier.isascii() and identifier.replace("_", "").isalnum()
    return identifier if needs_none else quote(identifier)


def reader_locale() -> Locale:
    """Return the locale to write numbers in, from Accept-Language; en_US if none of its languages is known."""
    return _negotiated(tuple(tag for tag, _ in list(request.accept_languages)[:_MOST_LANGUAGES]))


def _locale_name() -> str:
    # Many amounts are written for one request.
    if "locale_name" not in g:
        g.locale_name = str(reader_locale())
    found: str = g.locale_name
    return found


@lru_cache(maxsize=256)
def _negotiated(languages: tuple[str, ...]) -> Locale:
    wanted = [language.replace("-", "_") for language in languages]
    return Locale.parse(negotiate_locale(wanted, _KNOWN) or _DEFAULT)


@lru_cache(maxsize=8192)
def _amount(minor_units: int, currency: str, exponent: int, locale: str) -> str:
    # Many lines have the same amount.
    number = Decimal(minor_units).scaleb(-exponent)
    text = str(_pattern(locale, exponent).apply(number, locale, currency=currency, currency_digits=False))
    return _LETTER_BEFORE_FIGURE.sub(_NO_BREAK_SPACE, text.replace("-", _MINUS))


@lru_cache(maxsize=256)
def _pattern(locale: str, exponent: int) -> NumberPattern:
    # The number of decimals is Stripe's: for some currencies it differs from the locale data.
    standard = Locale.parse(locale).currency_formats["standard"]
    pattern = parse_pattern(standard.pattern)
    pattern.frac_prec = (exponent, exponent)
    return pattern

"""Look up how many decimals a currency has at Stripe. Each was checked by hand against Stripe's documentation.

https://docs.stripe.com/currencies: amounts are whole numbers of the smallest unit; zero-decimal and three-decimal
currencies are listed there. ISK and UGX are on neither list that applies here: the API represents them with two
decimals. HUF and TWD are zero-decimal for payouts only.
"""

_NO_DECIMALS = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf"
_TWO_DECIMALS = (
    "aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd btn bwp byn bzd cad cdf chf cny cop"
    " crc cup cve czk dkk dop dzd egp ern etb eur fjd fkp gbp gel ghs gip gmd gtq gyd hkd hnl hrk htg huf idr ils inr"
    " iqd irr isk jmd kes kgs khr kyd kzt lak lbp lkr lrd lsl lyd mad mdl mkd mmk mnt mop mru mur mvr mwk mxn myr mzn"
    " nad ngn nio nok npr nzd pab pen pgk php pkr pln qar ron rsd rub sar sbd scr sdg sek sgd shp sle sll sos srd ssp"
    " std stn svc syp szl thb tjs tmt top try ttd twd tzs uah ugx usd uyu uzs ves wst xcd xcg yer zar zmw zwl"
)
_THREE_DECIMALS = "bhd jod kwd omr tnd"

EXPONENTS: dict[str, int] = {
    **dict.fromkeys(_NO_DECIMALS.split(), 0),
    **dict.fromkeys(_TWO_DECIMALS.split(), 2),
    **dict.fromkeys(_THREE_DECIMALS.split(), 3),
}


class UnknownCurrencyError(LookupError):
    """The decimals of this currency were not checked: a guess could be wrong by a factor of a thousand."""


def exponent_of(currency: str) -> int:
    """Return the number of decimals of a currency, given as a lower-case ISO 4217 code.

    :raises UnknownCurrencyError: the currency is not in the table
    """
    try:
        return EXPONENTS[currency]
    except KeyError as error:
        raise UnknownCurrencyError(currency) from error

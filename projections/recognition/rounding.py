"""Round fractions of minor units: half to even, on whole numbers. Pure.

Half-even has no drift over many amounts, and rounds a negative amount to the mirror image of the positive one, so that
a line and its reversal always cancel. Floats would lose cents.
"""

from collections.abc import Iterable, Iterator

WHOLE = 10_000  # basis points


def half_even(numerator: int, denominator: int) -> int:
    """Return numerator ÷ denominator, rounded to the nearest integer, ties to the even one. The denominator is > 0."""
    quotient, remainder = divmod(numerator, denominator)
    twice = 2 * remainder
    if twice > denominator or (twice == denominator and quotient & 1):
        return quotient + 1
    return quotient


def shared_out(amount: int, weights: Iterable[int], total: int) -> Iterator[int]:
    """Yield the share of `amount` for each weight; `total` is the sum of the weights and not 0.

    Only running totals are rounded and shares are their differences, so that they add up to the amount exactly.
    """
    weight_so_far = given = 0
    sign = 1 if total > 0 else -1
    for weight in weights:
        weight_so_far += weight
        until_here = half_even(amount * weight_so_far * sign, total * sign)
        yield until_here - given
        given = until_here

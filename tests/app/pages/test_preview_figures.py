"""In which currency the figures of a preview are shown first."""

from app.pages.rules.preview_figures import currencies_of


def cell(currency: str, before: int, after: int) -> dict[str, object]:
    return {"currency": currency, "before": before, "after": after}


def test_a_preview_opens_in_the_currency_of_most_lines_in_which_something_moves() -> None:
    cells = [cell("gbp", 5, 5), cell("jpy", 0, 90_000), cell("usd", 0, 10), cell("usd", 10, 0), cell("eur", 0, 1)]

    assert currencies_of(cells, ["gbp", "usd", "jpy", "eur"]) == ["usd", "jpy", "eur", "gbp"]


def test_without_an_order_the_currency_comes_first_in_which_the_most_moves() -> None:
    assert currencies_of([cell("usd", 0, 10), cell("jpy", 0, -90), cell("eur", 1, 1)]) == ["jpy", "usd", "eur"]

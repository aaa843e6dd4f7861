"""Keep spreadsheets from taking text for a formula."""

import re

# What a spreadsheet takes for a formula, in ASCII and in full width; some strip leading spaces first.
_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]|[^\S\t\r\n]*[\t\r\n]")


def without_formula(text: str) -> str:
    """Return the text, with an apostrophe before it if a spreadsheet would take it for a formula."""
    return f"'{text}" if _FORMULA.match(text) else text

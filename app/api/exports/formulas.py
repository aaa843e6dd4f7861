"""Keep spreadsheets from taking text for a formula, whatever separates cells where they are opened.

A program that expects semicolons, as most do where decimals have a comma, or tabs, begins a new cell, or a row, in the
middle of a text: quotes that begin elsewhere in a line mean nothing to it.
"""

import re
from collections.abc import Iterable

# What a spreadsheet takes for a formula, in ASCII and in full width; some strip leading spaces first.
_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]|[^\S\t\r\n]*[\t\r\n]")
_AFTER_A_SEPARATOR = re.compile(r"(?:\r\n|[;\t\r\n])(?=[\s\"]*[=+\-@＝＋－＠])")
_QUOTED = re.compile(r'[,;"\t\r\n]')


def without_formula(text: str) -> str:
    """Return the text, with an apostrophe wherever a spreadsheet would find a formula: at its start or inside."""
    inside = _AFTER_A_SEPARATOR.sub(r"\g<0>'", text)
    return f"'{inside}" if _FORMULA.match(text) else inside


def is_split_elsewhere(row: bytes) -> bool:
    """Return whether a row of CSV that ends with a newline has what separates cells or rows in other programs."""
    return b";" in row or b"\t" in row or b"\r" in row or row.find(b"\n") != len(row) - 1


def csv_row(cells: Iterable[str]) -> str:
    """Return a row of CSV (RFC 4180) whose cells are quoted if they hold what separates cells anywhere."""
    quoted = (f'"{cell.replace(chr(34), chr(34) * 2)}"' if _QUOTED.search(cell) else cell for cell in cells)
    return ",".join(quoted) + "\r\n"

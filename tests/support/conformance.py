"""The tests that docs/conformance.md names: each holds the product to be free of a defect known elsewhere."""

import re
from functools import cache

from tests.support.paths import ROOT

DEFECTS = "Known defects and complaints D1-D27, C1-C20 (docs/conformance.md): none is ours"
_ROW = re.compile(r"^\| ([DC]\d+) \|.*$", re.MULTILINE)
_TEST = re.compile(r"`(tests/[\w/]+\.py::\w+)`")


@cache
def held_defects() -> dict[str, list[str]]:
    """Return the tests that hold each defect of the page, by its number."""
    page = (ROOT / "docs/conformance.md").read_text()
    return {row[1]: _TEST.findall(row[0]) for row in _ROW.finditer(page)}


def holding_tests() -> set[str]:
    """Return the ids of all tests of the page."""
    return {test for tests in held_defects().values() for test in tests}

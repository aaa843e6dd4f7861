"""The pytest plugin of `make prove`: tests that prove a promise, how often they try, and the table of what was proved.

A test marked `promise` holds one line of the table; one marked `planted` shows that a harness finds a bug made on
purpose. Both take `trials=(in the suite, when proving)`; without a number for the suite, they run only when proving.
A promise that `takes_long` is proved only in rounds that go on for long. Tests that docs/conformance.md names are
promises, too.
"""

import json
import shlex
from collections.abc import Generator, Iterable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import TypeVar

import pytest
from _pytest.mark import ParameterSet
from hypothesis import settings

from tests.support.conformance import DEFECTS, holding_tests
from tests.support.promise_table import Proved, printed

_PROPERTY = "promise"
_PROVING_SECONDS = 600
_PROVING: list[bool] = []
_Case = TypeVar("_Case")
_TRIALS = pytest.StashKey["Trials"]()


class Trials:
    """How often a test tries, and from which seed on: trial n has the seed `seed` + n, and can be run alone by it."""

    def __init__(self, seed: int, count: int, *, is_long: bool = False) -> None:
        self.seed = seed
        self.count = count
        self.is_long = is_long
        self.said = ""
        self.done: int | None = None
        self.failing: int | None = None

    def say(self, figures: str) -> None:
        """Have the table say what was measured, below the promise."""
        self.said = figures

    def seeds(self) -> Iterator[int]:
        """Yield the seed of each trial in turn; the trial that does not come back is the failing one."""
        self.done = 0
        for seed in range(self.seed, self.seed + self.count):
            self.done += 1
            self.failing = seed
            yield seed
            self.failing = None

    def cases(self, all_cases: Sequence[_Case]) -> Iterator[_Case]:
        """Yield the case of each trial in turn: every case, in as many trials as there are cases."""
        shuffled = Random(0).sample(all_cases, len(all_cases))
        for seed in self.seeds():
            yield shuffled[seed % len(shuffled)]


def is_proving() -> bool:
    """Return whether promises are proved, in full."""
    return bool(_PROVING)


def examples(quick: int, full: int) -> settings:
    """Return hypothesis's settings for so many examples in the suite, and when proving."""
    return settings(max_examples=full if is_proving() else quick)


def cases_of(promise: str, cases: Iterable[object], *, nth: int) -> list[ParameterSet]:
    """Return a promise's cases as parameters: every case when proving, and each `nth` one in the suite."""
    return [
        pytest.param(
            *(case if isinstance(case, tuple) else (case,)),
            marks=pytest.mark.promise(promise, trials=(int(number % nth == 0), 1)),
        )
        for number, case in enumerate(cases)
    ]


@pytest.fixture
def trials(request: pytest.FixtureRequest) -> Trials:
    """Return how often the test is to try."""
    asked: Trials = request.node.stash[_TRIALS]
    return asked


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("promises")
    group.addoption("--prove", action="store_true", help="run the tests that prove promises, with all their trials")
    group.addoption("--seed", type=int, default=11, help="the seed of a promise's first trial")
    group.addoption("--long", action="store_true", help="let what takes a while take its time")
    group.addoption("--trials", type=int, help="how often to try, instead of what the tests say")
    group.addoption("--proved", type=Path, help="a file to append what was proved to, as JSON lines")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "promise(text, trials, takes_long): a promise, a line of `make prove`")
    config.addinivalue_line("markers", "planted(bug, trials): a bug made on purpose, which the harness must find")
    if config.getoption("--prove"):
        _PROVING.append(True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    is_proving = config.getoption("--prove")
    chosen: list[pytest.Item] = []
    for item in items:
        if is_proving and item.nodeid.partition("[")[0] in holding_tests():
            item.add_marker(pytest.mark.promise(DEFECTS))
        count = _count(config, item)
        item.stash[_TRIALS] = Trials(config.getoption("--seed"), count, is_long=config.getoption("--long"))
        if count and (not is_proving or _marks(item)):
            chosen.append(item)
        if is_proving:
            item.add_marker(pytest.mark.timeout(_PROVING_SECONDS), append=False)
    kept = set(chosen)
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = chosen


def _marks(item: pytest.Item) -> list[pytest.Mark]:
    is_long = item.config.getoption("--long")
    marks = [*item.iter_markers("promise"), *item.iter_markers("planted")]
    return [mark for mark in marks if is_long or not mark.kwargs.get("takes_long")]


def _count(config: pytest.Config, item: pytest.Item) -> int:
    numbers = [mark.kwargs["trials"] for mark in _marks(item) if "trials" in mark.kwargs]
    quick, full = numbers[0] if numbers else (1, 1)
    count = full if config.getoption("--prove") else quick
    return config.getoption("--trials") or count if numbers and count else count


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call" or report.failed or report.skipped:
        for mark in _marks(item):
            report.user_properties.append((_PROPERTY, json.dumps(_proved(item, mark, report)._asdict())))
    return report


def _proved(item: pytest.Item, mark: pytest.Mark, report: pytest.TestReport) -> Proved:
    trials = item.stash[_TRIALS]
    return Proved(
        promise=mark.args[0],
        is_planted=mark.name == "planted",
        trials=0 if report.skipped else trials.done if trials.done is not None else trials.count,
        violations=int(report.failed),
        seconds=report.duration,
        seed=trials.seed,
        reproduction=_reproduction(item, trials) if report.failed else "",
        said=trials.said,
    )


def _reproduction(item: pytest.Item, trials: Trials) -> str:
    seed = trials.seed if trials.failing is None else trials.failing
    alone = [] if trials.failing is None else ["--trials", "1"]
    words = [".venv/bin/python", "-m", "pytest", item.nodeid, "--prove", "--seed", str(seed), *alone]
    return shlex.join([*words, "--hypothesis-seed", str(seed)])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if not config.getoption("--prove"):
        return
    reports = [one for kind in ("passed", "failed", "error", "skipped") for one in terminalreporter.getreports(kind)]
    found = [json.loads(value) for one in reports for name, value in one.user_properties if name == _PROPERTY]
    proved = [Proved(**one) for one in found]
    if file := config.getoption("--proved"):
        with file.open("a") as lines:
            lines.writelines(json.dumps(one._asdict()) + "\n" for one in proved)
    terminalreporter.section("what was proved")
    for line in printed(proved):
        terminalreporter.line(line)

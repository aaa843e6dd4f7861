"""A deterministic simulation of everything at once: whatever happens, at rest all agree."""

from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from app.wiring.tools import Tools
from runtime.database import open_engine
from tests.prove.simulation.at_rest import simulate
from tests.prove.simulation.bugs import BUGS, EagerAppender, nothing
from tests.prove.simulation.world import DirectAppender
from tests.support.promises import Trials


@pytest.fixture
def intake(database_url: str) -> Iterator[Engine]:
    engine = open_engine(database_url, name="intake", pool_size=1, autocommit=True)
    yield engine
    engine.dispose()


@pytest.mark.promise(
    "Simulation: log, table, sums, API and Stripe agree at rest, whatever happened and crashed", trials=(1, 60)
)
def test_whatever_happens_everything_agrees_at_rest(
    engine: Engine, intake: Engine, web_tools: Tools, trials: Trials
) -> None:
    happened: Counter[str] = Counter()
    for seed in trials.seeds():
        violations, counts = simulate(seed, engine, intake, web_tools)
        assert violations == [], f"seed {seed}"
        happened += counts

    # A harness in which nothing goes wrong proves nothing.
    assert trials.count < 10 or min(happened[one] for one in ("lost", "faults", "crashes", "reconnect", "rebuild")) > 0


def planted(name: str) -> object:
    return pytest.param(name, id=name, marks=pytest.mark.planted(f"{name} (simulation)", trials=(0, 40)))


@pytest.mark.parametrize("name", [planted(name) for name in BUGS])
def test_a_bug_made_on_purpose_is_found(
    name: str, engine: Engine, intake: Engine, web_tools: Tools, trials: Trials, monkeypatch: pytest.MonkeyPatch
) -> None:
    BUGS[name](monkeypatch)
    appender = EagerAppender if BUGS[name] is nothing else DirectAppender
    assert any(is_found(seed, engine, intake, web_tools, appender) for seed in trials.seeds())


def is_found(
    seed: int, engine: Engine, intake: Engine, web_tools: Tools, appender: Callable[[Engine], DirectAppender]
) -> bool:
    try:
        return bool(simulate(seed, engine, intake, web_tools, appender=appender)[0])
    except (AssertionError, SQLAlchemyError):
        return True

"""Rebuilding during reads and writes: every read sees one build at one position, and positions never go back."""

from concurrent.futures import ThreadPoolExecutor
from itertools import count
from random import Random
from threading import Event

import pytest
from sqlalchemy import Engine

from projections.builds.builds import begin_builds
from projections.builds.rebuild import build_on, flip
from projections.engine.folding import Claim
from projections.reads.checksums import checksum_of
from projections.reads.snapshots import snapshot_of
from projections.reads.table.filters import LineFilter
from projections.reads.table.lines import list_lines
from projections.reads.table.totals import total_lines
from tests.support.company import catch_up, company_with, record_events
from tests.support.histories import busy_history
from tests.support.payloads import ACCOUNT

ALL = LineFilter(livemode=True)
_REBUILDS = 6


@pytest.fixture
def company_id(engine: Engine) -> int:
    company_id = company_with(engine, ACCOUNT)
    record_events(engine, *busy_history(Random(1), 80))
    catch_up(engine)
    return company_id


class Load:
    """Reads and writes that continue until `is_over` is set."""

    def __init__(self, engine: Engine, company_id: int) -> None:
        self._engine, self._company_id = engine, company_id
        self.is_over = Event()
        self.checksums: dict[int, set[str | None]] = {}

    def read(self) -> list[tuple[int, int]]:
        """Read repeatedly, and return the position and build of each read."""
        reads = []
        while not self.is_over.is_set():
            with snapshot_of(self._engine, self._company_id) as snapshot:
                lines = list_lines(snapshot, ALL, sort="-date", limit=500, after=None)
                totals = total_lines(snapshot, ALL)
                self.checksums.setdefault(snapshot.position, set()).add(checksum_of(snapshot))
            assert len(lines) == sum(total.count for total in totals)
            assert sum(line.amount for line in lines) == sum(total.amount for total in totals)
            assert all(line.position <= snapshot.position for line in lines)
            reads.append((snapshot.position, snapshot.build))
        return reads

    def write(self) -> None:
        """Append and catch up repeatedly."""
        for seed in count(2):
            if self.is_over.is_set():
                return
            record_events(self._engine, *busy_history(Random(seed), 3))
            catch_up(self._engine)


@pytest.mark.promise("Rebuilds under load: no read fails, mixes builds or goes back")
def test_no_read_fails_mixes_builds_or_goes_back(engine: Engine, company_id: int) -> None:
    load = Load(engine, company_id)
    with ThreadPoolExecutor(3) as pool:
        readers, writer = [pool.submit(load.read) for _ in range(2)], pool.submit(load.write)
        try:
            for _ in range(_REBUILDS):
                rebuild(engine)
        finally:
            load.is_over.set()
        writer.result()
        reads = [reader.result() for reader in readers]

    for one in reads:
        assert one == sorted(one)
        assert len({build for _, build in one}) > 1
    assert all(len(checksums) == 1 for checksums in load.checksums.values())


def rebuild(engine: Engine) -> None:
    with engine.begin() as connection:
        begun = begin_builds(connection, company_id=None)
    while build_on(engine, is_automatic=False, chunk_events=40):
        pass
    for one in begun:
        flip(engine, Claim(one.projection, one.company_id, one.build, 0))

"""How long it takes from the recording of an event until it shows in its company's table."""

import time
from collections.abc import Iterator
from threading import Event, Thread
from typing import NamedTuple

from sqlalchemy import Engine, text

_POLL_SECONDS = 0.005


class Delays(NamedTuple):
    """Seconds from recording to showing of each event, the shortest first."""

    seconds: list[float]

    def as_json(self) -> dict[str, float]:
        """Return median, 99th percentile and maximum in milliseconds."""
        places = {"p50": len(self.seconds) // 2, "p99": int(len(self.seconds) * 0.99), "max": -1}
        return {f"visible_{name}_ms": round(self.seconds[place] * 1000, 1) for name, place in places.items()}


class Watch:
    """A record of when each company's table reached which position."""

    def __init__(self, engine: Engine, *, but_of: int = 0) -> None:
        """Begin to watch all companies but this one."""
        self._engine, self._but_of = engine, but_of
        self._stopped = Event()
        self._reached: list[tuple[float, dict[int, int]]] = []
        self._since = self._positions()
        self._thread = Thread(target=self._look, daemon=True)
        self._thread.start()

    def stop(self) -> Delays:
        """Stop watching, and return how long the events took that were recorded and shown meanwhile."""
        self._stopped.set()
        self._thread.join()
        with self._engine.connect() as connection:
            rows = connection.execute(_RECORDED, {"but_of": self._but_of}).all()
        recorded = {(company_id, position): float(at) for company_id, position, at in rows}
        return Delays(sorted(self._delays(recorded)))

    def _delays(self, recorded: dict[tuple[int, int], float]) -> Iterator[float]:
        shown = dict(self._since)
        for at, positions in self._reached:
            for company_id, position in positions.items():
                for one in range(shown.get(company_id, 0) + 1, position + 1):
                    yield at - recorded[company_id, one]
                shown[company_id] = max(position, shown.get(company_id, 0))

    def _look(self) -> None:
        while not self._stopped.wait(_POLL_SECONDS):
            self._reached.append((time.time(), self._positions()))

    def _positions(self) -> dict[int, int]:
        with self._engine.connect() as connection:
            rows = connection.execute(_POSITIONS, {"but_of": self._but_of})
            return {row.company_id: row.position for row in rows}


_POSITIONS = text("SELECT company_id, position FROM projection_state WHERE company_id <> :but_of")
_RECORDED = text("""
    SELECT company_id, position, extract(epoch FROM recorded_at) FROM event WHERE company_id <> :but_of ORDER BY 1, 2
""")

"""What may happen to hosts and servers, each at a moment and to a host that a seed chooses."""

from collections.abc import Callable
from random import Random
from threading import Event

from tests.prove.hosts.host import thaw
from tests.prove.hosts.stage import Stage

# After how many seconds something ends it.
Undo = tuple[float, Callable[[], object]]
Accident = Callable[[], Undo | None]


class Accidents:
    """Each method is one, and returns when it is over, or what ends it."""

    def __init__(self, stage: Stage, random: Random, *, cut_seconds: float) -> None:
        self.stage, self.random, self.cut_seconds = stage, random, cut_seconds

    def a_process_dies(self) -> None:
        host, name = self.random.choice(self.stage.hosts), self.random.choice(("web", "worker", "clock"))
        host.kill_one(self.random, name)

    def a_host_dies(self) -> Undo:
        host = self.random.choice(self.stage.hosts)
        host.turn_off()
        return self.random.uniform(2, 5), host.turn_on

    def a_host_is_cut_off(self) -> Undo:
        host = self.random.choice(self.stage.hosts)
        host.cut_off()
        return self.cut_seconds, host.reconnect

    def postgres_dies(self) -> None:
        self.stage.kill_postgres()

    def valkey_dies(self) -> None:
        self.stage.kill_valkey(lambda: Event().wait(self.random.uniform(0, 1)))

    def valkey_is_emptied(self) -> None:
        self.stage.empty_valkey()

    def a_worker_freezes(self) -> Undo | None:
        frozen = self.random.choice(self.stage.hosts).freeze_worker(self.random.choice(("sync", "projection")))
        return None if frozen is None else (self.cut_seconds / 2, lambda: thaw(frozen))

    def replies_are_lost(self) -> None:
        self.random.choice(self.stage.hosts).ways["postgres"].replies_to_lose += self.random.randint(1, 4)

    def a_network_is_slow(self) -> Undo:
        ways = list(self.random.choice(self.stage.hosts).ways.values())

        def slow_down(seconds: float) -> None:
            for way in ways:
                way.delay_seconds = seconds

        slow_down(self.random.uniform(0.01, 0.1))
        return 3.0, lambda: slow_down(0.0)

    def some(self) -> list[Accident]:
        """Return one of each kind, and some more of the smaller ones, in random order."""
        small: list[Accident] = [self.a_process_dies, self.replies_are_lost, self.valkey_is_emptied]
        large = [self.a_host_dies, self.postgres_dies, self.valkey_dies, self.a_worker_freezes, self.a_network_is_slow]
        accidents = [self.a_host_is_cut_off, *large, *small, *small[:2], self.a_process_dies]
        return self.random.sample(accidents, len(accidents))

"""Kill whoever publishes rules: `python -m tests.support.publish_kills DATABASE_URL COMPANY POINTS SEED BUG`.

Each round another rule set is drafted; a child works it out, publishes and folds it, and kills itself with SIGKILL
before its nth statement or commit. Then the rules are published whole or not at all, and whoever goes on ends where
nobody was killed. Tries so many points, chosen by the seed, or all if they are fewer. Prints the faults found, then
how many died.
"""

import os
import signal
import sys
from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, text

from mapping.drafts import draft_of, save_draft
from mapping.preview_turns import claim_turn
from mapping.previews import ask_to_publish, find_preview, preview_draft
from mapping.publishing import Work, take_turn
from mapping.recorded import Desk
from mapping.rule_sets import newest_version
from runtime.database import driver_of, open_engine
from tests.support.clock import NOON
from tests.support.company import catch_up
from tests.support.kill_points import CALLS, CHILD, kill_at, wait_until_children_are_gone
from tests.support.rules import rule, to

_NEVER = 10**9
_SET_OUT = text("""
    SELECT (SELECT count(*) FROM event WHERE company_id = :company_id AND type = 'mapping.rules_published') AS facts,
        (SELECT count(*) FROM mapping_preview WHERE company_id = :company_id AND status = 'published') AS published,
        (SELECT count(*) FROM webhook_delivery WHERE company_id = :company_id) AS told,
        EXISTS (SELECT FROM rule_draft WHERE company_id = :company_id) AS is_drafted
""")
# All that is recognized, but for when it was folded.
_RECOGNIZED = text("""
    SELECT md5(string_agg(p.said, ',' ORDER BY p.said)) FROM (
        SELECT concat_ws('|', invoice_id, invoice_line_item_id, share, step, layer, rule_id, stream_id, amount, months)
        FROM revenue_part WHERE company_id = :company_id
    ) p (said)
""")
_SUMS = text("""
    SELECT md5(string_agg(r::text, ',' ORDER BY r::text)) FROM (
        SELECT livemode, stream_id, month, currency, sum(earned), sum(contra) FROM recognition_by_month
        WHERE company_id = :company_id GROUP BY 1, 2, 3, 4 HAVING sum(earned) <> 0 OR sum(contra) <> 0
    ) r
""")
_END_LEASES = text("UPDATE mapping_preview SET leased_until = NULL WHERE company_id = :company_id")


class Standing(NamedTuple):
    """What stands in the tables, and what a preview said would."""

    parts: str
    sums: str
    checksum: str | None = None


class Rounds:
    """Rounds of rules for one company whose streams are `str_a` and `str_b`, each with rules unlike the last ones."""

    def __init__(self, url: str, company_id: int, plant: Callable[[], object]) -> None:
        self._url, self._company_id, self._plant = url, company_id, plant
        self.faults: list[str] = []
        # Of odd and of even versions, where nobody was killed.
        self._undisturbed: dict[int, Standing] = {}

    def run(self, nth: int = _NEVER) -> tuple[int, bool]:
        """Run a round, and return how many statements the child came to, and whether it died."""
        preview_id, version, before = self._with_engine(self._drafted)
        statements, is_killed = self._child(preview_id, nth)
        self._with_engine(lambda engine: self._look(engine, nth, preview_id, version, before))
        return statements, is_killed

    def _with_engine(self, work: Callable[[Engine], Any]) -> Any:
        engine = open_engine(self._url, name="looking", pool_size=2)
        try:
            return work(engine)
        finally:
            engine.dispose()  # before the next fork

    def _drafted(self, engine: Engine) -> tuple[int, int, Standing]:
        with engine.begin() as connection:
            version = newest_version(connection, self._company_id) + 1
            desk = Desk(connection, self._company_id, "user:1", NOON)
            target, other = ("str_a", "str_b") if version % 2 else ("str_b", "str_a")
            rules = [
                rule("rule_1", ("amount", "gt", 1000), outcome=to(target)),
                rule("rule_2", ("currency", "is_present"), outcome=to(other)),
            ]
            seen = draft_of(connection, self._company_id)
            save_draft(desk, rules, seen=seen, pointer="/rules")
            return preview_draft(desk, livemode=True), version, self._standing(connection)

    def _child(self, preview_id: int, nth: int) -> tuple[int, bool]:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            left = kill_at(nth, CALLS, is_before=True)
            self._plant()
            engine = open_engine(self._url, name=CHILD, pool_size=2)
            status = 1
            try:
                self._finish(engine, preview_id)
                os.write(writing, str(nth - left[0]).encode())
                status = 0
            finally:
                os._exit(status)
        os.close(writing)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status > 0:
            self.faults.append(f"the child failed before statement {nth}")
        with os.fdopen(reading) as said:
            return int(said.read() or nth), status == -signal.SIGKILL

    def _finish(self, engine: Engine, preview_id: int) -> None:
        """Work a preview out, publish it, and fold what was published, from wherever that stands."""
        self._take_turns(engine)
        with engine.begin() as connection:
            ask_to_publish(Desk(connection, self._company_id, "user:1", NOON), preview_id, "a note")
        self._take_turns(engine)
        catch_up(engine)

    def _take_turns(self, engine: Engine) -> None:
        while turn := claim_turn(engine):
            take_turn(Work(engine, lambda: NOON, lambda: False), turn)

    def _look(self, engine: Engine, nth: int, preview_id: int, version: int, before: Standing) -> None:
        wait_until_children_are_gone(engine)
        with engine.begin() as connection:
            left = self._standing(connection)
            self._check_whole(connection, version, f"killed before statement {nth}")
            connection.execute(_END_LEASES, {"company_id": self._company_id})
        catch_up(engine)
        self._finish(engine, preview_id)
        with engine.connect() as connection:
            self._check_whole(connection, version, f"gone on after statement {nth}", is_over=True)
            checksum = find_preview(connection, self._company_id, preview_id).checksum
            after = self._standing(connection)._replace(checksum=checksum)
        # The first version replaces nothing, so its preview is like no other.
        expected = after if version == 1 else self._undisturbed.setdefault(version % 2, after)
        if after != expected:
            self.faults.append(f"gone on after statement {nth}: {after}, not {expected}")
        if left not in {before, after._replace(checksum=None)}:
            self.faults.append(f"killed before statement {nth}: folded in part")

    def _standing(self, connection: Connection) -> Standing:
        bound = {"company_id": self._company_id}
        return Standing(*(str(connection.execute(one, bound).scalar()) for one in (_RECOGNIZED, _SUMS)))

    def _check_whole(self, connection: Connection, version: int, when: str, *, is_over: bool = False) -> None:
        row = connection.execute(_SET_OUT, {"company_id": self._company_id}).one()
        whole = [(version, version, version, False)]
        if not is_over:
            whole.append((version - 1, version - 1, version - 1, True))
        if tuple(row) not in whole:
            self.faults.append(f"{when}: {row}")


def main(url: str, company_id: int, points: int, seed: int, bug: str) -> tuple[list[str], int]:
    """Kill at so many points, the last one first, until faults are found; return them, and how many children died."""
    rounds = Rounds(url, company_id, _BUGS[bug])
    statements = max(rounds.run()[0] for _ in range(3))
    every = range(1, statements + 1)
    died = 0
    for nth in sorted(Random(seed).sample(every, min(points, len(every))), reverse=True):
        died += rounds.run(nth)[1]
        if rounds.faults:
            break
    return rounds.faults, died


def _publish_bit_by_bit() -> None:
    record = Desk.record

    def recorded(self: Desk, *args: Any, **options: Any) -> list[int]:
        positions = record(self, *args, **options)
        driver_of(self.connection).commit()
        return positions

    Desk.record = recorded  # type: ignore[method-assign]  # a mistake on purpose


_BUGS: dict[str, Callable[[], object]] = {"none": lambda: None, "bit_by_bit": _publish_bit_by_bit}

if __name__ == "__main__":
    faults, died = main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
    print("\n".join([*faults, str(died)]))  # noqa: T201 - its purpose

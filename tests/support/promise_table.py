"""The table of what was proved: a line for each promise, and one for each bug that was made on purpose."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

_WIDTH = 88


class Proved(NamedTuple):
    """What one test of a promise, or of a planted bug, came to."""

    promise: str
    is_planted: bool
    trials: int
    violations: int
    seconds: float
    seed: int
    reproduction: str
    said: str = ""


def printed(proved: Iterable[Proved]) -> Iterator[str]:
    """Yield the lines of both tables, and for each violation the command that shows it again."""
    summed = _summed(proved)
    yield f"{'promise':<{_WIDTH}} {'trials':>8} {'violations':>10} {'seed':>6}"
    for one in (one for one in summed if not one.is_planted):
        yield f"{one.promise:<{_WIDTH}} {one.trials:>8,} {one.violations:>10,} {one.seed:>6}"
        yield from (f"  {line}" for line in one.said.splitlines())
    planted = [one for one in summed if one.is_planted]
    if planted:
        yield ""
        yield f"{'bug made on purpose':<{_WIDTH}} {'trials':>8} {'seconds':>10} {'found':>6}"
    for one in planted:
        word = "NO" if one.violations else "yes"
        yield f"{one.promise:<{_WIDTH}} {one.trials:>8,} {one.seconds:>10.1f} {word:>6}"
    failed = [line for one in summed if one.reproduction for line in one.reproduction.splitlines()]
    yield ""
    yield from (f"to see it again: {line}" for line in failed)
    kept, found = (sum(not one.violations for one in summed if one.is_planted is kind) for kind in (False, True))
    yield f"{kept} of {len(summed) - len(planted)} promises held; {found} of {len(planted)} planted bugs were found"


def _summed(proved: Iterable[Proved]) -> list[Proved]:
    sums: dict[tuple[bool, str], Proved] = {}
    for one in proved:
        key = one.is_planted, one.promise
        if held := sums.get(key):
            sums[key] = held._replace(
                trials=held.trials + one.trials,
                violations=held.violations + one.violations,
                seconds=held.seconds + one.seconds,
                seed=min(held.seed, one.seed),
                reproduction="\n".join(filter(None, (held.reproduction, one.reproduction))),
                said="\n".join(filter(None, (held.said, one.said))),
            )
        else:
            sums[key] = one
    return [sums[key] for key in sorted(sums)]

"""Both lock files name everything that an installation needs, so that pip resolves nothing."""

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from itertools import product

import pytest
from packaging.markers import Marker, default_environment
from packaging.requirements import Requirement

from tests.support.lock_file import Locked, locked_in, normalized
from tests.support.paths import ROOT

LOCKS = ["requirements.txt", "requirements-dev.txt"]

_PYTHONS = ["3.11.0", "3.11.7", "3.12.0", "3.13.0", "3.14.0"]
_SYSTEMS = [("linux", "Linux", "x86_64"), ("linux", "Linux", "aarch64"), ("darwin", "Darwin", "arm64")]


THIS_MACHINE = {name: str(value) for name, value in default_environment().items()}


def machines() -> list[dict[str, str]]:
    """Return the marker values of the machines that the locks are for."""
    return [
        THIS_MACHINE
        | {"python_full_version": python, "python_version": python.rpartition(".")[0]}
        | {"sys_platform": platform, "platform_system": system, "platform_machine": machine}
        for python, (platform, system, machine) in product(_PYTHONS, _SYSTEMS)
    ]


def applies(marker: Marker | str | None, machine: dict[str, str], extra: str = "") -> bool:
    return marker is None or Marker(str(marker)).evaluate(machine | {"extra": extra})


def is_for_this_machine(one: Locked) -> bool:
    return applies(one.marker, THIS_MACHINE)


def needs_of(one: Locked, machine: dict[str, str]) -> Iterator[Requirement]:
    """Yield the requirements of a locked distribution and its locked extras on a machine."""
    for requirement in map(Requirement, requires(one.name) or ()):
        if any(applies(requirement.marker, machine, extra) for extra in ("", *one.extras)):
            yield requirement


def unmet(locked: list[Locked], machine: dict[str, str]) -> Iterator[str]:
    """Yield each requirement that the lock does not meet, of distributions installed here and locked for a machine."""
    by_name = {one.name: one for one in locked if applies(one.marker, machine)}
    for one in filter(is_for_this_machine, by_name.values()):
        for need in needs_of(one, machine):
            met_by = by_name.get(normalized(need.name))
            if met_by is None or not need.specifier.contains(met_by.version, prereleases=True):
                yield f"{one.name} requires {need}"
            elif not need.extras <= met_by.extras:
                yield f"{one.name} requires {need}, and the lock names {met_by.name} without those extras"


@pytest.mark.parametrize("lock", LOCKS)
def test_every_requirement_of_a_locked_distribution_is_met_by_the_lock(lock: str) -> None:
    locked = locked_in(ROOT / lock)

    assert len(locked) > 40
    assert sorted({words for machine in machines() for words in unmet(locked, machine)}) == []


@pytest.mark.parametrize("lock", LOCKS)
def test_every_entry_of_a_lock_has_hashes(lock: str) -> None:
    lines = [line for line in (ROOT / lock).read_text().splitlines() if line[:1].isalnum()]
    locked = locked_in(ROOT / lock)

    assert len(locked) == len(lines)
    assert [one.name for one in locked if not one.hashes] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_takes_wheels_alone_since_a_build_would_look_up_its_own_tools(lock: str) -> None:
    assert "\n--only-binary :all:\n" in (ROOT / lock).read_text()


def test_what_is_installed_here_is_what_the_lock_names() -> None:
    locked = list(filter(is_for_this_machine, locked_in(ROOT / "requirements-dev.txt")))

    assert {one.name: installed(one.name) for one in locked} == {one.name: one.version for one in locked}


def installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def test_production_and_development_agree_on_every_version() -> None:
    production, development = (set(locked_in(ROOT / lock)) for lock in LOCKS)

    assert {(one.name, one.version) for one in production} <= {(one.name, one.version) for one in development}

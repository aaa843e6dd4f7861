"""A buyer's engineer asks what is installed."""

import pytest

from tests.commands.conftest import Run
from tests.locks.test_lock_files import is_for_this_machine
from tests.support.commands import json_of
from tests.support.lock_file import locked_in
from tests.support.paths import ROOT


def test_all_that_production_installs_is_named_with_its_version(run: Run) -> None:
    bill = json_of(run("sbom", "--json"))

    purls = {one["purl"] for one in bill["components"]}
    locked = [one for one in locked_in(ROOT / "requirements.txt") if is_for_this_machine(one)]
    assert len(locked) > 40
    assert {f"pkg:pypi/{one.name}@{one.version}" for one in locked} <= purls
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")


def test_what_a_package_requires_is_told_and_is_among_the_packages(run: Run) -> None:
    bill = json_of(run("sbom", "--json"))

    refs = {one["bom-ref"] for one in bill["components"]}
    required = {one["ref"]: set(one["dependsOn"]) for one in bill["dependencies"]}
    assert required.keys() == refs
    assert set().union(*required.values()) <= refs
    (flask,) = (ref for ref in refs if ref.startswith("pkg:pypi/flask@"))
    assert {ref.partition("@")[0] for ref in required[flask]} > {"pkg:pypi/werkzeug", "pkg:pypi/jinja2"}


@pytest.mark.parametrize("name", ["flask", "psycopg", "stripe"])
def test_licenses_are_told(run: Run, name: str) -> None:
    bill = json_of(run("sbom", "--json"))

    (component,) = (one for one in bill["components"] if one["name"] == name)
    assert component["licenses"]

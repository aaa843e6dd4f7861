"""`flask sbom`: print the packages of this installation, as a CycloneDX software bill of materials."""

import json
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, distributions
from typing import Any

import click
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from commands.terminal import as_json

Json = dict[str, Any]


@click.command("sbom")
@as_json
def command(*, is_json: bool) -> None:
    """Print what is installed here, with versions and licenses, as CycloneDX: on one line with --json."""
    click.echo(json.dumps(bill_of_materials(), indent=None if is_json else 2))


def bill_of_materials() -> Json:
    """Return the packages that this process can import and what each requires, as CycloneDX 1.6 has them.

    https://cyclonedx.org/docs/1.6/json/
    """
    installed: dict[str, Distribution] = {}
    for one in distributions():
        installed.setdefault(canonicalize_name(one.name), one)  # as an import does, take the first on the path
    refs = {name: f"pkg:pypi/{name}@{one.version}" for name, one in sorted(installed.items())}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "bom-ref": "revmap", "name": "revmap"}},
        "components": [_component(installed[name], name, ref) for name, ref in refs.items()],
        "dependencies": [{"ref": ref, "dependsOn": _required(installed[name], refs)} for name, ref in refs.items()],
    }


def _component(one: Distribution, name: str, ref: str) -> Json:
    component = {"type": "library", "bom-ref": ref, "name": name, "version": one.version, "purl": ref}
    licenses = list(_licenses(one))
    return {**component, "licenses": licenses} if licenses else component


def _licenses(one: Distribution) -> Iterator[Json]:
    if expressions := one.metadata.get_all("License-Expression"):
        yield {"expression": expressions[0]}
        return
    for classifier in one.metadata.get_all("Classifier") or ():
        kind, _, name = classifier.rpartition(" :: ")
        if kind.startswith("License") and name != "OSI Approved":
            yield {"license": {"name": name}}


def _required(one: Distribution, refs: Mapping[str, str]) -> list[str]:
    needs = [need for need in map(Requirement, one.requires or ()) if need.marker is None or need.marker.evaluate()]
    names = {canonicalize_name(need.name) for need in needs}
    return sorted(refs[name] for name in names & refs.keys())

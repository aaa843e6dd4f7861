"""`make` installs exactly what a lock names, reports its progress, and names the cause if it fails."""

import hashlib
import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.installation import NotInstalledError, Progress, cause_of_failure, fill
from tests.support.lock_file import locked_in, normalized, write_wheel
from tests.support.paths import ROOT

INSTALLER = ROOT / "sandbox" / "installation.py"

_NOTHING_FOUND = [
    "ERROR: Could not find a version that satisfies the requirement alembic==1.20.1 (from versions: none)",
    "ERROR: No matching distribution found for alembic==1.20.1",
]


def entry(wheel: Path) -> str:
    """Return the entry of a lock file for a wheel."""
    name, version, *_ = wheel.name.split("-")
    return f"{name}=={version} \\\n    --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"


def run_installer(environment: Path, lock: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", INSTALLER, environment, lock],
        env={"PIP_CONFIG_FILE": "/dev/null", "PATH": "/usr/bin:/bin"} | settings,
        capture_output=True,
        text=True,
        check=False,
    )


def versions_in(environment: Path) -> dict[str, str]:
    listed = subprocess.run(
        [environment / "bin" / "python", "-I", "-m", "pip", "--disable-pip-version-check", "list", "--format", "json"],
        capture_output=True,
        text=True,
        check=True,
    )
    return {normalized(one["name"]): one["version"] for one in json.loads(listed.stdout)}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """Return an environment that was installed, and what the installer said: making one takes seconds."""
    tmp_path = tmp_path_factory.mktemp("installed")
    index = tmp_path / "index"
    wanted = write_wheel(index, "made_up_coverage", "7.17.3", "Provides-Extra: toml")
    wanting = write_wheel(index, "made_up_plugin", "1.0", "Requires-Dist: made_up_coverage[toml]>=7.10.6")
    for newer in ("made_up_coverage", "made_up_plugin"):
        write_wheel(index, newer, "8.0", "Provides-Extra: toml")
    lock = tmp_path / "lock.txt"
    lock.write_text(entry(wanted) + entry(wanting))

    environment = tmp_path / "environment"
    return environment, run_installer(environment, lock, PIP_NO_INDEX="1", PIP_FIND_LINKS=str(index))


def test_locked_versions_are_installed_though_everything_has_a_newer_release(
    installed: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    environment, ran = installed

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("Installing the packages of ")
    assert f" into {environment}." in ran.stdout
    assert "1 of 2: made_up_coverage" in ran.stdout
    versions = versions_in(environment)
    assert (versions["made-up-coverage"], versions["made-up-plugin"]) == ("7.17.3", "1.0")


def test_a_lock_that_leaves_something_out_is_refused(
    tmp_path: Path, installed: tuple[Path, subprocess.CompletedProcess[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    wanting = write_wheel(tmp_path / "index", "made_up_extension", "1.0", "Requires-Dist: made_up_missing")
    lock = tmp_path / "lock.txt"
    lock.write_text(entry(wanting))
    for name, value in (("CONFIG_FILE", "/dev/null"), ("NO_INDEX", "1"), ("FIND_LINKS", str(tmp_path / "index"))):
        monkeypatch.setenv(f"PIP_{name}", value)
    monkeypatch.delenv("PYTHONPYCACHEPREFIX", raising=False)  # the environment has its own

    with pytest.raises(NotInstalledError) as refused:
        fill(installed[0], lock)

    assert "requires made-up-missing, which is not installed" in str(refused.value).replace("_", "-")


def test_an_index_that_cannot_be_reached_is_named_as_the_cause(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        lock = tmp_path / "lock.txt"
        lock.write_text(entry(write_wheel(tmp_path / "elsewhere", "made_up", "1.0")))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/simple"

        ran = run_installer(tmp_path / "environment", lock, PIP_INDEX_URL=url, PIP_RETRIES="1")

    assert ran.returncode == 1
    assert "The package index does not answer, trying again" in ran.stdout
    assert "The package index cannot be reached: " in ran.stderr
    assert "Connection refused" in ran.stderr
    assert "HTTPS_PROXY" in ran.stderr


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            (
                "'NewConnectionError('<pip._vendor.urllib3.connection.HTTPSConnection object at 0x7f>: "
                "Failed to establish a new connection: [Errno -2] Name or service not known')'"
            ),
            "Failed to establish a new connection: [Errno -2] Name or service not known",
        ),
        (
            (
                "'ProxyError('Cannot connect to proxy.', NewConnectionError('<pip.HTTPSConnection object at 0x7f>: "
                "Failed to establish a new connection: [Errno 111] Connection refused'))'"
            ),
            "Failed to establish a new connection: [Errno 111] Connection refused",
        ),
        (
            (
                "'NameResolutionError(\"HTTPSConnection(host='index.invalid', port=443): "
                "Failed to resolve 'index.invalid' ([Errno -2] Name or service not known)\")'"
            ),
            "Failed to resolve 'index.invalid' ([Errno -2] Name or service not known)",
        ),
        (
            (
                "'ReadTimeoutError(\"HTTPConnectionPool(host='127.0.0.1', port=9999): "
                "Read timed out. (read timeout=2.0)\")'"
            ),
            "Read timed out. (read timeout=2.0)",
        ),
    ],
    ids=["pip 23.2.1", "pip 23.2.1 behind a proxy", "pip 26.3", "pip 26.3 without an answer"],
)
def test_a_broken_connection_is_explained_by_the_message_inside_pips_exceptions(error: str, reason: str) -> None:
    retry = "Retry(total=4, connect=None, read=None, redirect=None, status=None)"
    retrying = f"WARNING: Retrying ({retry}) after connection broken by {error}: /simple/alembic/"

    first_line = cause_of_failure([retrying, *_NOTHING_FOUND]).splitlines()[0]

    assert first_line == f"The package index cannot be reached: {reason}"


@pytest.mark.parametrize(
    "failure",
    [
        "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. ...",
        "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
    ],
)
def test_a_connection_that_recovered_is_not_blamed_for_a_later_failure(failure: str) -> None:
    retrying = "WARNING: Retrying (Retry(total=4)) after connection broken by 'ReadTimeoutError('x')': /simple/alembic/"

    message = cause_of_failure([retrying, "Collecting alembic==1.20.1", "  Downloading alembic.whl (270 kB)", failure])

    assert message.startswith("The packages could not be installed.")
    assert failure in message


def test_a_package_that_the_index_lacks_is_named_with_what_pip_said() -> None:
    message = cause_of_failure(_NOTHING_FOUND)

    assert message.startswith("The package index has no wheel of alembic==1.20.1 for Python ")
    assert _NOTHING_FOUND[0] in message


def test_progress_counts_what_is_for_this_machine_alone() -> None:
    progress = Progress(locked=3)

    lines = [
        progress.after("Ignoring colorama: markers 'sys_platform == \"win32\"' don't match your environment"),
        progress.after("Collecting alembic==1.20.1 (from -r requirements-dev.txt (line 5))"),
        progress.after("Processing /wheels/babel-2.18.0-py3-none-any.whl (from -r requirements-dev.txt (line 138))"),
        progress.after("Installing collected packages: alembic, babel"),
    ]

    assert lines == [None, "  1 of 2: alembic==1.20.1", None, "  2 of 2: all downloaded, unpacking them"]


def test_an_entry_is_read_with_its_extras_marker_and_hashes(tmp_path: Path) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text(
        "Made_Up[a,b]==1.0 ; python_version < '4' \\\n    --hash=sha256:1 \\\n    --hash=sha256:2\n    # via x\n"
    )

    assert locked_in(lock) == [
        ("made-up", frozenset({"a", "b"}), "1.0", "python_version < '4'", ("sha256:1", "sha256:2"))
    ]

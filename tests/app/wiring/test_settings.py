"""A process that lacks a setting stops at once, names the setting, and shows no value."""

import base64
import os
import subprocess
import sys

import pytest

from app.wiring.settings import WebSettings
from app.wiring.tools import tools_from
from runtime.environ import Environment
from runtime.replica import replica_of
from tests.support.paths import ROOT
from workers.wiring.settings import WorkerSettings

KEY = base64.urlsafe_b64encode(b"k" * 32).decode()
GOOD = {
    "DATABASE_URL": "postgresql://revmap:hidden@database/revmap",
    "REDIS_URL": "redis://:hidden@redis/0",
    "STRIPE_WEBHOOK_SECRETS": "whsec_hidden_1,whsec_hidden_2",
    "STRIPE_SECRET_KEY": "sk_hidden",
    "APP_SECRET_KEY": "hidden" * 6,
    "ENCRYPTION_KEYS": KEY,
}


def refusal_of(variables: dict[str, str], capsys: pytest.CaptureFixture[str]) -> str:
    """Return what a process prints on stderr when it stops because of its settings."""
    with pytest.raises(SystemExit) as stopped:
        WebSettings.from_environ(Environment(variables))
    output = capsys.readouterr()
    assert stopped.value.code == 2
    assert output.out == ""
    assert "hidden" not in output.err
    return output.err


def test_all_settings_are_read() -> None:
    settings = WebSettings.from_environ(Environment(GOOD | {"PUBLIC_URL": "https://books.example"}))

    assert settings.webhook_secrets == ("whsec_hidden_1", "whsec_hidden_2")
    assert settings.address.origin == "https://books.example"
    assert WebSettings.from_environ(Environment(GOOD)).address.origin == "http://127.0.0.1:8000"


def test_people_make_companies_of_their_own_only_where_that_is_open(capsys: pytest.CaptureFixture[str]) -> None:
    open_to = {
        sign_up: WebSettings.from_environ(Environment(GOOD | {"SIGN_UP": sign_up})).is_sign_up_open
        for sign_up in ("", "invited", "open")
    }

    assert open_to == {"": False, "invited": False, "open": True}
    assert "SIGN_UP" in refusal_of(GOOD | {"SIGN_UP": "hidden"}, capsys)


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("blank", [None, "", " ", "\t\n"])
def test_a_missing_or_blank_variable_stops_the_process_with_its_name(
    name: str, blank: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    variables = {key: value for key, value in GOOD.items() if key != name} | ({name: blank} if blank else {})

    message = refusal_of(variables, capsys)

    assert name in message
    assert not [other for other in GOOD if other != name and other in message]


@pytest.mark.parametrize("name", ["APP_SECRET_KEY", "METRICS_TOKEN"])
def test_a_secret_that_could_be_guessed_stops_the_process_and_tells_how_to_make_one(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told = refusal_of(GOOD | {name: "hidden" * 2}, capsys)

    assert f"{name} is shorter than 16 bytes. Make one: python -c" in told
    WebSettings.from_environ(Environment(GOOD | {name: "h" * 16}))


def test_roles_are_given_up_only_by_their_own_word(capsys: pytest.CaptureFixture[str]) -> None:
    words = {word: WebSettings.from_environ(Environment(GOOD | {"DATABASE_ROLES": word})) for word in ("", "none")}

    assert [settings.has_roles for settings in words.values()] == [True, False]
    assert "DATABASE_ROLES is neither" in refusal_of(GOOD | {"DATABASE_ROLES": "hidden"}, capsys)


def test_a_pooler_is_named_by_its_own_word(capsys: pytest.CaptureFixture[str]) -> None:
    words = {
        word: WebSettings.from_environ(Environment(GOOD | {"DATABASE_POOLER": word})) for word in ("", "transaction")
    }

    assert [settings.is_pooled for settings in words.values()] == [False, True]
    assert "DATABASE_POOLER is neither" in refusal_of(GOOD | {"DATABASE_POOLER": "hidden"}, capsys)


def test_a_replica_is_beside_the_engines_of_reads_if_it_is_set() -> None:
    url = "postgresql://revmap:hidden@replica/revmap"
    alone, beside = (
        tools_from(WebSettings.from_environ(Environment(GOOD | more))) for more in ({}, {"DATABASE_REPLICA_URL": url})
    )

    assert [replica_of(engine) for engine in (alone.engine, alone.exports)] == [None, None]
    replicas = [replica_of(engine) for engine in (beside.engine, beside.exports)]
    assert [one and one.engine.url.host for one in replicas] == ["replica", "replica"]
    assert [beside.engine.url.host, beside.exports.url.host] == ["database", "database"]


def test_everything_that_is_missing_is_named_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    message = refusal_of({}, capsys)

    assert all(name in message for name in GOOD)


@pytest.mark.parametrize("name", ["STRIPE_WEBHOOK_SECRETS", "ENCRYPTION_KEYS"])
@pytest.mark.parametrize("items", ["{},", ",{}", "{}, ,{}", ",", " , "])
def test_a_blank_item_of_a_list_stops_the_process(name: str, items: str, capsys: pytest.CaptureFixture[str]) -> None:
    # Anybody could sign with an empty secret.
    assert name in refusal_of(GOOD | {name: items.replace("{}", GOOD[name].split(",")[0])}, capsys)


@pytest.mark.parametrize(
    "key",
    [
        "hidden",
        base64.urlsafe_b64encode(b"k" * 31).decode(),
        base64.urlsafe_b64encode(b"k" * 33).decode(),
        KEY[:-4] + "é" + KEY[-3:],
        KEY[:10] + " " + KEY[10:],
        "k" * 32,
    ],
)
def test_an_invalid_data_key_stops_the_process(key: str, capsys: pytest.CaptureFixture[str]) -> None:
    message = refusal_of(GOOD | {"ENCRYPTION_KEYS": f"{KEY},{key}"}, capsys)

    assert "ENCRYPTION_KEYS: key 2" in message
    assert key not in message
    assert KEY not in message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "hidden"),
        ("DATABASE_URL", "mysql://revmap:hidden@database/revmap"),
        ("DATABASE_URL", "postgresql://revmap:hidden@database:none/revmap"),
        ("DATABASE_URL", "postgresql://"),
        ("DATABASE_REPLICA_URL", "hidden"),
        ("REDIS_URL", "hidden"),
        ("REDIS_URL", "https://hidden"),
        ("STRIPE_API_BASE", "hidden"),
        ("STRIPE_CONNECT_BASE", "hidden://connect"),
        ("SYNC_INTERVAL_SECONDS", "0"),
        ("SYNC_INTERVAL_SECONDS", "9" * 20),
        ("SYNC_INTERVAL_SECONDS", "9" * 5000),
    ],
)
def test_a_value_that_cannot_be_used_stops_the_process_with_its_name(
    name: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert name in refusal_of(GOOD | {name: value}, capsys)

    if name not in ("STRIPE_CONNECT_BASE", "DATABASE_REPLICA_URL"):
        with pytest.raises(SystemExit):
            WorkerSettings.from_environ(Environment(GOOD | {name: value}))
        message = capsys.readouterr().err
        assert name in message
        assert "hidden" not in message


@pytest.mark.parametrize(
    "url",
    [
        "postgres://revmap:a:b@database:5432/revmap",
        "postgresql://revmap@/revmap?host=/run/postgresql",
        "postgresql+psycopg://revmap@[::1]:5432/revmap",
        "postgresql://[::1]/revmap",
    ],
)
def test_every_address_of_postgresql_is_taken(url: str) -> None:
    assert WebSettings.from_environ(Environment(GOOD | {"DATABASE_URL": url})).database_url == url


@pytest.mark.parametrize(
    ("name", "value"), [("PORT", "hidden"), ("PORT", "99999"), ("PORT", "-1"), ("WEB_CONCURRENCY", "0")]
)
def test_gunicorn_stops_with_2_at_a_number_it_cannot_use(name: str, value: str) -> None:
    stopped = subprocess.run(
        [sys.executable, "-m", "gunicorn", "wsgi:app"],
        cwd=ROOT,
        env=dict(os.environ) | GOOD | {name: value},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )

    assert (stopped.returncode, stopped.stdout) == (2, "")
    assert stopped.stderr == f"revmap cannot start: {name} is not a whole number from {bounds_of(name)}\n"


def bounds_of(name: str) -> str:
    return {"PORT": "0 to 65535", "WEB_CONCURRENCY": "1 to 1000"}[name]


def test_several_data_keys_are_taken_with_or_without_padding() -> None:
    WebSettings.from_environ(Environment(GOOD | {"ENCRYPTION_KEYS": f"{KEY}, {KEY.rstrip('=')}"}))


def test_settings_do_not_show_their_secrets() -> None:
    assert "hidden" not in repr(WorkerSettings.from_environ(Environment(GOOD)))
    assert "hidden" not in repr(WebSettings.from_environ(Environment(GOOD)))


def test_the_web_process_stops_with_2_when_it_is_not_configured() -> None:
    environment = {name: value for name, value in os.environ.items() if name not in GOOD}
    environment |= {name: value for name, value in GOOD.items() if name != "APP_SECRET_KEY"}

    stopped = subprocess.run(
        [sys.executable, "-c", "import wsgi"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )

    assert stopped.returncode == 2
    assert "APP_SECRET_KEY" in stopped.stderr
    assert "hidden" not in stopped.stderr + stopped.stdout


@pytest.fixture(scope="module")
def listed() -> subprocess.CompletedProcess[str]:
    """Return what listing the web process's routes printed, and on stderr the modules that it loaded."""
    return subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "flask", "--app", "wsgi", "routes"],
        cwd=ROOT,
        env=os.environ | GOOD,
        capture_output=True,
        text=True,
        timeout=50,
        check=True,
    )


def test_flasks_own_commands_see_the_routes_of_the_web_process(listed: subprocess.CompletedProcess[str]) -> None:
    assert "/webhooks/stripe" in listed.stdout


def test_the_web_process_loads_neither_what_migrates_nor_commands_nor_a_provider_that_it_does_not_have(
    listed: subprocess.CompletedProcess[str],
) -> None:
    loaded = {line.rpartition("|")[2].strip() for line in listed.stderr.splitlines()}

    assert {"app.factory", "migrations.steps", "app.wiring.identity_provider"} <= loaded
    assert not {"alembic", "authlib", "commands.terminal"} & loaded


def test_the_masters_settings_import_no_module_that_waits_on_sockets() -> None:
    # Modules that wait on sockets must be imported in the workers, after gevent has patched sockets.
    modules = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, app.wiring.settings; print(*{name.partition('.')[0] for name in sys.modules})",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=50,
        check=True,
    ).stdout.split()

    assert {"runtime", "tenants"} <= set(modules)
    assert not {"psycopg", "sqlalchemy", "redis", "requests", "ssl", "stripe", "threading"}.intersection(modules)

"""Check before the first request that the database's roles are there and every sealed secret can be opened."""

import logging
import sys

from sqlalchemy.exc import SQLAlchemyError

from app.wiring.settings import WebSettings
from notices.resealing import sealed_under
from runtime.database import acting_as, open_engine
from runtime.environ import EXIT_MISCONFIGURED
from runtime.logs import log_as_json
from runtime.role_check import refuse_missing_roles
from runtime.roles import OF_WEB, WEB
from tenants.people.factor_sealing import keys_of_second_factors
from tenants.secrets import SecretBox, key_ids_in_use

_log = logging.getLogger(__name__)


def refuse_unknown_keys(settings: WebSettings) -> None:
    """Exit if a secret is sealed under a key that the process does not have. Without a database, only log a warning.

    :raises SystemExit: code 2, naming the ids of the missing keys
    """
    engine = open_engine(settings.database_url, name="key-check", pool_size=1, is_pooled=settings.is_pooled)
    acting_as(engine, WEB, has_roles=settings.has_roles)
    try:
        with engine.connect() as connection:
            in_use = {*key_ids_in_use(connection), *sealed_under(connection), *keys_of_second_factors(connection)}
            missing = in_use - SecretBox(settings.data_keys).key_ids
    except SQLAlchemyError as error:
        # The database or its schema does not exist yet: each secret is then checked when it is used.
        _log.warning("keys not checked", extra={"error": type(error).__name__})
        return
    finally:
        engine.dispose()
    if missing:
        lacking = f"ENCRYPTION_KEYS lacks the keys {', '.join(sorted(missing))}"
        sys.stderr.write(f"revmap cannot start: {lacking}. If they are lost, see: flask secrets status\n")
        sys.exit(EXIT_MISCONFIGURED)


def check() -> None:
    """Check roles and keys by the settings in the environment.

    :raises SystemExit: code 2, saying what is missing
    """
    log_as_json()
    settings = WebSettings.from_environ()
    refuse_missing_roles(settings.database_url, OF_WEB, has_roles=settings.has_roles, is_pooled=settings.is_pooled)
    refuse_unknown_keys(settings)

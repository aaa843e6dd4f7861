"""A data key can be replaced without losing endpoints' secrets or e-mails that wait."""

import pytest
from sqlalchemy import Engine

from notices.endpoint_secrets import NoSecretError, new_secret, signing_secrets
from notices.mail import claim_letters, queue_mail
from notices.resealing import reseal_some, sealed_under
from tenants.data_keys import key_id
from tenants.secrets import SecretBox, UnknownDataKeyError
from tests.support.clock import NOON
from tests.support.company import company_with
from tests.support.endpoints import new_endpoint

OLD, NEW = b"o" * 32, b"n" * 32


def test_secrets_and_waiting_emails_are_resealed_under_the_newest_key(engine: Engine) -> None:
    company_id = company_with(engine, "acct_zed")
    endpoint_id, _ = new_endpoint(engine, company_id, "https://zed.test")
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM webhook_secret")
        secret = new_secret(connection, SecretBox([OLD]), company_id, endpoint_id, now=NOON)
        for company in (company_id, None):
            queue_mail(
                connection, SecretBox([OLD]), company_id=company, to="a@zed.test", subject="x", text="y", now=NOON
            )
        assert sealed_under(connection) == [key_id(OLD)]

    with engine.begin() as connection:
        assert reseal_some(connection, SecretBox([NEW, OLD])) == 3
        assert reseal_some(connection, SecretBox([NEW, OLD])) == 0
        assert sealed_under(connection) == [key_id(NEW)]
        assert signing_secrets(connection, SecretBox([NEW]), endpoint_id, now=NOON) == [secret]

    assert [one.open(SecretBox([NEW])) for one in claim_letters(engine, now=NOON)] == [("x", "y"), ("x", "y")]


def test_an_endpoint_whose_secret_was_lost_signs_with_the_next_one(engine: Engine) -> None:
    company_id = company_with(engine, "acct_zed")
    endpoint_id, _ = new_endpoint(engine, company_id, "https://zed.test")
    box = SecretBox([NEW])

    with engine.begin() as connection:
        with pytest.raises(UnknownDataKeyError):
            signing_secrets(connection, box, endpoint_id, now=NOON)
        secret = new_secret(connection, box, company_id, endpoint_id, now=NOON)
        assert signing_secrets(connection, box, endpoint_id, now=NOON) == [secret]
        connection.exec_driver_sql("DELETE FROM webhook_secret")
        with pytest.raises(NoSecretError):
            signing_secrets(connection, box, endpoint_id, now=NOON)

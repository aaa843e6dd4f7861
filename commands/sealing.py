"""Read the keys that seal secrets, for the commands that need them."""

from runtime.environ import Environment
from tenants.data_keys import data_keys_from
from tenants.secrets import SecretBox


def secret_box() -> SecretBox:
    """Return what seals with the keys in ENCRYPTION_KEYS.

    :raises SystemExit: code 2, if they are missing or unusable
    """
    environment = Environment.of_process()
    keys = data_keys_from(environment, environment.required_list("ENCRYPTION_KEYS"))
    environment.refuse_if_incomplete()
    return SecretBox(keys)


def mail_box() -> SecretBox | None:
    """Return what seals e-mails, or None if no mail server is set; errors as in `secret_box`."""
    return secret_box() if Environment.of_process().optional("SMTP_URL") else None

"""A keyring that needs no database."""

from events.connection.accounts import Account
from stripe_gateway.credentials import Credentials


class PlatformKeyring:
    """Reads every account with the platform's key, through Connect."""

    def __init__(self, platform_key: str) -> None:
        self._platform_key = platform_key

    def of(self, account: Account) -> Credentials:
        """Return the platform's key and the account's id."""
        return Credentials(self._platform_key, account.account_id)

    def forget(self, account: Account) -> None:
        """Do nothing: the platform's key is fixed for the process."""

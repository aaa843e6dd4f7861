"""The settings that the demo generates and must keep: its secrets, and the end of its simulated history."""

import base64
import json
import os
import secrets
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from sandbox.stripe.account.platform import SimulatedStripe

SIMULATED_ACCOUNT_SEED = 1


@dataclass(slots=True)
class DemoSettings:
    """The demo's settings, kept in a file that only its owner may read. `until` is a Unix second."""

    path: Path
    app_secret_key: str
    encryption_key: str
    webhook_secret: str
    until: int
    company_id: int | None = None
    api_key: str | None = None
    password: str = field(default_factory=lambda: secrets.token_urlsafe(12))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the settings from the file, or generate and save them."""
        if path.exists():
            return cls(path=path, **json.loads(path.read_text()))
        settings = cls(
            path=path,
            app_secret_key=secrets.token_urlsafe(32),
            encryption_key=base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            webhook_secret=f"whsec_{secrets.token_hex(16)}",
            until=int(time.time()),
        )
        settings.save()
        return settings

    def save(self) -> None:
        """Write the settings to the file."""
        saved = {name: value for name, value in asdict(self).items() if name != "path"}
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(saved, file, indent=2)

    def environment(self) -> dict[str, str]:
        """Return default environment variables for the product's processes."""
        return {
            "APP_SECRET_KEY": self.app_secret_key,
            "ENCRYPTION_KEYS": self.encryption_key,
            "STRIPE_WEBHOOK_SECRETS": self.webhook_secret,
        }


def simulated_stripe_environment(saved: DemoSettings, stripe_port: int, web_port: int) -> dict[str, str]:
    """Return the environment variables that make the product use the simulated Stripe."""
    stripe = SimulatedStripe(lambda: saved.until, seed=SIMULATED_ACCOUNT_SEED)
    base = f"http://127.0.0.1:{stripe_port}"
    return {
        "STRIPE_SECRET_KEY": stripe.platform_key(livemode=True),
        "STRIPE_CLIENT_ID": stripe.client_id(livemode=True),
        "STRIPE_WEBHOOK_SECRETS": saved.webhook_secret,
        "STRIPE_API_BASE": base,
        "STRIPE_CONNECT_BASE": base,
        "PUBLIC_URL": f"http://127.0.0.1:{web_port}",
        "OUTBOUND_WEBHOOKS": "any",
    }

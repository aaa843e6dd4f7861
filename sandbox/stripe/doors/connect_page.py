"""The page on which a person chooses the account to connect. Plain HTML without scripts."""

from collections.abc import Iterable, Mapping
from html import escape

from sandbox.stripe.account.accounts import Account

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Connect to {platform} · simulated Stripe</title>
<style>
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 36rem; margin: 3rem auto; padding: 0 1rem; }}
fieldset {{ border: 1px solid #767676; border-radius: .5rem; padding: 1rem; }}
label {{ display: block; padding: .25rem 0; }}
code {{ overflow-wrap: anywhere; }}
button {{ font: inherit; padding: .5rem 1rem; margin: 1rem .5rem 0 0; }}
</style>
</head>
<body>
<main>
<h1>Connect an account to {platform}</h1>
<p>This is a simulated Stripe: nothing here is real. {platform} asks for <strong>{scope}</strong> access
in <strong>{mode} mode</strong>.</p>
<form method="post" action="/oauth/authorize">
{hidden}
<fieldset>
<legend>Which account?</legend>
{choices}
</fieldset>
<button type="submit" name="decision" value="agree">Connect this account</button>
<button type="submit" name="decision" value="refuse" formnovalidate>Refuse</button>
</form>
<p>You go back to <code>{redirect_uri}</code>, with the state <code>{state}</code>.</p>
</main>
</body>
</html>
"""
_HIDDEN_FIELDS = ("response_type", "client_id", "scope", "redirect_uri", "state")


def authorize_page(accounts: Iterable[Account], parameters: Mapping[str, str], *, platform: str, livemode: bool) -> str:
    """Return the page: a form with a choice per account, and a button to refuse."""
    hidden = "\n".join(
        f'<input type="hidden" name="{name}" value="{escape(parameters[name])}">'
        for name in _HIDDEN_FIELDS
        if name in parameters
    )
    choices = "\n".join(_choice(account, checked=place == 0) for place, account in enumerate(accounts))
    return _PAGE.format(
        platform=escape(platform),
        scope=escape(parameters.get("scope", "read_only")),
        mode="live" if livemode else "test",
        hidden=hidden,
        choices=choices,
        redirect_uri=escape(parameters.get("redirect_uri", "")),
        state=escape(parameters.get("state", "")),
    )


def _choice(account: Account, *, checked: bool) -> str:
    value, mark = escape(account.id), " checked" if checked else ""
    button = f'<input type="radio" name="account" value="{value}" required{mark}>'
    return f"<label>{button} {escape(account.name)} <code>{value}</code></label>"

"""Stripe Apps with OAuth: a page to install the app, access tokens for one hour, single-use refresh tokens.

https://docs.stripe.com/stripe-apps/api-authentication/oauth
"""

from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from sandbox.stripe.account.platform import Access, SimulatedStripe
from sandbox.stripe.doors.connect_page import authorize_page
from sandbox.stripe.http.access import key_from_request
from sandbox.stripe.http.errors import ApiError, invalid_key, missing, no_key
from sandbox.stripe.http.messages import Answer, Request, json_answer
from sandbox.stripe.records.ids import token

PERMISSIONS = frozenset(
    {"rak_invoice_read", "rak_customer_read", "rak_subscription_read", "rak_product_read", "rak_plan_read"}
)
_CODE_SECONDS = 300
_ACCESS_TOKEN_SECONDS = 3_600
_REFRESH_TOKEN_SECONDS = 365 * 86_400


@dataclass(frozen=True, slots=True)
class _Grant:
    """The account and mode that a code or a refresh token gives access to, and its expiry (Unix seconds)."""

    account_id: str
    livemode: bool
    until: int


class Apps:
    """The handler of `/oauth/v2/*`, `/v1/oauth/token` and `/v1/apps/installs`. `exchanges` counts exchanged codes."""

    def __init__(self, stripe: SimulatedStripe) -> None:
        self.exchanges = 0
        self._stripe = stripe
        self._codes: dict[str, _Grant] = {}
        self._refresh_tokens: dict[str, _Grant] = {}
        self._made = 0

    def concerns(self, path: str) -> bool:
        """Return whether this handler answers a path."""
        return path.startswith(("/oauth/v2/", "/v1/apps/installs")) or path == "/v1/oauth/token"

    def answer(self, request: Request) -> Answer:
        """Answer a request.

        :raises ApiError: Stripe refuses it
        """
        match request.method, request.path.strip("/").split("/"):
            case "GET", ["oauth", "v2", "authorize"]:
                return self._page(dict(request.query))
            case "POST", ["oauth", "v2", "authorize"]:
                return self._decide(dict(request.query) | request.form)
            case "POST", ["v1", "oauth", "token"]:
                return self._tokens(request, self._developer(request))
            case "GET", ["v1", "apps", "installs"]:
                return self._installs(request, self._developer(request))
            case "POST", ["v1", "apps", "installs", install_id, "uninstall"]:
                return self._uninstall(install_id, self._developer(request))
            case _:
                raise ApiError(404, f"Unrecognized request URL ({request.method}: {request.path}).")

    def _page(self, parameters: dict[str, str]) -> Answer:
        livemode = self._mode(parameters)
        accounts = [account for account in self._stripe.accounts.values() if account is not self._stripe.platform]
        page = authorize_page(accounts, parameters, platform=self._stripe.platform.name, livemode=livemode)
        page = page.replace('action="/oauth/authorize"', 'action="/oauth/v2/authorize"')
        return Answer(200, page.encode(), {"Content-Type": "text/html; charset=utf-8"})

    def _decide(self, parameters: dict[str, str]) -> Answer:
        livemode, account_id = self._mode(parameters), parameters.get("account", "")
        result = {"state": parameters["state"]} if "state" in parameters else {}
        if account_id in self._stripe.accounts and parameters.get("decision") != "refuse":
            code = f"ac_{self._new('app code')}"
            self._codes[code] = _Grant(account_id, livemode, self._stripe.clock() + _CODE_SECONDS)
            result = {"code": code} | result
        else:
            result = {"error": "access_denied", "error_description": "The user denied your request"} | result
        split = urlsplit(parameters["redirect_uri"])
        location = urlunsplit(split._replace(query=urlencode([*parse_qsl(split.query), *result.items()])))
        return Answer(303, b"", {"Location": location})

    def _tokens(self, request: Request, developer: Access) -> Answer:
        form, now = request.form, self._stripe.clock()
        kind = form.get("grant_type", "")
        grants = {"authorization_code": self._codes, "refresh_token": self._refresh_tokens}.get(kind)
        if grants is None:
            return _refused("unsupported_grant_type", f"grant type '{kind}' not supported")
        # A code or a refresh token is valid once, so the exchange removes it.
        grant = grants.pop(form.get("code" if kind == "authorization_code" else "refresh_token", ""), None)
        if grant is None or grant.until <= now or grant.livemode != developer.livemode:
            return _refused("invalid_grant", "The code or refresh token does not exist, was used, or has expired")
        if kind == "authorization_code":
            self.exchanges += 1
            self._stripe.connect(grant.account_id, livemode=grant.livemode)
        elif (grant.account_id, grant.livemode) not in self._stripe.connections:
            return _refused("invalid_grant", "The app is not installed on the account any more")
        mode = "live" if grant.livemode else "test"
        access_token, refresh_token = f"sk_{mode}_{self._new('app token')}", f"rt_{self._new('app refresh')}"
        self._stripe.keys[access_token] = Access(grant.account_id, grant.livemode, PERMISSIONS)
        self._stripe.key_expiries[access_token] = now + _ACCESS_TOKEN_SECONDS
        until = now + _REFRESH_TOKEN_SECONDS
        self._refresh_tokens[refresh_token] = _Grant(grant.account_id, grant.livemode, until)
        return json_answer(
            {
                "access_token": access_token,
                "livemode": grant.livemode,
                "refresh_token": refresh_token,
                "scope": "stripe_apps",
                "stripe_publishable_key": f"pk_{mode}_{token('pk', grant.account_id, mode, length=24)}",
                "stripe_user_id": grant.account_id,
                "token_type": "bearer",
            }
        )

    def _installs(self, request: Request, developer: Access) -> Answer:
        wanted = dict(request.query).get("account")
        data = [
            {"id": _install_id(account_id), "object": "apps.install", "account": account_id, "livemode": livemode}
            for account_id, livemode in sorted(self._stripe.connections)
            if livemode == developer.livemode and wanted in {None, account_id}
        ]
        return json_answer({"object": "list", "url": request.path, "has_more": False, "data": data})

    def _uninstall(self, install_id: str, developer: Access) -> Answer:
        for account_id, livemode in sorted(self._stripe.connections):
            if livemode == developer.livemode and _install_id(account_id) == install_id:
                self._stripe.disconnect(account_id, livemode=livemode)
                return json_answer({"id": install_id, "object": "apps.install", "account": account_id})
        raise missing("install", install_id, param="install")

    def _mode(self, parameters: dict[str, str]) -> bool:
        client_id = parameters.get("client_id")
        for livemode in (True, False):
            if client_id == self._stripe.client_id(livemode=livemode):
                return livemode
        raise ApiError(400, f"No application matches the supplied client identifier: {client_id}")

    def _developer(self, request: Request) -> Access:
        key = key_from_request(request)
        if key is None:
            raise no_key()
        access = self._stripe.keys.get(key)
        if access is None or access.account_id != self._stripe.platform.id:
            raise invalid_key(key)
        return access

    def _new(self, kind: str) -> str:
        self._made += 1
        return token(self._stripe.seed, kind, self._made, length=32)


def _install_id(account_id: str) -> str:
    return f"appinst_{token('install', account_id, length=16)}"


def _refused(error: str, description: str) -> Answer:
    return json_answer({"error": error, "error_description": description}, 400)

"""Connect: a page on which an account's owner agrees or refuses, codes good for one use, and disconnection."""

from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from sandbox.stripe.account.platform import Access, SimulatedStripe
from sandbox.stripe.doors.connect_page import authorize_page
from sandbox.stripe.http.access import key_from_request
from sandbox.stripe.http.errors import invalid_key, no_key
from sandbox.stripe.http.messages import Answer, Request, json_answer
from sandbox.stripe.records.ids import token

_CODE_SECONDS = 300
_SCOPES = ("read_only", "read_write")


@dataclass(slots=True)
class _Code:
    account_id: str
    livemode: bool
    scope: str
    issued_at: int
    used: bool = False


class _RefusedError(Exception):
    """An OAuth error: the code that is its first argument, then words."""

    def __init__(self, error: str, description: str, *, status: int = 400) -> None:
        super().__init__(description)
        self.error = error
        self.status = status


class Connect:
    """Answers `/oauth/*`. `redirect_uris` are registered; without any, every one is accepted.

    `exchanges` counts the codes that were swapped for a connection.
    """

    def __init__(self, stripe: SimulatedStripe, redirect_uris: tuple[str, ...] = ()) -> None:
        self.redirect_uris = redirect_uris
        self.exchanges = 0
        self._stripe = stripe
        self._codes: dict[str, _Code] = {}

    def answer(self, request: Request) -> Answer:
        """Answer one request.

        :raises ApiError: no key, or one nobody has
        """
        asked = dict(request.query)
        try:
            match request.method, request.path:
                case "GET", "/oauth/authorize":
                    return self._authorize(asked)
                case "POST", "/oauth/authorize":
                    return self._decide(asked | request.form)
                case "POST", "/oauth/token":
                    return self._exchange(request)
                case "POST", "/oauth/deauthorize":
                    return self._deauthorize(request)
                case _:
                    return json_answer({"error": "invalid_request", "error_description": "No such page"}, 404)
        except _RefusedError as refused:
            body = {"error": refused.error, "error_description": str(refused)}
            return json_answer(body | ({"state": asked["state"]} if "state" in asked else {}), refused.status)

    def issue_code(self, account_id: str, *, livemode: bool, scope: str = "read_write") -> str:
        """Give a code as if the account's owner had agreed, for tests that need no page."""
        code = f"ac_{token(self._stripe.seed, 'code', len(self._codes), length=32)}"
        self._codes[code] = _Code(account_id, livemode, scope, self._stripe.clock())
        return code

    def _authorize(self, asked: dict[str, str]) -> Answer:
        livemode = self._checked(asked)
        accounts = [account for account in self._stripe.accounts.values() if account is not self._stripe.platform]
        page = authorize_page(accounts, asked, platform=self._stripe.platform.name, livemode=livemode)
        return Answer(200, page.encode(), {"Content-Type": "text/html; charset=utf-8"})

    def _decide(self, asked: dict[str, str]) -> Answer:
        livemode = self._checked(asked)
        scope = asked.get("scope", "read_only")
        told = {"state": asked["state"]} if "state" in asked else {}
        account_id = asked.get("account", "")
        if account_id in self._stripe.accounts and asked.get("decision") != "refuse":
            told = {"scope": scope, "code": self.issue_code(account_id, livemode=livemode, scope=scope)} | told
        else:
            told = {"error": "access_denied", "error_description": "The user denied your request"} | told
        return Answer(303, b"", {"Location": _with_query(self._redirect_uri(asked), told)})

    def _checked(self, asked: dict[str, str]) -> bool:
        """Refuse what Stripe does not even show a page for; give the mode of the client id."""
        if asked.get("response_type") != "code":
            raise _RefusedError("unsupported_response_type", "response_type must be 'code'")
        modes = {self._stripe.client_id(livemode=livemode): livemode for livemode in (True, False)}
        if asked.get("client_id") not in modes:
            raise _RefusedError(
                "invalid_request", f"No application matches the supplied client identifier: {asked.get('client_id')}"
            )
        if asked.get("scope", "read_only") not in _SCOPES:
            raise _RefusedError("invalid_scope", f"Invalid scope provided: {asked['scope']}")
        self._redirect_uri(asked)
        return modes[asked["client_id"]]

    def _redirect_uri(self, asked: dict[str, str]) -> str:
        uri = asked.get("redirect_uri") or next(iter(self.redirect_uris), "")
        if not uri or (self.redirect_uris and uri not in self.redirect_uris):
            message = (
                f"Invalid redirect URI '{uri}'. Ensure this URI exactly matches one of the URIs specified in your "
                "application settings."
            )
            raise _RefusedError("invalid_redirect_uri", message)
        return uri

    def _exchange(self, request: Request) -> Answer:
        access = self._platform_access(request)
        form = request.form
        if form.get("grant_type") != "authorization_code":
            raise _RefusedError("unsupported_grant_type", f"grant type '{form.get('grant_type')}' not supported")
        code = self._codes.get(form.get("code", ""))
        if code is None:
            raise _RefusedError("invalid_grant", f"Authorization code does not exist: {form.get('code')}")
        if code.livemode != access.livemode:
            raise _RefusedError("invalid_grant", "Authorization code was issued in the other mode than the key's")
        if code.used:
            # As Stripe does: whoever swaps a code twice may have stolen it, so nobody keeps what it gave.
            self._stripe.disconnect(code.account_id, livemode=code.livemode)
            raise _RefusedError(
                "invalid_grant",
                "This authorization code has already been used. All tokens issued with it have been revoked.",
            )
        if self._stripe.clock() - code.issued_at > _CODE_SECONDS:
            raise _RefusedError("invalid_grant", "Authorization code expired")
        code.used = True
        self.exchanges += 1
        self._stripe.connect(code.account_id, livemode=code.livemode)
        return json_answer(self._tokens(code))

    def _tokens(self, code: _Code) -> dict[str, object]:
        mode = "live" if code.livemode else "test"
        return {
            "access_token": self._stripe.accounts[code.account_id].secret_key(livemode=code.livemode),
            "livemode": code.livemode,
            "refresh_token": f"rt_{token('refresh', code.account_id, mode, length=32)}",
            "scope": code.scope,
            "stripe_publishable_key": f"pk_{mode}_{token('pk', code.account_id, mode, length=24)}",
            "stripe_user_id": code.account_id,
            "token_type": "bearer",
        }

    def _deauthorize(self, request: Request) -> Answer:
        access = self._platform_access(request)
        form = request.form
        account_id = form.get("stripe_user_id", "")
        mine = form.get("client_id") == self._stripe.client_id(livemode=access.livemode)
        if not mine or (account_id, access.livemode) not in self._stripe.connections:
            message = (
                f"This application is not connected to stripe account {account_id}, or that account does not exist."
            )
            raise _RefusedError("invalid_client", message, status=401)
        self._stripe.disconnect(account_id, livemode=access.livemode)
        return json_answer({"stripe_user_id": account_id})

    def _platform_access(self, request: Request) -> Access:
        key = key_from_request(request) or request.form.get("client_secret")
        if key is None:
            raise no_key()
        access = self._stripe.keys.get(key)
        if access is None or access.account_id != self._stripe.platform.id:
            raise invalid_key(key)
        return access


def _with_query(uri: str, added: dict[str, str]) -> str:
    split = urlsplit(uri)
    return urlunsplit(split._replace(query=urlencode([*parse_qsl(split.query), *added.items()])))

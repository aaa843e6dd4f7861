"""Connect: a page on which an account's owner agrees or refuses, single-use codes, and disconnection."""

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
    """An OAuth error. `error` is its code."""

    def __init__(self, error: str, description: str, *, status: int = 400) -> None:
        super().__init__(description)
        self.error = error
        self.status = status


class Connect:
    """The handler of `/oauth/*`. `redirect_uris` are the registered ones; if there are none, any is accepted.

    `exchanges` counts the codes that were exchanged for a connection.
    """

    def __init__(self, stripe: SimulatedStripe, redirect_uris: tuple[str, ...] = ()) -> None:
        self.redirect_uris = redirect_uris
        self.exchanges = 0
        self._stripe = stripe
        self._codes: dict[str, _Code] = {}

    def answer(self, request: Request) -> Answer:
        """Answer a request.

        :raises ApiError: no key, or an unknown one
        """
        query = dict(request.query)
        try:
            match request.method, request.path:
                case "GET", "/oauth/authorize":
                    return self._authorize(query)
                case "POST", "/oauth/authorize":
                    return self._decide(query | request.form)
                case "POST", "/oauth/token":
                    return self._exchange(request)
                case "POST", "/oauth/deauthorize":
                    return self._deauthorize(request)
                case _:
                    return json_answer({"error": "invalid_request", "error_description": "No such page"}, 404)
        except _RefusedError as refused:
            body = {"error": refused.error, "error_description": str(refused)}
            return json_answer(body | ({"state": query["state"]} if "state" in query else {}), refused.status)

    def issue_code(self, account_id: str, *, livemode: bool, scope: str = "read_write") -> str:
        """Return a code as if the account's owner had agreed, for tests that need no page."""
        code = f"ac_{token(self._stripe.seed, 'code', len(self._codes), length=32)}"
        self._codes[code] = _Code(account_id, livemode, scope, self._stripe.clock())
        return code

    def _authorize(self, parameters: dict[str, str]) -> Answer:
        livemode = self._checked(parameters)
        accounts = [account for account in self._stripe.accounts.values() if account is not self._stripe.platform]
        page = authorize_page(accounts, parameters, platform=self._stripe.platform.name, livemode=livemode)
        return Answer(200, page.encode(), {"Content-Type": "text/html; charset=utf-8"})

    def _decide(self, parameters: dict[str, str]) -> Answer:
        livemode = self._checked(parameters)
        scope = parameters.get("scope", "read_only")
        result = {"state": parameters["state"]} if "state" in parameters else {}
        account_id = parameters.get("account", "")
        if account_id in self._stripe.accounts and parameters.get("decision") != "refuse":
            result = {"scope": scope, "code": self.issue_code(account_id, livemode=livemode, scope=scope)} | result
        else:
            result = {"error": "access_denied", "error_description": "The user denied your request"} | result
        return Answer(303, b"", {"Location": _with_query(self._redirect_uri(parameters), result)})

    def _checked(self, parameters: dict[str, str]) -> bool:
        """Refuse parameters for which Stripe shows no page; return the mode of the client id."""
        if parameters.get("response_type") != "code":
            raise _RefusedError("unsupported_response_type", "response_type must be 'code'")
        client_id = parameters.get("client_id", "")
        modes = {self._stripe.client_id(livemode=livemode): livemode for livemode in (True, False)}
        if client_id not in modes:
            raise _RefusedError(
                "invalid_request",
                f"No application matches the supplied client identifier: {parameters.get('client_id')}",
            )
        if parameters.get("scope", "read_only") not in _SCOPES:
            raise _RefusedError("invalid_scope", f"Invalid scope provided: {parameters['scope']}")
        self._redirect_uri(parameters)
        return modes[client_id]

    def _redirect_uri(self, parameters: dict[str, str]) -> str:
        uri = parameters.get("redirect_uri") or next(iter(self.redirect_uris), "")
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
            # As Stripe does: a code that is used twice may be stolen, so its connection ends.
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

"""Read Stripe. The only place that speaks to its API; what it gives are facts for the log, bodies as they came.

`Stripe-Version` is pinned by the SDK, so that an account's own setting never changes what we are answered.
"""

import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import sha256
from typing import NamedTuple, TypeVar

import msgspec
from stripe import RequestsClient, StripeClient, StripeError

from events.log import NewEvent
from events.stripe_envelope import stripe_external_id
from events.stripe_words import (
    CUSTOMER_FETCHED,
    FETCHED_FROM_STRIPE,
    INVOICE_FETCHED,
    INVOICE_LINES_FETCHED,
    PRICE_FETCHED,
)
from workers.fetches import FetchRequest

Shape = TypeVar("Shape")

_TIMEOUT_SECONDS = 20
_RETRIES = 2
_LINES_A_PAGE = 100
# 251 pages of 100 are more lines than Stripe allows an invoice; a cursor that goes round in circles ends here.
_MOST_PAGES = 251


class StripeAnswerError(Exception):
    """Stripe could not be asked, refused, or answered what no answer should be. The message holds no secret."""


class _Answer(NamedTuple):
    body: bytes
    answered_at: datetime
    api_version: str | None


class _Page(msgspec.Struct):
    data: list[msgspec.Raw]
    has_more: bool


class _HasLines(msgspec.Struct):
    lines: _Page | None = None


class _HasId(msgspec.Struct):
    id: str


class StripeGateway:
    """One platform key and the accounts connected to it. Safe to share between threads."""

    def __init__(self, secret_key: str, *, api_base: str) -> None:
        self._client = StripeClient(
            secret_key,
            base_addresses={"api": api_base},
            max_network_retries=_RETRIES,
            http_client=RequestsClient(timeout=_TIMEOUT_SECONDS),
        )

    def fetch(self, request: FetchRequest) -> list[NewEvent]:
        """Fetch what is asked for, as facts stamped with the time Stripe answered.

        :raises StripeAnswerError: nothing usable came
        """
        match request.kind:
            case "price":
                return [
                    self._fact(request, PRICE_FETCHED, "price", self._get(request, f"/v1/prices/{request.object_id}"))
                ]
            case "customer":
                path = f"/v1/customers/{request.object_id}"
                return [self._fact(request, CUSTOMER_FETCHED, "customer", self._get(request, path))]
            case "invoice_lines":
                return [self._lines(request)]
            case "invoice":
                return self._invoice(request)
            case other:
                raise StripeAnswerError(f"there is no way to fetch a {other}")

    def _invoice(self, request: FetchRequest) -> list[NewEvent]:
        answer = self._get(request, f"/v1/invoices/{request.object_id}")
        facts = [self._fact(request, INVOICE_FETCHED, "invoice", answer)]
        lines = _decoded(answer.body, _HasLines).lines
        return [*facts, self._lines(request)] if lines and lines.has_more else facts

    def _lines(self, request: FetchRequest) -> NewEvent:
        # From the start, not from where the embedded page ended: together they could be of two moments.
        path = f"/v1/invoices/{request.object_id}/lines"
        lines: list[bytes] = []
        seen: set[str] = set()
        after: dict[str, str] = {}
        for _ in range(_MOST_PAGES):
            answer = self._get(request, path, limit=_LINES_A_PAGE, **after)
            page = _decoded(answer.body, _Page)
            ids = [_decoded(bytes(line), _HasId).id for line in page.data]
            if seen.intersection(ids) or (page.has_more and not ids):
                raise StripeAnswerError("the pages of the invoice's lines do not fit together")
            seen.update(ids)
            lines += map(bytes, page.data)
            if not page.has_more:
                url = json.dumps(path).encode()
                body = b'{"object":"list","has_more":false,"url":%b,"data":[%b]}' % (url, b",".join(lines))
                return self._fact(request, INVOICE_LINES_FETCHED, "invoice", answer._replace(body=body))
            after = {"starting_after": ids[-1]}
        raise StripeAnswerError("the pages of the invoice's lines do not end")

    def _get(self, request: FetchRequest, path: str, **parameters: object) -> _Answer:
        if request.account_id is None:
            raise StripeAnswerError("the company is connected to no account")
        try:
            response = self._client.raw_request("get", path, stripe_account=request.account_id, **parameters)
        except StripeError as error:
            code = error.code or (error.error and error.error.code)
            raise StripeAnswerError(f"{type(error).__name__} {error.http_status or ''} {code or ''}".strip()) from error
        body = response.body.encode() if isinstance(response.body, str) else bytes(response.body)
        return _Answer(body, _answered_at(response.headers), response.headers.get("stripe-version"))

    def _fact(self, request: FetchRequest, event_type: str, kind: str, answer: _Answer) -> NewEvent:
        identity = (
            f"{kind}:{request.object_id}:{sha256(answer.body).hexdigest()[:32]}:{int(answer.answered_at.timestamp())}"
        )
        return NewEvent(
            type=event_type,
            source=FETCHED_FROM_STRIPE,
            external_id=stripe_external_id(request.account_id, identity, livemode=request.livemode),
            payload=answer.body,
            livemode=request.livemode,
            occurred_at=answer.answered_at,
            entity=f"{kind}:{request.object_id}",
            account_id=request.account_id,
            api_version=answer.api_version,
        )


def _decoded(body: bytes, shape: type[Shape]) -> Shape:
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StripeAnswerError(f"Stripe's answer is not what was asked for: {error}") from error


def _answered_at(headers: dict[str, str]) -> datetime:
    try:
        return parsedate_to_datetime(headers["Date"]).astimezone(UTC)
    except (KeyError, ValueError) as error:
        raise StripeAnswerError("Stripe's answer does not say when it was given") from error

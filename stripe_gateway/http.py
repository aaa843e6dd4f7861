"""HTTP transport for the Stripe SDK: pooled connections, no redirects, and bounded answers.

The SDK's own transports follow redirects and read an answer without a limit of bytes or time.
"""

import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
import stripe
import urllib3
from stripe import APIConnectionError, HTTPClient

MOST_BYTES = 64_000_000

_CONNECT_SECONDS = 5.0
_READ_SECONDS = 10.0
_CHUNK_BYTES = 262_144


class AnswerHeaders(dict[str, str]):
    """The headers of a successful answer, and its body.

    The SDK would parse the body into dictionaries first, 25 ms for a page of invoices. Nobody reads them: we store the
    bytes.
    """

    def __init__(self, headers: Mapping[str, str], body: bytes) -> None:
        super().__init__((name.lower(), value) for name, value in headers.items())
        self.body = body


class AnswerTooLargeError(Exception):
    """Stripe's answer exceeds the bytes or seconds that an answer may take: ask for less at once."""


class BoundedHttpClient(HTTPClient):
    """Sends the SDK's HTTP requests. Safe to share between threads; retries nothing."""

    name = "urllib3"

    def __init__(self, *, connections: int, most_bytes: int = MOST_BYTES, most_seconds: float = 30.0) -> None:
        super().__init__()
        self._most_bytes = most_bytes
        self._most_seconds = most_seconds
        self._pool = urllib3.PoolManager(
            maxsize=connections,
            timeout=urllib3.Timeout(connect=_CONNECT_SECONDS, read=_READ_SECONDS),
            cert_reqs="CERT_REQUIRED",
            ca_certs=stripe.ca_bundle_path,
        )

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,  # noqa: ANN401 - as the SDK declares it
        *,
        _usage: list[str] | None = None,
    ) -> tuple[Any, int, Mapping[str, str]]:
        """Send one request and return body, status and headers; a successful answer's body is in its headers.

        A redirect is returned like any other unsuccessful answer.

        :raises APIConnectionError: there was no answer, it broke off, or it was successful but not JSON
        :raises AnswerTooLargeError: the answer was too large or took too long
        """
        deadline = time.monotonic() + self._most_seconds
        try:
            response = self._pool.request(
                method.upper(),
                url,
                headers=dict(headers or {}),
                body=post_data,
                redirect=False,
                retries=False,
                preload_content=False,
            )
            body = self._read(response, deadline)
            if response.status == HTTPStatus.OK:
                msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        except (urllib3.exceptions.HTTPError, OSError, msgspec.MsgspecError) as error:
            message = f"no answer from Stripe: {type(error).__name__}"
            raise APIConnectionError(message) from error  # type: ignore[no-untyped-call]  # the SDK has no type there
        if response.status == HTTPStatus.OK:
            return b"{}", response.status, AnswerHeaders(response.headers, body)
        return body, response.status, response.headers

    def close(self) -> None:
        """Close idle connections."""
        self._pool.clear()

    def _read(self, response: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
        body = bytearray()
        for chunk in response.stream(_CHUNK_BYTES):
            body += chunk
            if len(body) > self._most_bytes or time.monotonic() > deadline:
                response.close()
                raise AnswerTooLargeError
        response.release_conn()
        return bytes(body)

"""An HTTP client that hides no faults from its caller."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPResponse
from typing import Any

from sandbox.stripe.running import StripeServer

Json = dict[str, Any]


@contextmanager
def asking(
    server: StripeServer, headers: dict[str, str], target: str = "/v1/invoices?limit=2"
) -> Iterator[HTTPResponse]:
    host, _, port = server.url.removeprefix("http://").partition(":")
    with closing(HTTPConnection(host, int(port), timeout=40)) as connection:
        connection.request("GET", target, headers=headers)
        yield connection.getresponse()


def page(server: StripeServer, headers: dict[str, str], target: str = "/v1/invoices?limit=2") -> Json:
    with asking(server, headers, target) as answer:
        found: Json = json.loads(answer.read())
        return found


def ids(found: Json) -> list[str]:
    return [item["id"] for item in found["data"]]

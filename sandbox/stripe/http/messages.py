"""HTTP requests and answers, independent of the socket."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl, urlsplit

from sandbox.stripe.render.render import to_bytes

Parameters = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request. Header names are in lower case; `query` keeps repeated names, in order."""

    method: str
    path: str
    query: Parameters
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def form(self) -> dict[str, str]:
        """Return the fields of a form-encoded body. If a name is repeated, its last value counts."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))

    @property
    def operation(self) -> str:
        """Return the name of the endpoint, for example `GET /v1/invoices/:id/lines`."""
        parts = self.path.strip("/").split("/")
        if parts[0] == "v1" and len(parts) > 2:  # noqa: PLR2004 - v1, resource, id
            parts[2] = ":id"
        return f"{self.method} /{'/'.join(parts)}"

    def without(self, name: str) -> "Request":
        """Return the same request without a query parameter."""
        return replace(self, query=tuple(pair for pair in self.query if pair[0] != name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """Faults on the socket while an answer is sent. Times are in milliseconds, sizes in bytes."""

    wait_ms: int = 0
    silent: bool = False
    reset: bool = False
    send_only: int | None = None
    drip_bytes: int | None = None
    pad_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer. `wire` None means a socket without faults."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    wire: Wire | None = None


def request_from_target(method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> Request:
    """Return a request. `target` is that of the request line, for example `/v1/invoices?limit=3`."""
    split = urlsplit(target)
    lowered = {name.lower(): value for name, value in headers.items()}
    return Request(method, split.path, tuple(parse_qsl(split.query, keep_blank_values=True)), lowered, body)


def json_answer(document: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """Return an answer with a JSON body."""
    return Answer(status, to_bytes(document), {"Content-Type": "application/json", **(headers or {})})

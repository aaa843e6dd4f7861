"""A fake identity provider: discovery, keys and a token endpoint over HTTP; the test decides who signs in."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT_ID = "revmap-tests"


@cache
def rsa_key(_party: str) -> RSAKey:
    """Return a party's RSA key, the same one each time, because generating a key is slow."""
    return RSAKey.generate_key(2048, parameters={"kid": "1"})


@dataclass
class FakeProvider:
    """An identity provider. `claims` override the usual claims of every id token; None removes a claim."""

    url: str = ""
    key: RSAKey = field(default_factory=lambda: rsa_key("the provider's"))
    signing_key: Any = None
    algorithm: str = "RS256"
    now: int = 0
    claims: dict[str, Any] = field(default_factory=dict)
    requested: dict[str, str] = field(default_factory=dict)

    def authorize(self, address: str) -> str:
        """Approve the authorization request at this address, and return the path of our callback."""
        self.requested = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        back = urlsplit(self.requested["redirect_uri"]).path
        return f"{back}?code=good&state={self.requested['state']}"

    def answer(self, path: str, form: dict[str, str]) -> tuple[int, object]:
        """Return the status and the JSON document with which a request is answered."""
        match path:
            case "/.well-known/openid-configuration":
                endpoints = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/keys"}
                return 200, {"issuer": self.url, **{name: self.url + below for name, below in endpoints.items()}}
            case "/keys":
                return 200, {"keys": [self.key.as_dict(private=False)]}
            case "/token" if form.get("code") == "good" and self._is_proven(form.get("code_verifier", "")):
                return 200, {"access_token": "at", "token_type": "Bearer", "id_token": self._id_token()}
            case "/token":
                return 400, {"error": "invalid_grant"}
            case _:
                return 404, {}

    def _is_proven(self, verifier: str) -> bool:
        challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        return challenge == self.requested["code_challenge"]

    def _id_token(self) -> str:
        usual = {
            "iss": self.url,
            "aud": CLIENT_ID,
            "sub": "subject-1",
            "nonce": self.requested["nonce"],
            "iat": self.now,
            "exp": self.now + 300,
            "email": "Ada@Example.org",
            "email_verified": True,
        }
        claims = {name: value for name, value in (usual | self.claims).items() if value is not None}
        header = {"alg": self.algorithm, "kid": "1"}
        return jwt.encode(header, claims, self.signing_key or self.key, algorithms=[self.algorithm])


@contextmanager
def running_provider() -> Iterator[FakeProvider]:
    """Serve a fake provider on an unused port."""
    fake = FakeProvider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.respond({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self.respond({name: values[0] for name, values in parse_qs(body).items()})

        def respond(self, form: dict[str, str]) -> None:
            status, document = fake.answer(self.path, form)
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        fake.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield fake
        server.shutdown()
        thread.join()

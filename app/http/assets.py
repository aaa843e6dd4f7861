"""Serve our static files: compressed once, under an address that changes with them, so that browsers keep them."""

import gzip
import re
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from flask import Blueprint, Flask, Response, abort, request
from markupsafe import Markup
from werkzeug.wrappers import Response as Answer
from zstandard import ZstdCompressor

_STATIC = Path(__file__).parent.parent / "static"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".woff2": "font/woff2"}
_COMPRESSED = frozenset({"text/css", "text/javascript", "image/svg+xml"})
_ENCODINGS = ("zstd", "gzip")
# A level that takes a tenth of a second for the largest file.
_ZSTD_LEVEL = 17
# Whole lines of our own files that are comments: for those who read the code, not for browsers.
_COMMENTED = frozenset({".css", ".js"})
_COMMENT = re.compile(rb"^\s*(//.*|/\*.*\*/)\n", re.MULTILINE)
_FOREVER = "public, max-age=31536000, immutable"
_DIGEST_LENGTH = 12

blueprint = Blueprint("static", __name__)


class Asset(NamedTuple):
    """A static file and its media type."""

    plain: bytes
    mimetype: str


@cache
def assets() -> Mapping[str, Asset]:
    """Return all static files by their path below `static/`."""
    paths = sorted(path for path in _STATIC.rglob("*") if path.is_file())
    return {str(path.relative_to(_STATIC)): _asset(path) for path in paths}


@cache
def digest() -> str:
    """Return a digest of all static files together: styles refer to other files by relative address."""
    whole = sha256()
    for name, asset in assets().items():
        whole.update(name.encode() + b"\0" + sha256(asset.plain).digest())
    return whole.hexdigest()[:_DIGEST_LENGTH]


def asset_address(name: str) -> str:
    """Return the address of a static file.

    :raises KeyError: there is no such file
    """
    if name not in assets():
        raise KeyError(name)
    return f"/static/{digest()}/{name}"


@cache
def icon(name: str) -> Markup:
    """Return an icon of the kit as an inline image that screen readers skip."""
    drawing = assets()[f"vendor/tabler-icons/{name}.svg"].plain.decode()
    # A file of this release, not what somebody sent.
    return Markup(drawing.replace("<svg", '<svg aria-hidden="true"', 1))  # noqa: S704


def install(app: Flask) -> None:
    """Register the route, and `asset` and `icon` for templates."""
    app.register_blueprint(blueprint)
    app.add_template_global(asset_address, "asset")
    app.add_template_global(icon, "icon")


@blueprint.get("/static/<path:name>")
def serve_asset(name: str) -> Answer:
    """Serve a static file. Under the digest of this release browsers keep it for good, else they ask again."""
    first, _, rest = name.partition("/")
    is_digest = len(first) == _DIGEST_LENGTH and rest in assets()
    asset = assets().get(rest if is_digest else name) or abort(404)
    response = Response(asset.plain, mimetype=asset.mimetype)
    encoding = request.accept_encodings.best_match(_ENCODINGS)
    if encoding and asset.mimetype in _COMPRESSED:
        response.set_data(compressed(asset, encoding))
        response.content_encoding = encoding
    response.vary.add("Accept-Encoding")
    response.headers["Cache-Control"] = _FOREVER if is_digest and first == digest() else "no-cache"
    response.add_etag()
    return response.make_conditional(request)


@blueprint.get("/favicon.ico")
def show_icon() -> Answer:
    """Serve the icon under the name that browsers request on their own; it is an SVG under this name, too."""
    return serve_asset("icon.svg")


@cache
def compressed(asset: Asset, encoding: str) -> bytes:
    """Return a static file compressed with zstd or gzip."""
    if encoding == "zstd":
        return ZstdCompressor(level=_ZSTD_LEVEL).compress(asset.plain)
    return gzip.compress(asset.plain, 9, mtime=0)


def _asset(path: Path) -> Asset:
    plain, is_ours = path.read_bytes(), not path.is_relative_to(_STATIC / "vendor")
    if is_ours and path.suffix in _COMMENTED:
        plain = _COMMENT.sub(b"", plain)
    return Asset(plain, _TYPES.get(path.suffix, "text/plain"))

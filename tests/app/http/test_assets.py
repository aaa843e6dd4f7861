"""Static files: compressed, kept by browsers for good under their digest, and small enough together."""

import gzip
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine
from zstandard import ZstdDecompressor

from app.http.assets import asset_address, assets, compressed, digest, icon
from tests.support.company import company_with
from tests.support.web.people import signed_in

_MOST_BYTES = 250_000


def test_a_file_is_kept_for_good_under_its_digest_and_asked_for_again_elsewhere(client: FlaskClient) -> None:
    kept = client.get(asset_address("app.css"), headers={"Accept-Encoding": "gzip"})
    plain = client.get("/static/app.css")
    older = client.get(f"/static/{'0' * len(digest())}/app.css")

    assert kept.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert kept.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(kept.data) == plain.data == older.data
    smaller = client.get(asset_address("app.css"), headers={"Accept-Encoding": "gzip, deflate, br, zstd"})
    assert ZstdDecompressor().decompress(smaller.data) == plain.data
    assert plain.headers["Cache-Control"] == older.headers["Cache-Control"] == "no-cache"
    assert client.get("/static/app.css", headers={"If-None-Match": plain.headers["ETag"]}).status_code == 304


@pytest.mark.parametrize("path", ["nothing.css", "000000000000/nothing.css", "../factory.py", "%2e%2e/factory.py", ""])
def test_nothing_but_static_files_is_served(client: FlaskClient, path: str) -> None:
    assert client.get(f"/static/{path}").status_code == 404


def test_a_template_that_names_a_file_which_is_not_there_fails() -> None:
    with pytest.raises(KeyError):
        asset_address("nothing.css")
    with pytest.raises(KeyError):
        icon("nothing")


def test_all_that_a_page_of_the_table_loads_is_small(app: Flask, engine: Engine) -> None:
    company_id = company_with(engine, "acct_1")
    page = signed_in(app, engine, company_id).get(f"/companies/{company_id}/revenue-mapping").text
    named = set(re.findall(rf"/static/{digest()}/([^\"]+)", page))
    styles = "".join(assets()[name].plain.decode() for name in named if name.endswith("app.css"))
    named |= set(re.findall(r'url\("(vendor/inter/[^"]+)"\)', styles))

    sizes = {name: min(len(compressed(assets()[name], "zstd")), len(assets()[name].plain)) for name in named}

    assert len(sizes) > 10
    assert sum(sizes.values()) < _MOST_BYTES, sizes

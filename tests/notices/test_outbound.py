"""Webhooks go to public addresses over https, and nowhere else unless that is allowed."""

import pytest

from notices.outbound import UnusableUrlError, is_public, outbound_from, usable_url
from runtime.environ import Environment

INSIDE = [
    *("127.0.0.1", "127.9.9.9", "0.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
    *("224.0.0.1", "239.1.1.1", "255.255.255.255", "240.0.0.1", "192.0.2.1", "198.18.0.1"),
    *(
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd00::1",
        "fec0::1",
        "::127.0.0.1",
        "2001:0:1:1::feff:fefe",
        "ff02::1",
        "2001:db8::1",
    ),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::1"),
    *("2002:a00:1::", "64:ff9b:1::a00:1", "nonsense", ""),
]


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_that_is_not_public_is_inside(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.215.14", "1.1.1.1", "2606:4700:4700::1111", "64:ff9b::101:101"])
def test_a_public_address_is_outside(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        *("http://zed.test/hooks", "https://localhost/", "https://zed/", "https://db.internal/", "https://a.localhost"),
        *("https://127.0.0.1/", "https://[::1]/", "https://[::ffff:10.0.0.1]/", "https://10.0.0.1:8443/x"),
        *("https://user:pass@zed.test/", "https://@zed.test/", "https://zed.test/#x", "https://", "ftp://zed.test/"),
        *("https://zed.test/a b", "https://zed.test/\r\nX: y", "https://zed.test/ä", "https://zed.test:99999/"),
        *("https://zed.test:0/", "https://[::1", "zed.test", "", "https://zed.test/" + "x" * 2000),
    ],
)
def test_a_url_that_leads_inside_or_nowhere_is_refused_with_a_sentence(url: str) -> None:
    with pytest.raises(UnusableUrlError, match=r"\.$"):
        usable_url(url, "public")


@pytest.mark.parametrize("url", ["https://zed.test", "https://hooks.zed.test:8443/a?b=c&d=%20", "https://1.1.1.1/"])
def test_a_url_of_a_public_name_is_taken(url: str) -> None:
    assert usable_url(url, "public") == url


def test_for_tests_and_the_demo_any_address_can_be_allowed() -> None:
    environment = Environment({})

    assert outbound_from(environment, None) == "public"
    assert usable_url("http://127.0.0.1:8080/x", outbound_from(environment, "any")) == "http://127.0.0.1:8080/x"
    environment.refuse_if_incomplete()
    outbound_from(environment, "ANY")
    with pytest.raises(SystemExit):
        environment.refuse_if_incomplete()

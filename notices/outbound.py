"""Which addresses webhooks may be sent to: public ones over https, so that nobody reaches what is inside."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Literal
from urllib.parse import urlsplit

from runtime.environ import Environment

# `public`: https and public addresses alone; `any`: also http and addresses of this machine and network.
Outbound = Literal["public", "any"]

_LONGEST_URL = 2000
# RFC 6052: an IPv4 address in its last 32 bits is where a translator sends it.
_TRANSLATED = IPv6Network("64:ff9b::/96")


class UnusableUrlError(ValueError):
    """Webhooks cannot be sent to this URL; the message says why, in words for people."""


def outbound_from(environment: Environment, value: str | None) -> Outbound:
    """Return where webhooks may go; note any other value than `public` and `any` on `environment`."""
    match value:
        case None | "public":
            return "public"
        case "any":
            return "any"
        case _:
            environment.note("OUTBOUND_WEBHOOKS is neither public nor any")
            return "public"


def usable_url(url: str, outbound: Outbound) -> str:
    """Return the URL if webhooks may be sent to it, as far as can be said without resolving its name.

    :raises UnusableUrlError: they may not
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise UnusableUrlError("This is not a URL.") from error
    if parts.scheme not in (("https",) if outbound == "public" else ("https", "http")) or not host or port == 0:
        raise UnusableUrlError("Enter a URL that begins with https://.")
    if len(url) > _LONGEST_URL or not url.isascii() or any(one <= " " or one == "\x7f" for one in url):
        raise UnusableUrlError("Enter a URL of at most 2,000 ASCII characters, without spaces.")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise UnusableUrlError("Leave user, password and fragment out of the URL.")
    if outbound == "public" and not _may_be_public(host):
        raise UnusableUrlError("Enter an address that can be reached from the internet.")
    return url


def is_public(address: str) -> bool:
    """Return whether an IP address is public, also if it is an IPv4 address written as one of IPv6."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, IPv6Address):
        if found.is_site_local:
            return False
        found = _embedded(found) or found
    return found.is_global and not found.is_multicast and not found.is_reserved


def _embedded(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that a packet to this one ends at, if any."""
    if address.ipv4_mapped or address.sixtofour:
        return address.ipv4_mapped or address.sixtofour
    if address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def _may_be_public(host: str) -> bool:
    try:
        return is_public(str(ip_address(host)))
    except ValueError:
        return "." in host and not host.rstrip(".").endswith((".localhost", ".local", ".internal"))

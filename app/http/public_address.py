"""The public address of this service: the hosts it answers for, and what that means for cookies and redirects."""

from ipaddress import ip_address
from typing import NamedTuple, Self
from urllib.parse import urlsplit

_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


class UnusableAddressError(ValueError):
    """The URL is not an address that browsers may be sent to."""


class PublicAddress(NamedTuple):
    """An origin such as `https://books.example`, without a path."""

    origin: str
    hosts: frozenset[str]
    is_secure: bool

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Parse PUBLIC_URL.

        :raises UnusableAddressError: it has a path, is not a web address, or is http and not on this machine
        """
        split = urlsplit(url)
        host = split.hostname or ""
        if split.scheme not in ("http", "https") or not host or split.path not in ("", "/") or split.query:
            raise UnusableAddressError("it looks like https://books.example, without a path")
        is_loopback = _is_loopback(host)
        if split.scheme == "http" and not is_loopback:
            raise UnusableAddressError("only on this machine may it be http; sessions must not travel in the clear")
        hosts = _LOOPBACK_NAMES | {host} if is_loopback else frozenset({host})
        return cls(f"{split.scheme}://{split.netloc}", hosts, is_secure=split.scheme == "https")

    def answers_for(self, host: str) -> bool:
        """Return whether a Host header, with or without a port, names one of our hosts."""
        try:
            return urlsplit(f"//{host}").hostname in self.hosts
        except ValueError:
            return False


def names_this_machine(host: str) -> bool:
    """Return whether a Host header, with or without a port, names the machine itself."""
    try:
        return _is_loopback(urlsplit(f"//{host}").hostname or "")
    except ValueError:
        return False


def _is_loopback(host: str) -> bool:
    if host in _LOOPBACK_NAMES:
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False

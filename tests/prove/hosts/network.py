"""The network of a host: a namespace with a cable of its own where that is allowed, else an address of the loopback.

A cable that is out is what no proxy can show: what is sent is neither confirmed nor refused.
"""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from runtime.processes import dying_with_parent
from tests.support.web.webhooks import until

_PORT = 8000
_WAIT = "import signal; signal.pause()"


class Network(NamedTuple):
    """Where a host's processes listen, `address` and `port`, and `servers`, the address at which they reach others.

    `enter` begins the arguments of a program that runs on the host. Without a `cable`, it cannot be pulled.
    """

    address: str
    port: int
    servers: str
    enter: Sequence[str] = ()
    cable: str = ""

    def plug(self, *, is_in: bool) -> None:
        """Plug the host's cable in, or pull it."""
        if self.cable:
            _run("ip", "link", "set", self.cable, "up" if is_in else "down")


@contextmanager
def network_of(number: int) -> Iterator[Network]:
    """Yield the network of a host, which is gone afterwards, also if this process is killed."""
    if os.geteuid() or not (shutil.which("ip") and shutil.which("nsenter")) or not _may_unshare():
        address = f"127.0.0.{number + 2}"
        yield Network(address, _free_port(address), address)
        return
    place = 4 * ((4 * os.getpid() + number) % 16_384)
    ours, theirs = (f"10.213.{place >> 8}.{(place & 255) + end}" for end in (1, 2))
    cable, plug = f"rv{os.getpid()}a{number}", f"rv{os.getpid()}b{number}"
    # A namespace lasts as long as its last process: this one, if no other.
    argv = dying_with_parent(["unshare", "-n", sys.executable, "-c", _WAIT])
    with subprocess.Popen(argv) as holder:
        try:
            enter = ("nsenter", f"--net=/proc/{holder.pid}/ns/net")
            assert until(lambda: _namespace_of(holder.pid) != _namespace_of(os.getpid()))
            _run("ip", "link", "add", cable, "type", "veth", "peer", "name", plug, "netns", str(holder.pid))
            _run("ip", "address", "add", f"{ours}/30", "dev", cable)
            _run("ip", "link", "set", cable, "up")
            _run(*enter, "ip", "address", "add", f"{theirs}/30", "dev", plug)
            for device in (plug, "lo"):
                _run(*enter, "ip", "link", "set", device, "up")
            yield Network(theirs, _PORT, ours, enter, cable)
        finally:
            holder.terminate()


def _namespace_of(pid: int) -> Path:
    return Path(f"/proc/{pid}/ns/net").readlink()


def _may_unshare() -> bool:
    return subprocess.run(["unshare", "-n", "ip", "link"], check=False, capture_output=True).returncode == 0


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True, capture_output=True)


def _free_port(address: str) -> int:
    with socket.socket() as probe:
        probe.bind((address, 0))
        port: int = probe.getsockname()[1]
        return port

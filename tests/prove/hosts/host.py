"""A host with web, worker and clock, each started again when it dies, and its own ways to the servers it shares."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from urllib.request import urlopen

from runtime.processes import dying_with_parent
from sandbox import Server
from tests.prove.hosts.network import Network
from tests.prove.hosts.proxy import Proxies, Proxy
from tests.support.paths import ROOT
from tests.support.web.stack import children_of

_RESTART_SECONDS = 1.0
COMPONENTS = {
    "web": ("-m", "gunicorn", "wsgi:app"),
    "worker": ("-m", "workers", "work"),
    "clock": ("-m", "workers", "clock"),
}


class Component:
    """A process that a supervisor keeps running, and that may have children."""

    def __init__(self, argv: Sequence[str], environment: Mapping[str, str]) -> None:
        self._argv, self._environment = argv, environment
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0

    def tend(self) -> None:
        """Start it if it does not run. Call it from a thread that lives as long as it should."""
        now = time.monotonic()
        if (self._process and self._process.poll() is None) or now - self._started < _RESTART_SECONDS:
            return
        self._started = now
        with Path(self._environment["HOST_LOG"]).open("ab") as log:
            self._process = subprocess.Popen(
                dying_with_parent(self._argv), cwd=ROOT, env=self._environment, stdout=log, stderr=log, process_group=0
            )

    def processes(self) -> list[int]:
        """Return the ids of its process and of all below it."""
        if self._process is None or self._process.poll() is not None:
            return []
        return [self._process.pid, *_below(self._process.pid)]

    def kill(self) -> None:
        """Kill all of it at once, as when the power fails."""
        for pid in self.processes():
            _signal(pid, signal.SIGKILL)
        if self._process is not None:
            self._process.wait(20)

    def stop(self) -> None:
        """Stop it as a supervisor does."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(20)
            self.kill()


class Host:
    """A host. `ways` are the proxies of its connections by name: those to the servers, and `web`, which leads to it."""

    def __init__(
        self,
        network: Network,
        proxies: Proxies,
        ways: Mapping[str, Proxy],
        environment: Mapping[str, str],
        programs: Mapping[str, Sequence[str]],
    ) -> None:
        self.ways, self.is_on = ways, True
        self._network, self._proxies = network, proxies
        self.components = {
            name: Component([*network.enter, sys.executable, *argv], environment) for name, argv in programs.items()
        }

    @property
    def port(self) -> int:
        """Return the port of 127.0.0.1 at which its web processes are reached."""
        return self.ways["web"].port

    def tend(self) -> None:
        """Start what does not run, if the host is on."""
        for component in self.components.values() if self.is_on else ():
            component.tend()

    def is_up(self) -> bool:
        """Return whether its web processes answer."""
        with suppress(OSError), urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=2):
            return True
        return False

    def kill_one(self, random: Random, name: str) -> None:
        """Kill a process of a component, or the whole component."""
        component = self.components[name]
        if random.random() < 0.3:
            component.kill()
        elif processes := component.processes():
            _signal(random.choice(processes), signal.SIGKILL)

    def turn_off(self) -> None:
        """Kill everything on the host."""
        self.is_on = False
        for component in self.components.values():
            component.kill()

    def turn_on(self) -> None:
        """Start everything again."""
        self.is_on = True

    def cut_off(self) -> None:
        """Let nothing through between the host and all others, without anybody being told."""
        self._network.plug(is_in=False)
        for way in self.ways.values():
            way.is_held = True

    def reconnect(self) -> None:
        """Let everything through again. Connections from before are gone, as behind a firewall that forgot them."""
        for way in self.ways.values():
            self._proxies.cut(way)
            way.is_held = False
        self._network.plug(is_in=True)

    def freeze_worker(self, queue: str) -> int | None:
        """Stop the process that works on a queue, and return its id, or None if it does not run."""
        for pid in self.components["worker"].processes():
            with suppress(OSError):
                if Path(f"/proc/{pid}/cmdline").read_bytes().endswith(b"--queue\0%b\0" % queue.encode()):
                    _signal(pid, signal.SIGSTOP)
                    return pid
        return None

    def stop(self) -> None:
        """Stop everything on the host."""
        self.is_on = False
        for component in self.components.values():
            component.stop()


def thaw(pid: int) -> None:
    """Let a process go on that was stopped."""
    _signal(pid, signal.SIGCONT)


def kill_server(server: Server) -> None:
    """Kill a server with all its processes at once."""
    for pid in (server.pid, *children_of(server.pid)):
        _signal(pid, signal.SIGKILL)
    server.process.wait(40)


def _below(pid: int) -> list[int]:
    with suppress(OSError):
        return [one for child in children_of(pid) for one in (child, *_below(child))]
    return []


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)

"""Restart a server that has died, in its directory and at its address."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

from sandbox import Server, ServerDidNotStartError

_PAUSE_SECONDS = 0.5

_log = logging.getLogger(__name__)


@contextmanager
def kept_running(start: Callable[[], Server]) -> Iterator[str]:
    """Run a server and yield its URL; restart it whenever it ends, until the `with` block is over.

    A server whose directory has too long a path for its socket comes back at another address.

    :raises ServerDidNotStartError: it did not start the first time
    """
    keeper = _Keeper(start)
    try:
        yield keeper.server.url
    finally:
        keeper.stop()


class _Keeper:
    def __init__(self, start: Callable[[], Server]) -> None:
        self._start = start
        self._stopping = Event()
        self.server = start()
        # This thread must live as long as the servers it starts: a server dies with the thread that started it.
        self._thread = Thread(target=self._watch, name="server's keeper", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self.server.stop()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            exit_code = self.server.process.wait()
            if self._stopping.is_set():
                return
            _log.warning("server ended", extra={"directory": str(self.server.directory), "exit_code": exit_code})
            self._revive()

    def _revive(self) -> None:
        while not self._stopping.wait(_PAUSE_SECONDS):
            try:
                self.server = self._start()
            except ServerDidNotStartError as error:
                _log.error("server does not start", extra={"error": str(error)})
                continue
            if self._stopping.is_set():
                self.server.stop()
            return

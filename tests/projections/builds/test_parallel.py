"""The processes of a rebuild: none outlives the process that started it."""

import os
import select
import signal
import subprocess
import sys

import pytest

_TIMEOUT_MILLISECONDS = 20_000
_MAIN = """
import os, signal, threading
from projections.builds.parallel import process_pool

if __name__ == "__main__":
    if {has_threads}:
        threading.Thread(target=threading.Event().wait, daemon=True).start()
    with process_pool(1) as pool:
        print(pool.submit(os.getpid).result(), flush=True)
        signal.pause()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux signals a child when its parent dies")
@pytest.mark.parametrize("has_threads", [False, True])
def test_a_child_process_ends_when_its_parent_is_killed(*, has_threads: bool) -> None:
    script = _MAIN.format(has_threads=has_threads)
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as parent:
        assert parent.stdout is not None
        child = os.pidfd_open(int(parent.stdout.readline()))
        ended = select.poll()
        ended.register(child, select.POLLIN)
        assert not ended.poll(0)

        parent.send_signal(signal.SIGKILL)

        assert ended.poll(_TIMEOUT_MILLISECONDS)
        os.close(child)

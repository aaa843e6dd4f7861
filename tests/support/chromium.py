"""Find the machine's Chromium. Browsers that Playwright would download are never used."""

import os
import shutil

OVERRIDE = "REVMAP_CHROMIUM"
# The first draws pages as the others do, but no window around them: that is a quarter of a browser's processor time.
_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_INSTALL = "apt-get install chromium-headless-shell"
MISSING = f"no Chromium on PATH; on Debian or Ubuntu: {_INSTALL}; one elsewhere: {OVERRIDE}=/path/to/it"


def chromium() -> str | None:
    """Return the path in REVMAP_CHROMIUM, whether or not the file exists, or else the first Chromium on PATH."""
    return os.environ.get(OVERRIDE) or next(filter(None, map(shutil.which, _NAMES)), None)


def launch_arguments() -> list[str]:
    """Return the arguments for running without a screen. As root, Chromium starts only without its sandbox."""
    return ["--disable-gpu", *(["--no-sandbox"] if os.geteuid() == 0 else [])]

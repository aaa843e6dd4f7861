"""Find the machine's Chromium. Browsers that Playwright would download are never used."""

import os
import shutil

OVERRIDE = "REVMAP_CHROMIUM"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING = f"no Chromium on PATH; on Debian or Ubuntu: apt-get install chromium; one elsewhere: {OVERRIDE}=/path/to/it"


def chromium() -> str | None:
    """Return the path in REVMAP_CHROMIUM, whether or not the file exists, or else the first Chromium on PATH."""
    return os.environ.get(OVERRIDE) or next(filter(None, map(shutil.which, _NAMES)), None)


def launch_arguments() -> list[str]:
    """Return the arguments for running without a screen. As root, Chromium starts only without its sandbox."""
    return ["--disable-gpu", *(["--no-sandbox"] if os.geteuid() == 0 else [])]

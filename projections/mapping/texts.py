"""Compare texts as people do: letters of either case, widths and runs of blanks are the same. Pure."""

from functools import lru_cache
from unicodedata import normalize


@lru_cache(1 << 14)
def folded(text: str) -> str:
    """Return a text in NFKC, case folded, without blanks around it and with one blank between words."""
    return " ".join(normalize("NFKC", normalize("NFKC", text).casefold()).split())

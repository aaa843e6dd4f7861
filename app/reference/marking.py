"""Turn the little Markdown of descriptions, and JSON, into HTML that is safe whatever they contain."""

import json
import re

from markupsafe import Markup, escape

_CODE = re.compile(r"`([^`]+)`")
_TOKEN = re.compile(
    r'(?P<text>"(?:\\.|[^"\\])*")(?P<colon>:?)|\b(?P<bare>true|false|null)\b|(?P<number>-?\b\d+(?:\.\d+)?\b)'
)


def marked(text: str) -> Markup:
    """Return a description with what is between backticks as code. Everything else is shown as it is."""
    parts = _CODE.split(text)
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if place % 2 else escape(part) for place, part in enumerate(parts)
    )


def coloured(value: object) -> Markup:
    """Return a JSON value, indented, its names, texts and numbers marked for the style sheet; text as it is."""
    if isinstance(value, str):
        return escape(value)
    text = json.dumps(value, indent=2, ensure_ascii=False)
    found = list(_TOKEN.finditer(text))
    ends = [0, *(token.end() for token in found)]
    starts = [*(token.start() for token in found), len(text)]
    pieces = [escape(text[end:start]) for end, start in zip(ends, starts, strict=True)]
    tokens = [*map(_marked_token, found), Markup("")]
    return Markup("").join(piece + token for piece, token in zip(pieces, tokens, strict=True))


def _marked_token(token: re.Match[str]) -> Markup:
    kind = "k" if token["colon"] else "s" if token["text"] else "n"
    return Markup('<span class="{}">{}</span>{}').format(kind, token[0].removesuffix(":"), ":" * bool(token["colon"]))

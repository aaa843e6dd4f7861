"""Write requests as curl commands for people to copy."""

import json
from urllib.parse import quote, urlencode

from app.api.document.examples import Example

_NONE = Example(path={}, query={}, headers={}, body=None, status=200, media_type=None, answer=None)


def curl_of(origin: str, method: str, path: str, example: Example | None) -> str:
    """Return the command that sends an example. The key and the company are variables of the shell."""
    asked = example or _NONE
    command = ["curl", "-N"] if asked.media_type == "text/event-stream" else ["curl"]
    command += [] if method == "GET" else ["-X", method]
    lines = [f'{" ".join(command)} "{origin}{_filled(path, asked)}{_query(asked)}"']
    # What keys are refused is shown as the request of somebody who is signed in.
    lines += [] if "Cookie" in asked.headers else ['-H "Authorization: Bearer $REVMAP_KEY"']
    lines += [f'-H "{name}: {value}"' for name, value in asked.headers.items()]
    if asked.body is not None:
        body = json.dumps(asked.body, ensure_ascii=False).replace("'", "'\\''")
        lines += ['-H "Content-Type: application/json"', f"-d '{body}'"]
    return " \\\n  ".join(lines)


def _filled(path: str, asked: Example) -> str:
    for name, value in {**asked.path, "company_id": None}.items():
        path = path.replace(f"{{{name}}}", "$COMPANY" if value is None else quote(str(value), safe=""))
    return path


def _query(asked: Example) -> str:
    return f"?{urlencode(asked.query, safe=',:')}" if asked.query else ""

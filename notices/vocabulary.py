"""The words of what is told: the types of webhooks, and the types of notices to people."""

from collections.abc import Mapping

from tenants.roles import Role

REVENUE_LINES_CHANGED = "revenue_lines.changed"
SYNC_SUCCEEDED = "sync.succeeded"
SYNC_FAILED = "sync.failed"
ACTION_REQUIRED = "connection.action_required"
QUARANTINE_OPENED = "quarantine.opened"
EXPORT_READY = "export.ready"
RULES_PUBLISHED = "rules.published"
ENDPOINT_DISABLED = "webhook_endpoint.disabled"
STREAM_ARCHIVED = "stream.archived"

# What a webhook may be about, and when it is sent. Types may be added: whoever receives them ignores unknown ones.
WEBHOOK_TYPES: Mapping[str, str] = {
    REVENUE_LINES_CHANGED: "Lines of the table were added, changed or removed.",
    SYNC_SUCCEEDED: "A sync succeeded, or read all it could.",
    SYNC_FAILED: "A sync failed.",
    ACTION_REQUIRED: "Stripe has to be connected again.",
    QUARANTINE_OPENED: "Something about the books could not be read, for a reason that is new.",
    EXPORT_READY: "A scheduled export was due: its lines are fixed as of that moment.",
    RULES_PUBLISHED: "Mapping rules were published: lines are mapped by them from then on.",
}

# What people are told: on the pages, and by e-mail if they want that.
NOTICE_TYPES: Mapping[str, str] = {
    SYNC_FAILED: "Syncs have been failing for hours, or cannot succeed until somebody acts",
    ACTION_REQUIRED: "Stripe has to be connected again",
    QUARANTINE_OPENED: "Something about the books could not be read",
    STREAM_ARCHIVED: "Rules lead to an archived stream, so that new lines are unmapped",
    ENDPOINT_DISABLED: "A webhook endpoint was disabled because it kept failing",
}

_OF_EDITORS = frozenset({SYNC_FAILED, ACTION_REQUIRED, QUARANTINE_OPENED, STREAM_ARCHIVED})
MAILED_BY_DEFAULT: Mapping[Role, frozenset[str]] = {
    "viewer": frozenset(),
    "editor": _OF_EDITORS,
    "admin": _OF_EDITORS | {ENDPOINT_DISABLED},
}

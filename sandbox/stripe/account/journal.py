"""The events of one account and mode: rendered once in every API version in use, and never changed."""

from collections.abc import Callable, Iterable
from typing import Any

from sandbox.stripe.records.collection import Collection
from sandbox.stripe.records.ids import IdSource
from sandbox.stripe.records.records import Event
from sandbox.stripe.records.versions import Shape, shape_of
from sandbox.stripe.render.render import Renderer, to_bytes

Json = dict[str, Any]


class Journal:
    """A log of events. `listeners` are called with each new event; if `recording` is false, no event is recorded.

    `delivered` holds the ids of the events that an endpoint has accepted.
    """

    def __init__(self, renderer: Renderer, ids: IdSource, versions: Callable[[], Iterable[str]]) -> None:
        self.events: Collection[Event] = Collection()
        self.listeners: list[Callable[[Event], None]] = []
        self.recording = True
        self.delivered: set[str] = set()
        self._renderer = renderer
        self._ids = ids
        self._versions = versions

    def before(self, record: object) -> dict[str, Json]:
        """Return a record as it is now, per API version, to be passed to `tell` after the change."""
        if not self.recording:
            return {}
        return {version: self._renderer.render(record, shape_of(version)) for version in self._versions()}

    def tell(self, types: Iterable[str], record: object, *, at: int, before: dict[str, Json] | None = None) -> None:
        """Record an event per type about a record as it is now, all with the same request id.

        Only `*.updated` events have `previous_attributes`, computed from `before` if it is given.
        """
        if not self.recording:
            return
        now = {version: self._renderer.render(record, shape_of(version)) for version in self._versions()}
        request_id = self._ids.issue("req")
        for event_type in types:
            changed = before is not None and event_type.endswith(".updated")
            data = {
                version: to_bytes(_data(document, before.get(version) if changed and before else None))
                for version, document in now.items()
            }
            self._keep(event_type, data, request_id, at)

    def tell_of(self, event_type: str, document: Callable[[Shape], Json], *, at: int) -> None:
        """Record an event about an object that is not a record, like the application that lost access."""
        if self.recording:
            shown = {version: document(shape_of(version)) for version in self._versions()}
            data = {version: to_bytes(_data(each, None)) for version, each in shown.items()}
            self._keep(event_type, data, None, at)

    def _keep(self, event_type: str, data: dict[str, bytes], request_id: str | None, at: int) -> None:
        event = Event(
            id=self._ids.issue("evt"),
            created=at,
            sequence=self._ids.issued,
            type=event_type,
            livemode=self._renderer.livemode,
            request_id=request_id,
            data=data,
        )
        self.events.add(event)
        for listener in self.listeners:
            listener(event)


def _data(document: Json, before: Json | None) -> Json:
    if before is None:
        return {"object": document}
    return {"object": document, "previous_attributes": _former_values(before, document)}


def _former_values(before: Json, after: Json) -> Json:
    """Return the old values of changed keys: nested objects key by key, lists whole, as Stripe does."""
    former: Json = {}
    for key in before.keys() | after.keys():
        old, new = before.get(key), after.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            if nested := _former_values(old, new):
                former[key] = nested
        elif old != new:
            former[key] = old
    return dict(sorted(former.items()))

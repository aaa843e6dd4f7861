"""Take streams of a document over into a company, and find them again where its rules name them."""

from collections.abc import Mapping
from typing import Any, TypeVar

from mapping.recorded import Desk
from mapping.stream_documents import PlanDocument, StreamDocument, written_plan, written_stream
from mapping.streams import (
    NameTakenError,
    Streams,
    TooManyStreamsError,
    change_plan,
    change_stream,
    create_plan,
    create_stream,
    streams_at,
)
from projections.mapping.decisions.streams import Plan, Stream
from projections.mapping.problems import InvalidRulesError, Problem
from projections.mapping.texts import folded

Named = TypeVar("Named", Stream, Plan)


class TakenStreams:
    """Streams as they are taken over one by one: which ids they have here, and how many were added and changed."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        # By the ids in the document: those that streams and plans have here.
        self._ids: dict[str, str] = {}
        self.counts = dict.fromkeys(("streams_added", "streams_changed", "plans_added", "plans_changed"), 0)

    def take(self, wanted: StreamDocument, pointer: str) -> None:
        """Add a stream with its plans, or change it.

        :raises InvalidRulesError: another one has its name, or there are too many
        """
        try:
            stream_id = self._take(wanted)
            for plan in wanted.plans:
                self._take_plan(stream_id, plan)
        except NameTakenError as error:
            raise InvalidRulesError([Problem(f"{pointer}/name", f"“{error}” is the name of another one.")]) from error
        except TooManyStreamsError as error:
            says = "There are as many streams or plans as there may be."
            raise InvalidRulesError([Problem(pointer, says)]) from error

    def named_in(self, rules: object) -> object:
        """Return rules in which streams and plans have the ids that they have here; they may be named by name, too."""
        streams = self._streams()
        return [self._named_in(rule, streams) for rule in rules] if isinstance(rules, list) else rules

    def _streams(self) -> Streams:
        return streams_at(self._desk.connection, self._desk.company_id)

    def _take(self, wanted: StreamDocument) -> str:
        streams = self._streams()
        found = _found(streams, wanted.id, wanted.name)
        changes: dict[str, Any] = {"name": wanted.name, "code": wanted.code, "archived": wanted.archived}
        changes["default_treatment"] = wanted.default_treatment
        stream_id = found or create_stream(self._desk, wanted.name, wanted.code, wanted.default_treatment)
        if found is None:
            self.counts["streams_added"] += 1
            change_stream(self._desk, stream_id, {"archived": wanted.archived})
        elif not changes.items() <= written_stream(found, streams[found]).items():
            self.counts["streams_changed"] += 1
            change_stream(self._desk, stream_id, changes)
        self._ids[wanted.id or stream_id] = stream_id
        return stream_id

    def _take_plan(self, stream_id: str, wanted: PlanDocument) -> None:
        plans = self._streams()[stream_id].plans
        found, changes = _found(plans, wanted.id, wanted.name), {"name": wanted.name, "archived": wanted.archived}
        plan_id = found or create_plan(self._desk, stream_id, wanted.name)
        if found is None:
            self.counts["plans_added"] += 1
            change_plan(self._desk, stream_id, plan_id, changes)
        elif not changes.items() <= written_plan(found, plans[found]).items():
            self.counts["plans_changed"] += 1
            change_plan(self._desk, stream_id, plan_id, changes)
        self._ids[wanted.id or plan_id] = plan_id

    def _named_in(self, rule: object, streams: Streams) -> object:
        if not isinstance(rule, dict):
            return rule
        lookup, outcome = rule.get("lookup"), rule.get("outcome")
        if isinstance(lookup, dict) and isinstance(lookup.get("table"), dict):
            table = {value: self._here(stream, streams) for value, stream in lookup["table"].items()}
            return {**rule, "lookup": {**lookup, "table": table}}
        if isinstance(outcome, dict) and isinstance(outcome.get("shares"), list):
            shares = [self._share(share, streams) for share in outcome["shares"]]
            return {**rule, "outcome": {**outcome, "shares": shares}}
        return rule

    def _share(self, share: object, streams: Streams) -> object:
        if not isinstance(share, dict):
            return share
        stream_id = self._here(share.get("stream_id"), streams)
        plans = streams[stream_id].plans if isinstance(stream_id, str) and stream_id in streams else {}
        named = {"stream_id": stream_id, "plan_id": self._here(share.get("plan_id"), plans)}
        return {name: named.get(name, value) for name, value in share.items()}

    def _here(self, named: object, known: Mapping[str, Named]) -> object:
        if not isinstance(named, str):
            return named
        return self._ids.get(named) or _found(known, named, named) or named


def _found(known: Mapping[str, Named], wanted_id: str | None, name: str) -> str | None:
    if wanted_id in known:
        return wanted_id
    return next((one for one, named in known.items() if folded(named.name) == folded(name)), None)

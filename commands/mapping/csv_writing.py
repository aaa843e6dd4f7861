"""Write streams and rules as CSV: a row for each stream, plan, rule, condition, share and entry of a table."""

import csv
from collections.abc import Iterator, Mapping
from io import StringIO

from commands.mapping.csv_cells import COLUMNS, Json, Row, cell, flag_of, treatment_of, value_of


def csv_of(document: Json) -> str:
    """Return a document of streams and rules as CSV."""
    names = {stream["id"]: stream["name"] for stream in document["streams"]}
    names |= {plan["id"]: plan["name"] for stream in document["streams"] for plan in stream["plans"]}
    # A name that is an id would be read as that.
    named = {one: one if name in names else name for one, name in names.items()}
    written = StringIO()
    writer = csv.DictWriter(written, COLUMNS, restval="", lineterminator="\r\n")
    writer.writeheader()
    for stream in document["streams"]:
        writer.writerows(_stream_rows(stream))
    for rule in document["rules"]:
        writer.writerows(_rule_rows(rule, named))
    return written.getvalue()


def _stream_rows(stream: Json) -> Iterator[Row]:
    own = {"row": "stream", "id": stream["id"], "name": cell(stream["name"]), "code": cell(stream["code"] or "")}
    yield own | {"archived": flag_of(stream["archived"]), "treatment": treatment_of(stream["default_treatment"])}
    for plan in stream["plans"]:
        yield {"row": "plan", "id": plan["id"], "name": cell(plan["name"]), "archived": flag_of(plan["archived"])}


def _rule_rows(rule: Json, named: Mapping[str, str]) -> Iterator[Row]:
    applies, lookup = rule.get("applies") or {}, rule.get("lookup")
    own = {"id": rule["id"], "name": cell(rule["name"]), "enabled": flag_of(rule["enabled"])}
    days = {"applies_by": applies.get("by", ""), "from": applies.get("from") or "", "to": applies.get("to") or ""}
    if lookup:
        yield {"row": "table", **own, **days, "field": lookup["field"]}
        for value, stream_id in lookup["table"].items():
            yield {"row": "entry", "value": cell(value), "stream": cell(named.get(stream_id, stream_id))}
        return
    yield {"row": "rule", **own, **days, "match": rule["match"]}
    for condition in rule["conditions"]:
        yield {"row": "condition", "field": condition["field"], "op": condition["op"], "value": value_of(condition)}
    for share in rule["outcome"]["shares"]:
        stream_id, plan_id = share["stream_id"] or "", share.get("plan_id") or ""
        yield {
            "row": "share",
            "percent": f"{share['bp'] / 100:.2f}",
            "stream": cell(named.get(stream_id, stream_id)),
            "plan": cell(named.get(plan_id, plan_id)),
            "counts_as": share.get("kind", "revenue"),
            "treatment": treatment_of(share.get("treatment")),
        }

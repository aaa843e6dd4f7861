"""Read streams and rules from CSV. Rows of a rule follow it."""

import csv
from collections.abc import Callable
from io import StringIO

import click

from commands.mapping.csv_cells import COLUMNS, Json, Row, basis_points_in, flag_in, text_in, treatment_in, value_in


class Sheet:
    """What a CSV file says, and in which of its rows: `row_of` finds the row of a place in the document."""

    def __init__(self) -> None:
        self.document: Json = {"streams": [], "rules": []}
        self._rows: dict[str, int] = {}

    def row_of(self, pointer: str) -> int | None:
        """Return the number of the row that says what is at a place, counting the heading as row 1."""
        while pointer and pointer not in self._rows:
            pointer = pointer.rpartition("/")[0]
        return self._rows.get(pointer)

    def read(self, row: Row, number: int) -> None:
        """Add what a row says.

        :raises click.ClickException: it stands where it cannot, or is none of ours
        """
        kind = row["row"].strip()
        if kind not in _KINDS:
            raise click.ClickException(f"row {number}: “{kind}” is none of {', '.join(_KINDS)}")
        try:
            pointer = self._entry(row, number) if kind == "entry" else self._part(kind, row)
        except (IndexError, KeyError) as error:
            raise click.ClickException(f"row {number}: a {kind} has to follow what it belongs to") from error
        self._rows[pointer] = number

    def _part(self, kind: str, row: Row) -> str:
        streams, rules = self.document["streams"], self.document["rules"]
        match kind:
            case "stream":
                part, pointer = streams, "/streams"
            case "plan":
                part, pointer = streams[-1]["plans"], f"/streams/{len(streams) - 1}/plans"
            case "condition":
                part, pointer = rules[-1]["conditions"], f"/rules/{len(rules) - 1}/conditions"
            case "share":
                part, pointer = rules[-1]["outcome"]["shares"], f"/rules/{len(rules) - 1}/outcome/shares"
            case _:
                part, pointer = rules, "/rules"
        part.append(_KINDS[kind](row))
        return f"{pointer}/{len(part) - 1}"

    def _entry(self, row: Row, number: int) -> str:
        rules, value = self.document["rules"], text_in(row["value"])
        table = rules[-1]["lookup"]["table"]
        if value in table:
            raise click.ClickException(f"row {number}: “{value}” is in the table twice")
        table[value] = text_in(row["stream"])
        escaped = value.replace("~", "~0").replace("/", "~1")
        return f"/rules/{len(rules) - 1}/lookup/table/{escaped}"


def sheet_in(text: str) -> Sheet:
    """Return what a CSV file says.

    :raises click.ClickException: it has other columns, or a row that is none of ours
    """
    reader = csv.DictReader(StringIO(text.removeprefix("\ufeff"), newline=""), restval="")
    unknown = [name for name in reader.fieldnames or [] if name not in COLUMNS]
    if "row" not in (reader.fieldnames or []) or unknown:
        raise click.ClickException(f"row 1: the columns are {', '.join(COLUMNS)}")
    sheet = Sheet()
    for number, row in enumerate(reader, start=2):
        if None in row:
            raise click.ClickException(f"row {number}: more cells than columns")
        if any(row.values()):
            sheet.read(dict.fromkeys(COLUMNS, "") | row, number)
    return sheet


def _stream_in(row: Row) -> Json:
    own = {"id": row["id"] or None, "name": text_in(row["name"]), "code": text_in(row["code"]) or None}
    archived = flag_in(row["archived"])
    return {**own, "archived": archived, "default_treatment": treatment_in(row["treatment"]), "plans": []}


def _plan_in(row: Row) -> Json:
    archived = flag_in(row["archived"])
    return {"id": row["id"] or None, "name": text_in(row["name"]), "archived": archived}


def _rule_in(row: Row) -> Json:
    enabled = flag_in(row["enabled"])
    rule: Json = {"id": row["id"] or None, "name": text_in(row["name"]), "enabled": enabled}
    if row["applies_by"] or row["from"] or row["to"]:
        rule["applies"] = {"by": row["applies_by"] or None, "from": row["from"] or None, "to": row["to"] or None}
    if row["row"].strip() == "table":
        return {**rule, "lookup": {"field": row["field"], "table": {}}}
    return {**rule, "match": row["match"] or "all", "conditions": [], "outcome": {"shares": []}}


def _condition_in(row: Row) -> Json:
    condition: Json = {"field": row["field"], "op": row["op"]}
    if row["value"]:
        condition["value"] = value_in(row)
    return condition


def _share_in(row: Row) -> Json:
    return {
        "bp": basis_points_in(row["percent"]),
        "stream_id": text_in(row["stream"]) or None,
        "plan_id": text_in(row["plan"]) or None,
        "kind": row["counts_as"] or "revenue",
        "treatment": treatment_in(row["treatment"]),
    }


_KINDS: dict[str, Callable[[Row], Json]] = {
    "stream": _stream_in,
    "plan": _plan_in,
    "rule": _rule_in,
    "table": _rule_in,
    "condition": _condition_in,
    "share": _share_in,
    "entry": dict,
}

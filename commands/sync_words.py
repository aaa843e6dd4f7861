"""What a sync came to, in words and as an exit code."""

from collections.abc import Mapping
from typing import Any

EXIT_FAILED = 1
EXIT_DIFFERENCES_STAY = 3

_EXIT_CODES = {"partially_succeeded": EXIT_DIFFERENCES_STAY, "failed": EXIT_FAILED, "canceled": EXIT_FAILED}


def exit_code_of(told: Mapping[str, Any]) -> int:
    """Give 0 when it succeeded or is under way, 3 when differences stay, 1 when it failed or was canceled."""
    return _EXIT_CODES.get(told["status"], 0)


def in_words(told: Mapping[str, Any]) -> str:
    """Tell how a sync ended or stands, with every difference that stays on a line of its own."""
    sync = f"Sync {told['id']} of company {told['company_id']}"
    found, error = told["reconciliation"], told["error"]
    match told["status"]:
        case "succeeded":
            return f"{sync} succeeded: {_proven(found)}."
        case "partially_succeeded":
            differences = [_difference(one) for one in found["differences"]]
            return "\n".join([f"{sync} succeeded in part: {_proven(found)}, and differences stay:", *differences])
        case "failed":
            lines = [f"{sync} failed: {error['title']}", error["what_you_can_do"], error["detail"]]
            return "\n  ".join(line for line in lines if line)
        case "canceled":
            return f"{sync} was canceled. What it had read stays."
        case under_way:
            return f"{sync} is {under_way}. Follow it: flask sync {told['company_id']} --wait"


def _proven(found: Mapping[str, Any]) -> str:
    return f"{found['matched']:,} invoices equal Stripe's books, {found['repaired']:,} were put right"


def _difference(one: Mapping[str, Any]) -> str:
    about = one.get("invoice_id") or one.get("object_id") or one.get("resource") or "?"
    sides = [
        f"{side} has {figures['status']}, {figures['lines']} lines, amount {figures['amount']}"
        for side, figures in (("Stripe", one.get("at_stripe")), ("the table", one.get("in_table")))
        if figures
    ]
    return f"  {about}: {one['kind']}" + "".join(f"; {part}" for part in [*sides, one.get("detail")] if part)

"""Describe the outcome of a sync in words and as an exit code."""

from collections.abc import Mapping
from typing import Any

from commands.terminal import counted

EXIT_FAILED = 1
EXIT_DIFFERENCES_STAY = 3

_EXIT_CODES = {"partially_succeeded": EXIT_DIFFERENCES_STAY, "failed": EXIT_FAILED, "canceled": EXIT_FAILED}


def exit_code_of(run: Mapping[str, Any]) -> int:
    """Return 0 if the sync succeeded or is unfinished, 3 if differences remain, 1 if it failed or was canceled."""
    return _EXIT_CODES.get(run["status"], 0)


def in_words(run: Mapping[str, Any]) -> str:
    """Return a sync's status or outcome as text, with each remaining difference on its own line."""
    sync = f"Sync {run['number']} of company {run['company_id']}"
    reconciliation, error = run["reconciliation"], run["error"]
    match run["status"]:
        case "succeeded":
            doubts = [_notice(one) for one in reconciliation.get("notices") or ()]
            return "\n".join([f"{sync} succeeded: {_proven(reconciliation)}.", *doubts])
        case "partially_succeeded":
            differences = [_difference(one) for one in reconciliation["differences"]]
            return "\n".join(
                [f"{sync} partially succeeded: {_proven(reconciliation)}. Differences remain:", *differences]
            )
        case "failed":
            lines = [f"{sync} failed: {error['title']}", error["what_you_can_do"], error["detail"]]
            return "\n  ".join(line for line in lines if line)
        case "canceled":
            return f"{sync} was canceled. What it had read is kept."
        case unfinished:
            return f"{sync} is {unfinished}. Follow it with: flask sync {run['company_id']} --wait"


def _proven(reconciliation: Mapping[str, Any]) -> str:
    matched, repaired = reconciliation["matched"], reconciliation["repaired"]
    equal = counted(matched, "invoice matches", "invoices match")
    return f"{equal} Stripe, {repaired:,} {'was' if repaired == 1 else 'were'} repaired"


def _notice(notice: Mapping[str, Any]) -> str:
    about = notice.get("invoice_id") or notice.get("resource") or "?"
    return f"  {about}: {notice['kind']}; {notice['detail']}"


def _difference(difference: Mapping[str, Any]) -> str:
    about = difference.get("invoice_id") or difference.get("object_id") or difference.get("resource") or "?"
    sides = [
        f"{side} has {figures['status']}, {counted(figures['lines'], 'line')}, amount {figures['amount']}"
        for side, figures in (("Stripe", difference.get("at_stripe")), ("the table", difference.get("in_table")))
        if figures
    ]
    details = "".join(f"; {part}" for part in [*sides, difference.get("detail")] if part)
    return f"  {about}: {difference['kind']}{details}"

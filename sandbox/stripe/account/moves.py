"""Call methods of the ledger with arguments from JSON."""

from collections.abc import Sequence
from typing import Any

from sandbox.stripe.account.ledger import Ledger
from sandbox.stripe.records.records import Discount, Tax
from sandbox.stripe.records.specs import CreditSpec, InvoiceSpec, LineSpec

Json = dict[str, Any]

_ACTIONS = frozenset(
    {
        "create_customer",
        "rename_customer",
        "delete_customer",
        "create_product",
        "rename_product",
        "delete_product",
        "create_price",
        "rename_price",
        "deactivate_price",
        "create_subscription",
        "cancel_subscription",
        "announce_invoice",
        "create_invoice",
        "create_paid_invoice",
        "finalize_invoice",
        "pay_invoice",
        "void_invoice",
        "mark_uncollectible",
        "delete_invoice",
        "create_credit_note",
        "void_credit_note",
    }
)


def make_move(ledger: Ledger, action: str, **arguments: Any) -> str:  # noqa: ANN401 - any JSON values
    """Call a method of the ledger and return the id of the object it created or changed.

    Arguments have the names of the method's parameters; `lines` and `spec` are objects with the fields of `LineSpec`
    and `InvoiceSpec` (`lines` of a credit note, of `CreditSpec`), and `every` is a list like `[3, "month"]`.

    :raises ValueError: there is no such action
    """
    if action not in _ACTIONS:
        message = f"no action {action!r}; there are {', '.join(sorted(_ACTIONS))}"
        raise ValueError(message)
    if "lines" in arguments:
        read = _credit_line if action == "create_credit_note" else _line
        arguments["lines"] = [read(line) for line in arguments["lines"]]
    if "spec" in arguments:
        arguments["spec"] = InvoiceSpec(**arguments["spec"])
    if "every" in arguments:
        arguments["every"] = _pair(arguments["every"])
    moved = getattr(ledger, action)(**arguments)
    return str(moved.id)


def _line(described: Json) -> LineSpec:
    described = _with_cuts(described)
    if described.get("period") is not None:
        described["period"] = _pair(described["period"])
    return LineSpec(**described)


def _credit_line(described: Json) -> CreditSpec:
    return CreditSpec(**_with_cuts(described))


def _with_cuts(described: Json) -> Json:
    discounts = tuple(Discount(**cut) for cut in described.get("discounts", ()))
    taxes = tuple(Tax(**tax) for tax in described.get("taxes", ()))
    return {**described, "discounts": discounts, "taxes": taxes}


def _pair(values: Sequence[Any]) -> tuple[Any, Any]:
    first, second = values
    return first, second

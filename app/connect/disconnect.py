"""Disconnect a company's account, at Stripe first, so that no access stays open there that we have forgotten."""

from app.connect.restricted_key import forget_key
from app.wiring.tools import current_tools
from events.connection.accounts import connection_state
from events.connection.lifecycle import disconnect
from runtime.database import within_company


def disconnect_company(company_id: int, *, actor: str) -> None:
    """Disconnect a company. Commits; safe to repeat.

    :raises StripeAwayError: Stripe did not confirm; nothing was changed
    """
    tools = current_tools()
    with within_company(tools.engine, company_id) as connection:
        state = connection_state(connection, company_id)
    if state is None or state.status == "disconnected":
        return
    if tools.connect is not None and state.method == tools.connect.method:
        tools.connect.let_go(state.account.account_id)
    if state.method != "connect":
        forget_key(company_id)
    with within_company(tools.engine, company_id) as connection:
        disconnect(connection, company_id, actor=actor, now=tools.clock())

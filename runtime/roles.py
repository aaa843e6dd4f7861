"""The roles in which processes act in PostgreSQL; `migrations/rights.txt` says what each may do with each table."""

from typing import Final

from runtime.environ import Environment

# The web process for one company: it sees the rows of the company that its transaction names, and without a name none.
APP: Final = "revmap_app"
# The web process before a company is known: who holds this key, this session, this invitation.
WEB: Final = "revmap_web"
# Keeping what Stripe sends, and nothing else.
INTAKE: Final = "revmap_intake"
# Workers and the clock: they work for all companies, and own the tables that are made from the log.
WORKER: Final = "revmap_worker"
# An operator's commands: what the web process and the workers may do.
OPERATOR: Final = "revmap_operator"

OF_WEB: Final = (APP, WEB, INTAKE)
OF_WORKERS: Final = (WORKER, APP)
ALL: Final = (APP, WEB, INTAKE, WORKER, OPERATOR)


def roles_from(environment: Environment) -> bool:
    """Return whether processes act in roles; note an unknown word on `environment`."""
    word = environment.optional("DATABASE_ROLES") or "required"
    if word not in ("required", "none"):
        environment.note("DATABASE_ROLES is neither required nor none")
    return word != "none"

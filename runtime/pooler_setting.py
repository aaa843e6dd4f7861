"""Read the setting that says whether a pooler stands before the database; for what it changes see `runtime.pooling`."""

from runtime.environ import Environment


def pooled_from(environment: Environment) -> bool:
    """Return whether DATABASE_URL leads to a pooler of transactions; note an unknown word on `environment`."""
    word = environment.optional("DATABASE_POOLER") or "none"
    if word not in ("none", "transaction"):
        environment.note("DATABASE_POOLER is neither none nor transaction")
    return word == "transaction"

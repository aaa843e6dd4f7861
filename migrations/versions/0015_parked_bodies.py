"""Park a different body with the id of a parked event too, instead of dropping it."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Distinguish parked bodies by their hash. The one that came first wins once they join a log."""
    op.execute(
        "ALTER TABLE parked_event DROP CONSTRAINT parked_event_pkey,"
        " ADD CONSTRAINT parked_event_pkey PRIMARY KEY (account_id, livemode, external_id, payload_sha256)"
    )

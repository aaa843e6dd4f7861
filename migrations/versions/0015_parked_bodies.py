"""Another body under the id of a parked event is parked, too, instead of dropped."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Tell parked bodies apart by their hash. Whichever came first stands once they join a log."""
    op.execute(
        "ALTER TABLE parked_event DROP CONSTRAINT parked_event_pkey,"
        " ADD CONSTRAINT parked_event_pkey PRIMARY KEY (account_id, livemode, external_id, payload_sha256)"
    )

"""Tables of second factors. Both go with the person whose they are."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, LargeBinary, Table, Text

from events.log.tables import INSTANT
from tenants.tables import metadata, user_account

second_factor = Table(
    "second_factor",
    metadata,
    Column("user_id", BigInteger, ForeignKey(user_account.c.id, ondelete="CASCADE"), primary_key=True),
    # What the app makes codes from.
    Column("key_id", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    # The time step of the last code that was accepted: none is accepted twice, nor one before it.
    Column("last_step", BigInteger, nullable=False),
    Column("turned_on_at", INSTANT, nullable=False),
)
Index("second_factor_key_id_idx", second_factor.c.key_id)

# A recovery code is deleted when it is used.
recovery_code = Table(
    "recovery_code",
    metadata,
    Column("user_id", BigInteger, ForeignKey(second_factor.c.user_id, ondelete="CASCADE"), primary_key=True),
    Column("code_sha256", LargeBinary, primary_key=True),
)

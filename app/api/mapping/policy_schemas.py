"""Schemas of the accounting policy."""

from typing import get_args

from marshmallow import Schema, fields, validate

from app.api.mapping.preview_schemas import PreviewCell
from app.http.fields import TimeZone
from projections.recognition.billing import CatchUp, Uncollectible

UNCOLLECTIBLE: tuple[str, ...] = get_args(Uncollectible)
CATCH_UP: tuple[str, ...] = get_args(CatchUp)


class AccountingPolicyChanges(Schema):
    """The policy to set; what is left out stays as it is."""

    time_zone = TimeZone(metadata={"description": "An IANA name, such as Europe/Berlin or UTC."})
    uncollectible = fields.String(validate=validate.OneOf(UNCOLLECTIBLE))
    catch_up = fields.String(validate=validate.OneOf(CATCH_UP))
    dry_run = fields.Boolean(
        load_default=False,
        truthy={True},
        falsy={False},
        metadata={"description": "True sets nothing, and returns what would be recognized."},
    )


class AccountingPolicy(Schema):
    """A company's accounting policy."""

    object = fields.Constant("accounting_policy")
    time_zone = fields.String(metadata={"description": "An IANA name: days and months begin there."})
    uncollectible = fields.String(
        validate=validate.OneOf(UNCOLLECTIBLE),
        metadata={"description": "Whether write-offs are taken back from revenue, or are an expense."},
    )
    catch_up = fields.String(
        validate=validate.OneOf(CATCH_UP),
        metadata={"description": "Whether what is earned before it is booked stays on its days (none), or is booked."},
    )
    version = fields.Integer(metadata={"description": "0 until it is set for the first time."})
    position = fields.Integer()
    data = fields.List(
        fields.Nested(PreviewCell),
        metadata={"description": "Only with dry_run: what is recognized by month, stream and currency, now and then."},
    )

"""Schemas of overrides of what rules say."""

from marshmallow import Schema, fields

from app.api.mapping.schemas import OUTCOME, Reason
from app.api.schemas import LinesFilter
from app.http.fields import Flag


class OverrideQuery(Schema):
    """The mode of what is overridden."""

    livemode = Flag(metadata={"description": "Default: the mode of the company's connection."})


class NewOverride(Schema):
    """What a person chooses, whatever rules say."""

    outcome = fields.Raw(required=True, metadata=OUTCOME)
    reason = Reason()


class MappingOverride(Schema):
    """An override that is in force."""

    object = fields.Constant("mapping_override")
    livemode = fields.Boolean()
    subscription_id = fields.String(metadata={"description": "Of an override of a subscription."})
    invoice_id = fields.String(metadata={"description": "Of an override of a line."})
    invoice_line_item_id = fields.String(metadata={"description": "Of an override of a line."})
    outcome = fields.Raw(metadata=OUTCOME)
    reason = fields.String(allow_none=True)
    batch_id = fields.String(metadata={"description": "Of an override of a line: the batch that it came with."})


class ChosenLines(LinesFilter):
    """Which lines to override: the filters of the list of lines."""

    class Meta:
        """What an order and a moment are, no choice has."""

        exclude = ("sort", "as_of")


class NewOverrideBatch(NewOverride):
    """What a person chooses for all lines of a filter."""

    filter = fields.Nested(ChosenLines, required=True)
    dry_run = fields.Boolean(
        load_default=False,
        truthy={True},
        falsy={False},
        metadata={"description": "Only say what it would come to."},
    )


class MoneyOverridden(Schema):
    """What lines come to in one currency."""

    currency = fields.String()
    net_amount = fields.Integer()


class OverrideBatch(Schema):
    """Lines that were, or would be, overridden together."""

    object = fields.Constant("override_batch")
    id = fields.String(allow_none=True, metadata={"description": "Null for a dry run."})
    lines = fields.Integer(metadata={"description": "How many."})
    money = fields.List(fields.Nested(MoneyOverridden))

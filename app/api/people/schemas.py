"""Schemas of people, invitations, API keys and companies."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from app.http.fields import Instant, Name, TimeZone
from tenants.people.users import UnusableEmailError, normal_email
from tenants.roles import ROLES

_SECOND_FACTOR = "Whether members who sign in with a password need a second factor. Keys need none."
_ONCE = "Only returned when it is created: it is not stored."


class EmailAddress(fields.String):
    """An e-mail address, in the spelling in which it is stored."""

    def _deserialize(self, *args: Any, **options: Any) -> str:  # noqa: ANN401 - marshmallow's own
        try:
            return normal_email(super()._deserialize(*args, **options))
        except UnusableEmailError as error:
            raise ValidationError("Not an e-mail address, such as name@example.org.") from error


class RoleName(fields.String):
    """A role in a company."""

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401 - marshmallow's own options
        super().__init__(validate=validate.OneOf(ROLES), **kwargs)


class OwnCompany(Schema):
    """A company of the caller, and the caller's role in it."""

    id = fields.Integer(attribute="company_id")
    name = fields.String(attribute="company_name")
    role = RoleName()


class Principal(Schema):
    """The caller: a person who is signed in, or an API key."""

    object = fields.Constant("principal")
    kind = fields.String(validate=validate.OneOf(["user", "api_key"]))
    companies = fields.List(fields.Nested(OwnCompany))


class Member(Schema):
    """A person who belongs to the company."""

    object = fields.Constant("member")
    id = fields.Integer()
    name = fields.String(allow_none=True)
    email = fields.String()
    role = RoleName()
    created_at = Instant(metadata={"description": "When they became a member."})
    last_seen_at = Instant(
        allow_none=True, metadata={"description": "Their last request for this company, to about five minutes."}
    )


class RoleChange(Schema):
    """The role that a member is to have."""

    role = RoleName(required=True)


class PasswordLink(Schema):
    """A link with which a member sets a new password: it works once, for an hour."""

    object = fields.Constant("password_link")
    is_mailed = fields.Boolean(
        metadata={"description": "Whether it was mailed to the member: then nobody is shown it."}
    )
    url = fields.String(allow_none=True, metadata={"description": f"{_ONCE} Null if it was mailed."})
    expires_at = Instant()


class Invitation(Schema):
    """An invitation: a link that lets one address in, once, within seven days."""

    object = fields.Constant("invitation")
    id = fields.Integer()
    email = fields.String()
    role = RoleName()
    status = fields.String(validate=validate.OneOf(["open", "accepted", "revoked", "expired"]))
    invited_by = fields.String(metadata={"description": "Who invited: user:ID or api_key:ID."})
    created_at = Instant()
    expires_at = Instant()
    is_mailed = fields.Boolean(metadata={"description": "Whether the link was mailed. Only returned with `url`."})
    url = fields.String(metadata={"description": f"The link. {_ONCE}"})


class NewInvitation(Schema):
    """Whom to invite, and the role they are to have."""

    email = EmailAddress(required=True, validate=validate.Length(3, 254))
    role = RoleName(required=True)


class ApiKey(Schema):
    """An API key of the company."""

    object = fields.Constant("api_key")
    id = fields.Integer()
    name = fields.String(metadata={"description": "Empty for a key that was created by command."})
    role = RoleName()
    prefix = fields.String(metadata={"description": "The key's first characters."})
    created_by = fields.String(allow_none=True, metadata={"description": "user:ID, api_key:ID or operator."})
    created_at = Instant()
    last_used_at = Instant(allow_none=True, metadata={"description": "To about five minutes."})
    revoked_at = Instant(allow_none=True)
    key = fields.String(metadata={"description": f"The key itself. {_ONCE}"})


class NewApiKey(Schema):
    """What a new key is for, and the role it is to have."""

    name = Name(required=True)
    role = RoleName(required=True)


class Company(Schema):
    """A company."""

    object = fields.Constant("company")
    id = fields.Integer()
    name = fields.String()
    time_zone = fields.String(metadata={"description": "An IANA name. Days and months of reports begin there."})
    requires_second_factor = fields.Boolean(metadata={"description": _SECOND_FACTOR})
    created_at = Instant()


class CompanyChange(Schema):
    """What to change about a company; what is left out stays as it is."""

    name = Name()
    time_zone = TimeZone(metadata={"description": "An IANA name, such as Europe/Berlin or UTC."})
    requires_second_factor = fields.Boolean(metadata={"description": _SECOND_FACTOR})


class AuditEntry(Schema):
    """Something that somebody did, as the company's log records it."""

    object = fields.Constant("audit_entry")
    position = fields.Integer(metadata={"description": "Its position in the log."})
    type = fields.String(metadata={"description": "access.…, connection.…, mapping.… or accounting.…"})
    actor = fields.String(allow_none=True, metadata={"description": "user:ID, api_key:ID, operator, or null."})
    actor_name = fields.String(allow_none=True, metadata={"description": "The person's address, or the key's name."})
    entity = fields.String(allow_none=True, metadata={"description": "What it was done to."})
    entity_name = fields.String(allow_none=True)
    details = fields.Dict(
        keys=fields.String(),
        allow_none=True,
        metadata={"description": "What else is known. Null if it is long: then read the event at this position."},
    )
    recorded_at = Instant()

"""Roles in a company, and the principals that have them."""

from typing import Literal, NamedTuple

Role = Literal["viewer", "editor", "admin"]
ROLES: tuple[Role, ...] = ("viewer", "editor", "admin")


class Principal(NamedTuple):
    """An authenticated caller with a role in a company. `actor` is the name that facts record."""

    company_id: int
    role: Role
    actor: str

    def reaches(self, needed: Role) -> bool:
        """Return whether the role is the needed one or a higher one."""
        return ROLES.index(self.role) >= ROLES.index(needed)

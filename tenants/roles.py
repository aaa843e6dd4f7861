"""What somebody may do in a company, and who it is that does it."""

from typing import Literal, NamedTuple

Role = Literal["viewer", "editor", "admin"]
ROLES: tuple[Role, ...] = ("viewer", "editor", "admin")


class Principal(NamedTuple):
    """Who asks: somebody who has this role in this company. `actor` is the name under which facts remember it."""

    company_id: int
    role: Role
    actor: str

    def reaches(self, needed: Role) -> bool:
        """Tell whether the role is this one or a higher one."""
        return ROLES.index(self.role) >= ROLES.index(needed)

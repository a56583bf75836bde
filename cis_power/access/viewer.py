"""Who asks: every read takes a `Viewer`, and nothing else decides what it may see."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from cis_power.access.permissions import ROLES, SYSTEM_ROLE, may
from cis_power.core.errors import Forbidden

Kind = Literal["user", "key", "cli", "system"]


@dataclass(frozen=True, slots=True)
class Viewer:
    """A person, a machine key or the system itself, with one role and a territory.

    `districts` holds the keys of every district the viewer may see, sub-districts included; `None` is the whole utility
    and an empty set is nothing. `id` is the surrogate key of the user or machine key.
    """

    name: str
    role: str
    districts: frozenset[int] | None
    kind: Kind = "user"
    id: int | None = None

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise ValueError(f"unknown role {self.role!r}")

    @property
    def actor(self) -> str:
        """How the audit names this viewer: a surrogate (`user:7`, `key:3`), or `cli:<os user>` and `system:<job>`."""
        return f"{self.kind}:{self.name if self.id is None else self.id}"

    def may(self, permission: str) -> bool:
        """Say whether the viewer's role holds a permission; `KeyError` for one that is not in the table."""
        return may(self.role, permission)

    def may_any(self, permissions: Collection[str]) -> bool:
        """Say whether the viewer's role holds at least one of some permissions."""
        return any(self.may(permission) for permission in permissions)

    def require(self, permission: str) -> None:
        """Raise `Forbidden` unless the viewer's role holds a permission."""
        if not self.may(permission):
            raise Forbidden(f"the role {self.role} does not hold {permission}")

    def sees_district(self, district_id: int | None) -> bool:
        """Say whether one district lies in the territory; what has no district is seen by the whole utility only."""
        return self.districts is None or district_id in self.districts


def system_viewer(name: str, kind: Literal["cli", "system"] = "system") -> Viewer:
    """Return the viewer of a job (`system:<name>`) or of the command line (`cli:<os user>`): it sees everything."""
    return Viewer(name=name, role=SYSTEM_ROLE, districts=None, kind=kind)

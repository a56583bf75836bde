"""Who lives where, as callers know it themselves. Pure."""

import random
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Dweller:
    """Somebody at a usage point. `place` is a name that nobody else's place has; empty: none."""

    usage_point: str
    account_no: str
    phone: str
    transformer: str
    place: str = ""


class Directory(Protocol):
    """What there is to know about a utility's people."""

    def dweller(self, usage_point: str) -> Dweller | None:
        """Who lives at a usage point; None: nobody does, or there is no such point."""

    def anyone(self, chance: random.Random) -> str:
        """Some usage point."""

    def neighbour(self, usage_point: str, chance: random.Random) -> str:
        """A usage point not far away, of another transformer if there is one."""

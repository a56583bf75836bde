"""The office: which lateral is taken out of supply for planned work, and when. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from cis_power.demo.people.dice import dice, spread
from cis_power.demo.people.manner import Manner
from cis_power.demo.people.wiring import Piece, Wiring

PLANNED = {"kind": "planned", "cause": "maintenance"}


class Office:
    """Plans work on dead-end fuses that no telemetry shows."""

    def __init__(self, seed: int, manner: Manner, wiring: Wiring) -> None:
        self._seed, self._manner, self._wiring = seed, manner, wiring
        self._laterals: Sequence[Piece] = [
            wiring.pieces[code] for code in sorted(wiring.pieces)
            if wiring.pieces[code].kind == "fuse" and not (wiring.pieces[code].told or wiring.pieces[code].normal_open)
        ]  # fmt: skip

    def next_work(self, number: int, since: datetime) -> tuple[datetime, Piece] | None:
        """When work number so and so begins, the first after `since`, and where; None: there is nowhere."""
        if not self._laterals or self._manner.planned_an_hour <= 0:
            return None
        chance = dice(self._seed, "planned", number)
        wait = timedelta(hours=(0.5 + chance.random()) / self._manner.planned_an_hour)
        return since + wait, chance.choice(self._laterals)

    def duration(self, number: int) -> timedelta:
        """How long work number so and so takes."""
        return self._manner.of(spread(dice(self._seed, "planned", number, "lasts"), self._manner.planned_minutes, 0.3))

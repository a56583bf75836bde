"""What reads of telemetry answer: points, their history, signal events, sources, gaps."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cis_power.core.quality import Quality
from cis_power.core.time import iso
from cis_power.telemetry.quality import Held


@dataclass(frozen=True, slots=True)
class PointRow:
    """A point with its value as of now. `value` is in `unit`; `source_state` is unknown, up or down."""

    point_id: str
    source: str
    device_id: int
    table: str
    address: str
    datatype: str
    kind: str
    equipment: str | None
    quantity: str | None
    unit: str | None
    normal_state: float | None
    poll_seconds: float
    value: float | None
    quality: Quality
    reason: str | None
    measured_at: datetime | None
    received_at: datetime | None
    age_seconds: float | None
    held: Held | None
    source_state: str

    @property
    def alarm(self) -> bool:
        """Whether a normal state is given and the value is another one."""
        return self.normal_state is not None and self.value is not None and self.value != self.normal_state

    def as_dict(self) -> dict[str, Any]:
        """The contract's JSON object, with what else is known."""
        return {
            "point_id": self.point_id,
            "value": self.value,
            "unit": self.unit,
            "quality": self.quality.name,
            "reason": self.reason,
            "measured_at": None if self.measured_at is None else iso(self.measured_at),
            "received_at": None if self.received_at is None else iso(self.received_at),
            "age_seconds": None if self.age_seconds is None else round(self.age_seconds, 3),
            "source": self.source,
            "device_id": self.device_id,
            "kind": self.kind,
            "equipment": self.equipment,
            "quantity": self.quantity,
            "normal_state": self.normal_state,
            "alarm": self.alarm,
            "held": None if self.held is None else self.held.kind,
        }


@dataclass(frozen=True, slots=True)
class PointHistory:
    """Values of a point in [from, to): analog ones on the poll grid (the last of a slot), signals as their changes.

    `grid_seconds` is the length of a slot, whose beginning stands for the time; None: the times are exact.
    """

    point_id: str
    unit: str | None
    rows: Sequence[tuple[datetime, float | None, Quality]]
    grid_seconds: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """The contract's JSON object."""
        rows = [[iso(at), value, quality.name] for at, value, quality in self.rows]
        kept = "every change" if self.grid_seconds is None else "the last value of each slot"
        stated = {"grid_seconds": self.grid_seconds, "kept": kept}
        return {"point_id": self.point_id, "unit": self.unit, "rows": rows} | stated


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source and how it stands. `values_missing`: in gaps that nothing filled; `pulled_to_at`: by its archive."""

    name: str
    state: str
    reason: str | None
    state_at: datetime | None
    last_poll_at: datetime | None
    last_good_poll_at: datetime | None
    polls: int
    polls_failed: int
    points: int
    gaps: int
    open_gaps: int
    values_missing: int
    pulled_from: str | None
    pulled_to_at: datetime | None


@dataclass(frozen=True, slots=True)
class EventRow:
    """A signal that was found with another value or quality."""

    point_id: str
    equipment: str | None
    quantity: str | None
    unit: str | None
    source: str
    value: float | None
    previous_value: float | None
    quality: Quality
    reason: str | None
    occurred_at: datetime
    earliest_at: datetime | None
    latest_at: datetime
    time_uncertain: bool
    received_at: datetime


@dataclass(frozen=True, slots=True)
class GapRow:
    """Time without values; `point_id` None: all points of the source, `source` None: it is not known which."""

    source: str | None
    point_id: str | None
    began_at: datetime
    ended_at: datetime | None
    reason: str
    values_missing: int | None
    batches: int | None
    filled_at: datetime | None
    filled_from: str | None

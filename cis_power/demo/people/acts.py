"""What simulated people do: plain data, carried out elsewhere. `at` is when. Pure."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Call:
    """A telephone call about one thing, as an agent enters it. `key`: the same key again is the same call.

    `shown` is the number the telephone shows (None: withheld). `about` holds exactly one of account_no, usage_point,
    transformer, place, phone.
    """

    at: datetime
    key: str
    about: dict[str, str]
    trouble_code: str
    text: str = ""
    shown: str | None = None
    honest: bool = True  # whether the caller really is without supply, and says rightly who he is


@dataclass(frozen=True, slots=True)
class Move:
    """A hand on a device in the field."""

    at: datetime
    device: str
    closed: bool
    by: str


@dataclass(frozen=True, slots=True)
class Repair:
    """The fault of a piece of equipment is mended."""

    at: datetime
    equipment: str
    by: str


@dataclass(frozen=True, slots=True)
class Report:
    """A crew tells the control room that a device was opened or closed at `happened_at`; the room enters it."""

    at: datetime
    device: str
    closed: bool
    happened_at: datetime
    by: str
    about: dict[str, str] = field(default_factory=dict)  # kind, cause, responsibility of what an opening brings about


@dataclass(frozen=True, slots=True)
class Estimate:
    """Somebody says until when the outages of these devices will last."""

    at: datetime
    devices: tuple[str, ...]
    earliest_at: datetime
    latest_at: datetime
    source: str
    by: str


@dataclass(frozen=True, slots=True)
class Finding:
    """After restoration the crew's paper says what it was: the outages of these devices get their cause."""

    at: datetime
    devices: tuple[str, ...]
    since: datetime
    cause: str
    by: str


@dataclass(frozen=True, slots=True)
class Drop:
    """The billing system lays a file into the exchange folder and has it taken. `expect` says how that ends."""

    at: datetime
    kind: str
    name: str
    content: str
    expect: str


@dataclass(frozen=True, slots=True)
class Fetch:
    """The billing system takes one of our files: `kind` of `export`, for the local day `days_ago`."""

    at: datetime
    kind: str
    days_ago: int


Act = Call | Move | Repair | Report | Estimate | Finding | Drop | Fetch

"""Which channel a reading belongs to: by meter, or by the meter that stood at the usage point then."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cis_power.core.db import Base, bulk_insert, bulk_upsert, chunked
from cis_power.customers.models import UsagePoint
from cis_power.metering.models import Channel, Meter, MeterInstallation
from cis_power.metering.readings import Reading, ReadingProblem
from cis_power.metering.units import UNITS, find_unit

DEFAULT_CODE = "1"
_KEYS_A_QUERY = 5_000


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """A channel as posting needs it."""

    id: int
    code: str
    unit: str
    kind: str


@dataclass(frozen=True, slots=True)
class Located:
    """Index of a reading → its channel, and why others have none."""

    channels: dict[int, ChannelRow]
    problems: list[ReadingProblem]


def locate_channels(session: Session, readings: Sequence[Reading]) -> Located:
    """The channel of each reading; missing ones are made from the reading's unit and interval.

    A usage point that never had a meter gets one of its own name, so that readings of unmetered points have a place.
    """
    meters = _meters(session, {reading.meter_no for reading in readings if reading.meter_no})
    standing = _standing(session, {r.usage_point for r in readings if r.usage_point and not r.meter_no})
    problems: list[ReadingProblem] = []
    meter_of: dict[int, int] = {}
    for index, reading in enumerate(readings):
        found = meters.get(reading.meter_no) if reading.meter_no else standing.meter_at(reading)
        if found is not None:
            meter_of[index] = found
        elif reading.meter_no:
            problems.append(
                ReadingProblem(index, "unknown_meter", "meter_no", f"meter {reading.meter_no!r} is not known")
            )
        else:
            problems.append(standing.problem(index, reading))
    channels = _channels(session, readings, meter_of, problems)
    return Located(channels, problems)


@dataclass(frozen=True, slots=True)
class _Standing:
    """Which meter stood at each usage point, and when."""

    usage_points: dict[str, int]
    spans: dict[int, list[tuple[datetime | None, datetime | None, int]]]

    def meter_at(self, reading: Reading) -> int | None:
        key = self.usage_points.get(reading.usage_point or "")
        for began_at, ended_at, meter_id in self.spans.get(key or 0, ()):
            if (began_at is None or began_at <= reading.began_at) and (ended_at is None or reading.began_at < ended_at):
                return meter_id
        return None

    def problem(self, index: int, reading: Reading) -> ReadingProblem:
        if reading.usage_point not in self.usage_points:
            message = f"usage point {reading.usage_point!r} is not known"
            return ReadingProblem(index, "unknown_usage_point", "usage_point", message)
        message = f"no meter stood at usage point {reading.usage_point!r} at {reading.began_at.isoformat()}"
        return ReadingProblem(index, "no_meter_then", "usage_point", message)


def _meters(session: Session, numbers: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for part in chunked(numbers, _KEYS_A_QUERY):
        rows = session.execute(select(Meter.meter_no, Meter.id).where(Meter.meter_no.in_(part)))
        found.update({row.meter_no: row.id for row in rows})
    return found


def _standing(session: Session, codes: Iterable[str]) -> _Standing:
    known: dict[str, int] = {}
    for part in chunked(codes, _KEYS_A_QUERY):
        rows = session.execute(select(UsagePoint.code, UsagePoint.id).where(UsagePoint.code.in_(part)))
        known.update({row.code: row.id for row in rows})
    spans = _spans(session, known.values())
    bare = {code: key for code, key in known.items() if key not in spans}
    if bare:
        spans.update({bare[code]: [(None, None, meter)] for code, meter in _own_meters(session, bare).items()})
    return _Standing(known, spans)


def _spans(
    session: Session, usage_points: Iterable[int]
) -> dict[int, list[tuple[datetime | None, datetime | None, int]]]:
    spans: dict[int, list[tuple[datetime | None, datetime | None, int]]] = {}
    install = MeterInstallation
    for part in chunked(usage_points, _KEYS_A_QUERY):
        query = select(install.usage_point_id, install.began_at, install.ended_at, install.meter_id)
        for row in session.execute(query.where(install.usage_point_id.in_(part)).order_by(install.id)):
            spans.setdefault(row.usage_point_id, []).append((row.began_at, row.ended_at, row.meter_id))
    return spans


def _own_meters(session: Session, usage_points: dict[str, int]) -> dict[str, int]:
    """Meters named after usage points that never had one, installed for ever."""
    bulk_upsert(session, Base.metadata.tables["meter"], {
        "meter_no": list(usage_points), "owner": ["utility"] * len(usage_points),
    }, key=("meter_no",), update=())  # fmt: skip
    meters = _meters(session, usage_points)
    bulk_insert(session, Base.metadata.tables["meter_installation"], {
        "meter_id": [meters[code] for code in usage_points],
        "usage_point_id": list(usage_points.values()),
        "multiplier": [1.0] * len(usage_points),
    })  # fmt: skip
    return meters


def _channels(
    session: Session, readings: Sequence[Reading], meter_of: dict[int, int], problems: list[ReadingProblem]
) -> dict[int, ChannelRow]:
    known = _known_channels(session, set(meter_of.values()))
    wanted: dict[tuple[int, str], Reading] = {}
    place: dict[int, tuple[int, str]] = {}
    for index, meter_id in meter_of.items():
        code = readings[index].channel or _only_code(known.get(meter_id, {}))
        place[index] = (meter_id, code)
        if code not in known.get(meter_id, {}):
            wanted.setdefault((meter_id, code), readings[index])
    if wanted:
        _make_channels(session, {key: reading for key, reading in wanted.items() if _readable(reading)})
        known = _known_channels(session, set(meter_of.values()))
    found: dict[int, ChannelRow] = {}
    for index, (meter_id, code) in place.items():
        channel = known.get(meter_id, {}).get(code)
        if channel is None:
            unit = wanted[meter_id, code].unit
            problems.append(ReadingProblem(index, "unknown_unit", "unit", f"unit {unit!r} is not known"))
        else:
            found[index] = channel
    return found


def _only_code(channels: dict[str, ChannelRow]) -> str:
    """The code of a meter's only channel, else the default."""
    return next(iter(channels)) if len(channels) == 1 else DEFAULT_CODE


def _known_channels(session: Session, meters: Iterable[int]) -> dict[int, dict[str, ChannelRow]]:
    known: dict[int, dict[str, ChannelRow]] = {}
    for part in chunked(meters, _KEYS_A_QUERY):
        query = select(Channel.id, Channel.meter_id, Channel.code, Channel.unit, Channel.kind)
        for row in session.execute(query.where(Channel.meter_id.in_(part)).order_by(Channel.id)):
            known.setdefault(row.meter_id, {})[row.code] = ChannelRow(row.id, row.code, row.unit, row.kind)
    return known


def _readable(reading: Reading) -> bool:
    return not reading.unit or find_unit(reading.unit) is not None


def _make_channels(session: Session, wanted: dict[tuple[int, str], Reading]) -> None:
    if not wanted:
        return
    units = [(find_unit(reading.unit) if reading.unit else None) or UNITS["kwh"] for reading in wanted.values()]
    bulk_insert(session, Base.metadata.tables["channel"], {
        "meter_id": [meter_id for meter_id, _ in wanted],
        "code": [code for _, code in wanted],
        "quantity": [unit.quantity for unit in units],
        "direction": ["export" if code.lower() == "export" else "import" for _, code in wanted],
        "unit": [unit.kept_in for unit in units],
        "kind": ["register" if reading.seconds is None else "interval" for reading in wanted.values()],
    })  # fmt: skip

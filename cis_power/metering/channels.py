"""Which channel a reading belongs to: by meter, or by the meter that stood at the usage point then."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from cis_power.core.columns import Coded, aware, combined, instants
from cis_power.core.db import Base, bulk_insert, bulk_upsert, chunked
from cis_power.customers.models import UsagePoint
from cis_power.metering.models import Channel, Meter, MeterInstallation
from cis_power.metering.readings import ReadingColumns, ReadingProblem
from cis_power.metering.units import ENERGY_UNIT, find_unit

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
    """The channel of each reading as its place in `channels` (-1: none), and why some have none."""

    channels: list[ChannelRow]
    place: NDArray[np.int64]
    problems: list[ReadingProblem]


def locate_channels(session: Session, given: ReadingColumns) -> Located:
    """The channel of each reading; missing ones are made from the reading's unit and interval.

    A usage point that never had a meter gets one of its own name, so that readings of unmetered points have a place.
    """
    numbers = given.meter_no.compact()
    meter = numbers.looked_up(_meters(session, [number for number in numbers.values if number]))
    problems: list[ReadingProblem] = []
    unnamed = ~numbers.holds(bool)
    if unnamed.any():
        rows = np.flatnonzero(unnamed)
        points = Coded(given.usage_point.codes[rows], given.usage_point.values).compact()
        standing = _standing(session, [code for code in points.values if code])
        meter[rows] = standing.meters_at(points, given.began_at[rows])
        for spot in np.flatnonzero(meter[rows] == 0).tolist():
            problems.append(standing.problem(int(rows[spot]), points[spot], given.began_at[rows[spot]]))
    for index in np.flatnonzero((meter == 0) & ~unnamed).tolist():
        message = f"meter {numbers[index]!r} is not known"
        problems.append(ReadingProblem(index, "unknown_meter", "meter_no", message))
    channels, place = _channels(session, given, meter, problems)
    return Located(channels, place, problems)


@dataclass(frozen=True, slots=True)
class _Standing:
    """Which meter stood at each usage point, and when."""

    usage_points: dict[str, int]
    spans: dict[int, list[tuple[datetime | None, datetime | None, int]]]

    def meters_at(self, points: Coded, at: NDArray[np.datetime64]) -> NDArray[np.int64]:
        """The meter that stood at each row's usage point at its time; 0 for none. Of several the first installed."""
        found = np.zeros(len(at), np.int64)
        order = np.argsort(points.codes, kind="stable")
        bounds = np.searchsorted(points.codes[order], np.arange(len(points.values) + 1))
        for code, point in enumerate(points.values):
            rows = order[bounds[code] : bounds[code + 1]]
            for began_at, ended_at, meter_id in reversed(self.spans.get(self.usage_points.get(point or "", 0), ())):
                stood = np.ones(len(rows), np.bool_)
                if began_at is not None:
                    stood &= at[rows] >= instants([began_at])[0]
                if ended_at is not None:
                    stood &= at[rows] < instants([ended_at])[0]
                found[rows[stood]] = meter_id
        return found

    def problem(self, index: int, point: str | None, at: np.datetime64) -> ReadingProblem:
        if point not in self.usage_points:
            return ReadingProblem(index, "unknown_usage_point", "usage_point", f"usage point {point!r} is not known")
        moment = aware(at)
        assert moment is not None
        message = f"no meter stood at usage point {point!r} at {moment.isoformat()}"
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
    session: Session, given: ReadingColumns, meter: NDArray[np.int64], problems: list[ReadingProblem]
) -> tuple[list[ChannelRow], NDArray[np.int64]]:
    """The channels that readings of known meters belong to, and the place of each reading's among them."""
    place = np.full(len(given), -1, np.int64)
    rows = np.flatnonzero(meter)
    if not len(rows):
        return [], place
    pairs = combined([meter[rows], given.channel.codes[rows].astype(np.int64)])
    _, first, pair_of_row = np.unique(pairs, return_index=True, return_inverse=True)
    known = _known_channels(session, set(meter[rows[first]].tolist()))
    codes: dict[int, tuple[int, str]] = {}
    wanted: dict[tuple[int, str], int] = {}
    for pair in np.argsort(first).tolist():
        row = int(rows[first[pair]])
        of_meter = known.get(int(meter[row]), {})
        codes[pair] = (int(meter[row]), given.channel[row] or _only_code(of_meter))
        if codes[pair][1] not in of_meter:
            wanted.setdefault(codes[pair], row)
    if wanted:
        _make_channels(session, given, wanted)
        known = _known_channels(session, set(meter[rows[first]].tolist()))
    channels: list[ChannelRow] = []
    table = np.full(len(codes), -1, np.int64)
    for pair, (meter_id, code) in codes.items():
        channel = known.get(meter_id, {}).get(code)
        if channel is not None:
            table[pair] = len(channels)
            channels.append(channel)
            continue
        message = f"unit {given.unit[wanted[meter_id, code]]!r} is not known"
        for row in rows[pair_of_row == pair].tolist():
            problems.append(ReadingProblem(row, "unknown_unit", "unit", message))
    place[rows] = table[pair_of_row]
    return channels, place


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


def _make_channels(session: Session, given: ReadingColumns, wanted: dict[tuple[int, str], int]) -> None:
    """Make channels, each from the unit and interval of one reading; one of an unknown unit makes none."""
    units = {key: find_unit(given.unit[row] or ENERGY_UNIT) for key, row in wanted.items()}
    made = {key: unit for key, unit in units.items() if unit is not None}
    bulk_insert(session, Base.metadata.tables["channel"], {
        "meter_id": [meter_id for meter_id, _ in made],
        "code": [code for _, code in made],
        "quantity": [unit.quantity for unit in made.values()],
        "direction": ["export" if code.lower() == "export" else "import" for _, code in made],
        "unit": [unit.kept_in for unit in made.values()],
        "kind": ["register" if np.isnan(given.seconds[wanted[key]]) else "interval" for key in made],
    })  # fmt: skip

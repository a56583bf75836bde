"""Meters, their channels, and where they stand by date; many at once."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select

from cis_power.core.db import among, chunked
from cis_power.customers.changes import Changes
from cis_power.metering.models import Channel, Meter, MeterInstallation

_CHUNK = 5_000


@dataclass(frozen=True, slots=True)
class Installed:
    """A meter (or one channel of it) at a usage point; `key` 0: not stored yet."""

    meter_id: int
    usage_point_id: int
    channel_id: int | None = None
    multiplier: float = 1.0
    began_at: datetime | None = None
    ended_at: datetime | None = None
    start_read: float | None = None
    end_read: float | None = None
    key: int = 0


@dataclass(frozen=True, slots=True)
class ChannelTold:
    """A channel as a row describes it; `unit` is one of those values are kept in."""

    code: str
    quantity: str
    direction: str
    unit: str
    kind: str


_FIELDS = ("channel_id", "multiplier", "began_at", "ended_at", "start_read", "end_read")


class Meters:
    """The meters of some rows with their channels and installations, and all that stands at some usage points."""

    def __init__(self, changes: Changes, numbers: Iterable[str], usage_point_ids: Iterable[int]) -> None:
        self._changes = changes
        self._ids: dict[str, int] = {}
        self._channels: dict[tuple[int, str], tuple[int, ChannelTold]] = {}
        self._by_meter: dict[int, list[Installed]] = {}
        self._by_point: dict[int, list[Installed]] = {}
        for part in chunked(sorted(set(numbers)), _CHUNK):
            query = select(Meter.meter_no, Meter.id).where(among(changes.session, Meter.meter_no, part))
            self._ids.update(changes.session.execute(query).all())
        self._load_channels()
        self._load_installations(set(usage_point_ids))

    def _load_channels(self) -> None:
        names = (Channel.code, Channel.quantity, Channel.direction, Channel.unit, Channel.kind)
        for part in chunked(sorted(self._ids.values()), _CHUNK):
            rows = self._changes.session.execute(
                select(Channel.meter_id, Channel.id, *names).where(among(self._changes.session, Channel.meter_id, part))
            )
            for meter_id, key, code, quantity, direction, unit, kind in rows:
                told = ChannelTold(code, quantity, direction, unit, kind)
                self._channels[meter_id, code] = (key, told)

    def _load_installations(self, usage_point_ids: set[int]) -> None:
        row, seen = MeterInstallation, set()
        wanted = [(row.meter_id, part) for part in chunked(sorted(self._ids.values()), _CHUNK)]
        wanted += [(row.usage_point_id, part) for part in chunked(sorted(usage_point_ids), _CHUNK)]
        for column, part in wanted:
            for found in self._changes.session.execute(
                select(row.id, row.meter_id, row.usage_point_id, *(getattr(row, name) for name in _FIELDS))
                .where(among(self._changes.session, column, part))
                .order_by(row.id)
            ):
                if found.id not in seen:
                    seen.add(found.id)
                    dates = {name: getattr(found, name) for name in _FIELDS}
                    self._remember(Installed(found.meter_id, found.usage_point_id, key=found.id, **dates))

    def _remember(self, installed: Installed) -> None:
        self._by_meter.setdefault(installed.meter_id, []).append(installed)
        self._by_point.setdefault(installed.usage_point_id, []).append(installed)

    def meter(self, number: str) -> int:
        """The key of a meter, made if it is new."""
        found = self._ids.get(number)
        if found is None:
            found = self._ids[number] = self._changes.new_id(Meter)
            self._changes.insert(Meter, id=found, meter_no=number, owner="utility")
        return found

    def stands_elsewhere(self, number: str, usage_point_id: int) -> int | None:
        """Another usage point where this meter stands now, if there is one."""
        for item in self._by_meter.get(self._ids.get(number, 0), ()):
            if item.ended_at is None and item.usage_point_id != usage_point_id:
                return item.usage_point_id
        return None

    def post_present(self, usage_point_id: int, number: str) -> None:
        """This meter stands at the usage point now; another one there was exchanged, one elsewhere was moved."""
        now = self._changes.origin.now
        meter_id = self.meter(number)
        here = self._by_point.get(usage_point_id, [])
        if any(item.meter_id == meter_id and item.ended_at is None for item in here):
            return
        moved = [item for item in self._by_meter.get(meter_id, ()) if item.ended_at is None]
        former = [item for item in here if item.ended_at is None]
        for item in {item.key: item for item in (*moved, *former)}.values():
            self._change(item, replace(item, ended_at=now))
        known = bool(here) or bool(moved)
        self._insert(Installed(meter_id, usage_point_id, began_at=now if known else None))

    def post_channel(self, meter_id: int, told: ChannelTold) -> int:
        """The key of a meter's channel, made or changed."""
        found = self._channels.get((meter_id, told.code))
        if found is None:
            key = self._changes.new_id(Channel)
            self._changes.insert(
                Channel,
                id=key,
                meter_id=meter_id,
                code=told.code,
                quantity=told.quantity,
                direction=told.direction,
                unit=told.unit,
                kind=told.kind,
            )
        else:
            key, present = found
            for name in ("quantity", "direction", "unit", "kind"):
                old, new = getattr(present, name), getattr(told, name)
                if old != new:
                    self._changes.change(Channel, key, name, old, new)
        self._channels[meter_id, told.code] = (key, told)
        return key

    def post(self, wanted: Installed) -> None:
        """An installation with its own dates; the same beginning again corrects it; an implied one is replaced."""
        here = [item for item in self._by_point.get(wanted.usage_point_id, ()) if item.meter_id == wanted.meter_id]
        same = next(
            (i for i in here if (i.channel_id, i.began_at) == (wanted.channel_id, wanted.began_at)),
            next((i for i in here if i.channel_id is None and i.began_at is None and i.ended_at is None), None),
        )
        if same is None:
            self._insert(wanted)
        elif replace(same, key=0) != wanted:
            self._change(same, replace(wanted, key=same.key))

    def _change(self, present: Installed, wanted: Installed) -> None:
        for name in _FIELDS:
            old, new = getattr(present, name), getattr(wanted, name)
            if old != new:
                self._changes.change(MeterInstallation, present.key, name, old, new)
        for group in (self._by_meter[present.meter_id], self._by_point[present.usage_point_id]):
            group[group.index(present)] = wanted

    def _insert(self, wanted: Installed) -> None:
        key = self._changes.new_id(MeterInstallation)
        self._changes.insert(
            MeterInstallation,
            id=key,
            meter_id=wanted.meter_id,
            usage_point_id=wanted.usage_point_id,
            **{name: getattr(wanted, name) for name in _FIELDS},
        )
        self._remember(replace(wanted, key=key))

"""Adding up readings, group by group, without holding all of them at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from cis_power.core.db import chunked
from cis_power.core.quality import Quality
from cis_power.metering.intervals import Intervals
from cis_power.metering.reads import installed_channels, standing_meters, usage_intervals
from cis_power.metering.writes import SERIES_OWNER
from cis_power.series.models import SeriesChunk
from cis_power.series.packing import earliest_first_at
from cis_power.series.reads import series_of
from reports.load.figures import GroupSum, LoadFigures, grid_seconds
from reports.windows import Windows, joined

_LINKS_A_READ = 1_000


@dataclass(frozen=True, slots=True)
class Member:
    """One usage point's part in a group, for the drill-down."""

    group: int
    usage_point: int
    energy_kwh: float | None
    good_share: float | None


@dataclass(frozen=True, slots=True)
class Group:
    """A group's figures; `points` usage points belonged to it, `metered` of them have a meter."""

    key: int
    points: int
    metered: int
    figures: LoadFigures
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Period:
    """[from_at, to_at); no reading is expected after `now`."""

    from_at: datetime
    to_at: datetime
    now: datetime

    @property
    def seconds(self) -> tuple[int, int, int]:
        """Begin, end, and until when readings can be expected, as epoch seconds."""
        begin, end = int(self.from_at.timestamp()), int(self.to_at.timestamp())
        return begin, end, max(begin, min(end, int(self.now.timestamp())))


@dataclass(frozen=True, slots=True)
class _Metering:
    """Channels of usage points, and from/to within which readings of each can be expected."""

    channels: dict[int, list[int]]
    expected: dict[int, tuple[int, int]]


def sum_groups(session: Session, links: Windows, serving: Windows, period: Period) -> Iterator[tuple[Group, GroupSum]]:
    """Each group of the links with its sum, in order of its key; `serving` says when each usage point was served.

    A sum holds the group's curve: a caller that keeps all of them keeps much.
    """
    links = links.taken(np.lexsort((links.from_s, links.member, links.group)))
    metering = _metering(session, links, serving)
    has_meter = np.array([member in metering.channels for member in links.member.tolist()], np.bool_)
    for batch in _batches(links):
        inside = links.taken(batch)
        metered = inside.taken(has_meter[batch])
        if len(batch) > _LINKS_A_READ:
            yield _large_group(session, inside, metered, metering, period)
            continue
        found = usage_intervals(session, np.unique(metered.member).tolist(), period.from_at, period.to_at)
        for group in np.unique(inside.group).tolist():
            own = metered.taken(metered.group == group)
            steps = {
                step for point in np.unique(own.member).tolist() for step in set(_part(found, point).seconds.tolist())
            }
            total = GroupSum(*period.seconds, grid_seconds(steps))
            members = tuple(_add(total, own, found, metering, period))
            yield _group(group, inside.taken(inside.group == group), own, total, members)


def _large_group(
    session: Session, inside: Windows, metered: Windows, metering: _Metering, period: Period
) -> tuple[Group, GroupSum]:
    """A group that is read in several parts; its grid is found beforehand."""
    total = GroupSum(*period.seconds, grid_seconds(_steps(session, metered, metering, period)))
    members: list[Member] = []
    for part in chunked(range(len(metered)), _LINKS_A_READ):
        some = metered.taken(np.array(part))
        found = usage_intervals(session, np.unique(some.member).tolist(), period.from_at, period.to_at)
        members += _add(total, some, found, metering, period)
    return _group(int(inside.group[0]), inside, metered, total, tuple(members))


def _group(
    key: int, inside: Windows, metered: Windows, total: GroupSum, members: tuple[Member, ...]
) -> tuple[Group, GroupSum]:
    points, with_meter = len(np.unique(inside.member)), len(np.unique(metered.member))
    return Group(key, points, with_meter, total.figures(), members), total


def _batches(links: Windows) -> Iterator[np.ndarray]:
    """Indexes of whole groups, as many as are read at once; a group that is larger comes alone."""
    if not len(links):
        return
    edges = np.flatnonzero(np.append(True, links.group[1:] != links.group[:-1])).tolist()
    begin = 0
    for first, last in zip(edges, [*edges[1:], len(links)], strict=True):
        if last - begin > _LINKS_A_READ and first > begin:
            yield np.arange(begin, first)
            begin = first
        if last - begin > _LINKS_A_READ:
            yield np.arange(begin, last)
            begin = last
    if begin < len(links):
        yield np.arange(begin, len(links))


def _metering(session: Session, links: Windows, serving: Windows) -> _Metering:
    points = np.unique(links.member).tolist()
    meters = standing_meters(session, points)
    channels: dict[int, list[int]] = {point: [] for point, _, _ in meters}
    for channel in installed_channels(session, points):
        channels.setdefault(channel.usage_point_id, []).append(channel.channel_id)
    member, begin, end = (np.array([meter[place] for meter in meters], np.int64) for place in range(3))
    standing = Windows(member, np.zeros(len(meters), np.int64), begin, end, np.ones(len(meters)))
    expected: dict[int, tuple[int, int]] = {}
    both = joined(standing, serving)
    for point, from_s, to_s in zip(both.member.tolist(), both.from_s.tolist(), both.to_s.tolist(), strict=True):
        before = expected.get(point, (from_s, to_s))
        expected[point] = (min(before[0], from_s), max(before[1], to_s))
    return _Metering(channels, expected)


def _part(found: Intervals, point: int) -> Intervals:
    low, high = np.searchsorted(found.usage_point, [point, point + 1])
    return found.taken(slice(int(low), int(high)))


def _add(total: GroupSum, links: Windows, found: Intervals, metering: _Metering, period: Period) -> Iterator[Member]:
    until = period.seconds[2]
    for group, point, from_s, to_s in zip(
        links.group.tolist(), links.member.tolist(), links.from_s.tolist(), links.to_s.tolist(), strict=True
    ):
        own = _part(found, point)
        first, last = np.searchsorted(own.at, [from_s, to_s])
        own = own.taken(slice(int(first), int(last)))
        begin, end = metering.expected.get(point, (from_s, from_s))
        window = (max(from_s, begin), min(to_s, end, until))
        total.add(own.at, own.seconds, own.energy_kwh, own.quality, window)
        good = float(own.seconds[own.quality == Quality.GOOD].sum())
        length = max(window[1] - window[0], float(own.seconds.sum()))
        energy = float(own.energy_kwh.sum()) if len(own) else None
        yield Member(group, point, energy, good / length if length > 0 else None)


def _steps(session: Session, links: Windows, metering: _Metering, period: Period) -> set[int]:
    """Lengths of the intervals that the usage points of some links have in the period."""
    begin, end, _ = period.seconds
    keys = {channel for member in links.member.tolist() for channel in metering.channels[member]}
    chunk = SeriesChunk
    steps: set[int] = set()
    for part in chunked(series_of(session, SERIES_OWNER, sorted(keys)).values(), 5_000):
        query = (
            select(chunk.step_seconds)
            .distinct()
            .where(
                chunk.series_id.in_(part),
                chunk.first_at_seconds >= earliest_first_at(begin),
                chunk.first_at_seconds < end,
            )
        )
        steps.update(session.scalars(query))
    return steps

"""The report `load`: energy, peak and load factor from readings, with what is missing beside it."""

from bisect import insort
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from cis_power.access.viewer import Viewer
from reports.load.figures import GroupSum
from reports.load.grouping import BY, read_grouping, usage_point_codes
from reports.load.summing import Group, Period, sum_groups
from reports.load.telemetered import telemetered_table
from reports.model import DataQuality, Figure, Finding, Report, Table, Value, table
from reports.parameters import Parameter, Parameters, choice
from reports.registry import ReportDeclaration
from reports.scope import read_scope, served, territory

_MOST_CURVES = 12
_MOST_CURVE_POINTS = 5_000

COLUMNS = (
    ("id", ""), ("energy_kwh", "kWh"), ("peak_kw", "kW"), ("peak_at", ""), ("mean_kw", "kW"),
    ("load_factor", "fraction"), ("good_share", "fraction"), ("known_share", "fraction"), ("energy_high_kwh", "kWh"),
    ("peak_high_kw", "kW"), ("grid_seconds", "s"), ("usage_points", "usage points"), ("metered", "usage points"),
)  # fmt: skip

_NOTES = (
    "Sums are over the readings of the usage points linked to each group at the time; imported energy only.",
    "Energy is what is known; the high columns suppose each missing interval at its own usage point's highest power.",
    "The mean is over the time known; the load factor is mean by peak.",
    "Estimated and substituted values count in energy, not in the share of good data.",
    "A peak is the highest mean of a slot of the grid in grid_seconds, at the beginning of the slot.",
)


def build(session: Session, viewer: Viewer, parameters: Parameters, now: datetime) -> Report:
    """Sum the readings of the usage points linked at the time."""
    by = parameters.option("by")
    period = Period(parameters.from_at, parameters.to_at, now)
    scope = read_scope(session, viewer, parameters.districts)
    within = territory(session, scope)
    grouping = read_grouping(session, within, by, parameters.from_at, parameters.to_at)
    serving = served(session, within)
    groups: list[Group] = []
    curves = _Curves()
    for group, total in sum_groups(session, grouping.links, serving, period):
        if group.metered or by != "usage_point":
            groups.append(group)
            curves.add(grouping.names[group.key], group.figures.energy_kwh, total)
    groups.sort(key=lambda group: grouping.names[group.key])
    return Report(
        name="load",
        title="Load",
        parameters=parameters.as_dict(),
        generated_at=now,
        tables=(
            _summary(groups, grouping.names),
            telemetered_table(session, viewer, scope, by, period),
            _members(session, groups, grouping.names, by),
        ),
        figures=curves.figures(parameters),
        notes=_NOTES,
        data_quality=_quality(groups, grouping.ungrouped),
    )


def _summary(groups: list[Group], names: dict[int, str]) -> Table:
    rows: list[tuple[Value, ...]] = []
    for group in groups:
        found = group.figures
        peak_at = None if found.peak_at is None else datetime.fromtimestamp(found.peak_at, UTC)
        rows.append((
            names[group.key], found.energy_kwh, found.peak_kw, peak_at, found.mean_kw, found.load_factor,
            found.good_share, found.known_share, found.energy_high_kwh, found.peak_high_kw, found.grid_seconds,
            group.points, group.metered,
        ))  # fmt: skip
    return table("summary", "Load", COLUMNS, rows)


def _members(session: Session, groups: list[Group], names: dict[int, str], by: str) -> Table:
    """The usage points whose readings a group sums."""
    columns = (("id", ""), ("usage_point", ""), ("energy_kwh", "kWh"), ("good_share", "fraction"))
    members = [member for group in groups for member in group.members] if by != "usage_point" else []
    codes = usage_point_codes(session, sorted({member.usage_point for member in members}))
    rows = [
        (names[member.group], codes[member.usage_point], member.energy_kwh, member.good_share) for member in members
    ]
    return table("members", "Usage points of each group", columns, sorted(rows, key=lambda row: (row[0], row[1])))


class _Curves:
    """Load curves of the groups with the most energy; a slot without any reading is a gap."""

    def __init__(self) -> None:
        self._largest: list[tuple[float, str, GroupSum]] = []

    def add(self, name: str, energy_kwh: float | None, total: GroupSum) -> None:
        """Keep the curve while the group is among the largest."""
        if energy_kwh is not None:
            insort(self._largest, (-energy_kwh, name, total), key=lambda kept: kept[:2])
            del self._largest[_MOST_CURVES:]

    def figures(self, parameters: Parameters) -> tuple[Figure, ...]:
        """One figure with a line a group, or none."""
        data = []
        for _, name, total in self._largest:
            at, power, covered = total.curve()
            if 0 < len(at) <= _MOST_CURVE_POINTS:
                shown = [float(value) if there else None for value, there in zip(power, covered, strict=True)]
                local = [datetime.fromtimestamp(instant, parameters.zone).isoformat() for instant in at.tolist()]
                data.append({"type": "scatter", "mode": "lines", "name": name, "x": local, "y": shown,
                             "connectgaps": False, "line": {"shape": "hv"}})  # fmt: skip
        layout = {
            "margin": {"t": 24},
            "yaxis": {"title": {"text": "kW"}, "rangemode": "tozero"},
            "xaxis": {"type": "date"},
        }
        return (Figure("curves", "Load curves", data, layout),) if data else ()


def _quality(groups: list[Group], ungrouped: int) -> DataQuality:
    shares = [(group.figures.good_share, group.metered) for group in groups if group.figures.good_share is not None]
    metered = sum(weight for _, weight in shares)
    good = sum(share * weight for share, weight in shares) / metered if metered else None
    bare = sum(group.points - group.metered for group in groups)
    findings = []
    if ungrouped:
        findings.append(
            Finding("ungrouped", ungrouped, "usage points in scope belong to no group: they are not summed")
        )
    if bare:
        findings.append(Finding("unmetered", bare, "usage points have no meter: nothing is known of their load"))
    silent = sum(1 for group in groups for member in group.members if member.energy_kwh is None)
    if silent:
        findings.append(Finding("silent", silent, "metered usage points have no reading in the period"))
    return DataQuality(good, tuple(findings))


LOAD = ReportDeclaration(
    name="load",
    title="Load by usage point, transformer, feeder, substation or district",
    permission="reports:load:read",
    parameters=(Parameter("by", "What is summed into one row", choice(*BY), "feeder", BY),),
    build=build,
)

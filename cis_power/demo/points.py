"""The demo utility's point list: what the stand-in DMS serves. Pure, the same every time."""

from collections.abc import Iterator

from cis_power.demo.network import Plan, Row, feeder_code, substation_code, telemetered

SOURCE = "dms"
WORDS_A_FEEDER = 16


def points(plan: Plan, poll_seconds: float) -> Iterator[Row]:
    """Rows of points.csv: a position each telemetered device, current, power, voltage and reclosings of each feeder.

    A substation is one Modbus unit.
    """
    used: dict[int, int] = {}
    for device, kind, feeder in telemetered(plan):
        unit = plan.substation_of(feeder) + 1
        address = used.get(unit, 0)
        used[unit] = address + 1
        normal = 0 if kind == "switch" else 1
        yield (
            f"{device}.pos", SOURCE, unit, "discrete", address, "bit", "big", 1, 0, "", "discrete", device, "position",
            normal, "", "", "", f"{poll_seconds:g}",
        )  # fmt: skip
    for feeder in range(plan.feeders):
        yield from _analogs(plan, feeder, poll_seconds)
    for substation in range(plan.substations):
        code = substation_code(substation)
        yield (
            f"{code}.v", SOURCE, substation + 1, "input", 0, "uint16", "big", 1, 0, "V", "analog", "", "voltage", "",
            0, 15000, 20, f"{poll_seconds * 5:g}",
        )  # fmt: skip


def _analogs(plan: Plan, feeder: int, poll_seconds: float) -> Iterator[Row]:
    code, unit = feeder_code(feeder), plan.substation_of(feeder) + 1
    base = feeder % plan.feeders_a_substation * WORDS_A_FEEDER
    slow = f"{poll_seconds * 5:g}"
    for name, unit_, quantity, place, top, band in (
        ("i", "A", "current", 0, 800, 1),
        ("p", "kW", "power", 2, 12000, 10),
        ("q", "kvar", "reactive_power", 4, 6000, 10),
    ):
        yield (
            f"{code}.{name}", SOURCE, unit, "holding", base + place, "float32", "big", 1, 0, unit_, "analog",
            f"{code}-CB", quantity, "", -top, top, band, slow,
        )  # fmt: skip
    yield (
        f"{code}.reclosings", SOURCE, unit, "holding", base + 6, "uint32", "big", 1, 0, "", "accumulator",
        f"{code}-RC06", "operations", "", "", "", "", slow,
    )  # fmt: skip

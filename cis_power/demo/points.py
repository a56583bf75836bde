"""The demo utility's point list: what each substation's RTU serves. Pure, the same every time.

Positions are double points among the discrete inputs. Currents, powers and counters of feeders and of the substation
are holding registers; transformers are input registers, polled more slowly. One RTU a substation, one unit an RTU.
"""

from collections.abc import Iterator

from cis_power.demo import network
from cis_power.demo.codes import breaker_code, feeder_code, source_name, substation_code, transformer_code
from cis_power.demo.part import Row
from cis_power.demo.plan import Plan

POLL_SECONDS = 2.0
ANALOG_POLLS = 5  # an analog of a feeder is read with every fifth poll of the positions
TRANSFORMER_POLLS = 30
UNIT = 1


class _Rtu:
    """The free addresses of one device."""

    def __init__(self, source: str, poll_seconds: float) -> None:
        self._source, self._poll_seconds = source, poll_seconds
        self._next = {"discrete": 0, "holding": 0, "input": 0}

    def point(
        self, name: str, table: str, datatype: str, equipment: str, quantity: str, *, unit: str = "",
        kind: str = "analog", normal: int | str = "",
        least: float | str = "", most: float | str = "", deadband: float | str = "",
        scale: float = 1, polls: int = 1,
    ) -> Row:  # fmt: skip
        address = self._next[table]
        self._next[table] += 2 if datatype in ("float32", "uint32", "dpi") else 1
        return (
            name, self._source, UNIT, table, address, datatype, "big", f"{scale:g}", 0, unit, kind, equipment, quantity,
            normal, least, most, deadband, f"{self._poll_seconds * polls:g}",
        )  # fmt: skip


def points(plan: Plan, poll_seconds: float = POLL_SECONDS) -> Iterator[Row]:
    """Rows of points.csv. `poll_seconds` is that of positions; analogs follow more slowly."""
    rtus = [_Rtu(source_name(substation), poll_seconds) for substation in range(plan.substations)]
    tied: dict[int, list[network.Tie]] = {}
    for tie in network.ties(plan):
        tied.setdefault(tie.feeder, []).append(tie)
    for substation, rtu in enumerate(rtus):
        yield from _substation(rtu, substation)
    for feeder in range(plan.feeders):
        rtu = rtus[int(plan.substation_of_feeder[feeder])]
        equipment = network.feeder_part(plan, feeder).equipment
        yield from _positions(rtu, equipment, tied.get(feeder, []))
        end = network.trunk_node(feeder, network.trunk_lines(plan, feeder))
        yield from _feeder(rtu, feeder, next(str(row[0]) for row in equipment if row[3] == end))
        for transformer in plan.transformers_of(feeder):
            yield from _transformer(plan, rtu, transformer)


def _position(rtu: _Rtu, device: str, *, normal_open: bool) -> Row:
    return rtu.point(
        f"{device}.pos", "discrete", "dpi", device, "position", kind="discrete", normal=0 if normal_open else 1
    )


def _substation(rtu: _Rtu, substation: int) -> Iterator[Row]:
    code = substation_code(substation)
    for number in (1, 2, 0):
        yield _position(rtu, f"{code}-CB{number}", normal_open=number == 0)
    for section in (1, 2):
        main, polls = f"{code}-MT{section}", ANALOG_POLLS
        yield rtu.point(
            f"{code}-B{section}.v", "holding", "uint16", f"{code}-CB{section}", "voltage", unit="V", least=0,
            most=12_000, deadband=20, polls=polls,
        )  # fmt: skip
        most = network.MAIN_KVA * 1.5
        yield rtu.point(
            f"{main}.p", "holding", "float32", main, "power", unit="kW", least=-most, most=most, deadband=50,
            polls=polls,
        )  # fmt: skip


def _positions(rtu: _Rtu, equipment: list[Row], ties: list[network.Tie]) -> Iterator[Row]:
    counted = []
    for row in equipment:
        if row[5]:
            yield _position(rtu, str(row[0]), normal_open=False)
            if row[1] in ("breaker", "recloser"):
                counted.append(str(row[0]))
    for tie in ties:
        yield _position(rtu, tie.device, normal_open=True)
    for device in counted:
        yield rtu.point(
            f"{device}.ops", "holding", "uint32", device, "operations", kind="accumulator", polls=ANALOG_POLLS
        )


def _feeder(rtu: _Rtu, feeder: int, last: str) -> Iterator[Row]:
    """Current and powers at the head of a feeder, voltage behind its `last` element."""
    code, head = feeder_code(feeder), breaker_code(feeder)
    for name, quantity, unit, most, band in (
        ("i", "current", "A", 1_000, 1),
        ("p", "power", "kW", 15_000, 10),
        ("q", "reactive_power", "kvar", 10_000, 10),
    ):
        least = 0 if name == "i" else -most
        yield rtu.point(
            f"{code}.{name}", "holding", "float32", head, quantity, unit=unit, least=least, most=most, deadband=band,
            polls=ANALOG_POLLS,
        )  # fmt: skip
    yield rtu.point(
        f"{code}.vend", "holding", "uint16", last, "voltage", unit="V", least=0, most=12_000, deadband=20,
        polls=ANALOG_POLLS,
    )  # fmt: skip


def _transformer(plan: Plan, rtu: _Rtu, transformer: int) -> Iterator[Row]:
    code, kva = transformer_code(plan, transformer), float(plan.transformer_kva[transformer])
    most_a = round(kva * 3 / 0.4 / 1.7)
    for name, datatype, quantity, unit, least, most, scale in (
        ("p", "float32", "power", "kW", -3 * kva, 3 * kva, 1),
        ("i", "float32", "current", "A", 0, most_a, 1),
        ("v", "uint16", "voltage", "V", 0, 500, 0.1),
    ):
        yield rtu.point(
            f"{code}.{name}", "input", datatype, code, quantity, unit=unit, least=least, most=most, scale=scale,
            polls=TRANSFORMER_POLLS,
        )  # fmt: skip

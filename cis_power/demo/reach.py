"""Who hangs on which device of the demo's feeders, in the normal state. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from cis_power.demo.codes import transformer_number
from cis_power.demo.network import bus_code, feeder_part
from cis_power.demo.occupancy import DISCONNECTED, VACANT, occupancy, standby
from cis_power.demo.past import ZONE
from cis_power.demo.plan import Flags, Numbers, Plan


@dataclass(frozen=True, slots=True)
class Device:
    """A device of a feeder and the transformers below it: `order[begin:end]` of its feeder."""

    code: str
    kind: str
    begin: int
    end: int


@dataclass(frozen=True, eq=False)
class Feeder:
    """A feeder's devices, each with what hangs on it; `order`: its transformers from the bus on, branch by branch."""

    number: int
    devices: tuple[Device, ...] = field(repr=False)
    order: Numbers = field(repr=False)


def feeder_reach(plan: Plan, number: int) -> Feeder:
    """The devices of a feeder that can be opened, and its transformers; low-voltage lines left out."""
    below: dict[str, list[tuple[str, str, str]]] = {}
    for row in feeder_part(plan, number).equipment:
        below.setdefault(str(row[2]), []).append((str(row[0]), str(row[1]), str(row[3])))
    order: list[int] = []
    devices: list[Device] = []
    begun: list[tuple[str, str, int]] = []
    waiting: list[tuple[str, str, str] | None] = list(reversed(below[bus_code(plan, number)]))
    while waiting:
        edge = waiting.pop()
        if edge is None:
            code, kind, begin = begun.pop()
            devices.append(Device(code, kind, begin, len(order)))
            continue
        code, kind, end = edge
        if kind == "transformer":
            order.append(transformer_number(plan, code))
            devices.append(Device(code, kind, len(order) - 1, len(order)))
            continue
        if kind != "line":
            begun.append((code, kind, len(order)))
            waiting.append(None)
        waiting.extend(reversed(below.get(end, ())))
    return Feeder(number, tuple(devices), np.array(order, np.int64))


@dataclass(frozen=True, eq=False)
class Served:
    """What decides whether a usage point is out when its transformer is: the feeder that takes it over at once (-1:
    none), and when it was connected and closed, in epoch seconds."""

    plan: Plan
    backup: Numbers = field(repr=False)
    connected: Numbers = field(repr=False)
    ended: Numbers = field(repr=False)

    @classmethod
    def of(cls, plan: Plan, until: datetime) -> "Served":
        held = occupancy(plan)
        backup = np.full(plan.customers, -1, np.int64)
        for customer, transformer, transfer in standby(plan):
            if transfer == "auto":
                backup[customer] = plan.feeder_of_transformer[transformer]
        midnight = until.astimezone(ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
        today = int(midnight.timestamp())
        never = np.iinfo(np.int64).max
        connected = np.where(held.connected > 0, today - held.connected * 86_400, 0)
        gone = np.where(held.state == VACANT, held.moved, held.ended)
        ended = np.where(gone > 0, today - gone * 86_400, never)
        ended[held.state == DISCONNECTED] = 0  # the file says it without a date: it has never been served
        return cls(plan, backup, connected, ended)

    def out(self, transformers: Numbers, feeders: Sequence[int], at: int) -> Numbers:
        """The usage points that lose supply when these transformers of these feeders do, at an instant."""
        first = self.plan.first_customer
        counts = first[transformers + 1] - first[transformers]
        ends = np.cumsum(counts)
        begins = np.repeat(first[transformers] - np.concatenate([[0], ends[:-1]]), counts)
        customers = begins + np.arange(int(counts.sum()))
        keeps: Flags = (self.backup[customers] < 0) | np.isin(self.backup[customers], list(feeders))
        keeps &= (self.connected[customers] <= at) & (at < self.ended[customers])
        found: NDArray[np.int64] = customers[keeps]
        return found

"""Builds worlds and entries for tests of the pure engine."""

from datetime import UTC, datetime, timedelta

import numpy as np

from cis_power.outages.engine import Engine
from cis_power.outages.entries import CLOSED, OPENED, Entry, instant, micros, steps
from cis_power.outages.grid import Grid
from cis_power.outages.harvest import Harvest, harvest
from cis_power.outages.state import State, World
from cis_power.outages.supply import EVER, NEVER, Connections, Served

START = datetime(2026, 3, 1, tzinfo=UTC)


def at(minute: float) -> datetime:
    return START + timedelta(minutes=minute)


def minute(value: int) -> float | None:
    """Minutes since the start of what the engine answers; `None` is open."""
    return None if value == NEVER else (instant(value) - START).total_seconds() / 60


def connections(rows: list[dict]) -> Connections:
    """From rows with point, element and optional standby, manual, phases, began, ended (minutes)."""
    def edge(value: float | None, empty: int) -> int:
        return empty if value is None else micros(at(value))

    return Connections(
        key=np.arange(len(rows)),
        point=np.array([row["point"] for row in rows], np.int64),
        element=np.array([row["element"] for row in rows], np.int64),
        standby=np.array([row.get("standby", False) for row in rows], bool),
        manual=np.array([row.get("manual", False) for row in rows], bool),
        phases=np.array([row.get("phases", 0) for row in rows], np.uint8),
        began=np.array([edge(row.get("began"), EVER) for row in rows], np.int64),
        ended=np.array([edge(row.get("ended"), NEVER) for row in rows], np.int64),
    )  # fmt: skip


def served(rows: list[tuple[int, bool, float | None, float | None]] = ()) -> Served:
    return Served(
        np.array([row[0] for row in rows], np.int64), np.array([row[1] for row in rows], bool),
        np.array([EVER if row[2] is None else micros(at(row[2])) for row in rows], np.int64),
        np.array([NEVER if row[3] is None else micros(at(row[3])) for row in rows], np.int64),
    )  # fmt: skip


def world(
    grid: Grid, linked: Connections, statuses: Served | None = None, later: dict[float, Grid] | None = None
) -> World:
    """Usage points 0, 1, 2 … have the keys 100, 101, 102 …; `later` are further versions by minute."""
    count = int(linked.point.max(initial=-1)) + 1
    versions = [grid, *(later or {}).values()]
    timeline = [(EVER, 0), *((micros(at(when)), number) for number, when in enumerate(later or {}, 1))]
    return World(100 + np.arange(count), linked, statuses or served(), tuple(timeline), versions.__getitem__)


def switch(device: int, when: float, position: str, phases: int = 0, **more: object) -> Entry:
    """A manual entry for the element of edge `device`."""
    value = OPENED if position == "open" else CLOSED
    return Entry("switch", at(when), "manual", f"{device}@{when}", element_id=1000 + device, value=value,
                 phases=phases, **more)  # type: ignore[arg-type] # fmt: skip


def signal(device: int, when: float, value: float | None, **more: object) -> Entry:
    """What a poll found; all that one poll found shares a step."""
    more.setdefault("payload", {"point": f"p{device}"})
    return Entry("signal", at(when), "rtu", f"p{device}@{when}", step_key=f"{when:09.3f}", element_id=1000 + device,
                 value=value, **more)  # type: ignore[arg-type] # fmt: skip


def run(the_world: World, entries: list[Entry], until: float = 10_000) -> tuple[State, Harvest]:
    state = State.initial(the_world)
    Engine(the_world, state).run(list(steps(entries)), micros(at(until)))
    return state, harvest(state, the_world)


def told(state: State, rows: Harvest) -> list[tuple]:
    """Ledger rows as (usage point, device edge, from minute, to minute), sorted."""
    columns = rows.interruptions.columns
    return sorted(
        (subject - 100, state.outages[outage].device - 1000, minute(began), minute(ended))
        for subject, outage, began, ended in zip(
            *(columns[name].tolist() for name in ("subject", "outage", "began", "ended")), strict=True
        )
    )  # fmt: skip


def belonging(state: State, rows: Harvest) -> list[tuple]:
    """Membership rows in the same manner."""
    columns = rows.members.columns
    return sorted(
        (subject - 100, state.outages[outage].device - 1000, minute(began), minute(ended))
        for subject, outage, began, ended in zip(
            *(columns[name].tolist() for name in ("subject", "outage", "began", "ended")), strict=True
        )
    )  # fmt: skip

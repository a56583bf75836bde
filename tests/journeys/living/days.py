"""A virtual time in which everything goes on side by side: field, wire, collector, loader, engine, people.

The field is the simulator's own; it is read over real Modbus TCP by the real collector; the real loader and engine work
on a real database; people call through the real web application and enter what crews say through the switching intake.
Only the clock is ours.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from cis_power.access.trail import AuditTrail
from cis_power.access.viewer import system_viewer
from cis_power.access.writes import add_key
from cis_power.core.config import Settings, SourceSettings
from cis_power.core.db import Database
from cis_power.core.errors import CisError
from cis_power.core.phases import parse_phases
from cis_power.customers.models import UsagePoint
from cis_power.demo.people.acts import Act, Call, Estimate, Finding, Move, Repair, Report
from cis_power.demo.people.dice import dice
from cis_power.demo.people.life import Life
from cis_power.demo.people.manner import Manner
from cis_power.demo.people.town import utility
from cis_power.demo.people.truth import Happening
from cis_power.outages.closing import Act as HumanAct
from cis_power.outages.closing import Correction, correct, estimate
from cis_power.outages.models import Interruption
from cis_power.outages.passes import Memory, run_engine
from cis_power.outages.reads import OutageFilter, list_outages
from cis_power.outages.switching import record_switching
from scada_bridge.collector import Collector
from scada_bridge.loader import Loader
from scada_bridge.points import Point
from scada_bridge.published import read_published
from scada_bridge.simulator.readings import Readings
from scada_bridge.simulator.screen import Screen
from scada_bridge.simulator.server import Device
from scada_bridge.simulator.troubles import BAD, FROZEN, INTERMEDIATE, bad, intermediate
from scada_bridge.simulator.world import World
from scada_bridge.source_task import Clock
from tests.journeys.living.oracle import Moved
from tests.journeys.living.shape import Shape
from web.app import create_app

VIEWER = system_viewer("two hours")


@dataclass
class Watched:
    """What was so, what could be seen, and what was said: all that the judgement rests on."""

    truth: list[Happening] = field(default_factory=list)
    polled: list[Moved] = field(default_factory=list)  # a good poll saw a device move
    told: list[tuple[datetime, Moved]] = field(default_factory=list)  # when it was entered, and what
    failed: dict[str, list[datetime]] = field(default_factory=dict)  # source → polls that brought nothing
    acts: Counter = field(default_factory=Counter)
    calls: list[tuple[Call, int, dict[str, Any]]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    samples: list[tuple[datetime, str, str, str]] = field(default_factory=list)  # when, account, usage point, answer


class Days:
    """One run. `seconds` of virtual time pass in steps of one."""

    def __init__(
        self, database: Database, run_dir: Path, shape: Shape, seed: int, begin: datetime, manner: Manner,
        poll_seconds: float = 2.0,
    ) -> None:  # fmt: skip
        self.now, self.begin, self.seed, self.poll_seconds = begin, begin, seed, poll_seconds
        self.database, self.shape, self.watched = database, shape, Watched()
        self._zone_name = "Asia/Shanghai"
        self._points = [point for point in read_published(run_dir).points if point.is_position]
        self._run_dir = run_dir
        self.world = World(shape.field())
        self._screen = Screen(self._points, lambda point: point.device_id)
        self._truth_file = (run_dir / "truth.jsonl").open("w", encoding="utf-8")
        self._devices = {source: Device(memories=self._screen.memories[source]) for source in self._screen.memories}
        for device in self._devices.values():
            device.late_seconds = 0.5
        self._memory = Memory()
        self._seen: dict[str, int] = {}
        self._normal = {edge.code: 7 if edge.normal_open else 0 for edge in shape.edges}
        self._settings: Settings
        self._manner = manner
        self.chance = dice(seed, "days")

    # beginning and ending

    async def open(self) -> None:
        for device in self._devices.values():
            await device.start()
        sources = {
            name: SourceSettings(url=f"modbus://127.0.0.1:{device.port}", timeout_seconds=0.15)
            for name, device in self._devices.items()
        }
        self._settings = Settings(
            database=str(self.database.url), timezone=self._zone_name, run_dir=self._run_dir, sources=sources
        )
        self._zone = self._settings.zone
        self._readings = Readings(self._points, self.world, self._zone, self.seed)
        clock = Clock(lambda: self.now, self._seconds)
        self._collector = Collector(self._settings, clock)
        await self._collector.take_points(self._points)
        self._loader = Loader(self.database, self._run_dir, lambda: self.now)
        self._people = utility(self.shape.plan, self._zone)
        self.life = Life(self.seed, self._manner, self._people, self.begin)
        app = create_app(self.database, self._settings, lambda: self.now)
        with self.database.transaction() as session:
            trail = AuditTrail(self._run_dir)
            key = add_key(session, VIEWER, trail, self.now, name=f"desk-{self.seed}", role="agent")
        self._client = app.test_client()
        self._bearer = {"Authorization": f"Bearer {key}"}
        self._hear("start", {"seed": self.seed})

    def _seconds(self) -> float:
        return self.now.timestamp()

    async def close(self) -> None:
        await self._collector.close()
        for device in self._devices.values():
            await device.stop()
        self._truth_file.close()

    # time

    async def run(self, seconds: int, troubles: dict[int, list[tuple[str, str]]], strikes: dict[int, tuple[str, str]]):
        """Let time pass; at second n a trouble (source, kind) begins or ends and a fault (equipment, kind) strikes."""
        for second in range(seconds + 1):
            self.now = self.begin + timedelta(seconds=second)
            self.world.step(self.now.timestamp())
            for source, kind in troubles.get(second, ()):
                await self._trouble(source, kind)
            if second in strikes:
                self._strike(*strikes[second])
            self._listen()
            for act in self.life.due(self.now):
                self._do(act)
            self._listen()
            if second % self.poll_seconds == 0:
                await self._poll()
                self._engine()
            if second % 60 == 30:
                self._ask_some()

    def _listen(self) -> None:
        for told in self.world.drain():
            self._hear(told.event, dict(told.facts), datetime.fromtimestamp(told.at, UTC))

    def _hear(self, event: str, facts: dict[str, Any], at: datetime | None = None) -> None:
        happening = Happening(at or self.now, event, facts)
        self._truth_file.write(json.dumps({"at": happening.at.isoformat(), "event": event, **facts}) + "\n")
        self.watched.truth.append(happening)
        self.life.hear(happening)

    def _strike(self, equipment: str, kind: str) -> None:
        try:
            self.world.strike(equipment, kind, self.now.timestamp(), 7)
        except CisError as error:
            self.watched.refused.append(f"strike {equipment}: {error.message}")

    async def _trouble(self, source: str, kind: str) -> None:
        device, memories = self._devices[source], self._screen.memories[source]
        own = [point for point in self._points if point.source == source]
        device.memories = memories
        if kind == FROZEN:
            device.memories = {unit: memory.frozen() for unit, memory in memories.items()}
        elif kind in (BAD, INTERMEDIATE):
            spoil = bad if kind == BAD else intermediate
            device.memories = {unit: spoil(memory, own) for unit, memory in memories.items()}
        await device.set_fault("none" if kind in (FROZEN, BAD, INTERMEDIATE) else kind)
        self._hear("comm", {"source": source, "fault": kind})

    # the wire

    async def _poll(self) -> None:
        """Poll one source after the other, as two never answer at the same instant."""
        self._screen.show(self._readings.values(self.now.timestamp()))
        for name, task in self._collector.tasks.items():
            self.now += timedelta(milliseconds=50)
            outcome = await self._collector.poll(name, task.poll_groups)
            if outcome.failed:
                self.watched.failed.setdefault(outcome.source, []).append(self.now)
                continue
            for point in self._points:
                if point.source == outcome.source:
                    self._look(point)

    def _look(self, point: Point) -> None:
        """What a right reader sees: the two bits of a double point, if they say anything."""
        cells = self._devices[point.source].memories[point.device_id].read(2, point.address, 2)
        if cells in ([1, 0], [0, 1]):
            device = str(point.equipment)
            mask = 7 if cells == [1, 0] else 0
            if self._seen.get(device, self._normal[device]) != mask:
                self.watched.polled.append(Moved(self.now, device, mask, "poll"))
            self._seen[device] = mask

    def _engine(self) -> None:
        self._loader.load_all()
        run_engine(self.database, self.now, self._memory, self._zone)

    # people

    def _do(self, act: Act) -> None:
        self.watched.acts[type(act).__name__] += 1
        try:
            match act:
                case Call():
                    self._call(act)
                case Move():
                    self.world.move(act.device, self.now.timestamp(), closed=act.closed)
                case Repair():
                    self.world.repair(act.equipment, self.now.timestamp())
                case Report():
                    self._report(act)
                case Estimate():
                    self._estimate(act)
                case Finding():
                    self._finding(act)
        except CisError as error:
            self.watched.refused.append(f"{type(act).__name__}: {error.message}")

    def _call(self, call: Call) -> None:
        body = call.about | {"trouble_code": call.trouble_code, "channel": "phone"}
        headers = self._bearer | {"Idempotency-Key": call.key}
        answer = self._client.post("/api/v1/calls", json=body, headers=headers)
        self.watched.calls.append((call, answer.status_code, answer.get_json()))

    def _report(self, act: Report) -> None:
        about = dict(act.about)
        phases = parse_phases(about.pop("phases", ""))
        with self.database.transaction() as session:
            record_switching(session, VIEWER, act.device, opens=not act.closed, at=act.happened_at, by=act.by,
                             now=self.now, phases=phases, about=about)  # fmt: skip
        mask = 0 if act.closed else phases or 7
        self.watched.told.append((self.now, Moved(act.happened_at, act.device, mask, "report")))
        self._engine()

    def _estimate(self, act: Estimate) -> None:
        with self.database.transaction() as session:
            for found in list_outages(session, VIEWER, self.now):
                if found.device in act.devices and act.latest_at > self.now:
                    said = HumanAct(act.by, "estimate", self.now)
                    estimate(session, VIEWER, found.id, said, latest_at=act.latest_at, earliest_at=act.earliest_at,
                             source=act.source)  # fmt: skip

    def _finding(self, act: Finding) -> None:
        wanted = OutageFilter(from_at=act.since - timedelta(minutes=30))
        with self.database.transaction() as session:
            for found in list_outages(session, VIEWER, self.now, wanted):
                if found.device in act.devices and found.restored_at is not None:
                    said = HumanAct(act.by, "crew report", self.now)
                    correct(session, VIEWER, found.id, Correction(cause_code=act.cause), said)

    # asking

    def _ask_some(self) -> None:
        """Ask for the supply of some who are out, and of some who are not, over HTTP."""
        out = sorted(self.life.field.lost)
        points = self.chance.sample(out, min(3, len(out)))
        points += [self._people.directory.anyone(self.chance) for _ in range(2)]
        for point in points:
            dweller = self._people.directory.dweller(point)
            if dweller is None:
                continue
            answer = self._client.get(f"/api/v1/customers/{dweller.account_no}/supply", headers=self._bearer)
            for row in answer.get_json()["usage_points"]:
                if row["usage_point"] == point:
                    self.watched.samples.append((self.now, dweller.account_no, point, row["energized"]))

    def ledger(self) -> dict[str, list[tuple[datetime, datetime | None]]]:
        """The interruption ledger as it stands: usage point → (began, restored), in order."""
        found: dict[str, list] = {}
        with self.database.reading() as session:
            query = (
                select(UsagePoint.code, Interruption.began_at, Interruption.restored_at)
                .join(UsagePoint, UsagePoint.id == Interruption.usage_point_id)
                .where(Interruption.superseded_at.is_(None), Interruption.source == "engine")
                .order_by(Interruption.began_at)
            )
            for code, began, restored in session.execute(query):
                found.setdefault(code, []).append((began, restored))
        return found

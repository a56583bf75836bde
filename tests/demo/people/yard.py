"""A field of wires and switches for tests of people: it loses, trips and restores, and writes down what was so.

It is traced by networkx and knows nothing of the people's own way of looking at wires.
"""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import networkx as nx

from cis_power.demo.people.acts import Move, Repair
from cis_power.demo.people.directory import Dweller
from cis_power.demo.people.truth import Happening
from cis_power.demo.people.wiring import Piece, Wiring

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LATERALS, SECTIONS, HOMES = 3, 4, 4


def pieces(feeders: int = 3) -> list[Piece]:
    """Feeders of four sections with a switch between each, laterals with fuses, and ties between all ends."""
    found = []
    for number in range(1, feeders + 1):
        f = f"F{number}"
        found.append(Piece(f"{f}-CB", "breaker", ("S", f"{f}-0a"), False, True, f))
        for place in range(SECTIONS):
            found.append(Piece(f"{f}-LN{place}", "line", (f"{f}-{place}a", f"{f}-{place}b"), False, False, f))
            if place + 1 < SECTIONS:
                kind = "recloser" if place == 1 else "load_break_switch"
                ends = (f"{f}-{place}b", f"{f}-{place + 1}a")
                found.append(Piece(f"{f}-SW{place}", kind, ends, False, place != 2, f))
            for lateral in range(LATERALS):
                code, node = f"{f}-{place}-{lateral}", f"{f}-{place}{'ab'[lateral % 2]}"
                found.append(Piece(f"{f}-FU{place}{lateral}", "fuse", (node, f"{code}h"), False, False, f))
                found.append(Piece(f"{f}-T{place}{lateral}", "transformer", (f"{code}h", f"{code}l"), False, False, f))
    last = SECTIONS - 1
    for number in range(1, feeders):
        ends = (f"F{number}-{last}b", f"F{number + 1}-{last}b")
        found.append(Piece(f"F{number}-TIE", "switch", ends, True, number % 2 == 1, f"F{number}"))
    return found


class Street:
    """Four homes a transformer."""

    def __init__(self, known: list[Piece]) -> None:
        self.homes = [
            Dweller(f"UP-{piece.code}-{n}", f"A-{piece.code}-{n}", f"1380000{place:03d}{n}", piece.code, "")
            for place, piece in enumerate(piece for piece in known if piece.kind == "transformer")
            for n in range(HOMES)
        ]
        self._by_code = {home.usage_point: home for home in self.homes}

    def dweller(self, usage_point):
        return self._by_code.get(usage_point)

    def anyone(self, chance):
        return chance.choice(self.homes).usage_point

    def neighbour(self, usage_point, chance):
        place = self.homes.index(self._by_code[usage_point])
        return self.homes[(place + chance.randint(1, 40)) % len(self.homes)].usage_point


class Yard:
    """What is so. `happened` grows; `burnt` notes every time that something broken came under voltage."""

    def __init__(self, feeders: int = 3) -> None:
        self.pieces = {piece.code: piece for piece in pieces(feeders)}
        self.wiring = Wiring(self.pieces.values(), ["S"])
        self.street = Street(list(self.pieces.values()))
        self.open = {code for code, piece in self.pieces.items() if piece.normal_open}
        self.faults: dict[str, tuple[str, str]] = {}
        self.struck_at: dict[str, datetime] = {}
        self.out: set[str] = set()
        self.burnt: list[tuple[datetime, str]] = []
        self.happened = [Happening(START, "start", {"seed": 1})]
        self._faults_ever = 0

    def live(self) -> set[str]:
        graph = nx.Graph()
        graph.add_node("S")
        broken = {equipment for kind, equipment in self.faults.values() if kind == "broken_conductor"}
        for code, piece in self.pieces.items():
            if code not in self.open and code not in broken:
                graph.add_edge(*piece.ends)
        return set(nx.node_connected_component(graph, "S"))

    def strike(self, at: datetime, equipment: str, kind: str = "permanent") -> None:
        """Break something; protection above it opens at once (a momentary fault: and closes again)."""
        self._faults_ever += 1
        name = f"X{self._faults_ever}"
        self._say(at, "fault", id=name, kind=kind, equipment=equipment, phases="")
        if kind == "momentary":
            device = self._protection(equipment)
            if device is not None:
                self._set(at, device, False, "protection", name)
                self._set(at + timedelta(milliseconds=400), device, True, "protection", name)
            return
        self.faults[name] = (kind, equipment)
        self.struck_at[name] = at
        if kind == "permanent":
            self._trip(at, name, equipment)
        else:
            self._change(at, None, name)

    def act(self, act: object) -> None:
        """What people do with their hands."""
        if isinstance(act, Move):
            self._set(act.at, act.device, act.closed, "request", None)
            for name, (kind, equipment) in list(self.faults.items()):
                live = self.live() & set(self.pieces[equipment].ends)
                if act.closed and live and kind == "permanent":
                    if self.struck_at[name] < act.at:
                        self.burnt.append((act.at, equipment))
                    self._trip(act.at, name, equipment)
        elif isinstance(act, Repair):
            for name, (_, equipment) in list(self.faults.items()):
                if equipment == act.equipment:
                    del self.faults[name]
                    self._say(act.at, "repaired", id=name)
            self._change(act.at, None, None)

    def _protection(self, equipment: str) -> str | None:
        """The nearest closed fuse, recloser or breaker on the way from the source."""
        piece = self.pieces[equipment]
        graph = nx.Graph()
        for code, each in self.pieces.items():
            if code not in self.open:
                graph.add_edge(*each.ends, code=code, kind=each.kind)
        for node in piece.ends:
            if node in graph and nx.has_path(graph, "S", node):
                way = nx.shortest_path(graph, "S", node)
                on_way = [graph.edges[pair] for pair in pairwise(way)]
                if piece.ends[0] in way and piece.ends[1] in way:
                    on_way = [edge for edge in on_way if edge["code"] != equipment]
                guards = [edge["code"] for edge in on_way if edge["kind"] in ("fuse", "recloser", "breaker")]
                if guards:
                    return str(guards[-1])
        return None

    def _trip(self, at: datetime, name: str, equipment: str) -> None:
        device = self._protection(equipment)
        if device is not None:
            by = "fuse" if self.pieces[device].kind == "fuse" else "protection"
            self._set(at, device, False, by, name)

    def _set(self, at: datetime, device: str, closed: bool, by: str, fault: str | None) -> None:
        if (device not in self.open) == closed:
            return
        (self.open.discard if closed else self.open.add)(device)
        self._say(at, "close" if closed else "open", device=device, by=by, fault=fault)
        self._change(at, device, fault)

    def _change(self, at: datetime, device: str | None, fault: str | None) -> None:
        live = self.live()
        out = {home.usage_point for home in self.street.homes if self.pieces[home.transformer].ends[1] not in live}
        for event, points in (("lost", out - self.out), ("restored", self.out - out)):
            if points:
                self._say(at, event, usage_points=sorted(points), device=device, fault=fault)
        self.out = out

    def _say(self, at: datetime, event: str, **facts: object) -> None:
        self.happened.append(Happening(at, event, facts))


def live_on(yard: Yard, life, until: datetime, strikes: list[tuple[datetime, str, str]], step_seconds: float = 1.0):
    """Let yard and people live side by side; answers every act in order."""
    heard, acts, now = 0, [], START
    strikes = sorted(strikes)
    while now < until:
        while strikes and strikes[0][0] <= now:
            _, equipment, kind = strikes.pop(0)
            yard.strike(now, equipment, kind)
        while heard < len(yard.happened):
            life.hear(yard.happened[heard])
            heard += 1
        for act in life.due(now):
            acts.append(act)
            yard.act(act)
        now += timedelta(seconds=step_seconds)
    return acts

"""Nodes and equipment of a part of the demo utility's network. Pure."""

from dataclasses import dataclass, field

from cis_power.demo import geography as geo

HIGH_V, MEDIUM_V, LOW_V = 110_000, 10_000, 400

Row = tuple[object, ...]


@dataclass
class Part:
    """Nodes and equipment of one substation or feeder, as rows of nodes.csv and equipment.csv."""

    nodes: list[Row] = field(default_factory=list)
    equipment: list[Row] = field(default_factory=list)
    tail: tuple[str, str, str] = ("", "", "")

    def node(self, code: str, at: geo.Km, volts: int = MEDIUM_V) -> str:
        self.nodes.append((code, *geo.degrees(*at), volts))
        return code

    def add(
        self, device: str, kind: str, begin: str, end: str, *, phases: str = "ABC", normal_open: bool = False,
        telemetered: bool = False, kva: float | str = "", name: str = "", owner: str = "utility",
    ) -> None:  # fmt: skip
        flags = int(normal_open), int(telemetered)
        self.equipment.append((device, kind, begin, end, *flags, phases, kva, *self.tail, name, owner))

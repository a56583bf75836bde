"""Windings of an OpenDSS transformer: settings come one winding at a time or for all at once, in any order."""

import math
from dataclasses import dataclass

from cis_power.network.importers.opendss_script import DssObject, Script
from cis_power.network.importers.opendss_words import number, split_array

_ARRAYS = {"buses": "bus", "conns": "conn", "kvs": "kv", "kvas": "kva"}
_SINGLES = ("bus", "conn", "kv", "kva")
MAX_WINDINGS = 20


@dataclass(slots=True)
class Winding:
    """One winding; `kv` is line to line, for single-phase windings across the winding."""

    bus: str = ""
    conn: str = "wye"
    kv: float = 12.47
    kva: float = 1000.0

    @property
    def delta(self) -> bool:
        return self.conn.casefold().startswith(("d", "ll"))

    def conductors(self, phases: int) -> int:
        """Conductors that carry supply: a delta winding of one or two phases needs one more than its phases."""
        return phases + 1 if self.delta and phases < 3 else phases

    def line_volts(self, phases: int) -> float:
        """Nominal volts line to line at the bus."""
        return 1000 * self.kv * (math.sqrt(3) if phases == 1 and not self.delta else 1)


def read_windings(item: DssObject, script: Script) -> tuple[int, list[Winding]]:
    """Number of phases, and the windings in order. Raises ValueError for impossible numbers."""
    state = _State(script)
    state.replay(item)
    return state.phases, state.windings


class _State:
    def __init__(self, script: Script) -> None:
        self.script = script
        self.phases = 3
        self.windings = [Winding(), Winding()]
        self.active = 0

    def replay(self, item: DssObject) -> None:
        for name, text in item.settings:
            if name == "phases":
                self.phases = _count(text, "phases", 3)
            elif name == "windings":
                self._resize(_count(text, "windings", MAX_WINDINGS))
            elif name == "wdg":
                self.active = _count(text, "wdg", MAX_WINDINGS) - 1
                self._resize(max(len(self.windings), self.active + 1))
            elif name in _SINGLES:
                self._put(self.active, name, text)
            elif name in _ARRAYS:
                for place, value in enumerate(split_array(text)[: len(self.windings)]):
                    self._put(place, _ARRAYS[name], value)
            elif name == "xfmrcode":
                self._apply_code(item, text)

    def _resize(self, count: int) -> None:
        if count < 2:
            raise ValueError("a transformer has at least two windings")
        self.windings = [*self.windings[:count], *(Winding() for _ in range(count - len(self.windings)))]

    def _put(self, place: int, name: str, text: str) -> None:
        setattr(self.windings[place], name, number(text) if name in {"kv", "kva"} else text)

    def _apply_code(self, item: DssObject, text: str) -> None:
        code = self.script.find(f"xfmrcode.{text}")
        if code is None:
            message = f"{item.full_name} refers to xfmrcode {text!r}, which does not exist"
            self.script.note("unknown_code", message, item.place, "xfmrcode", "warning")
            return
        self.replay(code)


def _count(text: str, what: str, most: int) -> int:
    value = number(text)
    if not 1 <= value <= most or value != int(value):
        raise ValueError(f"{value:g} {what} are impossible")
    return int(value)

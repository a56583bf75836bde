"""The registers and bits of one simulated device, and the values that stand in them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from scada_bridge.encode import encode_bits, encode_words
from scada_bridge.points import BIT_TABLES, FUNCTION_OF_TABLE, Point

_TABLE_OF_FUNCTION = {function: table for table, function in FUNCTION_OF_TABLE.items()}


class Unreadable(Exception):
    """The device cannot say what stands there: it answers exception 4."""


class Readable(Protocol):
    """One unit as its device reads it: `cells` from an address on, None where nobody uses them."""

    def read(self, function: int, address: int, count: int) -> list[int] | None: ...


@dataclass(slots=True)
class Memory:
    """One unit: a table knows only the addresses that its points use; reading any other one is refused."""

    cells: dict[str, dict[int, int]] = field(default_factory=dict)

    def put(self, point: Point, value: float) -> None:
        """Write a point's value as the device would show it."""
        cells = self.cells.setdefault(point.table, {})
        if point.table in BIT_TABLES:
            written = [int(bit) for bit in encode_bits(point, value)]
        else:
            written = encode_words(point, value, cells.get(point.address, 0))
        for place, cell in enumerate(written, start=point.address):
            cells[place] = cell

    def put_raw(self, table: str, address: int, cells: list[int]) -> None:
        """Write registers or bits as they are."""
        self.cells.setdefault(table, {}).update(enumerate(cells, start=address))

    def read(self, function: int, address: int, count: int) -> list[int] | None:
        """Cells from `address` on; None where none of them exists. Holes between known cells read as zero."""
        cells = self.cells.get(_TABLE_OF_FUNCTION[function], {})
        if address not in cells or address + count - 1 not in cells:
            return None
        return [cells.get(place, 0) for place in range(address, address + count)]


@dataclass(frozen=True, slots=True)
class Strip:
    """One table of a unit within a larger array: `cells` from the address `low` on, and which of them points use."""

    low: int
    cells: NDArray[np.uint16]
    used: NDArray[np.bool_]

    def read(self, address: int, count: int) -> list[int] | None:
        """Cells, or None where the first or last one is used by nobody."""
        first, last = address - self.low, address + count - 1 - self.low
        if first < 0 or last >= len(self.cells) or not (self.used[first] and self.used[last]):
            return None
        return self.cells[first : last + 1].tolist()  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class StripMemory:
    """One unit whose tables are strips of an array that somebody else writes."""

    strips: Mapping[str, Strip]

    def read(self, function: int, address: int, count: int) -> list[int] | None:
        """As `Memory.read`."""
        strip = self.strips.get(_TABLE_OF_FUNCTION[function])
        return None if strip is None else strip.read(address, count)

    def frozen(self) -> "StripMemory":
        """The same as it is now, for good."""
        return StripMemory({table: Strip(one.low, one.cells.copy(), one.used) for table, one in self.strips.items()})


@dataclass(frozen=True, slots=True)
class Overlaid:
    """A unit some of whose cells read otherwise: table → address → (bits concerned, what they read), or unreadable."""

    under: Readable
    cells: Mapping[str, Mapping[int, tuple[int, int]]]
    unreadable: Mapping[str, frozenset[int]]

    def read(self, function: int, address: int, count: int) -> list[int] | None:
        """As `Memory.read`. Raises Unreadable."""
        found = self.under.read(function, address, count)
        table = _TABLE_OF_FUNCTION[function]
        if found is None:
            return None
        places = range(address, address + count)
        if not self.unreadable.get(table, frozenset()).isdisjoint(places):
            raise Unreadable
        over = self.cells.get(table, {})
        return [
            (cell & ~over[place][0]) | over[place][1] if place in over else cell
            for place, cell in zip(places, found, strict=True)
        ]

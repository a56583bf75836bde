"""The registers and bits of one simulated device, and the values that stand in them."""

from dataclasses import dataclass, field

from scada_bridge.encode import encode_bits, encode_words
from scada_bridge.points import BIT_TABLES, FUNCTION_OF_TABLE, Point

_TABLE_OF_FUNCTION = {function: table for table, function in FUNCTION_OF_TABLE.items()}


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

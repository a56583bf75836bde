"""What a point is: where its value stands in a device, how it is coded, and what it means."""

from dataclasses import asdict, dataclass, fields
from typing import Any

REGISTER_TABLES = ("holding", "input")
BIT_TABLES = ("coil", "discrete")
TABLES = REGISTER_TABLES + BIT_TABLES
FUNCTION_OF_TABLE = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}
WORDS_OF_DATATYPE = {
    "bit": 1,
    "dpi": 1,
    "int16": 1,
    "uint16": 1,
    "int32": 2,
    "uint32": 2,
    "int64": 4,
    "uint64": 4,
    "float32": 2,
    "float64": 4,
    "bcd16": 1,
    "bcd32": 2,
}
WIRE_TYPES = {
    "int16": ">i2",
    "uint16": ">u2",
    "int32": ">i4",
    "uint32": ">u4",
    "int64": ">i8",
    "uint64": ">u8",
    "float32": ">f4",
    "float64": ">f8",
}
DATATYPES = tuple(WORDS_OF_DATATYPE)
BYTE_ORDERS = ("big", "little", "big_swap", "little_swap")
KINDS = ("analog", "discrete", "accumulator")
POSITION = "position"
DEFAULT_POLL_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a published list. `address` is the zero-based protocol address, `bit` the bit of a register.

    `device_id` is the Modbus unit; value = raw × scale + offset in `unit`; `minimum`, `maximum` and `deadband` are in
    `unit` too. `normal_state` serves alarms only.
    """

    point_id: str
    source: str
    device_id: int
    table: str
    address: int
    datatype: str
    bit: int | None = None
    byte_order: str = "big"
    scale: float = 1.0
    offset: float = 0.0
    unit: str | None = None
    kind: str = "analog"
    equipment: str | None = None
    quantity: str | None = None
    normal_state: float | None = None
    minimum: float | None = None
    maximum: float | None = None
    deadband: float | None = None
    poll_seconds: float = DEFAULT_POLL_SECONDS

    @property
    def width(self) -> int:
        """How many registers (or bits, in a bit table) the point takes."""
        if self.table in BIT_TABLES:
            return 2 if self.datatype == "dpi" else 1
        return WORDS_OF_DATATYPE[self.datatype]

    @property
    def is_position(self) -> bool:
        """Whether the value is the state of the point's equipment, 1 = closed."""
        return self.kind == "discrete" and self.quantity == POSITION

    @property
    def address_text(self) -> str:
        """The address as point lists write it."""
        return str(self.address) if self.bit is None else f"{self.address}.{self.bit}"

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


POINT_FIELDS = tuple(field.name for field in fields(Point))

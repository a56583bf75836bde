"""Units of readings, and what a channel measures when only a unit is known."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit: the quantity it measures, the channel unit its values are kept in, and the factor to that unit.

    `per_hour` marks a power: the value of an interval is its mean, and is kept as energy (power × hours).
    """

    quantity: str
    kept_in: str
    factor: float
    per_hour: bool = False


ENERGY_UNIT = "kWh"
"""The unit in which energy, and power over an interval, is kept."""

UNITS: dict[str, Unit] = {
    "wh": Unit("energy", "kWh", 0.001),
    "kwh": Unit("energy", "kWh", 1.0),
    "mwh": Unit("energy", "kWh", 1000.0),
    "w": Unit("energy", "kWh", 0.001, per_hour=True),
    "kw": Unit("energy", "kWh", 1.0, per_hour=True),
    "mw": Unit("energy", "kWh", 1000.0, per_hour=True),
    "varh": Unit("reactive_energy", "kvarh", 0.001),
    "kvarh": Unit("reactive_energy", "kvarh", 1.0),
    "mvarh": Unit("reactive_energy", "kvarh", 1000.0),
    "kvar": Unit("reactive_energy", "kvarh", 1.0, per_hour=True),
    "v": Unit("voltage", "V", 1.0),
    "kv": Unit("voltage", "V", 1000.0),
    "a": Unit("current", "A", 1.0),
    "ka": Unit("current", "A", 1000.0),
}


def find_unit(text: str) -> Unit | None:
    """The unit that a text names, in any case; None for one that is not known."""
    return UNITS.get(text.strip().lower())

"""What a point measures, out of its quantity and unit, in whatever words its list was written; pure."""

from scada_bridge.points import Point

POSITION, OPERATIONS, TRIPPED, ENERGY = "position", "operations", "tripped", "energy"
CURRENT, VOLTAGE, ACTIVE, REACTIVE, APPARENT = "current", "voltage", "active", "reactive", "apparent"
LOADING, POWER_FACTOR, FREQUENCY, OTHER = "loading", "power_factor", "frequency", "other"
FLOWING = (CURRENT, ACTIVE, REACTIVE, APPARENT, LOADING, POWER_FACTOR)

_WORDS = {
    CURRENT: ("current", "i", "ia", "ib", "ic", "amps", "amperes"),
    VOLTAGE: ("voltage", "u", "v", "ua", "ub", "uc", "uab", "ubc", "uca"),
    ACTIVE: ("power", "active_power", "p", "kw", "load", "demand"),
    REACTIVE: ("reactive_power", "q", "kvar"),
    APPARENT: ("apparent_power", "s", "kva"),
    LOADING: ("loading", "load_rate", "load_ratio", "utilisation", "utilization"),
    POWER_FACTOR: ("power_factor", "pf", "cos_phi", "cosphi"),
    FREQUENCY: ("frequency", "f", "hz"),
    ENERGY: ("energy", "active_energy", "kwh"),
    OPERATIONS: ("operations", "reclosings", "trips"),
    TRIPPED: ("trip", "tripped", "protection", "fault", "fault_indicator", "lockout", "alarm"),
}
_MEANING = {word: meaning for meaning, words in _WORDS.items() for word in words}
# Unit → what it measures, and how many of it make one A, V, kW, kvar, kVA, kWh, Hz, or part of one.
_UNITS = {
    "a": (CURRENT, 1.0), "ka": (CURRENT, 1e-3), "ma": (CURRENT, 1e3),
    "v": (VOLTAGE, 1.0), "kv": (VOLTAGE, 1e-3),
    "w": (ACTIVE, 1e3), "kw": (ACTIVE, 1.0), "mw": (ACTIVE, 1e-3),
    "var": (REACTIVE, 1e3), "kvar": (REACTIVE, 1.0), "mvar": (REACTIVE, 1e-3),
    "va": (APPARENT, 1e3), "kva": (APPARENT, 1.0), "mva": (APPARENT, 1e-3),
    "wh": (ENERGY, 1e3), "kwh": (ENERGY, 1.0), "mwh": (ENERGY, 1e-3),
    "hz": (FREQUENCY, 1.0), "%": (LOADING, 100.0),
}  # fmt: skip


def meaning_of(point: Point) -> tuple[str, float]:
    """What a point measures, and the factor from our units (A, V, kW, kvar, kVA, kWh, Hz, parts of one) to its own."""
    quantity = (point.quantity or "").lower()
    by_unit, factor = _UNITS.get((point.unit or "").lower(), (OTHER, 1.0))
    if point.is_position:
        return POSITION, 1.0
    if point.kind == "discrete":
        return (TRIPPED, 1.0) if _MEANING.get(quantity) == TRIPPED else (OTHER, 1.0)
    named = _named(quantity)
    if point.kind == "accumulator":
        return (named, 1.0) if named == OPERATIONS else (ENERGY, factor if by_unit == ENERGY else 1.0)
    if named == POWER_FACTOR:
        return named, factor
    if by_unit != OTHER:
        return by_unit, factor  # a load in A is a current, one in % a loading
    return (OTHER, 1.0) if named in (TRIPPED, OPERATIONS, ENERGY) else (named, 1.0)


def _named(quantity: str) -> str:
    """The meaning of a word, or of its longest beginning that is known: `current_a`, `active_power_total`."""
    words = quantity.split("_")
    beginnings = ("_".join(words[:count]) for count in range(len(words), 0, -1))
    return next((_MEANING[word] for word in beginnings if word in _MEANING), OTHER)

"""What a point on equipment measures, in one set of units, and how loaded a transformer is. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import sqrt

from cis_power.core.quality import Quality

# What is measured, by unit, and the factor to A, V, kW, kvar, kVA, per cent.
UNITS: dict[str, tuple[str, float]] = {
    "a": ("current_a", 1.0), "ka": ("current_a", 1e3),
    "v": ("voltage_v", 1.0), "kv": ("voltage_v", 1e3),
    "w": ("power_kw", 1e-3), "kw": ("power_kw", 1.0), "mw": ("power_kw", 1e3),
    "var": ("reactive_kvar", 1e-3), "kvar": ("reactive_kvar", 1.0), "mvar": ("reactive_kvar", 1e3),
    "va": ("apparent_kva", 1e-3), "kva": ("apparent_kva", 1.0), "mva": ("apparent_kva", 1e3),
}  # fmt: skip
HEAVY_PERCENT, OVER_PERCENT = 80.0, 100.0


@dataclass(frozen=True, slots=True)
class Measured:
    """A value on a piece of equipment. `what` and `value` are in our units, `shown` and `unit` the point's own."""

    element_id: int
    point_id: str
    what: str
    value: float | None
    shown: float | None
    unit: str | None
    quantity: str | None
    quality: Quality
    reason: str | None
    measured_at: datetime | None
    age_seconds: float | None


@dataclass(frozen=True, slots=True)
class Load:
    """Load of a transformer. `percent` of its rating; `basis` says out of what: apparent, power (a lower bound, the
    reactive part is not measured), or current. Quality and age are the worst of what went in.
    """

    percent: float | None
    basis: str | None
    kw: float | None
    kva: float | None
    quality: Quality
    reason: str | None
    measured_at: datetime | None
    age_seconds: float | None

    @property
    def band(self) -> str:
        """over | heavy | normal | unknown."""
        return band_of(self.percent if self.quality < Quality.BAD else None)


NOT_MEASURED = Load(None, None, None, None, Quality.MISSING, None, None, None)


def band_of(percent: float | None) -> str:
    """How a loading is called: from 100 % overloaded, from 80 % heavily loaded."""
    if percent is None:
        return "unknown"
    return "over" if percent >= OVER_PERCENT else "heavy" if percent >= HEAVY_PERCENT else "normal"


def loading_percent(
    kva: float | None, kw: float | None, kvar: float | None, current_a: float | None, rated_kva: float | None,
    low_v: float | None,
) -> tuple[float | None, str | None]:  # fmt: skip
    """Loading in per cent of the rating and what it was made of; `current_a` is that of the low side (`low_v`, V)."""
    if rated_kva is None or rated_kva <= 0:
        return None, None
    if kva is not None:
        return abs(kva) / rated_kva * 100, "apparent"
    if kw is not None:
        return (abs(kw) if kvar is None else sqrt(kw * kw + kvar * kvar)) / rated_kva * 100, (
            "power" if kvar is None else "apparent"
        )
    if current_a is not None and low_v:
        return sqrt(3) * current_a * low_v / 1000 / rated_kva * 100, "current"
    return None, None


def load_of(values: Sequence[Measured], rated_kva: float | None, low_v: float | None) -> Load:
    """The load of a transformer out of what is measured on it."""
    best: dict[str, Measured] = {}
    for item in values:
        if item.value is not None and (item.what not in best or item.quality < best[item.what].quality):
            best[item.what] = item
    numbers = {what: item.value for what, item in best.items()}
    kva, kw, kvar, amperes = (numbers.get(what) for what in ("apparent_kva", "power_kw", "reactive_kvar", "current_a"))
    percent, basis = loading_percent(kva, kw, kvar, amperes, rated_kva, low_v)
    used = [best[what] for what in _USED.get(basis or "", ()) if what in best]
    if basis == "apparent" and kva is not None:
        used = [best["apparent_kva"]]
    if not used:
        worst = max(values, key=lambda item: item.quality, default=None)
        return NOT_MEASURED if worst is None else Load(
            None, None, kw, kva, worst.quality, worst.reason, worst.measured_at, worst.age_seconds
        )  # fmt: skip
    worst = max(used, key=lambda item: (item.quality, item.age_seconds or 0.0))
    apparent = kva if kva is not None else sqrt(kw * kw + kvar * kvar) if kw is not None and kvar is not None else None
    return Load(percent, basis, kw, apparent, worst.quality, worst.reason, worst.measured_at, worst.age_seconds)


_USED = {"apparent": ("power_kw", "reactive_kvar"), "power": ("power_kw",), "current": ("current_a",)}


def first(values: Iterable[Measured], what: str) -> Measured | None:
    """The value of a kind, the best one where there are several; None where there is none."""
    return min((item for item in values if item.what == what), key=lambda item: item.quality, default=None)

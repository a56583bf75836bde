"""The load of a piece of equipment over some days: quarter-hour maxima of what is measured on it, with its rating."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from cis_power.access.viewer import Viewer
from cis_power.core.quality import Quality
from cis_power.telemetry.measured import UNITS, Measured, first
from cis_power.telemetry.reads import point_history
from web.charts import Curve, Figure, curve_figure
from web.words import gettext

SLOT_SECONDS = 900
_WHAT = ("apparent_kva", "power_kw", "current_a")
_UNIT = {"apparent_kva": "kVA", "power_kw": "kW", "current_a": "A"}


@dataclass(frozen=True, slots=True)
class LoadChart:
    """A figure, the unit of its values, the peak of the good ones with its instant, and how many values there are."""

    figure: Figure
    point_id: str
    unit: str
    peak: float | None
    peak_at: datetime | None
    values: int
    good_share: float


def load_chart(
    session: Session, viewer: Viewer, values: Sequence[Measured], rated_kva: float | None, from_at: datetime,
    to_at: datetime, now: datetime,
) -> LoadChart | None:  # fmt: skip
    """The chart of the best of what is measured: apparent, else active power, else current; None without history."""
    chosen = next((item for what in _WHAT if (item := first(values, what)) is not None), None)
    if chosen is None:
        return None
    history = point_history(session, viewer, chosen.point_id, from_at, to_at, now)
    if not history.rows:
        return None
    factor = UNITS[(chosen.unit or "").lower()][1]
    seconds = np.array([at.timestamp() for at, _, _ in history.rows])
    value = np.array([np.nan if number is None else number * factor for _, number, _ in history.rows])
    quality = np.array([code for _, _, code in history.rows], np.uint8)
    at, top, worst = quarter_hours(seconds, value, quality)
    good = quality <= Quality.SUBSTITUTED
    usable = np.flatnonzero(good & np.isfinite(value))
    best = None if usable.size == 0 else int(usable[np.argmax(value[usable])])
    unit = _UNIT[chosen.what]
    figure = curve_figure([Curve(gettext("load"), at, top, worst)], unit)
    if rated_kva and chosen.what != "current_a":
        _rated_line(figure, at, rated_kva)
    return LoadChart(
        figure=figure,
        point_id=chosen.point_id,
        unit=unit,
        peak=None if best is None else float(value[best]),
        peak_at=None if best is None else datetime.fromtimestamp(float(seconds[best]), UTC),
        values=len(value),
        good_share=float((quality == Quality.GOOD).mean()),
    )


def quarter_hours(
    seconds: NDArray[np.float64], value: NDArray[np.float64], quality: NDArray[np.uint8]
) -> tuple[NDArray[np.datetime64], NDArray[np.float64], NDArray[np.uint8]]:
    """The largest finite value of each quarter of an hour that has rows (NaN: none is finite), with its quality."""
    slot = seconds.astype(np.int64) // SLOT_SECONDS
    order = np.lexsort((np.nan_to_num(value, nan=-np.inf), slot))
    last = np.append(slot[order][1:] != slot[order][:-1], True)
    chosen = order[last]
    return (
        (slot[chosen] * SLOT_SECONDS).astype("datetime64[s]").astype("datetime64[us]"),
        value[chosen],
        quality[chosen],
    )


def _rated_line(figure: Figure, at: NDArray[np.datetime64], rated_kva: float) -> None:
    """A dashed line at the rating; a load in kW stays below it by its power factor."""
    ends = [figure["data"][0]["x"][0], figure["data"][0]["x"][-1]]
    figure["data"].append(
        {
            "type": "scatter", "mode": "lines", "name": gettext("rated, kVA"), "x": ends, "y": [rated_kva, rated_kva],
            "line": {"width": 1.2, "dash": "dash"}, "hoverinfo": "name+y",
        }
    )  # fmt: skip
    figure["layout"]["showlegend"] = True

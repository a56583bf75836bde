"""Figures as plotly JSON with SVG traces, made of plain lists: the browser draws them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cis_power.core.quality import Quality
from web.shell import shell
from web.words import gettext

Figure = dict[str, Any]
_MOST_POINTS = 4_000


@dataclass(frozen=True, slots=True)
class Curve:
    """A line of a figure: instants (datetime64, UTC), values and their quality."""

    name: str
    at: NDArray[Any]
    value: NDArray[np.float64]
    quality: NDArray[np.uint8]


def curve_figure(curves: Sequence[Curve], unit: str | None, *, steps: bool = False) -> Figure:
    """Values over time; those of doubtful quality are marked, missing ones are a break and never zero."""
    traces: list[Figure] = []
    for curve in curves:
        thinned = _thinned(curve)
        traces.append(_line(thinned, steps))
        doubtful = _doubtful(thinned)
        if doubtful is not None:
            traces.append(doubtful)
    layout = {
        "xaxis": {"type": "date"},
        "yaxis": {"title": {"text": unit or ""}, "rangemode": "tozero" if not steps else "normal"},
        "showlegend": len(curves) > 1,
        "hovermode": "x unified",
    }
    return {"data": traces, "layout": layout}


def _line(curve: Curve, steps: bool) -> Figure:
    return {
        "type": "scatter",
        "mode": "lines" if len(curve.at) > 1 else "markers",
        "name": curve.name,
        "x": _local(curve.at),
        "y": _numbers(curve.value),
        "connectgaps": False,
        "line": {"width": 1.6, "shape": "hv" if steps else "linear"},
    }


def _doubtful(curve: Curve) -> Figure | None:
    marked = (curve.quality != Quality.GOOD) & np.isfinite(curve.value)
    if not marked.any():
        return None
    words = [Quality(int(code)).name.lower() for code in curve.quality[marked]]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": gettext("not good"),
        "x": _local(curve.at[marked]),
        "y": _numbers(curve.value[marked]),
        "text": words,
        "marker": {"symbol": "x-thin-open", "size": 7},
        "showlegend": True,
    }


def _thinned(curve: Curve) -> Curve:
    """At most so many points that a screen can show them: of each group its lowest and highest value stay."""
    count = len(curve.at)
    if count <= _MOST_POINTS:
        return curve
    group = np.arange(count) * (_MOST_POINTS // 2) // count
    filled = np.where(np.isfinite(curve.value), curve.value, 0)
    order = np.lexsort((filled, group))
    first = np.flatnonzero(np.diff(group[order], prepend=-1))
    last = np.append(first[1:], count) - 1
    kept = np.unique(order[np.concatenate([first, last])])
    return Curve(curve.name, curve.at[kept], curve.value[kept], curve.quality[kept])


def _local(at: NDArray[Any]) -> list[str]:
    """Local wall-clock times: plotly knows no zones, so the axis shows what it is given."""
    zone = shell().settings.zone
    from_epoch = at.astype("datetime64[s]").astype(object)
    return [_wall(moment, zone) for moment in from_epoch]


def _wall(moment: datetime, zone: tzinfo) -> str:
    return moment.replace(tzinfo=UTC).astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S")


def _numbers(values: NDArray[np.float64]) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in values]

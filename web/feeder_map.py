"""A feeder's map as compact JSON: polylines and marks on a grid of whole numbers, for a map without tiles."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from cis_power.network.diagram import Diagram
from cis_power.network.feeder_tree import LINE, TRANSFORMER
from web.feeder_drawing import DeviceNow, state_words
from web.labels import label

_STEPS = 5_000  # grid steps along the longer side
_WIDEST_DEGREES = 3.0

Place = tuple[float, float]


def map_data(diagram: Diagram, devices: Mapping[str, DeviceNow]) -> dict[str, Any] | None:
    """Lines and marks in the model's coordinates; None where it has none.

    `x`, `y`, `step`: origin and size of the grid; `degrees`: the coordinates look like longitude and latitude.
    `lines`: whether dashed, then x, y, x, y … in steps. `marks`: x, y in steps, device, place in `words`.
    `words`: sign, how it is shown, what it says.
    """
    placed = [item for item in devices.values() if item.device.from_xy and item.device.to_xy]
    ends = [end for item in placed for end in (item.device.from_xy, item.device.to_xy) if end]
    if not ends:
        return None
    left, right = min(x for x, _ in ends), max(x for x, _ in ends)
    low, high = min(y for _, y in ends), max(y for _, y in ends)
    extent = max(right - left, high - low)
    step = extent / _STEPS or 1.0

    def grid(place: Place) -> tuple[int, int]:
        return round((place[0] - left) / step), round((place[1] - low) / step)

    words: dict[tuple[str, str, str], int] = {}
    marks = []
    for item in placed:
        if item.device.kind != LINE or item.device.position != "closed":
            start, end = item.device.from_xy or (0.0, 0.0), item.device.to_xy or (0.0, 0.0)
            middle = grid(((start[0] + end[0]) / 2, (start[1] + end[1]) / 2))
            marks.append([*middle, item.device.device, words.setdefault(_words(item), len(words))])
    return {
        "x": left,
        "y": low,
        "step": step,
        "degrees": extent <= _WIDEST_DEGREES and max(abs(left), abs(right)) <= 180 and max(abs(low), abs(high)) <= 85,
        "lines": [
            [int(dashed), *(number for place in path for number in grid(place))]
            for dashed, path in _paths(diagram, devices)
        ],
        "marks": marks,
        "words": list(words),
    }  # fmt: skip


def _paths(diagram: Diagram, devices: Mapping[str, DeviceNow]) -> Iterator[tuple[bool, Sequence[Place]]]:
    """Runs of lines as one path each, and every other device as its own; dashed where open or dead."""
    runs = [list(wire.lines) for wire in diagram.wires if wire.lines]
    in_runs = {line for run in runs for line in run}
    for run in (*runs, *([device] for device in devices if device not in in_runs)):
        items = [devices[device] for device in run if device in devices]
        yield from _joined(items)


def _joined(items: Iterable[DeviceNow]) -> Iterator[tuple[bool, list[Place]]]:
    path: list[Place] = []
    was_dashed = False
    for item in items:
        start, end = item.device.from_xy, item.device.to_xy
        if start is None or end is None:
            continue
        dashed = item.dead or item.device.position == "open"
        if path and path[-1] == end:
            start, end = end, start
        if path and (path[-1] != start or dashed != was_dashed):
            yield was_dashed, path
            path = []
        path = [*path, end] if path else [start, end]
        was_dashed = dashed
    if path:
        yield was_dashed, path


def _words(item: DeviceNow) -> tuple[str, str, str]:
    kind = str(label("equipment_kind", item.device.kind))
    if item.dead:
        return "✕", "alarm", f"{kind} · {label('energized', 'none')}"
    if item.device.kind == TRANSFORMER:
        return "△", "small", kind
    sign = {"closed": "■", "unknown": "?"}.get(item.state, "□")
    return sign, "warn" if item.abnormal or item.state == "unknown" else "", f"{kind} · {state_words(item)}"

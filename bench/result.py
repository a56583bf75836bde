"""What a benchmark answers, and the measuring that all share."""

import math
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Result:
    """One benchmark's figures, with the unit in each name.

    The ratios compare the main one, so that more is better; `memory_mb` is the peak of the process that does our work.
    """

    name: str
    size: dict[str, Any]
    ours: dict[str, Any]
    peer: dict[str, Any]
    limit: dict[str, Any]
    ratio_to_peer: float | None
    ratio_to_limit: float | None
    memory_mb: float

    def as_dict(self) -> dict[str, Any]:
        return {name: _rounded(value) for name, value in asdict(self).items()}


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.4g}") if abs(value) < 1000 else round(value)
    return {name: _rounded(item) for name, item in value.items()} if isinstance(value, dict) else value


def peak_memory_mb() -> float:
    """Peak resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def peak_memory_of(pid: int) -> float:
    """Peak resident memory of a living process, in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def seconds_of(work: Callable[[], Any]) -> float:
    """How long one call takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of the values lie, by the nearest rank."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]

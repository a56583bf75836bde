"""The quality a value is shown with: what it was read with, made worse by age, or what a person set; pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from cis_power.core.quality import Quality

_LEAST_SECONDS = 60.0
_POLLS = 3
SKEW_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Held:
    """What a person holds a point at: a hand-set value, or a tag that keeps what was."""

    kind: str  # set | tag
    value: float | None
    tag: str | None
    began_at: datetime
    begun_by: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A value as everybody sees it."""

    value: float | None
    quality: Quality
    reason: str | None
    measured_at: datetime | None
    age_seconds: float | None


def series_step(poll_seconds: float) -> int:
    """The grid on which values of a polling group are packed: whole seconds."""
    return max(1, round(poll_seconds))


def stale_after(poll_seconds: float, setting_seconds: float | None) -> float:
    """Age in seconds from which a value is stale: the setting, else max(60 s, 3 polls)."""
    return max(_LEAST_SECONDS, _POLLS * poll_seconds) if setting_seconds is None else setting_seconds


def shown(
    value: float | None,
    quality: int,
    reason: str | None,
    measured_at: datetime | None,
    *,
    now: datetime,
    limit_seconds: float,
    held: Held | None = None,
) -> Shown:
    """A stored value as of `now`. Age makes any better quality STALE; what was never measured is MISSING.

    A time more than a minute ahead of ours is a wrong clock: then nobody knows how old the value is, and it is SUSPECT.

    A hand-set value is SUBSTITUTED and does not age; a tag shows the value it keeps, SUBSTITUTED, with its own age.
    """
    if held is not None and held.kind == "set":
        age = (now - held.began_at) / timedelta(seconds=1)
        return Shown(held.value, Quality.SUBSTITUTED, f"set by {held.begun_by}", held.began_at, max(age, 0.0))
    if measured_at is None:
        found = Shown(None, Quality.MISSING, reason or "never measured", None, None)
    else:
        age = max((now - measured_at) / timedelta(seconds=1), 0.0)
        found = Shown(value, Quality(quality), reason, measured_at, age)
        if measured_at - now > timedelta(seconds=SKEW_SECONDS):
            found = Shown(value, max(found.quality, Quality.SUSPECT), "its clock is ahead of ours", measured_at, age)
        if age > limit_seconds and found.quality < Quality.STALE:
            found = Shown(value, Quality.STALE, reason or f"older than {limit_seconds:g} s", measured_at, age)
    if held is None:
        return found
    words = f"tag {held.tag} by {held.begun_by}"
    kept = found.value if held.value is None else held.value
    return Shown(kept, Quality.SUBSTITUTED, words, found.measured_at, found.age_seconds)

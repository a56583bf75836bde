"""The small demo utility on a database of the run's own, loaded by the importers; and what befalls it, by seed."""

from datetime import UTC, datetime
from pathlib import Path

from cis_power.core.config import load_settings
from cis_power.demo.build import Wish, build
from cis_power.demo.people.dice import dice
from tests.journeys.living.shape import Shape

KINDS = ("districts", "network", "places", "customers", "agreements", "connections", "points")
# Virtual time lies behind everything that is recorded by the clock while loading, and is the same in every run.
BEGIN = datetime(2031, 3, 3, 0, 0, tzinfo=UTC)
TROUBLES = ("silent", "frozen", "garbage", "doubled", "exception", "bad", "intermediate", "close", "short", "late")


def load(folder: Path, url: str, customers: int, monkeypatch) -> tuple[Path, Shape]:
    """Build it; answers run folder and shape."""
    monkeypatch.setenv("CIS_DATABASE", url)
    monkeypatch.setenv("CIS_TIMEZONE", "Asia/Shanghai")
    monkeypatch.setenv("CIS_RUN_DIR", str(folder / "run"))
    wish = Wish(customers, datetime(2026, 11, 1, tzinfo=UTC))
    build(load_settings(), wish, lambda _: None, kinds=KINDS, roles=())
    return folder / "run", Shape(wish.plan)


def strikes(shape: Shape, seed: int, seconds: int, every_seconds: float) -> dict[int, tuple[str, str]]:
    """Second → what breaks and how: lines and transformers, most for good, some for a moment, some without a trip."""
    chance = dice(seed, "strikes")
    lines = [edge.code for edge in shape.edges if edge.kind == "line"]
    transformers = [edge.code for edge in shape.edges if edge.kind == "transformer" and "-MT" not in edge.code]
    found, at = {}, 10.0
    while at < seconds - 60:
        pool = transformers if chance.random() < 0.35 else lines
        kind = chance.choices(("permanent", "momentary", "broken_conductor"), (0.55, 0.25, 0.2))[0]
        found[int(at)] = (chance.choice(pool), kind)
        at += chance.expovariate(1 / every_seconds) + 1
    return found


def troubles(shape: Shape, seed: int, seconds: int, every_seconds: float) -> dict[int, list[tuple[str, str]]]:
    """Second → sources whose lines begin or cease to be in trouble; one at a time a source."""
    chance = dice(seed, "troubles")
    found: dict[int, list[tuple[str, str]]] = {}
    for source in (f"rtu{number + 1}" for number in range(shape.plan.substations)):
        at = every_seconds * chance.random()
        while at < seconds - 120:
            lasts = chance.uniform(20, 120)
            found.setdefault(int(at), []).append((source, chance.choice(TROUBLES)))
            found.setdefault(int(at + lasts), []).append((source, "none"))
            at += lasts + chance.expovariate(1 / every_seconds) + 5
    return found

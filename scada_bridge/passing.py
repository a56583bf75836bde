"""One pass on request: collect (or ask the running collector), load, pull what archives hold."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from cis_power.core.config import Settings
from cis_power.core.db import Database
from cis_power.core.errors import CisError, Conflict, NotFound, Unavailable
from scada_bridge.collector import SOURCE, collect_once, control_folder
from scada_bridge.control import ask, holding
from scada_bridge.loader import Loaded, load_now
from scada_bridge.published import read_published
from scada_bridge.pull import Pulled, archives, pull_archive
from scada_bridge.source_task import Outcome

_LONGEST_PASS_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Pass:
    """What a pass brought. `failed`: source → why."""

    outcomes: list[Outcome]
    loaded: Loaded
    pulled: list[Pulled]
    failed: dict[str, str]

    def as_dict(self) -> dict[str, Any]:
        return {
            "sources": [outcome.as_dict() for outcome in self.outcomes],
            "loaded": {
                "batches": self.loaded.batches,
                "samples": self.loaded.samples,
                "events": self.loaded.events,
                "quarantined": self.loaded.quarantined,
            },
            "pulled": [pulled.as_dict() for pulled in self.pulled],
            "failed": self.failed,
        }


def one_pass(database: Database, settings: Settings, source: str | None) -> Pass:
    """Poll one or all sources now, load everything, pull history. Raises NotFound for an unknown source.

    A source that fails is in `failed`; what the others brought is stored all the same.
    """
    holders = archives(settings)
    outcomes: list[Outcome] = []
    if source is None or source not in holders:
        if source is not None and source not in settings.sources and source not in _published_sources(settings):
            raise NotFound(f"there is no source {source!r}")
        outcomes = collect(settings, source)
    served = {name for holder in holders.values() for name in holder.serves}
    failed = {
        outcome.source: _words(outcome)
        for outcome in outcomes
        if outcome.failed and not (SOURCE in outcome.failed and outcome.source in served)
    }
    loaded = load_now(database, settings.run_dir)
    pulled = []
    for name in sorted(holders):
        if source in (None, name):
            try:
                pulled.append(pull_archive(database, settings, name))
            except CisError as error:
                failed[name] = error.message
    return Pass(outcomes, loaded, pulled, failed)


def _words(outcome: Outcome) -> str:
    told = sorted(outcome.failed.items())
    return "; ".join(f"device {what}: {why}" if what.isdigit() else why for what, why in told)


def _published_sources(settings: Settings) -> set[str]:
    return {point.source for point in read_published(settings.run_dir).points}


def collect(settings: Settings, source: str | None) -> list[Outcome]:
    """Poll through the running collector, or here when there is none."""
    read_published(settings.run_dir)  # says at once when nothing is published
    folder = control_folder(settings.run_dir)
    deadline = time.monotonic() + _LONGEST_PASS_SECONDS
    while True:
        try:
            with holding(folder, "a collector"):
                return asyncio.run(collect_once(settings, source))
        except Conflict:
            pass
        try:
            found = ask(folder, {"source": source}, _LONGEST_PASS_SECONDS)
            return [Outcome(**outcome) for outcome in found["outcomes"]]
        except Unavailable:
            # It ended meanwhile, or is another pass like this one: then it is our turn.
            if time.monotonic() > deadline:
                raise

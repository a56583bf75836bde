"""What people did and how it ended: for whoever watches the demo."""

import json
import threading
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from cis_power.demo.people.acts import Act

_DIARY_BYTES = 20_000_000


class Diary:
    """What people did and how it ended, one JSON line an act; begun anew when it has grown long."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()

    def note(self, act: Act, ending: str, now: datetime) -> None:
        """Write one act down."""
        facts = {name: value for name, value in asdict(act).items() if name != "content"}
        line = json.dumps(
            {"done_at": now, "act": type(act).__name__.lower(), "ending": ending} | facts,
            default=str,
            ensure_ascii=False,
        )
        with self._lock:
            if self._file.exists() and self._file.stat().st_size > _DIARY_BYTES:
                self._file.replace(self._file.with_suffix(".old.jsonl"))
            with self._file.open("a", encoding="utf-8") as diary:
                diary.write(line + "\n")

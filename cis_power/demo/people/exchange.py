"""The exchange folder between the billing system and us."""

import json
from pathlib import Path

from cis_power.demo.people.acts import Drop, Fetch
from cis_power.demo.people.business import KNOWN, PART, REFUSED, TAKEN

_KEPT = 50


class Exchange:
    """`in`: files that wait; `done`: files that were taken or refused; `out`: files of ours."""

    def __init__(self, folder: Path) -> None:
        self._in, self._done, self._out = (folder / name for name in ("in", "done", "out"))
        for each in (self._in, self._done, self._out):
            each.mkdir(parents=True, exist_ok=True)

    def drop(self, act: Drop) -> Path:
        """Lay a file down, whole or not at all."""
        file = self._in / act.name
        draft = file.with_suffix(".part")
        draft.write_text(act.content, encoding="utf-8")
        draft.rename(file)
        return file

    def taken(self, act: Drop, file: Path, code: int, out: str) -> str:
        """Put a file aside after it was imported; answers whether that went as it should."""
        file.replace(self._done / file.name)
        _thin(self._done)
        try:
            result = json.loads(out)
        except ValueError:
            return f"exit {code} without an answer"
        went = how(result)
        return (
            went
            if went == act.expect
            else f"{went}, and not {act.expect}: {json.dumps(result, ensure_ascii=False)[:300]}"
        )

    def outbox(self, act: Fetch) -> Path:
        """Where a file of ours goes."""
        _thin(self._out)
        return self._out / f"{act.kind}-{act.at:%Y%m%dT%H%M%S}.csv"


def how(result: dict[str, int]) -> str:
    """How an import went, as the billing system sees it."""
    if result["unchanged"] == result["rows"] and result["rows"]:
        return KNOWN
    if result["accepted"] == result["rows"]:
        return TAKEN
    return PART if result["accepted"] else REFUSED


def _thin(folder: Path) -> None:
    for old in sorted(folder.iterdir(), key=lambda file: file.stat().st_mtime)[:-_KEPT]:
        old.unlink(missing_ok=True)

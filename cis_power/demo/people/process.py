"""The process `people`: reads the truth log, lets people decide, and carries out what they do."""

import json
import logging
import threading
from datetime import timedelta
from pathlib import Path

from cis_power.core.errors import CisError
from cis_power.core.time import utc_now
from cis_power.demo.people.acts import Act
from cis_power.demo.people.diary import Diary
from cis_power.demo.people.exchange import Exchange
from cis_power.demo.people.hands import Commands, Hands, Told
from cis_power.demo.people.journal import Journal
from cis_power.demo.people.life import Life, Utility
from cis_power.demo.people.manner import Manner
from cis_power.demo.people.telephone import Telephone
from cis_power.demo.people.truth import TruthFile
from scada_bridge.control import holding
from scada_bridge.sealed import write_whole

FOLDER = "people"
LOOK_SECONDS = 0.25
_AWAY = timedelta(minutes=2)
_ROLES = ("agent", "dispatcher")
_log = logging.getLogger(__name__)


def truth_file(run_dir: Path) -> Path:
    """Where a simulator writes what is so."""
    return run_dir / "simulator" / "truth.jsonl"


def run_people(run_dir: Path, url: str, seed: int, manner: Manner, utility: Utility, stop: threading.Event) -> None:
    """Live until `stop`. Raises Conflict when people live here already."""
    folder = run_dir / FOLDER
    with holding(folder, "people of this demo"):
        commands = Commands()
        threading.Thread(target=_end_with, args=(stop, commands), daemon=True).start()
        keys = _keys(folder, commands)
        if keys is None:
            return
        telephone = Telephone(url, *keys)
        hands = Hands(telephone, commands, run_dir / "simulator", Exchange(run_dir / "exchange"), utility.zone)
        diary, journal = Diary(folder / "diary.jsonl"), Journal(folder / "journal.json")
        life = Life(seed, manner, utility, utc_now())
        try:
            while not telephone.answers() and not stop.wait(1.0):
                pass
            _live(TruthFile(truth_file(run_dir)), life, hands, diary, journal, stop)
        finally:
            hands.close()
            journal.keep(life.moved)  # with what was cut short


def _end_with(stop: threading.Event, commands: Commands) -> None:
    stop.wait()
    commands.end()


def _live(truth: TruthFile, life: Life, hands: Hands, diary: Diary, journal: Journal, stop: threading.Event) -> None:
    life.resume(truth.more(), journal.moved, utc_now(), journal.reported)

    def told(act: Act, ending: str) -> None:
        diary.note(act, ending, utc_now())
        journal.note(act, ending)

    looked = utc_now()
    while not stop.wait(LOOK_SECONDS):
        now = utc_now()
        if not timedelta(0) <= now - looked < _AWAY:
            _log.warning("the clock went from %s to %s: people go on from there", looked, now)
        looked = now
        for happening in truth.more():
            life.hear(happening)
        for act in (*journal.again(now), *life.due(now)):
            _do(hands, act, told, stop)
        journal.keep(life.moved)


def _do(hands: Hands, act: Act, told: Told, stop: threading.Event) -> None:
    if stop.is_set():
        return
    try:
        hands.do(act, told)
    except (CisError, OSError) as error:
        told(act, f"failed: {error}")


def _keys(folder: Path, commands: Commands) -> tuple[str, str] | None:
    """The machine keys of the agents' desk and of the control room, issued once; None when it is to end."""
    file = folder / "keys.json"
    if not file.exists():
        issued = {}
        for role in _ROLES:
            name = f"people-{role}-{utc_now():%Y%m%dT%H%M%S}"
            code, out, err = commands("key", "add", name, "--role", role)
            if code < 0:
                return None
            if code:
                raise CisError(f"no key for {role}: {err.strip()}")
            issued[role] = out.strip()
        write_whole(file, json.dumps(issued).encode(), 0o600)
    known = json.loads(file.read_text("utf-8"))
    return known["agent"], known["dispatcher"]

"""The demo's house: ports, disk, and a run folder that is its own."""

import socket
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cis_power.access.sandbox import Sandbox, look, mark
from cis_power.core.config import Settings
from cis_power.core.errors import Conflict
from cis_power.demo import home, start
from cis_power.demo.build import Wish
from cis_power.demo.plan import plan

NOW = datetime(2026, 11, 22, 9, 41, 7, tzinfo=UTC)


def test_every_rtu_gets_a_port_of_its_own_and_the_archive_serves_them(tmp_path: Path) -> None:
    settings = Settings(run_dir=tmp_path / "run", database=f"sqlite:///{tmp_path / 'd.db'}")
    found = tomllib.loads(home.configure(settings, plan(20_000), 8123).read_text("utf-8"))
    assert found["port"] == 8123
    urls = [found["sources"][f"rtu{number}"]["url"] for number in (1, 2, 3, 4)]
    assert len(set(urls)) == 4
    assert all(url.startswith("modbus://127.0.0.1:") for url in urls)
    archive = found["sources"]["archive"]
    assert archive["serves"] == ["rtu1", "rtu2", "rtu3", "rtu4"]
    assert archive["url"] == f"archive+sqlite:///{tmp_path / 'run' / 'simulator' / 'archive.db'}"
    assert Settings.model_validate(found).sources.keys() == {"rtu1", "rtu2", "rtu3", "rtu4", "archive"}


def test_a_taken_port_is_refused_when_asked_for_and_passed_over_else() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(Conflict, match=f"port {port} is taken"):
            home.web_port(Settings(), port)
        assert home.web_port(Settings(port=port), None) != port
    assert home.web_port(Settings(), port) == port


def test_a_disk_without_room_is_refused_in_words(tmp_path: Path) -> None:
    home.require_space(tmp_path / "not" / "there", 0.001)
    with pytest.raises(Conflict, match="MB are free"):
        home.require_space(tmp_path / "not" / "there", 1e12)


def test_a_run_folder_of_somebody_else_is_not_emptied(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "letter.txt").write_text("dear")
    with pytest.raises(Conflict, match="was there before"):
        home.clear_run_dir(folder)
    assert (folder / "letter.txt").exists()
    (folder / home.OURS).touch()
    home.clear_run_dir(folder)
    assert not folder.exists()


def test_what_is_there_decides_what_is_built() -> None:
    there = {"customers": 500, "seed": 3, "until": "2026-11-20T05:00:00+00:00"}
    wish, new = start.settle(Sandbox("absent"), None, None, NOW, rebuild=False)
    assert (wish.customers, wish.seed, wish.until, new) == (20_000, 7, NOW.replace(minute=0, second=0), True)
    wish, new = start.settle(Sandbox("complete", there), None, None, NOW, rebuild=False)
    assert (wish.customers, wish.seed, wish.until.day, new) == (500, 3, 20, False)
    wish, new = start.settle(Sandbox("complete", there), None, 4, NOW, rebuild=True)
    assert (wish.customers, wish.seed, wish.until.day, new) == (500, 4, 22, True)
    wish, new = start.settle(Sandbox("building", there), 70, None, NOW, rebuild=False)
    assert (wish.customers, wish.seed, new) == (70, 3, True)
    with pytest.raises(Conflict, match="older version"):
        start.settle(Sandbox("complete", {"customers": 500}), None, None, NOW, rebuild=False)
    for customers, seed in ((501, None), (None, 7)):
        with pytest.raises(Conflict, match="--rebuild"):
            start.settle(Sandbox("complete", there), customers, seed, NOW, rebuild=False)


def test_a_rebuild_that_may_not_empty_the_run_folder_leaves_the_demo_as_it_is(tmp_path: Path, sqlite_url: str) -> None:
    settings = Settings(database=sqlite_url, run_dir=tmp_path / "run")
    there = {"customers": 500, "seed": 3, "until": "2026-11-20T05:00:00+00:00"}
    mark(settings, "complete", there)
    settings.run_dir.mkdir()
    (settings.run_dir / "letter.txt").write_text("dear")
    with pytest.raises(Conflict, match="was there before"):
        start.make_new(settings, Wish(10, NOW), print)
    assert look(settings) == Sandbox("complete", there)

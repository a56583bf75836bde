"""`cis-power run` keeps its children alive and takes them with it when it ends."""

import os
import signal
from pathlib import Path

from tests.command_line import CommandLine
from tests.waiting import wait_for


def _children(parent: int) -> dict[str, int]:
    """Command word → process id of the living children of a process."""
    found = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            stat = (folder / "stat").read_text().rsplit(")", 1)[1].split()
            words = (folder / "cmdline").read_text().split("\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(stat[1]) == parent and stat[0] != "Z" and "cis_power" in words:
            found[words[words.index("cis_power") + 1]] = int(folder.name)
    return found


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_child_that_dies_is_started_again_and_all_end_together(cli: CommandLine) -> None:
    run = cli.start("run", "--port", "0")
    run.wait_line("http://127.0.0.1:")
    run.wait_line("scheduler cis_power.core.jobs.scheduler: active")
    first = _children(run.process.pid)
    assert set(first) == {"web", "scheduler", "collector"}

    os.kill(first["scheduler"], signal.SIGKILL)
    second = wait_for(
        lambda: (
            (now := _children(run.process.pid))
            and now.get("scheduler", first["scheduler"]) != first["scheduler"]
            and now
        ),
        what="another scheduler",
    )
    assert (second["web"], second["collector"]) == (first["web"], first["collector"])
    run.wait_line("scheduler ended with -9")

    assert run.stop(signal.SIGTERM) == 0
    assert not any(_alive(pid) for pid in {*first.values(), *second.values()})


def test_children_end_when_their_parent_is_killed(cli: CommandLine) -> None:
    run = cli.start("run", "--port", "0")
    run.wait_line("scheduler cis_power.core.jobs.scheduler: active")
    children = _children(run.process.pid)
    run.stop(signal.SIGKILL)
    wait_for(lambda: not any(_alive(pid) for pid in children.values()), what="the children to end")


def test_a_second_scheduler_stands_by_and_says_so(cli: CommandLine) -> None:
    first = cli.start("scheduler")
    first.wait_line("active")
    second = cli.start("scheduler")
    line = second.wait_line("another scheduler is active")
    assert str(first.process.pid) in line
    assert second.stop() == 0
    assert first.stop() == 0


def test_jobs_are_listed_and_run_by_hand(cli: CommandLine) -> None:
    rows = {row["name"]: row for row in cli("job", "list", "--json").json}
    assert rows["core.forget-job-runs"]["status"] is None
    assert "done" in cli("job", "run", "core.forget-job-runs", "--period", "2026-11-21T03:40:00Z").out
    assert "already done" in cli("job", "run", "core.forget-job-runs", "--period", "2026-11-21T03:40:00Z").out
    rows = {row["name"]: row for row in cli("job", "list", "--json").json}
    assert (rows["core.forget-job-runs"]["status"], rows["core.forget-job-runs"]["message"]) == (
        "done",
        "0 runs deleted",
    )
    assert "there is no job" in cli("job", "run", "no-such", expect=1).err
    assert cli("job", "run", "core.forget-job-runs", "--period", "yesterday", expect=2).err

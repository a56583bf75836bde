"""Commands of the processes: `scheduler`, `run`, `job`."""

import json
import signal
import threading

import click


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


@click.command()
def scheduler() -> None:
    """Run scheduled work: load the spool, follow outages, exchange, report, clean up. One is active at a time."""
    from cis_power.core.config import load_settings
    from cis_power.core.db import open_database
    from cis_power.core.db.cache import keep_few_pages
    from cis_power.core.entries import load_items
    from cis_power.core.jobs.scheduler import serve
    from cis_power.core.logs import start_logging

    settings = load_settings()
    start_logging("scheduler")
    stop = stop_on_signals()
    database = open_database(settings)
    keep_few_pages(database)
    serve(database, settings, load_items("cis_power.jobs"), stop)
    database.dispose()


@click.command()
@click.option("--host", help="Address the web listens on (default: the setting `host`).")
@click.option("--port", type=click.IntRange(0, 65535), help="Port the web listens on (default: the setting `port`).")
def run(host: str | None, port: int | None) -> None:
    """Run collector, scheduler and web together; one that dies is started again."""
    from cis_power.core.config import load_settings
    from cis_power.core.db import open_database
    from cis_power.core.logs import start_logging
    from cis_power.core.supervisor import supervise

    settings = load_settings()
    start_logging("run")
    stop = stop_on_signals()
    open_database(settings).dispose()
    web = ["web"]
    web += ["--host", host] if host is not None else []
    web += ["--port", str(port)] if port is not None else []
    supervise([web, ["scheduler"], ["collector"]], stop)


@click.group()
def job() -> None:
    """Scheduled jobs: what there is, how it stands, running one by hand."""


@job.command("list")
@click.option("--json", "as_json", is_flag=True, help="Write JSON to stdout.")
def job_list(as_json: bool) -> None:
    """Show every job with its schedule and latest run."""
    from cis_power.core.config import load_settings
    from cis_power.core.db import open_database
    from cis_power.core.entries import load_items
    from cis_power.core.jobs.records import standing

    database = open_database(load_settings())
    jobs = load_items("cis_power.jobs")
    with database.reading() as session:
        rows = [standing(session, item) for item in sorted(jobs, key=lambda item: item.name)]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        click.echo(f"{row['name']:32} {row['schedule']:32} {row['status'] or 'never run':10} {row['message'] or ''}")


@job.command("run")
@click.argument("name")
@click.option("--period", help="The instant it was due, with offset (default: the latest).")
def job_run(name: str, period: str | None) -> None:
    """Run the periodic job NAME for one period, unless that is done; or one pass of the continuous job NAME."""
    from cis_power.core.config import load_settings
    from cis_power.core.db import open_database
    from cis_power.core.entries import load_items
    from cis_power.core.errors import CisError, NotFound
    from cis_power.core.jobs import run_now
    from cis_power.core.jobs.records import Recorder
    from cis_power.core.jobs.runner import Runner
    from cis_power.core.logs import start_logging
    from cis_power.core.time import parse_instant, utc_now

    settings = load_settings()
    start_logging(f"job {name}")
    stop = stop_on_signals()
    found = next((item for item in load_items("cis_power.jobs") if item.name == name), None)
    if found is None:
        raise NotFound(f"there is no job {name!r}")
    database = open_database(settings)
    if found.continuous:
        click.echo(run_now(database, settings, found) or "nothing to do")
        return
    try:
        due = parse_instant(period, settings.zone) if period else found.latest_due(utc_now())
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--period") from None
    with Recorder(database) as recorder:
        result = Runner(database, settings, recorder, stop).run_period(found, due)
    click.echo(result)
    if result in ("failed", "stopped"):
        raise CisError(f"job {name} for {due.isoformat()}: {result}")

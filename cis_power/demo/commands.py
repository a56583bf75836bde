"""Command `demo`: a small utility to try things on, with a stand-in DMS in the field."""

import click

POLL_SECONDS = 2.0


@click.command()
@click.option("--customers", type=click.IntRange(10, 1_000_000), default=None, help="Usage points [default: 2000].")
@click.option("--port", type=click.IntRange(0, 65535), default=None, help="Port of the web (default: the setting).")
@click.option("--rebuild", is_flag=True, help="Build it anew; what was entered since is lost.")
def demo(customers: int | None, port: int | None, rebuild: bool) -> None:
    """Build the demo utility if it is not there, start its stand-in DMS, collector, scheduler and web.

    Prints the users with random passwords once, when it builds. Refuses a database that is not a demo.
    """
    import os

    from cis_power.core.commands import stop_on_signals
    from cis_power.core.config import load_settings
    from cis_power.core.db import Database
    from cis_power.core.errors import Conflict
    from cis_power.core.logs import start_logging
    from cis_power.core.supervisor import supervise
    from cis_power.demo import build as building
    from cis_power.demo.home import configure, free_port

    settings = load_settings()
    start_logging("demo")
    stop = stop_on_signals()
    database = Database(settings.database)
    found = building.look(database)
    if found.state == "foreign":
        raise Conflict(f"{database.url!r} is not a demo: it is left alone; name another one in CIS_DATABASE")
    config = configure(settings, web_port=port)
    for name in [name for name in os.environ if name.startswith("CIS_")]:
        del os.environ[name]
    os.environ["CIS_CONFIG"] = str(config)
    if found.state in ("complete", "building") and not rebuild and customers not in (None, found.customers):
        raise Conflict(f"the demo has {found.customers} usage points; --rebuild builds it with {customers}")
    if rebuild or found.state != "complete":
        with building.alone(database):
            if found.state in ("complete", "building"):
                click.echo("taking the former demo away")
                building.clear(database, settings)
                config = configure(settings, web_port=port)
            wanted = customers or found.customers or 2000
            click.echo(f"building a utility with {wanted} usage points in {database.url!r}")
            logins = building.build(database, wanted, POLL_SECONDS, click.echo)
        click.echo("\nUsers (these passwords are shown only now):")
        for login in logins:
            click.echo(f"  {login.name:12} {login.password:20} {login.district or 'whole utility'}")
        click.echo("")
    database.dispose()
    settings = load_settings()
    web = ["web", "--port", str(settings.port or free_port())]
    supervise([["simulate"], web, ["scheduler"], ["collector"]], stop)

"""Command `demo`: a utility to try things on, with a stand-in DMS in the field and people who live in it."""

import click


@click.command()
@click.option("--customers", type=click.IntRange(10, 1_000_000), default=None, help="Usage points [default: 20000].")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=None, help="The same seed, the same utility.")
@click.option("--port", type=click.IntRange(0, 65535), default=None, help="Port of the web (default: the setting).")
@click.option(
    "--faults-per-hour", type=click.FloatRange(0, 3600), default=6.0, show_default=True, help="Faults in the field."
)
@click.option("--rebuild", is_flag=True, help="Build it anew; what was entered since is lost.")
def demo(customers: int | None, seed: int | None, port: int | None, faults_per_hour: float, rebuild: bool) -> None:
    """Build the demo utility if it is not there, start its stand-in DMS, web, scheduler, collector and people.

    Prints the users with random passwords once, when it builds. Refuses a database that is not a demo.
    """
    from datetime import UTC, datetime
    from functools import partial

    from cis_power.access.sandbox import only_demo
    from cis_power.core.commands import stop_on_signals
    from cis_power.core.config import load_settings
    from cis_power.core.logs import start_logging
    from cis_power.core.supervisor import supervise
    from cis_power.demo import home, start
    from cis_power.demo.aside import aside

    settings = load_settings()
    start_logging("demo")
    start.require_demo(settings)
    with only_demo(settings):
        found = start.require_demo(settings)
        wish, new = start.settle(found, customers, seed, datetime.now(UTC), rebuild=rebuild)
        home.web_port(settings, port)
        if new:
            logins = aside(partial(start.make_new, settings, wish, click.echo))
            click.echo("\nUsers (these passwords are shown only now):")
            for login in logins:
                click.echo(f"  {login.name:12} {login.password:20} {login.district or 'whole utility'}")
            click.echo("")
        settings = start.configured(settings, wish, home.web_port(settings, port))
        supervise(start.processes(settings, wish, faults_per_hour), stop_on_signals())

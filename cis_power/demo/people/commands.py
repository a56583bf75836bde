"""`cis-power people`: the demo's callers, crews, control room and billing system."""

import click


@click.command()
@click.option("--web", "url", required=True, metavar="URL", help="Where the demo's web is.")
@click.option("--customers", type=click.IntRange(10, 1_000_000), required=True, help="Usage points of the demo.")
@click.option("--seed", type=int, default=None, help="Seed of the demo.")
def people(url: str, customers: int, seed: int | None) -> None:
    """Let simulated people live in the demo utility; `cis-power demo` starts it.

    They see what happens in the simulated field and call, switch, report, mend and pay through the public interfaces.
    """
    from cis_power.core.commands import stop_on_signals
    from cis_power.core.config import load_settings
    from cis_power.core.logs import start_logging
    from cis_power.demo.people.process import run_people
    from cis_power.demo.people.settings import manner_of
    from cis_power.demo.people.town import utility
    from cis_power.demo.plan import SEED, plan

    settings = load_settings()
    start_logging("people")
    stop = stop_on_signals()
    manner = manner_of(settings.people)
    seed = SEED if seed is None else seed
    run_people(settings.run_dir, url, seed, manner, utility(plan(customers, seed), settings.zone), stop)

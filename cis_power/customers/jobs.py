"""The customers wing's jobs: what accounts owe, counted when bills or payments came or a day began."""

from cis_power.core.jobs import Job, JobContext
from cis_power.customers.balances import count_money, counted


def count_balances(context: JobContext) -> str | None:
    """Count balances, arrears and months of money, if anything can have changed them."""
    zone = context.settings.zone
    with context.database.reading() as session:
        if counted(session, context.now, zone):
            return None
    accounts = count_money(context.database, context.now, zone, stopping=context.stopping)
    return None if accounts is None else f"{accounts} accounts counted"


JOBS = (
    Job(
        name="customers.balances",
        summary="Counts what accounts owe, and months of bills and payments by class, for the pages.",
        run=count_balances,
        every_seconds=30,
        continuous=True,
    ),
)

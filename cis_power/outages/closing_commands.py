"""What people do to an outage, as commands of `cis-power outage`: correct, merge, split, review, sign, lock, reopen."""

import json
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import click

_id = click.argument("outage_id", metavar="ID")
_by = click.option("--by", required=True, help="Who does it.")
_reason = click.option("--reason", required=True, help="Why.")
_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_RESPONSIBILITIES = ["distribution", "loss_of_supply", "rationing", "customer", "third_party"]


def _time(_context: click.Context, _option: click.Parameter, text: str | None) -> datetime | None:
    from cis_power.core.config import load_settings
    from cis_power.core.time import parse_instant

    try:
        return None if text is None else parse_instant(text, load_settings().zone)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _tell(as_json: bool, words: str, **facts: Any) -> None:
    click.echo(json.dumps(facts, ensure_ascii=False) if as_json else words)


def _month(_context: click.Context, _option: click.Parameter, text: str) -> date:
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        raise click.BadParameter(f"{text!r} is not a month such as 2026-03") from None


def _act(outage_id: str | None, by: str, reason: str, what: str, work: Callable[..., Any]) -> Any:
    """Do an act in one transaction with its audit entry; `work(session, viewer, act, locks)`."""
    from cis_power.access.installation import Installation
    from cis_power.core.time import utc_now
    from cis_power.outages.closing import Act
    from cis_power.outages.jobs import settle
    from cis_power.outages.restatement import LockedMonths

    here = Installation.open()
    with here.acting() as (session, viewer, now):
        locks = LockedMonths.of(session, here.settings.zone)
        answer = work(session, viewer, Act(by, reason, now), locks)
        here.trail.append(session, viewer, "outages:outage:write", now, object_kind="outage", object_id=outage_id,
                          detail={"act": what})  # fmt: skip
    settle(here.database, here.settings, utc_now())
    return answer


def _unlocked(session: Any, viewer: Any, act: Any, locks: Any, outages: tuple[str, ...]) -> None:
    from cis_power.outages.closing import refuse_locked
    from cis_power.outages.knowledge import Moment
    from cis_power.outages.reads import find_state

    refuse_locked(session, [find_state(session, viewer, one, Moment.of(act.now)) for one in outages], locks)


@click.command("correct")
@_id
@click.option("--began-at", callback=_time, metavar="T", help="When it really began.")
@click.option("--restored-at", callback=_time, metavar="T", help="When supply was really back.")
@click.option("--kind", type=click.Choice(["planned", "unplanned"]))
@click.option("--sub-kind", help="Such as fault, planned, temporary, rationing.")
@click.option("--cause", "cause_code", help="Code of the cause.")
@click.option("--responsibility", type=click.Choice(_RESPONSIBILITIES))
@click.option("--false", "cancelled", is_flag=True, help="It never was.")
@_by
@_reason
@_as_json
def correct(outage_id: str, by: str, reason: str, as_json: bool, **said: Any) -> None:
    """Correct an outage; the ledger follows, and what was thought before is kept."""

    def work(session: Any, viewer: Any, act: Any, locks: Any) -> None:
        from cis_power.outages.closing import Correction
        from cis_power.outages.closing import correct as correct_outage

        _unlocked(session, viewer, act, locks, (outage_id,))
        correct_outage(session, viewer, outage_id, Correction(**said), act)

    _act(outage_id, by, reason, "correct", work)
    _tell(as_json, f"outage {outage_id} corrected", id=outage_id, act="correct")


@click.command("merge")
@_id
@click.argument("others", metavar="OTHER…", nargs=-1, required=True)
@_by
@_reason
@_as_json
def merge(outage_id: str, others: tuple[str, ...], by: str, reason: str, as_json: bool) -> None:
    """Make OTHER outages part of the outage ID."""

    def work(session: Any, viewer: Any, act: Any, locks: Any) -> None:
        from cis_power.outages.closing import merge as merge_outages

        _unlocked(session, viewer, act, locks, (outage_id, *others))
        merge_outages(session, viewer, outage_id, others, act)

    _act(outage_id, by, reason, "merge", work)
    _tell(as_json, f"{len(others)} merged into outage {outage_id}", id=outage_id, act="merge", merged=list(others))


@click.command("split")
@_id
@click.option("--usage-point", "usage_points", multiple=True, required=True, help="Goes into an outage of its own.")
@_by
@_reason
@_as_json
def split(outage_id: str, usage_points: tuple[str, ...], by: str, reason: str, as_json: bool) -> None:
    """Make an outage of its own of some usage points; prints its id."""

    def work(session: Any, viewer: Any, act: Any, locks: Any) -> str:
        from cis_power.outages.closing import split as split_outage

        _unlocked(session, viewer, act, locks, (outage_id,))
        return split_outage(session, viewer, outage_id, usage_points, act)

    new = _act(outage_id, by, reason, "split", work)
    _tell(as_json, new, id=outage_id, act="split", new=new)


def _review(outage_id: str, by: str, reason: str, as_json: bool, *, signs: bool) -> None:
    def work(session: Any, viewer: Any, act: Any, _locks: Any) -> None:
        from cis_power.outages.closing import review as review_outage

        review_outage(session, viewer, outage_id, act, signs=signs)

    word = "sign" if signs else "review"
    _act(outage_id, by, reason, word, work)
    _tell(as_json, f"outage {outage_id}: {word} done", id=outage_id, act=word)


@click.command("review")
@_id
@_by
@click.option("--reason", default="reviewed", help="A remark.")
@_as_json
def review(outage_id: str, by: str, reason: str, as_json: bool) -> None:
    """Mark a restored outage as reviewed."""
    _review(outage_id, by, reason, as_json, signs=False)


@click.command("sign")
@_id
@_by
@click.option("--reason", default="signed", help="A remark.")
@_as_json
def sign(outage_id: str, by: str, reason: str, as_json: bool) -> None:
    """Sign a restored outage: from then on it cannot be changed."""
    _review(outage_id, by, reason, as_json, signs=True)


@click.command("estimate")
@_id
@click.option("--latest", "latest_at", required=True, callback=_time, metavar="T", help="Back by then.")
@click.option("--earliest", "earliest_at", callback=_time, metavar="T", help="Not back before.")
@click.option("--source", type=click.Choice(["crew", "dispatcher", "plan"]), default="dispatcher")
@_by
@_as_json
def estimate(outage_id: str, by: str, as_json: bool, **window: Any) -> None:
    """Say when supply is expected back."""

    def work(session: Any, viewer: Any, act: Any, _locks: Any) -> None:
        from cis_power.outages.closing import estimate as estimate_outage

        estimate_outage(session, viewer, outage_id, act, **window)

    _act(outage_id, by, "estimate", "estimate", work)
    _tell(as_json, f"outage {outage_id}: expected back", id=outage_id, act="estimate")


@click.command("lock")
@click.argument("month", callback=_month)
@_by
@_as_json
def lock(month: date, by: str, as_json: bool) -> None:
    """Lock a MONTH (2026-03) of the ledger: later changes wait as proposals."""

    def work(session: Any, viewer: Any, act: Any, _locks: Any) -> None:
        from cis_power.outages.closing import lock_month

        lock_month(session, viewer, month, act)

    _act(None, by, "lock", "lock", work)
    _tell(as_json, f"{month:%Y-%m} locked", month=f"{month:%Y-%m}", act="lock")


@click.command("reopen")
@click.argument("month", callback=_month)
@_by
@_reason
@_as_json
def reopen(month: date, by: str, reason: str, as_json: bool) -> None:
    """Reopen a locked MONTH; what was proposed meanwhile is applied."""

    def work(session: Any, viewer: Any, act: Any, _locks: Any) -> None:
        from cis_power.outages.closing import reopen_month

        reopen_month(session, viewer, month, act)

    _act(None, by, reason, "reopen", work)
    _tell(as_json, f"{month:%Y-%m} reopened", month=f"{month:%Y-%m}", act="reopen")


@click.command("conflicts")
@click.option("--all", "everything", is_flag=True, help="Decided ones too.")
@_as_json
def conflicts(everything: bool, as_json: bool) -> None:
    """List entries that contradict other evidence and wait for a decision."""
    from cis_power.access.installation import Installation
    from cis_power.core.time import iso
    from cis_power.outages.conflict_reads import list_conflicts

    here = Installation.open()
    with here.database.reading() as session:
        rows = list_conflicts(session, here.viewer, everything=everything)
    zone = here.settings.zone
    if as_json:
        click.echo(json.dumps([row.as_dict(zone) for row in rows], ensure_ascii=False, indent=2))
        return
    for row in rows:
        click.echo(f"{row.id}  {iso(row.at, zone)}  {row.kind} {row.device or '-'}  {row.reason}")


@click.command("decide")
@click.argument("conflict_id", metavar="ID")
@click.option("--decision", required=True, help="What holds, and why.")
@_by
@_as_json
def decide(conflict_id: str, decision: str, by: str, as_json: bool) -> None:
    """Settle a contradiction; what follows from it is entered as switching or a correction."""

    def work(session: Any, viewer: Any, act: Any, _locks: Any) -> None:
        from cis_power.outages.conflict_reads import decide_conflict

        decide_conflict(session, viewer, conflict_id, decision=decision, by=by, now=act.now)

    _act(conflict_id, by, decision, "decide", work)
    _tell(as_json, f"conflict {conflict_id} decided", id=conflict_id, act="decide")


COMMANDS = (correct, merge, split, estimate, review, sign, lock, reopen, conflicts, decide)

"""What an agent reads aloud to a caller: plain sentences made of the supply answer, in the page's language."""

from datetime import datetime
from typing import Any

from web.cause_names import cause_name
from web.presentation import clock_time
from web.words import gettext


def spoken_answer(point: Any, now: datetime) -> str:
    """The supply answer of one usage point as sentences; nothing in it is guessed."""
    if point.energized == "unknown":
        return gettext(
            "I cannot see from here whether your supply is on. Please describe what you see; I will record your call."
        )
    if point.reason == "disconnected":
        return gettext("This connection is disconnected under its contract; it is not an outage.")
    if point.energized == "full":
        return _in_supply(point)
    return _joined(_interrupted(point, now), _cause(point), _expected(point.estimated_restoration, now))


def _joined(*sentences: str) -> str:
    """Sentences one after another: with a blank between, unless the stop before takes its own room as in Chinese."""
    return "".join(sentence if sentence.endswith("。") else f"{sentence} " for sentence in sentences).rstrip()


def _in_supply(point: Any) -> str:
    said = gettext("As far as our network shows, your supply is on.")
    if point.sources_lost:
        lost = gettext("One of your feeds is interrupted; you are supplied by the other one.")
        return _joined(said, lost)
    check = gettext(
        "If you have no power, please look at your main breaker and ask whether your neighbours have power; "
        "I will record your call."
    )
    return _joined(said, check)


def _interrupted(point: Any, now: datetime) -> str:
    since = clock_time(point.since, now) if point.since else None
    if point.energized == "partial":
        if since is None:
            return gettext("Part of your supply is interrupted.")
        return gettext("Part of your supply has been interrupted since %(time)s.", time=since)
    if since is None:
        return gettext("Your supply is interrupted.")
    return gettext("Your supply has been interrupted since %(time)s.", time=since)


def _cause(point: Any) -> str:
    if point.reason == "planned":
        return gettext("The reason is planned work.")
    if point.cause:
        return gettext("The cause is known: %(cause)s.", cause=cause_name(point.cause))
    return gettext("The cause is not known yet.")


def _expected(estimate: Any, now: datetime) -> str:
    if estimate is None:
        return gettext("I cannot say yet when supply will be back.")
    latest = clock_time(estimate.latest, now)
    if estimate.earliest is None:
        return gettext("Supply is expected back by %(time)s.", time=latest)
    return gettext(
        "Supply is expected back between %(first)s and %(last)s.", first=clock_time(estimate.earliest, now), last=latest
    )

"""Who calls when supply fails, when, and with which mistakes; and who calls without any reason. Pure.

Few call, most of them soon. Some dial from elsewhere, give a wrong number or the neighbour's, call twice, or call again
when the street is back and they are not.
"""

import random
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cis_power.demo.people.acts import Call
from cis_power.demo.people.dice import dice, spread
from cis_power.demo.people.directory import Directory, Dweller
from cis_power.demo.people.manner import Manner

ABOUT = (("account_no", 0.45), ("phone", 0.3), ("usage_point", 0.05), ("transformer", 0.05), ("place", 0.15))
IDLE = (
    ("no_power", "only my flat; the neighbours have light"),
    ("part_power", "half of my rooms are dark"),
    ("low_voltage", "the lights are dim in the evening"),
    ("flicker", "the lights flicker"),
    ("other", "when will the meter be read?"),
    ("other", "I paid last week and was reminded again"),
)
NO_POWER = ("no_power", "")
STILL_OUT = ("no_power", "the street is back, we are not")
HAZARDS = {
    "line": (("wire_down", "a wire lies on the ground"), ("wire_down", "it sparks at the pole")),
    "transformer": (("fire", "the transformer burns"), ("fire", "smoke at the transformer")),
}
_SOONEST_MINUTES = 0.4


@dataclass(frozen=True, slots=True)
class Loss:
    """Usage points that lost supply at one moment. `name` tells one loss from another."""

    name: str
    at: datetime
    usage_points: tuple[str, ...]


class Callers:
    """Makes calls of losses. Whether a call still is made when its time has come is asked then: see `still`."""

    def __init__(self, seed: int, manner: Manner, directory: Directory) -> None:
        self._seed, self._manner, self._directory = seed, manner, directory

    def after_loss(self, loss: Loss) -> list[Call]:
        """The calls that a loss brings about, in order: of those without supply, and of neighbours in supply."""
        chances = {point: self._dice(loss, point).random() for point in loss.usage_points}
        calling = [point for point in loss.usage_points if chances[point] < self._manner.call_share]
        calls = [call for point in calling for call in self._calls(loss, point, self._delay(loss, point))]
        if not any(call.honest for call in calls):
            calls += self._last_call(loss, min(loss.usage_points, key=lambda point: (chances[point], point)))
        return sorted([*calls, *self._neighbours(loss)], key=lambda call: (call.at, call.key))

    def _last_call(self, loss: Loss, point: str) -> Iterator[Call]:
        """In the end somebody calls, and says rightly who he is."""
        dweller = self._directory.dweller(point)
        if dweller is not None:
            wait = self._manner.of(self._manner.last_call_minutes * (0.6 + 0.4 * self._dice(loss, "last").random()))
            yield self._call(loss.at + wait, f"{loss.name}/{point}/last", dweller, NO_POWER, "account_no")

    def still_out(self, loss: Loss, others_back_at: datetime, called: Collection[str]) -> list[Call]:
        """Calls of some who called before, about themselves, when others of their loss are back."""
        calls = []
        for point in sorted(called):
            chance = self._dice(loss, point, "still out")
            dweller = self._directory.dweller(point)
            if dweller is not None and chance.random() < self._manner.still_out_share:
                wait = self._manner.of(spread(chance, 4.0))
                key = f"{loss.name}/{point}/still-out"
                calls.append(self._call(others_back_at + wait, key, dweller, STILL_OUT, "account_no"))
        return sorted(calls, key=lambda call: (call.at, call.key))

    def hazard(self, name: str, kind: str, at: datetime, near: str) -> list[Call]:
        """Somebody sees what is dangerous, near a transformer. `kind` of equipment: line or transformer."""
        chance = dice(self._seed, "hazard", name)
        if kind not in HAZARDS or chance.random() >= self._manner.hazard_share:
            return []
        code, text = chance.choice(HAZARDS[kind])
        wait = self._manner.of(_SOONEST_MINUTES + spread(chance, 3.0))
        return [Call(at + wait, f"{name}/hazard", {"transformer": near}, code, text)]

    def idle(self, number: int, since: datetime) -> Call | None:
        """The call number so and so, without any outage, the first after `since`; None where nobody lives."""
        chance = dice(self._seed, "idle", number)
        dweller = self._directory.dweller(self._directory.anyone(chance))
        wait = timedelta(hours=chance.expovariate(self._manner.idle_calls_an_hour))
        if dweller is None:
            return None
        call = self._call(since + wait, f"idle/{number}", dweller, chance.choice(IDLE), _about(chance))
        return replace(call, honest=False)

    def _dice(self, loss: Loss, *words: object) -> random.Random:
        return dice(self._seed, "call", loss.name, *words)

    def _delay(self, loss: Loss, point: str) -> timedelta:
        return self._manner.of(_SOONEST_MINUTES + spread(self._dice(loss, point, "delay"), self._manner.call_minutes))

    def _calls(self, loss: Loss, point: str, wait: timedelta) -> Iterator[Call]:
        chance = self._dice(loss, point, "words")
        dweller = self._directory.dweller(point)
        if dweller is None:
            return
        call = self._call(loss.at + wait, f"{loss.name}/{point}", dweller, NO_POWER, _about(chance))
        if chance.random() < self._manner.withheld_share:
            call = replace(call, shown=None)
        if chance.random() < self._manner.mistake_share:
            call = self._mistaken(call, dweller, chance)
        yield call
        if chance.random() < self._manner.doubled_share:
            sent_again = chance.random() < 0.5
            later = call.at + self._manner.of(0.1 if sent_again else spread(chance, 8.0))
            yield replace(call, at=later, key=call.key if sent_again else f"{call.key}/again")

    def _mistaken(self, call: Call, dweller: Dweller, chance: random.Random) -> Call:
        """One digit wrong, or the neighbour's number, or (by transformer) another one."""
        other = self._directory.dweller(self._directory.neighbour(dweller.usage_point, chance))
        ((what, said),) = call.about.items()
        if what in ("account_no", "phone", "usage_point") and (other is None or chance.random() < 0.5):
            said = _misheard(said, chance)
        elif other is not None:
            said = getattr(other, what) or said
        return replace(call, about={what: said}, honest=False)

    def _neighbours(self, loss: Loss) -> Iterator[Call]:
        chance = self._dice(loss, "neighbours")
        lost = frozenset(loss.usage_points)
        for number in range(sum(chance.random() < self._manner.neighbours_share for _ in loss.usage_points)):
            point = self._directory.neighbour(chance.choice(loss.usage_points), chance)
            dweller = self._directory.dweller(point)
            wait = self._manner.of(_SOONEST_MINUTES + spread(chance, self._manner.call_minutes))
            if dweller is not None and point not in lost:
                words = ("no_power", "it went dark for a moment")
                key = f"{loss.name}/neighbour/{number}"
                yield replace(self._call(loss.at + wait, key, dweller, words, _about(chance)), honest=False)

    def _call(self, at: datetime, key: str, dweller: Dweller, words: tuple[str, str], what: str) -> Call:
        if not getattr(dweller, what):
            what = "account_no"
        return Call(at, key, {what: getattr(dweller, what)}, *words, shown=dweller.phone or None)


def _about(chance: random.Random) -> str:
    return chance.choices([name for name, _ in ABOUT], [share for _, share in ABOUT])[0]


def _misheard(said: str, chance: random.Random) -> str:
    """The same with one digit wrong."""
    digits = [place for place, sign in enumerate(said) if sign.isdigit()]
    if not digits:
        return said
    place = chance.choice(digits)
    return f"{said[:place]}{(int(said[place]) + chance.randint(1, 9)) % 10}{said[place + 1 :]}"

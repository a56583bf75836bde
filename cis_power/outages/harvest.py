"""What a run of the engine has to tell the database: spells that closed, spells that are open, and what went stale."""

from dataclasses import dataclass

import numpy as np

from cis_power.outages.grid import Index, Mask
from cis_power.outages.spells import Columns, Interruptions, Spells
from cis_power.outages.state import ConflictFact, OutageFacts, PositionSpell, State, World

OPEN = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class SpellRows:
    """Rows to store, one array element each: subject (key), outage (number), began, ended (`OPEN`), mask, full, …

    `stale`: keys of subjects whose stored open row has become untrue.
    """

    columns: Columns
    stale: Index


@dataclass(frozen=True, slots=True)
class Harvest:
    """All that a run changed.

    `vanished`: keys of outages that ended where they began. `phases`: (usage point, began) → [mask, from, to] of
    interruptions that were partial. `contradicting`: entries that contradict other evidence in the end.
    """

    outages: list[OutageFacts]
    vanished: list[str]
    members: SpellRows
    interruptions: SpellRows
    transformers: SpellRows
    links: SpellRows
    islands: SpellRows
    phases: dict[tuple[int, int], list[list[int | None]]]
    positions: list[PositionSpell]
    repositioned: list[int]
    conflicts: list[ConflictFact]
    contradicting: set[int]


def forget_stored(state: State) -> None:
    """Say that the database is to be compared with everything that is open, as before a replay."""
    for spells in (state.members, state.interruptions, state.transformers, state.links, state.islands):
        spells.stored[:] = False
        spells.closed.clear()
        spells.stale.clear()
    state.interruptions.closed_phases.clear()
    state.moved.clear()
    state.conflicts.clear()
    state.restood = set(state.stands)
    for facts in state.outages:
        facts.changed = True


def harvest(state: State, world: World, normal: Mask | None = None) -> Harvest:
    """Take what is to be stored out of the state, which counts as stored from then on.

    `normal`: phases that each usage point has in the normal state, to tell who is out fully.
    """
    ledger = state.interruptions
    phases = {(int(world.points[one]), began): parts for (one, began), parts in ledger.closed_phases.items()}
    open_now = np.flatnonzero(ledger.open & ~ledger.stored)
    for one in open_now[np.isin(open_now, list(ledger.phases))].tolist() if ledger.phases else ():
        phases[(int(world.points[one]), int(ledger.began[one]))] = [list(part) for part in ledger.phases[one]]
    ledger.closed_phases.clear()
    answer = Harvest(
        outages=[],
        vanished=[],
        members=_rows(state.members, world.points, normal),
        interruptions=_rows(ledger, world.points),
        transformers=_rows(state.transformers, state.transformer_keys),
        links=_rows(state.links, world.connections.key),
        islands=_rows(state.islands, world.points),
        phases=phases,
        positions=[
            *state.moved,
            *(PositionSpell(device, *state.stands[device], ended=None) for device in sorted(state.restood)),
        ],
        repositioned=sorted(state.restood | {spell.device for spell in state.moved}),
        conflicts=list(state.conflicts),
        contradicting={entry for position in state.devices.values() for entry in position.contradicting},
    )
    for rows in (answer.members, answer.transformers):
        for number in np.unique(rows.columns["outage"]).tolist():
            facts = state.outages[number]
            facts.changed |= not facts.lasted
            facts.lasted = True
    for facts in state.outages:
        if facts.changed:
            facts.changed = False
            if facts.began == facts.restored:
                answer.vanished.append(facts.key)
            elif facts.lasted:
                answer.outages.append(facts)
    state.moved.clear()
    state.restood.clear()
    state.conflicts.clear()
    return answer


def _rows(spells: Spells, keys: Index, normal: Mask | None = None) -> SpellRows:
    who = np.flatnonzero(spells.open & ~spells.stored)
    current: Columns = {"subject": who, "outage": spells.outage[who], "began": spells.began[who],
                        "mask": spells.mask[who], "ended": np.full(len(who), OPEN, np.int64)}  # fmt: skip
    if isinstance(spells, Interruptions):
        current |= {"earliest": spells.earliest[who], "latest": spells.latest[who], "step": np.ones(len(who), np.int64)}
    parts = [*spells.closed, current]
    columns: Columns = {name: np.concatenate([part[name] for part in parts]) for name in current}
    if normal is not None:
        had = normal[columns["subject"].astype(np.int64)]
        columns["full"] = (columns["mask"].astype(np.uint8) & had) == had
    columns["subject"] = keys[columns["subject"].astype(np.int64)]
    stale = keys[np.unique(np.concatenate([*spells.stale, np.zeros(0, np.int64)]))]
    spells.stored[who] = True
    spells.closed.clear()
    spells.stale.clear()
    return SpellRows(columns, stale)

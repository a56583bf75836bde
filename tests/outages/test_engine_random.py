"""Random networks and random switching: the ledger equals a naive replay by networkx, and blame is consistent."""

import random
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from cis_power.core.quality import Quality
from cis_power.outages.checkpoint import pack, unpack
from cis_power.outages.engine import Engine
from cis_power.outages.entries import Entry, micros, steps
from cis_power.outages.harvest import harvest
from cis_power.outages.state import State
from tests.outages.grids import SmallGrid
from tests.outages.worlds import at, belonging, connections, minute, run, signal, switch, told, world

EXAMPLES = 150


def network(rng: random.Random) -> SmallGrid:
    """A tree from one to three sources, with ties (open or closed) and some single-phase branches."""
    feeding = list(range(rng.randint(1, 3)))
    count = len(feeding) + rng.randint(3, 12)
    ends, phases = [], []
    carried = dict.fromkeys(feeding, 7)
    for node in range(len(feeding), count):
        above = rng.randrange(node)
        mask = carried[above] if rng.random() < 0.7 else rng.choice([1, 2, 4, 3, 7])
        ends.append((above, node) if rng.random() < 0.8 else (node, above))
        phases.append(mask)
        carried[node] = carried[above] & mask
    normally_open = []
    for _ in range(rng.randint(0, 4)):
        one, other = rng.sample(range(count), 2)
        ends.append((one, other))
        phases.append(7)
        if rng.random() < 0.8:
            normally_open.append(len(ends) - 1)
    return SmallGrid(count, ends, feeding, normally_open, phases)


def switching(rng: random.Random, grid: SmallGrid, count: int) -> list[Entry]:
    """One entry a minute, three-phase or of some phases."""
    return [
        switch(rng.randrange(len(grid.ends)), when, rng.choice(["open", "close"]), rng.choice([0, 0, 0, 1, 2, 6]))
        for when in range(1, count + 1)
    ]


def naive(grid: SmallGrid, linked: list[dict], entries: list[Entry]) -> list[tuple]:
    """(usage point, from, to, phases ever out) by tracing everything after every entry."""
    masks = {edge: int(normal) for edge, normal in enumerate(grid.edge_normal)}
    normal = grid.oracle({})
    out: dict[int, tuple[float, int]] = {}
    answer = []
    for entry in entries:
        edge = entry.element_id - 1000
        masks[edge] = masks[edge] | entry.mask if entry.value == 0 else masks[edge] & ~entry.mask
        live = grid.oracle(masks)
        when = minute(micros(entry.occurred_at))
        for link in linked:
            point, node = link["point"], link["element"]
            had = normal[node] & (link["phases"] or 7)
            lost = had & ~live[node]
            if lost and point not in out:
                out[point] = (when, lost)
            elif lost:
                out[point] = (out[point][0], out[point][1] | lost)
            elif point in out:
                answer.append((point, out[point][0], when, out.pop(point)[1]))
    answer += [(point, since, None, lost) for point, (since, lost) in out.items()]
    return sorted(answer, key=repr)


def links(rng: random.Random, grid: SmallGrid) -> list[dict]:
    return [
        {"point": point, "element": rng.randrange(grid.node_count), "phases": rng.choice([0, 0, 1, 6])}
        for point in range(8)
    ]


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.integers(0, 10**9))
def test_the_ledger_equals_a_naive_replay(seed: int) -> None:
    rng = random.Random(seed)
    grid = network(rng)
    linked = links(rng, grid)
    entries = switching(rng, grid, rng.randint(1, 25))
    state, rows = run(world(grid, connections(linked)), entries)
    columns = rows.interruptions.columns
    ledger = sorted(
        ((subject - 100, minute(began), minute(ended), mask) for subject, began, ended, mask in zip(
            *(columns[name].tolist() for name in ("subject", "began", "ended", "mask")), strict=True)),
        key=repr,
    )  # fmt: skip
    assert ledger == naive(grid, linked, entries)
    _check_membership(grid, entries, told(state, rows), belonging(state, rows))


def _check_membership(grid: SmallGrid, entries: list[Entry], ledger: list[tuple], members: list[tuple]) -> None:
    """Memberships fill each interruption without gap; the device of each is open on some phase for all its time."""
    for point, device, began, ended in ledger:
        own = sorted((row for row in members if row[0] == point and row[2] >= began
                      and (ended is None or row[2] < ended)), key=lambda row: row[2])  # fmt: skip
        assert own[0][1:3] == (device, began)
        assert own[-1][3] == ended
        assert all(one[3] == other[2] for one, other in pairwise(own))
    for _point, device, began, ended in members:
        mask = int(grid.edge_normal[device])
        for entry in entries:
            when = minute(micros(entry.occurred_at))
            if entry.element_id - 1000 != device or (ended is not None and when >= ended):
                continue
            mask = mask | entry.mask if entry.value == 0 else mask & ~entry.mask
            assert when <= began or mask & grid.edge_phases[device], (device, began, ended)
        assert mask & grid.edge_phases[device]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**9))
def test_a_checkpoint_anywhere_changes_nothing(seed: int) -> None:
    rng = random.Random(seed)
    grid = network(rng)
    the_world = world(grid, connections(links(rng, grid)))
    entries = switching(rng, grid, 20)
    state, rows = run(the_world, entries)
    expected = told(state, rows), belonging(state, rows), sorted(rows.phases.items())
    ordered, cut = list(steps(entries)), rng.randint(1, 19)
    first = State.initial(the_world)
    Engine(the_world, first).run(ordered[:cut], micros(ordered[cut - 1].at))
    early = harvest(first, the_world)
    second = unpack(pack(first, the_world), the_world)
    Engine(the_world, second).run(ordered[cut:], micros(at(10_000)))
    late = harvest(second, the_world)
    open_before = {row for row in told(first, early) if row[3] is None}
    gone = {subject - 100 for subject in late.interruptions.stale.tolist()}
    kept = [row for row in told(first, early) if not (row in open_before and row[0] in gone)]
    assert sorted(kept + told(second, late)) == expected[0]


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.integers(0, 10**9))
def test_worthless_signals_change_nothing(seed: int) -> None:
    """R9: whatever is stale, suspect, bad, missing or intermediate, the ledger is that of the good signals alone."""
    rng = random.Random(seed)
    grid = network(rng)
    the_world = world(grid, connections(links(rng, grid)))
    entries = [
        signal(rng.randrange(len(grid.ends)), when, rng.choice([0.0, 1.0, None, 2.0]),
               quality=rng.choice(list(Quality)))
        for when in range(1, 40)
    ]  # fmt: skip
    everything, good = run(the_world, entries), run(the_world, [entry for entry in entries if entry.decides])
    assert told(*everything) == told(*good)
    assert belonging(*everything) == belonging(*good)

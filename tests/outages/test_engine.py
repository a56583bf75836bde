"""Who is out, since when and by which device: worked cases, then random sequences against networkx."""

from tests.outages.grids import SmallGrid
from tests.outages.worlds import belonging, connections, run, served, signal, switch, told, world

# source 0 -A- 1 -B- 2 -C- 3 ; source 4 -D- 5 ; tie T: 3-5 (edges: A0 B1 C2 D3 T4)
FEEDERS = SmallGrid(6, [(0, 1), (1, 2), (2, 3), (4, 5), (3, 5)], feeding=[0, 4], normally_open=[4])
A, B, C, D, T = range(5)
AT_NODES_1_2_3 = connections([{"point": 0, "element": 1}, {"point": 1, "element": 2}, {"point": 2, "element": 3}])
PLAIN = world(FEEDERS, AT_NODES_1_2_3)


def test_opening_and_closing() -> None:
    state, rows = run(PLAIN, [switch(B, 10, "open"), switch(B, 40, "close")])
    assert told(state, rows) == [(1, B, 10, 40), (2, B, 10, 40)]
    assert [(facts.device, facts.steps) for facts in state.outages] == [(1000 + B, 1)]


def test_steps_of_restoration() -> None:
    """The tie takes the far end, the breaker the rest."""
    entries = [switch(A, 0, "open"), switch(C, 5, "open"), switch(T, 10, "close"), switch(A, 30, "close")]
    state, rows = run(PLAIN, entries)
    assert told(state, rows) == [(0, A, 0, 30), (1, A, 0, 30), (2, A, 0, 10)]
    assert belonging(state, rows) == told(state, rows)
    assert sorted(rows.interruptions.columns["step"].tolist()) == [1, 2, 2]


def test_opening_in_a_dead_part_makes_no_outage() -> None:
    state, rows = run(PLAIN, [switch(A, 0, "open"), switch(C, 5, "open"), switch(C, 6, "close")])
    assert [facts.device for facts in rows.outages] == [1000 + A]
    assert told(state, rows) == [(0, A, 0, None), (1, A, 0, None), (2, A, 0, None)]


def test_membership_passes_when_the_first_device_closes() -> None:
    entries = [switch(A, 0, "open"), switch(C, 5, "open"), switch(A, 30, "close"), switch(C, 60, "close")]
    state, rows = run(PLAIN, entries)
    assert told(state, rows) == [(0, A, 0, 30), (1, A, 0, 30), (2, A, 0, 60)]
    assert belonging(state, rows) == [(0, A, 0, 30), (1, A, 0, 30), (2, A, 0, 30), (2, C, 30, 60)]


def test_isolating_a_fault_and_feeding_from_both_sides() -> None:
    """B and C around node 2: the section between stays out, first by A, then by B, the upper one."""
    entries = [switch(A, 0, "open"), switch(C, 4, "open"), switch(B, 5, "open"), switch(T, 10, "close"),
               switch(A, 15, "close")]  # fmt: skip
    state, rows = run(PLAIN, entries)
    assert told(state, rows) == [(0, A, 0, 15), (1, A, 0, None), (2, A, 0, 10)]
    assert belonging(state, rows) == [(0, A, 0, 15), (1, A, 0, 15), (1, B, 15, None), (2, A, 0, 10)]


def test_one_poll_is_one_step_of_the_topmost_device() -> None:
    state, rows = run(PLAIN, [signal(C, 10, 0.0), signal(A, 10, 0.0), signal(B, 10, 0.0)])
    assert told(state, rows) == [(0, A, 10, None), (1, A, 10, None), (2, A, 10, None)]


def test_an_opened_tie_is_the_device_when_it_was_feeding() -> None:
    entries = [switch(C, 0, "open"), switch(T, 10, "close"), switch(T, 20, "open"), switch(C, 30, "close")]
    state, rows = run(PLAIN, entries)
    assert told(state, rows) == [(2, C, 0, 10), (2, T, 20, 30)]


def test_a_ring_loses_nothing_until_it_is_cut_twice() -> None:
    state, rows = run(PLAIN, [switch(T, 0, "close"), switch(A, 5, "open"), switch(D, 9, "open")])
    assert told(state, rows) == [(0, D, 9, None), (1, D, 9, None), (2, D, 9, None)]


def test_bad_stale_and_intermediate_signals_decide_nothing() -> None:
    from cis_power.core.quality import Quality

    worthless = [signal(A, 20 + quality, 1.0, quality=quality) for quality in Quality if not quality.decides]
    state, rows = run(PLAIN, [signal(A, 10, 0.0), *worthless, signal(A, 40, None), signal(A, 41, 2.0)])
    assert told(state, rows) == [(point, A, 10, None) for point in range(3)]
    state, rows = run(PLAIN, [signal(A, 10, 0.0, quality=quality) for quality in Quality if not quality.decides])
    assert told(state, rows) == []


def test_a_changed_signal_supersedes_a_manual_entry_an_unchanged_one_contradicts_it() -> None:
    state, rows = run(PLAIN, [signal(A, 0, 1.0), switch(A, 10, "open"), signal(A, 20, 1.0)])
    assert told(state, rows) == [(point, A, 10, None) for point in range(3)]
    assert len(rows.conflicts) == 2  # raised by the entry, and again by the signal that repeats it
    state, rows = run(PLAIN, [switch(A, 10, "open"), signal(A, 20, 0.0), signal(A, 30, 1.0)])
    assert told(state, rows) == [(point, A, 10, 30) for point in range(3)]


def test_held_positions_win_until_released() -> None:
    from cis_power.outages.entries import Entry
    from tests.outages.worlds import at

    def held(kind: str, minute: float, value: float | None = None) -> Entry:
        return Entry(kind, at(minute), "points", f"{kind}{minute}", element_id=1000 + A, value=value,
                     payload={"point": "p0"})  # fmt: skip

    state, rows = run(PLAIN, [held("tag", 0), signal(A, 10, 0.0), held("release", 20)])
    assert told(state, rows) == [(point, A, 20, None) for point in range(3)]
    state, rows = run(PLAIN, [held("set", 5, 0.0), signal(A, 10, 1.0), held("release", 20)])
    assert told(state, rows) == [(point, A, 5, 20) for point in range(3)]


def test_partial_supply_is_one_interruption_until_all_phases_are_back() -> None:
    entries = [switch(B, 0, "open", phases=1), switch(B, 5, "open"), switch(B, 10, "close", phases=4),
               switch(B, 20, "close")]  # fmt: skip
    state, rows = run(PLAIN, entries)
    assert told(state, rows) == [(1, B, 0, 20), (2, B, 0, 20)]
    parts = [[mask, began != ended] for mask, began, ended in next(iter(rows.phases.values()))]
    assert parts == [[1, True], [7, True], [3, True]]
    assert rows.interruptions.columns["mask"].tolist() == [7, 7]


def test_dual_supply() -> None:
    def both(manual: bool):
        return world(FEEDERS, connections([
            {"point": 0, "element": 3, "manual": manual}, {"point": 0, "element": 5, "standby": True, "manual": manual},
        ]))  # fmt: skip

    from cis_power.outages.entries import Entry
    from tests.outages.worlds import at

    state, rows = run(both(False), [switch(A, 0, "open"), switch(D, 10, "open"), switch(A, 20, "close")])
    assert told(state, rows) == [(0, D, 10, 20)]
    transfer = Entry("transfer", at(5), "manual", "t", usage_point_id=100, payload={"to": "standby"})
    state, rows = run(both(True), [switch(A, 0, "open"), transfer, switch(D, 10, "open"), switch(A, 20, "close")])
    assert told(state, rows) == [(0, A, 0, 5), (0, D, 10, None)]


def test_only_served_usage_points_count() -> None:
    the_world = world(FEEDERS, AT_NODES_1_2_3, served([(0, False, None, None), (1, True, None, 5), (2, True, 5, None)]))
    state, rows = run(the_world, [switch(A, 10, "open"), switch(A, 20, "close")])
    assert told(state, rows) == [(2, A, 10, 20)]


def test_a_moved_usage_point_follows_its_connection() -> None:
    moved = connections([{"point": 0, "element": 3, "ended": 15}, {"point": 0, "element": 5, "began": 15}])
    state, rows = run(world(FEEDERS, moved), [switch(A, 0, "open"), switch(D, 20, "open")])
    assert told(state, rows) == [(0, A, 0, 15), (0, D, 20, None)]


def test_an_outage_goes_on_when_a_new_version_takes_over() -> None:
    wider = SmallGrid(7, [*FEEDERS.ends, (3, 6)], feeding=[0, 4], normally_open=[4])
    the_world = world(FEEDERS, AT_NODES_1_2_3, later={20: wider})
    state, rows = run(the_world, [switch(B, 10, "open"), switch(B, 30, "close")])
    assert told(state, rows) == [(1, B, 10, 30), (2, B, 10, 30)]


def test_transformers_are_out_too() -> None:
    grid = SmallGrid(4, [(0, 1), (1, 2), (1, 3)], feeding=[0], transformer_edges=[1, 2])
    the_world = world(grid, connections([{"point": 0, "element": 1001}]))
    state, rows = run(the_world, [switch(0, 10, "open"), switch(0, 20, "close")])
    assert sorted(rows.transformers.columns["subject"].tolist()) == [1001, 1002]
    assert told(state, rows) == [(0, 0, 10, 20)]


def test_flapping_is_one_oscillatory_event_and_few_outages() -> None:
    """R10: 1 Hz for ten minutes; every raw interval is kept, the outages do not flood."""
    flapping = [signal(A, second / 60, float(second % 2)) for second in range(600)]
    state, rows = run(PLAIN, [*flapping, signal(A, 20, 1.0), signal(A, 30, 0.0), signal(A, 40, 1.0)])
    assert [fact.reason for fact in rows.conflicts] == ["oscillatory: the device moves to and fro"]
    intervals = [row for row in told(state, rows) if row[0] == 0]
    assert len(intervals) == 301
    assert intervals[-1][2:] == (30, 40)
    assert len(rows.outages) <= 7

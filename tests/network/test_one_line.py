"""The one-line diagram: nothing overlaps, wires are orthogonal and cross nothing, every device is there once."""

import functools
import time
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cis_power.demo import network
from cis_power.demo.plan import plan
from cis_power.network.diagram import Box, Diagram, fitted, text_width
from cis_power.network.feeder_tree import Branch, grow
from cis_power.network.importers.opendss import read_script
from cis_power.network.model import NetworkModel
from cis_power.network.one_line import arrange

KINDS = ("breaker", "recloser", "fuse", "load_break_switch", "switch", "line", "line", "transformer")
FEEDERS = (
    "13Bus/IEEE13Nodeckt.dss", "34Bus/Run_IEEE34Mod1.dss", "37Bus/ieee37.dss", "123Bus/IEEE123Switches.dss",
    "EuropeanLV/Master.dss",
)  # fmt: skip


def drawn(diagram: Diagram) -> list[str]:
    """Every device of a diagram, as often as it stands there."""
    devices = [device for symbol in diagram.symbols for device in (*symbol.edge.devices, *symbol.edge.folded)]
    return devices + [line for wire in diagram.wires for line in wire.lines]


def check(diagram: Diagram, branches: Sequence[Branch]) -> None:
    assert Counter(drawn(diagram)) == Counter({branch.device: 1 for branch in branches})
    boxes = [box for item in diagram.symbols for box in (item.box, item.label)]
    boxes += [head.label for head in diagram.heads]
    segments = [pair for wire in diagram.wires for pair in pairwise(wire.points)]
    assert all(a[0] == b[0] or a[1] == b[1] for a, b in segments), "a wire is not orthogonal"
    for box in boxes:
        assert box.x >= 0 and box.y >= 0
        assert box.x + box.width <= diagram.width and box.y + box.height <= diagram.height
    assert not list(overlaps(boxes)), "two things overlap"
    labels = [item.label for item in (*diagram.symbols, *diagram.heads)]
    wires = [as_box(*segment) for segment in segments]
    assert not [label for label in labels for wire in wires if wire.meets(label)], "a wire runs through a label"
    own = {(item.x, item.y) for item in diagram.symbols}
    for (start, end), wire in zip(segments, wires, strict=True):
        through = [item for item in diagram.symbols if wire.meets(item.box) and (item.x, item.y) not in (start, end)]
        assert not through, "a wire runs through a symbol that it does not join"
    assert len(own) == len(diagram.symbols)
    check_crossings(segments)


def check_crossings(segments: Sequence[tuple]) -> None:
    """Two wires meet only where one of them ends or turns."""
    level = [(a, b) for a, b in segments if a[1] == b[1] and a[0] != b[0]]
    upright = [(a, b) for a, b in segments if a[0] == b[0] and a[1] != b[1]]
    for (ax, ay), (bx, _) in level:
        for (cx, cy), (_, dy) in upright:
            inside = min(ax, bx) < cx < max(ax, bx) and min(cy, dy) < ay < max(cy, dy)
            assert not inside, "two wires cross"
    for group, axis in ((level, 1), (upright, 0)):
        along = sorted((a[axis], *sorted((a[1 - axis], b[1 - axis]))) for a, b in group)
        for (place, _, end), (other, begin, _) in pairwise(along):
            assert place != other or begin >= end, "two wires run over one another"


def as_box(start: tuple[float, float], end: tuple[float, float]) -> Box:
    x, y = min(start[0], end[0]), min(start[1], end[1])
    return Box(x - 0.5, y - 0.5, abs(start[0] - end[0]) + 1, abs(start[1] - end[1]) + 1)


def overlaps(boxes: Sequence[Box]):
    ordered = sorted(boxes, key=lambda box: box.x)
    for place, box in enumerate(ordered):
        for other in ordered[place + 1 :]:
            if other.x >= box.x + box.width:
                break
            if box.meets(other):
                yield box, other


@st.composite
def networks(draw: st.DrawFn) -> list[Branch]:
    """A random tree, with ties, parallel devices, loops and loose parts."""
    size = draw(st.integers(1, 60))
    shape = draw(st.sampled_from(("any", "deep", "star")))
    branches = []
    for node in range(1, size + 1):
        low = {"any": 0, "deep": max(0, node - 2), "star": 0}[shape]
        high = {"any": node - 1, "deep": node - 1, "star": min(node - 1, 2)}[shape]
        above = draw(st.integers(low, high))
        branches.append(Branch(f"D{node}", draw(st.sampled_from(KINDS)), f"N{above}", f"N{node}", draw(st.booleans())
                               and draw(st.booleans())))  # fmt: skip
    for number in range(draw(st.integers(0, 6))):
        start, end = (f"N{draw(st.integers(0, size + 3))}" for _ in range(2))
        device = f"X{number}" if draw(st.booleans()) else f"连接开关 {number} with a very long name"
        branches.append(Branch(device, draw(st.sampled_from(KINDS)), start, end, draw(st.booleans())))
    return branches


@settings(max_examples=150, deadline=None)
@given(networks(), st.integers(1, 14), st.sets(st.integers(0, 60)))
def test_any_network_is_drawn_whole_and_without_overlap(branches, columns, apart):
    forest = grow(branches, ["N0"])
    check(arrange(forest, columns=columns, apart={f"D{number}" for number in apart}), branches)


@settings(max_examples=60, deadline=None)
@given(networks(), st.sets(st.integers(0, 60)))
def test_what_hangs_on_low_sides_is_folded_and_not_lost(branches, low):
    check(arrange(grow(branches, ["N0"], {f"N{number}" for number in low})), branches)


def feeder(transformers: int, sections: int) -> list[Branch]:
    """A trunk of many sections with switches, laterals of fuse, line and transformer, boxes behind them, and a tie."""
    branches = [Branch("F1-CB", "breaker", "BUS", "F1-N0")]
    for place in range(sections):
        kind = "load_break_switch" if place % 20 == 19 else "line"
        branches.append(Branch(f"F1-S{place}", kind, f"F1-N{place}", f"F1-N{place + 1}"))
    for number in range(transformers):
        at = number * sections // transformers
        branches += [
            Branch(f"F1-FU{number:03d}", "fuse", f"F1-N{at}", f"P{number}"),
            Branch(f"F1-L{number:03d}", "line", f"P{number}", f"Q{number}"),
            Branch(f"F1-T{number:03d}", "transformer", f"Q{number}", f"B{number}"),
            *(Branch(f"F1-B{number}-{box}", "line", f"B{number}", f"M{number}-{box}") for box in range(4)),
        ]
    return [*branches, Branch("F1-TIE", "switch", f"F1-N{sections}", "F2-N9", open=True)]


def test_a_feeder_of_a_hundred_transformers_and_300_sections():
    branches = feeder(100, 300)
    low = {branch.start for branch in branches if branch.start.startswith("B") and branch.start != "BUS"}
    began = time.process_time()
    diagram = arrange(grow(branches, ["BUS"], low), prefix="F1")
    spent = time.process_time() - began
    check(diagram, branches)
    assert len(diagram.symbols) == 1 + 15 + 200 + 1
    assert diagram.width < 2_000
    assert spent < 2  # of processor time, many times what it takes
    assert [head.node for head in diagram.heads] == ["BUS"]
    assert next(item.text for item in diagram.symbols if item.edge.devices == ("F1-CB",)) == "CB"


def test_the_trunk_is_straight_and_laterals_lie_on_both_sides():
    diagram = arrange(grow(feeder(8, 8), ["BUS"], ()), columns=40)
    trunk = next(item.y for item in diagram.symbols if item.edge.devices == ("F1-CB",))
    fuses = [item for item in diagram.symbols if item.edge.kind == "fuse"]
    assert {item.y < trunk for item in fuses if item.y != trunk} == {True, False}


def test_parallel_devices_share_a_symbol_and_a_tie_says_where_it_leads():
    branches = [Branch("REG", "transformer", "A", "B"), Branch("REG2", "transformer", "B", "A"),
                Branch("REG3", "transformer", "A", "B"), Branch("TIE", "switch", "B", "OTHER", open=True)]  # fmt: skip
    diagram = arrange(grow(branches, ["A"]))
    check(diagram, branches)
    assert sorted((item.edge.devices, item.edge.far, item.text) for item in diagram.symbols) == [
        (("REG", "REG2", "REG3"), "B", "REG +2"), (("TIE",), "OTHER", "TIE"),
    ]  # fmt: skip


def test_the_legs_of_one_transformer_are_one_symbol_with_all_that_hangs_on_them():
    branches = [Branch("T", "transformer", "A", "B"), Branch("T", "transformer", "A", "C"),
                Branch("SB", "switch", "B", "B2"), Branch("SC", "switch", "C", "C2")]  # fmt: skip
    diagram = arrange(grow(branches, ["A"]))
    check(diagram, branches)
    assert len(diagram.heads) == 1


def test_a_line_that_matters_is_drawn_as_a_symbol():
    branches = [Branch(f"L{number}", "line", f"N{number}", f"N{number + 1}") for number in range(5)]
    assert [wire.lines for wire in arrange(grow(branches, ["N0"])).wires] == [("L0", "L1", "L2", "L3", "L4")]
    diagram = arrange(grow(branches, ["N0"]), apart={"L2"})
    assert [item.edge.devices for item in diagram.symbols] == [("L2",)]
    assert [(wire.lines, wire.ends) for wire in diagram.wires] == [(("L0", "L1"), False), (("L3", "L4"), True)]


def test_nothing_at_all_is_an_empty_diagram():
    diagram = arrange(grow([]))
    assert (diagram.symbols, diagram.wires, diagram.heads) == ((), (), ())


def test_labels_are_cut_to_their_cell():
    assert fitted("LN001", 60) == "LN001"
    assert fitted("出线断路器一号", 60).endswith("…")
    assert text_width(fitted("出线断路器一号", 60)) <= 60


@pytest.mark.parametrize("file", FEEDERS)
def test_real_feeders(file, shared_data):
    model = read_script(shared_data / "1_network" / "opendss" / file)
    branches = branches_of(model)
    low = {node.code for node in model.nodes if node.nominal_v and node.nominal_v <= 1000}
    check(arrange(grow(branches, [source.node for source in model.sources], low)), branches)


@functools.cache
def demo() -> tuple[list[list[Branch]], set[str]]:
    """Every feeder of the demo with the ties that end at it, and the nodes of low voltage."""
    town = plan()
    low = {str(row[0]) for part in network.parts(town) for row in part.nodes if float(str(row[3])) <= 1000}
    feeders: dict[str, list[Branch]] = {}
    ties = []
    for row in network.equipment(town):
        branch = Branch(str(row[0]), str(row[1]), str(row[2]), str(row[3]), bool(int(str(row[4]))))
        if branch.open:
            ties.append(branch)
        elif row[8]:
            feeders.setdefault(str(row[8]), []).append(branch)
    for branches in feeders.values():
        nodes = {node for branch in branches for node in (branch.start, branch.end)}
        branches += [tie for tie in ties if {tie.start, tie.end} & nodes]
    return list(feeders.values()), low


@pytest.mark.parametrize("number", range(24))
def test_every_feeder_of_the_demo(number):
    feeders, low = demo()
    assert len(feeders) == 24
    check(arrange(grow(feeders[number], (), low)), feeders[number])


def branches_of(model: NetworkModel) -> list[Branch]:
    return [
        Branch(item.code, item.kind, path.from_node, path.to_node, item.normal_open)
        for item in model.equipment
        for path in item.branches()
    ]

"""The change of one edge against a full trace of the same state."""

import numpy as np
import pytest

from cis_power.network.topology import Topology, compile_topology
from cis_power.outages.energization import Energization


def random_network(seed: int, nodes: int, phases: bool) -> Topology:
    """A random network: several sources, ties, loops, parallel edges, parts without source, single phases."""
    rng = np.random.default_rng(seed)
    reach = int(rng.integers(1, 30))
    start = np.array([int(rng.integers(max(0, node - reach), node)) for node in range(1, nodes)], np.int64)
    end = np.arange(1, nodes)
    more = int(rng.integers(0, nodes // 2 + 1))
    start = np.concatenate([start, rng.integers(0, nodes, more), start[rng.integers(0, len(start), 2)]])
    end = np.concatenate([end, rng.integers(0, nodes, more), end[rng.integers(0, len(end), 2)]])
    loops = start == end
    start, end = start[~loops], end[~loops]
    order = rng.permutation(len(start))
    start, end = start[order], end[order]
    carried = rng.choice([7, 7, 7, 3, 1, 2, 4] if phases else [7], len(start)).astype(np.uint8)
    normal = np.where(rng.random(len(start)) < 0.3, carried & rng.choice([7, 7, 1, 6], len(start)), 0).astype(np.uint8)
    fed = np.zeros(nodes, np.uint8)
    fed[rng.integers(0, nodes, int(rng.integers(1, 4)))] = rng.choice([7, 7, 3] if phases else [7])
    names = np.arange(len(start))
    return compile_topology(
        np.arange(nodes), fed, start, end, carried, normal, names, np.zeros(len(start), np.uint8), 6
    )


@pytest.mark.parametrize("phases", [False, True])
@pytest.mark.parametrize("seed", range(30))
def test_every_change_equals_a_full_trace(seed: int, phases: bool) -> None:
    rng = np.random.default_rng(seed)
    topology = random_network(seed, int(rng.integers(5, 80)), phases)
    masks = topology.edge_normal.copy()
    state = Energization(topology, masks)
    live = topology.energized(masks).astype(np.int64)
    assert (state.live_masks() == live).all()
    for _ in range(100):
        edge = int(rng.integers(0, len(masks)))
        masks[edge] = topology.edge_phases[edge] & rng.choice([0, 7, 7, 1, 6] if phases else [0, 7])
        changes = state.move(edge, int(masks[edge]))
        expected = topology.energized(masks).astype(np.int64)
        turned = np.zeros_like(live)
        for change in changes:
            for begin, end in change.slices:
                comes = state.carried[begin:end] & change.phases
                assert (expected[begin:end] & change.phases == (comes if change.live else 0)).all()
                assert (turned[begin:end] & change.phases == 0).all()
                turned[begin:end] |= comes
        assert (turned == live ^ expected).all()
        assert (state.live_masks() == expected).all()
        node = int(rng.integers(0, topology.node_count))
        assert state.live_at(node) == expected[node]
        live = expected

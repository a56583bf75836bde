"""Which parts of a feeder are dead, as far as its own equipment and the outages say. Pure."""

from collections import defaultdict
from collections.abc import Collection, Iterable

from cis_power.network.feeder_tree import TRANSFORMER, Branch


def dead_nodes(
    branches: Iterable[Branch],
    opened: Collection[str],
    out: Collection[str],
    roots: Collection[str],
    own: Collection[str],
) -> frozenset[str]:
    """Nodes without supply. `opened`: devices with all phases open now; `out`: transformers that outages hold out.

    Whatever hangs together over closed devices is alive or dead together. A part with transformers is dead when all of
    them are out: the outages know how the rest of the network stands. One without any is dead when it is joined neither
    to a root nor to a node outside the feeder (`own`: the feeder's nodes).
    """
    leader: dict[str, str] = {}

    def find(node: str) -> str:
        while leader.setdefault(node, node) != node:
            leader[node] = node = leader[leader[node]]
        return node

    transformers: list[tuple[str, str]] = []
    for branch in branches:
        if branch.kind == TRANSFORMER:
            transformers.append((branch.device, branch.start))
        start, end = find(branch.start), find(branch.end)
        if branch.device not in opened:
            leader[start] = end
    judged: dict[str, list[bool]] = defaultdict(list)
    for device, node in transformers:
        judged[find(node)].append(device in out)
    joined = {find(node) for node in leader if node in roots or node not in own}
    return frozenset(
        node for node in leader
        if (all(judged[part]) if (part := find(node)) in judged else part not in joined)
    )  # fmt: skip

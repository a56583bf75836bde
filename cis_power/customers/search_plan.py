"""Which rows of a block the lists propose for a query; pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from cis_power.customers.search_grams import BLOCK_ROWS, Group, first_row, posting_id, posting_ids, unpacked
from cis_power.customers.search_text import TermKind

Lists = Mapping[int, bytes]
_OPEN = (TermKind.ACCOUNT, TermKind.SUPPLY, TermKind.METER)
_GROUPS: dict[TermKind, Group] = {
    **dict.fromkeys(_OPEN, Group.OPEN),
    TermKind.NAME: Group.NAME,
    TermKind.PHONE: Group.PHONE,
    TermKind.EMAIL: Group.EMAIL,
    TermKind.ADDRESS: Group.ADDRESS,
}
GROUP_KINDS: dict[Group, tuple[TermKind, ...]] = {
    group: tuple(kind for kind in TermKind if _GROUPS[kind] is group) for group in dict.fromkeys(_GROUPS.values())
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A needle that must be in a text of one of `kinds`, or a usage point fed by one of `feeders`."""

    needle: str
    kinds: tuple[TermKind, ...]
    grams: tuple[int, ...]
    feeders: tuple[int, ...] = ()

    @property
    def groups(self) -> tuple[Group, ...]:
        return tuple(dict.fromkeys(_GROUPS[kind] for kind in self.kinds))


Alternative = tuple[Wanted, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Any of `alternatives` must hold, each whole. `districts`: where a row must have been (None: anywhere)."""

    alternatives: tuple[Alternative, ...]
    districts: tuple[int, ...] | None

    def keys(self, blocks: Iterable[int]) -> set[int]:
        """The lists that are needed for some blocks."""
        numbered = list(blocks)
        found = set(posting_ids(Group.DISTRICT, self.districts or (), numbered))
        for wanted in self._wanted():
            found.update(posting_ids(Group.FEEDER, wanted.feeders, numbered))
            for group in wanted.groups:
                found.update(posting_ids(group, wanted.grams, numbered))
        return found

    def rows(self, lists: Lists, block: int) -> np.ndarray:
        """The rows of a block that may be meant, in ascending order."""
        proposed = np.zeros(BLOCK_ROWS, bool)
        for alternative in self.alternatives:
            held: np.ndarray | None = None
            for wanted in alternative:
                mask = _mask_of(wanted, lists, block)
                held = mask if held is None else held & mask
                if not held.any():
                    break
            if held is not None:
                proposed |= held
        if self.districts is not None and proposed.any():
            proposed &= _union(posting_ids(Group.DISTRICT, self.districts, (block,)), lists)
        return np.flatnonzero(proposed) + first_row(block)

    def fed(self, lists: Lists, block: int) -> np.ndarray:
        """The rows of a block that a feeder of some needle may supply, in ascending order."""
        feeders = {feeder for wanted in self._wanted() for feeder in wanted.feeders}
        return np.flatnonzero(_union(posting_ids(Group.FEEDER, feeders, (block,)), lists)) + first_row(block)

    def _wanted(self) -> Iterator[Wanted]:
        for alternative in self.alternatives:
            yield from alternative


def _mask_of(wanted: Wanted, lists: Lists, block: int) -> np.ndarray:
    mask = _union(posting_ids(Group.FEEDER, wanted.feeders, (block,)), lists)
    for group in wanted.groups:
        common = _common([lists.get(posting_id(group, gram, block), b"") for gram in wanted.grams])
        mask[common] = True
    return mask


def _common(members: list[bytes]) -> np.ndarray:
    """Places that are in all lists, the shortest first so that little is left to compare."""
    members.sort(key=len)
    common = unpacked(members[0])
    for other in members[1:]:
        if not len(common):
            break
        mask = np.zeros(BLOCK_ROWS, bool)
        mask[unpacked(other)] = True
        common = common[mask[common]]
    return common


def _union(ids: Iterable[int], lists: Lists) -> np.ndarray:
    mask = np.zeros(BLOCK_ROWS, bool)
    for key in ids:
        if key in lists:
            mask[unpacked(lists[key])] = True
    return mask

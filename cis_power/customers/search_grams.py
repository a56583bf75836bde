"""Grams: what texts and needles are cut into, and how lists of rows by gram are numbered and packed. Pure.

A gram is a pair of characters where one is not ASCII or where a term begins, else a triple of ASCII characters. All
grams of a needle are among those of every text that holds it: lists by gram propose rows, their text decides.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from itertools import pairwise

import numpy as np

_EDGE, _BLANK = 10, 32  # code points: a line feed stands at both ends of every term
_ASCII_END = 128
_CODE_BITS = 21
_TRIPLE = 1 << (2 * _CODE_BITS)
_GRAM_BITS = 2 * _CODE_BITS + 1
_BLOCK_BITS = 17
_ROW_BITS = 16
BLOCK_ROWS = 1 << _ROW_BITS
_PART, _MOST_PARTS = 3, 6
Pairs = tuple[np.ndarray, np.ndarray]


class Group(IntEnum):
    """Grams of texts that the same viewers may search share their lists; districts and feeders are listed by key."""

    OPEN = 0
    NAME = 1
    PHONE = 2
    EMAIL = 3
    ADDRESS = 4
    DISTRICT = 5
    FEEDER = 6


def text_grams(texts: Sequence[str]) -> Pairs:
    """The grams of documents, and the place of the document that each stands in, int64 both; some may come twice."""
    codes = np.frombuffer("".join(texts).encode("utf-32-le"), "<u4").astype(np.int64)
    places = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
    first, second, third = codes[:-1], codes[1:], codes[2:]
    joined = (first != _BLANK) & (second != _BLANK) & ~((first == _EDGE) & (second == _EDGE))
    pairs = np.flatnonzero(joined & ((first == _EDGE) | (first >= _ASCII_END) | (second >= _ASCII_END)))
    ascii_only = codes < _ASCII_END
    triple = joined[:-1] & joined[1:] & ascii_only[:-2] & ascii_only[1:-1] & ascii_only[2:] & (third != _BLANK)
    triples = np.flatnonzero(triple)
    grams = (
        (codes[pairs] << _CODE_BITS) | codes[pairs + 1],
        _TRIPLE | (codes[triples] << 14) | (codes[triples + 1] << 7) | codes[triples + 2],
    )
    return np.concatenate(grams), np.concatenate((places[pairs], places[triples]))


def needle_grams(needle: str) -> tuple[int, ...]:
    """The grams of one needle, each once."""
    return tuple(np.unique(text_grams([needle])[0]).tolist())


def chosen_grams(needle: str) -> tuple[int, ...]:
    """Grams of a needle that lie side by side: enough to propose few rows, half as many lists to read."""
    ends = [*range(_PART, len(needle), _PART)][: _MOST_PARTS - 1]
    parts = [needle[end - _PART : end] for end in ends] + [needle[-_PART:]]
    return tuple(dict.fromkeys(gram for part in parts for gram in needle_grams(part))) or needle_grams(needle)


def posting_id(group: Group, gram: int, block: int) -> int:
    """The key of the list of one gram (or of one district or feeder) in one block."""
    return ((group << _GRAM_BITS | gram) << _BLOCK_BITS) | block


def posting_ids(group: Group, grams: Iterable[int], blocks: Iterable[int]) -> list[int]:
    """The keys of the lists of some grams in some blocks."""
    numbered = list(blocks)
    return [posting_id(group, gram, block) for gram in grams for block in numbered]


def block_of(row: int) -> int:
    """The block in which a row lies."""
    return row >> _ROW_BITS


def first_row(block: int) -> int:
    """The lowest row key of a block."""
    return block << _ROW_BITS


def lists_of(grams: Mapping[Group, Pairs]) -> tuple[list[int], list[bytes]]:
    """Lists made of (grams, rows) by group: their keys in ascending order, and the packed rows of each."""
    keys = np.concatenate([(group << _GRAM_BITS) | pair[0] for group, pair in grams.items()])
    rows = np.concatenate([pair[1] for pair in grams.values()])
    if not len(keys):
        return [], []
    ids = (keys << _BLOCK_BITS) | (rows >> _ROW_BITS)
    order = np.lexsort((rows, ids))
    ids, members = ids[order], (rows[order] & (BLOCK_ROWS - 1)).astype("<u2")
    fresh = np.concatenate(([True], (ids[1:] != ids[:-1]) | (members[1:] != members[:-1])))
    ids, packed = ids[fresh], members[fresh].tobytes()
    begins = np.flatnonzero(np.concatenate(([True], ids[1:] != ids[:-1])))
    bounds = [*(begins * 2).tolist(), len(packed)]
    return ids[begins].tolist(), [packed[begin:end] for begin, end in pairwise(bounds)]


def unpacked(members: bytes) -> np.ndarray:
    """Where in their block the rows of a list lie."""
    return np.frombuffer(members, "<u2")

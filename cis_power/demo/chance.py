"""Chance without a sequence: each number of a stream has its own draw, so that any part can be made alone. Pure."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

_ALL = 0xFFFFFFFFFFFFFFFF


def bits(seed: int, stream: int, numbers: ArrayLike) -> NDArray[np.uint64]:
    """64 even bits for each number: the finaliser of SplitMix64 (Steele, Lea, Flood 2014) over a counter."""
    start = ((seed & 0xFFFFFFFF) << 32 | (stream & 0xFFFFFFFF)) * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF
    mixed = _finalised(np.atleast_1d(np.asarray(numbers)).astype(np.uint64) + _finalised(np.array([start], np.uint64)))
    return mixed.reshape(np.shape(numbers))


def _finalised(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    mixed = (values + np.uint64(0x9E3779B97F4A7C15)).astype(np.uint64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)), np.uint64)


def whole(seed: int, stream: int, number: int) -> int:
    """The same 64 bits for one number, without arrays."""
    start = ((seed & 0xFFFFFFFF) << 32 | (stream & 0xFFFFFFFF)) * 0x9E3779B97F4A7C15 & _ALL
    return _mixed(number + _mixed(start) & _ALL)


def _mixed(value: int) -> int:
    mixed = value + 0x9E3779B97F4A7C15 & _ALL
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 & _ALL
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & _ALL
    return mixed ^ mixed >> 31


def draw(seed: int, stream: int, numbers: ArrayLike) -> NDArray[np.float64]:
    """A draw from [0, 1) for each number."""
    return np.asarray((bits(seed, stream, numbers) >> np.uint64(11)).astype(np.float64) * 2.0**-53)


def pick(seed: int, stream: int, numbers: ArrayLike, choices: int) -> NDArray[np.int64]:
    """One of `choices` (from 0) for each number."""
    return np.asarray(bits(seed, stream, numbers) % np.uint64(choices), np.int64)

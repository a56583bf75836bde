"""The engine's state as bytes, so that it goes on after a stop and replays from before a late entry."""

import io
import json
import zlib
from datetime import datetime
from typing import Any

import numpy as np

from cis_power.outages.entries import StepKey
from cis_power.outages.grid import Index
from cis_power.outages.positions import DevicePosition
from cis_power.outages.spells import Interruptions, Spells
from cis_power.outages.state import OutageFacts, State, World

_FORMAT = 1


def step_text(step: StepKey | None) -> str:
    """A step's key as text; empty: before the first."""
    return "" if step is None else json.dumps([step[0].isoformat(), *step[1:]])


def step_of_text(text: str) -> StepKey | None:
    if not text:
        return None
    at, rank, source, key = json.loads(text)
    return (datetime.fromisoformat(at), rank, source, key)


def pack(state: State, world: World) -> bytes:
    """Plain bytes of a state. Subjects are named by their keys, so that others may come in between."""
    kept = _kept_outages(state)
    number = np.full(len(state.outages) + 1, -1, np.int64)
    number[kept] = np.arange(len(kept))
    plain: dict[str, Any] = {
        "format": _FORMAT,
        "step": step_text(state.step),
        "model_at": state.model_at,
        "devices": {device: position.as_list() for device, position in state.devices.items()},
        "stands": {device: list(stand) for device, stand in state.stands.items()},
        "outages": [state.outages[index].as_list() for index in kept.tolist()],
        "phases": {int(world.points[one]): parts for one, parts in state.interruptions.phases.items()},
    }
    arrays: dict[str, Any] = {"standby": world.points[state.standby], "transformer_keys": state.transformer_keys}
    for name, spells, keys in _all(state, world):
        arrays |= _sparse(name, spells, keys, number)
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    text = json.dumps(plain).encode()
    return zlib.compress(len(text).to_bytes(8, "big") + text + buffer.getvalue(), 1)


def unpack(content: bytes, world: World) -> State:
    """The state of packed bytes, with room for every subject of `world`."""
    raw = zlib.decompress(content)
    length = int.from_bytes(raw[:8], "big")
    plain = json.loads(raw[8 : 8 + length])
    arrays = np.load(io.BytesIO(raw[8 + length :]), allow_pickle=False)
    state = State.initial(world)
    state.step, state.model_at = step_of_text(plain["step"]), plain["model_at"]
    state.devices = {int(device): DevicePosition.from_list(listed) for device, listed in plain["devices"].items()}
    state.stands = {int(device): (stand[0], stand[1], stand[2]) for device, stand in plain["stands"].items()}
    state.outages = [OutageFacts.from_list(listed) for listed in plain["outages"]]
    state.standby = np.isin(world.points, arrays["standby"])
    state.transformer_keys = arrays["transformer_keys"]
    state.transformers.grow(len(state.transformer_keys))
    for name, spells, keys in _all(state, world):
        _dense(name, spells, keys, arrays)
    for point, parts in plain["phases"].items():
        state.interruptions.phases[int(np.searchsorted(world.points, int(point)))] = parts
    return state


def _all(state: State, world: World) -> list[tuple[str, Spells, Index]]:
    return [
        ("members", state.members, world.points),
        ("interruptions", state.interruptions, world.points),
        ("transformers", state.transformers, state.transformer_keys),
        ("links", state.links, world.connections.key),
        ("islands", state.islands, world.points),
    ]


def _kept_outages(state: State) -> Index:
    """Outages that something may still refer to: open, holding somebody, or the latest of a device."""
    kept = np.array([facts.restored is None for facts in state.outages], bool)
    for spells in (state.members, state.interruptions, state.transformers, state.links):
        kept[spells.outage[spells.open]] = True
    latest = {f"{position.opened_by}|{device}" for device, position in state.devices.items()}
    for index, facts in enumerate(state.outages):
        kept[index] |= facts.key in latest
    return np.flatnonzero(kept)


def _sparse(name: str, spells: Spells, keys: Index, number: Index) -> dict[str, Any]:
    who = np.flatnonzero(spells.open)
    outage = spells.outage[who] if name == "islands" else number[spells.outage[who]]
    columns = {"key": keys[who], "outage": outage, "began": spells.began[who],
               "mask": spells.mask[who], "stored": spells.stored[who]}  # fmt: skip
    if isinstance(spells, Interruptions):
        columns |= {"earliest": spells.earliest[who], "latest": spells.latest[who]}
    return {f"{name}.{column}": values for column, values in columns.items()}


def _dense(name: str, spells: Spells, keys: Index, arrays: Any) -> None:
    known = np.isin(arrays[f"{name}.key"], keys)  # a connection may have been superseded since
    order = np.argsort(keys, kind="stable")
    who = order[np.searchsorted(keys, arrays[f"{name}.key"][known], sorter=order)]
    columns = ["outage", "began", "mask", "stored"]
    columns += ["earliest", "latest"] if isinstance(spells, Interruptions) else []
    for column in columns:
        getattr(spells, column)[who] = arrays[f"{name}.{column}"][known]

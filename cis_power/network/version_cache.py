"""What is made of a network version is kept by the process: versions never change."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

from sqlalchemy.orm import Session

Made = TypeVar("Made")
MOST = 512

_lock = Lock()
_kept: WeakKeyDictionary[Any, OrderedDict[Hashable, Any]] = WeakKeyDictionary()


def kept(session: Session, key: Hashable, make: Callable[[], Made]) -> Made:
    """What `make` answers, made once a process and database; of each database the last `MOST` used are kept.

    The key names the version and all that the answer depends on, the viewer's territory among it.
    """
    with _lock:
        mine = _kept.setdefault(session.get_bind(), OrderedDict())
        if key in mine:
            mine.move_to_end(key)
            return cast(Made, mine[key])
    made = make()
    with _lock:
        mine[key] = made
        while len(mine) > MOST:
            mine.popitem(last=False)
    return made

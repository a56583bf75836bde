"""Heavy work in a process of its own: what it takes is given back when it ends."""

import ctypes
import multiprocessing
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import TypeVar

from cis_power.core.errors import CisError

Answer = TypeVar("Answer")
_PR_SET_PDEATHSIG = 1


def aside(work: Callable[[], Answer]) -> Answer:
    """Answer of `work`, done in a fork of this process, which ends with it. Raises the CisError that it raises.

    Raises SystemExit when the fork ends without an answer: it has said why.
    """
    fork = multiprocessing.get_context("fork")
    hears, tells = fork.Pipe(duplex=False)
    process = fork.Process(target=_work, args=(work, tells), name="aside")
    process.start()
    tells.close()
    try:
        found, error = hears.recv()
    except EOFError:
        process.join()
        raise SystemExit(1) from None
    except BaseException:
        process.terminate()
        raise
    finally:
        process.join()
        hears.close()
    if error is not None:
        raise error
    answer: Answer = found
    return answer


def _work(work: Callable[[], Answer], tells: Connection) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    try:
        tells.send((work(), None))
    except CisError as error:
        tells.send((None, error))

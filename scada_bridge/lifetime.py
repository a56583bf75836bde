"""How long a process of the bridge lives: until a signal ends it, or one of its tasks fails."""

import asyncio
import contextlib
import signal
from collections.abc import Coroutine
from typing import Any


async def until_signalled(*work: Coroutine[Any, Any, None]) -> None:
    """Do all of the work side by side until SIGTERM or SIGINT; an error in any of it ends the rest and is raised."""
    tasks = [asyncio.create_task(part) for part in work]
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([*tasks, stopping], return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            if task.done():
                task.result()
    finally:
        stopping.cancel()
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

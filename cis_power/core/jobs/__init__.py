"""Jobs: what runs by itself. A wing declares its jobs beside what they run, in a tuple `JOBS` of its `jobs.py`."""

from cis_power.core.jobs.declaration import Job, JobContext
from cis_power.core.jobs.runner import run_now

__all__ = ["Job", "JobContext", "run_now"]

"""Jobs: what runs by itself. A wing declares its jobs beside what they run and lists them in its `jobs.py` as `JOBS`."""

from cis_power.core.jobs.declaration import Job, JobContext

__all__ = ["Job", "JobContext"]

"""The database: one set of models for SQLite and PostgreSQL; differences of the dialects live here."""

from cis_power.core.db.among import among
from cis_power.core.db.appending import bulk_append
from cis_power.core.db.base import Base, Identity
from cis_power.core.db.bulk import bulk_insert, bulk_upsert, chunked
from cis_power.core.db.database import Database
from cis_power.core.db.revision import open_database
from cis_power.core.db.types import Money, UtcDateTime

__all__ = [
    "Base",
    "Database",
    "Identity",
    "Money",
    "UtcDateTime",
    "among",
    "bulk_append",
    "bulk_insert",
    "bulk_upsert",
    "chunked",
    "open_database",
]

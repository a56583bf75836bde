"""Batches: files exchanged with other systems, posted exactly once, with every rejected row kept."""

from cis_power.core.batches.importing import Import, import_file
from cis_power.core.batches.ledger import BatchResult
from cis_power.core.batches.posting import ACCEPTED, REJECTED, UNCHANGED, Outcome, Poster, Posting

__all__ = [
    "ACCEPTED",
    "REJECTED",
    "UNCHANGED",
    "BatchResult",
    "Import",
    "Outcome",
    "Poster",
    "Posting",
    "import_file",
]

"""What is published of what is seen.

One file per subject; adding one is a file and a line in FAMILIES.
"""

from exporter.collectors import multi_attach, signals
from exporter.exposition import Family

FAMILIES: tuple[Family, ...] = (*signals.FAMILIES, *multi_attach.FAMILIES)

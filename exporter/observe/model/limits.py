"""What limits the size of a namespace's claims: read in the remediator's fresh look only.

No detector reads these: the exporter neither watches nor may read them.
"""

from collections.abc import Mapping

import msgspec


class Quota(msgspec.Struct, frozen=True):
    """core/v1 ResourceQuota: what it says of storage that is asked for, in bytes by its own keys.

    `requests.storage` counts all claims of the namespace, `<class>.storageclass.storage.k8s.io/
    requests.storage` those of one class. `hard` is the spec's; a key that is not in `used` has not
    been counted yet. A number that is no quantity is None.
    """

    namespace: str
    name: str
    hard: Mapping[str, int | None]
    used: Mapping[str, int | None]
    version: str = ""


class LimitRange(msgspec.Struct, frozen=True):
    """core/v1 LimitRange: what one claim may ask for, bytes; None: it says nothing of claims."""

    namespace: str
    name: str
    least: int | None = None
    most: int | None = None
    version: str = ""

"""What is seen of a Heketi from outside, and what its database holds.

Times are Unix seconds, sizes bytes; None is what could not be known.
"""

import msgspec


class Heketi(msgspec.Struct, frozen=True):
    """A Heketi by its URL (`name`). `reason` says why it is not `up`, from a closed set.

    `listed`: its database could be read. `clusters` are its clusters' ids.
    """

    name: str
    up: bool
    reason: str = ""
    listed: bool = False
    clusters: tuple[str, ...] = ()
    version: str = ""


class HeketiVolume(msgspec.Struct, frozen=True, gc=False):
    """A volume in a Heketi's database (`/db/dump`). `name` is Gluster's, `id` Heketi's.

    `pending`: an operation on it is not over. `block_host`: it holds block volumes.
    """

    endpoint: str
    name: str
    id: str
    size: int
    cluster: str = ""
    created: float | None = None
    pending: bool = False
    block_host: bool = False
    version: str = ""

    @property
    def namespace(self) -> str:
        """What sets volumes of two Heketis apart."""
        return self.endpoint

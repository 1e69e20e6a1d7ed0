"""What is seen of a Heketi from outside, and what its database holds.

Times are Unix seconds, sizes bytes; None is what could not be known.
"""

from enum import StrEnum

import msgspec

DATABASE_VOLUME = "heketidbstorage"
"""The volume on which Heketi may keep its own database: in every list or in none, and no orphan."""


class HeketiProblem(StrEnum):
    """Why a Heketi does not answer, or does not show its database.

    NO_KEY: we have no key with which to ask.
    """

    REFUSED = "Refused"
    TIMEOUT = "Timeout"
    TLS = "Tls"
    SERVER_FAILED = "ServerFailed"
    UNAUTHORIZED = "Unauthorized"
    GARBAGE = "Garbage"
    UNRESOLVABLE = "Unresolvable"
    NO_KEY = "NoKey"
    OTHER = "Other"


class HeketiCluster(msgspec.Struct, frozen=True, gc=False):
    """A pool of Gluster nodes as a Heketi's database has it: `hosts` are its nodes' names."""

    id: str
    hosts: tuple[str, ...] = ()


class Heketi(msgspec.Struct, frozen=True):
    """A Heketi by its URL (`name`). `reason` is a HeketiProblem and says why it is not `up`.

    `seconds` is how long its greeting took. `listed`: its database could be read, at `looked`;
    `blind` is the HeketiProblem why not. It held so many `volumes` then. `shared`: other Kubernetes
    clusters use it, too, so that a volume without a PersistentVolume here may have one there.
    """

    name: str
    up: bool
    reason: str = ""
    seconds: float | None = None
    listed: bool = False
    blind: str = ""
    looked: float | None = None
    clusters: tuple[HeketiCluster, ...] = ()
    volumes: int = 0
    shared: bool = False
    version: str = ""


class HeketiVolume(msgspec.Struct, frozen=True, gc=False):
    """A volume in a Heketi's database (`/db/dump`). `name` is Gluster's, `id` Heketi's.

    `pending`: an operation on it is not over. `block_host`: it holds block volumes. `settling`:
    within the last hour it came or went. `claimed`: within the last hour a PersistentVolume named
    it, so that it may be on its way out although this list still has it.
    """

    endpoint: str
    name: str
    id: str
    size: int
    cluster: str = ""
    pending: bool = False
    block_host: bool = False
    settling: bool = False
    claimed: bool = False
    version: str = ""

    @property
    def namespace(self) -> str:
        """What sets volumes of two Heketis, and of two pools of one, apart."""
        return f"{self.endpoint} {self.cluster}"

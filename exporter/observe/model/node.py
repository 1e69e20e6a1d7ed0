"""What a node knows of its own file systems: Rok's snapshot space, mounts, the kernel's complaints.

Times are Unix seconds, sizes bytes; None is what could not be known.
"""

from enum import StrEnum

import msgspec

from exporter.observe.model.facts import Cause


class RokSpace(msgspec.Struct, frozen=True):
    """Rok's snapshot space of a node (`name`) and the volume group that it lies in.

    Sizes are as `df -B1` has them; None where the group is there and the file system is not.
    `extended`: the group has more disks than Rok Disk Manager made; `rebooted`: and the node has
    been started anew since (`boot_id` is another). None: not known. `group_unseen` is the sentence
    why nothing is known of the group. `full_since` is since when it has been full, `stays_full`
    whether that is for hours.
    """

    name: str
    size: int | None
    used: int | None
    available: int | None
    group: str = ""
    group_size: int | None = None
    group_free: int | None = None
    disks: int | None = None
    extended: bool | None = None
    rebooted: bool | None = None
    boot_id: str = ""
    group_unseen: str = ""
    full_since: float | None = None
    stays_full: bool = False
    version: str = ""

    @property
    def full(self) -> bool:
        """Whether `df` says 100 %: it rounds up."""
        if self.used is None or self.available is None:
            return False
        return self.used > 0 and self.used * 100 > 99 * (self.used + max(0, self.available))

    @property
    def node(self) -> str:
        """The node whose facts these are."""
        return self.name


class MountProblem(StrEnum):
    """What is wrong with a mounted volume, worst first."""

    HUNG = "Hung"
    NOT_CONNECTED = "NotConnected"
    STALE_HANDLE = "StaleHandle"
    IO_ERROR = "IoError"
    READ_ONLY = "ReadOnly"
    OTHER = "Other"


class Mount(msgspec.Struct, frozen=True, gc=False):
    """A volume that is mounted on `node` and not well; those that are well are only counted.

    `name` is the PersistentVolume's. `device` is without /dev, `path` one of the places where it is
    mounted. Nothing says since when.
    """

    node: str
    name: str
    problem: MountProblem
    fs_type: str = ""
    device: str = ""
    driver: str = ""
    path: str = ""
    version: str = ""

    @property
    def namespace(self) -> str:
        """What sets this node's mount apart from another node's of the same volume."""
        return self.node


class MountCount(msgspec.Struct, frozen=True, gc=False):
    """How many mounts of volumes a node (`name`) has: well, in trouble, and not asked.

    `stuck` are processes of ours that hang in one.
    """

    name: str
    well: int = 0
    troubled: int = 0
    unasked: int = 0
    stuck: int = 0
    version: str = ""

    @property
    def node(self) -> str:
        """The node whose facts these are."""
        return self.name


class KernelFault(msgspec.Struct, frozen=True, gc=False):
    """What the kernel of `node` has said of one device, of one cause, in the last hours.

    `name` is `<device>/<cause>`. `device` is without /dev; `fs_type` is empty where the device
    itself failed; `last` is the newest line's time, and `text` what it says.
    """

    node: str
    name: str
    device: str
    fs_type: str
    cause: Cause
    count: int
    first: float
    last: float
    text: str = ""
    version: str = ""

    @property
    def namespace(self) -> str:
        """What sets this node's device apart from another node's of the same name."""
        return self.node


class FaultCount(msgspec.Struct, frozen=True, gc=False):
    """Lines of the kernel about one type of file system, of one cause."""

    fs_type: str
    cause: Cause
    count: int


class KernelLog(msgspec.Struct, frozen=True, gc=False):
    """What was read of a node's (`name`) kernel log since this program began.

    `lost` are lines that were overwritten before we came to read them.
    """

    name: str
    lines: int = 0
    lost: int = 0
    faults: tuple[FaultCount, ...] = ()
    version: str = ""

    @property
    def node(self) -> str:
        """The node whose facts these are."""
        return self.name

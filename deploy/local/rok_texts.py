"""What rok-csi says of its jobs, word for word as Rok's own pages have it. Pure.

Names stand between a backtick and a single quote in some texts, between two single quotes in
others. Rok Disk Manager, rok-csi and their texts cannot be had: whoever uses this is no Rok.
"""

from __future__ import annotations

WRITER = "rok-csi"
BLOCK, DEVICE_BLOCK = 4096, 4 * 2**20
"""Bytes of a block of the file system, and of the storage device."""
WRITE, CLONE = "0x8A(SCSI_OPCODE_WRITE16)", "0xC3(SCSI_OPCODE_ROK_CLONE_FISK)"
CLONING = "[ 21%] Uploading snapshot... Retrieving volume metadata... Cloning old snapshot..."
UPLOADING = (
    "[ 31%] Uploading snapshot... Retrieving volume metadata... Cloning old snapshot..."
    " Retrieving list of changed blocks... Dropping metadata snapshot... Filtering out unused FS"
    " blocks..."
)
BEGINNING = (
    "[  1%] Retrieving volume metadata... Taking reference to volume's internal snapshot..."
    " Suspending volume..."
)
TAKING = "[ 12%] Taking data snapshot... Taking dm-era metadata snapshot..."
PERCENT = (31, 34, 38, 42, 45)
"""How far a job is that has copied no fifth, one, two ..."""


def marking(space: str, claim: str, volume: str, node: str) -> str:
    """Return that a claim's volume has to leave a cordoned node."""
    where = f"bound on cordoned node '{node}'"
    why = "for unpinning (unpin reason: 'NodeCordoned')..."
    return f"Marking PVC '{space}/{claim}' (PV '{volume}'), {where}, {why}"


def unpinning(claim: str, volume: str, node: str) -> str:
    """Return that it begins to leave."""
    return f"Unpinning PVC `{claim}' (PV `{volume}') from node `{node}'..."


def marked(volume: str) -> str:
    """Return that this was known."""
    return f"PV `{volume}' already marked for unpinning"


def started(job: str, node: str) -> str:
    """Return that a job begins."""
    return f"Starting job `{job}' (worker `{node}')..."


def before(volume: str) -> str:
    """Return that a device was checked before it is snapshotted."""
    device = f"/dev/mapper/roklvm-{volume}-era"
    return (
        f"Performing pre-snapshot verification for device `{device}'... Successfully completed"
        " pre-snapshot verification"
    )


def after(job: str) -> str:
    """Return that the snapshot's device was checked."""
    device = f"/dev/mapper/roklvm-{job}-data-snap"
    return (
        f"Performing post-snapshot verification of snapshot device `{device}'... Successfully"
        f" completed post-snapshot verification of snapshot device `{device}'"
    )


def found(blocks: int) -> str:
    """Return what has changed, by the storage device and by the file system."""
    larger = -(-blocks * BLOCK // DEVICE_BLOCK)
    return (
        f"Found {larger} blocks of size 4MiB ({size(larger * DEVICE_BLOCK)}) reported as changed"
        f" by the underlying storage device Found {blocks} blocks of size 4KiB"
        f" ({size(blocks * BLOCK)}) in use by the filesystem"
    )


def about_to_copy(blocks: int) -> str:
    """Return how much will be copied."""
    return f"[ 31%] About to copy {_changed(blocks)}..."


def copying(blocks: int, fifths: int) -> str:
    """Return how far that is."""
    return f"[ {PERCENT[fifths]}%] Copying {_changed(blocks)}... ({20 * fifths}%)"


def failed(command: str, pod: str) -> str:
    """Return that there was no room, at WRITE or at CLONE; `pod` has the log."""
    return (
        f"Job Failed: SCSI command {command} failed with status `SCSI_STATUS_CHECK_CONDITION' and"
        " KCQ `SCSI_KCQ_LOGICAL_UNIT_NOT_READY_SPACE_ALLOCATION_IN_PROGRESS' (errno: No space left"
        f" on device (28)): Run `kubectl logs -n rok {pod} -c csi-node' for more information"
    )


def size(number: int) -> str:
    """Return bytes as Rok rounds them."""
    unit, name = (2**30, "GiB") if number >= 2**30 else (2**20, "MiB")
    return f"{number / unit:.0f}{name}"


def _changed(blocks: int) -> str:
    return f"{blocks} changed blocks of size 4KiB ({size(blocks * BLOCK)})"

"""Lines of real kernels (3.10 to 6.18) about file systems and devices, and any others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.observe.model import Cause
from exporter.observe.parse import kmsg
from exporter.observe.parse.kmsg import Record, Said

UUID = "7369bd0f-1e89-435d-aa39-437354eb814e"

XFS: tuple[tuple[str, Cause], ...] = (
    (f"Filesystem has duplicate UUID {UUID} - can't mount", Cause.XFS_DUPLICATE_UUID),
    (
        "Superblock has unknown read-only compatible features (0x4) enabled.",
        Cause.XFS_UNSUPPORTED,
    ),
    ("Superblock has unknown incompatible features (0x40) enabled.", Cause.XFS_UNSUPPORTED),
    (
        "Attempted to mount read-only compatible filesystem read-write.",
        Cause.XFS_UNSUPPORTED,
    ),
    ("Filesystem can only be safely mounted read only.", Cause.XFS_UNSUPPORTED),
    ("SB validate failed with error -22.", Cause.XFS_UNSUPPORTED),
    ("SB validate failed with error -74.", Cause.FILESYSTEM_DAMAGED),
    ("SB validate failed with error -117.", Cause.FILESYSTEM_DAMAGED),
    (
        "File system with blocksize 65536 bytes. Only pagesize (4096) or less will currently work.",
        Cause.XFS_UNSUPPORTED,
    ),
    ("Invalid superblock magic number", Cause.WRONG_FS_TYPE),
    (
        "Metadata CRC error detected at xfs_sb_read_verify+0x129/0x150, xfs_sb block 0x0",
        Cause.FILESYSTEM_DAMAGED,
    ),
    (
        "Metadata corruption detected at xfs_agf_read_verify+0x70/0x120 [xfs], xfs_agf block 0x1",
        Cause.FILESYSTEM_DAMAGED,
    ),
    (
        (
            "Corruption of in-memory data (0x8) detected at xfs_trans_cancel+0x100 (fs/xfs/x.c:1)."
            "  Shutting down filesystem."
        ),
        Cause.FILESYSTEM_DAMAGED,
    ),
    ("Unmount and run xfs_repair", Cause.FILESYSTEM_DAMAGED),
    ("log mount/recovery failed: error -117", Cause.FILESYSTEM_DAMAGED),
    ("User initiated shutdown received.", Cause.FILESYSTEM_SHUT_DOWN),
    (
        (
            "Log I/O Error (0x6) detected at xfs_fs_goingdown+0x63/0xb0 (fs/xfs/xfs_fsops.c:475)."
            "  Shutting down filesystem."
        ),
        Cause.FILESYSTEM_SHUT_DOWN,
    ),
    (
        "xfs_do_force_shutdown(0x1) called from line 412 of file fs/xfs/xfs_buf.c.",
        Cause.FILESYSTEM_SHUT_DOWN,
    ),
    ("Please unmount the filesystem and rectify the problem(s)", Cause.FILESYSTEM_SHUT_DOWN),
    (
        'metadata I/O error in "xfs_buf_ioend+0x1" at daddr 0x2 len 1 error 5',
        Cause.IO_ERROR,
    ),
    ('metadata I/O error: block 0x2 ("xfs_trans_read_buf_map") error 5', Cause.IO_ERROR),
)
EXT4: tuple[tuple[str, Cause], ...] = (
    (
        "EXT4-fs error (device sdb): trigger_test_error:129: comm bash: boo",
        Cause.FILESYSTEM_DAMAGED,
    ),
    (
        "EXT4-fs error (device sdb) in ext4_evict_inode:255: IO failure",
        Cause.FILESYSTEM_DAMAGED,
    ),
    (
        "EXT4-fs error (device sdb): ext4_journal_check_start:83: Detected aborted journal",
        Cause.FILESYSTEM_SHUT_DOWN,
    ),
    ("EXT4-fs (sdb): Remounting filesystem read-only", Cause.REMOUNTED_READ_ONLY),
    ("Aborting journal on device sdb-8.", Cause.FILESYSTEM_SHUT_DOWN),
    ("EXT4-fs (sdb): shut down requested (2)", Cause.FILESYSTEM_SHUT_DOWN),
    (
        "EXT4-fs (sdb): Couldn't mount because of unsupported optional features (80000000)",
        Cause.FEATURE_UNSUPPORTED,
    ),
    (
        "EXT4-fs (sdb): couldn't mount RDWR because of unsupported optional features (400)",
        Cause.FEATURE_UNSUPPORTED,
    ),
    ("EXT4-fs (sdb): VFS: Can't find ext4 filesystem", Cause.WRONG_FS_TYPE),
    (
        (
            "EXT4-fs warning (device sdb): ext4_clear_journal_err:6350: Filesystem error recorded"
            " from previous mount: IO failure"
        ),
        Cause.FILESYSTEM_DAMAGED,
    ),
    (
        "EXT4-fs (sdb): warning: mounting fs with errors, running e2fsck is recommended",
        Cause.FILESYSTEM_DAMAGED,
    ),
    ("EXT4-fs (sdb): group descriptors corrupted!", Cause.FILESYSTEM_DAMAGED),
    ("EXT4-fs (sdb): unable to read superblock", Cause.IO_ERROR),
    ("EXT4-fs (sdb): I/O error while writing superblock", Cause.IO_ERROR),
    ("JBD2: Detected IO errors while flushing file data on sdb-8", Cause.IO_ERROR),
    ("JBD2: I/O error when updating journal superblock for sdb-8.", Cause.IO_ERROR),
)
BLOCK = (
    "I/O error, dev sdb, sector 2048 op 0x0:(READ) flags 0x80700 phys_seg 1 prio class 2",
    "blk_update_request: I/O error, dev sdb, sector 2048 op 0x1:(WRITE) flags 0x0",
    "blk_update_request: critical medium error, dev sdb, sector 2048",
    "critical space allocation error, dev sdb, sector 8 op 0x1:(WRITE) flags 0x0",
    "print_req_error: I/O error, dev sdb, sector 0",
    "end_request: I/O error, dev sdb, sector 63",
    "device offline error, dev sdb, sector 8 op 0x0:(READ)",
    "Buffer I/O error on dev sdb, logical block 0, lost async page write",
    "Buffer I/O error on device sdb, logical block 0",
)
OTHERS = (
    "",
    "loop4: detected capacity change from 0 to 819200",
    f"XFS (loop3): Mounting V5 Filesystem {UUID}",
    "XFS (loop3): Ending clean mount",
    f"EXT4-fs (loop3): mounted filesystem {UUID} r/w with ordered data mode. Quota mode: none.",
    f"EXT4-fs (loop3): re-mounted {UUID} ro.",
    "EXT4-fs (sdb): error count since last fsck: 3",
    "EXT4-fs warning (device sdb): ext4_dirblock_csum_verify:1: please run e2fsck -D",
    "SGI XFS with ACLs, security attributes, realtime, scrub, repair, quota, no debug enabled",
    "/dev/mapper/x: Can't lookup blockdev",
    "my program: I/O error, dev is what I develop",
    "00000000: 58 46 53 42 00 00 10 00 00 00 00 00 00 01 90 00  XFSB............",
)


@pytest.mark.parametrize(("text", "cause"), XFS)
def test_xfs_says_why(text: str, cause: Cause) -> None:
    """On whatever device."""
    for device in ("sdb", "rbd0", "nvme1n1p1", "dm-3", "loop4"):
        assert kmsg.said(f"XFS ({device}): {text}") == Said(device, "xfs", cause)


@pytest.mark.parametrize(("text", "cause"), EXT4)
def test_ext4_and_its_journal_say_why(text: str, cause: Cause) -> None:
    """In each of the forms in which they name the device."""
    for device in ("sdb", "dm-3", "nvme1n1p1"):
        assert kmsg.said(text.replace("sdb", device)) == Said(device, "ext4", cause)
    if text.startswith("EXT4-fs error"):
        assert kmsg.said(text.replace("EXT4", "EXT2")) == Said("sdb", "ext2", cause)


@pytest.mark.parametrize("text", BLOCK)
def test_a_device_that_fails_has_no_file_system(text: str) -> None:
    """The block layer knows none."""
    assert kmsg.said(text) == Said("sdb", "", Cause.IO_ERROR)


@pytest.mark.parametrize("text", OTHERS)
def test_all_other_lines_say_nothing(text: str) -> None:
    """Mounting and unmounting, old errors told of once a day, and what is no storage's."""
    assert kmsg.said(text) is None


def test_a_record_has_a_sequence_a_time_and_an_author() -> None:
    """Fields may be added before the text; what a program wrote is not the kernel's."""
    line = b"4,496,1428681956,-;XFS (loop4): x"
    assert kmsg.record(line) == Record(496, 1428.681956, by_kernel=True, text="XFS (loop4): x")
    more = kmsg.record(b"6,1,2,c,caller=T12;text; with a \\x09tab\\x5c")
    assert more == Record(1, 2e-6, by_kernel=True, text="text; with a \ttab\\")
    program = kmsg.record(b"12,493,1428648650,-;XFS (sdb): Unmount and run xfs_repair")
    assert program is not None
    assert not program.by_kernel


@pytest.mark.parametrize(
    "line",
    [b"", b" DEVICE=b8:16", b" SUBSYSTEM=block", b"4,496,1428681956,-", b"x,1,2,-;t", b"\xff" * 9],
)
def test_what_continues_a_record_or_is_none_is_no_record(line: bytes) -> None:
    """Its text is not looked at."""
    assert kmsg.record(line) is None


@given(st.binary())
def test_no_bytes_raise(line: bytes) -> None:
    """A log is anybody's."""
    kmsg.record(line)
    kmsg.record(b"6,1,2,-;" + line)


@given(st.text())
def test_no_text_raises_and_a_device_is_one_word(text: str) -> None:
    """It becomes a label's value."""
    for head in ("", "XFS (", "XFS (sdb): ", "EXT4-fs error (device ", "I/O error, dev ", "JBD2: "):
        said = kmsg.said(head + text)
        if said is not None:
            assert said.device
            assert not set(said.device) & set(" \n,()")


def test_a_megabyte_costs_what_a_page_costs() -> None:
    """And the device is still found at its place."""
    text = "XFS (sdb): " + "x" * 1_000_000 + " corruption"
    assert kmsg.said(text) is None
    assert kmsg.record(b"6,1,2,-;" + text.encode()) is not None

"""Which disk is ours, whether it may be labelled, and texts of tools that are none."""

import msgspec
import pytest

from exporter.observe.model.blocks import BlockDevice, Group, LogicalVolume, PhysicalVolume
from exporter.observe.parse import blocks
from remediator import rok_disk
from remediator.rok_extension import GIB, MIB, Refused

SERIAL = "vol022f9cef32682337f"
OURS = BlockDevice("/dev/nvme2n1", "disk", 1200 * GIB, SERIAL, read_only=False)
ROOT = BlockDevice("/dev/nvme0n1", "disk", 1200 * GIB, "vol0root", holders=("/dev/nvme0n1p1",))


def other(**changed: object) -> BlockDevice:
    """Return our disk with something else about it."""
    return msgspec.structs.replace(OURS, **changed)


def test_a_disk_is_found_by_its_serial_and_size() -> None:
    """Whatever the kernel calls it; a MiB more or less is what partitions of clouds have."""
    assert rok_disk.disk([ROOT, OURS], SERIAL, 1200) == OURS
    for size in (1200 * GIB - MIB, 1200 * GIB + MIB):
        assert rok_disk.disk([other(size=size)], SERIAL, 1200) == other(size=size)


@pytest.mark.parametrize(
    ("found", "why"),
    [
        ([ROOT], "not seen on the node yet"),
        ([], "not seen on the node yet"),
        ([other(serial="")], "not seen"),
        ([other(type="part")], "not seen"),
        ([OURS, other(path="/dev/nvme3n1")], "2 disks have serial"),
        ([other(size=1200 * GIB + MIB + 1)], "should have 1200 GiB"),
        ([other(size=1200 * 10**9)], "should have 1200 GiB"),
        ([other(size=None)], "should have 1200 GiB"),
    ],
)
def test_another_disk_is_never_guessed(found: list[BlockDevice], why: str) -> None:
    """None, a partition, two, or one of another size: SI gigabytes are another size."""
    refused = rok_disk.disk(found, SERIAL, 1200)
    assert isinstance(refused, Refused)
    assert why in refused.why


@pytest.mark.parametrize(
    ("one", "signatures", "why"),
    [
        (OURS, None, "could not be read"),
        (OURS, ("xfs",), "not blank: xfs"),
        (other(file_system="ext4"), (), "not blank: ext4"),
        (other(table="gpt"), (), "not blank: gpt"),
        (other(mounted=("/mnt",)), (), "in use: /mnt"),
        (other(holders=("/dev/dm-0",)), (), "in use: /dev/dm-0"),
        (other(read_only=True), (), "cannot be written"),
        (other(read_only=None), (), "cannot be written"),
    ],
)
def test_a_disk_that_is_not_blank_and_free_is_not_labelled(
    one: BlockDevice, signatures: tuple[str, ...] | None, why: str
) -> None:
    """What could not be read is not blank."""
    refused = rok_disk.used(one, signatures, ())
    assert refused is not None
    assert why in refused.why


def test_a_disk_with_a_label_is_not_labelled() -> None:
    """Of anybody's; and a blank one is."""
    there = PhysicalVolume(OURS.path, "u", "", None, None, None)
    refused = rok_disk.used(OURS, (), [there])
    assert refused is not None
    assert "label" in refused.why
    elsewhere = msgspec.structs.replace(there, device="/dev/sdb")
    assert rok_disk.used(OURS, (), [elsewhere]) is None


def test_our_label_is_known_on_whatever_device() -> None:
    """Its uuid is the Remediation's, in the form that LVM takes."""
    uuid = rok_disk.pv_uuid("a")
    assert [len(part) for part in uuid.split("-")] == [6, 4, 4, 4, 4, 4, 6]
    there = PhysicalVolume("/dev/sdq", uuid, "rokvg", None, None, None)
    assert rok_disk.ours([there], "a") == there
    assert rok_disk.ours([there], "b") is None


def test_only_a_mounted_file_system_of_a_known_kind_is_grown() -> None:
    """Off-line, to be cut off destroys it."""
    assert rok_disk.grow("ext4", "/dev/rokvg/rok-fisks", "/mnt/data") == (
        "resize2fs",
        "/dev/rokvg/rok-fisks",
    )
    for kind, mounted in (("ext4", ""), ("btrfs", "/mnt/data"), (None, "/mnt/data")):
        assert isinstance(rok_disk.grow(kind, "/dev/x", mounted), Refused)


def test_two_groups_of_one_name_are_none() -> None:
    """A copied disk makes such."""
    one = Group("rokvg", "u", 1, 1, 1, 1, 0)
    assert rok_disk.only([one], "rokvg") == one
    assert isinstance(rok_disk.only([one, one], "rokvg"), Refused)
    assert isinstance(rok_disk.only([one], "other"), Refused)


def test_a_disk_on_a_tree_of_others_is_seen_once_and_old_forms_are_read() -> None:
    """Util-linux 2.33 has numbers in quotes, and 0 and 1 for no and yes."""
    text = b"""{"blockdevices": [
      {"path":"/dev/a", "serial":" vol0 ", "size":"1024", "type":"disk", "fstype":null, "ro":"0",
       "mountpoint":null, "pttype":"gpt",
       "children": [{"path":"/dev/a1", "type":"part", "size":512, "ro":true, "mountpoint":"/"}]},
      {"path":"/dev/a1", "type":"part"}]}"""
    whole = BlockDevice(
        "/dev/a", "disk", 1024, "vol0", table="gpt", holders=("/dev/a1",), read_only=False
    )
    part = BlockDevice("/dev/a1", "part", 512, mounted=("/",), read_only=True)
    assert blocks.devices(text) == (whole, part)


@pytest.mark.parametrize("said", [b"", b"{}", b"[]", b"lsblk: failed", b"\xff", b"[" * 10_000])
def test_a_text_that_is_no_report_is_none(said: bytes) -> None:
    """And no empty list: nothing seen is another thing than nothing there."""
    assert blocks.devices(said) is None
    assert blocks.physical_volumes(said) is None
    assert blocks.groups(said) is None
    assert blocks.logical_volumes(said) is None
    assert blocks.file_system(said) is None
    if said:
        assert blocks.signatures(said) is None


def test_a_blank_disk_says_nothing_or_an_empty_list() -> None:
    """By version; a label of LVM's is no file system."""
    assert blocks.signatures(b"") == blocks.signatures(b'{"signatures": []}') == ()
    assert blocks.file_system(b"TYPE=LVM2_member\nUSAGE=raid\n") is None
    assert LogicalVolume("g", "l", None, 4).extents is None
    assert LogicalVolume("g", "l", 8, 0).extents is None

"""Every command that the program can run on a node has an allowed form, and nothing else has."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.observe import disk_commands
from exporter.observe.disk_commands import Argv, RokVolume
from remediator import rok_disk
from remediator.command_forms import forms

ROK = RokVolume()
LVM, GROUP, VOLUME, DEVICE, PATH = (
    ("lvm",),
    "rokvg",
    "rok-fisks",
    "/dev/rokvg/rok-fisks",
    "/mnt/data",
)
FORMS = forms(ROK, PATH)
UID = "0d9c9d3e-6a0b-4f43-9a57-0b3f6f1f2c11"
NEW = "/dev/nvme2n1"


def allowed(argv: Argv) -> bool:
    """Whether one of the forms allows it."""
    return any(form.allows(argv) for form in FORMS)


disks = st.one_of(
    st.from_regex(disk_commands.DISK, fullmatch=True),
    st.from_regex("vol[0-9a-f]{8,17}", fullmatch=True).map(rok_disk.by_id),
)
seconds = st.integers(1, 99)


@given(disk=disks, uid=st.uuids(), within=seconds, extents=st.integers(1, 10**9 - 1))
def test_every_command_that_can_be_made_is_allowed(
    disk: str, uid: object, within: int, extents: int
) -> None:
    """Whatever disk, Remediation and size."""
    commands = (
        disk_commands.lsblk(),
        disk_commands.wipefs(disk),
        disk_commands.blkid(DEVICE),
        disk_commands.pvs(LVM),
        disk_commands.vgs(LVM),
        disk_commands.lvs(LVM, GROUP),
        rok_disk.pvcreate(LVM, disk, str(uid), within),
        rok_disk.vgextend(LVM, GROUP, disk, within),
        rok_disk.lvextend(LVM, GROUP, VOLUME, extents, disk, within),
        rok_disk.grow("ext4", DEVICE, PATH),
        rok_disk.grow("xfs", DEVICE, PATH),
    )
    for argv in commands:
        assert isinstance(argv, tuple)
        assert allowed(argv), argv
    assert len(FORMS) == len(commands)


LABEL = rok_disk.pvcreate(LVM, NEW, UID, 5)
EXTEND = rok_disk.vgextend(LVM, GROUP, NEW, 5)
GROW = rok_disk.lvextend(LVM, GROUP, VOLUME, 42, NEW, 5)


@pytest.mark.parametrize(
    "argv",
    [
        (),
        ("",),
        ("sh", "-c", "id"),
        ("sh", "-c", " ".join(EXTEND)),
        ("timeout", "--kill-after=3", "5", "sh", "-c", "id"),
        ("resize2fs", "-f", DEVICE),
        ("resize2fs", "/dev/sda"),
        ("resize2fs", DEVICE, "1G"),
        ("resize2fs", f"{DEVICE}/../../sda"),
        ("resize2fs", f"{DEVICE}\n"),
        (f"resize2fs {DEVICE}",),
        ("xfs_growfs", "/"),
        ("wipefs", "--all", NEW),
        (*disk_commands.within(15), "wipefs", "--all", "--json", NEW),
        (*disk_commands.within(15), "lvm", "vgs"),
        (*disk_commands.within(15), "lvm", "lvremove", GROUP),
        disk_commands.lvs(LVM, "theirs"),
        disk_commands.lvs(("env", "LVM_SYSTEM_DIR=/tmp", "lvm"), GROUP),
        disk_commands.blkid("/dev/sda"),
        rok_disk.vgextend(LVM, "theirs", NEW, 5),
        rok_disk.vgextend(LVM, GROUP, NEW, 100),
        rok_disk.vgextend(LVM, GROUP, NEW, 0),
        rok_disk.vgextend(LVM, f"--config=x {GROUP}", NEW, 5),
        rok_disk.lvextend(LVM, GROUP, "other", 42, NEW, 5),
        rok_disk.lvextend(LVM, "theirs", VOLUME, 42, NEW, 5),
        rok_disk.lvextend(LVM, GROUP, VOLUME, 0, NEW, 5),
        rok_disk.lvextend(LVM, GROUP, VOLUME, 10**9, NEW, 5),
        (*GROW, "--force"),
        (*GROW[:-1], "--resizefs"),
        (*GROW[:-2], "+10", NEW),
        (*LABEL[:-1], "--yes"),
        (*LABEL[:-1], "-ff", NEW),
        tuple("--force" if word == "--norestorefile" else word for word in LABEL),
        # One argument that says two, and two that say one.
        (*EXTEND[:-2], f"{GROUP} {NEW}"),
        (*EXTEND[:3], "lvm vgextend", *EXTEND[5:], ""),
        ("timeout --kill-after=3", *EXTEND[2:]),
        (*EXTEND, ""),
    ],
)
def test_another_program_option_group_size_or_number_of_arguments_is_not(argv: Argv) -> None:
    """Nor a shell, whatever it is told to run."""
    assert not allowed(argv)


@pytest.mark.parametrize(
    "device",
    [
        "/dev/disk/by-label/rok",
        "/dev/disk/by-uuid/0d9c9d3e",
        "/dev/disk/by-id/nvme-Amazon_EC2_NVMe_Instance_Storage_AWS1",
        "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol022f9cef32682337f-part1",
        "/dev/nvme2n1p1",
        "/dev/nvme2",
        "/dev/mapper/rokvg-rok--fisks",
        "/dev/loop0",
        "/dev/../etc/passwd",
        "/mnt/data/file",
        "nvme2n1",
        "--all",
        "",
        f"{NEW} /dev/sdb",
        f"{NEW}\n/dev/sdb",
    ],
)
def test_a_path_that_is_no_whole_disk_s_own_is_refused(device: str) -> None:
    """A label or a link is what somebody else has written."""
    assert not allowed(disk_commands.wipefs(device))
    assert not allowed(rok_disk.pvcreate(LVM, device, UID, 5))
    assert not allowed(rok_disk.vgextend(LVM, GROUP, device, 5))
    assert not allowed(rok_disk.lvextend(LVM, GROUP, VOLUME, 42, device, 5))


@given(command=st.sampled_from([LABEL, EXTEND, GROW]), data=st.data())
def test_no_argument_can_be_replaced_by_an_option_or_left_out(
    command: Argv, data: st.DataObject
) -> None:
    """One by one: every place in a command is held."""
    place = data.draw(st.integers(0, len(command) - 1))
    option = data.draw(st.from_regex(r"--?[a-z]{1,12}(=[a-z0-9/]{0,9})?", fullmatch=True))
    changed = (*command[:place], option, *command[place + 1 :])
    assert not allowed(changed)
    assert not allowed((*command[:place], *command[place + 1 :]))
    assert not allowed((*command[:place], option, *command[place:]))


def test_other_names_make_other_forms() -> None:
    """Those of the settings, each a literal: a dot is a dot."""
    other = forms(RokVolume("vg.1", "lv", ()), "/srv")
    assert any(form.allows(rok_disk.vgextend((), "vg.1", NEW, 5)) for form in other)
    assert not any(form.allows(rok_disk.vgextend((), "vgx1", NEW, 5)) for form in other)
    with pytest.raises(ValueError, match="no word"):
        forms(RokVolume("vg 1"), "/srv")


def test_a_pattern_has_one_space_fewer_than_arguments_and_no_way_to_another() -> None:
    """So that joined by spaces no argument passes for two; and no pattern has a quote of CEL's."""
    for form in FORMS:
        assert form.pattern.count(" ") == form.arguments - 1
        assert not re.search(r"\\[sSwWdDbB]|\.[*+?]|\[\^|(?<!\\)\.|'|\(\?", form.pattern), form

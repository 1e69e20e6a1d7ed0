"""Rok's volume group on real disks: what LVM made, extended and copied is what is told of it."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.observe import model
from exporter.observe.rok import Rok, RokSettings
from exporter.observe.shell.host import Host
from local import lvm, tools
from local.lvm import Lvm

MIB = 2**20
EXTENT = 4 * MIB

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="loop devices need root")


@pytest.fixture(scope="module")
def tree() -> Path | None:
    """Return where LVM is unpacked."""
    return tools.ensure_lvm(lambda _: None)


@pytest.fixture
def disks(tree: Path | None, tmp_path: Path) -> Iterator[Lvm]:
    """Yield LVM with disks of its own."""
    directory = tmp_path / "lvm"
    directory.mkdir()
    with lvm.opened(tree, directory) as found:
        yield found


def seen(disks: Lvm, directory: Path, boot: str = "one") -> model.RokSpace:
    """Return what a new process sees at its first look."""
    boot_id = directory / "boot_id"
    boot_id.write_text(boot)
    settings = RokSettings(path=directory, lvm=disks.words)
    source = Rok("a", settings, Host(), directory / "rok.json", boot_id=boot_id)
    (found,) = asyncio.run(source.look())
    assert isinstance(found, model.RokSpace)
    return found


def test_sizes_and_the_extension_are_exactly_lvm_s(disks: Lvm, tmp_path: Path) -> None:
    """A group of whole extents, each disk less its first MiB; a third disk, and then a reboot."""
    first, second = disks.disk(64 * MIB), disks.disk(64 * MIB)
    disks.run("pvcreate", first, second)
    assert "no volume group rokvg" in seen(disks, tmp_path).group_unseen
    disks.run("vgcreate", "rokvg", first, second)
    made = seen(disks, tmp_path)
    assert made.group_unseen == ""
    assert (made.group, made.disks, made.extended) == ("rokvg", 2, False)
    assert made.group_size == made.group_free == 2 * 15 * EXTENT

    third = disks.disk(128 * MIB)
    disks.run("vgextend", "rokvg", third)
    grown = seen(disks, tmp_path)
    assert (grown.disks, grown.extended, grown.rebooted) == (3, True, False)
    assert grown.group_size == (2 * 15 + 31) * EXTENT
    assert seen(disks, tmp_path, "two").rebooted is True

    disks.run("vgreduce", "rokvg", third)
    assert seen(disks, tmp_path, "two").extended is False


def test_a_look_writes_nothing_to_any_disk(disks: Lvm, tmp_path: Path) -> None:
    """Neither a lock nor a sequence number; a disk of nobody's stays one."""
    disks.run("vgcreate", "rokvg", disks.disk(64 * MIB))
    disks.disk(64 * MIB)
    before = [image.read_bytes() for image in disks.images]
    assert seen(disks, tmp_path).disks == 1
    assert [image.read_bytes() for image in disks.images] == before


def test_a_disk_that_is_gone_after_a_reboot_is_still_counted(disks: Lvm, tmp_path: Path) -> None:
    """LVM knows what is missing, and the group is as extended as before."""
    disks.run("vgcreate", "rokvg", disks.disk(64 * MIB))
    seen(disks, tmp_path)
    added = disks.disk(64 * MIB)
    disks.run("vgextend", "rokvg", added)
    seen(disks, tmp_path)
    disks.take_away(added)
    found = seen(disks, tmp_path, "two")
    assert (found.disks, found.extended, found.rebooted) == (2, True, True)
    assert found.group_size == 2 * 15 * EXTENT


def test_two_groups_of_the_name_are_a_sentence(
    disks: Lvm, tree: Path | None, tmp_path: Path
) -> None:
    """A disk of another node was attached: which one is Rok's is not guessed."""
    disks.run("vgcreate", "rokvg", disks.disk(64 * MIB))
    elsewhere = tmp_path / "other"
    elsewhere.mkdir()
    with lvm.opened(tree, elsewhere) as other:
        foreign = other.disk(64 * MIB)
        other.run("vgcreate", "rokvg", foreign)
        disks.show(foreign)
        found = seen(disks, tmp_path)
    assert "2 volume groups rokvg" in found.group_unseen
    assert found.disks is None

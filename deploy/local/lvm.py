"""LVM on disks of its own: files behind loop devices, and a configuration that sees no other disk.

The package is the distribution's, unpacked and not installed. What it writes goes to the disks and
to its directory; groups are made and grown, and no logical volume is activated. Needs root.
"""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

from local import debian
from local.errors import LocalClusterError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from local.progress import Report

PROGRAM = "sbin/lvm"
ADVICE = "The tests of Rok's volume group need LVM: Debian's or Ubuntu's package lvm2."
PACKAGES = debian.Packages("lvm", "LVM", ("lvm2",), ADVICE, dependencies=True)
INSTALLED = ("/sbin/lvm", "/usr/sbin/lvm")

# Neither udev nor device-mapper, neither hints nor archives: nothing of this machine is touched.
CONFIGURATION = """
devices {{
    scan = "/dev"
    global_filter = [ {filter} ]
    obtain_device_list_from_udev = 0
    external_device_info_source = "none"
    use_devicesfile = 0
    hints = "none"
}}
backup {{ backup = 0 archive = 0 }}
global {{ locking_dir = "{directory}/lock" event_activation = 0 use_lvmpolld = 0 activation = 0 }}
activation {{ udev_sync = 0 udev_rules = 0 monitoring = 0 }}
"""


class Lvm:
    """LVM and its disks; `opened` is the way in."""

    def __init__(self, words: tuple[str, ...], directory: Path) -> None:
        """Take the words that begin each of its commands."""
        self.words = words
        self._directory = directory
        self._disks: list[str] = []
        self._shown: list[str] = []
        self._configure()

    def disk(self, size: int) -> str:
        """Make a disk of so many bytes, and return its device."""
        image = self._directory / f"disk-{len(self.images)}.img"
        with image.open("wb") as file:
            file.truncate(size)
        device = _said("losetup", "--find", "--show", str(image)).strip()
        self._disks.append(device)
        self._configure()
        return device

    def take_away(self, device: str) -> None:
        """Let a disk vanish, as one that is detached from the machine does."""
        self._disks.remove(device)
        self._configure()
        _said("losetup", "--detach", device)

    def show(self, device: str) -> None:
        """See another's disk as well."""
        self._shown.append(device)
        self._configure()

    @property
    def images(self) -> list[Path]:
        """The files behind all disks that were made."""
        return sorted(self._directory.glob("disk-*.img"))

    def run(self, *words: str) -> str:
        """Run a command of LVM's and return what it printed; raises LocalClusterError."""
        return _said(*self.words, *words)

    def close(self) -> None:
        """Detach the disks."""
        for device in tuple(self._disks):
            self.take_away(device)

    def _configure(self) -> None:
        ours = [f'"a|^{device}$|"' for device in (*self._disks, *self._shown)]
        text = CONFIGURATION.format(filter=", ".join([*ours, '"r|.*|"']), directory=self._directory)
        (self._directory / "lvm.conf").write_text(text)


@contextmanager
def opened(tree: Path | None, directory: Path) -> Iterator[Lvm]:
    """Yield LVM of an unpacked tree, or the installed one; its disks are detached afterwards."""
    if os.geteuid() != 0:
        message = "loop devices need root"
        raise LocalClusterError(message)
    words = ["env", f"LVM_SYSTEM_DIR={directory}", "LVM_SUPPRESS_FD_WARNINGS=1"]
    if tree is None:
        words.append(next(path for path in INSTALLED if os.access(path, os.X_OK)))
    else:
        libraries = {str(path.parent) for path in tree.rglob("lib*.so.*")}
        words += [f"LD_LIBRARY_PATH={':'.join(sorted(libraries))}", str(tree / PROGRAM)]
    found = Lvm(tuple(words), directory)
    try:
        yield found
    finally:
        found.close()


def ensure(cache: Path, report: Report) -> Path | None:
    """Return the directory of the unpacked tree; None where LVM is installed."""
    if any(os.access(path, os.X_OK) for path in INSTALLED):
        return None
    tree = cache / PACKAGES.folder
    return tree if (tree / PROGRAM).is_file() else debian.fetch(cache, PACKAGES, report)


def _said(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        message = f"{' '.join(words)}:\n{done.stderr.strip()}"
        raise LocalClusterError(message)
    return done.stdout

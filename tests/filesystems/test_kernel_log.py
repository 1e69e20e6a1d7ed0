"""The kernel's log, real and written: what is told, counted, lost, forgotten, and never twice."""

import asyncio
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from exporter.observe import errors, model
from exporter.observe.kernel_log import KEPT_SECONDS, MOST_FAULTS, RECENT_SECONDS, KernelLog
from exporter.observe.model import Cause, FaultCount
from exporter.observe.parse import events
from exporter.observe.signals.mount_failing import MountFailing, subject_of
from local import loop_disk
from tests.filesystems.mounted import needs_loop
from tests.signals import made

KMSG = Path("/dev/kmsg")
DEADLINE_SECONDS = 20.0
BEGAN = 100_000.0
BOOTED = 90_000.0


class Written:
    """A pipe like /dev/kmsg, and a source that reads it on a clock of its own."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "kmsg"
        os.mkfifo(self.path)
        self.now = BEGAN
        self.overrun = False
        clocks = (lambda: self.now, lambda: self.now - BOOTED)
        self.log = KernelLog("a", self.path, *clocks, read=self._read)
        self._to = os.open(self.path, os.O_RDWR)
        self.sequence = 100

    def _read(self, descriptor: int, size: int) -> bytes:
        if self.overrun:
            self.overrun = False
            raise BrokenPipeError
        return os.read(descriptor, size)

    def write(self, text: str, at: float | None = None, priority: int = 4) -> None:
        """Write one record; `at` is Unix seconds."""
        when = int(((self.now if at is None else at) - BOOTED) * 1e6)
        self.raw(f"{priority},{self.sequence},{when},-;{text}\n".encode())
        self.sequence += 1

    def raw(self, what: bytes) -> None:
        """Write what is no record, or half of one."""
        os.write(self._to, what)

    def seen(self) -> tuple[dict[str, model.KernelFault], model.KernelLog]:
        """Look once."""
        found = asyncio.run(self.log.look())
        (summary,) = [one for one in found if isinstance(one, model.KernelLog)]
        return {one.name: one for one in found if isinstance(one, model.KernelFault)}, summary

    def close(self) -> None:
        """Let go."""
        self.log.close()
        os.close(self._to)


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Written]:
    """Give an empty log."""
    found = Written(tmp_path)
    yield found
    found.close()


def test_a_fault_is_told_by_device_and_cause_and_counted(written: Written) -> None:
    """With its first and its newest line."""
    written.write("XFS (sdb): Filesystem has duplicate UUID 1 - can't mount")
    written.raw(b" SUBSYSTEM=block\n DEVICE=b8:16\n")
    written.now += 60
    written.write("XFS (sdb): Filesystem has duplicate UUID 2 - can't mount")
    written.write("XFS (sdb): Ending clean mount")
    written.write("I/O error, dev sdc, sector 8 op 0x0:(READ)")
    faults, summary = written.seen()
    assert faults["sdb/XfsDuplicateUuid"] == model.KernelFault(
        node="a",
        name="sdb/XfsDuplicateUuid",
        device="sdb",
        fs_type="xfs",
        cause=Cause.XFS_DUPLICATE_UUID,
        count=2,
        first=BEGAN,
        last=BEGAN + 60,
        text="XFS (sdb): Filesystem has duplicate UUID 2 - can't mount",
    )
    assert faults.keys() == {"sdb/XfsDuplicateUuid", "sdc/IoError"}
    assert summary == model.KernelLog(
        "a",
        lines=4,
        lost=0,
        faults=(
            FaultCount("", Cause.IO_ERROR, 1),
            FaultCount("xfs", Cause.XFS_DUPLICATE_UUID, 2),
        ),
    )
    assert written.seen() == (faults, summary), "a second look counts nothing again"


def test_what_was_there_before_us_is_told_for_an_hour_and_not_counted(written: Written) -> None:
    """Our restart must neither hide a fault nor count it twice."""
    written.write("XFS (sdb): Unmount and run xfs_repair", at=BEGAN - RECENT_SECONDS + 10)
    written.write("XFS (sdc): Unmount and run xfs_repair", at=BEGAN - RECENT_SECONDS - 10)
    faults, summary = written.seen()
    assert faults.keys() == {"sdb/FilesystemDamaged"}
    assert (summary.lines, summary.faults) == (2, ())


def test_a_fault_without_repeats_is_forgotten_and_its_count_is_not(written: Written) -> None:
    """A counter never goes back."""
    written.write("XFS (sdb): Unmount and run xfs_repair")
    assert written.seen()[0]
    written.now += KEPT_SECONDS + 1
    faults, summary = written.seen()
    assert faults == {}
    assert summary.faults == (FaultCount("xfs", Cause.FILESYSTEM_DAMAGED, 1),)


def test_lines_that_were_overwritten_are_counted(written: Written) -> None:
    """The kernel refuses one read then, and the sequence has a gap."""
    written.write("one")
    assert written.seen()[1].lines == 1
    written.sequence += 40
    written.overrun = True
    written.write("two")
    assert (written.seen()[1].lines, written.seen()[1].lost) == (2, 40)
    assert not written.overrun


def test_half_a_line_waits_for_its_other_half(written: Written) -> None:
    """A pipe may end a read anywhere; the kernel does not."""
    written.raw(b"4,100,10000000000,-;XFS (sdb): Unmount and ")
    assert written.seen()[0] == {}
    written.raw(b"run xfs_repair\n")
    assert written.seen()[0].keys() == {"sdb/FilesystemDamaged"}


def test_what_a_program_wrote_into_the_log_is_not_believed(written: Written) -> None:
    """Anybody with the device can."""
    written.write("XFS (sdb): Unmount and run xfs_repair", priority=12)
    assert written.seen()[0] == {}


def test_only_so_many_faults_are_told_of(written: Written) -> None:
    """The newest ones."""
    for number in range(MOST_FAULTS + 10):
        written.write(f"XFS (sd{number}): Unmount and run xfs_repair")
    faults, _ = written.seen()
    assert len(faults) == MOST_FAULTS
    assert f"sd{MOST_FAULTS + 9}/FilesystemDamaged" in faults


def test_a_log_that_was_closed_is_read_on_and_not_anew(written: Written) -> None:
    """Every reader is told all lines from the oldest one on."""
    written.write("XFS (sdb): Unmount and run xfs_repair")
    assert written.seen()[0]
    written.log.close()
    written.sequence -= 1
    written.write("XFS (sdb): Unmount and run xfs_repair")
    faults, summary = written.seen()
    assert faults["sdb/FilesystemDamaged"].count == 1
    assert (summary.lines, summary.lost) == (1, 0)


def test_a_log_that_is_not_there_or_not_for_us_is_unseen(tmp_path: Path) -> None:
    """It says which file."""
    missing = KernelLog("a", tmp_path / "kmsg", time.time, time.monotonic)
    with pytest.raises(errors.NotFound, match="kmsg"):
        asyncio.run(missing.look())
    folder = KernelLog("a", tmp_path, time.time, time.monotonic)
    with pytest.raises(errors.Unreachable, match="cannot be read"):
        asyncio.run(folder.look())


readable = pytest.mark.skipif(
    os.geteuid() != 0 or not os.access(KMSG, os.R_OK), reason="needs root and /dev/kmsg"
)


def read(path: Path, offset: int) -> bytes:
    """Read a page."""
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(4096)


class Real:
    """The kernel's own log."""

    def __init__(self) -> None:
        self.log = KernelLog("a", KMSG, time.time, time.monotonic)

    def until(self, name: str) -> model.KernelFault:
        """Look until there is this fault."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < deadline:
            for one in asyncio.run(self.log.look()):
                if isinstance(one, model.KernelFault) and one.name == name:
                    return one
        raise AssertionError(f"the kernel has not said {name}")


@pytest.fixture
def real() -> Iterator[Real]:
    """Give the real log."""
    found = Real()
    yield found
    found.log.close()


def reason_of_a_pod(said: str, fault: model.KernelFault) -> str | None:
    """Return why a pod does not start whose kubelet tells what mount(8) said on this node."""
    pod = made.pod(claim_volumes=("vol",), sandbox=False)
    text = (
        'MountVolume.MountDevice failed for volume "pv-data" : rpc error: code = Internal desc ='
        f" mount failed: exit status 32\nOutput: {said}"
    )
    about = made.event(pod, None, reason="FailedMount", component="kubelet")
    event = made.event(pod, events.fact(text, about), message=text, last=time.time())
    volume = made.volume(fs_type="xfs")
    world: list[model.Object] = [
        made.node(),
        made.claim(),
        volume,
        made.attachment(),
        pod,
        event,
        fault,
    ]
    found = MountFailing().decide(subject_of("web", "user", "data"), made.view(world))
    return found.reason if found is not None else None


@readable
@needs_loop
def test_a_real_kernel_refuses_a_copy_of_a_mounted_xfs(
    real: Real, xfs: Path, tmp_path: Path
) -> None:
    """What a pod with a clone beside its source runs into."""
    copy = tmp_path / "copy.img"
    loop_disk.run("cp", "--sparse=always", str(xfs), str(copy))
    with (
        loop_disk.attached(xfs) as source,
        loop_disk.attached(copy) as clone,
        source.mounted(tmp_path / "source"),
    ):
        with ExitStack() as stack, pytest.raises(subprocess.CalledProcessError) as refused:
            stack.enter_context(clone.mounted(tmp_path / "clone"))
        assert f"bad superblock on {clone.device}," in refused.value.stderr
        fault = real.until(f"{clone.name}/XfsDuplicateUuid")
        assert (fault.fs_type, fault.device) == ("xfs", clone.name)
        assert abs(fault.last - time.time()) < 60.0
        assert reason_of_a_pod(refused.value.stderr, fault) == "XfsDuplicateUuid"


@readable
@needs_loop
def test_a_real_kernel_tells_of_an_error_and_of_turning_read_only(
    real: Real, ext4: Path, tmp_path: Path
) -> None:
    """ext4, by its own switch."""
    with (
        loop_disk.attached(ext4) as disk,
        disk.mounted(tmp_path / "point", "errors=remount-ro"),
    ):
        Path(f"/sys/fs/ext4/{disk.name}/trigger_fs_error").write_text("provoked\n")
        assert "provoked" in real.until(f"{disk.name}/FilesystemDamaged").text
        assert real.until(f"{disk.name}/RemountedReadOnly").fs_type == "ext4"


@readable
@needs_loop
def test_a_real_kernel_tells_of_a_disk_that_fails(real: Real, ext4: Path) -> None:
    """Half of it is cut away under the device."""
    with loop_disk.attached(ext4) as disk:
        os.truncate(ext4, 4096)
        with pytest.raises(OSError, match="error"):
            read(Path(disk.device), 8 * 1024 * 1024)
        assert real.until(f"{disk.name}/IoError").fs_type == ""

"""/proc/<pid>/mountinfo as text: claims' mounts, read-only file systems, escapes, and junk."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.observe.model import MountProblem
from exporter.observe.parse import mountinfo
from exporter.observe.parse.mountinfo import Table, VolumeData

POD = "/var/lib/kubelet/pods/3b7c/volumes"
PLUGINS = "/var/lib/kubelet/plugins/kubernetes.io"
CSI = f"{POD}/kubernetes.io~csi/pv-data/mount"
STAGING = f"{PLUGINS}/csi/ebs.csi.aws.com/{'0' * 64}/globalmount"
OLD_STAGING = f"{PLUGINS}/csi/pv/pv-data/globalmount"


def line(point: str, own: str = "rw,relatime", behind: str = "ext4 /dev/sdb rw") -> str:
    """Return a line of a mount."""
    return f"196 27 8:16 / {point} {own} shared:7 - {behind}\n"


def problems(*lines: str, was: frozenset[mountinfo.Key] = frozenset()) -> list[str | None]:
    """Return what is wrong with each volume of a mountinfo."""
    table = mountinfo.table("".join(lines).encode())
    return [mountinfo.problem(one, table.writable, was) for one in table.volumes]


def test_a_line_is_read_whatever_its_optional_fields_are() -> None:
    """None, one or several of them stand before the separator."""
    for optional in ("", "shared:7 ", "shared:7 master:1 propagate_from:2 unbindable "):
        text = f"196 27 8:16 /sub {CSI} rw,noatime {optional}- xfs /dev/rbd0 rw,nouuid\n"
        table = mountinfo.table(text.encode())
        (one,) = table.volumes
        assert (one.id, one.device, one.point, one.name) == (196, "8:16", CSI, "pv-data")
        assert (one.plugin, one.fs_type, one.source) == ("csi", "xfs", "/dev/rbd0")
        assert (one.writable, one.read_only, table.unparsed) == (True, False, 0)


@pytest.mark.parametrize(
    ("point", "name"),
    [
        (CSI, "pv-data"),
        (f"/opt/k8s/pods/1/volumes/kubernetes.io~nfs/{'pvc-1'}", "pvc-1"),
        (f"{POD}/kubernetes.io~local-volume/local-1", "local-1"),
        (f"{POD}/kubernetes.io~glusterfs/pvc-2", "pvc-2"),
    ],
)
def test_a_claim_s_mount_is_known_by_its_place(point: str, name: str) -> None:
    """Wherever the kubelet has its folder."""
    assert [one.name for one in mountinfo.table(line(point).encode()).volumes] == [name]


@pytest.mark.parametrize(
    "point",
    [
        "/",
        f"{POD}/kubernetes.io~csi/pv-data",
        f"{POD}/kubernetes.io~nfs/pvc-1/sub",
        f"{POD}/kubernetes.io~projected/kube-api-access-x",
        f"{POD}/kubernetes.io~secret/token",
        f"{POD}/kubernetes.io~empty-dir/cache",
        "/var/lib/kubelet/pods/3b7c/volume-subpaths/data/app/0",
        f"{PLUGINS}/csi/volumeDevices/publish/pv-data/3b7c",
        f"{PLUGINS}/csi/volumeDevices/staging/pv-data",
        STAGING,
    ],
)
def test_what_is_no_claim_s_file_system_is_left_out(point: str) -> None:
    """A pod's own volumes, block devices, what lies inside, and the node's own mounts."""
    assert mountinfo.table(line(point, behind="tmpfs tmpfs ro").encode()).volumes == ()


@pytest.mark.parametrize(
    ("own", "behind", "expected"),
    [
        ("rw", "ext4 /dev/sdb rw", None),
        ("rw", "ext4 /dev/sdb rw,errors=remount-ro", None),
        ("rw", "ext4 /dev/sdb ro,errors=remount-ro", MountProblem.READ_ONLY),
        ("rw", "ext4 /dev/sdb rw,errors=remount-ro,emergency_ro", MountProblem.READ_ONLY),
        ("ro", "ext4 /dev/sdb rw,emergency_ro", MountProblem.READ_ONLY),
        ("rw", "ext4 /dev/sdb rw,shutdown", MountProblem.IO_ERROR),
        ("ro,relatime", "ext4 /dev/sdb ro", None),
        ("ro", "ext4 /dev/sdb rw", None),
        ("rw", "squashfs /dev/loop1 ro", None),
    ],
)
def test_a_file_system_has_turned_read_only_or_was_meant_so(
    own: str, behind: str, expected: MountProblem | None
) -> None:
    """`ro` behind the separator and not before it, as old kernels say it; new ones have a word."""
    assert problems(line(CSI, own, behind)) == [expected]


@pytest.mark.parametrize("staging", [STAGING, OLD_STAGING, f"{PLUGINS}/aws-ebs/mounts/vol-1"])
def test_the_global_mount_shows_how_the_file_system_was_meant(staging: str) -> None:
    """Of the same device: it is writable where the volume was."""
    read_only = line(CSI, "ro", "ext4 /dev/sdb ro")
    assert problems(read_only, line(staging, "rw", "ext4 /dev/sdb ro")) == [MountProblem.READ_ONLY]
    assert problems(read_only, line(staging, "ro", "ext4 /dev/sdb ro")) == [None]
    other = line(staging, "rw").replace("8:16", "8:32")
    assert problems(read_only, other) == [None]


def test_a_mount_that_once_could_be_written_to_was_not_meant_read_only() -> None:
    """The very same one: another mount at the same place is another matter."""
    (was,) = mountinfo.table(line(CSI).encode()).volumes
    known = mountinfo.written_to([was])
    read_only = line(CSI, "ro", "ext4 /dev/sdb ro")
    assert problems(read_only, was=known) == [MountProblem.READ_ONLY]
    assert problems(read_only.replace("196 ", "197 ", 1), was=known) == [None]


def test_octal_escapes_are_what_the_kernel_escaped() -> None:
    """Blanks, tabs, line ends and backslashes; bytes that are no UTF-8 survive."""
    escaped = f"/srv/my\\040kube\\011let\\134x\\012{POD}/kubernetes.io~nfs/pv"
    text = line(escaped, behind="nfs server:/a\\040b rw").encode().replace(b"/pv ", b"/pv\xff ")
    (one,) = mountinfo.table(text).volumes
    assert one.point == f"/srv/my kube\tlet\\x\n{POD}/kubernetes.io~nfs/pv\udcff"
    assert one.source == "server:/a b"
    assert one.point in mountinfo.points(text)


@pytest.mark.parametrize(
    ("text", "unparsed"),
    [
        (line(CSI)[:-1], 0),
        (line(CSI)[:90] + "\n", 1),
        (line(CSI).replace(" - ", " "), 1),
        (line(CSI).replace("196", "x"), 1),
        (line(CSI, behind="ext4 /dev/sdb"), 1),
        ("kubernetes.io\n\n \nkubernetes.io - - - -\n", 2),
    ],
    ids=["no end", "cut", "no separator", "no number", "no options", "junk"],
)
def test_half_a_line_says_nothing_and_junk_is_counted(text: str, unparsed: int) -> None:
    """The lines around it are read."""
    assert mountinfo.table(text.encode()) == Table(unparsed=unparsed)
    whole = mountinfo.table((line(CSI) + text).encode())
    assert (len(whole.volumes), whole.unparsed) == (1, unparsed)


def test_a_source_without_a_name_is_two_blanks() -> None:
    """As the kernel prints it."""
    (one,) = mountinfo.table(line(CSI, behind="fuse  rw").encode()).volumes
    assert (one.fs_type, one.source) == ("fuse", "")


@given(st.binary() | st.text().map(lambda text: f"{line(CSI)}{text}kubernetes.io".encode()))
def test_no_text_raises(text: bytes) -> None:
    """And no part of a table is a table of its own."""
    table = mountinfo.table(text)
    for one in table.volumes:
        mountinfo.problem(one, table.writable, ())
    mountinfo.points(text)
    mountinfo.volume_data(text)


@given(st.lists(st.sampled_from([*"0 -/\\:,~", "rw", "ro", "kubernetes.io", "8:1", "\n"])))
def test_no_table_of_likely_words_raises(words: list[str]) -> None:
    """Near the grammar is where a parser breaks."""
    mountinfo.table((" ".join(words) + "\n").encode())
    mountinfo.points("".join(words).encode())


def test_ten_thousand_mounts_are_read_at_once() -> None:
    """Most of them are no claim's."""
    other = "".join(line(f"/var/lib/containerd/overlay/{n}/merged") for n in range(9_500))
    ours = "".join(line(f"{POD}/kubernetes.io~csi/pv-{n}/mount") for n in range(500))
    began = time.monotonic()
    assert len(mountinfo.table((other + ours).encode()).volumes) == 500
    assert time.monotonic() - began < 1.0


def test_the_kubelet_s_file_beside_a_csi_mount_names_volume_and_driver() -> None:
    """What cannot be read says nothing."""
    text = b'{"attachmentID":"csi-1","driverName":"d","specVolID":"pv","volumeLifecycleMode":"%s"}'
    assert mountinfo.volume_data(text % b"Persistent") == VolumeData("d", "pv", "Persistent")
    assert mountinfo.volume_data(text % b"Ephemeral").ephemeral
    assert mountinfo.volume_data(b'{"driverName": 7}') == VolumeData()
    assert mountinfo.volume_data(text[:20]) == VolumeData()

"""Texts of lsblk, wipefs, blkid and LVM's reports -> what they say of disks. Pure.

None is a text that is no such answer: it proves nothing, least of all that a disk is blank. Numbers
may stand in quotes, as older versions have them. No text raises.
"""

from collections.abc import Iterable, Iterator

import msgspec

from exporter.observe.model.blocks import BlockDevice, Group, LogicalVolume, PhysicalVolume
from exporter.observe.parse.lvm import whole

LSBLK = ("PATH", "SERIAL", "SIZE", "TYPE", "FSTYPE", "PTTYPE", "MOUNTPOINT", "RO")
"""What to ask of it: columns that util-linux 2.33 (Debian 10) has as well as today's."""
PVS = ("pv_name", "pv_uuid", "vg_name", "pv_size", "pv_pe_count", "pv_pe_alloc_count")
VGS = (
    "vg_name",
    "vg_uuid",
    "vg_size",
    "pv_count",
    "vg_extent_size",
    "vg_extent_count",
    "vg_free_count",
)
LVS = ("vg_name", "lv_name", "lv_size", "vg_extent_size")

Number = str | int | float | None
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class _Device(msgspec.Struct):
    path: str
    type: str = ""
    serial: str | None = None
    size: str | int | None = None
    fstype: str | None = None
    pttype: str | None = None
    mountpoint: str | None = None
    ro: bool | str | int | None = None
    children: list["_Device"] = []


class _Devices(msgspec.Struct):
    blockdevices: list[_Device]


class _Signature(msgspec.Struct):
    type: str
    offset: str = ""


class _Signatures(msgspec.Struct):
    signatures: list[_Signature]


class _Row(msgspec.Struct):
    """A row of any of LVM's reports."""

    pv_name: str = ""
    pv_uuid: str = ""
    pv_size: Number = None
    pv_pe_count: Number = None
    pv_pe_alloc_count: Number = None
    vg_name: str = ""
    vg_uuid: str = ""
    vg_size: Number = None
    pv_count: Number = None
    vg_extent_size: Number = None
    vg_extent_count: Number = None
    vg_free_count: Number = None
    lv_name: str = ""
    lv_size: Number = None


class _Part(msgspec.Struct):
    pv: list[_Row] | None = None
    vg: list[_Row] | None = None
    lv: list[_Row] | None = None


class _Report(msgspec.Struct):
    report: list[_Part]


def devices(said: bytes) -> tuple[BlockDevice, ...] | None:
    """Read `lsblk --json --bytes --output` of LSBLK: each device once, those on others too."""
    try:
        found = msgspec.json.decode(said, type=_Devices).blockdevices
    except _UNREADABLE:
        return None
    by_path: dict[str, BlockDevice] = {}
    for one in _all(found):
        by_path.setdefault(one.path, _device(one))
    return tuple(by_path[path] for path in sorted(by_path))


def signatures(said: bytes) -> tuple[str, ...] | None:
    """Read `wipefs --no-act --json` that ended with 0: types of what is on a disk, () for nothing.

    Versions that print nothing for a blank disk are understood.
    """
    if not said.strip():
        return ()
    try:
        found = msgspec.json.decode(said, type=_Signatures).signatures
    except _UNREADABLE:
        return None
    return tuple(sorted(one.type for one in found))


def file_system(said: bytes) -> str | None:
    """Read `blkid --probe --output export`: the file system's type; None where it says none."""
    lines = said.decode("utf-8", "replace").splitlines()
    words = dict(line.split("=", 1) for line in lines if "=" in line)
    return words.get("TYPE") if words.get("USAGE") == "filesystem" else None


def physical_volumes(said: bytes) -> tuple[PhysicalVolume, ...] | None:
    """Read `pvs` of PVS, by device."""
    rows = _rows(said, "pv")
    if rows is None:
        return None
    made = (
        PhysicalVolume(
            one.pv_name,
            one.pv_uuid,
            one.vg_name,
            whole(one.pv_size),
            whole(one.pv_pe_count),
            whole(one.pv_pe_alloc_count),
        )
        for one in rows
        if one.pv_name
    )
    return tuple(sorted(made, key=lambda one: one.device))


def groups(said: bytes) -> tuple[Group, ...] | None:
    """Read `vgs` of VGS, by name; two of one name are two."""
    rows = _rows(said, "vg")
    if rows is None:
        return None
    made = (
        Group(
            one.vg_name,
            one.vg_uuid,
            whole(one.vg_size),
            whole(one.pv_count),
            whole(one.vg_extent_size),
            whole(one.vg_extent_count),
            whole(one.vg_free_count),
        )
        for one in rows
        if one.vg_name
    )
    return tuple(sorted(made, key=lambda one: (one.name, one.uuid)))


def logical_volumes(said: bytes) -> tuple[LogicalVolume, ...] | None:
    """Read `lvs` of LVS, by group and name."""
    rows = _rows(said, "lv")
    if rows is None:
        return None
    made = (
        LogicalVolume(one.vg_name, one.lv_name, whole(one.lv_size), whole(one.vg_extent_size))
        for one in rows
        if one.vg_name and one.lv_name
    )
    return tuple(sorted(made, key=lambda one: (one.group, one.name)))


def _rows(said: bytes, kind: str) -> list[_Row] | None:
    try:
        found = msgspec.json.decode(said, type=_Report).report
    except _UNREADABLE:
        return None
    parts: list[list[_Row] | None] = [getattr(one, kind) for one in found]
    known = [rows for rows in parts if rows is not None]
    return [row for rows in known for row in rows] if known else None


def _all(found: Iterable[_Device]) -> Iterator[_Device]:
    for one in found:
        yield one
        yield from _all(one.children)


def _device(one: _Device) -> BlockDevice:
    read_only = {"1": True, "0": False, "true": True, "false": False}
    return BlockDevice(
        one.path,
        one.type,
        whole(one.size),
        (one.serial or "").strip(),
        one.fstype or "",
        one.pttype or "",
        (one.mountpoint,) if one.mountpoint else (),
        tuple(each.path for each in one.children),
        None if one.ro is None else read_only.get(str(one.ro).lower()),
    )

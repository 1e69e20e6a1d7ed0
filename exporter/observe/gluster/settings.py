"""The section `gluster` of the node role's settings. Where a thing is, as the host says it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import msgspec

from exporter.kit.described import setting
from exporter.kit.values import Duration
from exporter.observe.shell.pod import ExecSettings

RAREST = 90.0
"""Seconds between two looks: after two minutes without one nothing would be seen."""
LONGEST = 25.0
"""Seconds for one command: a look asks up to four, and may take two minutes in all."""


class GlusterSettings(msgspec.Struct, frozen=True):
    """The section `gluster`."""

    work_directory: Annotated[
        Path,
        setting(
            "Where glusterd keeps its own files; without its glusterd.info there is none here."
        ),
    ] = Path("/var/lib/glusterd")
    log_directory: Annotated[Path, setting("Where GlusterFS writes its logs.")] = Path(
        "/var/log/glusterfs"
    )
    state_directory: Annotated[
        Path,
        setting(
            "Where glusterd writes its state for us, for a moment, into one file"
            " (pvmedic-glusterd-state). Best in memory; glusterd must be able to write there."
        ),
    ] = Path("/run/gluster")
    pid_file: Annotated[Path, setting("The file with the number of glusterd's process.")] = Path(
        "/run/glusterd.pid"
    )
    exec: Annotated[
        ExecSettings,
        setting("In which pods glusterd runs, and is asked there; on this host without."),
    ] = ExecSettings()
    every: Annotated[
        Duration,
        setting("How often glusterd and the file systems are looked at.", unit="duration"),
    ] = Duration(60)
    timeout: Annotated[
        Duration, setting("How long one command of gluster may take.", unit="duration")
    ] = Duration(20)

    def problems(self) -> Iterable[tuple[str, str]]:
        """Name what contradicts."""
        if not 1.0 <= self.every <= RAREST:
            yield ("every", f"must be at least 1s and at most {RAREST:.0f}s, or it is unseen")
        if not 0 < self.timeout <= LONGEST:
            yield ("timeout", f"must be more than 0s and at most {LONGEST:.0f}s")
        for name in ("work_directory", "log_directory", "state_directory", "pid_file"):
            if not getattr(self, name).is_absolute():
                yield (name, "must be an absolute path")

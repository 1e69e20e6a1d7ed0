"""The command `pvmedic-exporter`: its roles, each with its command line.

Without a role, or as `cluster`, it watches the API and serves for ever; as `node` it looks at the
machine that it is on and serves; as `once` and as `orphans` it looks at a cluster and ends.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path

from exporter import app, node_app, once, orphans
from exporter.kit import settings
from exporter.kit.program import UNUSABLE, Program
from exporter.kit.program import main as run_program
from exporter.observe.errors import ObserveError
from exporter.observe.kube.access import Access, Where, access, kubeconfig
from exporter.settings import NodeSettings, Settings

PROGRAM = Program("pvmedic-exporter", app.ABOUT.description, (ObserveError,))
NODE = Program("pvmedic-exporter node", node_app.ABOUT.description, (ObserveError,))
ROLES = ("cluster", "node", "once", "orphans")


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit status."""
    given = sys.argv[1:] if arguments is None else arguments
    role, rest = (given[0], given[1:]) if given[:1] and given[0] in ROLES else ("cluster", given)
    if role == "once":
        return look_once(rest)
    if role == "orphans":
        return list_orphans(rest)
    if role == "node":
        return run_program(NODE, NodeSettings, node_app.run, os.environ, rest)
    return run_program(PROGRAM, Settings, app.run, os.environ, rest)


def look_once(arguments: list[str]) -> int:
    """Look at a cluster once and return the exit status of what was found."""
    parser = argparse.ArgumentParser(
        prog="pvmedic-exporter once",
        description="Say what is wrong with a cluster's storage. Reads only.",
        epilog="Exit status: 0 nothing is wrong, 1 something is, 3 nothing that could be seen is,"
        " 2 it could not be run.",
    )
    _add_common(parser)
    parser.add_argument(
        "--all", action="store_true", help="show what began only just now in the table, too"
    )
    given = parser.parse_args(arguments)

    async def look(read: Settings, who: Access) -> int:
        asked = (read.kubelets, read.heketi, given.output)
        return await once.run(who, *asked, everything=given.all)

    return _looked(parser.prog, given, look)


def list_orphans(arguments: list[str]) -> int:
    """Compare the lists of volumes once and return the exit status of what was found."""
    parser = argparse.ArgumentParser(
        prog="pvmedic-exporter orphans",
        description="List the volumes that Gluster, Heketi and Kubernetes disagree about. Reads"
        " only. Gluster's list is what the nodes tell, or a file that you made on one of them.",
        epilog="Exit status: 0 all lists agree, 1 they do not, 3 those that could be seen do, 2 it"
        " could not be run.",
    )
    _add_common(parser)
    parser.add_argument(
        "--volumes",
        type=Path,
        metavar="FILE",
        action="append",
        default=[],
        help="names of Gluster's volumes: `gluster volume list > FILE`; of those that only Gluster"
        " has, the ones that Heketi named itself (vol_...) are told",
    )
    parser.add_argument(
        "--state",
        type=Path,
        metavar="FILE",
        action="append",
        default=[],
        help="the same with sizes: `gluster get-state odir DIRECTORY file FILE`",
    )
    given = parser.parse_args(arguments)

    async def look(read: Settings, who: Access) -> int:
        files = (tuple(given.state), tuple(given.volumes))
        asked = orphans.Asked(read.heketi, read.facts, *files)
        return await orphans.run(who, asked, given.output)

    return _looked(parser.prog, given, look)


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings, as YAML")
    parser.add_argument(
        "--kubeconfig", type=Path, metavar="FILE", help="default: what kubectl takes, or the pod's"
    )
    parser.add_argument(
        "-o", "--output", type=once.Output, choices=list(once.Output), default=once.Output.TABLE
    )


def _looked(
    program: str,
    given: argparse.Namespace,
    look: Callable[[Settings, Access], Coroutine[None, None, int]],
) -> int:
    """Read the settings, and look at the cluster that they name, or else kubectl's own."""
    try:
        read = settings.read(given.config, Settings, os.environ)
        where = read.kubernetes
        if given.kubeconfig is not None:
            where = Where(kubeconfig=given.kubeconfig)
        elif where == Where() and "KUBERNETES_SERVICE_HOST" not in os.environ:
            where = Where(kubeconfig=kubeconfig(os.environ))
        return asyncio.run(look(read, access(where, os.environ)))
    except (settings.SettingsError, ObserveError) as error:
        print(f"{program}: {error}", file=sys.stderr)  # noqa: T201 -- for a person
        return UNUSABLE


if __name__ == "__main__":
    sys.exit(main())

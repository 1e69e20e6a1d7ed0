"""`python -m local up` gives a cluster by hand; `python -m local tools` gets its programs.

`further` gets those, too, that only some tests and scenes need.
"""

from __future__ import annotations

import argparse
import signal
import sys
from typing import TYPE_CHECKING

from local import tools
from local.cluster import LocalCluster
from local.errors import LocalClusterError

if TYPE_CHECKING:
    from types import FrameType

COMMANDS = """commands, one a line:
  die NODE      the node falls silent; EC2 still says running
  revive NODE   it comes back with a new boot ID
  stop NODE     its EC2 instance is stopped, and the node dies of it
  start NODE    its EC2 instance is started again, and the node comes back
  status        what there is
  quit          end everything (as Ctrl-C does)"""


def main() -> int:
    """Do what the command line says; 0, or 1 with a sentence."""
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    parser.add_argument("what", choices=("up", "tools", "further"))
    what = parser.parse_args().what
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, _end)
    try:
        found = tools.ensure(_say)
        if what == "further":
            tools.ensure_further(_say)
        if what == "up":
            with LocalCluster.start(found, report=_say) as cluster:
                _converse(cluster)
    except LocalClusterError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _converse(cluster: LocalCluster) -> None:
    _say(f"export KUBECONFIG={cluster.kubeconfig}")
    _say(f"kubectl is {cluster.tools.kubectl}")
    _say(f"EC2 endpoint {cluster.cloud.endpoint_url}")
    _say(COMMANDS)
    for line in sys.stdin:
        words = line.split()
        if words == ["quit"]:
            return
        try:
            _obey(cluster, words)
        except LocalClusterError as error:
            _say(str(error))


def _obey(cluster: LocalCluster, words: list[str]) -> None:
    match words:
        case []:
            return
        case ["status"]:
            for node in cluster.nodes:
                instance = cluster.instance_of(node)
                state = cluster.cloud.state(instance)
                _say(f"{node}: Ready={cluster.condition(node)}, {instance} is {state}")
            _say(cluster.kubectl("get", "pods,volumeattachments", "--all-namespaces", "-o", "wide"))
        case ["die", node]:
            cluster.players.die(node)
        case ["revive", node]:
            cluster.players.revive(node)
        case ["stop", node]:
            cluster.cloud.stop(cluster.instance_of(node))
        case ["start", node]:
            cluster.cloud.start(cluster.instance_of(node))
        case _:
            _say(COMMANDS)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _end(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())

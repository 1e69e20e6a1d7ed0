"""State files as a glusterd of the pool in deploy/local writes them, of any size, made here."""

from collections.abc import Iterable

NODES = ("10.9.0.1", "10.9.0.2", "10.9.0.3")
UUIDS = tuple(f"{number}b95d9d6-8423-40d5-91d6-60a3219ced11" for number in (1, 2, 3))
SIZE, FREE = 591732736, 587309056
_HEAD = """[Global]
MYUUID: {own}
op-version: 100000

[Global options]
cluster.server-quorum-ratio: 51

[Peers]
{peers}
[Volumes]
"""
_PEER = """Peer{number}.primary_hostname: {host}
Peer{number}.uuid: {uuid}
Peer{number}.state: Peer in Cluster
Peer{number}.connected: Connected
Peer{number}.othernames: {host}.storage.example
"""
_LOCAL = """Volume{number}.Brick1.port: 52665
Volume{number}.Brick1.rdma_port: 0
Volume{number}.Brick1.port_registered: 1
Volume{number}.Brick1.status: Started
Volume{number}.Brick1.spacefree: {free}Bytes
Volume{number}.Brick1.spacetotal: {size}Bytes
"""
_AFTER = """Volume{number}.snap_count: 0
Volume{number}.stripe_count: 1
Volume{number}.replica_count: 3
Volume{number}.subvol_count: 1
Volume{number}.arbiter_count: 0
Volume{number}.disperse_count: 0
Volume{number}.redundancy_count: 0
Volume{number}.quorum_status: meets
Volume{number}.snapd_svc.online_status: Offline
Volume{number}.snapd_svc.inited: True
Volume{number}.rebalance.id: 00000000-0000-0000-0000-000000000000
Volume{number}.rebalance.status: not_started
Volume{number}.rebalance.failures: 0
Volume{number}.rebalance.skipped: 0
Volume{number}.rebalance.lookedup: 0
Volume{number}.rebalance.files: 0
Volume{number}.rebalance.data: 0Bytes
Volume{number}.time_left: 0
Volume{number}.shd_svc.online_status: Online
Volume{number}.shd_svc.inited: True
Volume{number}.gsync_count: 0
Volume{number}.options.cluster.server-quorum-type: server
Volume{number}.options.cluster.granular-entry-heal: on
Volume{number}.options.storage.fips-mode-rchecksum: on
Volume{number}.options.transport.address-family: inet
Volume{number}.options.nfs.disable: on
Volume{number}.options.performance.client-io-threads: off

"""
TAIL = """
[Services]

[Misc]
Base port: 49152
"""


def state_file(names: Iterable[str], bricks: str = "/bricks") -> bytes:
    """Return the file of the first node: volumes of three replicas, one brick on each node."""
    peers = "".join(
        _PEER.format(number=number, host=NODES[number], uuid=UUIDS[number]) for number in (1, 2)
    )
    volumes = (_volume(number, name, bricks) for number, name in enumerate(names, start=1))
    return (_HEAD.format(own=UUIDS[0], peers=peers) + "".join(volumes) + TAIL).encode()


def _volume(number: int, name: str, bricks: str) -> str:
    head = (
        f"Volume{number}.name: {name}\n"
        f"Volume{number}.id: 99148202-f100-4281-bd55-{number:012x}\n"
        f"Volume{number}.type: Replicate\n"
        f"Volume{number}.transport_type: tcp\n"
        f"Volume{number}.status: Started\n"
        f"Volume{number}.profile_enabled: 0\n"
        f"Volume{number}.brickcount: {len(NODES)}\n"
    )
    lines = [head]
    for which, host in enumerate(NODES, start=1):
        lines.append(
            f"Volume{number}.Brick{which}.path: {host}:{bricks}/{name}\n"
            f"Volume{number}.Brick{which}.hostname: {host}\n"
        )
        if which == 1:
            lines.append(_LOCAL.format(number=number, size=SIZE, free=FREE))
    return "".join(lines) + _AFTER.format(number=number)

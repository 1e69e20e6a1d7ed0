"""What says that a node is off, or shut out of its storage: read in the remediator's look only.

No detector reads these: the exporter neither watches nor may read them.
"""

import msgspec


class Attestation(msgspec.Struct, frozen=True):
    """pvmedic.dev NodeAttestation: a person's word about one node.

    `expires` is 0 where it is no time: then it has expired.
    """

    name: str
    version: str
    node: str
    node_uid: str
    power: str
    attester: str
    created: float
    expires: float


class NetworkFence(msgspec.Struct, frozen=True):
    """csiaddons.openshift.io NetworkFence.

    `state` is what is wanted (Fenced, the default, or Unfenced); `result` and `message` what the
    last operation came to, whichever it was. `driver` is empty where a class names it.
    """

    name: str
    version: str
    driver: str
    state: str
    cidrs: tuple[str, ...]
    result: str
    message: str
    created: float | None
    deletion: float | None

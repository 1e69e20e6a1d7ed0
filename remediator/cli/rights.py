"""What the remediator's account must be allowed to do, and what it must not. Pure.

The same as deploy/manifests/access/remediator.yaml; a test compares the two.
"""

from collections.abc import Iterator

import msgspec

LEASE = "pvmedic-remediator"


class Right(msgspec.Struct, frozen=True):
    """One verb on one resource. `namespace` and `name` empty: all. `why` is for a person."""

    verb: str
    group: str
    resource: str
    why: str
    namespace: str = ""
    name: str = ""

    def __str__(self) -> str:
        """As it would be told to an administrator."""
        what = f"{self.resource}.{self.group}" if self.group else self.resource
        only = f" {self.name}" if self.name else ""
        where = f" in namespace {self.namespace}" if self.namespace else ""
        return f"{self.verb} {what}{only}{where}"


def needed(namespace: str) -> tuple[Right, ...]:
    """Return what it needs; `namespace` is its own."""
    ours = "pvmedic.dev"
    records = ("get", "list", "watch", "create", "patch", "delete")
    return (
        *_all("", ("persistentvolumeclaims", "namespaces"), ("get",), "the fresh look"),
        *_all("", ("persistentvolumes",), ("get", "list"), "the fresh look"),
        *_all("", ("pods",), ("list",), "the fresh look"),
        *_all("storage.k8s.io", ("volumeattachments",), ("list",), "the fresh look"),
        *_all("", ("nodes",), ("get", "list"), "the fresh look, and how healthy the cluster is"),
        *_all("", ("nodes",), ("patch",), "the out-of-service taint, and taking it off again"),
        *_all("", ("events",), ("create",), "what was done, on node and claim"),
        *_all(ours, ("remediations",), records, "its records"),
        *_all(ours, ("remediations/status",), ("update",), "its records"),
        *_all(ours, ("remediationapprovals",), ("list", "watch"), "what people said"),
        Right(
            "get",
            "coordination.k8s.io",
            "leases",
            "a kubelet's heartbeat",
            namespace="kube-node-lease",
        ),
        Right("get", "", "configmaps", "the kill switch", namespace, "pvmedic-pause"),
        Right("create", "coordination.k8s.io", "leases", "which replica executes", namespace),
        *(
            Right(verb, "coordination.k8s.io", "leases", "which replica executes", namespace, LEASE)
            for verb in ("get", "update")
        ),
    )


UNWANTED = (
    Right("create", "pvmedic.dev", "remediationapprovals", "it could say yes to its own plans"),
    Right("create", "pvmedic.dev", "nodeattestations", "it could prove what it likes"),
    Right("get", "", "secrets", "it has no use for them"),
    Right("create", "", "pods/exec", "it runs no commands"),
    Right("delete", "", "pods", "the control plane does that"),
    Right("impersonate", "", "users", "it could be anybody"),
)
"""What its account must not be allowed to do."""


def _all(
    group: str, resources: tuple[str, ...], verbs: tuple[str, ...], why: str
) -> Iterator[Right]:
    for resource in resources:
        for verb in verbs:
            yield Right(verb, group, resource, why)

"""What the program needs to be allowed to do, said where it is needed. Pure.

Handlers name theirs beside their code, the engine's stand here. The manifest with the account's
roles and `pvmedic check-access` are made from both, so that nothing is granted that nobody needs.
"""

import msgspec

OWN = "pvmedic"
"""The namespace that the manifests install to; another one is put in its place."""
LEASES = "coordination.k8s.io"
PVMEDIC = "pvmedic.dev"


class Grant(msgspec.Struct, frozen=True):
    """Verbs on resources of one API group, and why, in a sentence.

    `namespace` empty: the whole cluster. `names` empty: whatever their names. `before`: only where
    the API server is older than this version.
    """

    group: str
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    why: str
    namespace: str = ""
    names: tuple[str, ...] = ()
    before: tuple[int, int] | None = None


ENGINE = (
    Grant("", ("nodes",), ("list",), "How healthy the cluster is: a guard asks it of every plan."),
    Grant(
        "",
        ("events",),
        ("create",),
        "What was done, beside what it is about: on nodes in `default`, on claims with the claim.",
    ),
    Grant(
        PVMEDIC,
        ("remediations",),
        ("get", "list", "watch", "create", "patch", "delete"),
        "The records. patch: the finalizer that keeps one while something is owed, and when its"
        " alert was heard; the spec never changes. delete: what is over for long"
        " (`records.keep_for`), bound to uid and version.",
    ),
    Grant(PVMEDIC, ("remediations/status",), ("update",), "How far each is, bound to its version."),
    Grant(
        PVMEDIC,
        ("remediationapprovals",),
        ("list", "watch"),
        "What people said. Never create: the program cannot say yes to its own plans.",
    ),
    Grant(
        "",
        ("configmaps",),
        ("get",),
        "The kill switch: while this ConfigMap exists, nothing is begun (`pvmedic pause`).",
        OWN,
        ("pvmedic-pause",),
    ),
    Grant(
        LEASES,
        ("leases",),
        ("create",),
        "Which replica executes. What does not exist yet has no name to be limited to.",
        OWN,
    ),
    Grant(
        LEASES,
        ("leases",),
        ("get", "update"),
        "The same Lease, read and renewed.",
        OWN,
        ("pvmedic-remediator",),
    ),
)
"""What is needed whatever the handlers are."""

BARE_PODS = Grant(
    "",
    ("pods",),
    ("delete", "create"),
    "Pods without owner that ask for it: deleted, and made again from their manifest. Whoever may"
    " create pods may do what any account of that namespace may.",
)
"""Needed only where the setting `stopping.bare_pods` is on, in the namespaces that want it."""

SCALES = Grant(
    "",
    (),
    ("get", "patch"),
    "Kinds of the setting stopping.scalable: their replicas, seen and changed.",
)
"""What each kind of that setting needs; whoever knows the setting fills in group and resource."""

MEDIK8S = Grant(
    LEASES,
    ("leases",),
    ("get", "create", "patch"),
    "The Lease that says which tool works on a node (`node-<name>`): taken, renewed, given back.",
    "medik8s-leases",
)
"""Needed only where the setting `medik8s_leases` names that namespace."""

ROK_SPACE = "rok-system"
"""Rok Disk Manager's namespace; another one is put in its place."""
ROK = (
    Grant(
        "policy",
        ("poddisruptionbudgets",),
        ("list",),
        "A node that was extended is drained and removed: which budgets its pods are under.",
    ),
    Grant(
        "",
        ("pods/eviction",),
        ("create",),
        "The drain, pod by pod; what budgets forbid the API server refuses. Never delete pods.",
    ),
    Grant(
        "",
        ("pods/exec",),
        ("create", "get"),
        "Commands on nodes, in Rok Disk Manager's pods; which ones, an admission policy holds. get:"
        " how API servers before 1.35 call the same.",
        ROK_SPACE,
    ),
)
"""Needed only where the setting `rok.exec.namespace` names that namespace."""

"""Settings of what may be stopped beyond the workloads that everybody knows."""

from collections.abc import Iterator
from typing import Annotated

import msgspec

from exporter.kit.described import setting
from exporter.observe import model
from exporter.observe.kube.scales import Scalable


class ScalableKind(msgspec.Struct, frozen=True):
    """A kind with the subresource `/scale`."""

    kind: Annotated[str, setting("As ownerReferences name it, such as KafkaConnect.")]
    group: Annotated[str, setting("Its API group.")]
    version: Annotated[str, setting("A version of the group that is served.")]
    resource: Annotated[str, setting("Its resource: the kind's plural in small letters.")]

    def problems(self) -> Iterator[tuple[str, str]]:
        """Name what is empty, and what is no part of a path."""
        for name in ("kind", "group", "version", "resource"):
            value = getattr(self, name)
            if not value or not all(part.isalnum() for part in value.replace("-", ".").split(".")):
                yield (name, "must be a name of Kubernetes")
        if any((one.group, one.kind) == (self.group, self.kind) for one in model.WORKLOADS):
            yield ("kind", "is known already, and stopped in its own way")

    @property
    def typed(self) -> str:
        """As decisions name it: `Kind.group`."""
        return f"{self.kind}.{self.group}"


class StoppingSettings(msgspec.Struct, frozen=True):
    """What may be stopped beyond the workloads that everybody knows."""

    bare_pods: Annotated[
        bool,
        setting(
            "Whether pods without owner may be deleted and made again from their manifest, where"
            " they or their namespace carry the annotation pvmedic.dev/recreate."
        ),
    ] = False
    scalable: Annotated[
        tuple[ScalableKind, ...],
        setting("Other kinds that may be scaled to zero and back by their /scale."),
    ] = ()

    def problems(self) -> Iterator[tuple[str, str]]:
        """Name a kind that is there twice."""
        kinds = [one.typed for one in self.scalable]
        if len(kinds) != len(set(kinds)):
            yield ("scalable", "names a kind twice")

    def kinds(self) -> dict[str, Scalable]:
        """Return where the kinds live that may be scaled, by `Kind.group`."""
        return {
            one.typed: Scalable(f"/apis/{one.group}/{one.version}", one.resource)
            for one in self.scalable
        }

"""ResourceQuotas and LimitRanges: from the wire to the model."""

from collections.abc import Mapping

import msgspec

from exporter.observe import model
from exporter.observe.parse.claims import WireStorage, size
from exporter.observe.parse.envelope import BareMeta, shared
from exporter.observe.parse.quantities import whole

STORAGE = "requests.storage"
"""What a quota's keys are that count bytes of claims; of one class they end like this."""


class WireQuotaSpec(msgspec.Struct):
    """ResourceQuotaSpec, and as much of its status."""

    hard: dict[str, str | int | float | None] | None = None
    used: dict[str, str | int | float | None] | None = None


class WireQuota(msgspec.Struct):
    """core/v1 ResourceQuota."""

    metadata: BareMeta | None = None
    spec: WireQuotaSpec | None = None
    status: WireQuotaSpec | None = None


def quota(wire: WireQuota) -> model.Quota:
    """Keep what is said of claims' bytes."""
    meta = wire.metadata or BareMeta()
    spec, status = wire.spec or WireQuotaSpec(), wire.status or WireQuotaSpec()
    return model.Quota(
        namespace=shared(meta.namespace),
        name=meta.name or "",
        hard=_storage(spec.hard),
        used=_storage(status.used),
        version=meta.resourceVersion or "",
    )


def _storage(said: Mapping[str, str | int | float | None] | None) -> dict[str, int | None]:
    found = {key: value for key, value in (said or {}).items() if key.endswith(STORAGE)}
    return {key: whole(str(value)) for key, value in found.items()}


class WireLimit(msgspec.Struct):
    """LimitRangeItem."""

    type: str | None = None
    min: WireStorage | None = None
    max: WireStorage | None = None


class WireLimitSpec(msgspec.Struct):
    """LimitRangeSpec."""

    limits: list[WireLimit] | None = None


class WireLimitRange(msgspec.Struct):
    """core/v1 LimitRange."""

    metadata: BareMeta | None = None
    spec: WireLimitSpec | None = None


def limit_range(wire: WireLimitRange) -> model.LimitRange:
    """Keep what one claim may ask for: of several limits the narrowest."""
    meta, spec = wire.metadata or BareMeta(), wire.spec or WireLimitSpec()
    limits = [one for one in spec.limits or () if one.type == "PersistentVolumeClaim"]
    least = [found for one in limits if (found := size(one.min)) is not None]
    most = [found for one in limits if (found := size(one.max)) is not None]
    return model.LimitRange(
        namespace=shared(meta.namespace),
        name=meta.name or "",
        least=max(least, default=None),
        most=min(most, default=None),
        version=meta.resourceVersion or "",
    )

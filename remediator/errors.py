"""What keeps the remediator itself from acting, beside what an edge could not see or do."""

from exporter.observe.errors import ObserveError


class Deposed(ObserveError):
    """We do not hold the Lease, or not for long enough to be sure: another replica may act."""

    reason = "Deposed"

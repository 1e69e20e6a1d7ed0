"""The times of pvmedic that the demo shortens, what ships, and how to say so.

Values only: wherever a measured time is printed, these are printed beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Pace:
    """Seconds. What ships is in `shipped`."""

    scrape: float = 1.0  # how often Prometheus reads both programs
    evaluate: float = 1.0  # how often it evaluates the rules
    alert_after: float = 3.0  # age of a lost node's signal
    multi_attach_after: float = 5.0  # age of that signal
    page_after: float = 60.0  # age of a lost node's signal that nobody repairs
    keep_firing: float = 5.0  # an alert outlasts its signal
    group_interval: float = 2.0  # Alertmanager's, for what changes in a group
    readings_apart: float = 2.0  # between the readings of a fencing proof
    look_every: float = 2.0  # the remediator's next look at what waits
    quiet: float = 20.0  # gone for so long, and the episode is over
    minute: float = 60.0  # what a minute of every other alert's patience lasts

    @classmethod
    def shipped(cls) -> Pace:
        """Return what the rules, the Alertmanager example and the settings' defaults say."""
        return cls(
            scrape=10.0,
            evaluate=10.0,
            alert_after=15.0,
            multi_attach_after=180.0,
            page_after=300.0,
            keep_firing=300.0,
            group_interval=30.0,
            readings_apart=30.0,
            look_every=15.0,
            quiet=600.0,
            minute=60.0,
        )

    def sentence(self) -> str:
        """Return one line that names every time that differs from what ships."""
        shipped = Pace.shipped()
        return "pvmedic's short timings: " + ", ".join(
            f"{_MEANING[field.name]} {own:g} s ({ships:g} s)"
            for field in fields(self)
            if (own := getattr(self, field.name)) != (ships := getattr(shipped, field.name))
        )


_MEANING = {
    "scrape": "scrape every",
    "evaluate": "rules every",
    "alert_after": "lost node alerts after",
    "multi_attach_after": "multi-attach alerts after",
    "page_after": "unrepaired pages after",
    "keep_firing": "alerts keep firing for",
    "group_interval": "Alertmanager's group interval",
    "readings_apart": "proof readings apart by",
    "look_every": "the remediator looks every",
    "minute": "a minute of every other alert's patience lasts",
    "quiet": "cooldown, and an episode is over after",
}

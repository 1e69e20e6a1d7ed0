"""The committed dashboards as values: panels, targets, variables. No rule about them is here."""

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from dashboards.alerts import ROOT

FILES = sorted((ROOT / "dashboards").glob("*.json"))


class Target(msgspec.Struct, frozen=True):
    """One query, and where it stands."""

    board: str
    panel: str
    letter: str
    expr: str

    @property
    def name(self) -> str:
        """One name per query, for test ids."""
        return f"{self.board}: {self.panel}: {self.letter}"

    @property
    def metrics(self) -> set[str]:
        """The metrics that it names outside of braces and lists of labels."""
        bare = re.sub(r"\{[^}]*\}|\b(by|on|group_left) \([^)]*\)|\"[^\"]*\"", "", self.expr)
        return set(re.findall(r"\b(?:pvmedic|process)_\w+", bare))

    def filled(self, **variables: str) -> str:
        """Return the query with its variables' values in it."""
        found = self.expr
        for name, value in variables.items():
            found = found.replace(f"${name}", value)
        return found


def boards() -> dict[str, dict[str, Any]]:
    """Return each dashboard by its file's name."""
    return {path.stem: json.loads(path.read_text()) for path in FILES}


def panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a dashboard's panels that are no headings."""
    return [panel for panel in board.get("panels", ()) if panel["type"] != "row"]


def targets() -> Iterator[Target]:
    """Yield every query of every dashboard."""
    for name, board in boards().items():
        for panel in panels(board):
            for target in panel["targets"]:
                yield Target(name, panel["title"], target["refId"], target["expr"])


TARGETS = tuple(targets())
ALL = {"job": ".+", "instance": ".+", "namespace": ".*", "node": ".*", "__rate_interval": "1m"}
"""What Grafana puts in when everything is chosen."""

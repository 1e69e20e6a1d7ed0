"""`python -m dashboards` writes METRICS.md and the dashboards, or says what it lacks for that."""

import sys
from importlib.util import find_spec
from pathlib import Path

from dashboards.alerts import ROOT, alert_rules
from dashboards.published import published
from dashboards.reference import reference
from exporter.observe.signals import DETECTORS

HERE = Path(__file__).parent
BUILDER = "grafana_foundation_sdk"


def generated() -> dict[Path, str]:
    """Return the text of every generated file; ModuleNotFoundError without Grafana's builders."""
    from dashboards.boards import documents  # noqa: PLC0415 -- what lacks it must be able to say so

    files = {ROOT / "METRICS.md": reference(DETECTORS, published(), alert_rules())}
    return files | {HERE / name: text for name, text in documents().items()}


def main(builder: str = BUILDER) -> int:
    """Write the files that have changed, and name them; 1 when the builder's package is missing."""
    if find_spec(builder) is None:
        sys.stderr.write(f"the Python package {builder} is missing: make setup installs it\n")
        return 1
    for path, text in generated().items():
        if not path.is_file() or path.read_text() != text:
            path.write_text(text)
            sys.stdout.write(f"{path.relative_to(ROOT)}: written anew\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

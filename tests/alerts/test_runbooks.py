"""Every alert says what to do: a page that exists, with four sections that are not empty."""

import re

import pytest

from tests.alerts.rules import RULES, RUNBOOKS, Rule

SECTIONS = ("Meaning", "Impact", "Diagnosis", "Mitigation")
PAGES = sorted(path.stem for path in RUNBOOKS.glob("*.md"))


def page_of(rule: Rule) -> str:
    """Return the page that a rule must link: its signal's, else its alert's in snake case."""
    short = rule.alert.removeprefix("Pvmedic")
    return rule.signal or re.sub(r"(?<!^)(?=[A-Z])", "_", short).lower()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_alert_explains_itself(rule: Rule) -> None:
    """An alert has a fixed summary, a description, a severity, and its runbook's address."""
    assert "{{" not in rule.annotations["summary"]
    assert rule.annotations["description"]
    assert rule.annotations["runbook_url"] == f"https://pvmedic.dev/runbooks/{page_of(rule)}"
    assert rule.labels["severity"] in {"critical", "warning", "none"}


@pytest.mark.parametrize("page", sorted({page_of(rule) for rule in RULES}))
def test_every_runbook_has_four_full_sections(page: str) -> None:
    """A page has Meaning, Impact, Diagnosis and Mitigation, in this order, each with text."""
    text = (RUNBOOKS / f"{page}.md").read_text()
    assert text.startswith(f"# {page}\n")
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    assert tuple(parts[1::2]) == SECTIONS
    for name, body in zip(SECTIONS, parts[2::2], strict=True):
        assert body.strip(), f"{page}: {name} is empty"


def test_no_runbook_is_left_without_an_alert() -> None:
    """A page that no alert links is not kept."""
    assert {page_of(rule) for rule in RULES} == set(PAGES)

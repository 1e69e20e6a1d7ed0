"""Every detector over everything that was read, once. Pure: the same detectors as at any time."""

from collections.abc import Iterable, Mapping

import msgspec

from exporter.observe.model import Kind, Signal
from exporter.observe.objects import Objects
from exporter.observe.signals.base import Detector
from exporter.observe.view import View


class Finding(msgspec.Struct, frozen=True):
    """One signal that holds. `age` is seconds, None where nothing says since when.

    `wrong` is false while the state is younger than what is everyday life for it.
    """

    signal: Signal
    age: float | None
    wrong: bool


class Verdict(msgspec.Struct, frozen=True):
    """All that holds, and which detectors could not judge, or not all, with the sentence why."""

    findings: tuple[Finding, ...]
    blind: Mapping[str, str]


def judge(
    detectors: Iterable[Detector], objects: Objects, unseen: Mapping[Kind, str], now: float
) -> Verdict:
    """Decide every suspect of every detector, worst first."""
    view = View(objects, now, unseen)
    findings: list[Finding] = []
    blind: dict[str, str] = {}
    for detector in detectors:
        missing = sorted((detector.needs | detector.starts) & unseen.keys())
        if missing:
            blind[detector.name] = "; ".join(unseen[kind] for kind in missing)
        if detector.needs & unseen.keys():
            continue
        suspects = {
            subject
            for kind in detector.starts
            for obj in objects.of(kind)
            for subject in detector.suspects(obj, view)
        }
        for subject in suspects:
            signal = detector.decide(subject, view)
            if signal is not None:
                age = None if signal.since is None else max(0.0, now - signal.since)
                wrong = age is None or age >= detector.patience
                findings.append(Finding(signal, age, wrong))
    findings.sort(key=lambda f: (not f.wrong, f.signal.name, f.signal.subject))
    return Verdict(tuple(findings), blind)

"""Generates what describes the metrics: METRICS.md and the Grafana dashboards beside this file.

`python -m dashboards` writes them; tests prove that they are up to date. No part of the wheel.
Everything comes from the detectors, the collectors, the registries and the rules: a new failure
needs no line here.
"""

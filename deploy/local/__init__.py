"""A real Kubernetes control plane on one machine, without containers.

Tests, the demo and people at a terminal use it.

It lies outside the wheel and imports nothing of `exporter` or `remediator`: what it plays must not
depend on what is tested with it.
"""

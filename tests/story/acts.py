"""What a step would send to the API server, for tests of steps that send nothing else."""

from exporter.observe.view import View
from remediator.steps.base import KubeWrite, Step


def kube_write(step: Step, view: View) -> KubeWrite | None:
    """Return the request of a step; another kind of call is a failed test."""
    act = step.act(view)
    assert act is None or isinstance(act, KubeWrite)
    return act

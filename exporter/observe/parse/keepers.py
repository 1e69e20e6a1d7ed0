"""Labels and annotations by which GitOps tools know their objects."""

from collections.abc import Iterator, Mapping

from exporter.observe.model.controllers import Keeper

ARGO_TRACKING = "argocd.argoproj.io/tracking-id"
ARGO_LABEL = "argocd.argoproj.io/instance"
INSTANCE = "app.kubernetes.io/instance"
FLUX = {
    "kustomize.toolkit.fluxcd.io": "Flux Kustomization",
    "helm.toolkit.fluxcd.io": "Flux HelmRelease",
}


def keepers(
    about: tuple[str, str, str, str], labels: Mapping[str, str], annotations: Mapping[str, str]
) -> tuple[Keeper, ...]:
    """Return who keeps an object; `about` is its own group, kind, namespace and name."""
    return tuple(_keepers(about, labels, annotations))


def _keepers(
    about: tuple[str, str, str, str], labels: Mapping[str, str], annotations: Mapping[str, str]
) -> Iterator[Keeper]:
    for prefix, tool in FLUX.items():
        if owner := labels.get(f"{prefix}/name"):
            yield Keeper(tool, owner, labels.get(f"{prefix}/namespace", ""))
    # Controllers copy annotations to what they make: only one that names this very object counts,
    # as Argo CD itself judges. `<application>:<group>/<kind>:<namespace>/<name>`; an application of
    # another namespace is `<namespace>_<name>`.
    application, _, tracked = annotations.get(ARGO_TRACKING, "").partition(":")
    group, kind, namespace, name = about
    if application and tracked == f"{group}/{kind}:{namespace}/{name}":
        space, _, its_name = application.rpartition("_")
        yield Keeper("Argo CD", its_name, space)
    elif app := labels.get(ARGO_LABEL):
        yield Keeper("Argo CD", app)
    elif app := labels.get(INSTANCE):
        # Argo CD before 3.0 tracks by this label; but every Helm chart writes it as well.
        yield Keeper("Argo CD or Helm", app, sure=False)

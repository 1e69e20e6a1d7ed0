"""The remediator's settings: what is refused, with file, path and sentence, and exit status 2."""

import subprocess
import sys
from datetime import time
from pathlib import Path

import pytest

from exporter.kit.settings import SettingsError, read_text
from exporter.observe.disk_commands import RokVolume
from exporter.observe.shell.pod import ExecSettings
from remediator.case import Policy, RokPolicy
from remediator.growth.policy import Driver, Growth
from remediator.schedule import Freeze, Window
from remediator.settings import Settings

ROOT = Path(__file__).parents[2]
LEAST = "webhook: {token_file: /etc/pvmedic/token}\n"


def problems(text: str) -> list[str]:
    """Return what is wrong with settings, as printed."""
    with pytest.raises(SettingsError) as raised:
        read_text(text, "r.yaml", Settings)
    return [str(problem) for problem in raised.value.problems]


def test_the_shipped_defaults_are_the_policys() -> None:
    """One set of defaults, said in two places."""
    assert read_text(LEAST, "r.yaml", Settings).policy() == Policy()


def test_every_setting_reaches_the_policy() -> None:
    """A limit that nobody reads would be a lie."""
    text = f"""{LEAST}
mode: approve
cluster: west
modes: {{node_lost_with_volumes: auto}}
fencing:
  readings_apart: 45s
  fresh_for: 20s
  removable_drivers: [rok.arrikto.com]
limits:
  alert_max_age: 1h
  cooldown: 10m
  give_up_after: 2h
  settle_within: 5m
  quiet: 3m
  rate_window: 2h
  rate_per_handler: 2
  rate_overall: 4
  blast_radius_percent: 20
  breaker: 5
  capacity_cap: 100
growth:
  step: 10Gi
  ceiling: 1Ti
  cooldown: 2h
  drivers: {{pd.csi.storage.gke.io: {{largest: 64Ti, cooldown: 1m}}, plain: {{}}}}
stopping:
  bare_pods: true
  scalable: [{{kind: Farm, group: example.com, version: v1, resource: farms}}]
rok:
  exec: {{namespace: rok-system}}
  lvm: [/sbin/lvm]
  group: vg
  volume: lv
  path: /srv/rok
  disks: 2
  margin_percent: 40
  when_removed: replace
  collection_within: 1h
  snapshots_within: 2h
  drain_within: 3h
opt_in: true
alertmanager: {{urls: ["http://alertmanager:9093"]}}
schedule:
  windows: [{{days: [sat], begins: "22:00", ends: "04:00", zone: Europe/Berlin}}]
  freezes: [{{begins: "2026-12-20T00:00:00Z", ends: "2026-12-27T01:00:00+01:00", reason: sale}}]
  blocking_alerts: [EtcdDown]
"""
    assert read_text(text, "r.yaml", Settings).policy() == Policy(
        mode="approve",
        modes={"node_lost_with_volumes": "auto"},
        removable_drivers=frozenset({"rok.arrikto.com"}),
        alert_max_age=3600.0,
        cooldown=600.0,
        proof_gap=45.0,
        proof_age=20.0,
        give_up_after=7200.0,
        settle_within=300.0,
        quiet=180.0,
        rate_window=7200.0,
        rate_per_handler=2,
        rate_overall=4,
        blast_radius=0.2,
        breaker=5,
        capacity_cap=100,
        growth=Growth(
            "10Gi",
            1024**4,
            7200.0,
            {"pd.csi.storage.gke.io": Driver(64 * 1024**4, 60.0), "plain": Driver()},
        ),
        bare_pods=True,
        scalable=frozenset({"Farm.example.com"}),
        rok=RokPolicy(
            "rok-system",
            ("/sbin/lvm",),
            "vg",
            "lv",
            "/srv/rok",
            2,
            40,
            "replace",
            3600.0,
            7200.0,
            10_800.0,
            "west",
        ),
        opt_in=True,
        blocking_alerts=frozenset({"EtcdDown"}),
        windows=(Window(("sat",), time(22), time(4), "Europe/Berlin"),),
        freezes=(Freeze(1_797_724_800.0, 1_798_329_600.0, "sale"),),
    )


FARM = "{kind: Farm, group: example.com, version: v1, resource: farms}"
WINDOW = "schedule: {windows: [{days: [sat], begins: '22:00', ends: '04:00', zone: UTC}]}\n"
FREEZE = "schedule: {freezes: [{begins: '2026-12-20T00:00:00Z', ends: '2026-12-27T00:00:00Z'}]}\n"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (WINDOW.replace("sat", "caturday"), "schedule.windows[0].days: 'caturday' is none of mon"),
        (WINDOW.replace("[sat]", "[]"), "schedule.windows[0].days: names no day"),
        (WINDOW.replace("22:00", "25:00"), "schedule.windows[0].begins: is not a time of day"),
        (WINDOW.replace("04:00", "4"), "schedule.windows[0].ends: is not a time of day"),
        (WINDOW.replace("UTC", "Mars/Base"), "schedule.windows[0].zone: 'Mars/Base' is no IANA"),
        (FREEZE.replace("20T00:00:00Z", "20"), "schedule.freezes[0].begins: is not a time"),
        (FREEZE.replace("12-27", "12-19"), "schedule.freezes[0].ends: must be after"),
        ("schedule: {blocking_alerts: [X]}\n", "schedule.blocking_alerts: nobody can be asked"),
        ("alertmanager: {urls: ['alertmanager:9093']}\n", "alertmanager.urls: 'alertmanager:9093'"),
        ("alertmanager: {every: 0s}\n", "alertmanager.every: must be at least 1s"),
        ("growth: {step: some}\n", "growth.step: must be a percentage up to 1000%"),
        ("growth: {step: 0%}\n", "growth.step: must be a percentage up to 1000%"),
        ("growth: {ceiling: large}\n", "growth.ceiling: 'large' is not a size"),
        ("growth: {ceiling: -1Gi}\n", "growth.ceiling: '-1Gi' is not a size"),
        ("growth: {drivers: {x: {largest: yes}}}\n", "growth.drivers.x.largest: True is not"),
        (f"stopping: {{scalable: [{FARM}, {FARM}]}}\n", "stopping.scalable: names a kind twice"),
        (
            f"stopping: {{scalable: [{FARM.replace('farms', 'a/b')}]}}\n",
            "stopping.scalable[0].resource: must be a name of Kubernetes",
        ),
        (
            "stopping: {scalable: [{kind: Deployment, group: apps, version: v1, resource: x}]}\n",
            "stopping.scalable[0].kind: is known already",
        ),
        (
            "rok: {exec: {namespace: r, selector: ''}}\n",
            "rok.exec.selector: must say in which pods",
        ),
        ("rok: {group: --config=x}\n", "rok.group: must be a name of LVM's"),
        ("rok: {volume: a/b}\n", "rok.volume: must be a name of LVM's"),
        ("rok: {path: mnt}\n", "rok.path: must begin with /"),
        ("rok: {path: /mnt/../etc}\n", "rok.path: must begin with /"),
        ("rok: {lvm: [sh, -c, 'lvm $0']}\n", "rok.lvm: must be words"),
        ("rok: {disks: 0}\n", "rok.disks: must be at least 1"),
        ("rok: {margin_percent: -1}\n", "rok.margin_percent: must be at least 0"),
        ("rok: {when_removed: keep}\n", "rok.when_removed: "),
        ("rok: {drain_within: 0s}\n", "rok.drain_within: must be more than 0s"),
        ("limits: {breaker: 0}\n", "limits.breaker: must be at least 1"),
        ("limits: {blast_radius_percent: 101}\n", "limits.blast_radius_percent: must be 0 to 100"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(text: str, what: str) -> None:
    """A window that never opens, or a guard that can never know, would be found out at night."""
    (problem,) = problems(LEAST + text)
    assert what in problem


def test_readings_closer_than_half_a_minute_are_for_demonstrations_only() -> None:
    """And it has to be said."""
    text = LEAST + "fencing: {readings_apart: 2s, demonstration: true}\n"
    assert read_text(text, "r.yaml", Settings).policy().proof_gap == 2.0


@pytest.mark.parametrize(
    ("text", "path", "sentence"),
    [
        ("", "webhook", "is missing"),
        ("webhook: {}", "webhook.token_file", "is missing"),
        (f"{LEAST}mood: calm", "mood", "is not a setting"),
        (f"{LEAST}fencing: {{readings: 30s}}", "fencing.readings", "is not a setting"),
        (f"{LEAST}limits: {{cooldown: 30}}", "limits.cooldown", "a duration needs a unit"),
        (f"{LEAST}limits: {{cooldown: 30 minutes}}", "limits.cooldown", "is not a duration"),
        (f"{LEAST}limits: {{look_every: 500ms}}", "limits.look_every", "must be at least 1s"),
        (
            f"{LEAST}limits: {{look_every: 1m, give_up_after: 30s}}",
            "limits.give_up_after",
            "must be longer than look_every",
        ),
        (f"{LEAST}fencing: {{readings_apart: 29s}}", "fencing.readings_apart", "at least"),
        (f"{LEAST}fencing: {{fresh_for: 5m}}", "fencing.fresh_for", "must be at most"),
        (f"{LEAST}mode: Auto", "mode", "must be one of observe, approve, auto"),
        (f"{LEAST}mode: true", "mode", "must be one of observe, approve, auto"),
        (f"{LEAST}modes: {{multi_attach: auto}}", "modes.multi_attach", "no handler of this name"),
        (f"{LEAST}modes: {{node_lost: auto}}", "modes.node_lost", "no handler of this name"),
        (
            "webhook: {token_file: t, largest_body_bytes: 0}",
            "webhook.largest_body_bytes",
            "must be at least 1",
        ),
        (
            f"{LEAST}kubernetes: {{server: 'https://x:6443', kubeconfig: k}}",
            "kubernetes.server",
            "not both",
        ),
    ],
)
def test_a_mistake_is_told_with_file_path_and_sentence(text: str, path: str, sentence: str) -> None:
    """So that it is found where it was made."""
    (told,) = problems(text)
    assert told.startswith(f"r.yaml: {path}: ")
    assert sentence in told


def test_all_mistakes_are_told_at_once() -> None:
    """Nobody wants to start five times."""
    text = f"{LEAST}mode: fast\nlimits: {{cooldown: 5, quiet: 5}}\nmore: 1"
    assert len(problems(text)) == 4


def started(directory: Path, text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Start the program with settings of this text."""
    path = directory / "remediator.yaml"
    path.write_text(text)
    return subprocess.run(
        [sys.executable, "-m", "remediator", "--config", str(path), *arguments],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


@pytest.mark.parametrize("arguments", [(), ("--check-config",)], ids=["start", "check"])
@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"{LEAST}mood: calm", "mood: is not a setting"),
        (f"{LEAST}limits: {{quiet: 5}}", "limits.quiet: a duration needs a unit"),
        (f"{LEAST}fencing: {{readings_apart: 1s}}", "fencing.readings_apart: must be at least"),
        (f"{LEAST}modes: {{x: auto}}", "modes.x: there is no handler of this name"),
        ("{", "is not YAML"),
    ],
    ids=["unknown key", "no unit", "contradiction", "unknown handler", "no YAML"],
)
def test_the_program_does_not_start_with_bad_settings(
    tmp_path: Path, text: str, told: str, arguments: tuple[str, ...]
) -> None:
    """Exit status 2, and the file's name in front."""
    ended = started(tmp_path, text, *arguments)
    assert ended.returncode == 2
    assert f"{tmp_path / 'remediator.yaml'}: {told}" in ended.stderr
    assert ended.stdout == ""


def test_good_settings_are_checked_without_starting(tmp_path: Path) -> None:
    """Exit status 0, although there is neither token nor API server."""
    assert started(tmp_path, LEAST, "--check-config").returncode == 0


def test_a_settings_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """Exit status 2."""
    (tmp_path / "remediator.yaml").touch()
    ended = started(tmp_path, LEAST, "--config", str(tmp_path / "none.yaml"))
    assert ended.returncode == 2
    assert "none.yaml: cannot be read: No such file" in ended.stderr


@pytest.mark.parametrize("text", [None, "", "\n"], ids=["missing", "empty", "blank"])
def test_without_a_token_the_program_does_not_start(tmp_path: Path, text: str | None) -> None:
    """A webhook without one would be open to everybody."""
    token = tmp_path / "token"
    if text is not None:
        token.write_text(text)
    ended = started(tmp_path, f"webhook: {{token_file: {token}}}")
    assert ended.returncode == 2
    assert str(token) in ended.stderr


def test_without_an_api_server_the_program_says_how_to_name_one(tmp_path: Path) -> None:
    """Exit status 2, with the settings that would do."""
    token = tmp_path / "token"
    token.write_text("secret")
    ended = started(tmp_path, f"webhook: {{token_file: {token}}}")
    assert ended.returncode == 2
    assert "set kubernetes.server" in ended.stderr


def test_shorter_times_between_replicas_are_for_demonstrations_only() -> None:
    """And they have to be said; none may be shorter than a busy machine needs to renew a Lease."""
    for times in ("lease: 14s", "landing: 74s", "demonstration: true, lease: 2s"):
        (problem,) = problems(LEAST + f"replicas: {{{times}}}\n")
        assert "must be at least" in problem
    (problem,) = problems(LEAST + "replicas: {lease: 301s}\n")
    assert "must be at most" in problem
    text = LEAST + "replicas: {lease: 3s, landing: 4s, demonstration: true}\n"
    assert read_text(text, "r.yaml", Settings).replicas.lease == 3.0


def test_commands_run_only_where_a_namespace_is_named() -> None:
    """In Rok Disk Manager's pods; without one the settings name no pods at all."""
    assert read_text(LEAST, "r.yaml", Settings).rok.pods() is None
    named = read_text(f"{LEAST}rok: {{exec: {{namespace: rok-system}}}}\n", "r.yaml", Settings)
    assert named.rok.pods() == ExecSettings(
        "rok-system", "name=rok-disk-manager", "rok-disk-manager"
    )
    assert named.rok.place() == RokVolume("rokvg", "rok-fisks", ("lvm",))

"""Where a path of the host's lies below a directory that stands for its root."""

from pathlib import Path

import pytest

from exporter.observe import host_path


@pytest.mark.parametrize(
    ("link", "to", "asked", "found"),
    [
        ("var/log", "/data/log", "/var/log/a", "data/log/a"),
        ("var/log", "../data/log", "/var/log/a", "data/log/a"),
        ("var/log", "../../../../data/log", "/var/log/a", "data/log/a"),
        ("var/log", "/", "/var/log/a", "a"),
        ("var/log", "/gone", "/var/log/a", "gone/a"),
        ("var/other", "/data", "/var/log/a", "var/log/a"),
        ("var/log", "log", "/var/log/a", "var/log/a"),
    ],
)
def test_links_are_followed_as_the_host_does(
    tmp_path: Path, link: str, to: str, asked: str, found: str
) -> None:
    """None leads out of the host's root, and one that goes in circles is left as it is."""
    (tmp_path / "var").mkdir()
    (tmp_path / "data" / "log").mkdir(parents=True)
    (tmp_path / link).symlink_to(to)
    assert host_path.below(tmp_path, Path(asked)) == tmp_path / found


def test_on_the_host_itself_the_kernel_follows(tmp_path: Path) -> None:
    """A path is as it was given."""
    (tmp_path / "link").symlink_to("elsewhere")
    assert host_path.below(Path("/"), tmp_path / "link") == tmp_path / "link"

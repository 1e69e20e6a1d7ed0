"""Which build this is. The version has one place, the installed package's metadata."""

import platform
from importlib.metadata import PackageNotFoundError, version


def our_version() -> str:
    """Return pvmedic's version; `unknown` when it runs from a checkout that is not installed."""
    try:
        return version("pvmedic")
    except PackageNotFoundError:
        return "unknown"


def python_version() -> str:
    """Return the interpreter's version, `3.11.7`."""
    return platform.python_version()

"""A program of its own: asks file systems whether they answer, and may hang for ever on one.

It is started with nothing imported, and imports nothing but what is built in: it costs a few
megabytes, and each one that hangs keeps them. Paths come in on standard input, each ended by a NUL
byte; for each an errno goes out, 0 for one that answers. An empty line says that it is ready. It
ends when its input does. Nothing of pvmedic may be imported here.
"""

import posix

_READ = 65536


def ask(path: bytes) -> int:
    """Return why a mounted file system does not answer; 0 when it does.

    Its root is opened as well: an XFS that has shut down still tells its sizes.
    """
    try:
        posix.statvfs(path)
    except OSError as error:
        return error.errno or -1
    try:
        posix.close(posix.open(path, posix.O_RDONLY | posix.O_NONBLOCK | posix.O_CLOEXEC))
    except PermissionError:
        # Who may not look into it has had an answer all the same.
        return 0
    except OSError as error:
        return error.errno or -1
    return 0


def main() -> None:
    """Answer until nobody asks any more."""
    rest = b""
    posix.write(1, b"\n")
    while more := posix.read(0, _READ):
        *paths, rest = (rest + more).split(b"\0")
        for path in paths:
            posix.write(1, b"%d\n" % ask(path))


if __name__ == "__main__":
    main()

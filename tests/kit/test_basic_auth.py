"""Passwords: one slow hash at a time, remembered, and no telling who exists."""

import asyncio
import base64
import threading

import bcrypt
import pytest

from exporter.kit.basic_auth import REMEMBERED, WAITING, Login, Passwords

HASH = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
USERS = {"prometheus": HASH}


def header(user: str, password: str) -> str:
    """Return an Authorization header."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class Counted:
    """Bcrypt, with every call on record; it waits while `go` is not set."""

    def __init__(self) -> None:
        self.calls: list[tuple[bytes, bytes]] = []
        self.at_once = 0
        self.most_at_once = 0
        self.go = threading.Event()
        self.go.set()

    def __call__(self, password: bytes, hashed: bytes) -> bool:
        """Compare."""
        self.calls.append((password, hashed))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.go.wait(10)
        self.at_once -= 1
        return bcrypt.checkpw(password, hashed)


def test_what_was_found_is_remembered_right_and_wrong() -> None:
    """The second time costs nothing; another hash is another question."""
    counted = Counted()
    other = {"prometheus": bcrypt.hashpw(b"other", bcrypt.gensalt(4)).decode()}

    async def life() -> None:
        passwords = Passwords(counted)
        for _ in range(3):
            assert await passwords.login(USERS, header("prometheus", "secret")) is Login.RIGHT
            assert await passwords.login(USERS, header("prometheus", "wrong")) is Login.WRONG
            assert await passwords.login(USERS, header("nobody", "secret")) is Login.WRONG
        assert len(counted.calls) == 3
        assert await passwords.login(other, header("prometheus", "secret")) is Login.WRONG
        assert await passwords.login({}, header("prometheus", "secret")) is Login.WRONG

    asyncio.run(life())


def test_an_unknown_user_costs_what_a_known_one_does() -> None:
    """A hash of the users' own cost is computed; no password fits it."""
    counted = Counted()
    users = {name: HASH.replace("$04$", "$05$") for name in "abc"} | {"d": HASH}

    async def life() -> None:
        assert await Passwords(counted).login(users, header("nobody", "x")) is Login.WRONG

    asyncio.run(life())
    ((_, hashed),) = counted.calls
    assert hashed.startswith(b"$2b$05$")
    assert len(hashed) == 60


def test_wrong_logins_do_not_push_out_right_ones() -> None:
    """What is remembered of each kind is bounded."""
    counted = Counted()

    async def life() -> None:
        passwords = Passwords(counted)
        await passwords.login(USERS, header("prometheus", "secret"))
        for number in range(REMEMBERED + 1):
            await passwords.login(USERS, header("prometheus", str(number)))
        before = len(counted.calls)
        assert await passwords.login(USERS, header("prometheus", "secret")) is Login.RIGHT
        assert len(counted.calls) == before
        await passwords.login(USERS, header("prometheus", "0"))
        assert len(counted.calls) == before + 1

    asyncio.run(life())


def test_one_hash_at_a_time_and_few_may_wait() -> None:
    """Who is known already is not held up by those who guess."""
    counted = Counted()

    async def life() -> None:
        passwords = Passwords(counted)
        assert await passwords.login(USERS, header("prometheus", "secret")) is Login.RIGHT
        counted.go.clear()
        guesses = [
            asyncio.ensure_future(passwords.login(USERS, header("prometheus", f"guess {number}")))
            for number in range(WAITING)
        ]
        async with asyncio.timeout(10):
            while counted.at_once == 0:  # noqa: ASYNC110 -- on another thread
                await asyncio.sleep(0.01)
        assert await passwords.login(USERS, header("prometheus", "one more")) is Login.BUSY
        assert await passwords.login(USERS, header("prometheus", "secret")) is Login.RIGHT
        counted.go.set()
        assert set(await asyncio.gather(*guesses)) == {Login.WRONG}
        assert counted.most_at_once == 1

    asyncio.run(life())


def test_the_same_login_twice_at_once_is_one_hash() -> None:
    """Two scrapes of one Prometheus."""
    counted = Counted()

    async def life() -> None:
        passwords = Passwords(counted)
        both = [passwords.login(USERS, header("prometheus", "secret")) for _ in range(2)]
        assert await asyncio.gather(*both) == [Login.RIGHT, Login.RIGHT]
        assert len(counted.calls) == 1

    asyncio.run(life())


@pytest.mark.parametrize("password", ["x" * 200, "\0", "a:b", ""])
def test_no_password_raises(password: str) -> None:
    """Too long for bcrypt, with a NUL in it, with a colon, none."""
    hashed = bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(4)).decode()

    async def life() -> None:
        given = header("u", password)
        assert await Passwords().login({"u": hashed}, given) is Login.RIGHT
        assert await Passwords().login({"u": "$1b" + hashed[3:]}, given) is Login.WRONG

    asyncio.run(life())

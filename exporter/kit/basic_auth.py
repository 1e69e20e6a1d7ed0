"""Whether a user and password are right, for hashes that are slow on purpose.

One hash is computed at a time and off the event loop, few may wait for it, and what was found is
remembered, right and wrong apart. A user that does not exist costs what one with the usual cost
does. Passwords are kept nowhere: what is remembered is a keyed digest. Who the users are, and what
a refusal looks like, is not decided here.
"""

import asyncio
import base64
import binascii
import enum
import hashlib
import hmac
import secrets
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping

import bcrypt

REMEMBERED = 100
WAITING = 16
"""Logins that may wait for the hash before theirs."""

LONGEST_PASSWORD = 72
"""Bytes of a password that bcrypt looks at."""

READ = ("$2a$", "$2b$", "$2x$", "$2y$")
"""How the hashes begin that can be checked."""


class Login(enum.StrEnum):
    """What became of a login; the refusals are also words on a metric label."""

    RIGHT = "Right"
    MISSING = "NoCredentials"
    WRONG = "WrongCredentials"
    BUSY = "TooManyLogins"


class Passwords:
    """Checks headers against users with their hashes, which may be others each time."""

    def __init__(self, check: Callable[[bytes, bytes], bool] = bcrypt.checkpw) -> None:
        self._check = check
        self._key = secrets.token_bytes(32)
        self._right: OrderedDict[bytes, None] = OrderedDict()
        self._wrong: OrderedDict[bytes, None] = OrderedDict()
        self._one = asyncio.Lock()
        self._waiting = 0

    async def login(self, users: Mapping[str, str], header: str) -> Login:
        """Check an Authorization header."""
        given = _credentials(header)
        if given is None:
            return Login.MISSING
        user, password = given
        known = {name.encode(): text for name, text in users.items()}
        found = known.get(user, "")
        wanted = (found or _nobody(users)).encode()
        digest = self._digest(user, wanted, password)
        answer = self._remembered(digest)
        if answer is not None:
            return answer
        if self._waiting >= WAITING:
            return Login.BUSY
        self._waiting += 1
        try:
            async with self._one:
                # Somebody before us may have asked the same.
                answer = self._remembered(digest)
                if answer is None:
                    right = await asyncio.to_thread(self._checked, password, wanted)
                    answer = Login.RIGHT if right and found else Login.WRONG
                    self._remember(digest, answer)
        finally:
            self._waiting -= 1
        return answer

    def _checked(self, password: bytes, wanted: bytes) -> bool:
        try:
            return self._check(password[:LONGEST_PASSWORD], wanted)
        except ValueError:
            return False

    def _digest(self, *parts: bytes) -> bytes:
        found = hmac.new(self._key, digestmod=hashlib.sha256)
        for part in parts:
            found.update(len(part).to_bytes(8, "big") + part)
        return found.digest()

    def _remembered(self, digest: bytes) -> Login | None:
        for answer, memory in ((Login.RIGHT, self._right), (Login.WRONG, self._wrong)):
            if digest in memory:
                memory.move_to_end(digest)
                return answer
        return None

    def _remember(self, digest: bytes, answer: Login) -> None:
        memory = self._right if answer is Login.RIGHT else self._wrong
        memory[digest] = None
        if len(memory) > REMEMBERED:
            memory.popitem(last=False)


def _credentials(header: str) -> tuple[bytes, bytes] | None:
    scheme, _, rest = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        # Headers are bytes on the wire; aiohttp keeps those that are not UTF-8 as surrogates.
        text = base64.b64decode(rest.strip().encode(errors="surrogateescape"), validate=True)
    except binascii.Error:
        return None
    user, colon, password = text.partition(b":")
    return (user, password) if colon else None


def _nobody(users: Mapping[str, str]) -> str:
    """Return a hash that no password has, at the usual cost of the users' own."""
    costs = Counter(text[4:6] for text in users.values() if text.startswith(READ))
    usual = costs.most_common(1)[0][0] if costs else "10"
    return f"$2b${usual}${'.' * 53}"

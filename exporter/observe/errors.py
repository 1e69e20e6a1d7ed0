"""What can go wrong at an edge, in our own words, so that no library's exception travels inwards.

    ObserveError                 something could not be seen; `reason` is a word for a metric label
      Unreachable                no answer: refused, reset, timed out, cut off in the middle
      Unauthorized               401: our credentials are not accepted
      Forbidden                  403: names the verb and the resource that are missing
      NotInstalled               404 on a list: the resource type does not exist here
      NotFound                   404 on one object
      Gone                       410: the resource version is too old, list again
      Conflict                   409: somebody was faster
      Invalid                    400 or 422: the server refuses what we sent
      Throttled                  429: `retry_after` seconds, when the server said so
      ServerFailed               5xx
      Garbage                    an answer that is not what the API promises

Only edges raise these. Pure code returns values; "no" is never an exception.
"""


class ObserveError(Exception):
    """Something could not be seen; the text is a sentence for the operator."""

    reason = "Other"


class Unreachable(ObserveError):
    """No answer, or one that stopped half-way."""

    reason = "Unreachable"


class Unauthorized(ObserveError):
    """HTTP 401: the token or certificate is not accepted."""

    reason = "Unauthorized"


class Forbidden(ObserveError):
    """HTTP 403: the text names the verb and the resource that are missing."""

    reason = "Forbidden"


class NotInstalled(ObserveError):
    """HTTP 404 on a collection: this resource type does not exist in this cluster."""

    reason = "NotInstalled"


class NotFound(ObserveError):
    """HTTP 404 on one object: it does not exist."""

    reason = "NotFound"


class Gone(ObserveError):
    """HTTP 410, or a watch that says so: list again."""

    reason = "Gone"


class Conflict(ObserveError):
    """HTTP 409: a precondition did not hold, or the name is taken."""

    reason = "Conflict"


class Invalid(ObserveError):
    """HTTP 400 or 422: the server understood and refused."""

    reason = "Invalid"


class Throttled(ObserveError):
    """HTTP 429."""

    reason = "Throttled"

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        """Keep the server's own waiting time, in seconds, when it gave one."""
        super().__init__(message)
        self.retry_after = retry_after


class ServerFailed(ObserveError):
    """HTTP 5xx."""

    reason = "ServerFailed"


class Garbage(ObserveError):
    """The answer is not what the API promises."""

    reason = "Garbage"

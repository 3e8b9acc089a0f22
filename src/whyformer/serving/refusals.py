"""Refusals: why a request gets no answer, as an HTTP status and one sentence."""

from whyformer.foundation.errors import WhyformerError
from whyformer.foundation.wording import counted


class RefusedError(WhyformerError):
    """A request that is refused.

    Args:
        status: status of the HTTP response.
        message: the rule, what was found, and how to fix it.
        reason: one word for the metrics, such as "overload".
        retry_seconds: time after which another attempt may succeed; None if it would fail again.
    """

    def __init__(
        self, status: int, message: str, reason: str, *, retry_seconds: int | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.reason, self.retry_seconds = status, reason, retry_seconds


def overloaded(waiting: int, seconds: int) -> RefusedError:
    """Return the refusal of a request for which the queue has no place."""
    return RefusedError(
        503,
        f"The server is overloaded: {counted(waiting, 'text')} must be computed first. Try again "
        f"in {seconds} s.",
        "overload",
        retry_seconds=seconds,
    )


def too_late(seconds: float, *, begun: bool) -> RefusedError:
    """Return the refusal of a request that was not answered in time.

    Args: begun: whether the model had begun to compute the answer.
    """
    if begun:
        message = (
            f"A request must be answered within {seconds:g} s, but the model needed longer. Send "
            "fewer or shorter texts, or lower `beam`."
        )
        return RefusedError(504, message, "timeout")
    message = f"The request waited for {seconds:g} s and was not begun. Try again later."
    return RefusedError(503, message, "timeout", retry_seconds=max(1, int(seconds)))


class GoneError(Exception):
    """No client waits for the answer any more: it has disconnected, or its time is over."""

"""The API's client: `Client`, and `AsyncClient` for event loops.

    with Client("https://selene.example.org", key) as selene:
        answer = selene.take_turn("alice", "kitchen", "remind me to call mom at 5 pm")
        if answer.confirm_by is not None:
            selene.confirm(answer.event_id)

It needs httpx (`pip install selene-os[client]`), and of Selene neither engines nor ledger.
What stands in `__all__` is public; `answers` and `bodies` hold the types.
"""

try:
    import httpx as _httpx  # noqa: F401
except ImportError as _error:
    raise ImportError(
        "selene_os.client needs httpx. Install it: pip install 'selene-os[client]'"
    ) from _error

from selene_os.client import answers, bodies, errors
from selene_os.client.asking import UNSET, Unset
from selene_os.client.blocking import Client
from selene_os.client.courses import Retries
from selene_os.client.errors import (
    ApiError,
    Fault,
    NotConfigured,
    NotReached,
    NotSelene,
    Refusal,
    SeleneClientError,
)
from selene_os.client.files import Saved
from selene_os.client.waiting import AsyncClient

__all__ = [
    "UNSET",
    "ApiError",
    "AsyncClient",
    "Client",
    "Fault",
    "NotConfigured",
    "NotReached",
    "NotSelene",
    "Refusal",
    "Retries",
    "Saved",
    "SeleneClientError",
    "Unset",
    "answers",
    "bodies",
    "errors",
]

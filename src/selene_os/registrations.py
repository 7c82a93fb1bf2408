"""Who may write for a tenant, and how its values are read."""

from __future__ import annotations

from typing import Final

from selene_os import names
from selene_os.errors import BadField, NotFound
from selene_os.ledger import refusals
from selene_os.ledger.events import TenantRow
from selene_os.ledger.registrations import DeviceRow, IdentityRow, SessionRow
from selene_os.ledger.repositories import Identities, Sessions, one_of
from selene_os.ledger.scope import ACTIVE, DISABLED
from selene_os.ledger.store import Store
from selene_os.receipts import Surroundings
from selene_os.tenancy import parse_setting

PAGE_ROWS_MAX: Final = 1_000


class Registrations:
    """A tenant's users, devices and sessions, and its settings.

    Args:
        store: a ledger store.
        surroundings: the clock and fresh names.
        tenant_id: the tenant.
    """

    def __init__(self, store: Store, surroundings: Surroundings, tenant_id: names.TenantId) -> None:
        self._store = store
        self._surroundings = surroundings
        self.tenant_id = tenant_id
        self._identities = Identities(store)
        self._sessions = Sessions(store)

    @property
    def settings(self) -> TenantRow:
        """How this tenant's ambiguous values are read. Raises NotFound."""
        row = self._store.tenant(self.tenant_id)
        if row is None:
            raise NotFound("is not known", "Add the tenant.", field="tenant_id")
        return row

    def set(self, /, **settings: str | int | None) -> TenantRow:
        """Change settings: currency, time_policy, date_order, zone; None takes one back.

        And confirm_within_s, 1 to 86,400: how long a draft waits for a yes.

        Raises:
            BadField: no such setting, or a value that it does not take.
        """
        parsed = {name: parse_setting(name, value) for name, value in settings.items()}
        self._store.set_tenant(self.tenant_id, parsed)
        return self.settings

    def register(self, user: str, device: str | None = None, session: str | None = None) -> bool:
        """Add what is missing of a user, a device of theirs and a session on it.

        Returns whether anything was added. Raises BadField, RegistrationRefused, Fault.
        """
        if session is not None and device is None:
            raise BadField("device_id", "is missing", "A session is opened on a device.")
        return self._store.register(
            self.tenant_id,
            names.parse_user_id(user),
            None if device is None else names.parse_device_id(device),
            None if session is None else names.parse_session_id(session),
            self._surroundings.clock(),
        )

    def disable(self, user: str) -> None:
        """Refuse every further write of a user. Raises BadField, NotFound."""
        self._identities.disable(self.tenant_id, names.parse_user_id(user))

    def enable(self, user: str) -> None:
        """Accept a disabled user's writes again. Raises BadField, NotFound."""
        self._identities.enable(self.tenant_id, names.parse_user_id(user))

    def close_session(self, session: str) -> None:
        """End a session for good. Raises BadField, NotFound, RegistrationRefused."""
        self._sessions.close(
            self.tenant_id, names.parse_session_id(session), self._surroundings.clock()
        )

    # ---- who is registered, by name, page by page

    def identity(self, user: str) -> IdentityRow:
        """One user. Raises BadField, NotFound."""
        user_id = names.parse_user_id(user)
        row = self._store.registrations.identity(self.tenant_id, user_id)
        if row is None:
            raise refusals.user_unknown(user_id)
        return row

    def identities(
        self, *, status: str | None = None, after: str | None = None, rows: int = 50
    ) -> list[IdentityRow]:
        """Users behind the one named `after`.

        Args:
            status: ACTIVE or DISABLED; None for both.
            rows: of one page, 1 to 1,000.

        Raises:
            BadField: a value is outside its bounds.
        """
        if status is not None:
            one_of("status", status, (ACTIVE, DISABLED))
        behind = None if after is None else names.parse_user_id(after, "after")
        names.check_count("rows", rows, 1, PAGE_ROWS_MAX)
        return self._store.registrations.identities(self.tenant_id, status, behind, rows)

    def devices(
        self, *, user: str | None = None, after: str | None = None, rows: int = 50
    ) -> list[DeviceRow]:
        """Devices behind the one named `after`, with a user that user's. Raises BadField."""
        user_id = None if user is None else names.parse_user_id(user)
        behind = None if after is None else names.parse_device_id(after, "after")
        names.check_count("rows", rows, 1, PAGE_ROWS_MAX)
        return self._store.registrations.devices(self.tenant_id, user_id, behind, rows)

    def session(self, session: str) -> SessionRow:
        """One session. Raises BadField, NotFound."""
        session_id = names.parse_session_id(session)
        row = self._store.registrations.session(self.tenant_id, session_id)
        if row is None:
            raise refusals.session_unknown(session_id)
        return row

    def sessions(
        self,
        *,
        user: str | None = None,
        is_open: bool | None = None,
        after: str | None = None,
        rows: int = 50,
    ) -> list[SessionRow]:
        """Sessions behind the one named `after`.

        Args:
            user: whose; None for all.
            is_open: True for those that are open, False for those that ended, None for both.
            rows: of one page, 1 to 1,000.

        Raises:
            BadField: a value is outside its bounds.
        """
        user_id = None if user is None else names.parse_user_id(user)
        behind = None if after is None else names.parse_session_id(after, "after")
        names.check_count("rows", rows, 1, PAGE_ROWS_MAX)
        return self._store.registrations.sessions(self.tenant_id, user_id, is_open, behind, rows)

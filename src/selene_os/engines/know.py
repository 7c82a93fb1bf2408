"""PH1.KNOW: a tenant's verified terms as hints, for what PH1.NLP may recognise.

Advisory: a hint widens what is recognised and is never evidence. One foreign or unverified entry
closes the whole bundle; the turn goes on without hints. Source: docs/spec/002 §11.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from selene_os.errors import BadField
from selene_os.names import check_text, parse_tenant_id
from selene_os.reasons import ReasonCode

NAME: Final = "PH1.KNOW"
VERSION: Final = "1.0.0"

TERMS_MAX: Final = 4_096
CANONICAL_BYTES_MAX: Final = 120
KINDS: Final = (
    "EMPLOYEE_NAME_PREFERRED",
    "APPROVED_ABBREVIATION",
    "INTERNAL_PRODUCT_NAME",
    "PROJECT_CODE",
    "PRONUNCIATION_HINT",
)
VERIFIED_SOURCES: Final = ("HR_ORG_AUTHORIZED", "USER_CONSENTED", "LEARNED_APPROVED")
SOURCES: Final = (*VERIFIED_SOURCES, "UNVERIFIED")


@dataclass(frozen=True, slots=True)
class Entry:
    """One term as a tenant keeps it.

    Attributes:
        entry_id, tenant_id: its name, and whose it is.
        kind, source: one of KINDS and of SOURCES.
        canonical: the term, 1 to 120 bytes.
        locale: its language, as in "en" or "zh-CN".
        evidence_ref: where consent or authority for it is recorded; None where there is none.

    Raises:
        BadField: a value is outside these bounds.
    """

    entry_id: str
    tenant_id: str
    kind: str
    source: str
    canonical: str
    locale: str = "en"
    evidence_ref: str | None = None

    def __post_init__(self) -> None:
        check_text("entry_id", self.entry_id, 128)
        parse_tenant_id(self.tenant_id)
        if self.kind not in KINDS:
            raise BadField("kind", "is not known", "Give one of " + ", ".join(KINDS) + ".")
        if self.source not in SOURCES:
            raise BadField("source", "is not known", "Give one of " + ", ".join(SOURCES) + ".")
        check_text("canonical", self.canonical, CANONICAL_BYTES_MAX)
        check_text("locale", self.locale, 35)
        if self.evidence_ref is not None:
            check_text("evidence_ref", self.evidence_ref, 128)


@dataclass(frozen=True, slots=True)
class Request:
    """The terms to be handed on to one tenant's turn; at most 4,096."""

    tenant_id: str
    entries: tuple[Entry, ...] = ()

    def __post_init__(self) -> None:
        parse_tenant_id(self.tenant_id)
        if len(self.entries) > TERMS_MAX:
            raise BadField(
                "entries",
                f"holds {len(self.entries)} terms; {TERMS_MAX} are accepted",
                "Take some out.",
            )


@dataclass(frozen=True, slots=True)
class Result:
    """Hints of one tenant, without doubles and in one order; none where the bundle was closed."""

    reason_code: ReasonCode
    hints: tuple[Entry, ...] = ()


def run(request: Request) -> Result:
    """Check every entry, then hand on all of them or none."""
    for entry in request.entries:
        if entry.tenant_id != request.tenant_id:
            return Result(ReasonCode.KNOW_FOREIGN_TERM)
        if not is_verified(entry):
            return Result(ReasonCode.KNOW_UNVERIFIED_TERM)
    unique: dict[tuple[str, str, str], Entry] = {}
    for entry in sorted(request.entries, key=_order):
        unique.setdefault((entry.kind, entry.canonical, entry.locale), entry)
    return Result(ReasonCode.KNOW_HINTS_OK, tuple(unique.values()))


def is_verified(entry: Entry) -> bool:
    """Whether a term may be used: a source that vouches for it, and of a user their consent."""
    consented = entry.source != "USER_CONSENTED" or entry.evidence_ref is not None
    return entry.source in VERIFIED_SOURCES and consented


def _order(entry: Entry) -> tuple[str, ...]:
    """A total order, so that of two doubles the same one stays whatever order they come in."""
    return (
        entry.kind,
        entry.canonical,
        entry.locale,
        entry.source,
        entry.evidence_ref or "",
        entry.entry_id,
    )

"""Requests that go through all pages, of those that ask for one."""

from __future__ import annotations

from selene_os.client import evidencing, reading, registered
from selene_os.client.answers import (
    AccessEvent,
    AccessEvents,
    Checkpoint,
    Checkpoints,
    Devices,
    Event,
    Found,
    Identities,
    RegisteredDevice,
    RegisteredIdentity,
    RegisteredSession,
    Sessions,
)
from selene_os.client.asking import paged


def _decisions(page: Found) -> tuple[Event, ...]:
    return page.events


def _checkpoints(page: Checkpoints) -> tuple[Checkpoint, ...]:
    return page.checkpoints


def _access_events(page: AccessEvents) -> tuple[AccessEvent, ...]:
    return page.events


def _identities(page: Identities) -> tuple[RegisteredIdentity, ...]:
    return page.identities


def _devices(page: Devices) -> tuple[RegisteredDevice, ...]:
    return page.devices


def _sessions(page: Sessions) -> tuple[RegisteredSession, ...]:
    return page.sessions


every_decision = paged(reading.search, _decisions)
every_checkpoint = paged(evidencing.list_checkpoints, _checkpoints)
every_access_event = paged(evidencing.list_access_events, _access_events)
every_identity = paged(registered.list_identities, _identities)
every_device = paged(registered.list_devices, _devices)
every_session = paged(registered.list_sessions, _sessions)

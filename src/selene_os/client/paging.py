"""Requests that go through all pages, of those that ask for one."""

from __future__ import annotations

from selene_os.client import evidencing, reading
from selene_os.client.answers import (
    AccessEvent,
    AccessEvents,
    Checkpoint,
    Checkpoints,
    Event,
    Found,
)
from selene_os.client.asking import paged


def _decisions(page: Found) -> tuple[Event, ...]:
    return page.events


def _checkpoints(page: Checkpoints) -> tuple[Checkpoint, ...]:
    return page.checkpoints


def _access_events(page: AccessEvents) -> tuple[AccessEvent, ...]:
    return page.events


every_decision = paged(reading.search, _decisions)
every_checkpoint = paged(evidencing.list_checkpoints, _checkpoints)
every_access_event = paged(evidencing.list_access_events, _access_events)

"""Thousands of callers at once, each on a connection of its own."""

from __future__ import annotations

import asyncio
import json
import os
import resource
from collections import Counter
from pathlib import Path

from command import rows
from running import Running, ledger, running

CALLERS = 2_000 if "SELENE_DRILLS" in os.environ else 300
# One that is told to come back does, as often as this.
TRIES = 200


async def call(server: Running, number: int, all_here: asyncio.Barrier) -> tuple[str, list[int]]:
    """One caller: connects, waits until everybody has, then takes a turn until it is taken."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    await all_here.wait()
    body = json.dumps({"user_id": "alice", "device_id": "kitchen", "text": f"call {number}"})
    head = (
        "POST /v1/tenants/acme/turns HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        f"authorization: Bearer {server.key}\r\nidempotency-key: caller-{number}\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    told: list[int] = []
    try:
        for _ in range(TRIES):
            writer.write((head + body).encode())
            fields = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(fields.partition(b"content-length: ")[2].partition(b"\r\n")[0])
            content = json.loads(await reader.readexactly(length))
            told.append(int(fields[9:12]))
            if told[-1] in (200, 201):
                return str(content["event_id"]), told
            assert told[-1] in (429, 503), content
            assert b"\r\nretry-after: " in fields
            await asyncio.sleep(0.2)
            if b"\r\nconnection: close" in fields:
                # Who is sent away before the body was read, comes back on another one.
                writer.close()
                reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        raise AssertionError(f"caller {number} was never let in")
    finally:
        writer.close()


def test_a_crowd_is_answered_and_each_caller_once(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, CALLERS + 200)), hard))

    async def crowd(server: Running) -> list[tuple[str, list[int]]]:
        all_here = asyncio.Barrier(CALLERS)
        return await asyncio.gather(*(call(server, one, all_here) for one in range(CALLERS)))

    with running(tmp_path, "--seal-every", "100ms", key=ledger(tmp_path)) as server:
        told = asyncio.run(crowd(server))
        assert server.end() == 0
    # Nobody's turn was taken twice, and whoever was sent away had written nothing.
    assert Counter(answers[-1] for _, answers in told) == {201: CALLERS}
    assert len({event_id for event_id, _ in told}) == CALLERS
    db = tmp_path / "selene.db"
    assert rows(db, "SELECT count(*) FROM audit_events") == [[CALLERS]]
    assert rows(db, "SELECT count(*) FROM unsealed_events") == [[0]]

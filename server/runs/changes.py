"""What each step of a run's life makes of its record."""

import platform
from typing import Any

from msgspec.structs import replace

from server.events import now
from server.records import RunRecord
from server.runs.evidence import Verdict
from server.runs.process import Leader, boot_id, since_boot


def admitted(record: RunRecord, leader: Leader, secret_hash: bytes) -> RunRecord:
    """Its start is given to this process, and to no other."""
    return replace(
        record,
        state="running",
        started=now(),
        node=platform.node(),
        pid=leader.pid,
        pid_started=leader.started,
        boot=boot_id(),
        secret_hash=secret_hash.hex(),
        start_given=True,
        deadline=since_boot() + record.timeout,
    )


def answered(record: RunRecord, request: str, value: Any) -> RunRecord:
    """The answer to ``request`` was accepted."""
    asking = {name: asked for name, asked in record.asking.items() if name != request}
    return replace(record, asking=asking, answers={**record.answers, request: value})


def ended(record: RunRecord, final: Verdict) -> RunRecord:
    """It is over."""
    return replace(
        record, state=final.type, ended=now(), result=final.result, error=final.error, asking={}
    )

"""Follow a session over as many connections as it takes; a file keeps the cursor."""

import asyncio
import json
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp

#: Longer than two heartbeats of the server: what is silent for so long is dead.
SILENCE = aiohttp.ClientWSTimeout(ws_receive=25)
#: Close codes after which coming back has no point.
FINAL = {4400, 4401, 4403, 4410}


async def follow(session: str, kept: Path, handle: Callable[[Any], None]) -> str:
    """Hand each event of the session at this address to ``handle``; return why it ended."""
    attempt = 0
    async with aiohttp.ClientSession() as client:
        while True:
            before = cursor(kept)
            reason, reconnect, after_ms = await connection(client, session, kept, handle)
            if not reconnect:
                return reason
            attempt = 0 if cursor(kept) != before else attempt + 1
            asked = (after_ms or 0) / 1000
            await asyncio.sleep(asked + random.uniform(0, min(10.0, 0.5 * 2**attempt)))


def cursor(kept: Path) -> str:
    """Return the last cursor that was kept, empty before the first."""
    return kept.read_text() if kept.exists() else ""


def keep(kept: Path, epoch: str, offset: int) -> None:
    """Remember that everything up to here was handled."""
    kept.write_text(f"{epoch}-{offset}")


async def connection(
    client: aiohttp.ClientSession, session: str, kept: Path, handle: Callable[[Any], None]
) -> tuple[str, bool, int | None]:
    """Follow over one connection; why it ended, whether to come back, and after how many ms."""
    try:
        async with client.ws_connect(
            f"{session}/ws", params={"after": cursor(kept)}, timeout=SILENCE
        ) as socket:
            epoch = cursor(kept).rpartition("-")[0]
            async for message in socket:
                frame = json.loads(message.data)
                match frame.get("type"):
                    case _ if "offset" in frame:
                        handle(frame)
                        keep(kept, epoch, frame["offset"])  # after it was handled
                    case "ready":
                        epoch = epoch or frame["epoch"]
                    case "reset":  # the log began again: what came before is void
                        epoch = frame["epoch"]
                        keep(kept, epoch, frame["first"] - 1)
                    case "bye":
                        return frame["reason"], frame["reconnect"], frame.get("after_ms")
            return f"closed with {socket.close_code}", socket.close_code not in FINAL, None
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return str(error), True, None


if __name__ == "__main__":
    print(asyncio.run(follow(sys.argv[1], Path(sys.argv[2]), print)))

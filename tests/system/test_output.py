"""What a workflow's code prints is caught as events, line by line."""

from tests.system.api import Api, fresh


async def test_prints_are_log_events(api: Api) -> None:
    """Each line of stdout and stderr, whoever wrote it, is a `log` event of its stream."""
    session = fresh()
    await api.start(session, "prints")
    events = await api.ended(session)
    assert events[-1]["type"] == "complete"
    logs = [event["data"] for event in events if event["type"] == "log"]
    assert {"stream": "stderr", "text": "from stderr"} in logs
    out = [each["text"] for each in logs if each["stream"] == "stdout"]
    assert out == ["from print", "bad \ufffd byte", "from a program", "no newline"]


async def test_death_keeps_the_last_words(api: Api) -> None:
    """What a dying process wrote to stderr is in the error's detail."""
    session = fresh()
    await api.start(session, "aborts")
    last = (await api.ended(session))[-1]
    assert "assertion failed: money > 0" in str(last["data"]["detail"])


async def test_last_words_are_heard_whenever_death_comes(api: Api) -> None:
    """A death right after the words finds them sent as a `log` event, or in the error's detail."""
    unheard = []
    for microseconds in range(0, 600, 10):
        session = fresh()
        await api.start(session, "aborts", after=microseconds / 1e6)
        if not any("money > 0" in str(event["data"]) for event in await api.ended(session)):
            unheard.append(microseconds)
    assert not unheard

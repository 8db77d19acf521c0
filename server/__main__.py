"""``python -m server``: serve until told to stop."""

# Nothing is imported up here: multiprocess imports this module again in every child, under another
# name, and a child's start is on the user's clock.


def main() -> int:
    """Serve; the exit status, after what went wrong was said on stderr."""
    import gc  # noqa: PLC0415

    gc.disable()  # what is imported lives long: to look for garbage in it is a tenth of a start

    import asyncio  # noqa: PLC0415
    import sys  # noqa: PLC0415

    from server.absence import without  # noqa: PLC0415
    from server.errors import KeepstreamError  # noqa: PLC0415
    from server.settings import load  # noqa: PLC0415

    try:
        settings = load()
        with without("rich"):  # structlog's, for tracebacks in colour
            from server.telemetry import configure  # noqa: PLC0415
        configure(settings.log_level, settings.log_format)
        with without("ssl"):  # aiohttp's, for clients: it would read all certificates there are
            from server.app import serve  # noqa: PLC0415

        # Thousands of sessions, readers and futures live long: to look at all of them for cycles
        # after every few hundred allocations costs a third of a busy core.
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        gc.enable()
        asyncio.run(serve(settings))
    except KeepstreamError as error:
        sys.stdout.flush()
        print(f"keepstream: {error.message}", file=sys.stderr, flush=True)  # noqa: T201
        return 2
    return 0


if __name__ == "__main__":
    import os

    # Not sys.exit: multiprocess would join its children first, and wait for as long as they live.
    os._exit(main())

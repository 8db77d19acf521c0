"""A plain function: it blocks, uses threads, prints, and looks whether it should stop."""

from concurrent.futures import ThreadPoolExecutor

from workflows import Context, workflow


@workflow
def crunch(ctx: Context, parts: int = 4, limit: int = 1000) -> int | None:
    """Count prime numbers in several threads."""

    def count(part: int) -> int:
        found = 0
        for number in range(2 + part, limit, parts):
            if ctx.cancelled:
                break
            found += all(number % divisor for divisor in range(2, int(number**0.5) + 1))
        ctx.emit("part", {"part": part, "primes": found})
        return found

    with ThreadPoolExecutor(parts) as threads:
        total = sum(threads.map(count, range(parts)))
    if ctx.cancelled:
        return None  # told to stop, and nothing to show for it: the run is `cancelled`
    print("primes:", total)  # a `log` event
    return total

"""Daily prices of five stocks, 2000-03-01 to 2013-03-01.

They come with the package `bokeh_sampledata` (public domain, from Quandl's WIKI prices). Open,
high, low and close are as quoted on the day; `adjusted` is the close after splits and dividends, in
today's shares, and is the only column that returns are computed from.
"""

import bisect
import csv
import functools
import gzip
import io
from dataclasses import dataclass
from importlib import resources

TICKERS = ("AAPL", "FB", "GOOG", "IBM", "MSFT")
FIRST_YEAR, LAST_YEAR = 2000, 2013


class PricesUnavailableError(RuntimeError):
    """The price table cannot be read: the installation's fault, not the caller's."""


@dataclass(frozen=True, slots=True)
class Prices:
    """The daily bars of one stock, oldest first. All columns have one value a day.

    `dates` are ISO dates; prices are dollars; `volume` is shares.
    """

    symbol: str
    dates: tuple[str, ...]
    open: tuple[float, ...]
    high: tuple[float, ...]
    low: tuple[float, ...]
    close: tuple[float, ...]
    volume: tuple[int, ...]
    adjusted: tuple[float, ...]

    def between(self, first: int, last: int) -> range:
        """The positions of the days in the years `first` to `last`, both included.

        `dates` must be in order, which is the first thing that `quality.examine` looks at.
        """
        return range(
            bisect.bisect_left(self.dates, f"{first:04}"),
            bisect.bisect_left(self.dates, f"{last + 1:04}"),
        )


def load(symbol: str) -> Prices:
    """All prices of `symbol`, one of `TICKERS`.

    Raises `PricesUnavailableError` if the table is missing or is not the table we know.
    """
    rows = _table().get(symbol)
    if not rows:
        raise PricesUnavailableError(f"the price table has no rows for {symbol}")
    columns = list(zip(*rows, strict=True))
    opened, high, low, close, volume, adjusted = columns[2:]
    try:
        return Prices(
            symbol=symbol,
            dates=tuple(columns[1]),
            open=tuple(map(float, opened)),
            high=tuple(map(float, high)),
            low=tuple(map(float, low)),
            close=tuple(map(float, close)),
            volume=tuple(map(int, volume)),
            adjusted=tuple(map(float, adjusted)),
        )
    except ValueError as error:
        raise PricesUnavailableError(f"the prices of {symbol} are not numbers: {error}") from error


@functools.cache
def _table() -> dict[str, list[list[str]]]:
    # The package's own `stocks` module would read the same file, but it keeps every column of
    # every stock as lists for as long as the process lives.
    try:
        packed = resources.files("bokeh_sampledata").joinpath("_data/stocks.csv.gz").read_bytes()
    except (ModuleNotFoundError, FileNotFoundError) as error:
        raise PricesUnavailableError(
            "the stock prices are missing: install the package bokeh_sampledata"
        ) from error
    lines = csv.reader(io.StringIO(gzip.decompress(packed).decode()))
    if next(lines)[:2] != ["Ticker", "Date"]:
        raise PricesUnavailableError("stocks.csv.gz of bokeh_sampledata has unknown columns")
    rows: dict[str, list[list[str]]] = {}
    for line in lines:
        rows.setdefault(line[0], []).append(line)
    return rows

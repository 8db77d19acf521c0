"""A specification as Python that a person can read, keep and run. We only ever show it.

The functions in it are the source of those that the backtest called, so what is read is what was
measured. The reasons come from a model: they become comments and cannot become code.
"""

import inspect
import textwrap

from workflows.strategy.signals import RULE_FUNCTIONS, SIZING_FUNCTIONS
from workflows.strategy.specification import Specification

_MODULE = '''\
"""{title}.

`weights(closes)` takes a stock's adjusted daily closes, oldest first, and returns for each day the
share of the money that should be in the stock. What it says at a day's close is traded at the next.
"""

{imports}

{comment}{constants}


{rule}

{sizing}

def weights(closes: Sequence[float]) -> list[float]:
    """The share of the money for each day, as known at that day's close."""
    held = {held}
    sizes = {sizes}
    return [size if hold else 0.0 for hold, size in zip(held, sizes, strict=True)]
'''


def render(specification: Specification, rationale: str = "") -> str:
    """The module's source. Every parameter is a constant at its top, named in capitals."""
    rule, sizing = specification.rule, specification.sizing
    sources = [
        inspect.getsource(function)
        for function in (RULE_FUNCTIONS[rule.kind], SIZING_FUNCTIONS[sizing.kind])
    ]
    constants = rule.parameters() | sizing.parameters()
    return _MODULE.format(
        title=specification.describe().capitalize(),
        imports=_imports("".join(sources)),
        comment=_comment(rationale),
        constants="\n".join(f"{name.upper()} = {value!r}" for name, value in constants.items()),
        rule=sources[0],
        sizing=sources[1],
        held=_call(rule.kind, list(rule.parameters())),
        sizes=_call(sizing.kind, list(sizing.parameters())),
    )


def _imports(source: str) -> str:
    modules = [f"import {name}" for name in ("itertools", "math") if f"{name}." in source]
    return "\n".join([*modules, "from collections.abc import Sequence"])


def _call(function: str, names: list[str]) -> str:
    return f"{function}(closes, {', '.join(f'{name}={name.upper()}' for name in names)})"


def _comment(text: str) -> str:
    # NUL and other unprintable characters would end a comment or spoil the file.
    plain = "".join(letter if letter.isprintable() else " " for letter in text)
    return "".join(f"# {line}\n" for line in textwrap.wrap(plain, width=90))

"""What all verbs have in common: --color, --json, numbers, and git's `-5` for `-n 5`."""

import re
from collections.abc import Callable
from typing import TypeVar

import click

from hyperstore.cli.output import Output

__all__ = ["OUTPUT", "Number", "Verb", "json_option"]

OUTPUT = "hyperstore.output"
"""Where a run's Output stands in the context of click."""

_COUNT = re.compile(r"-([0-9]+)")

T = TypeVar("T")


class Verb(click.Command):
    """A command that takes --color like the others, and `-5` for `-n 5` where it takes -n."""

    def __init__(self, *args: object, **settings: object) -> None:
        super().__init__(*args, **settings)  # type: ignore[arg-type]
        self.params.append(
            click.Option(
                ["--color"],
                type=click.Choice(["auto", "always", "never"]),
                expose_value=False,
                callback=_set_colour,
                help="When to use colour.",
            )
        )

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read git's short form of a count, and all else as click does."""
        counts = [param for param in self.params if "-n" in param.opts]
        if counts and not getattr(counts[0], "is_flag", False):
            end = args.index("--") if "--" in args else len(args)
            takes = {
                name
                for param in self.params
                if isinstance(param, click.Option) and not param.is_flag
                for name in param.opts
            }
            head = [
                _COUNT.sub(r"-n\1", one) if _COUNT.fullmatch(one) and before not in takes else one
                for before, one in zip(["", *args], args[:end], strict=False)
            ]
            args = head + args[end:]
        return super().parse_args(ctx, args)


class Number(click.IntRange):
    """A whole number from `min` on, which says what is wanted to whoever gives something else."""

    def __init__(self, *, min: int = 0, what: str = "a number from 0 on") -> None:
        super().__init__(min=min)
        self._what = what

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """Return the number that was typed, or a default as it is."""
        try:
            number = int(str(value))
        except ValueError:
            number = None
        if number is None or number < (self.min or 0):
            self.fail(f"{str(value)!a} is not {self._what}", param, ctx)
        return number


def _set_colour(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    if value is not None:
        output = ctx.meta[OUTPUT]
        assert isinstance(output, Output)
        output.when = value


json_option: Callable[[T], T] = click.option(  # type: ignore[assignment]
    "--json", "as_json", is_flag=True, help="One JSON object a line, for programs."
)

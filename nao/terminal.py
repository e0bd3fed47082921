"""How a command is run in a terminal: one way to say what is wrong, and options that several commands share.

What is wrong with the input is one line on the standard error, with exit status 2. Ctrl-C ends with 130. An
output that cannot be written ends with 1; one that nobody reads any more is no mistake.
"""

import contextlib
import dataclasses
import functools
import inspect
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from nao.core import InputError

WRONG, STOPPED, LOST = 2, 130, 1  # exit statuses: wrong input, Ctrl-C, output that is lost
VALUES = {"--cluster": "auto"}  # options whose value may be left out, and what it is then
ClickError: type[Any] = typer.BadParameter.__mro__[2]  # what the command line's library raises


def shares_options(record: type) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Gives a command an option for each field of a record, in place of its parameter of that type."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(command)
        fields = dataclasses.fields(record)
        (ours,) = (p.name for p in signature.parameters.values() if p.annotation is record)
        options = [
            inspect.Parameter(f.name, inspect.Parameter.KEYWORD_ONLY, default=f.default, annotation=f.type)
            for f in fields
        ]
        others = [p.replace(kind=p.KEYWORD_ONLY) for p in signature.parameters.values() if p.name != ours]

        @functools.wraps(command)
        def wrapped(**given: Any) -> None:
            values = {field.name: given.pop(field.name) for field in fields}
            command(**given, **{ours: record(**values)})

        wrapped.__signature__ = signature.replace(parameters=[*others, *options])  # type: ignore[attr-defined]
        wrapped.__annotations__ = {p.name: p.annotation for p in [*others, *options]}
        return wrapped

    return decorate


def with_values(arguments: Sequence[str]) -> list[str]:
    """The words of a command, with the values that may be left out.

    A word that follows such an option is its value, unless it is another option.
    """
    found = []
    for i, word in enumerate(arguments):
        left_out = word in VALUES and all(after.startswith("-") for after in arguments[i + 1 : i + 2])
        found.append(f"{word}={VALUES[word]}" if left_out else word)
    return found


class ReaderGone(Exception):
    """Whoever read the output has had enough of it."""


class Output(Console):
    """A console that says when nobody reads it any more, instead of ending the program itself."""

    def say(self, text: str) -> None:
        """Prints a line as it is: a path, or a command to copy."""
        self.print(text, highlight=False, markup=False, soft_wrap=True)

    def on_broken_pipe(self) -> None:
        """Is called by whatever prints."""
        raise ReaderGone


class Commands(TyperGroup):
    """The commands. Whatever is wrong with the input is said in one line, with exit status 2."""

    def invoke(self, ctx: Any) -> Any:
        """Runs a command, and its output to the end."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError as error:
            raise ReaderGone from error
        return result

    def main(self, args: Sequence[str] | None = None, *rest: Any, **extra: Any) -> Any:
        """Runs the command line, which asks for help where it is empty, and exits with its status."""
        given = with_values(sys.argv[1:] if args is None else args) or ["--help"]
        sys.exit(self._status(given, *rest, **{**extra, "standalone_mode": False}))

    def _status(self, args: list[str], *rest: Any, **extra: Any) -> int:
        try:
            status = super().main(args, *rest, **extra)
            return status if isinstance(status, int) else 0
        except InputError as error:
            return _complain(str(error))
        except ClickError as error:
            return _complain(error.format_message())
        except typer.Abort:
            return STOPPED
        except ReaderGone:
            _discard_output()
            return 0
        except OSError as error:
            _discard_output()
            return _complain(f"the output cannot be written: {error.strerror or error}", LOST)


def _complain(message: str, status: int = WRONG) -> int:
    """Says what is wrong, in one line."""
    with contextlib.suppress(OSError):
        typer.echo(f"error: {' '.join(message.split())}", err=True)
    return status


def _discard_output() -> None:
    """Lets nothing more be written to an output that fails, also not when the interpreter ends."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

"""The command: its verbs, each imported when it is run, and what becomes of errors.

Exit codes: 0 done; 1 the answer is no (nothing to commit, faults found by fsck, a difference with
`diff --exit-code`, no frame that fits a `query`); 2 called wrongly; 128 an error; 130 stopped by
Ctrl-C; 141 nobody reads the output any more.
"""

import gc
import os
import signal
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import NoReturn, TextIO

import click

from hyperstore.cli.output import Output
from hyperstore.cli.text import recorded_command
from hyperstore.cli.verb import OUTPUT
from hyperstore.errors import HyperstoreError, UsageError

__all__ = ["Program", "cli", "main"]

_STANDARD_ERROR = 2  # The last of the three streams that every program begins with.
DONE, WRONG_CALL, FAILED, INTERRUPTED, NOBODY_READS = 0, 2, 128, 130, 141

# Verb: the module that holds it, and its line in the list of commands.
VERBS = {
    "init": ("init", "make a store in this folder"),
    "dataset": ("dataset", "create, list, rename, delete datasets, or set their metadata"),
    "import": (
        "importing",
        "read COCO, VOC, Parquet, Hugging Face or WebDataset into a draft",
    ),
    "export": (
        "exporting",
        "write a version in a format that import reads, or as JSON",
    ),
    "add": ("add", "add or replace frames from JSON, or a folder of pictures and videos"),
    "mv": ("mv", "lead the sources under one place to another"),
    "rm": ("rm", "remove frames"),
    "edit": ("edit", "change labels, boxes or metadata of frames"),
    "cat": ("cat", "show one frame, or any object"),
    "ls": ("ls", "list frames in order"),
    "head": ("head", "the first frames, as a table"),
    "query": ("query", "the frames that fit what is asked"),
    "sample": ("sample", "some frames by chance, by a seed"),
    "stats": ("stats", "count labels, shapes, contexts and sources"),
    "sql": ("sql", "ask SQL of the frames of a version"),
    "view": ("view", "keep queries as views; pin, verify and compare what they show"),
    "stamp": ("stamp", "say of a file which frames it was made of"),
    "which": ("which", "of which frames a file was made"),
    "status": ("status", "what has changed since the last commit"),
    "diff": ("diff", "what differs between two versions or commits"),
    "commit": ("commit", "record what has changed"),
    "log": ("log", "commits, newest first"),
    "show": ("show", "a commit and what it changed, a tag, a version"),
    "branch": ("branch", "list, create, rename or delete versions"),
    "switch": ("switch", "stand on another version"),
    "publish": ("publish", "freeze a version"),
    "snapshot": ("publish", "publish, and go on in a new draft"),
    "tag": ("tag", "name a commit for good"),
    "reset": ("reset", "move a draft back to a commit"),
    "restore": ("reset", "bring back frames as they were"),
    "revert": ("reset", "undo what one commit did, by a new commit"),
    "reflog": ("reflog", "where versions have pointed, and every operation"),
    "undo": ("reflog", "take back the last operation"),
    "run": ("run", "run a program for allegroai and clearml on this store"),
    "runs": ("runs", "list, show or remove runs of programs, and what they touched"),
    "media": ("media", "list, verify, prune kept files, or fetch what lies elsewhere"),
    "gc": ("gc", "drop what nothing refers to any more"),
    "fsck": ("fsck", "check every byte, object and reference"),
    "config": ("config", "read and set options"),
    "version": ("version", "the versions of the program, the format and the engine"),
}

_EPILOG = """\
A revision is DATASET@VERSION, then ~n, ^n or @{n}; in place of VERSION a tag or the start of a
commit's id. A bare word is looked up in the dataset on which HEAD stands. Put names that hold
@ ~ ^ : or .. in double quotes: '"a@b"@v1~2'.

\b
Exit codes: 0 done; 1 the answer is no (nothing to commit, faults found,
differences with diff --exit-code, no frame fits a query); 2 called
wrongly; 128 an error; 130 stopped by Ctrl-C; 141 nobody reads the output
any more.

\b
Completion in bash (also zsh, fish):
  eval "$(_HYPERSTORE_COMPLETE=bash_source hyperstore)"
"""


class Program(click.Group):
    """A group whose verbs are imported when one is run, and whose errors are one line each."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        return _verb(cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in VERBS.items()])

    def main(  # type: ignore[override]
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: object
    ) -> NoReturn:
        """Run the command line and exit."""
        output = Output()
        words = list(sys.argv[1:] if args is None else args)
        code = FAILED
        try:
            with _reported(output):
                code = self._run(words, output)
                output.flush()
        except BrokenPipeError:
            code = NOBODY_READS
            _drop_output()
        except (KeyboardInterrupt, click.Abort):
            code = INTERRUPTED
            output.error("interrupted")
        except click.UsageError as error:
            code = WRONG_CALL
            where = error.ctx.command_path if error.ctx else "hyperstore"
            message = error.format_message()
            said = message if message.endswith((".", "?")) else f"{message}."
            output.error(f"{said} See `{where} --help`.")
        except click.ClickException as error:
            output.error(error.format_message())
        except UsageError as error:
            code = WRONG_CALL
            output.error(str(error))
        except HyperstoreError as error:
            output.error(str(error))
        except OSError as error:
            name = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
            output.error(f"{name}{error.strerror or error}")
            _drop_output()
        except MemoryError:
            output.error("out of memory")
        sys.exit(code)

    def _run(self, words: list[str], output: Output) -> int:
        # Not by click's own main(), which prints when interrupted, and ends pipes by another code.
        self._main_shell_completion({}, "hyperstore", "_HYPERSTORE_COMPLETE")
        try:
            with self.make_context("hyperstore", words, obj=(output, list(words))) as ctx:
                result: object = self.invoke(ctx)
        except click.exceptions.Exit as end:
            return end.exit_code
        return result if isinstance(result, int) else DONE


@click.group(
    cls=Program,
    no_args_is_help=False,
    invoke_without_command=True,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)
@click.option(
    "-C", "folder", metavar="DIR", type=click.Path(path_type=Path), help="Run as if started in DIR."
)
@click.option(
    "--color",
    "when",
    type=click.Choice(["auto", "always", "never"]),
    help="Colour: auto is on a terminal, unless NO_COLOR is set.",
)
@click.option("--version", "is_version", is_flag=True, help="Show the versions and exit.")
@click.pass_context
def cli(ctx: click.Context, folder: Path | None, when: str | None, is_version: bool) -> int:
    """A versioned store for computer-vision datasets, with git's words and habits."""
    output, words = ctx.obj
    ctx.meta[OUTPUT] = ctx.obj = output
    if when is not None:
        output.when = when
    if is_version:
        ctx.invoke(_verb("version"))
        ctx.exit(DONE)
    if ctx.invoked_subcommand is None:
        output.raw(ctx.get_help())
        return WRONG_CALL
    if folder is not None:
        before = Path.cwd()
        os.chdir(folder)
        ctx.call_on_close(lambda: os.chdir(before))
    # Those that open no store here start sooner without.
    if ctx.invoked_subcommand not in ("run", "version"):
        consoles = _loaded("console")
        ctx.obj = consoles.Console(output, recorded_command(words), named=folder is not None)
        ctx.call_on_close(ctx.obj.close)
    if not gc.isenabled():  # As the command begins. By now the verb is loaded, too.
        gc.freeze()
        gc.enable()
    return DONE


def main() -> NoReturn:
    """Run the command and exit: the entry point of `hyperstore`."""
    _fill_closed()
    cli.main()


def _verb(name: str) -> click.Command:
    found = getattr(_loaded(VERBS[name][0]), f"{name}_command")
    assert isinstance(found, click.Command)
    return found


def _loaded(name: str) -> ModuleType:
    """Import a module of the command. Ctrl-C takes effect when that is done: inside of an import
    Python shows the exception with its traceback here and there, and goes on.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler:
        return import_module(f"hyperstore.cli.{name}")
    pressed: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: pressed.append(number))
    try:
        found = import_module(f"hyperstore.cli.{name}")
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed:
        raise KeyboardInterrupt
    return found


@contextmanager
def _reported(output: Output) -> Iterator[None]:
    """Show warnings of the package as one line each, and never fail to print a character."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        output.warning(str(message))

    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = show
        yield


def _fill_closed() -> None:
    """Put something in the place of streams that were closed before the program began.

    A file of the store that got their numbers would take in what is printed. Output to a closed
    stdout fails as to a pipe that nobody reads; what goes to a closed stderr is dropped.
    """
    if None not in (sys.stdin, sys.stdout, sys.stderr):
        return
    place = os.open(os.devnull, os.O_RDWR)
    while place <= _STANDARD_ERROR:
        place = os.dup(place)
    if sys.stderr is None:
        sys.stderr = os.fdopen(os.dup(place), "w", encoding="utf-8")
    if sys.stdout is None:
        reads, writes = os.pipe()
        os.close(reads)
        sys.stdout = os.fdopen(writes, "w", encoding="utf-8")
    os.close(place)


def _drop_output() -> None:
    """Point stdout at nothing, so that the interpreter does not fail to flush it at its end."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        return

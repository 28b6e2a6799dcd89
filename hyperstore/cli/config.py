"""`config`: read and set options."""

import click

from hyperstore.cli.complete import complete_settings
from hyperstore.cli.console import Console, pass_console
from hyperstore.cli.verb import Verb, json_option
from hyperstore.dataset.config import CONFIG_KEYS, check_setting, parse_value
from hyperstore.errors import UsageError

__all__ = ["config_command"]

_VERBS = ("get", "set", "unset", "list")


def _help() -> str:
    lines = [f"  {key:<12} {what}" for key, (_, what) in CONFIG_KEYS.items()]
    return "Settings:\n" + "\n".join(lines)


@click.command("config", cls=Verb, epilog=f"\b\n{_help()}")
@click.argument(
    "words",
    nargs=-1,
    metavar="[get|set|unset|list] [KEY [VALUE]]",
    shell_complete=complete_settings,
)
@click.option("--unset", is_flag=True, help="Unset KEY.")
@click.option("-l", "--list", "is_list", is_flag=True, help="List what is set.")
@json_option
@pass_console
def config_command(
    console: Console, words: tuple[str, ...], unset: bool, is_list: bool, as_json: bool
) -> int:
    """Read a setting of the store (KEY), set it (KEY VALUE), unset it, or list those that are set.

    Exits with 1 where KEY is not set. --json: key, value.
    """
    verb, rest = _verb(words, unset=unset, is_list=is_list)
    store = console.store
    if verb == "list":
        for key, value in sorted(store.config.values.items()):
            _print(console, key, value, as_json=as_json, named=True)
        return 0
    key = rest[0]
    if verb == "set":
        store.set_config(key, parse_value(key, rest[1]))
        return 0
    _known(key)
    held = store.config.values.get(key)
    if held is None:
        return 1
    if verb == "unset":
        store.set_config(key, None)
    else:
        _print(console, key, held, as_json=as_json, named=False)
    return 0


def _verb(words: tuple[str, ...], *, unset: bool, is_list: bool) -> tuple[str, tuple[str, ...]]:
    if words and words[0] in _VERBS:
        verb, rest = words[0], words[1:]
    elif unset:
        verb, rest = "unset", words
    elif is_list or not words:
        verb, rest = "list", words
    else:
        verb, rest = ("get" if len(words) == 1 else "set"), words
    wanted = {"list": 0, "get": 1, "unset": 1, "set": 2}[verb]
    if len(rest) != wanted:
        raise UsageError(f"config {verb} takes {wanted} words, not {len(rest)}")
    return verb, rest


def _known(key: str) -> None:
    """Raise UsageError for a key that no setting has."""
    table = key.partition(".")[0]
    if key not in CONFIG_KEYS and table != "roots":
        check_setting(key, "")


def _print(console: Console, key: str, value: str | int, *, as_json: bool, named: bool) -> None:
    if as_json:
        console.out.json({"key": key, "value": value})
        return
    console.out.line(f"{key}={value}" if named else str(value))

"""config.toml: who writes, where local files live, how long what is unused is kept.

A handful of keys in TOML tables. A setting that a person wrote there by hand is kept, or refused
when wrong. Comments are not kept: whoever sets a key writes the file anew, with settings only.
"""

import contextlib
import os
import re
import shutil
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

from hyperstore.codec import Struct, field
from hyperstore.errors import FormatError, UsageError
from hyperstore.ids import new_id
from hyperstore.media.settings import MEDIA_KEYS, MEDIA_NUMBERS
from hyperstore.storage.host import folder_lock, sync_folder
from hyperstore.storage.translation import disk_errors

__all__ = [
    "CONFIG_KEYS",
    "Config",
    "change_config",
    "check_setting",
    "parse_value",
    "read_config",
]

Setting = str | int


def _text(value: object) -> str:
    if not isinstance(value, str) or any(ord(character) < 32 for character in value):
        raise ValueError("a line of text")
    return value


def _seconds(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("a whole number of seconds, 0 or more")
    return value


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("a whole number of objects, 0 for never")
    return value


def _folder(value: object) -> str:
    text = _text(value)
    if not Path(text).is_absolute():
        raise ValueError("an absolute path of a folder")
    return os.path.normpath(text)


CONFIG_KEYS: dict[str, tuple[Callable[[object], Setting], str]] = {
    "user.name": (_text, "who writes commits"),
    "user.email": (_text, "how to reach them"),
    "gc.grace": (_seconds, "seconds that unused objects stay, 86400 unless set"),
    "gc.auto": (_count, "new objects until gc runs by itself, 20000 unless set; 0 never"),
    **MEDIA_KEYS,
    "roots.NAME": (_folder, "a folder whose files are stored relative to it"),
}

_NUMBERS = ("gc.auto", "gc.grace", *MEDIA_NUMBERS)
_ROOT_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Config(Struct, frozen=True):
    """The settings of one store, by dotted key; what is not set has no entry."""

    values: Mapping[str, Setting] = field(default_factory=dict)

    def text(self, key: str, default: str = "") -> str:
        return str(self.values.get(key, default))

    def number(self, key: str, default: int) -> int:
        return int(self.values.get(key, default))

    def roots(self) -> dict[str, str]:
        """Return the named roots: name to folder."""
        return {
            key.removeprefix("roots."): str(value)
            for key, value in self.values.items()
            if key.startswith("roots.")
        }

    def user(self) -> str:
        """Return who writes, as `Name <email>`; the login name and host where nothing is set."""
        name = self.text("user.name") or os.environ.get("HYPERSTORE_USER_NAME", "")
        email = self.text("user.email") or os.environ.get("HYPERSTORE_USER_EMAIL", "")
        login = _login()
        return f"{name or login} <{email or f'{login}@{socket.gethostname()}'}>"

    def replaced(self, key: str, value: Setting | None) -> "Config":
        """Return the settings with one key set, or unset by None."""
        _check_key(key)
        values = {name: held for name, held in self.values.items() if name != key}
        if value is not None:
            values[key] = check_setting(key, value)
        return Config(values)


def check_setting(key: str, value: object) -> Setting:
    """Return a setting's value, checked; UsageError for an unknown key or an unfit value."""
    check = _check_key(key)
    try:
        return check(value)
    except ValueError as error:
        raise UsageError(f"setting {key} takes {error}, not {value!a}") from None


def _check_key(key: object) -> Callable[[object], Setting]:
    """Return what checks the values of a key; UsageError where it is none."""
    if not isinstance(key, str):
        raise UsageError(f"a setting is named by a str, not by {type(key).__name__}")
    table, _, name = key.partition(".")
    known = CONFIG_KEYS.get(
        "roots.NAME" if table == "roots" and _ROOT_NAME.fullmatch(name) else key
    )
    if known is None or key == "roots.NAME":
        raise UsageError(f"no setting {key!a}; there are: {', '.join(CONFIG_KEYS)}")
    return known[0]


def parse_value(key: str, text: str) -> Setting:
    """Read a setting's value as it is typed on a command line."""
    value: Setting = text
    if key in _NUMBERS and text.isdecimal():
        value = int(text)
    return check_setting(key, value)


def read_config(path: Path) -> Config:
    """Read the settings from a file; none where there is no file."""
    try:
        with disk_errors(path):
            try:
                text = path.read_bytes().decode()
            except FileNotFoundError:
                return Config()
            except IsADirectoryError:
                raise FormatError(f"{path} is a folder; move it away") from None
        import tomllib  # Most stores have no such file, and queries no time for it.

        tables = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # In TOML or in UTF-8.
        raise FormatError(f"{path} cannot be read: {error}; mend it or delete it") from None
    values: dict[str, Setting] = {}
    for table, entries in tables.items():
        if not isinstance(entries, dict):
            raise FormatError(f"{path}: {table!a} is not a table; write [{table}]")
        for name, value in entries.items():
            try:
                values[f"{table}.{name}"] = check_setting(f"{table}.{name}", value)
            except UsageError as error:
                raise FormatError(f"{path}: {error}") from None
    return Config(values)


def change_config(path: Path, key: str, value: Setting | None) -> None:
    """Set one key in the file, or unset it by None; what others set meanwhile stays."""
    with disk_errors(path), folder_lock(path.parent):
        config = read_config(path).replaced(key, value)
        _write(path, config)


def _write(path: Path, config: Config) -> None:
    """Write the settings whole, or leave the file as it is."""
    tables: dict[str, list[str]] = {}
    for key, value in sorted(config.values.items()):
        table, _, name = key.partition(".")
        tables.setdefault(table, []).append(f"{name} = {_toml(value)}")
    text = "\n".join(f"[{table}]\n" + "\n".join(lines) + "\n" for table, lines in tables.items())
    temporary = path.with_name(f".{path.name}.{new_id()}")
    try:
        with temporary.open("x", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileNotFoundError):
            shutil.copymode(path, temporary)
        temporary.replace(path)
        sync_folder(path.parent)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def _toml(value: Setting) -> str:
    if isinstance(value, int):
        return str(value)
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(f"\\u{ord(c):04x}" if c == "\x7f" else c for c in escaped) + '"'


def _login() -> str:
    import getpass  # Only who writes has a name.

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"

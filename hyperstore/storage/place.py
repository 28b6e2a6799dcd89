"""Where a database may lie: what is looked at in a folder before anything in it is opened."""

from pathlib import Path

from hyperstore.errors import (
    DiskFullError,
    FormatError,
    NotFoundError,
    RefusedError,
    UsageError,
)
from hyperstore.storage import host
from hyperstore.storage.datafile import DATA_FILE

__all__ = ["absolute", "check_place", "refuse_unsafe", "refused", "wait_for_maker"]


def absolute(folder: Path | str) -> Path:
    """Return the path of a folder made absolute; UsageError where it is none."""
    try:
        path = Path(folder).absolute()
        path.stat()
    except OSError:
        pass
    except ValueError:  # A NUL in the name.
        raise UsageError(f"{str(folder)!r} is no name of a folder") from None
    return path


def refuse_unsafe(path: Path, allow_network: bool) -> None:
    """Refuse a folder where the database may be damaged, unless that is allowed."""
    place = None if allow_network else host.unsafe_place(path)
    if place is not None:
        raise RefusedError(
            f"{path} is {place}: the database may be damaged there. Choose a local folder, "
            "or allow it with allow_network=True"
        )


def check_place(path: Path) -> None:
    """Refuse a folder that holds no database that can be read, saying which."""
    data = path / DATA_FILE
    try:
        if not path.is_dir():
            if path.exists():
                raise UsageError(f"{path} is not a folder; give the folder of a database")
            raise NotFoundError(f"there is no database at {path}. `init` makes one")
        if not data.exists():
            raise NotFoundError(f"there is no database in {path}. `init` makes one")
        if not data.is_file():
            raise FormatError(f"{data} is not a file")
        with data.open("rb"):
            pass
    except OSError as error:
        raise refused(path, error) from error


def wait_for_maker(path: Path) -> bool:
    """Wait for whoever makes a database in a folder; False where there is nothing to wait for."""
    try:
        with host.folder_lock(path):
            return True
    except OSError:
        return False


def refused(path: Path, error: OSError) -> RefusedError | DiskFullError:
    """Return the error that says what the system refused."""
    if isinstance(error, PermissionError):
        return RefusedError(f"{path} may not be used by this user: {error.strerror}")
    return DiskFullError(f"{path} cannot be used: {error.strerror}")

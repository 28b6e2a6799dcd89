"""What a call asks of uploads, from its arguments: which files go, and where each will lie."""

import math
import os
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import quote, unquote

from hyperstore.codec import Struct, Unfit
from hyperstore.dataset.arguments import one_of
from hyperstore.dataset.handle import RUNS_FOLDER
from hyperstore.errors import HyperstoreError, UsageError
from hyperstore.frames.roots import absolute_uri
from hyperstore.limits import UPLOAD_NAME_BYTES_MAX, UPLOAD_RETRIES
from hyperstore.media.uri import Bucket, Web, locate, shown

__all__ = ["Target", "UploadDefault", "UploadWish", "Way", "upload_default", "upload_wish"]

_FILE = "file://"
_RETRIES_MAX = 100


class UploadDefault(NamedTuple):
    """Where a version's handle uploads to unless a call says otherwise."""

    destination: str
    root: str


class Way(NamedTuple):
    """Files below one place go below another; both without a slash at the end."""

    start: str
    end: str


class Target(NamedTuple):
    """Where one file is to lie, and the destination in which that is."""

    uri: str
    folder: str


class UploadWish(Struct, frozen=True):
    """What holds for the uploads of one call."""

    ways: tuple[Way, ...]  # The longest start first.
    mapped: bool  # Whether the user named the ways; else one root is uploaded whole.
    root: str = ""
    ours: str = ""  # What every URI has that an earlier upload of this dataset made.
    force: bool = False
    register_failed: bool = False
    retries: int = UPLOAD_RETRIES
    report_s: float = math.inf

    @property
    def folders(self) -> tuple[str, ...]:
        """The destinations, each once."""
        return tuple(dict.fromkeys(way.end for way in self.ways))

    def target(self, uri: str) -> Target | None:
        """Return where a file goes; None for one that stays. UsageError where it should go, but
        lies outside of what is uploaded.
        """
        at = _plain(uri)
        if not self.mapped and not at.startswith(_FILE):
            return None  # Only what is on this machine goes.
        for way in self.ways:
            if at.startswith(f"{way.start}/"):
                if at.startswith(f"{way.end}/"):
                    return None  # A destination inside of what is sent to it.
                rest = at[len(way.start) + 1 :]
                if _is_web(way.start):
                    rest = unquote(re.split(r"[?#]", rest, maxsplit=1)[0])
                rest = quote(rest) if _is_web(way.end) else rest
                return Target(f"{way.end}/{rest}", way.end)
        if self.mapped or self.is_ours(at):
            return None
        raise UsageError(
            f"{shown(uri)} lies outside of local_dataset_root_path {shown(self.root)}; "
            "name a folder that holds all files"
        )

    def is_ours(self, uri: str) -> bool:
        """Tell whether a URI is one that an upload made, this or an earlier one."""
        if any(uri.startswith(f"{way.end}/") for way in self.ways):
            return True
        return self.ours in uri and not any(uri.startswith(f"{way.start}/") for way in self.ways)


def upload_default(
    auto_upload_destination: object, local_dataset_root_path: object
) -> UploadDefault | None:
    """Return what a handle uploads to by default; UsageError where one of two is missing."""
    if auto_upload_destination is None and local_dataset_root_path is None:
        return None
    if local_dataset_root_path is None:
        raise UsageError("auto_upload_destination needs local_dataset_root_path beside it")
    if auto_upload_destination is None:
        raise UsageError("local_dataset_root_path needs auto_upload_destination beside it")
    destination = _place(auto_upload_destination, "auto_upload_destination")
    locate_folder(destination)
    root = _place(local_dataset_root_path, "local_dataset_root_path")
    if not root.startswith(_FILE):
        raise UsageError(f"local_dataset_root_path is a local folder, not {shown(root)}")
    return UploadDefault(destination, root)


def upload_wish(
    default: UploadDefault | None,
    *,
    dataset_id: str,
    version_id: str,
    named: Callable[[], str],
    store: str,
    auto_upload_destination: object = None,
    local_dataset_root_path: object = None,
    src_to_dst_mapping: object = None,
    force_upload: object = False,
    register_on_upload_failure: object = False,
    unregister_on_upload_fail: object = True,
    upload_retries: object = UPLOAD_RETRIES,
    progress_report: object = None,
) -> UploadWish | None:
    """Return what a call asks for; None where nothing is uploaded. `named` says the version's name,
    which helps people who look at the destination.
    """
    one_of(local_dataset_root_path=local_dataset_root_path, src_to_dst_mapping=src_to_dst_mapping)
    one_of(auto_upload_destination=auto_upload_destination, src_to_dst_mapping=src_to_dst_mapping)
    retries = _retries(upload_retries)
    report_s = _minutes(progress_report) * 60
    ways: list[Way]
    if src_to_dst_mapping is not None:
        ways, root = _mapping(src_to_dst_mapping), ""
    else:
        if default is not None:
            if auto_upload_destination is None:
                auto_upload_destination = default.destination
            if local_dataset_root_path is None:
                local_dataset_root_path = default.root
        chosen = upload_default(auto_upload_destination, local_dataset_root_path)
        if chosen is None:
            return None
        root = chosen.root
        name = f"{_folder_name(named())}.{version_id}"
        name = quote(name) if _is_web(chosen.destination) else name
        end = f"{chosen.destination}/{dataset_id}/{name}"
        real = _FILE + os.path.realpath(root[len(_FILE) :]).rstrip("/")
        ways = [Way(one, end) for one in dict.fromkeys((root, real))]
    for way in ways:
        _refuse_store(way.end, store)
    return UploadWish(
        ways=tuple(sorted(ways, key=lambda way: (-len(way.start), way))),
        mapped=src_to_dst_mapping is not None,
        root=root,
        ours=f"/{dataset_id}/",
        force=bool(force_upload),
        register_failed=bool(register_on_upload_failure) or not unregister_on_upload_fail,
        retries=retries,
        report_s=report_s,
    )


def locate_folder(folder: str) -> None:
    """Raise UsageError or RefusedError for what can be no destination."""
    found = locate(f"{folder}/x")
    if not isinstance(found, (str, Bucket, Web)):
        raise UsageError(f"{shown(folder)} is no upload destination")
    if isinstance(found, Web) and re.search(r"[?#]", folder):
        raise UsageError(f"{shown(folder)}: an upload destination has no query and no fragment")


def _mapping(given: object) -> list[Way]:
    if not isinstance(given, Mapping):
        raise UsageError(
            f"src_to_dst_mapping is a dict of prefixes, {{source: destination}}, not {given!a}"
        )
    ways = []
    for source, destination in given.items():
        start = _place(source, "a source of src_to_dst_mapping")
        end = _place(destination, "a destination of src_to_dst_mapping")
        locate_folder(end)
        if start.startswith(_FILE) and os.path.isfile(start[len(_FILE) :]):  # noqa: PTH113
            raise UsageError(f"src_to_dst_mapping maps folders, and {shown(start)} is a file")
        ways.append(Way(start, end))
    return ways


def _place(given: object, what: str) -> str:
    """Return a folder or URI prefix in its whole form, without a slash at the end."""
    try:
        found = _plain(absolute_uri(given, what)).rstrip("/")
    except Unfit as fault:
        raise UsageError(f"{fault}") from None
    return found if not found.endswith(":") else f"{found}//"


def _plain(uri: str) -> str:
    """Return a URI in the form by which prefixes are compared: one for each local file."""
    if uri[:5].lower() != "file:":
        return uri
    try:
        found = locate(uri)
    except HyperstoreError:
        return uri
    return f"{_FILE}{os.path.normpath(found)}" if isinstance(found, str) else uri


def _is_web(uri: str) -> bool:
    return uri.lower().startswith(("http://", "https://"))


def _folder_name(name: str) -> str:
    """Return a version's name as part of a path: it only helps those who look there."""
    plain = re.sub(r"[^\w.-]+", "_", name).lstrip(".-") or "version"
    return plain.encode()[:UPLOAD_NAME_BYTES_MAX].decode(errors="ignore")


def _refuse_store(folder: str, store: str) -> None:
    path = locate(f"{folder}/x")
    if not isinstance(path, str):
        return
    place, own = f"{os.path.realpath(path)}/", f"{os.path.realpath(store)}/"
    if place.startswith(own) and not place.startswith(f"{own}{RUNS_FOLDER}/"):
        raise UsageError(f"the upload destination {shown(folder)} lies inside of the store")


def _retries(given: object) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or not 0 <= given <= _RETRIES_MAX:
        raise UsageError(f"upload_retries is a whole number to {_RETRIES_MAX}, not {given!a}")
    return given


def _minutes(given: object) -> float:
    """Return the minutes between two reports; None, and what is not above 0, asks for none."""
    if given is None or given is False:
        return math.inf
    if isinstance(given, bool) or not isinstance(given, int | float) or math.isnan(given):
        raise UsageError(f"progress_report is a number of minutes, not {given!a}")
    return given if given > 0 else math.inf

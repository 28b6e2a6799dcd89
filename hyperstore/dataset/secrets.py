"""Command lines and settings as they may be written down: without what nobody else may know.

That is, without what URLs say of users, queries and fragments, and without values of options and
settings that are called token, password, secret, key or the like.
"""

import re
from collections.abc import Sequence

__all__ = [
    "HIDDEN",
    "is_secret_name",
    "text_without_secrets",
    "without_password",
    "without_secrets",
]

HIDDEN = "***"
_ADDRESS = re.compile(r'(?<=://)[^\s"]+')  # What follows the scheme of a URL, in any text.
_QUERY = re.compile(r"[?#]")
_SECRET_NAME = r"[\w.-]*(?:token|passw(?:or)?d|passphrase|secret|signature|credentials?|key)"
_SECRET_SETTING = re.compile(rf"({_SECRET_NAME})=.+", re.IGNORECASE | re.DOTALL)
_SETTING_IN_TEXT = re.compile(rf"(?<![\w.-])({_SECRET_NAME})=[^\s&;,)]+", re.IGNORECASE)
_SECRET_OPTION = re.compile(rf"--{_SECRET_NAME}", re.IGNORECASE)


def without_secrets(words: Sequence[str]) -> list[str]:
    """Return the words of a command line, `***` in the place of secrets."""
    pairs = zip(["", *words], words, strict=False)
    return [
        HIDDEN if _SECRET_OPTION.fullmatch(before) else _without_secrets(word)
        for before, word in pairs
    ]


def text_without_secrets(text: str) -> str:
    """Return any text, an error's or a setting's, `***` in the place of secrets."""
    return _SETTING_IN_TEXT.sub(rf"\1={HIDDEN}", _ADDRESS.sub(_without_user_and_query, text))


def without_password(uri: str) -> str:
    """Return a URI without its user; one that has none is returned whole, with its query."""
    return text_without_secrets(uri) if "@" in uri.partition("://")[2] else uri


def is_secret_name(name: str) -> bool:
    """Tell whether a setting is called like one whose value is a secret."""
    return _SECRET_OPTION.fullmatch(f"--{name}") is not None


def _without_secrets(word: str) -> str:
    setting = _SECRET_SETTING.fullmatch(word)
    return f"{setting[1]}=***" if setting else _ADDRESS.sub(_without_user_and_query, word)


def _without_user_and_query(match: re.Match[str]) -> str:
    address = match[0]
    query = _QUERY.search(address)
    user = address.rfind("@")  # The last one: a password may hold all that ends it elsewhere.
    if query is None:
        return address if user < 0 else f"***{address[user:]}"
    if user > query.start():  # In the password or in the query: nobody can tell.
        return "***"
    shown = address[: query.start()] if user < 0 else f"***{address[user : query.start()]}"
    return f"{shown}{query[0]}***"

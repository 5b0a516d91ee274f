"""Writes what an InvenioRDM is configured with, as settings of community-stats.

    invenio shell THIS_FILE          or          python THIS_FILE

Both within the environment of the instance. The file it makes (./community-stats.toml, or what
COMMUNITY_STATS_TOML names) can be read by its owner only: addresses may hold passwords. Name it
with --config, or put its section into your settings file.
"""

import os
from collections.abc import Mapping

NAMES = __NAMES__


def settings():
    """The configuration of the running instance, or of one that is made for the purpose."""
    try:
        from flask import current_app

        return dict(current_app.config)
    except RuntimeError:  # outside of an application
        from invenio_app.factory import create_api

        return dict(create_api().config)


def plain(value, depth=0):
    """The same value of literals alone: translated texts are texts, functions are left out."""
    if depth > 90:
        raise ValueError("holds itself, or too much in each other")
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Mapping):
        return {plain(key, depth + 1): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item, depth + 1) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted((plain(item, depth + 1) for item in value), key=repr)
    if callable(value):
        return None
    return str(value)  # a text that is translated when it is read, an address, a path


def text(value):
    """A string of TOML that holds the value as a literal of Python."""
    out = []
    for letter in ascii(plain(value)):
        out.append("\\" + letter if letter in '"\\' else letter)
    return '"' + "".join(out) + '"'


def main():
    found = settings()
    lines = ["# Made by asking the instance itself. It may hold passwords: keep it to yourself.", "[invenio]"]
    lines += [name + " = " + text(found[name]) for name in NAMES if name in found]
    path = os.environ.get("COMMUNITY_STATS_TOML", "community-stats.toml")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.fchmod(descriptor, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write("\n".join(lines) + "\n")
    print("wrote", path)


main()

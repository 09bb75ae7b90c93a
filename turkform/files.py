"""The files a campaign names: which of them may be read, and what was read.

In: names from campaign files, which can come from a stranger's pull request. Out: paths inside the campaign's
git work tree (or its folder), links followed, and the sha256 of each; an `UnreadableFileError` for all else.
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from turkform.tables import likely

if TYPE_CHECKING:
    from collections.abc import Iterable

_PRIVATE = {".git", ".turkform"}
"""Inside the work tree and never data: credentials of remotes, the marketplace's control token."""
MOST_BYTES = 1_000_000
"""Of a page or a YAML file; a question takes 65,535 bytes. Item files are streamed and have no limit."""


class UnreadableFileError(Exception):
    """A file that is not there or must not be read; `detail` is what to do."""

    def __init__(self, summary: str, detail: str = "") -> None:
        super().__init__(summary)
        self.summary = summary
        self.detail = detail


class Files:
    """Reads what a campaign names, and remembers every file with its sha256."""

    def __init__(self, folder: Path, allow_outside: Iterable[Path] = ()) -> None:
        self.folder = folder
        self.boundary = work_tree(folder)
        self.allowed = (self.boundary, *(path.resolve() for path in allow_outside))
        self.digests: dict[str, str] = {}

    def find(self, name: str | Path) -> Path:
        """The file of that name, relative to the campaign's folder, its content noted as an input.

        Raises:
            UnreadableFileError: outside of the work tree, not there, or not a regular file.
        """
        path = self.confine(name)
        try:
            mode = path.stat().st_mode
            if not stat.S_ISREG(mode):
                what = "a folder" if stat.S_ISDIR(mode) else "not a regular file"
                raise UnreadableFileError(f'"{name}" is {what}', "Name a file.")
            self._note(path)
        except FileNotFoundError:
            raise UnreadableFileError(f'there is no file "{name}"', self._neighbour(path)) from None
        except OSError as error:
            raise UnreadableFileError(f'"{name}" cannot be read: {error.strerror}') from None
        return path

    def read(self, name: str | Path) -> bytes:
        """The bytes of a page or a YAML file.

        Raises:
            UnreadableFileError: as `find`; or too long.
        """
        path = self.find(name)
        try:
            size = path.stat().st_size
            if size > MOST_BYTES:
                data = path.suffix in (".yaml", ".yml")
                detail = "Workers, items and blocks in such numbers belong into a file of rows." if data else ""
                raise UnreadableFileError(f'"{name}" has {size:,} bytes; at most {MOST_BYTES:,} are read', detail)
            return path.read_bytes()
        except OSError as error:
            raise UnreadableFileError(f'"{name}" cannot be read: {error.strerror}') from None

    def confine(self, name: str | Path, *, private: bool = False) -> Path:
        """The path of that name, refused where it leads out of the work tree, links followed.

        `private` allows turkform's own folder, for what turkform itself keeps there.

        Raises:
            UnreadableFileError: it does, or it is no path.
        """
        path = Path(os.path.normpath(self.folder / name))
        try:
            real = path.resolve()
        except (OSError, RuntimeError, ValueError):
            raise UnreadableFileError(f"{str(name)!r} is no path") from None
        inside = next((root for root in self.allowed if real.is_relative_to(root)), None)
        if inside is None:
            raise UnreadableFileError(
                f'"{name}" leads to {real}, out of the campaign\'s files in {self.boundary}',
                f"Copy it there, or allow it with --allow-outside {real.parent}",
            )
        hidden = _PRIVATE.intersection(real.relative_to(inside).parts) - ({".turkform"} if private else set())
        if hidden:
            raise UnreadableFileError(f'"{name}" lies in {hidden.pop()}/, which is never data', "Copy it elsewhere.")
        return path

    def _note(self, path: Path) -> None:
        name = Path(os.path.relpath(path, self.folder)).as_posix()
        if name not in self.digests:
            with path.open("rb") as file:
                self.digests[name] = hashlib.file_digest(file, "sha256").hexdigest()

    def _neighbour(self, path: Path) -> str:
        """The file that was most likely meant."""
        try:
            names = sorted(entry.name for entry in path.parent.iterdir())
        except OSError:
            return f"There is no folder {path.parent} either."
        near = likely(path.name, names)
        return f'Did you mean "{Path(os.path.relpath(path.parent / near, self.folder)).as_posix()}"?' if near else ""


def work_tree(folder: Path) -> Path:
    """The root of the git work tree that holds a folder, or the folder itself."""
    real = folder.resolve()
    return next((parent for parent in (real, *real.parents) if (parent / ".git").exists()), real)

"""Sealing: requesters' secrets as they rest in the store, and the master key that is never in it.

In: a secret and the access key it belongs to. Out: text that only the master key opens, and only for that access
key. SigV4 needs the secret itself, so a hash would not do. The master key is 32 bytes in base64, in a file that
nobody else reads or in the environment; the store knows it by a fingerprint.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import secrets
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

if TYPE_CHECKING:
    from pathlib import Path

VARIABLE = "TURKFORM_MASTER_KEY"
_BYTES = 32
_NONCE = 12


class SealError(Exception):
    """No master key, one that is none, or one that does not open this; the message says what to do."""


class Master:
    """The master key of a store's secrets."""

    def __init__(self, key: bytes, source: Path | None = None) -> None:
        self._source = source
        self._take(key)

    def _take(self, key: bytes) -> None:
        self._cipher = AESGCM(key)
        self.fingerprint = hashlib.sha256(b"turkform master key" + key).hexdigest()[:16]

    @classmethod
    def found(cls, path: Path | None) -> Master:
        """The key in this file, or else in the environment.

        Raises:
            SealError: neither, or no key in it.
        """
        if path is not None:
            return cls(_read(path), path)
        text = os.environ.get(VARIABLE)
        if text is None:
            raise SealError(f"the master key is missing. Name its file with --master-key, or set {VARIABLE}")
        return cls(_decoded(text, VARIABLE))

    @classmethod
    def made(cls, path: Path) -> Master:
        """A new key, in a new file that only its owner reads.

        Raises:
            SealError: the file is there, or cannot be written.
        """
        key = secrets.token_bytes(_BYTES)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise SealError(f"the master key cannot be written to {path}: {error.strerror}") from None
        with os.fdopen(handle, "wb") as file:
            file.write(base64.b64encode(key) + b"\n")
        return cls(key, path)

    def seal(self, secret: str, access_key: str) -> str:
        """Close a secret; it opens with this key and for this access key only."""
        nonce = secrets.token_bytes(_NONCE)
        closed = self._cipher.encrypt(nonce, secret.encode(), access_key.encode())
        return f"{self.fingerprint}:{base64.b64encode(nonce + closed).decode()}"

    def open(self, sealed: str, access_key: str) -> str:
        """A secret as it was; after a rotation the key's file is read again.

        Raises:
            SealError: another key sealed it, or it was altered.
        """
        fingerprint, _, text = sealed.partition(":")
        if fingerprint != self.fingerprint and self._source is not None:
            self._take(_read(self._source))
        if fingerprint != self.fingerprint:
            raise SealError(f"the secret of {access_key} was sealed under another master key")
        raw = base64.b64decode(text)
        try:
            return self._cipher.decrypt(raw[:_NONCE], raw[_NONCE:], access_key.encode()).decode()
        except InvalidTag:
            raise SealError(f"the sealed secret of {access_key} was altered") from None


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_mode & 0o077:
            raise SealError(f"others can read the master key in {path}. Run: chmod 600 {path}")
        return _decoded(path.read_text(), str(path))
    except OSError as error:
        raise SealError(f"the master key in {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SealError(f"{path} holds no master key: 32 bytes in base64") from None


def _decoded(text: str, place: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != _BYTES:
        raise SealError(f"{place} holds no master key: 32 bytes in base64")
    return key

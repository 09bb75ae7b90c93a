"""TLS in front of a server for a test: a wildcard certificate of its own, and bytes passed on as they come."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Front:
    """Where it listens, and the certificate to trust."""

    address: str
    certificate: Path


@contextmanager
def front(folder: Path, behind: tuple[str, int], *names: str, days: int = 90) -> Iterator[Front]:
    """TLS for these names in front of a server that listens without."""
    certificate, key = _certificate(folder, names, days)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener, context, behind))
        thread.start()
        try:
            yield Front(f"127.0.0.1:{listener.getsockname()[1]}", certificate)
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _certificate(folder: Path, names: tuple[str, ...], days: int) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(one) for one in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "front.pem", folder / "front.key"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )  # fmt: skip
    return paths


def _serve(listener: socket.socket, context: ssl.SSLContext, behind: tuple[str, int]) -> None:
    """One connection after the other, until the listener is shut down."""
    while True:
        try:
            plain, _ = listener.accept()
        except OSError:
            return
        with plain:
            plain.settimeout(10)
            try:
                with context.wrap_socket(plain, server_side=True) as client, socket.create_connection(behind) as server:
                    _pass_on(client, server)
            except OSError:  # whoever did not trust the certificate has gone
                continue


def _pass_on(client: ssl.SSLSocket, server: socket.socket) -> None:
    """Requests and answers in turn; each fits into one read of a small test."""
    while request := client.recv(65_536):
        server.sendall(request)
        head, _, body = b"", b"", b""
        while b"\r\n\r\n" not in head:
            head += server.recv(65_536)
        head, _, body = head.partition(b"\r\n\r\n")
        length = next(
            (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0
        )
        while len(body) < length:
            body += server.recv(65_536)
        client.sendall(head + b"\r\n\r\n" + body)

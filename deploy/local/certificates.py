"""The certificate authority of this checkout, and a certificate for each who takes part."""

import fcntl
import os
import subprocess
import tempfile
from pathlib import Path

from deploy.local.layout import ROLES, RUN, SERVICES, StackError

AUTHORITY = RUN / "ca" / "ca.pem"
AUTHORITY_KEY = RUN / "ca" / "ca.key"
CERTIFICATES = RUN / "certs"
# Long, so that runs under a moved clock do not outlive them.
AUTHORITY_DAYS = 3650
LEAF_DAYS = 1825
RENEW_SECONDS = 30 * 24 * 3600


def identities() -> dict[str, str]:
    """File name → URI that the certificate stands for."""
    services = {name: f"spiffe://psups/service/{name}" for name in SERVICES}
    people = {role: f"spiffe://psups/{role}/local" for role in ROLES}
    return services | people | {"sandbox": "spiffe://psups/sandbox/local"}


def certificate(name: str) -> Path:
    return CERTIFICATES / f"{name}.pem"


def key(name: str) -> Path:
    return CERTIFICATES / f"{name}.key"


def prepare() -> None:
    """Makes what is missing, or about to expire; leaves the rest alone. One process at a time."""
    for directory in (AUTHORITY.parent, CERTIFICATES):
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o700)
    with open(AUTHORITY.parent / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _prepare()


def _prepare() -> None:
    if not still_good(AUTHORITY, AUTHORITY_KEY):
        make_authority(AUTHORITY, AUTHORITY_KEY, "psups local CA")
    for name, uri in identities().items():
        if not (still_good(certificate(name), key(name))
                and signed_by(AUTHORITY, certificate(name))):
            issue(certificate(name), key(name), name, uri, LEAF_DAYS)


def issue(pem: Path, key_file: Path, name: str, uri: str, days: int, *,
          hosts: tuple[str, ...] = ("localhost",),
          authority: tuple[Path, Path] | None = None) -> None:
    """A certificate for `uri`, valid for servers by the names of `hosts` and for clients; what says
    localhost is good for 127.0.0.1 too. `authority`: who signs, certificate and key; by default
    this checkout's.
    """
    signer, signer_key = authority or (AUTHORITY, AUTHORITY_KEY)
    names = [f"DNS:{host}" for host in hosts] + ["IP:127.0.0.1"] * ("localhost" in hosts)
    extensions = (
        f"subjectAltName={','.join([f'URI:{uri}', *names])}\n"
        "basicConstraints=critical,CA:FALSE\n"
        "keyUsage=critical,digitalSignature\n"
        "extendedKeyUsage=serverAuth,clientAuth\n"
        "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n")
    with tempfile.TemporaryDirectory() as scratch:
        request, extension_file = Path(scratch, "request.pem"), Path(scratch, "extensions")
        extension_file.write_text(extensions)
        _new_key(key_file)
        _openssl("req", "-new", "-key", key_file, "-subj", f"/O=psups/CN={name}", "-out", request)
        _openssl("x509", "-req", "-in", request, "-CA", signer, "-CAkey", signer_key,
                 "-set_serial", f"0x{os.urandom(16).hex()}", "-days", str(days), "-sha256",
                 "-extfile", extension_file, "-out", pem)


def make_authority(pem: Path, key_file: Path, name: str) -> None:
    """An authority that may sign certificates, but no further authorities."""
    _new_key(key_file)
    _openssl("req", "-new", "-x509", "-key", key_file, "-subj", f"/O=psups/CN={name}",
             "-days", str(AUTHORITY_DAYS), "-sha256",
             "-addext", "basicConstraints=critical,CA:TRUE,pathlen:0",
             "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-out", pem)


def _new_key(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    _openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path)


def still_good(pem: Path, key_file: Path) -> bool:
    return (pem.exists() and key_file.exists()
            and _try("x509", "-in", pem, "-noout", "-checkend", str(RENEW_SECONDS))
            and _public("x509", "-in", pem, "-noout", "-pubkey")
            == _public("pkey", "-in", key_file, "-pubout"))


def signed_by(authority: Path, pem: Path) -> bool:
    return _try("verify", "-CAfile", authority, pem)


def _public(*arguments) -> bytes:
    return subprocess.run(["openssl", *arguments], capture_output=True, check=False).stdout


def _try(*arguments) -> bool:
    return subprocess.run(["openssl", *arguments], capture_output=True,
                          check=False).returncode == 0


def _openssl(*arguments) -> None:
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise StackError(f"openssl {arguments[0]} failed: {done.stderr.strip()}")

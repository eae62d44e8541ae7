"""A PostgreSQL as a platform offers one: TCP with TLS and passwords, an owner who is no superuser."""

import os
import pwd
import urllib.parse
from pathlib import Path

from deploy.local import certificates, ports
from deploy.local.layout import write_private
from deploy.local.postgres import DATABASE, Cluster

OWNER = "psups_owner"
SETTINGS = """\
listen_addresses = '127.0.0.1'
port = {port}
ssl = on
ssl_cert_file = '{certificate}'
ssl_key_file = '{key}'
log_statement = 'all'
fsync = off
"""
# The first for who looks after the cluster; everybody else shows a password.
ACCESS = "local all postgres peer map=psups\nhostssl all all 127.0.0.1/32 scram-sha-256\n"


class NetworkCluster(Cluster):
    """Started, it holds an empty database whose owner may make roles and has the password of
    `owner_password_file`."""

    def __init__(self, home: Path):
        super().__init__(home)
        self.port = next(iter(ports.free().values()))
        self.authority = home / "database-ca.pem"
        self.owner_password_file = home / "owner"

    def url(self, role: str, database: str = DATABASE) -> str:
        return super().url(role, database).replace("port=5432", f"port={self.port}")

    def network_url(self, role: str, **more: str) -> str:
        """Without its password, as all URLs are."""
        options = {"sslmode": "verify-full", "sslrootcert": str(self.authority)} | more
        return (f"postgresql://{role}@localhost:{self.port}/{DATABASE}?"
                f"{urllib.parse.urlencode(options, safe='/')}")

    def start(self) -> None:
        super().start()
        self.query(f"CREATE ROLE {OWNER} LOGIN CREATEROLE", "postgres")
        self.set_owner_password("owner's: own\\word")
        self.query(f"CREATE DATABASE {DATABASE} OWNER {OWNER}", "postgres")

    def set_owner_password(self, password: str) -> None:
        literal = password.replace("'", "''")
        self.query(f"SET log_statement = 'none'; ALTER ROLE {OWNER} PASSWORD '{literal}'",
                   "postgres")
        write_private(self.owner_password_file, password + "\n")

    def _create(self) -> None:
        super()._create()
        own_key = self.home / "database-ca.key"
        pem, key = self.data / "server.pem", self.data / "server.key"
        certificates.make_authority(self.authority, own_key, "test database CA")
        certificates.issue(pem, key, "database", "spiffe://psups/database/test", 30,
                           authority=(self.authority, own_key))
        owner = pwd.getpwnam(self.owner)
        for file in (pem, key):
            os.chown(file, owner.pw_uid, owner.pw_gid)
        (self.data / "pg_hba.conf").write_text(ACCESS)
        with open(self.data / "postgresql.conf", "a") as file:
            file.write(SETTINGS.format(port=self.port, certificate=pem, key=key))

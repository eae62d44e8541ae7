"""A PostgreSQL 15 cluster of our own: no TCP, a private socket, never run by root."""

import getpass
import os
import pwd
import shutil
import subprocess
import tempfile
import urllib.parse
from pathlib import Path

from deploy.local.layout import ROOT, SERVICES, StackError, schema_of

PROGRAMS = Path("/usr/lib/postgresql/15/bin")
DATABASE = "psups"
SUPERUSER = "postgres"
LONGEST_SOCKET_PATH = 107
SETTINGS = """\
listen_addresses = ''
port = 5432
unix_socket_directories = '{socket}'
unix_socket_permissions = 0700
max_connections = 200
timezone = 'UTC'
log_timezone = 'UTC'
fsync = on
synchronous_commit = on
"""


class Cluster:
    """The cluster whose data stands below `home`, or where its owner can reach it.

    Who may log in: only the operating-system user that made it, as any role (peer with a user
    map). So no password exists that could leak, and other users of the machine are kept out twice:
    by the socket's directory and by peer.
    """

    def __init__(self, home: Path):
        self.home = home
        self.record = home / "postgres.location"
        # More that PostgreSQL's programs are started with.
        self.environment: dict[str, str] = {}
        self.owner = SUPERUSER if os.geteuid() == 0 else getpass.getuser()
        self.place = self._recorded_place()

    def _recorded_place(self) -> Path:
        if self.record.exists():
            return Path(self.record.read_text().strip())
        return self.home / "postgres"

    @property
    def data(self) -> Path:
        return self.place / "data"

    @property
    def socket(self) -> Path:
        return self.place / "socket"

    @property
    def log(self) -> Path:
        return self.place / "log"

    def url(self, role: str, database: str = DATABASE) -> str:
        where = urllib.parse.quote(str(self.socket), safe="")
        return f"postgresql://{role}@/{database}?host={where}&port=5432"

    def service_url(self, service: str) -> str:
        return self.url(schema_of(service))

    # ---- life ----

    def start(self) -> None:
        if not PROGRAMS.is_dir():
            raise StackError("PostgreSQL 15 is not installed: run make deps")
        if not (self.data / "PG_VERSION").exists():
            self._create()
        if self.running():
            return
        done = self._run_as_owner([PROGRAMS / "pg_ctl", "-D", self.data, "-l", self.log, "-w",
                                   "-t", "60", "start"])
        if done.returncode:
            raise StackError(f"PostgreSQL does not start: {_last_line(self.log)} (see {self.log})")

    def running(self) -> bool:
        if not (self.data / "postmaster.pid").exists():
            return False
        return self._run_as_owner([PROGRAMS / "pg_ctl", "-D", self.data, "status"]).returncode == 0

    def stop(self, modes: tuple[str, ...] = ("fast", "immediate")) -> None:
        """In the first mode that does it; "immediate" is as a crash would be."""
        if not self.running():
            return
        for mode in modes:
            stopped = self._run_as_owner([PROGRAMS / "pg_ctl", "-D", self.data, "-m", mode, "-w",
                                          "-t", "30", "stop"])
            if stopped.returncode == 0:
                return
        raise StackError(f"PostgreSQL does not stop: {stopped.stderr.strip()}")

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.place, ignore_errors=True)
        self.record.unlink(missing_ok=True)
        self.place = self._recorded_place()

    def _create(self) -> None:
        self._choose_place()
        made = self._run_as_owner([PROGRAMS / "initdb", "-D", self.data, "-U", SUPERUSER,
                                   "--auth=peer", "-E", "UTF8", "--locale=C.UTF-8"])
        if made.returncode:
            raise StackError(f"initdb failed: {made.stderr.strip()}")
        roles = [SUPERUSER] + [r for s in SERVICES for r in (schema_of(s), schema_of(s) + "_owner")]
        users = sorted({self.owner, getpass.getuser()})
        # PostgreSQL's own user has to be able to read them; it owns the directory already.
        (self.data / "pg_hba.conf").write_text("local all all peer map=psups\n")
        (self.data / "pg_ident.conf").write_text(
            "".join(f"psups {user} {role}\n" for user in users for role in roles))
        with open(self.data / "postgresql.conf", "a") as file:
            file.write(SETTINGS.format(socket=self.socket))

    def _choose_place(self) -> None:
        """Below `home`, unless PostgreSQL's user cannot get there or the socket's path is too long.

        Then a directory of the machine's for temporary things that survive a restart; `home` keeps
        its name.
        """
        own = self.home / "postgres"
        if len(f"{own}/socket/.s.PGSQL.5432") <= LONGEST_SOCKET_PATH:
            self._make_directories(own)
            if self._run_as_owner(["test", "-w", own / "socket"]).returncode == 0:
                self.place = own
                return
            shutil.rmtree(own)
        self.place = Path(tempfile.mkdtemp(prefix="psups-", dir="/var/tmp"))
        self.record.write_text(f"{self.place}\n")
        self._make_directories(self.place)

    def _make_directories(self, place: Path) -> None:
        place.mkdir(parents=True, exist_ok=True)
        (place / "socket").mkdir(exist_ok=True)
        owner = pwd.getpwnam(self.owner)
        for path in (place, place / "socket"):
            path.chmod(0o700)
            os.chown(path, owner.pw_uid, owner.pw_gid)

    def _run_as_owner(self, command: list) -> subprocess.CompletedProcess:
        # By env(1): setpriv itself must not have it, for it is another user.
        more = ["env", *(f"{name}={value}" for name, value in self.environment.items())]
        command = [str(part) for part in (more if self.environment else []) + list(command)]
        if os.geteuid() == 0:
            command = ["setpriv", f"--reuid={self.owner}", f"--regid={self.owner}",
                       "--init-groups", "--", *command]
        return subprocess.run(
            command, cwd="/", capture_output=True, text=True, check=False,
            env={"PATH": f"{PROGRAMS}:/usr/bin:/bin", "LC_ALL": "C.UTF-8"})

    # ---- content ----

    def prepare(self) -> None:
        """The database, its roles and schemas, and every service's migrations. Safe to repeat."""
        exists = self.query("SELECT 1 FROM pg_database WHERE datname = 'psups'", "postgres")
        if not exists:
            self.query("CREATE DATABASE psups", "postgres")
        done = subprocess.run(
            [ROOT / "deploy/postgres/migrate"], cwd="/", capture_output=True, text=True, check=False,
            env={"PATH": f"{PROGRAMS}:{os.environ['PATH']}",
                 "PSUPS_MIGRATE_DATABASE_URL": self.url(SUPERUSER)})
        if done.returncode:
            raise StackError(done.stderr.strip())

    def query(self, sql: str, database: str = DATABASE) -> str:
        return self._psql(sql, database).strip()

    def _psql(self, sql: str, database: str) -> str:
        done = subprocess.run(
            [PROGRAMS / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d",
             self.url(SUPERUSER, database)],
            input=sql, capture_output=True, text=True, check=False)
        if done.returncode:
            raise StackError(f"PostgreSQL refuses a statement: {done.stderr.strip()}")
        return done.stdout


def _last_line(path: Path) -> str:
    try:
        return path.read_text().strip().splitlines()[-1]
    except (OSError, IndexError):
        return "no log"

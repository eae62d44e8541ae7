"""deploy/postgres/migrate against a PostgreSQL as a platform offers one."""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from deploy.local import certificates
from deploy.local.layout import ROOT, SERVICES, schema_of, write_private
from deploy.local.postgres import PROGRAMS
from network_cluster import OWNER, NetworkCluster

MIGRATE = ROOT / "deploy/postgres/migrate"
# Each with what might be taken for something else on its way.
PASSWORDS = {service: f"{service} 'quoted' \"and\" \\back:slash $HOME %41 é"
             for service in SERVICES}


class MigrateTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.home = Path(tempfile.mkdtemp(prefix="psups-test-", dir="/tmp"))
        cls.home.chmod(0o755)  # so that PostgreSQL's user gets to what is below
        cls.addClassCleanup(shutil.rmtree, cls.home)
        cls.cluster = NetworkCluster(cls.home)
        cls.addClassCleanup(cls.cluster.remove)
        cls.cluster.start()
        cls.passwords = cls.home / "passwords"
        for service, password in PASSWORDS.items():
            write_private(cls.passwords / service, password + "\n")
        cls.first = cls.migrate()

    @classmethod
    def environment(cls, **settings):
        wanted = {
            "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
            "PSUPS_MIGRATE_DATABASE_URL": cls.cluster.network_url(OWNER),
            "PSUPS_MIGRATE_PASSWORD_FILE": cls.cluster.owner_password_file,
            "PSUPS_MIGRATE_PASSWORDS_DIR": cls.passwords,
        } | settings
        return {name: str(value) for name, value in wanted.items() if value is not None}

    @classmethod
    def begin(cls, **settings):
        return subprocess.Popen([MIGRATE], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                text=True, env=cls.environment(**settings))

    @classmethod
    def migrate(cls, **settings):
        """Its exit code and all that it said."""
        process = cls.begin(**settings)
        said = process.communicate(timeout=120)[0]
        return process.returncode, said

    def as_service(self, service, sql, password=None):
        """What the service's role sees when it logs in with a password over TLS."""
        escaped = (password or PASSWORDS[service]).replace("\\", "\\\\").replace(":", "\\:")
        passfile = write_private(self.home / "pgpass", f"*:*:*:*:{escaped}\n")
        done = subprocess.run(
            [PROGRAMS / "psql", "-X", "-q", "-A", "-t", "-w", "-d",
             self.cluster.network_url(schema_of(service)), "-c", sql],
            env=os.environ | {"PGPASSFILE": str(passfile)}, capture_output=True, text=True,
            check=False)
        return done.stdout.strip() if done.returncode == 0 else done.stderr

    def refused(self, **settings):
        code, said = self.migrate(**settings)
        self.assertEqual(code, 1, said)
        self.assertEqual(len(said.strip().splitlines()), 1, said)
        return said

    def test_an_owner_who_is_no_superuser_makes_all_of_it(self):
        code, said = self.first
        self.assertEqual(code, 0, said)
        for service in SERVICES:
            files = sorted((ROOT / "services" / service / "migrations").glob("*.sql"))
            for file in files:
                self.assertIn(f"migrate: {service} {file.name}", said)
            versions = self.as_service(service, "SELECT version FROM schema_migrations ORDER BY 1")
            self.assertEqual(versions.split(), [file.name.split("_")[0] for file in files])

    def test_each_service_logs_in_with_its_password_and_no_other(self):
        for service in SERVICES:
            self.assertEqual(self.as_service(service, "SELECT current_user"), schema_of(service))
            self.assertIn("password authentication failed",
                          self.as_service(service, "SELECT 1", "another"))

    def test_each_service_writes_its_own_tables(self):
        for service in SERVICES:
            rights = ("SELECT count(*) FILTER (WHERE has_table_privilege(c.oid, 'INSERT')) > 0 "
                      "FROM pg_class c WHERE relkind = 'r' AND relnamespace = "
                      f"'{schema_of(service)}'::regnamespace")
            self.assertEqual(self.as_service(service, rights), "t")

    def test_no_service_reads_another_ones_schema_or_changes_a_tables_shape(self):
        for service in SERVICES:
            for other in set(SERVICES) - {service}:
                self.assertIn("permission denied for schema", self.as_service(
                    service, f"SELECT * FROM {schema_of(other)}.schema_migrations"))
            for sql in ("CREATE TABLE t (a int)", "DROP TABLE schema_migrations",
                        "UPDATE schema_migrations SET version = '0'", "CREATE SCHEMA s",
                        "CREATE TABLE public.t (a int)", f"SET ROLE {schema_of(service)}_owner"):
                with self.subTest(service=service, sql=sql):
                    self.assertRegex(self.as_service(service, sql),
                                     "permission denied|must be owner")

    def test_what_the_ledger_recorded_stays(self):
        for sql in ("UPDATE entries SET entry = ''", "DELETE FROM entries", "DELETE FROM log_head"):
            self.assertIn("permission denied", self.as_service("audit-ledger", sql))

    def test_tables_belong_to_the_services_owners(self):
        strangers = self.cluster.query(
            "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace "
            "WHERE nspname IN (" + ", ".join(f"'{schema_of(s)}'" for s in SERVICES) + ") "
            "AND relowner::regrole::text != nspname || '_owner'")
        self.assertEqual(strangers, "")

    def test_a_second_run_changes_no_table(self):
        shape = ("SELECT c.oid, relname, relacl, relowner FROM pg_class c "
                 "WHERE relnamespace::regnamespace::text = ANY("
                 f"'{{{','.join(map(schema_of, SERVICES))}}}') ORDER BY c.oid")
        before = self.cluster.query(shape)
        self.assertGreater(len(before.splitlines()), 50)
        self.assertEqual(self.migrate(), (0, "migrate: the database is up to date\n"))
        self.assertEqual(self.cluster.query(shape), before)

    def test_several_at_once_all_succeed(self):
        for database in ("again", "psups"):
            if database == "again":
                self.cluster.query(f"CREATE DATABASE again OWNER {OWNER}", "postgres")
            url = self.cluster.network_url(OWNER).replace("/psups?", f"/{database}?")
            runs = [self.begin(PSUPS_MIGRATE_DATABASE_URL=url) for _ in range(3)]
            for run in runs:
                said = run.communicate(timeout=120)[0]
                self.assertEqual(run.returncode, 0, said)
                self.assertTrue(said.endswith("migrate: the database is up to date\n"))

    def test_a_changed_password_file_takes_effect(self):
        changed = self.home / "changed"
        shutil.copytree(self.passwords, changed)
        write_private(changed / "ps-ingest", "new-one")  # without an end of line
        self.assertEqual(self.migrate(PSUPS_MIGRATE_PASSWORDS_DIR=changed)[0], 0)
        try:
            self.assertEqual(self.as_service("ps-ingest", "SELECT 1", "new-one"), "1")
            self.assertIn("failed", self.as_service("ps-ingest", "SELECT 1"))
        finally:
            self.assertEqual(self.migrate()[0], 0)
        self.assertEqual(self.as_service("ps-ingest", "SELECT 1"), "1")

    def test_a_terminal_is_not_asked_for_passwords(self):
        done = subprocess.run(
            ["script", "-qec", MIGRATE, "/dev/null"], stdin=subprocess.DEVNULL, text=True,
            capture_output=True, check=False, timeout=30, env=self.environment())
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertEqual(done.stdout, "migrate: the database is up to date\n")

    def test_no_password_is_in_the_servers_log_or_in_what_it_said(self):
        log = self.cluster.log.read_text()
        self.assertIn("ALTER USER ps_ingest PASSWORD 'SCRAM-SHA-256$", log)
        for password in (*PASSWORDS.values(), self.cluster.owner_password_file.read_text().strip()):
            for form in (password, password.replace("'", "''")):
                self.assertNotIn(form, log)
                self.assertNotIn(form, self.first[1])

    def test_nothing_is_left_behind_whichever_way_it_ends(self):
        folder = self.home / "scratch"
        folder.mkdir()
        self.assertEqual(self.migrate(TMPDIR=folder)[0], 0)
        self.assertEqual(list(folder.iterdir()), [])
        waiting = self.begin(TMPDIR=folder, PSUPS_MIGRATE_DATABASE_URL=(
            "postgresql://psups_owner@localhost:1/psups?sslmode=require"))
        while not list(folder.glob("*/pgpass")):
            self.assertIsNone(waiting.poll())
        modes = {path.stat().st_mode & 0o777 for path in folder.glob("*/*")}
        waiting.terminate()
        waiting.communicate(timeout=60)
        self.assertEqual((waiting.returncode, modes), (143, {0o600}))
        self.assertEqual(list(folder.iterdir()), [])

    def test_a_wrong_password_is_said_at_once_and_not_shown(self):
        wrong = write_private(self.home / "wrong", "wrong-secret\n")
        said = self.refused(PSUPS_MIGRATE_PASSWORD_FILE=wrong)
        self.assertIn('password authentication failed for user "psups_owner"', said)
        self.assertNotIn("wrong-secret", said)

    def test_a_server_with_another_authoritys_certificate_is_refused(self):
        other = self.home / "other.pem"
        certificates.make_authority(other, self.home / "other.key", "another CA")
        url = self.cluster.network_url(OWNER, sslrootcert=str(other))
        self.assertIn("certificate verify failed", self.refused(PSUPS_MIGRATE_DATABASE_URL=url))

    def test_a_database_that_is_not_there_is_waited_for_and_then_named(self):
        url = "postgresql://psups_owner@localhost:1/psups?sslmode=require"
        said = self.refused(PSUPS_MIGRATE_DATABASE_URL=url, PSUPS_MIGRATE_WAIT="1")
        self.assertRegex(said, r"no database after 1 s: .*refused.*Look at host and port")

    def test_it_waits_until_the_database_answers(self):
        self.cluster.stop()
        run = self.begin(PSUPS_MIGRATE_WAIT="60")
        super(NetworkCluster, self.cluster).start()
        self.assertEqual((run.communicate(timeout=120)[0], run.returncode),
                         ("migrate: the database is up to date\n", 0))

    def test_a_url_with_a_password_in_any_place_is_refused_and_not_shown(self):
        for url in ("postgresql://psups_owner:se-cret@localhost/psups?sslmode=require",
                    "postgresql://psups_owner@localhost/psups?sslmode=require&password=se-cret",
                    "postgresql://psups_owner@localhost/psups?sslpassword=se-cret&sslmode=require",
                    "postgresql://psups_owner@localhost/psups?sslmode=require&%70assword=se-cret",
                    "postgresql://psups_owner:se/cret@localhost/psups?sslmode=require",
                    "host=localhost user=psups_owner password=se-cret"):
            with self.subTest(url=url):
                said = self.refused(PSUPS_MIGRATE_DATABASE_URL=url)
                self.assertRegex(said, "^migrate: PSUPS_MIGRATE_DATABASE_URL: (holds|cannot)")
                self.assertNotIn("cret", said)

    def test_what_is_wrong_with_a_setting_is_said_with_its_name(self):
        two = write_private(self.home / "two", "one\ntwo\n")
        empty = write_private(self.home / "empty", "\n")
        few = self.home / "few"
        write_private(few / "audit-ledger", "x")
        nothing = self.home / "nothing"
        for settings, wanted in [
            ({"PSUPS_MIGRATE_DATABASE_URL": None}, "DATABASE_URL: not set; want postgresql://"),
            ({"PSUPS_MIGRATE_DATABASE_URL": "postgresql://o@h/d?sslmode=prefer"}, "want sslmode="),
            ({"PSUPS_MIGRATE_DATABASE_URL": "postgresql://o@h/d"}, "want sslmode=verify-full"),
            ({"PSUPS_MIGRATE_WAIT": "1m"}, 'PSUPS_MIGRATE_WAIT: "1m", want a whole number'),
            ({"PSUPS_MIGRATE_PASSWORD_FILE": nothing}, f"cannot read the file {nothing}"),
            ({"PSUPS_MIGRATE_PASSWORD_FILE": two}, "has 2 lines; want one"),
            ({"PSUPS_MIGRATE_PASSWORD_FILE": empty}, "want one, the password alone"),
            ({"PSUPS_MIGRATE_PASSWORDS_DIR": few}, f"cannot read the file {few}/ups-gateway"),
            ({"PSUPS_MIGRATE_PASSWRD_FILE": empty}, "PSUPS_MIGRATE_PASSWRD_FILE: no such setting"),
        ]:
            with self.subTest(settings=settings):
                self.assertIn(wanted, self.refused(**settings))

    def test_a_migration_that_fails_is_named_with_its_service(self):
        image = self.home / "image"
        shutil.copytree(ROOT / "deploy/postgres", image / "postgres")
        for service in SERVICES:
            shutil.copytree(ROOT / "services" / service / "migrations",
                            image / "migrations" / service)
        (image / "bin").mkdir()
        shutil.copy(MIGRATE, image / "bin/migrate")
        (image / "migrations/ups-gateway/0099_bad.sql").write_text(
            "-- migrate:up\nCREATE TABLE nonsense (a nonsense);\n-- migrate:down\n")
        done = subprocess.run(
            [image / "bin/migrate"], capture_output=True, text=True, check=False,
            env={"PATH": f"{PROGRAMS}:{os.environ['PATH']}:{ROOT}/node_modules/.bin",
                 "PSUPS_MIGRATE_DATABASE_URL": self.cluster.network_url(OWNER),
                 "PSUPS_MIGRATE_PASSWORD_FILE": str(self.cluster.owner_password_file)})
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r'^migrate: a migration of ups-gateway failed: .*'
                                      r'type "nonsense" does not exist')


if __name__ == "__main__":
    unittest.main()

"""The database of a stack: what each service's role may and may not."""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from deploy.local.layout import SERVICES, schema_of
from deploy.local.postgres import PROGRAMS, Cluster

SCHEMAS = [schema_of(service) for service in SERVICES]


class DatabaseTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.home = Path(tempfile.mkdtemp(prefix="psups-test-", dir="/tmp"))
        cls.home.chmod(0o755)  # so that PostgreSQL's user gets to what is below
        cls.cluster = Cluster(cls.home)
        cls.cluster.start()
        cls.cluster.prepare()

    @classmethod
    def tearDownClass(cls):
        cls.cluster.remove()
        shutil.rmtree(cls.home)

    def try_as(self, role, sql, prefix=()):
        done = subprocess.run(
            [*prefix, PROGRAMS / "psql", "-X", "-A", "-t", "-d", self.cluster.url(role), "-c", sql],
            capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else done.stderr

    def test_no_role_reads_another_services_schema(self):
        for role in [*SCHEMAS, *(schema + "_owner" for schema in SCHEMAS)]:
            for schema in SCHEMAS:
                if role.removesuffix("_owner") != schema:
                    with self.subTest(role=role, schema=schema):
                        self.assertIn("permission denied for schema", self.try_as(
                            role, f"SELECT * FROM {schema}.schema_migrations"))

    def test_a_service_works_in_its_own_schema_without_naming_it(self):
        for role in SCHEMAS:
            self.assertEqual(self.try_as(role, "SELECT current_schema()"), role)
            self.assertNotIn("ERROR", self.try_as(role, "SELECT * FROM schema_migrations"))

    def test_a_service_changes_no_tables(self):
        for role in SCHEMAS:
            for sql in ("CREATE TABLE t (a int)", "DROP TABLE schema_migrations",
                        "ALTER TABLE schema_migrations ADD a int", "CREATE SCHEMA s",
                        "CREATE TABLE public.t (a int)", "CREATE TEMP TABLE t (a int)",
                        "UPDATE schema_migrations SET version = '0'"):
                with self.subTest(role=role, sql=sql):
                    self.assertRegex(self.try_as(role, sql),
                                     "permission denied|must be owner|no schema has been selected")

    def test_no_service_becomes_another_role(self):
        for role in SCHEMAS:
            for other in ("postgres", role + "_owner"):
                self.assertIn("permission denied to set role",
                              self.try_as(role, f"SET ROLE {other}"))

    def test_the_ledgers_service_cannot_change_what_was_recorded(self):
        for sql in ("UPDATE entries SET entry = ''", "DELETE FROM entries", "TRUNCATE entries",
                    "UPDATE log_head SET head_id = 1", "DELETE FROM log_head"):
            self.assertIn("permission denied", self.try_as("audit_ledger", sql))

    def test_other_users_of_the_machine_are_kept_out(self):
        as_root = () if os.geteuid() == 0 else ("sudo", "-n")
        nobody = (*as_root, "setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--")
        self.assertIn("Permission denied", self.try_as("ps_ingest", "SELECT 1", nobody))
        self.cluster.place.chmod(0o711)
        self.cluster.socket.chmod(0o711)
        Path(self.cluster.socket, ".s.PGSQL.5432").chmod(0o777)
        try:
            self.assertIn("Peer authentication failed",
                          self.try_as("ps_ingest", "SELECT 1", nobody))
        finally:
            self.cluster.socket.chmod(0o700)
            self.cluster.place.chmod(0o700)

    def test_there_is_no_tcp(self):
        self.assertEqual(self.cluster.query("SHOW listen_addresses"), "")
        self.assertEqual(self.cluster.query("SHOW fsync"), "on")

    def test_preparing_again_changes_nothing(self):
        before = self.cluster.query("SELECT * FROM audit_ledger.schema_migrations")
        self.cluster.prepare()
        self.assertEqual(self.cluster.query("SELECT * FROM audit_ledger.schema_migrations"), before)


class UnreachablePlaceTest(unittest.TestCase):
    def test_data_goes_where_postgres_can_get(self):
        home = Path(tempfile.mkdtemp(prefix="psups-test-", dir="/tmp"))  # mode 0700
        others = os.geteuid() == 0  # PostgreSQL runs as another user only if root starts it
        cluster = Cluster(home / "stack")
        cluster.home.mkdir()
        try:
            cluster.start()
            self.assertEqual(cluster.place.is_relative_to(home), not others)
            self.assertTrue(Cluster(cluster.home).running())
            place = cluster.place
            cluster.remove()
            self.assertFalse(place.exists())
        finally:
            cluster.remove()
            shutil.rmtree(home)


if __name__ == "__main__":
    unittest.main()

"""Makes all secrets that an installation wants, for trying it: an authority of its own,
certificates, keys, passwords; and what psupsctl wants to know of it. In production each comes from
where secrets are kept there, and certificates from cert-manager or the like; docs/kubernetes.md has
the list.

What is there is kept, so a second run changes nothing. What `--out` holds is as good as the system.
"""

import argparse
import base64
import json
import os
import secrets as random_secrets
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from deploy.kubernetes import sandbox
from deploy.local import certificates, services
from deploy.local.layout import FIXED_PORTS, ROOT, SERVICES, StackError, write_private
from deploy.local.sandboxes import CLIENT_ID, WEBHOOK_CLIENT_ID

DAYS = 365
TRIAL_DATABASE = "psups-trial-postgres"
PEOPLE = ("admin", "clerk")
CONTAINER_USER = 65532  # of the images


@dataclass
class Trial:
    out: Path
    release: str
    namespace: str
    database_host: str
    database_authority: Path | None
    compose: bool

    def host(self, name: str) -> str:
        """What a service or sandbox is called by the others."""
        if self.compose:
            return name
        fullname = self.release if "psups" in self.release else f"{self.release}-psups"
        return f"{fullname}-{name}"

    def hosts(self, name: str) -> tuple[str, ...]:
        if self.compose:
            return (name, "localhost")
        return (self.host(name), f"{self.host(name)}.{self.namespace}.svc", "localhost")

    # ---- files ----

    @property
    def authority(self) -> Path:
        return self.out / "ca" / "ca.pem"

    def certificate(self, name: str) -> Path:
        return self.out / "certs" / f"{name}.pem"

    def key(self, name: str) -> Path:
        return self.out / "certs" / f"{name}.key"

    def password(self, name: str) -> str:
        return (self.out / "passwords" / name).read_text().strip()

    def secret(self, name: str) -> str:
        return (self.out / "secrets" / name).read_text()

    def make(self) -> None:
        for folder in ("ca", "certs", "passwords", "secrets"):
            (self.out / folder).mkdir(parents=True, exist_ok=True)
            (self.out / folder).chmod(0o700)
        self._make_authority()
        for name in SERVICES:
            self._issue(name, f"spiffe://psups/service/{name}", self.hosts(name))
        for name in PEOPLE:
            self._issue(name, f"spiffe://psups/{name}/trial", ("localhost",))
        self._issue("sandbox", "spiffe://psups/sandbox/trial", (
            *self.hosts("ups-sandbox")[:-1], *self.hosts("peoplesoft-sandbox")))
        if self.database_authority is None:
            hosts = {self.database_host: None, f"{self.database_host}.{self.namespace}.svc": None,
                     "localhost": None}
            self._issue("database", "spiffe://psups/database/trial", tuple(hosts))
        for folder, names in (("passwords", ("owner", *SERVICES)),
                              ("secrets", ("ups", "peoplesoft", "webhook", "grafana"))):
            for name in names:
                file = self.out / folder / name
                if not file.exists():
                    write_private(file, random_secrets.token_urlsafe(24))
        services.write_keys(self.out, self.secret("webhook"))

    def _make_authority(self) -> None:
        key = self.out / "ca" / "ca.key"
        if not certificates.still_good(self.authority, key):
            certificates.make_authority(self.authority, key, "psups trial CA")

    def _issue(self, name: str, uri: str, hosts: tuple[str, ...]) -> None:
        pem, key, names = self.certificate(name), self.key(name), self.out / "certs" / f"{name}.for"
        wanted = " ".join((uri, *hosts)) + "\n"
        if (names.exists() and names.read_text() == wanted and certificates.still_good(pem, key)
                and certificates.signed_by(self.authority, pem)):
            return
        certificates.issue(pem, key, name, uri, DAYS, hosts=hosts,
                           authority=(self.authority, self.out / "ca" / "ca.key"))
        names.write_text(wanted)

    # ---- what Kubernetes is given ----

    def objects(self, with_sandbox: bool) -> dict[str, dict[str, str]]:
        """The Secrets: name → key → text."""
        database_authority = self.database_authority or self.authority
        made = {f"psups-tls-{name}": self._tls(name) for name in SERVICES}
        made |= {
            "psups-key": {"keys.json": self.secret("keys.json")},
            "psups-checkpoint": {"checkpoint.key": self.secret("checkpoint.key")},
            "psups-database": {name: self.password(name) for name in ("owner", *SERVICES)},
            "psups-database-ca": {"ca.crt": database_authority.read_text()},
            "psups-webhook": {"client-secret": self.secret("webhook")},
            "psups-webhook-tls": self._tls("tracking-sync"),
        }
        if self.database_authority is None:
            made[TRIAL_DATABASE] = self._tls("database") | {"password": self.password("owner")}
        if with_sandbox:
            made |= {"psups-tls-sandbox": self._tls("sandbox"),
                     "psups-sandbox": {f"{name}.json": json.dumps(config, indent=1) + "\n"
                                       for name, config in sandbox.configs(self).items()}}
        return made

    def _tls(self, name: str) -> dict[str, str]:
        return {"tls.crt": self.certificate(name).read_text(),
                "tls.key": self.key(name).read_text(), "ca.crt": self.authority.read_text()}

    def manifest(self, with_sandbox: bool) -> str:
        documents = []
        for name, content in self.objects(with_sandbox).items():
            kind = "kubernetes.io/tls" if "tls.key" in content else "Opaque"
            data = "".join(f"  {key}: {base64.b64encode(text.encode()).decode()}\n"
                           for key, text in content.items())
            documents.append(f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: {name}\n"
                             f"  namespace: {self.namespace}\ntype: {kind}\ndata:\n{data}")
        return "---\n".join(documents)

    def values(self, with_sandbox: bool) -> str:
        """What the chart wants to know, without a secret. JSON is YAML."""
        return json.dumps({
            "database": {"host": self.database_host},
            "webhook": {"clientId": WEBHOOK_CLIENT_ID, "apiKeys": [CLIENT_ID]},
            "sandbox": {"enabled": with_sandbox},
        }, indent=2) + "\n"

    # ---- what psupsctl is given ----

    def write_contexts(self) -> None:
        for role in PEOPLE:
            name = "context.json" if role == "admin" else f"context-{role}.json"
            (self.out / name).write_text(json.dumps({
                "ca_file": "ca/ca.pem", "cert_file": f"certs/{role}.pem",
                "key_file": f"certs/{role}.key",
                "endpoints": {name: f"localhost:{FIXED_PORTS[name]}" for name in SERVICES},
            }, indent=1) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(prog="deploy/kubernetes/secrets", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--namespace", default="psups")
    parser.add_argument("--release", default="psups")
    parser.add_argument("--sandbox", action="store_true",
                        help="the sandboxes' too, and a few orders for them")
    parser.add_argument("--database-host", help=f"default: {TRIAL_DATABASE}, which "
                        "deploy/kubernetes/trial-postgres.yaml makes")
    parser.add_argument("--database-ca", type=Path, metavar="FILE",
                        help="who signed your PostgreSQL's certificate; default: our own authority")
    parser.add_argument("--compose", action="store_true",
                        help="for deploy/compose.yaml instead, with the sandboxes")
    parser.add_argument("--out", type=Path, help="default: build/kubernetes or build/compose")
    given = parser.parse_args()
    out = given.out or ROOT / "build" / ("compose" if given.compose else "kubernetes")
    database_host = given.database_host or ("postgres" if given.compose else TRIAL_DATABASE)
    trial = Trial(out.resolve(), given.release, given.namespace, database_host, given.database_ca,
                  given.compose)
    try:
        if given.database_ca and not os.access(given.database_ca, os.R_OK):
            raise StackError(f"--database-ca: cannot read the file {given.database_ca}")
        trial.make()
        trial.write_contexts()
        with_sandbox = given.sandbox or given.compose
        if with_sandbox:
            sandbox.write(trial)
        if given.compose:
            sandbox.write_configs(trial)
            hand_over(trial.out)
        else:
            write_private(trial.out / "secrets.yaml", trial.manifest(with_sandbox))
            (trial.out / "values.yaml").write_text(trial.values(with_sandbox))
    except (OSError, StackError, subprocess.CalledProcessError) as problem:
        print(f"deploy/kubernetes/secrets: {problem}", file=sys.stderr)
        return 1
    print(f"written to {trial.out}; whoever can read it can do all that the system can")
    return 0


def hand_over(out: Path) -> None:
    """Compose mounts the files as they are: the containers' user is one who can read them."""
    user, group = os.getuid(), os.getgid()
    if user == 0:
        user = group = CONTAINER_USER
        for folder in ("certs", "passwords", "secrets"):
            for path in (out / folder, *(out / folder).iterdir()):
                os.chown(path, user, group)
    (out / "user.env").write_text(f"PSUPS_USER={user}:{group}\n")

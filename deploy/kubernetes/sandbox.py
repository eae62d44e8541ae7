"""How the sandboxes of a trial are set up, and what psupsctl and they are told to try it with."""

import json
import subprocess
import sys
from datetime import date

from deploy.local import customers, sandboxes
from deploy.local.layout import FIXED_PORTS, ROOT, write_private

SITE = "c1"
ORDERS = 24
API_PORTS = {"ups-sandbox": FIXED_PORTS["ups-sandbox"], "peoplesoft-sandbox": FIXED_PORTS[SITE]}
ADMIN_PORTS = {"ups-sandbox": FIXED_PORTS["ups-sandbox.admin"],
               "peoplesoft-sandbox": FIXED_PORTS[f"{SITE}.admin"]}
# Parcels move by themselves.
SCANS = {"interval_ms": 5000, "script": ["OR", "DP", "OT", "FS"]}


def url(trial, name: str) -> str:
    return f"https://{trial.host(name)}:{API_PORTS[name]}"


def configs(trial) -> dict[str, dict]:
    """The configuration files, for pods that have their certificate in /etc/psups/tls."""
    secrets = {"ups": trial.secret("ups"), "webhook": trial.secret("webhook"),
               SITE: trial.secret("peoplesoft")}

    def listeners(name: str) -> dict:
        return {"api_listen": f"0.0.0.0:{API_PORTS[name]}",
                "admin_listen": f"0.0.0.0:{ADMIN_PORTS[name]}",
                "tls_certificate_file": "/etc/psups/tls/tls.crt",
                "tls_key_file": "/etc/psups/tls/tls.key"}

    ups = sandboxes.ups_config(FIXED_PORTS, secrets, SCANS) | listeners("ups-sandbox")
    door = f"https://{trial.host('tracking-sync')}:{FIXED_PORTS['tracking-sync.webhook']}"
    ups["webhook"] |= {"url": f"{door}/track-alert", "token_url": f"{door}/oauth/token",
                       "ca_bundle_file": "/etc/psups/tls/ca.crt"}
    site = sandboxes.peoplesoft_config(SITE, FIXED_PORTS, secrets) | listeners("peoplesoft-sandbox")
    return {"ups-sandbox": ups, "peoplesoft-sandbox": site}


def write_configs(trial) -> None:
    for name, config in configs(trial).items():
        write_private(trial.out / "secrets" / f"{name}.json", json.dumps(config, indent=1) + "\n")


def write(trial) -> None:
    """Orders for the site, addresses that UPS knows; the account and the connection for psupsctl,
    with their secrets."""
    orders = trial.out / "orders"
    if not (orders / "expected.json").exists():
        subprocess.run([sys.executable, ROOT / "tests/harness/generator.py", "--orders",
                        str(ORDERS), "--out", orders], check=True, stdout=subprocess.DEVNULL)
    since = date.fromisoformat(json.loads((orders / "expected.json").read_text())["go_live"])
    known = {"ca_bundle_pem": trial.authority.read_text()}
    account = customers.account(FIXED_PORTS) | known | {"base_url": url(trial, "ups-sandbox")}
    connection = customers.connection(SITE, FIXED_PORTS, since) | known | {
        "base_url": f"{url(trial, 'peoplesoft-sandbox')}/PSIGW/RESTListeningConnector"}
    for name, content in (("account", account), ("connection", connection)):
        del content["ca_bundle_file"]
        (trial.out / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n")
    write_private(trial.out / "ups.secret", trial.secret("ups"))
    write_private(trial.out / "peoplesoft.password", trial.secret("peoplesoft"))

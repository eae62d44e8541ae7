"""Makes the UPS account and the two PeopleSoft connections of a stack, as an administrator does."""

import json
from datetime import date
from pathlib import Path

from deploy.local import certificates
from deploy.local.layout import CONNECTIONS, write_private
from deploy.local.psupsctl import Psupsctl
from deploy.local.sandboxes import (CLIENT_ID, SHIPPER_NUMBER, SITES, TOKEN_LIMIT_PER_DAY,
                                    TOKEN_PATH, TOKEN_REQUESTS)

ACCOUNT = "demo"
# The names that a query author must give where two records have a column of the same name.
BARE_NAMES = {
    "B.CANCEL_STATUS": "LINE_CANCEL_STATUS", "C.CANCEL_STATUS": "SCHED_CANCEL_STATUS",
    "E.NAME1": "VENDOR_NAME", "F.DESCR": "SHIPTO_NAME", "J.PO_ID": "SOURCED_PO_ID",
    "G.UNIT_MEASURE_WT": "ITEM_UNIT_MEASURE_WT", "H.UNIT_MEASURE_WT": "UOM_UNIT_MEASURE_WT",
    "J.BUSINESS_UNIT": "SOURCED_BUSINESS_UNIT", "M.CONVERSION_RATE": "UNITS_CONVERSION_RATE",
    "K.NAME1": "CUST_NAME", "N.DESCR": "INV_NAME", "N.ATTN_TO": "INV_ATTN_TO",
} | {
    f"{alias}.{field}": f"{prefix}{field}"
    for alias, prefix in (("D", "VNDR_"), ("F", "SHIPTO_"), ("K", "CUST_"), ("N", "INV_"))
    for field in ("ADDRESS1", "ADDRESS2", "ADDRESS3", "ADDRESS4", "CITY", "STATE", "POSTAL",
                  "COUNTRY", "PHONE")
}


def account(ports: dict[str, int]) -> dict:
    return {
        "account_id": ACCOUNT,
        "display_name": "Demo account at the UPS sandbox",
        "environment": "PRODUCTION",
        "base_url": f"https://localhost:{ports['ups-sandbox']}",
        "ca_bundle_file": str(certificates.AUTHORITY),
        "client_id": CLIENT_ID,
        "shipper_number": SHIPPER_NUMBER,
        "shipper": {
            "name": "Fabrikam Procurement", "lines": ["1200 Commerce Parkway"],
            "city": "Columbus", "state": "OH", "postal_code": "43215", "country_code": "US",
            "phone": "614-555-0100",
        },
        "token_limit_per_day": TOKEN_LIMIT_PER_DAY,
        "rebuy_window": "20s",
    }


def connection(name: str, ports: dict[str, int], ship_orders_since: date,
               ps_auth: str = "basic") -> dict:
    site = SITES[name]
    bare = site["row_keys"] == "bare"
    host = f"https://localhost:{ports[name]}"
    tokens = {"token_url": host + TOKEN_PATH} | TOKEN_REQUESTS[name]
    return {
        "connection_id": name,
        "display_name": {"c1": "Fabrikam ERP", "c2": "State purchasing"}[name],
        "environment": "PRODUCTION",
        "base_url": f"{host}{site['path_prefix']}/PSIGW/RESTListeningConnector",
        "node": site["node"],
        "oprid": site["oprid"],
        "authentication": ps_auth.upper(),
        "ca_bundle_file": str(certificates.AUTHORITY),
        "base_time_zone": site["base_time_zone"],
        "ship_orders_since": ship_orders_since.isoformat(),
        "column_map": BARE_NAMES if bare else {},
        "poll_interval_seconds": 1,
        "max_poll_interval_seconds": 2,
        "overlap_seconds": 60,
        "lag_seconds": 1,
        "ups_account": f"accounts/{ACCOUNT}",
    } | (tokens if ps_auth == "client_credentials" else {})


def create(psupsctl: Psupsctl, home: Path, ports: dict[str, int], secrets: dict[str, str],
           ship_orders_since: date, ps_auth: str = "basic",
           more: dict[str, dict] | None = None) -> None:
    """Creates what is missing and activates it; a stack that was set up before stays as it is.
    `more` are further settings of the "account" and of each "connection"."""
    more = more or {}
    files = home / "customers"
    files.mkdir(parents=True, exist_ok=True)

    def write(name: str, content: dict) -> Path:
        path = files / name
        path.write_text(json.dumps(content, indent=1) + "\n")
        return path

    if not psupsctl.list("account"):
        settings = write("account.json", account(ports) | more.get("account", {}))
        psupsctl.run("account", "create", "--file", settings, "--secret-file",
                     write_private(files / "ups.secret", secrets["ups"]))
    known = {row["name"] for row in psupsctl.list("connection")}
    for name in CONNECTIONS:
        if f"connections/{name}" in known:
            continue
        made = connection(name, ports, ship_orders_since, ps_auth) | more.get("connection", {})
        settings = write(f"{name}.json", made)
        psupsctl.run("connection", "create", "--file", settings,
                     "--password-file", write_private(files / f"{name}.password", secrets[name]))
        psupsctl.run("connection", "activate", name, "--yes")

"""P1: orders per second from PeopleSoft to a label, handed over, with the ledger drained.

Five services by mTLS, real PostgreSQL with fsync, sandboxes that answer at once. The baseline is
what the same cluster commits with 16 clients that insert one row of 250 bytes each. The sandboxes
and PostgreSQL share the machine with the services, as on a customer's.
"""

import contextlib
import os
import statistics
import time
from collections import Counter
from datetime import date, timedelta

from gateway_load import UNLIMITED
from measure import cluster_cpu_seconds, commits_per_second, cpu_seconds

from deploy.local import customers
from deploy.local.layout import SERVICES, StackError, schema_of
from deploy.local.stack import Stack

ORDERS = int(os.environ.get("BENCH_ORDERS", "6000"))
RUNS = int(os.environ.get("BENCH_RUNS", "1"))
BAR = 0.02
PATIENCE_SECONDS = 600
ADDRESS = {"lines": ["500 Main Street"], "city": "Springfield", "state": "IL", "postal": "62701",
           "country": "US"}
VENDOR_ADDRESS = ADDRESS | {"lines": ["12 Mill Road"]}


def _tables() -> dict:
    def place(prefix: dict, address: dict) -> dict:
        return prefix | {"ADDRESS1": address["lines"][0], "CITY": address["city"],
                         "STATE": address["state"], "POSTAL": address["postal"], "COUNTRY": "USA",
                         "EFFDT": "1901-01-01", "EFF_STATUS": "A"}
    return {
        "SET_CNTRL_REC": [],
        "VENDOR": [{"SETID": "SHARE", "VENDOR_ID": "V1", "NAME1": "Mill Supplies"}],
        "VENDOR_ADDR": [place({"SETID": "SHARE", "VENDOR_ID": "V1", "ADDRESS_SEQ_NUM": 1},
                              VENDOR_ADDRESS)],
        "LOCATION_TBL": [place({"SETID": "SHARE", "LOCATION": "L1", "DESCR": "Warehouse"}, ADDRESS)],
        "MASTER_ITEM_TBL": [{"SETID": "SHARE", "INV_ITEM_ID": "I1", "UNIT_MEASURE_STD": "EA"}],
        "INV_ITEMS": [{"SETID": "SHARE", "INV_ITEM_ID": "I1", "EFFDT": "1901-01-01",
                       "INV_ITEM_WEIGHT": 2.5, "UNIT_MEASURE_WT": "LB", "INV_ITEM_LENGTH": 10,
                       "INV_ITEM_WIDTH": 8, "INV_ITEM_HEIGHT": 4, "UNIT_MEASURE_DIM": "IN"}],
        "INV_ITEM_UOM": [],
    }


def _order(number: int, today: str) -> dict:
    return {
        "DOC_TYPE": "PO", "BUSINESS_UNIT": "US001", "PO_ID": f"{number:010d}", "PO_STATUS": "D",
        "HOLD_STATUS": "N", "CHNG_ORD_BATCH": 0, "PO_DT": today, "PO_REF": " ",
        "VENDOR_SETID": "SHARE", "VENDOR_ID": "V1", "ADDRESS_SEQ_NUM": 1, "BUYER_ID": "B1",
        "LAST_DTTM_UPDATE": "now",
        "LINES": [{"LINE_NBR": 1, "CANCEL_STATUS": "A", "ITM_SETID": "SHARE", "INV_ITEM_ID": "I1",
                   "DESCR254_MIXED": "Gear", "UNIT_OF_MEASURE": "EA", "PHYSICAL_NATURE": "G",
                   "AMT_ONLY_FLG": "N", "RECV_REQ": "Y",
                   "SCHEDULES": [{"SCHED_NBR": 1, "CANCEL_STATUS": "A", "QTY_PO": 3,
                                  "DUE_DT": today, "SHIP_DATE": "", "SHIPTO_SETID": "SHARE",
                                  "SHIPTO_ID": "L1", "CARRIER_ID": "UPS", "SHIP_TYPE_ID": "GROUND",
                                  "FREIGHT_TERMS": "FOB", "PRICE_PO": 10.0,
                                  "CURRENCY_CD": "USD"}]}],
    }


def _done(stack: Stack) -> bool:
    outboxes = " UNION ALL ".join(
        f"SELECT count(*) AS n FROM {schema_of(service)}.audit_outbox"
        for service in SERVICES if service != "audit-ledger")
    handed_over = stack.cluster.query("SELECT count(*) FROM tracking_sync.trackers")
    return int(handed_over) >= ORDERS and stack.cluster.query(
        f"SELECT sum(n) FROM ({outboxes}) AS waiting") == "0"


def _used(stack: Stack) -> Counter:
    """What each part has used so far: "cpu" in seconds, "commits" and "round_trips" of the database."""
    used = Counter()
    for name in SERVICES:
        service = stack.services[name]
        used["cpu", name] = cpu_seconds(service.process.pid())
        used["transactions", name] = service.metric("psups_database_transactions_total")
        used["round_trips", name] = service.metric("psups_database_round_trips_total")
    used["cpu", "postgres"] = cluster_cpu_seconds(stack)
    used["cpu", "sandboxes"] = sum(cpu_seconds(sandbox.process.pid())
                                   for sandbox in (stack.ups, *stack.sites.values()))
    used["commits", "all"] = int(stack.cluster.query(
        "SELECT xact_commit FROM pg_stat_database WHERE datname = 'psups'"))
    return used


def once(delay_ms: int = 0) -> dict:
    """One run, in which UPS takes that long to answer a call."""
    with Stack("bench") as stack:
        stack.remove()
        stack.start()
        today = date.today()
        stack.connect(today - timedelta(days=1))
        stack.ups.admin.post("/admin/addresses", [
            {"input": address, "verdict": "valid",
             "candidates": [address | {"postal_extended": "1234", "classification": "1"}]}
            for address in (ADDRESS, VENDOR_ADDRESS)])
        if delay_ms:
            stack.ups.admin.post("/admin/faults", {"add": [
                {"id": "far", "route": "*", "kind": "slow", "delay_ms": delay_ms}]})
        baseline = commits_per_second(stack, 16)
        before = _used(stack)
        started = time.monotonic()
        stack.sites["c1"].admin.post("/admin/orders", {
            "tables": _tables(),
            "documents": [_order(n, today.isoformat()) for n in range(1, ORDERS + 1)]})
        while not _done(stack):
            if time.monotonic() - started > PATIENCE_SECONDS:
                raise StackError(f"P1: not done after {PATIENCE_SECONDS} s; see {stack.home}/logs")
            time.sleep(0.25)
        seconds = time.monotonic() - started
        time.sleep(1.2)  # PostgreSQL reports its counts once a second
        used = _used(stack)
        used.subtract(before)
        stack.remove()

    def per_order(what: str, scale: float, digits: int) -> dict:
        return {name: round(scale * used[what, name] / ORDERS, digits)
                for kind, name in used if kind == what}
    return {"orders_per_second": ORDERS / seconds, "commits_per_second": baseline,
            "commits_per_order": used["commits", "all"] / ORDERS,
            "cpu_ms_per_order": 1000 * sum(used["cpu", name] for name in SERVICES) / ORDERS,
            "by_service": {"cpu_ms": per_order("cpu", 1000, 3),
                           "transactions": per_order("transactions", 1, 2),
                           "round_trips": per_order("round_trips", 1, 2)}}


@contextlib.contextmanager
def boundless():
    """As many orders as there are: what an account may cost and ask is not what is measured."""
    ordinary, account = customers.connection, customers.account
    customers.account = lambda *a: account(*a) | {"flow": UNLIMITED["flow"], "caps": UNLIMITED["caps"]}
    # All orders are stamped with the same second or two: a window cannot be cut any further.
    customers.connection = lambda *a: ordinary(*a) | {"max_rows": 100_000}
    try:
        yield
    finally:
        customers.connection, customers.account = ordinary, account


def run():
    with boundless():
        runs = [once() for _ in range(RUNS)]
    middle = {key: statistics.median(run[key] for run in runs)
              for key in ("orders_per_second", "commits_per_second", "commits_per_order",
                          "cpu_ms_per_order")}
    ratio = middle["orders_per_second"] / middle["commits_per_second"]
    yield {"id": "P1", "name": "orders to labelled, handed over, ledger drained",
           "value": round(middle["orders_per_second"], 1), "unit": "orders/s",
           "baseline_name": "commits/s by 16 clients", "baseline":
           round(middle["commits_per_second"], 1),
           "ratio": round(ratio, 4), "bar": BAR, "pass": ratio >= BAR, "runs": RUNS,
           "orders": ORDERS, "commits_per_order": round(middle["commits_per_order"], 2),
           "cpu_ms_per_order": round(middle["cpu_ms_per_order"], 3),
           "by_service": runs[-1]["by_service"]}

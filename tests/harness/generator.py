#!/usr/bin/env python3
"""Makes PeopleSoft orders, and says what must become of each, without asking our services."""

import argparse
import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from random import Random

from making.orders import Change, Order
from making.places import PlaceMaker
from making.scenarios import Scenarios
from making.site import Site

# How many of 120 orders are of which kind; the rest are plain.
SHARES = {
    "several_ship_tos": 8, "several_packages": 5, "requisition": 6, "cancelled_line": 3,
    "service_line": 2, "changed_before_label": 2, "changed_after_label": 1,
    "invalid_address": 5, "one_invalid_of_two_addresses": 1, "ambiguous_address": 4,
    "dropped_suite": 3, "no_weight": 4, "too_heavy": 3, "no_dimensions": 1, "too_long": 1,
    "unmapped_service": 1,
    "long_vendor_name": 1, "withdrawn_location": 1, "no_vendor": 1,
    "on_hold": 4, "before_go_live": 3, "sourced_requisition": 3, "not_dispatched": 2,
    "amount_only": 1, "direct_ship": 1, "all_received": 1, "cancelled_schedule": 1,
}
# What `make chaos` has of changes beside those.
MORE_CHANGES = {
    "cancelled_before_label": 2, "held_before_label": 2, "cancelled_after_label": 2,
    "held_after_label": 2, "changed_soon": 8, "changed_twice_soon": 4, "cancelled_soon": 3,
    "held_soon": 2, "changed_and_cancelled_soon": 2,
}
WHOLE = 120
LEAST_FOR_ALL = 60  # from so many orders on there is one of each kind
GO_LIVE_DAYS = 22
# Which set each business unit's records come from, per connection. US001 stands in both.
SITES = {
    "c1": {
        "US001": {"SHIPTO_TBL": "SHARE", "VENDOR": "SHARE", "MASTER_ITEM_TBL": "SHARE"},
        "US002": {"SHIPTO_TBL": "SHARE", "VENDOR": "SHARE", "MASTER_ITEM_TBL": "MFG01"},
        "ENG01": {"SHIPTO_TBL": "ENGIN", "VENDOR": "SHARE", "MASTER_ITEM_TBL": "MFG01"},
    },
    "c2": {
        "US001": {"SHIPTO_TBL": "STATE", "VENDOR": "STATE", "MASTER_ITEM_TBL": "STATE"},
        "DOT01": {"SHIPTO_TBL": "ROADS", "VENDOR": "STATE", "MASTER_ITEM_TBL": "STATE"},
    },
}


def plan(count: int, shares: dict[str, int]) -> list[str]:
    """The kinds of `count` orders, in the order in which they are made."""
    least = 1 if count >= LEAST_FOR_ALL else 0
    kinds = [kind for kind, share in shares.items()
             for _ in range(max(least, round(share * count / WHOLE)))]
    return ["plain"] * (count - len(kinds)) + kinds


def make(count: int, seed: int, today: date,
         shares: dict[str, int] | None = None) -> dict[str, object]:
    """The content of each file by its name."""
    random = Random(seed)
    maker = PlaceMaker(random)
    go_live = today - timedelta(days=GO_LIVE_DAYS)
    sites, scenarios = {}, {}
    for connection, units in SITES.items():
        sites[connection] = Site(connection, units, random, maker, today)
        scenarios[connection] = Scenarios(sites[connection], random, today, go_live)
    orders: list[Order | Change] = []
    for number, kind in enumerate(plan(count, shares or SHARES)):
        makers = scenarios["c2" if number % 3 == 2 else "c1"]
        made = getattr(makers, kind)()
        if isinstance(made, Change):
            made = made.named(kind)
        else:
            made = replace(made, scenario=kind)
            if kind == "plain" and not made.visible_after_ms:
                makers.shared.append(made)
        orders.append(made)
    random.shuffle(orders)
    link(orders)
    return {
        "expected.json": expected(orders, seed, go_live, today),
        "changes.json": [{"connection": c.first.connection, "when": c.when,
                          "documents": [order.document() for order in c.later]}
                         for c in orders if isinstance(c, Change)],
        "addresses.json": addresses(sites.values()),
    } | {
        f"peoplesoft-{name}.json": {
            "tables": site.tables,
            "documents": [o.document() for o in map(first, orders) if o.connection == name],
        } for name, site in sites.items()
    }


def link(orders: list[Order | Change]) -> None:
    """Lets each purchase order name the requisitions that went into it, and come before them: one
    that is read first ships."""
    at = {first(order).key(): place for place, order in enumerate(orders)}
    for requisition in [order for order in map(first, orders) if order.source()]:
        here, there = at[requisition.key()], at[requisition.source()]
        orders[there] = orders[there].as_source_of(requisition)
        if there > here:
            orders[here], orders[there] = orders[there], orders[here]
            at[requisition.key()], at[requisition.source()] = there, here


def first(order: Order | Change) -> Order:
    return order.first if isinstance(order, Change) else order


def addresses(sites) -> list[dict]:
    rows = [row for site in sites for place in site.places for row in place.validation()]
    return list({json.dumps(row["input"]): row for row in rows}.values())


def expected(orders, seed: int, go_live: date, today: date) -> dict:
    result = []
    for order in orders:
        if not isinstance(order, Change):
            result.append(order.expected(go_live, today))
            continue
        entry = order.changed.expected(go_live, today)
        # Labels for what it was: if they were bought, as in any case before a change "after_label",
        # they must be void.
        before = [] if order.when == "before_label" else [
            shipment for was in order.before() for shipment in was.expected(go_live, today)["shipments"]]
        entry["change"] = {"when": order.when, "document": order.changed.document(),
                           "documents": [later.document() for later in order.later],
                           "labels_before": before}
        result.append(entry)
    return {"seed": seed, "today": today.isoformat(), "go_live": go_live.isoformat(),
            "orders": result}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=WHOLE)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True, help="directory for the files")
    parser.add_argument("--today", type=date.fromisoformat, default=date.today(),
                        help="the day on which they are ordered; default: the clock's")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name, content in make(arguments.orders, arguments.seed, arguments.today).items():
        (arguments.out / name).write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()

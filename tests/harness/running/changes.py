"""Changes orders in PeopleSoft when they are where the change is meant to meet them."""

import time
from random import Random

from judging.fields import Label, document_key, pick, proto_key, reference_of
from judging.shipments import BEFORE, CURRENT, Slot, differences

MOST_SECONDS = 6  # from an order to a change that comes soon, and from that to the next


class Changes:
    def __init__(self, expected: dict, sites: dict):
        self.sites = sites
        self.orders = {document_key(o): o for o in expected["orders"] if o["change"]}
        self.to_post = {key: list(o["change"]["documents"]) for key, o in self.orders.items()}
        # By reference: orders of two connections may share one.
        self.changing = {reference_of(order) for order in self.orders.values()}
        self.in_the_end: dict[tuple, list[Slot]] = {}
        for order in expected["orders"]:
            self.in_the_end.setdefault(reference_of(order), []).extend(
                Slot(document_key(order), shipment, CURRENT) for shipment in order["shipments"])
        self.random = Random(expected["seed"])
        self.due: dict[tuple, float] = {}

    def step(self, ups_truth: dict, order_rows: list, entered: set[tuple]) -> None:
        """`entered`: the keys of the documents that PeopleSoft has."""
        rows = {proto_key(row): row for row in order_rows}
        labels = [Label(truth) for truth in ups_truth["shipments"]]
        for key, order in self.orders.items():
            if not self.to_post[key] or key not in entered:
                continue
            same = [label for label in labels if label.reference() == reference_of(order)]
            if self._is_time(key, order, same, rows.get(key)):
                document = self.to_post[key].pop(0)
                self.sites[key[0]].post("/admin/orders", {"documents": [document]})

    def holds(self, label: Label) -> bool:
        """Whether a scan of the label would come between an order and its change: what is not what
        the order will be in the end has to be void."""
        reference = label.reference()
        return reference in self.changing and all(differences(slot, label)
                                                  for slot in self.in_the_end[reference])

    def _is_time(self, key: tuple, order: dict, same: list[Label], row: dict | None) -> bool:
        when = order["change"]["when"]
        if when == "soon":
            now = time.monotonic()
            if now < self.due.setdefault(key, now + self.random.uniform(0, MOST_SECONDS)):
                return False
            del self.due[key]
            return True
        if when == "before_label":
            return row is not None and pick(row, "state") == "ACKNOWLEDGED"
        return all(any(not label.voided and not differences(Slot(key, shipment, BEFORE), label)
                       for label in same) for shipment in order["change"]["labels_before"])

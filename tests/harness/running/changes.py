"""Changes orders in PeopleSoft when they are where the change is meant to meet them."""

from judging.fields import Label, document_key, pick, proto_key, reference_of
from judging.shipments import BEFORE, CURRENT, Slot, differences

WAITING, POSTED, THROUGH = "waiting", "posted", "through"


class Changes:
    def __init__(self, expected: dict, sites: dict):
        self.sites = sites
        self.orders = {document_key(o): o for o in expected["orders"] if o["change"]}
        self.state = dict.fromkeys(self.orders, WAITING)

    def step(self, ups_truth: dict, order_rows: list) -> None:
        rows = {proto_key(row): row for row in order_rows}
        labels = [Label(truth) for truth in ups_truth["shipments"]]
        for key, order in self.orders.items():
            same = [label for label in labels if label.reference() == reference_of(order)]
            if self.state[key] == WAITING and self._is_time(key, order, same, rows.get(key)):
                self.sites[key[0]].post("/admin/orders",
                                        {"documents": [order["change"]["document"]]})
                self.state[key] = POSTED
            elif self.state[key] == POSTED and self._came_through(key, order, same):
                self.state[key] = THROUGH

    def holds(self, label: Label) -> bool:
        """Whether a scan of the label would come between an order and its change."""
        return any(order["change"]["when"] == "after_label" and self.state[key] != THROUGH
                   and label.reference() == reference_of(order)
                   for key, order in self.orders.items())

    def _is_time(self, key: tuple, order: dict, same: list[Label], row: dict | None) -> bool:
        if order["change"]["when"] == "before_label":
            return row is not None and pick(row, "state") == "ACKNOWLEDGED"
        return all(any(not label.voided and not differences(Slot(key, shipment, BEFORE), label)
                       for label in same) for shipment in order["change"]["labels_before"])

    def _came_through(self, key: tuple, order: dict, same: list[Label]) -> bool:
        return all(any(not label.voided and not differences(Slot(key, shipment, CURRENT), label)
                       for label in same) for shipment in order["shipments"])

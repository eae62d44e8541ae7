"""Plays shipment-builder: buys shipments of ups-gateway and believes only what it is told."""

import base64
import hashlib
import heapq
import hmac
import itertools
import queue
import time
from collections import Counter
from dataclasses import dataclass, field
from random import Random

from gateways import CREATE, Caller, Gateway
from making import world

KEY = b"the builder's derivation key"
# What a caller takes for "not now", or for an outcome that it does not know: it asks again.
AGAIN = {"UNAVAILABLE", "ABORTED", "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED", "CANCELLED", "UNKNOWN"}
# Seconds until it asks again.
PAUSE = 0.3


def reference(shipment_id: str, number: int) -> str:
    """Derived, so that the same purchase has the same one, whoever asks for it."""
    digest = hmac.new(KEY, f"purchase-reference/{shipment_id}/{number}".encode(), hashlib.sha256)
    return base64.b32encode(digest.digest()[:16]).decode().rstrip("=")


def address(random: Random) -> dict:
    city, state, postal, _misspelled = random.choice(world.CITIES)
    return {"name": "Receiving Dock", "attention_name": "Goods In",
            "lines": [f"{random.randint(1, 9999)} {random.choice(world.STREETS)} Street"],
            "city": city, "state": state, "postal_code": postal, "country_code": "US",
            "phone": f"{random.randint(200, 989)}-555-{random.randint(0, 9999):04d}"}


def content(random: Random) -> dict:
    """What is to be shipped, without the purchase's reference."""
    packages = [{"weight_lb": f"{random.randint(1, 700) / 10:.1f}",
                 "length_in": random.randint(20, 30), "width_in": random.randint(8, 18),
                 "height_in": random.randint(2, 8)} for _ in range(random.randint(1, 3))]
    return {"ship_from": address(random), "ship_to": address(random), "packages": packages,
            "service_code": random.choice(("03", "02", "01")), "label_format": "ZPL",
            "references": [{"code": "PO", "value": f"US001 {random.randint(0, 10**10 - 1):010d}"}]}


@dataclass
class Purchase:
    """One request_id, and how the gateway says that it ended."""

    request: dict
    state: str = ""
    numbers: list[str] = field(default_factory=list)
    doubted: bool = False

    @property
    def request_id(self) -> str:
        return self.request["request_id"]

    @property
    def reference(self) -> str:
        return self.request["shipment"]["derived_reference"]


class Shipment:
    """What has to be bought once; its purchases, one after the other."""

    def __init__(self, shipment_id: str, account: str, random: Random):
        self.shipment_id, self.account, self.content = shipment_id, account, content(random)
        self.purchases: list[Purchase] = []
        self.buy_anew()

    def buy_anew(self) -> None:
        number = len(self.purchases) + 1
        self.purchases.append(Purchase({
            "request_id": f"shipments/{self.shipment_id}/purchases/{number}",
            "account": self.account,
            "connection": "connections/c1",
            "shipment": self.content | {"derived_reference": reference(self.shipment_id, number)}}))

    @property
    def purchase(self) -> Purchase:
        return self.purchases[-1]


class Buyer:
    """Asks for each purchase, of any replica, until the gateway says its end; a refusal that may be
    tried again, or what was not made, is bought anew under the next number."""

    def __init__(self, shipments: list[Shipment], gateways: list[Gateway], random: Random, *,
                 in_flight: int = 32, deadline: float = 15, doubt_is_an_end=None):
        """`doubt_is_an_end` says of a call in doubt whether it is not asked about any more."""
        self.random = random
        self.shipments = shipments
        self.replies: queue.Queue = queue.Queue()
        self.callers = [Caller(gateway.address, CREATE, self.replies, most=in_flight,
                               deadline=deadline)
                        for gateway in gateways]
        self.doubt_is_an_end = doubt_is_an_end or (lambda _call: False)
        self.order = itertools.count()
        self.due = [(0.0, next(self.order), shipment) for shipment in shipments]
        self.ended = 0
        self.errors: list[str] = []
        self.codes: Counter = Counter()

    def run(self, seconds: float, step=lambda: None) -> None:
        """`step` is called again and again meanwhile."""
        deadline = time.monotonic() + seconds
        while self.ended < len(self.shipments) and not self.errors:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(self.shipments) - self.ended} purchases have no end after "
                                   f"{seconds:.0f} s, such as {self._open()[:3]}")
            step()
            self._ask()
            try:
                self._hear(*self.replies.get(timeout=0.02))
                while True:
                    self._hear(*self.replies.get_nowait())
            except queue.Empty:
                pass

    def close(self) -> None:
        for caller in self.callers:
            caller.close()

    def purchases(self) -> list[Purchase]:
        return [purchase for shipment in self.shipments for purchase in shipment.purchases]

    def _open(self) -> list[tuple[str, str]]:
        return [(s.purchase.request_id, s.purchase.state) for s in self.shipments
                if s.purchase.state != "DONE"]

    def _ask(self) -> None:
        now = time.monotonic()
        while self.due and self.due[0][0] <= now:
            free = [caller for caller in self.callers if caller.has_room()]
            if not free:
                return
            shipment = heapq.heappop(self.due)[2]
            self.random.choice(free).call(shipment, shipment.purchase.request)

    def _again(self, shipment: Shipment, seconds: float) -> None:
        heapq.heappush(self.due, (time.monotonic() + seconds, next(self.order), shipment))

    def _hear(self, caller: Caller, shipment: Shipment, reply: dict) -> None:
        caller.in_flight -= 1
        self.codes[reply["code"]] += 1
        purchase = shipment.purchase
        if reply["code"] != "OK":
            if reply["code"] not in AGAIN:
                self.errors.append(f"{purchase.request_id}: {reply['code']} {reply['message']}")
            return self._again(shipment, PAUSE)
        call = reply["reply"]
        purchase.state = call["state"]
        if purchase.state == "DONE":
            purchase.numbers = [p["tracking_number"] for p in call["result"]["packages"]]
            self.ended += 1
        elif purchase.state == "IN_DOUBT":
            purchase.doubted = True
            if self.doubt_is_an_end(call):
                self.ended += 1
            else:
                self._again(shipment, PAUSE)
        elif purchase.state == "NOT_MADE" or call.get("error", {}).get("retryable"):
            shipment.buy_anew()
            self._again(shipment, 0)
        else:
            self.errors.append(f"{purchase.request_id}: {call}")
        return None

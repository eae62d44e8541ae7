"""A run as it should have gone, made up from expected.json: for tests of the judge."""

from datetime import datetime, timedelta, timezone
from itertools import count
from zoneinfo import ZoneInfo

from judging.evidence import Evidence
from judging.fields import document_key, reference_of

START = datetime(2026, 11, 23, 15, 0, 0, tzinfo=timezone.utc)
START_TEXT = "2026-11-23T15:00:00.000Z"
ZONES = {"c1": "America/New_York", "c2": "America/Los_Angeles"}
ACCOUNT = {"shipper_number": "A1B2C3", "shipper_name": "Fabrikam Procurement"}
PROTO_TYPES = {"PO": "PURCHASE_ORDER", "REQ": "REQUISITION"}
# UPS's type, code, statusCode and what psups calls it.
SCANS = [("I", "DP", "005", "IN_TRANSIT"), ("D", "FS", "011", "DELIVERED")]


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class PerfectRun:
    def __init__(self, files: dict):
        self.files = files
        self.evidence = Evidence(
            expected=files["expected.json"], addresses=files["addresses.json"],
            ups={"shipments": [], "events": [], "tokens": [], "token_requests": [
                {"time": START_TEXT, "client_id": "demo", "status": 200}]},
            sites={name: {"documents": [], "updates": [], "reads": []} for name in ZONES},
            zones=ZONES, account=ACCOUNT, journals={"ups": [], "c1": [], "c2": []},
            ledger_verified=True, seconds=42)
        self.numbers, self.calls, self.sequence = count(1), count(1), {}
        self.call("ups", "token")
        for name in ZONES:
            self.call(name, "token")
            self.call(name, "query")
        for row in files["addresses.json"]:
            self.validate(row)
        for order in self.evidence.expected["orders"]:
            self.play(order)
        self.evidence.later_journals = self.evidence.journals

    def call(self, peer: str, route: str, body="", target: str = "", verdict: str | None = None,
             ) -> str:
        call_id = f"{next(self.calls):032x}"
        self.evidence.journals[peer].append(
            {"n": len(self.evidence.journals[peer]) + 1, "time": "2026-11-23T15:00:01.000Z",
             "route": route, "target": target, "body": body, "status": 200, "fault": None,
             "verdict": verdict, "call_id": call_id})
        for action, detail in _entries(peer, route, call_id):
            service = "ps-ingest" if action.startswith("ps.") else "ups-gateway"
            self.evidence.ledger.append({"time": START_TEXT, "service": service, "action": action,
                                         "detail": detail})
        return call_id

    def validate(self, row: dict) -> None:
        address = row["input"]
        body = {"XAVRequest": {"AddressKeyFormat": {
            "AddressLine": address["lines"], "PoliticalDivision2": address["city"],
            "PoliticalDivision1": address["state"], "PostcodePrimaryLow": address["postal"],
            "CountryCode": "US"}}}
        self.call("ups", "xav", body, "/api/addressvalidation/v2/3", row["verdict"])

    def play(self, order: dict) -> None:
        connection, kind, unit, doc_id = document_key(order)
        document = {"connection": f"connections/{connection}", "document_type": PROTO_TYPES[kind],
                    "business_unit": unit, "document_id": doc_id}
        batch = (order["change"] or {"document": {}})["document"].get("CHNG_ORD_BATCH", 0)
        self.evidence.orders.append({
            "document": document, "change_order_batch": batch, "schedules": [
                {"line_number": r["line"], "schedule_number": r["sched"],
                 "ineligible_reason": r["reason"]} for r in order["ineligible"]]})
        for shipment in (order["change"] or {}).get("labels_before", []):
            self.buy(order, shipment, voided=True)
        for shipment in order["shipments"]:
            if shipment["outcome"] == "ship":
                self.buy(order, shipment)
            else:
                self.evidence.reviews.append({"document": document, "state": "OPEN",
                                              "reason": shipment["reason"]})

    def buy(self, order: dict, shipment: dict, voided: bool = False) -> dict:
        code, value = reference_of(order)
        numbers = [f"1Z{next(self.numbers):016d}" for _ in shipment["packages"]]
        number = ACCOUNT["shipper_number"]
        label = {"LabelImageFormat": {"Code": "ZPL"}}
        request = {"ShipmentRequest": {"LabelSpecification": label, "Shipment": {
            "Shipper": {"Name": ACCOUNT["shipper_name"], "ShipperNumber": number},
            "PaymentInformation": {"ShipmentCharge": [
                {"Type": "01", "BillShipper": {"AccountNumber": number}}]},
            "ShipTo": _party(shipment["ship_to"]), "ShipFrom": _party(shipment["ship_from"]),
            "Service": {"Code": shipment["service"]},
            "Package": [_package(p, numbers[0], code, value) for p in shipment["packages"]],
            **({"ShipmentDate": shipment["ship_date"].replace("-", "")}
               if shipment["ship_date"] else {})}}}
        packages = [{"tracking_number": number, "voided": voided, "request_index": i}
                    for i, number in enumerate(numbers)]
        truth = {"shipment_id": packages[0]["tracking_number"], "request": request,
                 "packages": packages, "voided": voided, "created": stamp(START),
                 "call_id": self.call("ups", "ship", request)}
        self.evidence.ups["shipments"].append(truth)
        if voided:
            self.call("ups", "void")
        for package, expected in zip(packages, shipment["packages"]):
            self.travel(order, package["tracking_number"], expected, voided)
        return truth

    def travel(self, order: dict, number: str, expected: dict, voided: bool) -> None:
        self.scan(number, "M", "MP", "003", START)
        self.report(order, number, expected, "M", "MP", "LABEL_CREATED", START)
        if voided:
            self.report(order, number, expected, "MV", "VP", "VOIDED", START)
            return
        for minutes, (kind, code, status_code, status) in enumerate(SCANS, 1):
            moment = START + timedelta(minutes=minutes)
            self.scan(number, kind, code, status_code, moment)
            self.report(order, number, expected, kind, code, status, moment)
        self.evidence.trackers.append({"tracking_number": number, "status": "DELIVERED"})

    def scan(self, number: str, kind: str, code: str, status_code: str, moment: datetime) -> None:
        self.evidence.ups["events"].append({
            "tracking_number": number, "type": kind, "code": code, "status_code": status_code,
            "gmt_date": moment.strftime("%Y%m%d"), "gmt_time": moment.strftime("%H%M%S")})

    def report(self, order: dict, number: str, expected: dict, kind: str, code: str, status: str,
               moment: datetime) -> None:
        connection, doc_type, unit, doc_id = document_key(order)
        local = moment.astimezone(ZoneInfo(ZONES[connection]))
        updates = self.evidence.sites[connection]["updates"]
        for content in expected["contents"]:
            schedule = (*document_key(order), content["line"], content["sched"])
            self.sequence[schedule] = self.sequence.get(schedule, 0) + 1
            updates.append({"n": len(updates) + 1, "result": "OK", "message": {
                "MSG_ID": f"{len(updates):032x}", "DOC_TYPE": doc_type, "BUSINESS_UNIT": unit,
                "DOC_ID": doc_id, "LINE_NBR": content["line"], "SCHED_NBR": content["sched"],
                "SEQ_NBR": self.sequence[schedule], "TRACKING_NBR": number,
                "CARRIER_ID": "UPS", "STATUS": status,
                "UPS_TYPE": kind, "UPS_CODE": code, "IS_CURRENT": "Y",
                "EVENT_DTTM": local.strftime("%Y-%m-%dT%H:%M:%S"), "EVENT_DTTM_UTC": stamp(moment),
                "QTY": f"{float(content['qty']):.4f}"}})


def _entries(peer: str, route: str, call_id: str) -> list[tuple[str, dict]]:
    """What the services write of a call: action and detail."""
    if peer != "ups":
        action = {"query": "ps.query", "token": "ps.token"}[route]
        return [(action, {"call_id": call_id, "outcome": "ok", "http_status": 200})]
    calls = {"calls": [{"call_id": call_id, "operation": route, "http_status": 200}],
             "status": "OK"}
    outcome = {
        "token": {"call_id": call_id, "state": "GRANTED", "http_status": 200},
        "ship": {"call_id": call_id, "state": "DONE", "http_status": 200},
        "void": {"call_id": call_id} | calls,
    }
    if route in outcome:
        return [(f"ups.{route}.intent", {"call_id": call_id}),
                (f"ups.{route}.outcome", outcome[route])]
    return [(f"ups.{route}", calls)]


def _party(end: dict) -> dict:
    address = {"AddressLine": end["lines"], "City": end["city"], "StateProvinceCode": end["state"],
               "PostalCode": end["postal"], "CountryCode": end["country"]}
    if end["residential"]:
        address["ResidentialAddressIndicator"] = ""
    return {"Name": end["name"], "AttentionName": end["attention_name"], "Address": address}


def _package(package: dict, derived: str, code: str, value: str) -> dict:
    return {
        "Packaging": {"Code": "02"},
        "PackageWeight": {"UnitOfMeasurement": {"Code": "LBS"}, "Weight": package["weight"]},
        "Dimensions": {"UnitOfMeasurement": {"Code": "IN"}, "Length": str(package["length"]),
                       "Width": str(package["width"]), "Height": str(package["height"])},
        "ReferenceNumber": [{"Code": "TN", "Value": derived}, {"Code": code, "Value": value}]}

"""Reading what others wrote: UPS's requests, psupsctl's JSON, documents' names."""

import re

DOC_TYPES = {"PURCHASE_ORDER": "PO", "REQUISITION": "REQ"}


def pick(row: dict, name: str, otherwise=""):
    """A field of proto JSON, whether it is spelled in snake_case or in camelCase."""
    if name in row:
        return row[name]
    camel = re.sub("_([a-z])", lambda match: match.group(1).upper(), name)
    return row.get(camel, otherwise)


def many(value) -> list:
    """UPS's habit: nothing, one, or a list of them."""
    if value in (None, ""):
        return []
    return value if isinstance(value, list) else [value]


def document_key(order: dict) -> tuple[str, str, str, str]:
    """(connection, PO or REQ, business unit, id) of an expected order."""
    return (order["connection"], order["doc_type"], order["business_unit"], order["doc_id"])


def proto_key(row: dict) -> tuple[str, str, str, str]:
    """The same of something that psupsctl lists, by its DocumentKey."""
    document = pick(row, "document", {})
    kind = pick(document, "document_type")
    return (pick(document, "connection").removeprefix("connections/"), DOC_TYPES.get(kind, kind),
            pick(document, "business_unit"), pick(document, "document_id"))


def message_key(connection: str, message: dict) -> tuple[str, str, str, str]:
    """The same of a write-back message."""
    return (connection, message.get("DOC_TYPE", ""), message.get("BUSINESS_UNIT", ""),
            message.get("DOC_ID", ""))


def spoken(key: tuple) -> str:
    return " ".join(key[:4])


def reference_of(order: dict) -> tuple[str, str]:
    """The reference that names the order on the label: code and value."""
    code = "PO" if order["doc_type"] == "PO" else "RQ"
    return code, f"{order['business_unit']} {order['doc_id']}"


def derived_references(body) -> set[str]:
    """The references in a ship request that name the purchase."""
    request = body.get("ShipmentRequest", body) if isinstance(body, dict) else {}
    packages = many((request.get("Shipment") or {}).get("Package"))
    return {reference.get("Value", "") for package in packages
            for reference in many(package.get("ReferenceNumber")) if reference.get("Code") == "TN"}


class Label:
    """One shipment in UPS's truth."""

    def __init__(self, truth: dict):
        self.truth = truth
        body = truth["request"]
        self.request = body.get("ShipmentRequest", body)
        self.shipment = self.request.get("Shipment", {})
        self.packages = many(self.shipment.get("Package"))
        self.voided = bool(truth["voided"])
        self.number = truth["shipment_id"]

    def reference(self) -> tuple[str, str]:
        """Its PO or RQ reference, or ("", "")."""
        for package in self.packages:
            for reference in many(package.get("ReferenceNumber")):
                if reference.get("Code") in ("PO", "RQ"):
                    return reference["Code"], reference.get("Value", "")
        return "", ""

    def derived(self) -> set[str]:
        return derived_references(self.request)

    def format(self) -> str:
        image = (self.request.get("LabelSpecification") or {}).get("LabelImageFormat") or {}
        return image.get("Code", "")

    def end(self, name: str) -> dict:
        """ShipTo or ShipFrom in expected.json's form."""
        party = self.shipment.get(name) or {}
        address = party.get("Address") or {}
        return {
            "name": party.get("Name", ""),
            "attention_name": party.get("AttentionName", ""),
            "lines": many(address.get("AddressLine")),
            "city": address.get("City", ""),
            "state": address.get("StateProvinceCode", ""),
            "postal": address.get("PostalCode", ""),
            "country": address.get("CountryCode", ""),
            "residential": "ResidentialAddressIndicator" in address,
        }

    def numbers(self) -> list[dict]:
        """Its packages as UPS made them, in the request's order."""
        return sorted(self.truth["packages"], key=lambda package: package["request_index"])

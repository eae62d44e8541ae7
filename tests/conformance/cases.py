"""The calls that are sent through the gateway: each operation, with as little and with as much as
may be said."""

import itertools
from datetime import date
from typing import NamedTuple

UPS = "psups.ups.v1.UpsService/"
BUILDER, TRACKING = "shipment-builder", "tracking-sync"
OPERATIONS = {
    "token": r"^POST /security/v1/oauth/token$",
    "xav": r"^POST /api/addressvalidation/v2/",
    "rating": r"^POST /api/rating/v2409/(Rate|Shop)(timeintransit)?$",
    "ship": r"^POST /api/shipments/v2409/ship",
    "void": r"^DELETE /api/shipments/v2409/void/cancel/1Z[0-9A-Z]{16}$",
    "void of packages": r"^DELETE /api/shipments/v2409/void/cancel/.*\?trackingnumber=",
    "recovery": r"^POST /api/labels/v1/recovery$",
    "track": r"^GET /api/track/v1/details/",
    "track by shipment": r"^GET /api/track/v1/shipment/details/",
    "track by reference": r"^GET /api/track/v1/reference/details/",
    "subscribe": r"^POST /api/track/v2/subscription/",
}
NUMBER, OTHER_NUMBER, THIRD_NUMBER = (
    "1ZA1B2C30300000012", "1ZA1B2C30300000021", "1ZA1B2C30300000030")
_serial = itertools.count(1)


class Case(NamedTuple):
    name: str
    operation: str
    caller: str
    method: str
    request: dict
    tells: tuple[str, ...] = ()  # what the request to UPS must hold


ORIGIN = {"name": "Fern Street Tools", "lines": ["12 Fern Street"], "city": "Macon", "state": "GA",
          "postal_code": "31201", "country_code": "US"}
HARBOR = {"name": "Harbor Works", "lines": ["900 Pier Avenue"], "city": "Long Beach", "state": "CA",
          "postal_code": "90802", "country_code": "US"}
HARBOR_IN_FULL = HARBOR | {
    "attention_name": "Receiving", "lines": ["900 Pier Avenue", "Building 4", "Dock 12"],
    "postal_code": "90802-1234", "phone": "562-555-0142", "residential": True}
ORIGIN_IN_FULL = ORIGIN | {"attention_name": "Shipping", "phone": "478-555-0117",
                           "postal_code": "31201-7712"}
MONTREAL = {"name": "Ateliers du Fleuve", "attention_name": "Reception",
            "lines": ["1100 Rue de la Commune"], "city": "Montreal", "state": "QC",
            "postal_code": "H2L5K3", "country_code": "CA", "phone": "514-555-0163"}
SAN_JUAN = {"name": "Talleres del Puerto", "attention_name": "Recibo",
            "lines": ["150 Calle Comercio"], "city": "San Juan", "state": "PR",
            "postal_code": "00901", "country_code": "PR", "phone": "787-555-0129",
            "urbanization": "URB PUERTO"}
MUNICH = {"name": "Isar Werkzeuge", "attention_name": "Wareneingang",
          "lines": ["Lindwurmstrasse 88"], "city": "Muenchen", "postal_code": "80337",
          "country_code": "DE", "phone": "+49 89 555 0171"}
PACKAGE = {"weight_lb": "12.5", "length_in": 14, "width_in": 10, "height_in": 8}


def money(amount: str) -> dict:
    units, _, cents = amount.partition(".")
    return {"currency_code": "USD", "amount_minor": str(int(units) * 100 + int(cents or 0))}


def customs(ship_to: dict) -> dict:
    return {"invoice_number": "INV-2026-0042", "invoice_date": date.today().strftime("%Y%m%d"),
            "reason_for_export": "SALE", "currency_code": "USD", "terms_of_shipment": "DAP",
            "sold_to": ship_to, "lines": [
                {"description": "Torque wrench, 40 to 200 Nm, with case and calibration sheet",
                 "quantity": 4, "unit_code": "PCS", "unit_value": "61.25",
                 "origin_country_code": "US", "commodity_code": "820411", "part_number": "TW-200"},
                {"description": "Socket set", "quantity": 1, "unit_code": "SET",
                 "unit_value": "38", "origin_country_code": "US"}]}


def shipment(ship_to: dict, **more) -> dict:
    return {"ship_from": ORIGIN, "ship_to": ship_to, "service_code": "03", "packages": [PACKAGE],
            "derived_reference": f"CONFORMANCE{next(_serial):04d}"} | more


SHIPMENTS = {
    "domestic, minimal": lambda: shipment(HARBOR),
    "domestic, rich": lambda: shipment(
        HARBOR_IN_FULL, ship_from=ORIGIN_IN_FULL, service_code="01",
        packages=[PACKAGE | {"declared_value": money("850.00")}, PACKAGE,
                  PACKAGE | {"weight_lb": "7"}],
        references=[{"code": "PO", "value": "0000004711"}], description="Hand tools",
        signature="SIGNATURE_REQUIRED", saturday_delivery=True, label_height_in=8,
        ship_date=date.today().strftime("%Y%m%d")),
    "domestic, a label to look at": lambda: shipment(HARBOR, label_format="GIF"),
    "domestic, an adult signs": lambda: shipment(HARBOR, signature="ADULT_SIGNATURE_REQUIRED"),
    "domestic, the receiver pays": lambda: shipment(
        HARBOR, payment={"payer": "RECEIVER", "account_number": "R5T6Y7", "postal_code": "90802"}),
    "domestic, a third party pays": lambda: shipment(
        HARBOR, payment={"payer": "THIRD_PARTY", "account_number": "T1H2P3", "postal_code": "60601",
                         "country_code": "US"}),
    "to Puerto Rico": lambda: shipment(
        SAN_JUAN, ship_from=ORIGIN_IN_FULL, service_code="02", description="Hand tools",
        invoice_total=money("283.00")),
    "to Canada, with customs": lambda: shipment(
        MONTREAL, ship_from=ORIGIN_IN_FULL, service_code="11", description="Hand tools",
        invoice_total=money("283.00"), customs=customs(MONTREAL),
        references=[{"code": "PO", "value": "0000004711"}]),
    "to Germany, with customs": lambda: shipment(
        MUNICH, ship_from=ORIGIN_IN_FULL, service_code="65", description="Hand tools",
        customs=customs(MUNICH), signature="SIGNATURE_REQUIRED"),
}


# What must be in the request to UPS, where more is asked for than the minimum.
TELLS = {
    "domestic, rich": ("DeclaredValue", "0000004711", "DCISType", "SaturdayDeliveryIndicator",
                       "ResidentialAddressIndicator", "Dock 12", "5625550142", "ShipmentDate"),
    "domestic, a label to look at": ("GIF",),
    "domestic, an adult signs": ("DCISType",),
    "domestic, the receiver pays": ("BillReceiver", "R5T6Y7"),
    "domestic, a third party pays": ("BillThirdParty", "T1H2P3", "60601"),
    "to Puerto Rico": ("InvoiceLineTotal",),
    "to Canada, with customs": ("InvoiceLineTotal", "InternationalForms", "820411", "SoldTo"),
    "to Germany, with customs": ("InternationalForms", "INV-2026-0042", "DCISType"),
}


def validate(account: str) -> list[Case]:
    where = {"as little as may be": HARBOR, "in full": HARBOR_IN_FULL, "in Puerto Rico": SAN_JUAN}
    return [Case(f"address, {name}", "xav", BUILDER, UPS + "ValidateAddress",
                 {"account": account, "address": address}) for name, address in where.items()]


def create(account: str, name: str) -> Case:
    spec = SHIPMENTS[name]()
    return Case(f"shipment {name}", "ship", BUILDER, UPS + "CreateShipment",
                {"request_id": f"shipments/{spec['derived_reference'].lower()}/purchases/1",
                 "account": account, "connection": "connections/c1", "shipment": spec},
                TELLS.get(name, ()))


def quotes(account: str) -> list[Case]:
    """The price of each shipment that is bought, by its service, and of some by all."""
    def ask(name, how="", **more):
        return Case(name + how, "rating", BUILDER, UPS + "QuoteRates",
                    {"account": account, "shipment": SHIPMENTS[name]() | more})

    abroad = "to Germany, with customs"
    return [*(ask(name) for name in SHIPMENTS),
            *(ask(name, ", by any service", service_code="")
              for name in ("domestic, minimal", "to Puerto Rico", abroad)),
            ask(abroad, " and their value", invoice_total=money("283.00"))]


def about(account: str, number: str, packages: list[str], reference: str) -> list[Case]:
    """What is asked about a shipment of that number, those packages and that reference."""
    def ask(name, operation, caller, method, **request):
        return Case(name, operation, caller, UPS + method, {"account": account} | request)

    return [
        ask("package", "track", TRACKING, "TrackPackage", tracking_number=number),
        ask("all packages of its shipment", "track by shipment", TRACKING, "TrackPackage",
            tracking_number=number, whole_shipment=True),
        ask("by reference", "track by reference", TRACKING, "TrackByReference",
            reference=reference),
        ask("by reference, between days", "track by reference", TRACKING, "TrackByReference",
            reference=reference, from_date="20260101",
            to_date=date.today().strftime("%Y%m%d")),
        ask("one package", "subscribe", TRACKING, "SubscribePackages", tracking_numbers=[number]),
        ask("several packages", "subscribe", TRACKING, "SubscribePackages",
            tracking_numbers=packages),
        ask("by number", "recovery", BUILDER, "RecoverLabel", tracking_number=number),
        ask("by reference", "recovery", BUILDER, "RecoverLabel", reference=reference),
        ask("by number, to look at", "recovery", BUILDER, "RecoverLabel", tracking_number=number,
            label_format="GIF"),
        ask("by both channels", "recovery", BUILDER, "FindShipmentByReference",
            reference=reference),
        ask("one package", "void of packages", BUILDER, "VoidShipment",
            request_id=f"shipments/{reference.lower()}/voids/1", ups_shipment_id=number,
            tracking_numbers=packages[-1:]),
        ask("several packages", "void of packages", BUILDER, "VoidShipment",
            request_id=f"shipments/{reference.lower()}/voids/2", ups_shipment_id=number,
            tracking_numbers=packages[:-1]),
        ask("whole shipment", "void", BUILDER, "VoidShipment",
            request_id=f"shipments/{reference.lower()}/voids/3", ups_shipment_id=number),
    ]


# --- what UPS takes though its OpenAPI files do not, in the words of its own examples

def _gif_without_a_size() -> dict:
    def party(who):
        return {"Name": who["name"], "Address": {
            "AddressLine": who["lines"], "City": who["city"], "StateProvinceCode": who["state"],
            "PostalCode": who["postal_code"], "CountryCode": who["country_code"]}}

    return {"ShipmentRequest": {
        "Request": {"RequestOption": "nonvalidate"},
        "Shipment": {
            "Shipper": party(ORIGIN) | {"ShipperNumber": "A1B2C3"}, "ShipTo": party(HARBOR),
            "PaymentInformation": {"ShipmentCharge": [
                {"Type": "01", "BillShipper": {"AccountNumber": "A1B2C3"}}]},
            "Service": {"Code": "03"},
            "Package": [{"Packaging": {"Code": "02"}, "PackageWeight": {
                "UnitOfMeasurement": {"Code": "LBS"}, "Weight": "12.5"}}]},
        "LabelSpecification": {"LabelImageFormat": {"Code": "GIF"}}}}


SHIP_PATH = "/api/shipments/v2409/ship"
DIFFERENCES = (
    ("ship: a GIF label, no size", SHIP_PATH, _gif_without_a_size()),
    ("subscribe: one number of two is bad", "/api/track/v2/subscription/standard/package",
     {"locale": "en_US", "trackingNumberList": [NUMBER, "1ZSHORT"]}),
)

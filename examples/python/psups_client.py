#!/usr/bin/python3
"""A client of psups' shipments in Python, whole enough to begin with.

    examples/python/make_stubs stubs
    examples/python/psups_client.py --stubs stubs list --filter 'state = LABELED'

Wants Debian's python3-grpcio and python3-protobuf. Where the services are, and who you are, stands
in a context file, the same as psupsctl's.
"""

import argparse
import json
import os
import sys
from datetime import datetime, timezone
from pathlib import Path

import grpc

# Named so that whoever reads an error knows what to do.
NEXT_STEPS = {
    grpc.StatusCode.UNAVAILABLE: "Is the service running, and is its address right? Try again.",
    grpc.StatusCode.DEADLINE_EXCEEDED: "Try again; a change has happened or not, and may be repeated.",
    grpc.StatusCode.PERMISSION_DENIED: "Use a certificate of a role that may.",
    grpc.StatusCode.UNAUTHENTICATED: "Use a certificate that the services' authority issued.",
    grpc.StatusCode.INVALID_ARGUMENT: "Mend the request; repeating it changes nothing.",
    grpc.StatusCode.NOT_FOUND: "Look the name up with list.",
    grpc.StatusCode.FAILED_PRECONDITION: "See how it stands with list; repeating it changes nothing.",
    grpc.StatusCode.ABORTED: "Somebody was faster: read it again, then decide anew.",
}


class Shipments:
    """The shipments of one shipment-builder, by mTLS."""

    SECONDS = 60

    def __init__(self, context: Path):
        from psups.shipments.v1 import shipment_service_pb2, shipment_service_pb2_grpc
        self.messages = shipment_service_pb2
        said = json.loads(context.read_text())

        def content(field: str) -> bytes:
            return (context.parent / said[field]).read_bytes()

        credentials = grpc.ssl_channel_credentials(
            root_certificates=content("ca_file"), private_key=content("key_file"),
            certificate_chain=content("cert_file"))
        self.channel = grpc.secure_channel(
            said["endpoints"]["shipment-builder"], credentials,
            options=[("grpc.max_receive_message_length", 16 << 20)])
        self.stub = shipment_service_pb2_grpc.ShipmentServiceStub(self.channel)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.channel.close()

    def find(self, conditions: str = ""):
        """All shipments that fit, newest first, page by page, without names and addresses."""
        request = self.messages.ListShipmentsRequest(filter=conditions, page_size=1000)
        while True:
            page = self.stub.ListShipments(request, timeout=self.SECONDS)
            yield from page.shipments
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def changes(self, cursor: str, wait_seconds: int = 0):
        """(changed shipments, the cursor to store once they are dealt with); waits for the first.

        A cursor of a database that an older one replaced begins anew: every shipment comes once
        more, so dealing with one twice has to be harmless.
        """
        request = self.messages.WatchShipmentsRequest(cursor=cursor)
        request.wait.seconds = wait_seconds
        try:
            response = self.stub.WatchShipments(request, timeout=self.SECONDS + wait_seconds)
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.OUT_OF_RANGE:
                raise
            return self.changes("", wait_seconds)
        return response.shipments, response.next_cursor

    def delivery(self, order: str):
        """What of an order was shipped, delivered and brought back, by schedule."""
        return self.stub.GetOrderDelivery(
            self.messages.GetOrderDeliveryRequest(order=order), timeout=self.SECONDS)

    def labels(self, since: datetime | None = None, shipment: str = ""):
        """The labels of a shipment, or of all that were labelled since a time, one by one."""
        request = self.messages.ReadLabelsRequest(name=shipment)
        if since is not None:
            request.since.FromDatetime(since.astimezone(timezone.utc).replace(tzinfo=None))
        yield from self.stub.ReadLabels(request)  # as long as it takes

    def void(self, shipment: str, reason: str):
        """Asks for the label to be voided. Safe to repeat."""
        return self.stub.VoidShipment(
            self.messages.VoidShipmentRequest(name=shipment, reason=reason), timeout=self.SECONDS)


def show(messages, shipment) -> None:
    """One line of JSON."""
    print(json.dumps({
        "name": shipment.name,
        "state": messages.Shipment.State.Name(shipment.state),
        "order": shipment.order,
        "document": shipment.document.document_id,
        "tracking_numbers": [package.tracking_number for package in shipment.packages],
        "charges_minor": shipment.charges.amount_minor,
        "currency": shipment.charges.currency_code,
    }), flush=True)


def store(path: Path, text: str) -> None:
    """All or nothing: a cursor that is cut off would be none."""
    unfinished = path.with_suffix(path.suffix + ".part")
    unfinished.write_text(text)
    unfinished.replace(path)


def list_shipments(shipments: Shipments, options) -> None:
    for shipment in shipments.find(options.filter):
        show(shipments.messages, shipment)


def watch(shipments: Shipments, options) -> None:
    cursor = options.cursor_file.read_text() if options.cursor_file.exists() else ""
    while True:
        changed, cursor = shipments.changes(cursor, options.wait)
        for shipment in changed:
            show(shipments.messages, shipment)
        store(options.cursor_file, cursor)  # after they were dealt with, never before
        if options.once and not changed:
            return


def deliveries(shipments: Shipments, options) -> None:
    delivery = shipments.delivery(options.order)
    print(json.dumps({
        "order": delivery.order,
        "complete": delivery.complete,
        "schedules": [{
            "line": schedule.line_number, "schedule": schedule.schedule_number,
            "ordered": schedule.ordered_quantity, "shipped": schedule.shipped_quantity,
            "delivered": schedule.delivered_quantity, "returned": schedule.returned_quantity,
            "outstanding": schedule.outstanding_quantity,
            "tracking_numbers": list(schedule.tracking_numbers),
        } for schedule in delivery.schedules],
    }))


def save_labels(shipments: Shipments, options) -> None:
    options.out.mkdir(parents=True, exist_ok=True)
    for label in shipments.labels(options.since, options.shipment):
        path = options.out / f"{label.tracking_number}.{label.label_format.lower()}"
        path.write_bytes(label.label)
        print(path, flush=True)


def void(shipments: Shipments, options) -> None:
    show(shipments.messages, shipments.void(options.shipment, options.reason))


def time(text: str) -> datetime:
    """A day begins here; a time without a zone is one here."""
    return datetime.fromisoformat(text).astimezone()


def parsed(arguments: list[str]):
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--context", type=Path, default=os.environ.get("PSUPS_CONTEXT"),
                        required="PSUPS_CONTEXT" not in os.environ, help="as psupsctl's")
    parser.add_argument("--stubs", type=Path, default=Path("stubs"), help="what make_stubs made")
    commands = parser.add_subparsers(required=True)

    command = commands.add_parser("list", help="a line of JSON for each shipment, newest first")
    command.add_argument("--filter", default="", help="such as: state = LABELED AND label_time > …")
    command.set_defaults(run=list_shipments)

    command = commands.add_parser("watch", help="a line for each change, from where it stopped last")
    command.add_argument("--cursor-file", type=Path, required=True)
    command.add_argument("--wait", type=int, default=30, help="seconds, for the first change")
    command.add_argument("--once", action="store_true", help="end when there is nothing new")
    command.set_defaults(run=watch)

    command = commands.add_parser("delivery", help="how much of an order arrived")
    command.add_argument("order", help="orders/…")
    command.set_defaults(run=deliveries)

    command = commands.add_parser("labels", help="save labels, each in a file named by its number")
    command.add_argument("--out", type=Path, required=True, help="a folder")
    which = command.add_mutually_exclusive_group(required=True)
    which.add_argument("--shipment", default="", help="shipments/…")
    which.add_argument("--since", type=time, help="a day or a time")
    command.set_defaults(run=save_labels)

    command = commands.add_parser("void", help="void a label at UPS")
    command.add_argument("shipment", help="shipments/…")
    command.add_argument("--reason", required=True)
    command.set_defaults(run=void)
    return parser.parse_args(arguments)


def main() -> int:
    options = parsed(sys.argv[1:])
    sys.path.insert(0, str(options.stubs))
    try:
        with Shipments(options.context) as shipments:
            options.run(shipments, options)
    except ImportError as error:
        print(f"{error}: generate the classes first: make_stubs {options.stubs}", file=sys.stderr)
        return 2
    except grpc.RpcError as error:
        code, details = error.code(), error.details()
        step = NEXT_STEPS.get(code, "Report it with the service's log.")
        print(f"{code.name}: {details}. {step}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

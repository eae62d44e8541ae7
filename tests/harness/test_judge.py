"""Each thing that a run can get wrong moves its own count, and a good run moves none."""

import copy
import tempfile
import unittest
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import demo  # first: it makes the project's root importable
import generator
from deploy.local.sandboxes import SHIPPER_NUMBER, SITES
from judging import summary
from judging.evidence import Findings
from perfect_run import START, PerfectRun
from running.job import Job

FILES = generator.make(120, 1, date(2026, 11, 23))


class JudgeTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.good = PerfectRun(copy.deepcopy(FILES)).evidence
        cls.good_counts, _ = summary.judge(cls.good)

    def setUp(self):
        self.run_ = copy.deepcopy(self.good)

    def judged(self, **wanted):
        """Judges the run; every count that `wanted` does not name is as in a good run."""
        counts, findings = summary.judge(self.run_)
        changed = {key: counts[key] for key in summary.KEYS
                   if counts[key] != self.good_counts[key] and key != "ledger_entries"}
        self.assertEqual(changed, wanted)
        for count in wanted:
            if count in summary.ZERO:
                self.assertTrue([line for name, line in findings.lines if name == count])
        return counts, findings

    def broken(self, counts):
        return summary.broken_rules(counts, 120)

    def order(self, scenario):
        return next(o for o in self.run_.expected["orders"] if o["scenario"] == scenario)

    def labels(self, order):
        value = f"{order['business_unit']} {order['doc_id']}"
        return [s for s in self.run_.ups["shipments"]
                if s["request"]["ShipmentRequest"]["Shipment"]["Package"][0]["ReferenceNumber"][1]
                == {"Code": "PO" if order["doc_type"] == "PO" else "RQ", "Value": value}]

    def label(self, order):
        return self.labels(order)[0]

    def shipment(self, order):
        return self.label(order)["request"]["ShipmentRequest"]["Shipment"]

    # ---- a good run ----

    def test_a_good_run_holds(self):
        counts, findings = summary.judge(self.run_)
        self.assertEqual(findings.lines, [])
        self.assertEqual(self.broken(counts), [])
        self.assertEqual(list(counts), list(summary.KEYS))
        self.assertTrue(all(isinstance(value, int) for value in counts.values()))

    # ---- orders ----

    def test_an_order_that_was_never_read_is_lost(self):
        key = self.order("plain")
        self.run_.orders = [row for row in self.run_.orders if not (
            row["document"]["document_id"] == key["doc_id"]
            and row["document"]["business_unit"] == key["business_unit"]
            and row["document"]["connection"].endswith(key["connection"])
            and row["document"]["document_type"] == "PURCHASE_ORDER")]
        counts, _ = self.judged(lost_orders=1, orders_seen=self.good_counts["orders_seen"] - 1)
        self.assertIn("orders_seen", " ".join(self.broken(counts)))

    def test_another_reason_for_not_shipping_is_a_wrong_outcome(self):
        row = next(r for r in self.run_.orders
                   if any(s["ineligible_reason"] == "HOLD" for s in r["schedules"]))
        row["schedules"][0]["ineligible_reason"] = "STATUS"
        self.judged(wrong_outcome=1)

    def test_a_change_that_was_not_read_is_a_wrong_outcome(self):
        row = next(r for r in self.run_.orders if r["change_order_batch"] == 1)
        row["change_order_batch"] = 0
        self.judged(wrong_outcome=1)

    def test_an_order_row_that_peoplesoft_does_not_have(self):
        for field, value in (("document_id", "9999999999"), ("connection", "connections/c9"),
                             ("document_type", "RECEIPT")):
            with self.subTest(field):
                self.run_ = copy.deepcopy(self.good)
                row = copy.deepcopy(self.run_.orders[0])
                row["document"][field] = value
                self.run_.orders.append(row)
                self.judged(wrong_outcome=1)

    def test_two_rows_of_one_order(self):
        self.run_.orders.append(copy.deepcopy(self.run_.orders[0]))
        self.judged(wrong_outcome=1)

    def test_camel_case_is_read_as_well(self):
        self.run_.orders = [
            {"document": {"connection": r["document"]["connection"],
                          "documentType": r["document"]["document_type"],
                          "businessUnit": r["document"]["business_unit"],
                          "documentId": r["document"]["document_id"]},
             "changeOrderBatch": r["change_order_batch"],
             "schedules": [{"lineNumber": s["line_number"], "scheduleNumber": s["schedule_number"],
                            "ineligibleReason": s["ineligible_reason"]} for s in r["schedules"]]}
            for r in self.run_.orders]
        self.judged()

    # ---- reviews ----

    def test_a_review_that_is_missing(self):
        good = len(self.run_.reviews)
        self.run_.reviews.pop()
        counts, _ = self.judged(wrong_outcome=1, reviews_open=good - 1)
        self.assertIn("reviews_open", " ".join(self.broken(counts)))

    def test_a_review_for_another_reason(self):
        self.run_.reviews[0]["reason"] = "UPS_REJECTED"
        self.judged(wrong_outcome=2)

    def test_a_closed_review_does_not_count(self):
        self.run_.reviews[0]["state"] = "RESOLVED"
        self.judged(wrong_outcome=1, reviews_open=len(self.run_.reviews) - 1)

    # ---- labels ----

    def buy(self, order, shipment):
        run = PerfectRun.__new__(PerfectRun)
        run.evidence = self.run_
        run.calls, run.numbers, run.sequence = iter(range(10**6, 10**7)), iter([10**8 + 1]), {}
        sites = copy.deepcopy(self.run_.sites)
        events, trackers = list(self.run_.ups["events"]), list(self.run_.trackers)
        truth = run.buy(order, shipment)
        self.run_.sites, self.run_.ups["events"] = sites, events
        self.run_.trackers = trackers
        return truth

    def test_a_second_label_is_a_duplicate(self):
        order = self.order("several_ship_tos")
        good = self.good_counts
        shipment = next(s for s in order["shipments"] if len(s["packages"]) == 1)
        self.buy(order, shipment)
        self.judged(duplicate_shipments=1, shipments_created=good["shipments_created"] + 1,
                    packages=good["packages"] + 1)

    def test_a_second_label_is_a_duplicate_even_if_it_is_void(self):
        order = next(o for o in self.run_.expected["orders"] if o["outcome"] == "ship"
                     and len(o["shipments"][0]["packages"]) == 1)
        truth = self.buy(order, order["shipments"][0])
        truth["voided"] = truth["packages"][0]["voided"] = True
        self.judged(duplicate_shipments=1)

    def test_the_label_before_a_change_is_no_duplicate_but_has_to_be_void(self):
        order = self.order("changed_after_label")
        before = next(s for s in self.labels(order) if s["voided"])
        before["voided"] = False
        for package in before["packages"]:
            package["voided"] = False
        counts, _ = summary.judge(self.run_)
        self.assertEqual(counts["duplicate_shipments"], 0)
        self.assertEqual(counts["wrong_outcome"], 1)

    def test_a_label_for_an_order_that_must_not_ship(self):
        good = self.good_counts
        donor = next(o for o in self.run_.expected["orders"] if o["outcome"] == "ship"
                     and len(o["shipments"][0]["packages"]) == 1)
        self.buy(self.order("on_hold"), donor["shipments"][0])
        self.judged(ineligible_shipped=1, shipments_created=good["shipments_created"] + 1,
                    packages=good["packages"] + 1)

    def test_a_label_that_a_person_should_have_seen_first(self):
        good = self.good_counts
        order = self.order("no_weight")
        donor = next(o for o in self.run_.expected["orders"] if o["outcome"] == "ship"
                     and len(o["shipments"][0]["packages"]) == 1)
        self.buy(order, order["shipments"][0] | {"packages": donor["shipments"][0]["packages"]})
        counts, _ = summary.judge(self.run_)
        self.assertEqual(counts["wrong_outcome"], 1)
        self.assertEqual(counts["shipments_created"], good["shipments_created"] + 1)

    def test_a_shipment_without_a_label(self):
        good = self.good_counts
        lost = self.label(self.order("plain"))
        self.run_.ups["shipments"].remove(lost)
        counts, _ = summary.judge(self.run_)
        self.assertEqual(counts["wrong_outcome"], 1)
        self.assertEqual(counts["shipments_created"], good["shipments_created"] - 1)
        self.assertIn("shipments_created", " ".join(self.broken(counts)))

    def test_each_field_of_the_request_is_compared(self):
        changes = {
            "ship_to.postal": lambda s: s["ShipTo"]["Address"].update(PostalCode="99999"),
            "ship_to.city": lambda s: s["ShipTo"]["Address"].update(City="NOWHERE"),
            "ship_to.lines": lambda s: s["ShipTo"]["Address"].update(AddressLine=["1 A ST"]),
            "ship_to.name": lambda s: s["ShipTo"].update(Name="Somebody"),
            "ship_to.attention_name": lambda s: s["ShipTo"].update(AttentionName="X"),
            "ship_to.residential":
                lambda s: s["ShipTo"]["Address"].update(ResidentialAddressIndicator="")
                if "ResidentialAddressIndicator" not in s["ShipTo"]["Address"]
                else s["ShipTo"]["Address"].pop("ResidentialAddressIndicator"),
            "ship_from.state": lambda s: s["ShipFrom"]["Address"].update(StateProvinceCode="ZZ"),
            "service": lambda s: s["Service"].update(Code="99"),
            "package 1 weight": lambda s: s["Package"][0]["PackageWeight"].update(Weight="0.1"),
            "package 1 height": lambda s: s["Package"][0]["Dimensions"].update(Height="77"),
            "package 1 weight unit":
                lambda s: s["Package"][0]["PackageWeight"]["UnitOfMeasurement"].update(Code="KGS"),
            "package 1 packaging": lambda s: s["Package"][0]["Packaging"].update(Code="01"),
            "package 1 derived reference":
                lambda s: s["Package"][0]["ReferenceNumber"].pop(0),
            "shipper number": lambda s: s["Shipper"].update(ShipperNumber="ZZZZZZ"),
            "shipper name": lambda s: s["Shipper"].update(Name="Somebody"),
            "who pays": lambda s: s["PaymentInformation"]["ShipmentCharge"][0].update(
                BillShipper={"AccountNumber": "FFFFFF"}),
        }
        order = self.order("plain")
        for field, change in changes.items():
            with self.subTest(field):
                self.run_ = copy.deepcopy(self.good)
                change(self.shipment(order))
                counts, findings = summary.judge(self.run_)
                self.assertEqual(counts["payload_mismatches"], 1)
                self.assertIn(field, findings.lines[0][1])

    def test_a_charge_that_somebody_else_pays(self):
        self.shipment(self.order("plain"))["PaymentInformation"]["ShipmentCharge"].append(
            {"Type": "02", "BillReceiver": {"AccountNumber": "FFFFFF"}})
        self.judged(payload_mismatches=1)

    def test_a_label_format_that_no_printer_asked_for(self):
        label = self.label(self.order("plain"))["request"]["ShipmentRequest"]["LabelSpecification"]
        label["LabelImageFormat"]["Code"] = "GIF"
        self.judged(payload_mismatches=1)

    def test_a_run_whose_account_is_not_known(self):
        self.run_.account = {}
        counts, _ = summary.judge(self.run_)
        self.assertEqual(counts["payload_mismatches"], 3 * len(self.run_.ups["shipments"]))

    def test_a_day_that_nobody_asked_for(self):
        order = self.order("plain")
        self.assertIsNone(order["shipments"][0]["ship_date"])
        for day, wrong in (("20261130", 1), ("20261124", 1), ("20261122", 1), ("20261123", 0)):
            with self.subTest(day):
                self.shipment(order)["ShipmentDate"] = day
                counts, _ = summary.judge(self.run_)
                self.assertEqual(counts["payload_mismatches"], wrong)
        # Three in the morning in UTC is the day before in both sites' zones.
        self.label(order)["created"] = "2026-11-24T03:00:00.000Z"
        self.judged()

    def test_one_derived_reference_on_two_labels(self):
        first, second = self.run_.ups["shipments"][:2]
        taken = first["request"]["ShipmentRequest"]["Shipment"]["Package"][0]["ReferenceNumber"][0]
        for package in second["request"]["ShipmentRequest"]["Shipment"]["Package"]:
            package["ReferenceNumber"][0] = taken
        counts, findings = summary.judge(self.run_)
        self.assertEqual(counts["payload_mismatches"], 1)
        self.assertIn(first["shipment_id"], findings.lines[0][1])

    def test_one_package_too_few(self):
        self.shipment(self.order("several_packages"))["Package"].pop()
        counts, _ = summary.judge(self.run_)
        self.assertEqual(counts["payload_mismatches"], 1)

    def test_an_order_of_the_other_connection_with_the_same_number_is_told_apart(self):
        seen = {}
        for order in self.run_.expected["orders"]:
            if order["outcome"] == "ship" and not order["change"]:
                same = (order["doc_type"], order["business_unit"], order["doc_id"])
                if same in seen:
                    break
                seen[same] = order
        first, second = self.shipment(seen[same]), self.labels(order)[-1]
        self.assertNotEqual(first["ShipTo"], second["request"]["ShipmentRequest"]["Shipment"]
                            ["ShipTo"])
        self.judged()

    # ---- validation ----

    def test_a_ship_call_before_its_validation(self):
        journal = self.run_.journals["ups"]
        journal.sort(key=lambda call: call["route"] != "ship")
        counts, _ = summary.judge(self.run_)
        self.assertEqual(counts["ships_unvalidated"],
                         sum(call["route"] == "ship" for call in journal))

    def validations_of(self, order):
        to = self.shipment(order)["ShipTo"]["Address"]
        return [call for call in self.run_.journals["ups"] if call["route"] == "xav"
                and call["body"]["XAVRequest"]["AddressKeyFormat"]["PostcodePrimaryLow"]
                == to["PostalCode"][:5]]

    def test_a_validation_that_failed_does_not_count(self):
        for told in ("none", "ambiguous", None):
            with self.subTest(told):
                for call in self.validations_of(self.order("plain")):
                    call["verdict"] = told
                counts, _ = summary.judge(self.run_)
                self.assertGreaterEqual(counts["ships_unvalidated"], 1)

    def test_a_question_that_leaves_out_the_street_does_not_count(self):
        path = "/api/addressvalidation/v2/"
        for target, enough in (
                (path + "1", True), (path + "3?regionalrequestindicator=False", True),
                (path + "2", False), (path + "3?regionalrequestindicator=True", False),
                (path + "1?maximumcandidatelistsize=5&regionalrequestindicator=true", False)):
            with self.subTest(target):
                for call in self.validations_of(self.order("plain")):
                    call["target"] = target
                counts, _ = summary.judge(self.run_)
                self.assertEqual(counts["ships_unvalidated"] == 0, enough)

    # ---- tracking ----

    def updates(self, connection="c1"):
        return self.run_.sites[connection]["updates"]

    def test_an_event_that_peoplesoft_never_heard_of(self):
        number = self.label(self.order("plain"))["shipment_id"]
        for site in self.run_.sites.values():
            site["updates"] = [u for u in site["updates"] if not (
                u["message"]["TRACKING_NBR"] == number and u["message"]["STATUS"] == "DELIVERED")]
        counts, _ = summary.judge(self.run_)
        self.assertEqual(counts["events_missing"], 1)
        self.assertGreaterEqual(counts["updates_missing"], 1)

    def test_an_event_that_ups_does_not_have(self):
        message = copy.deepcopy(self.updates()[-1])
        message["n"] += 1
        message["message"] |= {"EVENT_DTTM_UTC": "2026-11-23T15:09:09Z",
                               "SEQ_NBR": message["message"]["SEQ_NBR"] + 1,
                               "EVENT_DTTM": "2026-11-23T10:09:09"}
        self.updates().append(message)
        self.judged(events_extra=1, updates_extra=1)

    def test_the_same_event_told_twice(self):
        again = copy.deepcopy(self.updates()[-1])
        again["n"] += 1
        again["message"] |= {"MSG_ID": "f" * 32, "SEQ_NBR": again["message"]["SEQ_NBR"] + 1}
        self.updates().append(again)
        self.judged(updates_extra=1)

    def test_a_duplicate_that_peoplesoft_recognised_is_none(self):
        self.updates().append(copy.deepcopy(self.updates()[-1])
                              | {"n": 10**6, "result": "DUPLICATE"})
        self.judged()

    def test_an_update_that_peoplesoft_refused_is_missing(self):
        self.updates()[0]["result"] = "ERROR"
        counts, _ = summary.judge(self.run_)
        self.assertEqual(counts["updates_missing"], 1)

    def test_a_wrong_quantity(self):
        self.updates()[0]["message"]["QTY"] = "77.0000"
        self.judged(updates_missing=1, updates_extra=1)

    def test_a_wrong_zone(self):
        self.updates()[0]["message"]["EVENT_DTTM"] = "2026-11-23T15:00:00"
        self.judged(updates_extra=1)

    def test_a_zone_that_is_not_known(self):
        del self.run_.zones["c2"]
        self.judged(updates_extra=1)

    def test_a_real_run_knows_its_zones_and_its_account(self):
        admin = SimpleNamespace(admin=None)
        stack = SimpleNamespace(sites=dict.fromkeys(SITES, admin), ups=admin,
                                ports=dict.fromkeys(("ups-sandbox", *SITES), 1))
        with tempfile.TemporaryDirectory() as directory:
            evidence = Job(stack, Path(directory), orders=20).evidence
            evidence.save(Path(directory))
            loaded = type(evidence).load(Path(directory))
        self.assertEqual(evidence.zones,
                         {name: site["base_time_zone"] for name, site in SITES.items()})
        self.assertEqual(evidence.account["shipper_number"], SHIPPER_NUMBER)
        self.assertTrue(evidence.account["shipper_name"])
        self.assertEqual((loaded.zones, loaded.account), (evidence.zones, evidence.account))

    def test_another_carrier_or_another_type_of_event(self):
        message = next(u["message"] for u in self.updates()
                       if u["message"]["STATUS"] == "DELIVERED")
        message["CARRIER_ID"] = "FEDEX"
        self.judged(updates_extra=1)
        message |= {"CARRIER_ID": "UPS", "UPS_TYPE": "ZZ"}
        counts, _ = summary.judge(self.run_)
        self.assertEqual((counts["events_extra"], counts["updates_extra"]), (1, 1))

    def test_the_latest_event_was_never_called_current(self):
        for status in ("DELIVERED", "VOIDED"):
            with self.subTest(status):
                self.run_ = copy.deepcopy(self.good)
                message = next(u["message"] for site in self.run_.sites.values()
                               for u in site["updates"] if u["message"]["STATUS"] == status)
                message["IS_CURRENT"] = "N"
                self.judged(updates_out_of_order=1)

    def test_a_label_is_before_every_scan_whatever_our_clock_says(self):
        message = self.updates()[0]["message"]
        self.assertEqual(message["STATUS"], "LABEL_CREATED")
        message |= {"EVENT_DTTM_UTC": "2026-11-23T15:30:00Z", "EVENT_DTTM": "2026-11-23T10:30:00"}
        self.judged()

    def test_a_sequence_number_that_was_left_out(self):
        first = self.updates()[0]["message"]
        for update in self.updates():
            message = update["message"]
            if all(message[field] == first[field] for field in (
                    "DOC_TYPE", "BUSINESS_UNIT", "DOC_ID", "LINE_NBR", "SCHED_NBR")):
                message["SEQ_NBR"] += message["SEQ_NBR"] > 1
        self.judged(updates_out_of_order=1)

    def test_a_number_that_peoplesoft_refused_is_no_gap(self):
        self.updates()[1]["result"] = "ERROR"
        counts, _ = summary.judge(self.run_)
        self.assertEqual(counts["updates_out_of_order"], 0)

    def test_a_sequence_number_that_goes_back(self):
        first, second = self.updates()[0]["message"], self.updates()[1]["message"]
        self.assertEqual(first["TRACKING_NBR"], second["TRACKING_NBR"])
        first["SEQ_NBR"], second["SEQ_NBR"] = second["SEQ_NBR"], first["SEQ_NBR"]
        self.judged(updates_out_of_order=1)

    def test_a_current_status_that_goes_back_in_time(self):
        first, last = self.updates()[1], self.updates()[2]
        self.assertEqual(first["message"]["TRACKING_NBR"], last["message"]["TRACKING_NBR"])
        first["message"]["SEQ_NBR"], last["message"]["SEQ_NBR"] = 3, 2
        first["n"], last["n"] = last["n"], first["n"]
        self.judged(updates_out_of_order=1)
        first["message"]["IS_CURRENT"] = "N"
        self.judged()

    def test_label_created_is_one_whatever_its_time(self):
        for event in self.run_.ups["events"]:
            if event["type"] == "M":
                event["gmt_time"] = "142233"
        self.judged()

    def test_a_parcel_that_no_tracker_calls_delivered(self):
        good = self.good_counts
        self.run_.trackers[0]["status"] = "IN_TRANSIT"
        counts, _ = self.judged(trackers_delivered=good["trackers_delivered"] - 1)
        self.assertIn("trackers_delivered", " ".join(self.broken(counts)))

    # ---- calls ----

    def test_a_call_that_the_ledger_does_not_have(self):
        self.run_.ledger.pop()
        self.judged(calls_unmatched=1)

    def test_a_call_that_only_the_ledger_has(self):
        self.run_.ledger.append({"action": "ups.ship", "detail": {"call_id": "feed" * 8}})
        self.judged(calls_unmatched=1)

    def write(self, action, time="2026-11-23T15:00:00Z", service="ups-gateway", **detail):
        self.run_.ledger.append({"time": time, "service": service, "action": action,
                                 "detail": {"call_id": "feed" * 8} | detail})

    def unclean(self, service, begin="2026-11-23T15:00:00Z", end="2026-11-23T15:00:02Z"):
        self.run_.ledger.append({"action": "service.unclean_start", "service": service,
                                 "detail": {"from": begin, "to": end}})

    def calls(self, route):
        return [call for journal in self.run_.journals.values() for call in journal
                if call["route"] == route]

    def entries(self, call):
        return [e for e in self.run_.ledger if f"'{call['call_id']}'" in str(e["detail"])]

    def forget(self, call, *endings):
        """Takes those entries of a call out of the ledger whose action ends so."""
        gone = [e for e in self.entries(call) if e["action"].endswith(endings or "")]
        self.run_.ledger = [e for e in self.run_.ledger if e not in gone]

    def test_a_token_of_a_peoplesoft_site_needs_its_entry(self):
        call = next(c for c in self.run_.journals["c2"] if c["route"] == "token")
        self.forget(call)
        self.judged(calls_unmatched=1)
        self.write("ups.token.outcome", call_id=call["call_id"])  # is no entry of a site's token
        self.judged(calls_unmatched=1)
        self.run_.ledger.pop()
        self.write("ps.token", call_id=call["call_id"], outcome="ok", http_status=401)
        self.judged(calls_unmatched=1)
        self.run_.ledger[-1]["detail"]["http_status"] = 200
        self.judged()

    def test_a_token_of_a_peoplesoft_site_that_the_site_never_gave(self):
        self.write("ps.token", service="ps-ingest", outcome="ok", http_status=200)
        self.judged(calls_unmatched=1)

    def test_a_call_that_never_left_for_want_of_a_token(self):
        self.write("ps.query", service="ps-ingest", outcome="transient")
        self.judged(calls_unmatched=1)
        self.run_.ledger[-1]["detail"]["outcome"] = "not sent"
        self.judged()

    def test_a_call_that_is_repeated_with_a_new_token_needs_an_entry_of_its_own(self):
        for route in ("query", "writeback"):
            with self.subTest(route):
                self.run_ = copy.deepcopy(self.good)
                again = {"route": route, "call_id": "feed" * 8}
                self.run_.journals["c1"].append(copy.deepcopy(self.calls("query")[0]) | again)
                self.judged(calls_unmatched=1)
                self.write("ps.token_refused", service="ps-ingest")
                self.judged()

    def test_a_call_that_was_not_made_need_not_be_anywhere(self):
        self.write("ups.ship.intent")
        self.write("ups.ship.outcome", state="NOT_MADE")
        self.judged()

    def test_an_intent_alone_is_a_call_unless_its_service_died(self):
        self.write("ups.ship.intent")
        self.judged(calls_unmatched=1)
        self.unclean("ps-ingest")
        self.judged(calls_unmatched=1)
        self.unclean("ups-gateway", "2026-11-23T14:00:00Z", "2026-11-23T14:00:02Z")
        self.judged(calls_unmatched=1)
        self.unclean("ups-gateway")
        self.judged()

    def test_an_intent_that_is_told_late_is_of_the_time_from_which_it_may_have_been_made(self):
        self.unclean("ps-ingest")
        self.write("ps.write_back.intent", time="2026-11-23T15:01:00Z", service="ps-ingest",
                   outcome="unknown")
        self.judged(calls_unmatched=1)
        self.run_.ledger[-1]["detail"]["since"] = "2026-11-23T15:00:01Z"
        self.judged()

    def test_an_unclean_start_excuses_no_outcome_of_a_call_that_no_peer_knows(self):
        self.write("ups.void.outcome", status="OK")
        self.unclean("ups-gateway")
        self.judged(calls_unmatched=1)

    def test_a_request_that_was_sent_twice_without_a_word(self):
        for route in ("token", "xav", "void", "query"):
            with self.subTest(route):
                self.run_ = copy.deepcopy(self.good)
                call = self.calls(route)[0]
                peer = "c1" if route == "query" else "ups"
                self.run_.journals[peer].append(copy.deepcopy(call))
                self.judged(calls_unmatched=1)

    def test_a_read_that_libcurl_sent_again_after_its_kept_connection_broke_is_one_call(self):
        call = self.calls("query")[0]
        dropped = call | {"method": "GET", "status": None, "fault": "reset"}
        self.run_.journals["c1"].append(dropped)
        self.judged()
        self.run_.journals["c1"].append(call | {"method": "GET"})
        self.judged(calls_unmatched=1)

    def test_a_purchase_that_was_sent_twice(self):
        call = self.calls("ship")[0]
        again = copy.deepcopy(call) | {"call_id": "feed" * 8}
        self.run_.journals["ups"].append(again)
        self.write("ups.ship.intent")
        self.write("ups.ship.outcome", state="DONE", http_status=200)
        self.judged(calls_unmatched=1)

    def test_a_money_call_without_its_intent_or_without_its_outcome(self):
        for route in ("token", "ship", "void"):
            for ending in (".intent", ".outcome"):
                with self.subTest(route + ending):
                    self.run_ = copy.deepcopy(self.good)
                    self.forget(self.calls(route)[0], ending)
                    self.judged(calls_unmatched=1)

    def test_a_purchase_needs_an_end_even_if_its_service_died(self):
        self.unclean("ups-gateway")
        self.forget(self.calls("token")[0], ".outcome")
        self.forget(self.calls("void")[0], ".outcome")
        self.judged()
        ship = self.calls("ship")[0]
        self.forget(ship, ".outcome")
        self.judged(calls_unmatched=1)
        self.write("ups.recovery", call_id="", of_call_id=ship["call_id"], state="IN_DOUBT")
        self.judged(calls_unmatched=1)
        self.write("ups.recovery", call_id="", of_call_id=ship["call_id"], state="DONE")
        self.judged()

    def test_an_end_that_is_not_what_the_peer_answered(self):
        for route, status, end in (("ship", 200, {"state": "REJECTED"}),
                                   ("ship", 200, {"state": "NOT_MADE"}),
                                   ("ship", 400, {"state": "DONE", "http_status": 400}),
                                   ("token", 200, {"state": "REFUSED"}),
                                   ("token", 401, {"state": "GRANTED", "http_status": 401}),
                                   ("void", 200, {"status": "UNAVAILABLE"})):
            with self.subTest(f"{route} {status} {end}"):
                self.run_ = copy.deepcopy(self.good)
                call = self.calls(route)[0]
                call["status"] = status
                self.entries(call)[-1]["detail"] |= end
                self.judged(calls_unmatched=1)
                call["fault"] = "the answer did not come whole"
                self.judged()

    def test_a_status_that_is_not_what_the_peer_answered(self):
        for route in ("xav", "token", "ship", "void"):
            with self.subTest(route):
                self.run_ = copy.deepcopy(self.good)
                detail = self.entries(self.calls(route)[0])[-1]["detail"]
                detail.get("calls", [detail])[0]["http_status"] = 299
                self.judged(calls_unmatched=1)

    def test_the_second_attempt_with_a_new_token_has_the_intent_of_the_first(self):
        first = self.calls("void")[0]
        self.run_.journals["ups"].append(copy.deepcopy(first) | {"call_id": "feed" * 8})
        first["status"] = 401
        detail = self.entries(first)[-1]["detail"]
        detail["calls"][0]["http_status"] = 401
        detail["calls"].append({"call_id": "feed" * 8, "operation": "void", "http_status": 200})
        detail["call_id"] = "feed" * 8
        self.judged()

    def test_an_entry_of_something_else_is_no_entry_of_the_call(self):
        for route in ("xav", "query", "void"):
            with self.subTest(route):
                self.run_ = copy.deepcopy(self.good)
                for entry in self.entries(self.calls(route)[0]):
                    entry["action"] = "ups.track"
                self.judged(calls_unmatched=1)

    def test_a_call_in_doubt_that_was_found_not_to_be_made(self):
        self.run_.ledger += [
            {"action": "ups.ship.intent", "detail": {"call_id": "feed" * 8}},
            {"action": "ups.ship.outcome", "detail": {"call_id": "feed" * 8, "state": "IN_DOUBT"}}]
        self.judged(calls_unmatched=1)
        self.run_.ledger.append({"action": "ups.ship.outcome", "detail": {
            "of_call_id": "feed" * 8, "state": "NOT_MADE"}})
        self.judged()

    def test_a_call_made_while_the_ledger_was_exported(self):
        self.run_.ledger.append({"action": "ps.query", "detail": {"call_id": "feed" * 8}})
        self.run_.later_journals = copy.deepcopy(self.run_.journals)
        self.run_.later_journals["c1"].append(self.run_.journals["c1"][0]
                                              | {"call_id": "feed" * 8})
        self.judged()

    def test_a_call_without_an_id(self):
        self.run_.journals["c1"][0]["call_id"] = ""
        self.run_.later_journals = {}
        counts, _ = summary.judge(self.run_)
        self.assertGreaterEqual(counts["calls_unmatched"], 1)

    def test_an_unclean_start_excuses_its_own_services_reads_and_nothing_else(self):
        for route, excuses in (("query", "ps-ingest"), ("xav", "ups-gateway")):
            for service in ("ps-ingest", "ups-gateway", "audit-ledger", "tracking-sync"):
                with self.subTest(f"{route} {service}"):
                    self.run_ = copy.deepcopy(self.good)
                    self.forget(self.calls(route)[0])
                    self.unclean(service)
                    self.judged(**{"excused_reads" if service == excuses
                                   else "calls_unmatched": 1})
        self.run_ = copy.deepcopy(self.good)
        self.forget(self.calls("ship")[0])
        self.unclean("ups-gateway")
        self.judged(calls_unmatched=1)

    def test_excused_reads_are_as_many_as_can_be_in_flight(self):
        counts = self.good_counts | {"excused_reads": 9}
        self.assertIn("excused_reads", " ".join(summary.broken_rules(counts, 120)))
        self.assertIn("excused_reads", " ".join(summary.broken_rules(counts, 120, kills=1)))
        self.assertEqual(summary.broken_rules(counts, 120, kills=2), [])

    # ---- tokens, the ledger ----

    def test_token_requests_are_limited(self):
        self.run_.ups["token_requests"] *= 3
        counts, _ = self.judged(token_requests=3)
        self.assertIn("token_requests", " ".join(self.broken(counts)))

    def test_more_than_the_daily_limit_of_token_requests(self):
        self.run_.ups["token_requests"] = [
            {"client_id": "demo", "status": 200, "time": f"{START:%Y-%m-%dT%H:%M:%S}Z"}] * 252
        self.judged(token_requests=252, token_limit_breaches=2)

    def test_a_ledger_that_does_not_verify(self):
        self.run_.ledger_verified = False
        counts, _ = self.judged(ledger_verified=0)
        self.assertIn("ledger_verified", " ".join(self.broken(counts)))

    def test_too_few_shipments(self):
        counts, _ = summary.judge(self.run_)
        self.assertIn("0.6", " ".join(summary.broken_rules(counts, 1000)))

    # ---- the demo ----

    def demo_with(self, pid, **how):
        """What the demo says, and its exit code, if all goes well but for a service's process."""
        said = []
        process = SimpleNamespace(pid=lambda: pid, last_words=lambda: "out of memory")
        service = SimpleNamespace(name="ps-ingest", process=process)
        job = SimpleNamespace(
            stack=SimpleNamespace(services={"ps-ingest": service}), evidence=self.run_,
            connect=lambda: None, step=lambda: None, progress=lambda: {"orders": (1, 1)},
            settled=lambda: True, judge=lambda: (self.good_counts, Findings(), []))
        stack = mock.Mock(home=demo.ROOT)
        with mock.patch.multiple(demo, Stack=lambda *_a, **_k: stack, Job=lambda *_a, **_k: job,
                                 GRACE_SECONDS=0, ROUND_SECONDS=0), mock.patch("signal.signal"):
            code = demo.demo(120, 1, "judged",
                             SimpleNamespace(say=said.append, show=lambda _progress: None), **how)
        return code, said

    def test_the_demo_fails_if_a_service_died_and_names_it(self):
        code, said = self.demo_with(pid=4711)
        self.assertEqual(code, 0)
        code, said = self.demo_with(pid=None)
        self.assertEqual(code, 1)
        self.assertIn("FAILED: ps-ingest died: out of memory", said)
        self.assertEqual(said[-1], "The demo failed.")

    def test_the_demo_fails_if_no_token_of_a_site_was_renewed(self):
        self.run_.sites["c1"]["tokens_issued"] = 3
        self.run_.sites["c2"]["tokens_issued"] = 1
        code, said = self.demo_with(pid=4711, ps_auth="client_credentials")
        self.assertEqual(code, 1)
        self.assertIn("FAILED: c2: its identity provider issued 1 tokens, so none was renewed", said)
        self.run_.sites["c2"]["tokens_issued"] = 2
        code, said = self.demo_with(pid=4711, ps_auth="client_credentials")
        self.assertEqual(code, 0)


if __name__ == "__main__":
    unittest.main()

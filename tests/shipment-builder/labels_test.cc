#include "services/shipment-builder/labels.h"

#include "common/crypto.h"
#include "common/log.h"
#include "gmock/gmock.h"
#include "tests/shipment-builder/shipment_door.h"

namespace psups::shipment_builder::testing {
namespace {

namespace pb = psups::shipments::v1;
using psups::testing::HasCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class LabelsOfShipments : public ShipmentDoor {
 protected:
  void Ship(const orders::v1::Order& order) {
    orders.Put(order);
    Run();
  }
  absl::StatusOr<std::vector<pb::GetLabelResponse>> OfShipment(const std::string& name) {
    pb::ReadLabelsRequest request;
    request.set_name(name);
    return ReadLabels(request);
  }
  absl::StatusOr<std::vector<pb::GetLabelResponse>> Since(absl::Time since,
                                                          const std::string& connection = "") {
    pb::ReadLabelsRequest request;
    *request.mutable_since() = ToProto(since);
    request.set_connection(connection);
    return ReadLabels(request);
  }
  absl::StatusOr<pb::GetLabelResponse> Get(const std::string& name, int package = 0) {
    pb::GetLabelRequest request;
    request.set_name(name);
    request.set_package_number(package);
    return Call(&Stub::GetLabel, request);
  }
  static std::vector<std::string> Bytes(const std::vector<pb::GetLabelResponse>& labels) {
    std::vector<std::string> bytes;
    for (const auto& label : labels) bytes.push_back(label.label());
    return bytes;
  }
  void LabelledAt(const std::string& order, const std::string& time) {
    ASSERT_OK(
        db().Exec("UPDATE shipments SET label_stored_time = $2::timestamptz WHERE order_id = $1",
                  {order, time}));
  }
  static absl::Time Day(int day) {
    return absl::FromCivil(absl::CivilDay(2026, 11, day), absl::UTCTimeZone());
  }
  std::string BoughtHash() {
    return One("SELECT label_sha256 AS v FROM packages ORDER BY package_number LIMIT 1");
  }
};

TEST_F(LabelsOfShipments, AllOfAShipmentComeInTheOrderOfItsPackages) {
  Ship(OrderOf("o1", {"25"}));
  const Shipment shipment = Only("o1");
  ASSERT_OK_AND_ASSIGN(const auto labels, OfShipment(shipment.name()));
  EXPECT_THAT(Bytes(labels), ElementsAre("^XA label 1", "^XA label 2", "^XA label 3"));
  for (std::size_t i = 0; i < labels.size(); ++i) {
    EXPECT_EQ(labels[i].package_number(), static_cast<int>(i) + 1);
    EXPECT_EQ(labels[i].tracking_number(), shipment.packages[i].tracking_number);
    EXPECT_EQ(labels[i].shipment(), shipment.name());
    EXPECT_EQ(labels[i].label_format(), "ZPL");
    EXPECT_EQ(labels[i].label_sha256(), Hex(Sha256(labels[i].label())));
  }
}

TEST_F(LabelsOfShipments, ThoseSinceATimeComeOldestFirst) {
  Ship(PlainOrder("o1"));
  Ship(OrderOf("o2", {"15"}));
  Ship(PlainOrder("o3"));
  Ship(PlainOrder("o4", 1, "c2"));
  LabelledAt("o1", "2026-11-03T00:00:00Z");
  LabelledAt("o2", "2026-11-02T00:00:00Z");
  LabelledAt("o3", "2026-11-01T00:00:00Z");
  LabelledAt("o4", "2026-11-02T12:00:00Z");
  ASSERT_OK_AND_ASSIGN(auto labels, Since(Day(2)));
  EXPECT_THAT(Bytes(labels),
              ElementsAre("^XA label 2", "^XA label 3", "^XA label 5", "^XA label 1"));
  ASSERT_OK_AND_ASSIGN(labels, Since(Day(2), "connections/c2"));
  EXPECT_THAT(Bytes(labels), ElementsAre("^XA label 5"));
  ASSERT_OK_AND_ASSIGN(labels, Since(Day(4)));
  EXPECT_THAT(labels, IsEmpty());
}

TEST_F(LabelsOfShipments, MoreThanAPageOfThemComeEachOnce) {
  // 3 × 190 packages, all bought in one moment: more than are looked up at a time.
  for (const char* id : {"o1", "o2", "o3"}) Ship(OrderOf(id, {"1900"}));
  for (const char* id : {"o1", "o2", "o3"}) LabelledAt(id, "2026-11-02T00:00:00Z");
  ASSERT_OK_AND_ASSIGN(const auto labels, Since(Day(1)));
  std::set<std::string> numbers;
  for (const auto& label : labels) numbers.insert(label.tracking_number());
  EXPECT_THAT(labels, SizeIs(570));
  EXPECT_THAT(numbers, SizeIs(570));
}

TEST_F(LabelsOfShipments, VoidOnesAreLeftOut) {
  Ship(PlainOrder("o1"));
  Ship(OrderOf("o2", {"15"}));
  As("operator/ann");
  pb::VoidShipmentRequest request;
  request.set_name(Only("o1").name());
  ASSERT_OK(Call(&Stub::VoidShipment, request));
  As("clerk/ann");
  // Already while it is being voided: nobody should stick it on a box.
  ASSERT_OK_AND_ASSIGN(auto labels, Since(absl::UnixEpoch()));
  EXPECT_THAT(Bytes(labels), ElementsAre("^XA label 2", "^XA label 3"));
  Run();
  ASSERT_OK(Exec("UPDATE packages SET tracking_status = 'VOIDED' WHERE package_number = 2"));
  ASSERT_OK_AND_ASSIGN(labels, Since(absl::UnixEpoch()));
  EXPECT_THAT(Bytes(labels), ElementsAre("^XA label 2"));
  const absl::Status status = OfShipment(request.name()).status();
  EXPECT_THAT(status, HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(status.message(), request.name() + ": its label is void");
}

TEST_F(LabelsOfShipments, OneThatUpsMadeLongBeforeItsAnswerCameIsAmongThoseSinceThen) {
  Ship(PlainOrder("o1"));
  ASSERT_OK(Exec("UPDATE shipments SET label_time = now() - interval '3 days'"));
  ASSERT_OK_AND_ASSIGN(const auto labels, Since(absl::Now() - absl::Hours(1)));
  EXPECT_THAT(Bytes(labels), ElementsAre("^XA label 1"));
}

TEST_F(LabelsOfShipments, OneThatIsToBeVoidedAloneIsLeftOut) {
  Ship(OrderOf("o1", {"15"}));
  ups.void_fails = absl::UnavailableError("503");
  orders::v1::Order fewer = OrderOf("o1", {"10"});
  fewer.set_revision(2);
  orders.Put(fewer);
  Run();
  ASSERT_OK_AND_ASSIGN(const auto labels, Since(absl::UnixEpoch()));
  EXPECT_THAT(Bytes(labels), ElementsAre("^XA label 1"));
}

TEST_F(LabelsOfShipments, AShipmentWithoutALabelSaysHowItStands) {
  ups.create_fails = absl::UnavailableError("503");
  Ship(PlainOrder("o1"));
  const absl::Status status = OfShipment(Only("o1").name()).status();
  EXPECT_THAT(status, HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(std::string(status.message()), HasSubstr("LABELING and has no label yet"));
  EXPECT_THAT(OfShipment("shipments/c1-none"), HasCode(absl::StatusCode::kNotFound));
}

TEST_F(LabelsOfShipments, ExactlyOneOfNameAndSinceIsWanted) {
  const auto message = [&](const pb::ReadLabelsRequest& request) {
    const absl::Status status = ReadLabels(request).status();
    EXPECT_THAT(status, HasCode(absl::StatusCode::kInvalidArgument));
    return std::string(status.message());
  };
  pb::ReadLabelsRequest request;
  EXPECT_EQ(message(request), "name: neither it nor since, want one of both");
  request.set_name("shipments/a");
  request.set_connection("connections/c1");
  EXPECT_EQ(message(request), "connection: beside name, want it with since only");
  request.mutable_since()->set_seconds(1);
  EXPECT_EQ(message(request), "name: beside since, want one of both");
  request.clear_name();
  request.set_connection("c1");
  EXPECT_EQ(message(request), "connection: \"c1\", want \"connections/{id}\"");
  request.clear_connection();
  request.mutable_since()->set_seconds(-1);
  EXPECT_THAT(message(request), HasSubstr("since: want a time"));
}

TEST_F(LabelsOfShipments, WhoMayNotSeeNamesGetsNoLabels) {
  Ship(PlainOrder("o1"));
  for (const char* who : {"viewer/ann", "service/ps-ingest"}) {
    As(who);
    EXPECT_THAT(Since(absl::UnixEpoch()), HasCode(absl::StatusCode::kPermissionDenied));
  }
}

// ---- Lost ones ----

TEST_F(LabelsOfShipments, TheHashOfWhatWasBoughtIsKept) {
  Ship(PlainOrder("o1"));
  EXPECT_EQ(BoughtHash(), Hex(Sha256("^XA label 1")));
  EXPECT_EQ(One("SELECT label_format AS v FROM packages"), "ZPL");
}

TEST_F(LabelsOfShipments, ALostOneIsFetchedFromUpsOnceAndStoredAgain) {
  Ship(OrderOf("o1", {"15"}));
  const Shipment shipment = Only("o1");
  ASSERT_OK(Exec("DELETE FROM labels WHERE package_number = 2"));
  ASSERT_OK_AND_ASSIGN(const auto labels, OfShipment(shipment.name()));
  EXPECT_THAT(Bytes(labels), ElementsAre("^XA label 1", "^XA label 2"));
  ASSERT_THAT(ups.recoveries, SizeIs(1));
  EXPECT_EQ(ups.recoveries[0].account(), "accounts/main");
  EXPECT_EQ(ups.recoveries[0].tracking_number(), shipment.packages[1].tracking_number);
  EXPECT_EQ(ups.recoveries[0].label_format(), "ZPL");
  ASSERT_OK_AND_ASSIGN(const auto again, Get(shipment.name(), 2));
  EXPECT_EQ(again.label(), "^XA label 2");
  EXPECT_THAT(ups.recoveries, SizeIs(1));
  EXPECT_EQ(One("SELECT convert_from(entry, 'UTF8')::json->>'actor' AS v FROM audit_outbox WHERE "
                "convert_from(entry, 'UTF8') LIKE '%label.recover%'"),
            "spiffe://psups/clerk/ann");
}

TEST_F(LabelsOfShipments, ALostOneThatUpsRendersAnewIsKeptAndSaidSoWithoutItsBytes) {
  Ship(PlainOrder("o1"));
  const std::string bought = BoughtHash();
  ASSERT_OK(Exec("DELETE FROM labels"));
  ups.rendered_anew = " with a new logo";
  ::testing::internal::CaptureStderr();
  const auto label = Get(Only("o1").name());
  const std::string log = ::testing::internal::GetCapturedStderr();
  ASSERT_OK(label.status());
  EXPECT_EQ(label->label(), "^XA label 1 with a new logo");
  EXPECT_EQ(label->label_sha256(), Hex(Sha256(label->label())));
  EXPECT_THAT(log, HasSubstr("label_recovered_anew"));
  EXPECT_THAT(log, HasSubstr(bought));
  EXPECT_THAT(log, Not(HasSubstr("^XA")));
  EXPECT_EQ(BoughtHash(), label->label_sha256());
  // It is kept now.
  ups.recover_fails = absl::UnavailableError("503");
  ASSERT_OK_AND_ASSIGN(const auto again, Get(Only("o1").name()));
  EXPECT_EQ(again.label(), label->label());
}

TEST_F(LabelsOfShipments, WhatCannotBeFetchedSaysSo) {
  Ship(PlainOrder("o1"));
  const std::string name = Only("o1").name();
  ASSERT_OK(Exec("DELETE FROM labels"));
  ups.recover_fails = absl::UnavailableError("UPS is away");
  EXPECT_THAT(Get(name), HasCode(absl::StatusCode::kUnavailable));
  EXPECT_THAT(Since(absl::UnixEpoch()), HasCode(absl::StatusCode::kUnavailable));
  ups.recover_fails = absl::OkStatus();
  ASSERT_OK(Exec("UPDATE packages SET tracking_number = '1ZGONE'"));
  const absl::Status gone = Get(name).status();
  EXPECT_THAT(gone, HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(std::string(gone.message()), HasSubstr("void the shipment"));
}

TEST_F(LabelsOfShipments, ALostOneThatIsVoidAtUpsIsLeftOutOfMany) {
  Ship(PlainOrder("o1"));
  Ship(PlainOrder("o2"));
  ASSERT_OK(Exec("DELETE FROM labels"));
  ups.voided.insert(Only("o1").ups_shipment_id);
  ASSERT_OK_AND_ASSIGN(const auto labels, Since(absl::UnixEpoch()));
  EXPECT_THAT(Bytes(labels), ElementsAre("^XA label 2"));
  EXPECT_THAT(Get(Only("o1").name()), HasCode(absl::StatusCode::kFailedPrecondition));
}

}  // namespace
}  // namespace psups::shipment_builder::testing

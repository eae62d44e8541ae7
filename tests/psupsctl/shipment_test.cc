#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/psupsctl/fake_services.h"
#include "tests/psupsctl/runner.h"

namespace psups::psupsctl {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using Shipment = shipments::v1::Shipment;

class ShipmentTest : public ::testing::Test {
 protected:
  Shipment& AddShipment(int packages) {
    Shipment& shipment = *shipments_.shipments.Add();
    shipment.set_name(absl::StrCat("shipments/s", shipments_.shipments.size()));
    shipment.set_state(Shipment::LABELED);
    shipment.mutable_document()->set_connection("connections/c1");
    shipment.mutable_document()->set_document_type(type::v1::PURCHASE_ORDER);
    shipment.mutable_document()->set_business_unit("US001");
    shipment.mutable_document()->set_document_id("0000000123");
    for (int i = 1; i <= packages; ++i) {
      shipment.add_packages()->set_package_number(i);
      shipment.mutable_packages(i - 1)->set_tracking_number(
          absl::StrCat("1Z", shipments_.shipments.size(), "-", i));
    }
    return shipment;
  }
  void AddLabel(const std::string& number, const std::string& bytes,
                const std::string& format = "ZPL", const std::string& shipment = "shipments/s1") {
    shipments_.labels.emplace_back().set_tracking_number(number);
    shipments_.labels.back().set_label(bytes);
    shipments_.labels.back().set_label_format(format);
    shipments_.labels.back().set_shipment(shipment);
  }
  Ran Run(std::vector<std::string> arguments) { return runner_.Run(std::move(arguments)); }
  bool Exists(const std::string& name) { return std::filesystem::exists(runner_.Path(name)); }

  FakeShipments shipments_;
  Runner runner_{{&shipments_}};
};

TEST_F(ShipmentTest, AllLabelsOfAShipmentGoIntoOneFile) {
  AddShipment(2);
  AddLabel("1Z1-1", "^XA1^XZ");
  AddLabel("1Z1-2", "^XA2^XZ");
  const Ran ran =
      Run({"shipment", "label", "s1", "--all-packages", "-o", runner_.Path("both.zpl")});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(runner_.Read("both.zpl"), "^XA1^XZ^XA2^XZ");
  EXPECT_EQ(shipments_.read.name(), "shipments/s1");
  EXPECT_EQ(ran.err,
            absl::StrCat("2 labels of 1 shipments, 14 bytes, in ", runner_.Path("both.zpl"), "\n"));
  EXPECT_EQ(Run({"shipment", "label", "s1", "--all-packages", "-o", "-"}).out, "^XA1^XZ^XA2^XZ");
}

TEST_F(ShipmentTest, AllLabelsSinceADayGoIntoOneFile) {
  AddLabel("1Z1-1", "1");
  AddLabel("1Z2-1", "2", "ZPL", "shipments/s2");
  AddLabel("1Z2-2", "3", "ZPL", "shipments/s2");
  const std::string file = runner_.Path("day.zpl");
  Ran ran = Run({"shipment", "label", "--all", "--since", "2026-11-01", "-o", file});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(runner_.Read("day.zpl"), "123");
  EXPECT_THAT(ran.err, StartsWith("3 labels of 2 shipments"));
  EXPECT_EQ(
      shipments_.read.since().seconds(),
      absl::ToUnixSeconds(absl::FromCivil(absl::CivilDay(2026, 11, 1), absl::LocalTimeZone())));
  ran = Run({"shipment", "label", "--all", "--since", "2026-11-01T06:00:00+01:00", "--connection",
             "c1", "-o", file});
  EXPECT_EQ(
      shipments_.read.since().seconds(),
      absl::ToUnixSeconds(absl::FromCivil(absl::CivilHour(2026, 11, 1, 5), absl::UTCTimeZone())));
  EXPECT_EQ(shipments_.read.connection(), "connections/c1");
  EXPECT_EQ(shipments_.read.name(), "");
}

TEST_F(ShipmentTest, WithoutAnyLabelNoFileIsMade) {
  const Ran ran =
      Run({"shipment", "label", "--all", "--since", "2026-11-01", "-o", runner_.Path("day.zpl")});
  EXPECT_EQ(ran.code, 0);
  EXPECT_EQ(ran.err, "No label was bought since 2026-11-01.\n");
  EXPECT_FALSE(Exists("day.zpl"));
}

TEST_F(ShipmentTest, GifLabelsGoIntoAFolderNamedByTheirNumbers) {
  AddLabel("1Z1-1", "GIF1", "GIF");
  AddLabel("1Z1-2", "GIF2", "GIF");
  Ran ran =
      Run({"shipment", "label", "--all", "--since", "2026-11-01", "-o", runner_.Path("day.gif")});
  EXPECT_EQ(ran.code, 2);
  EXPECT_EQ(ran.err,
            "psupsctl: GIF labels cannot be joined in one file; -o DIR/ saves each in a file of "
            "its own, named by its 1Z number\n");
  EXPECT_FALSE(Exists("day.gif"));
  EXPECT_EQ(Run({"shipment", "label", "--all", "--since", "2026-11-01", "-o", "-"}).out, "");
  ran = Run({"shipment", "label", "--all", "--since", "2026-11-01", "-o", runner_.Path("day/")});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(runner_.Read("day/1Z1-1.gif"), "GIF1");
  EXPECT_EQ(runner_.Read("day/1Z1-2.gif"), "GIF2");
  // A folder that is there needs no slash.
  shipments_.labels.erase(shipments_.labels.begin());
  shipments_.labels[0].set_label("GIF3");
  EXPECT_EQ(
      Run({"shipment", "label", "--all", "--since", "2026-11-01", "-o", runner_.Path("day")}).code,
      0);
  EXPECT_EQ(runner_.Read("day/1Z1-2.gif"), "GIF3");
}

TEST_F(ShipmentTest, OneGifIsAFile) {
  AddShipment(1);
  AddLabel("1Z1-1", "GIF1", "GIF");
  EXPECT_EQ(Run({"shipment", "label", "s1", "--all-packages", "-o", runner_.Path("one.gif")}).code,
            0);
  EXPECT_EQ(runner_.Read("one.gif"), "GIF1");
}

TEST_F(ShipmentTest, LabelsOfTwoFormatsAreNotJoined) {
  AddLabel("1Z1-1", "1");
  AddLabel("1Z1-2", "2", "EPL");
  const Ran ran =
      Run({"shipment", "label", "--all", "--since", "2026-11-01", "-o", runner_.Path("day")});
  EXPECT_EQ(ran.code, 2);
  EXPECT_THAT(ran.err, HasSubstr("ZPL and EPL labels cannot be joined"));
}

TEST_F(ShipmentTest, WhatEndsMidwayLeavesNoFileAndTheOldOneAsItWas) {
  const std::string file = runner_.Write("day.zpl", "yesterday's");
  for (int i = 0; i < 3; ++i) AddLabel(absl::StrCat("1Z1-", i), "x");
  shipments_.labels_end = {grpc::StatusCode::NOT_FOUND, "shipments/s9 package 1: lost"};
  const Ran ran = Run({"shipment", "label", "--all", "--since", "2026-11-01", "-o", file});
  EXPECT_EQ(ran.code, 3);
  EXPECT_THAT(ran.err, HasSubstr("shipments/s9 package 1: lost"));
  EXPECT_EQ(runner_.Read("day.zpl"), "yesterday's");
  EXPECT_FALSE(Exists("day.zpl.part"));
}

TEST_F(ShipmentTest, WhatIsNotClearIsWrongUsage) {
  const auto fails = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"shipment", "label"});
    more.insert(more.end(), {"-o", "-"});
    const Ran ran = Run(more);
    EXPECT_EQ(ran.code, 2);
    return ran.err;
  };
  EXPECT_THAT(fails({}), HasSubstr("whose labels?"));
  EXPECT_THAT(fails({"s1", "--all", "--since", "2026-11-01"}), HasSubstr("whose labels?"));
  EXPECT_THAT(fails({"--all"}), HasSubstr("--all wants --since"));
  EXPECT_THAT(fails({"s1", "--since", "2026-11-01"}), HasSubstr("--since goes with --all"));
  EXPECT_THAT(fails({"--all", "--since", "2026-11-01", "--package", "2"}),
              HasSubstr("--all takes every package"));
  EXPECT_THAT(fails({"--all", "--since", "monday"}),
              HasSubstr("--since: \"monday\", want a day such as 2026-11-01"));
}

TEST_F(ShipmentTest, CsvHasARowForEachPackageAndEachCostOnce) {
  Shipment& shipment = AddShipment(2);
  shipment.set_service_code("03");
  shipment.mutable_charges()->set_amount_minor(1234);
  shipment.mutable_charges()->set_currency_code("USD");
  shipment.mutable_published_charges()->set_amount_minor(2000);
  shipment.mutable_published_charges()->set_currency_code("USD");
  shipment.mutable_label_time()->set_seconds(1'795'446'062);
  shipment.mutable_packages(1)->set_voided(true);
  AddShipment(0).set_state(Shipment::NEEDS_REVIEW);
  AddShipment(1).set_state(Shipment::VOIDED);
  const Ran ran = Run({"shipment", "list", "-o", "csv"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(ran.out,
            "SHIPMENT,TYPE,NUMBER,UNIT,CONNECTION,STATE,PACKAGE,TRACKING NUMBER,TRACKING STATUS,"
            "VOIDED,SERVICE,SHIP DATE,LABELLED,COST,CURRENCY,PUBLISHED COST,PUBLISHED CURRENCY,"
            "TAKEN IN,CHANGED,REVIEW,FAILURE,ORDER NAME\n"
            "s1,PURCHASE_ORDER,0000000123,US001,c1,LABELED,1,1Z1-1,,false,03,,"
            "2026-11-23T15:01:02Z,12.34,USD,20.00,USD,,,,,\n"
            "s1,PURCHASE_ORDER,0000000123,US001,c1,LABELED,2,1Z1-2,,true,03,,"
            "2026-11-23T15:01:02Z,,,,,,,,,\n"
            "s2,PURCHASE_ORDER,0000000123,US001,c1,NEEDS_REVIEW,,,,false,,,,,,,,,,,,\n"
            "s3,PURCHASE_ORDER,0000000123,US001,c1,VOIDED,1,1Z3-1,,true,,,,,,,,,,,,\n");
}

TEST_F(ShipmentTest, AListMayBeFiltered) {
  EXPECT_EQ(Run({"shipment", "list", "--filter", "state = LOST"}).code, 0);
  EXPECT_EQ(shipments_.listed.filter(), "state = LOST");
  EXPECT_EQ(
      Run({"shipment", "list", "--filter", "state = LOST", "--since", "2026-11-01T00:00:00+01:00"})
          .code,
      0);
  EXPECT_EQ(shipments_.listed.filter(),
            "state = LOST AND create_time >= 2026-10-31T23:00:00+00:00");
  EXPECT_EQ(Run({"shipment", "list", "--since", "2026-11-01T00:00:00Z"}).code, 0);
  EXPECT_EQ(shipments_.listed.filter(), "create_time >= 2026-11-01T00:00:00+00:00");
  EXPECT_EQ(Run({"shipment", "list", "--since", "soon"}).code, 2);
}

}  // namespace
}  // namespace psups::psupsctl

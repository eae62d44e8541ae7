#include <thread>

#include "common/channel.h"
#include "common/testing/test_authority.h"
#include "gmock/gmock.h"
#include "services/shipment-builder/review_server.h"
#include "tests/shipment-builder/world.h"

namespace psups::shipment_builder::testing {
namespace {

namespace pb = psups::shipments::v1;
using psups::testing::HasCode;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr char kMayActForOthers[] = "spiffe://psups/clerk/portal";

// The reviews' door: what people see and decide, over mTLS.
class ReviewDoor : public World {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(
        server_, Server::Start({.listen = "localhost:0",
                                .tls = authority_.Issue("spiffe://psups/service/shipment-builder"),
                                .services = {&reviews_}}));
    As("clerk/ann");
  }
  std::unique_ptr<pb::ReviewService::Stub> StubOf(const std::string& who) {
    return pb::ReviewService::NewStub(MakeChannel("localhost:" + std::to_string(server_->port()),
                                                  authority_.Issue("spiffe://psups/" + who)));
  }
  // Who calls from now on.
  void As(const std::string& who) { stub_ = StubOf(who); }
  absl::StatusOr<pb::Review> Get(const std::string& name) {
    pb::GetReviewRequest request;
    request.set_name(name);
    return CallPeer(*stub_, &pb::ReviewService::Stub::GetReview, request, absl::Seconds(30));
  }
  absl::StatusOr<pb::ListReviewsResponse> List(const pb::ListReviewsRequest& request) {
    return CallPeer(*stub_, &pb::ReviewService::Stub::ListReviews, request, absl::Seconds(30));
  }
  absl::StatusOr<pb::Review> Resolve(const pb::ResolveReviewRequest& request) {
    return CallPeer(*stub_, &pb::ReviewService::Stub::ResolveReview, request, absl::Seconds(30));
  }
  static pb::ResolveReviewRequest Request(const std::string& name, pb::Review::Action action) {
    pb::ResolveReviewRequest request;
    request.set_name(name);
    request.set_action(action);
    return request;
  }
  static pb::ResolveReviewRequest Weighing(const std::string& name, const std::string& pounds) {
    pb::ResolveReviewRequest request = Request(name, pb::Review::SET_MEASURES);
    request.mutable_weight()->set_value(pounds);
    request.mutable_weight()->set_unit("LB");
    return request;
  }
  // The only open review.
  std::string Open() {
    const std::vector<ReviewRecord> open = Reviews();
    EXPECT_EQ(open.size(), 1u);
    return open.empty() ? "" : "reviews/" + open[0].review.review_id;
  }
  // Of a shipment whose address UPS does not know.
  std::string OfUnknownAddress() {
    ups::v1::ValidateAddressResponse none;
    none.set_verdict(ups::v1::ValidateAddressResponse::NO_CANDIDATES);
    ups.verdicts["1500 Market Street"] = none;
    orders.Put(PlainOrder("o1"));
    Run();
    return Open();
  }
  static orders::v1::Order WithoutWeight(const std::string& id) {
    orders::v1::Order order = PlainOrder(id);
    order.mutable_schedules(0)->clear_shipping_weight();
    return order;
  }
  // A field of the newest ledger entry of `action`.
  std::string Audited(const std::string& action, const std::string& path) {
    return One(absl::StrCat("SELECT coalesce(convert_from(entry, 'UTF8')::json#>>'{", path,
                            "}', '') AS v FROM audit_outbox WHERE convert_from(entry, "
                            "'UTF8')::json->>'action' = '",
                            action, "' ORDER BY create_time DESC LIMIT 1"));
  }

  psups::testing::TestAuthority authority_;
  Executor executor_{4};
  ReviewServer reviews_{*store,        replica->planner, replica->validate,
                        replica->tell, executor_,        {kMayActForOthers}};
  std::unique_ptr<Server> server_;
  std::unique_ptr<pb::ReviewService::Stub> stub_;
};

TEST_F(ReviewDoor, AViewerSeesTheListWithoutEvidence) {
  const std::string name = OfUnknownAddress();
  As("viewer/ann");
  ASSERT_OK_AND_ASSIGN(const pb::ListReviewsResponse reviews, List({}));
  ASSERT_THAT(reviews.reviews(), SizeIs(1));
  EXPECT_FALSE(reviews.reviews(0).has_address());
  EXPECT_THAT(reviews.reviews(0).actions(),
              ElementsAre(pb::Review::OVERRIDE_ADDRESS, pb::Review::RETRY, pb::Review::CANCEL));
  EXPECT_THAT(Get(name), HasCode(absl::StatusCode::kPermissionDenied));
}

TEST_F(ReviewDoor, AnAddressThatAClerkGivesIsValidatedAndShipped) {
  pb::ResolveReviewRequest request = Request(OfUnknownAddress(), pb::Review::OVERRIDE_ADDRESS);
  *request.mutable_address() = AddressAt("", "1600 Market Street", "Denver", "CO", "80202");
  request.mutable_address()->clear_country_code();
  request.set_comment("as the warehouse says");
  ASSERT_OK_AND_ASSIGN(const pb::Review review, Resolve(request));
  EXPECT_EQ(review.state(), pb::Review::RESOLVED);
  EXPECT_EQ(review.resolution(), pb::Review::OVERRIDE_ADDRESS);
  EXPECT_EQ(review.resolved_by(), "spiffe://psups/clerk/ann");
  EXPECT_EQ(review.comment(), "as the warehouse says");
  EXPECT_TRUE(review.has_close_time());
  Run();
  EXPECT_EQ(Only("o1").state, State::kLabeled);
  const auto& address = ups.requests.begin()->second.shipment().ship_to();
  EXPECT_EQ(address.lines(0), "1600 Market Street");
  EXPECT_EQ(address.name(), "Denver Warehouse");
  EXPECT_EQ(address.country_code(), "US");
}

TEST_F(ReviewDoor, AnAddressInAnotherCountryIsPlannedByThatCountrysRules) {
  pb::ResolveReviewRequest request = Request(OfUnknownAddress(), pb::Review::OVERRIDE_ADDRESS);
  *request.mutable_address() = AddressAt("", "90 Wellington Street", "Ottawa", "ON", "K1A 0B");
  request.mutable_address()->set_country_code("CA");
  const absl::Status malformed = Resolve(request).status();
  EXPECT_THAT(malformed, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(std::string(malformed.message()), HasSubstr("address.postal_code: want of the form"));
  request.mutable_address()->set_postal_code("K1A 0B1");
  ASSERT_OK(Resolve(request));
  Run();
  EXPECT_EQ(ups.creates, 0);  // without customs' invoice and somebody to call
  ASSERT_THAT(Reviews(), SizeIs(1));
  EXPECT_EQ(Reviews()[0].review.asked.reason, Reason::kCountryUnsupported);
}

TEST_F(ReviewDoor, EveryDecisionIsInTheLedgerWithWhoWhyAndWhat) {
  const std::string name = OfUnknownAddress();
  pb::ResolveReviewRequest request = Request(name, pb::Review::CANCEL);
  request.set_comment("ordered twice");
  ASSERT_OK(Resolve(request));
  EXPECT_EQ(Audited("shipment.cancel", "actor"), "spiffe://psups/clerk/ann");
  EXPECT_EQ(Audited("shipment.cancel", "detail,review"), name);
  EXPECT_EQ(Audited("shipment.cancel", "detail,reason"), "ADDRESS_INVALID");
  EXPECT_EQ(Audited("shipment.cancel", "detail,resolution"), "CANCEL");
  EXPECT_EQ(Audited("shipment.cancel", "detail,comment"), "ordered twice");
  EXPECT_EQ(Audited("shipment.cancel", "detail,on_behalf_of"), "");
}

TEST_F(ReviewDoor, OnlyWhoTheSettingNamesDecidesForOthers) {
  pb::ResolveReviewRequest request = Request(OfUnknownAddress(), pb::Review::CANCEL);
  request.set_on_behalf_of("bob");
  const absl::Status refused = Resolve(request).status();
  EXPECT_THAT(refused, HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("PSUPS_ACTS_FOR_OTHERS"));
  As("clerk/portal");
  ASSERT_OK_AND_ASSIGN(const pb::Review review, Resolve(request));
  EXPECT_EQ(review.on_behalf_of(), "bob");
  EXPECT_EQ(review.resolved_by(), kMayActForOthers);
  EXPECT_EQ(Audited("shipment.cancel", "detail,on_behalf_of"), "bob");
  EXPECT_EQ(Audited("shipment.cancel", "actor"), kMayActForOthers);
  request.set_on_behalf_of(std::string(81, 'b'));
  EXPECT_THAT(Resolve(request), HasCode(absl::StatusCode::kInvalidArgument));
}

TEST_F(ReviewDoor, AnOperatorShipsAnywayAClerkDoesNot) {
  orders::v1::Order order = PlainOrder("o1");
  order.mutable_schedules(0)->mutable_shipping_weight()->set_value("0.001");
  orders.Put(order);
  Run();
  const pb::ResolveReviewRequest request = Request(Open(), pb::Review::SHIP_ANYWAY);
  const absl::Status refused = Resolve(request).status();
  EXPECT_THAT(refused, HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("operator"));
  EXPECT_EQ(Open(), request.name());
  As("operator/oscar");
  ASSERT_OK(Resolve(request));
  EXPECT_EQ(Audited("shipment.plan", "actor"), "spiffe://psups/operator/oscar");
  EXPECT_THAT(Only("o1").waived, ElementsAre("MEASURES_IMPLAUSIBLE"));
  Restart();
  Run();
  EXPECT_EQ(Only("o1").state, State::kLabeled);
}

TEST_F(ReviewDoor, OfTwoPeopleAtOnceOneWinsAndTheOtherIsToldWho) {
  const std::string name = OfUnknownAddress();
  const auto first = StubOf("clerk/ann");
  const auto second = StubOf("clerk/bea");
  absl::StatusOr<pb::Review> ann = absl::UnknownError(""), bea = absl::UnknownError("");
  const auto decide = [&](pb::ReviewService::Stub& stub, pb::Review::Action action,
                          absl::StatusOr<pb::Review>& result) {
    result = CallPeer(stub, &pb::ReviewService::Stub::ResolveReview, Request(name, action),
                      absl::Seconds(30));
  };
  std::thread one([&] { decide(*first, pb::Review::CANCEL, ann); });
  std::thread other([&] { decide(*second, pb::Review::RETRY, bea); });
  one.join();
  other.join();
  ASSERT_NE(ann.ok(), bea.ok());
  const absl::Status told = ann.ok() ? bea.status() : ann.status();
  EXPECT_THAT(told, HasCode(absl::StatusCode::kAborted));
  EXPECT_THAT(std::string(told.message()),
              AllOf(HasSubstr(ann.ok() ? "by spiffe://psups/clerk/ann with CANCEL"
                                       : "by spiffe://psups/clerk/bea with RETRY"),
                    HasSubstr("closed before, at 20")));
  EXPECT_EQ(One("SELECT count(*)::text AS v FROM audit_outbox WHERE convert_from(entry, "
                "'UTF8')::json->'detail'->>'resolution' <> ''"),
            "1");
}

TEST_F(ReviewDoor, TheSameDecisionOfTheSamePersonIsAnsweredAgainAnotherIsNot) {
  pb::ResolveReviewRequest request = Request(OfUnknownAddress(), pb::Review::OVERRIDE_ADDRESS);
  *request.mutable_address() = AddressAt("", "1600 Market Street", "Denver", "CO", "80202");
  ASSERT_OK(Resolve(request));
  ASSERT_OK_AND_ASSIGN(const pb::Review again, Resolve(request));
  EXPECT_EQ(again.state(), pb::Review::RESOLVED);
  request.mutable_address()->set_lines(0, "1700 Market Street");
  EXPECT_THAT(Resolve(request), HasCode(absl::StatusCode::kAborted));
  request.mutable_address()->set_lines(0, "1600 Market Street");
  As("clerk/bea");
  EXPECT_THAT(Resolve(request), HasCode(absl::StatusCode::kAborted));
}

TEST_F(ReviewDoor, ANewerRevisionThatMadeItMootIsNamedToo) {
  const std::string name = OfUnknownAddress();
  orders::v1::Order order = PlainOrder("o1", 2);
  order.mutable_schedules(0)->mutable_ship_to()->set_lines(0, "1 Elm Street");
  orders.Put(order);
  Run();
  const absl::Status told = Resolve(Request(name, pb::Review::CANCEL)).status();
  EXPECT_THAT(told, HasCode(absl::StatusCode::kAborted));
  EXPECT_THAT(std::string(told.message()), HasSubstr("by a newer revision of the order"));
}

TEST_F(ReviewDoor, WhatIsToLeaveFirstIsListedFirst) {
  const std::vector<std::pair<std::string, std::string>> days = {
      {"o1", "2099-01-02"}, {"o2", ""}, {"o3", "2099-01-01"}, {"o4", "2020-01-01"}};
  for (const auto& [id, day] : days) {
    orders::v1::Order order = WithoutWeight(id);
    order.mutable_document()->set_document_id(id);
    order.mutable_schedules(0)->set_ship_date(day);
    orders.Put(order);
    Run();
  }
  std::vector<std::string> documents, ship_by;
  pb::ListReviewsRequest request;
  request.set_state(pb::Review::OPEN);
  request.set_page_size(1);
  do {
    ASSERT_OK_AND_ASSIGN(const pb::ListReviewsResponse page, List(request));
    ASSERT_THAT(page.reviews(), SizeIs(1));
    documents.push_back(page.reviews(0).document().document_id());
    ship_by.push_back(page.reviews(0).ship_by_date());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(documents, ElementsAre("o2", "o4", "o3", "o1"));
  EXPECT_THAT(ship_by, ElementsAre("", "", "2099-01-01", "2099-01-02"));
}

TEST_F(ReviewDoor, AReviewShowsTheItemThatIsAskedAbout) {
  orders.Put(WithoutWeight("o1"));
  Run();
  ASSERT_OK_AND_ASSIGN(const pb::Review review, Get(Open()));
  EXPECT_EQ(review.item().setid() + "/" + review.item().item_id(), "SHARE/10001");
  EXPECT_EQ(review.item().unit_of_measure(), "EA");
  EXPECT_EQ(review.item().line_number(), 1);
}

TEST_F(ReviewDoor, AReviewShowsFieldByFieldWhereCandidatesDiffer) {
  ups::v1::ValidateAddressResponse answer;
  answer.set_verdict(ups::v1::ValidateAddressResponse::AMBIGUOUS);
  *answer.add_candidates()->mutable_address() =
      AddressAt("", "1500 Market Street", "Denver", "CO", "80204");
  *answer.add_candidates()->mutable_address() =
      AddressAt("", "1500 Larimer Street", "Denver", "CO", "80202");
  ups.verdicts["1500 Market Street"] = answer;
  orders.Put(PlainOrder("o1"));
  Run();
  ASSERT_OK_AND_ASSIGN(const pb::Review review, Get(Open()));
  ASSERT_THAT(review.candidates(), SizeIs(2));
  std::vector<std::string> lines;
  for (const auto& d : review.differences()) {
    lines.push_back(
        absl::StrCat(d.candidate_index(), " ", d.field(), ": ", d.ours(), " - ", d.theirs()));
  }
  EXPECT_THAT(lines, ElementsAre("0 postal_code: 80202 - 80204",
                                 "1 line 1: 1500 Market Street - 1500 Larimer Street"));
}

TEST_F(ReviewDoor, AWeightForOneShipmentIsForThisOneOnly) {
  orders.Put(WithoutWeight("o1"));
  Run();
  ASSERT_OK(Resolve(Weighing(Open(), "2")));
  Run();
  EXPECT_EQ(Only("o1").state, State::kLabeled);
  EXPECT_EQ(ups.requests.begin()->second.shipment().packages(0).weight_lb(), "8");
  orders.Put(WithoutWeight("o2"));
  Run();
  EXPECT_EQ(Only("o2").state, State::kNeedsReview);
}

TEST_F(ReviewDoor, ARememberedWeightShipsTheItemFromThenOn) {
  orders.Put(WithoutWeight("o1"));
  orders.Put(WithoutWeight("o2"));
  Run();
  ASSERT_THAT(Reviews(), SizeIs(2));
  pb::ResolveReviewRequest request = Weighing("reviews/" + Reviews()[0].review.review_id, "2");
  request.set_remember(true);
  ASSERT_OK(Resolve(request));
  EXPECT_EQ(Audited("mapping.set", "actor"), "spiffe://psups/clerk/ann");
  ASSERT_OK(replica->rules.Refresh());
  Run();
  orders.Put(WithoutWeight("o3"));
  Run();
  for (const char* id : {"o1", "o2", "o3"}) EXPECT_EQ(Only(id).state, State::kLabeled) << id;
}

TEST_F(ReviewDoor, WhatWasDecidedBeforeHoldsWhenTheNextThingIsAsked) {
  orders::v1::Order order = WithoutWeight("o1");
  *order.add_schedules() = PlainSchedule(2, 1);
  order.mutable_schedules(1)->set_item_id("20002");
  order.mutable_schedules(1)->clear_shipping_weight();
  orders.Put(order);
  Run();
  ASSERT_OK(Resolve(Weighing(Open(), "2")));
  ASSERT_OK_AND_ASSIGN(const pb::Review second, Get(Open()));
  EXPECT_EQ(second.item().item_id(), "20002");
  ASSERT_OK(Resolve(Weighing(second.name(), "3")));
  Run();
  EXPECT_EQ(Only("o1").state, State::kLabeled);
  EXPECT_EQ(ups.requests.begin()->second.shipment().packages_size(), 2);
}

TEST_F(ReviewDoor, WhoEndsADoubtIsNamedToTheGateway) {
  ups::v1::Call doubt;
  doubt.set_state(ups::v1::Call::IN_DOUBT);
  doubt.set_needs_person(true);
  ups.next = {doubt};
  orders.Put(PlainOrder("o1"));
  Run();
  const std::string first = Only("o1").request_id();
  ASSERT_OK(Resolve(Request(Open(), pb::Review::RETRY)));
  RunAndWait();
  EXPECT_EQ(ups.closed_by[first], "spiffe://psups/clerk/ann");
  EXPECT_EQ(Only("o1").state, State::kLabeled);
}

TEST_F(ReviewDoor, ErrorsNameTheFieldAndWhatIsWanted) {
  pb::ResolveReviewRequest request = Request("nonsense", pb::Review::RETRY);
  absl::Status status = Resolve(request).status();
  EXPECT_THAT(status, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("name: \"nonsense\", want \"reviews/{id}\""));
  request.set_name(OfUnknownAddress());
  request.set_action(pb::Review::ACTION_UNSPECIFIED);
  EXPECT_THAT(Resolve(request), HasCode(absl::StatusCode::kInvalidArgument));
  request.set_action(pb::Review::ACCEPT_CANDIDATE);  // there is none
  EXPECT_THAT(Resolve(request), HasCode(absl::StatusCode::kFailedPrecondition));
  request.set_action(pb::Review::OVERRIDE_ADDRESS);
  *request.mutable_address() = AddressAt("", std::string(36, 'x'), "Denver", "CO", "80202");
  status = Resolve(request).status();
  EXPECT_THAT(status, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(std::string(status.message()), HasSubstr("address.lines"));
  request.mutable_address()->set_lines(0, "1 Main St");
  request.mutable_address()->set_postal_code("8020");
  EXPECT_THAT(Resolve(request), HasCode(absl::StatusCode::kInvalidArgument));
  request.set_comment(std::string(201, 'x'));
  EXPECT_THAT(Resolve(request), HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Reviews(), SizeIs(1));  // nothing of it closed the review
  pb::ListReviewsRequest list;
  list.set_page_token("bm9uc2Vuc2U=");
  EXPECT_THAT(List(list), HasCode(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace psups::shipment_builder::testing

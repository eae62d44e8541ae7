#include "absl/strings/str_split.h"
#include "tests/shipment-builder/walk_world.h"

namespace psups::shipment_builder::testing {
namespace {

std::vector<std::string> Split(const std::string& text) {
  if (text.empty()) return {};
  return absl::StrSplit(text, ',');
}

Decimal Number(const std::string& text) { return *Decimal::Parse(text); }

std::string Describe(const WalkShipment& one) {
  std::string text = absl::StrCat("\n  ", one.shipment_id, " of ", one.order_id, ": ", one.state,
                                  one.holds ? " holds" : "", " undo=", one.undo,
                                  " purchase=", one.purchase, " review=", one.review);
  for (const Share& share : one.shares) {
    absl::StrAppend(&text, " ", share.line, "/", share.schedule, "=", share.quantity.ToString(),
                    "(", share.received.ToString(), ")");
  }
  return text;
}

std::string Describe(const std::vector<const WalkShipment*>& shipments) {
  std::string text;
  for (const WalkShipment* one : shipments) text += Describe(*one);
  return text;
}

}  // namespace

std::vector<WalkShipment> WalkWorld::ReadShipments() {
  const absl::StatusOr<Rows> rows = db().Exec(
      "SELECT s.order_id, s.shipment_id, s.state, s.holds, s.undo, s.work, "
      "coalesce(p.state, '') AS purchase, coalesce(r.reason, '') AS review, "
      "coalesce(r.review_id, '') AS review_id, EXISTS (SELECT 1 FROM reviews d WHERE "
      "d.connection_id = s.connection_id AND d.shipment_id = s.shipment_id AND d.resolution IN "
      "('CANCEL', 'OVERRIDE_ADDRESS')) AS let_go, array_to_string(s.share_lines, ',') AS lines, "
      "array_to_string(s.share_schedules, ',') AS schedules, "
      "array_to_string(s.share_quantities, ',') AS quantities, "
      "array_to_string(s.share_received, ',') AS received, "
      "(SELECT coalesce(string_agg(k.tracking_number, ',' ORDER BY k.package_number), '') FROM "
      "packages k WHERE k.connection_id = s.connection_id AND k.shipment_id = s.shipment_id AND "
      "k.tracking_number <> '') AS numbers FROM shipments s LEFT JOIN purchases p ON "
      "p.connection_id = s.connection_id AND p.shipment_id = s.shipment_id AND "
      "p.purchase_number = s.purchase_number LEFT JOIN reviews r ON r.connection_id = "
      "s.connection_id AND r.shipment_id = s.shipment_id AND r.state = 'OPEN' ORDER BY "
      "s.create_time, s.shipment_id");
  EXPECT_OK(rows);
  std::vector<WalkShipment> result;
  if (!rows.ok()) return result;
  for (const Row& row : *rows) {
    WalkShipment& one = result.emplace_back();
    one.order_id = row.Text("order_id");
    one.shipment_id = row.Text("shipment_id");
    one.state = row.Text("state");
    one.undo = row.Text("undo");
    one.work = row.Text("work");
    one.purchase = row.Text("purchase");
    one.review = row.Text("review");
    one.review_id = row.Text("review_id");
    one.holds = row.Bool("holds");
    one.let_go = row.Bool("let_go");
    const auto lines = Split(row.Text("lines"));
    const auto schedules = Split(row.Text("schedules"));
    const auto quantities = Split(row.Text("quantities"));
    const auto received = Split(row.Text("received"));
    for (std::size_t i = 0; i < lines.size(); ++i) {
      one.shares.push_back({.line = std::stoi(lines[i]),
                            .schedule = std::stoi(schedules[i]),
                            .quantity = Number(quantities[i]),
                            .received = Number(received[i])});
    }
    one.numbers = Split(row.Text("numbers"));
  }
  return result;
}

// What is in the parcels of labels that were made since, as the database has it: it does not change
// while a purchase may be live.
void WalkWorld::LearnContents(const std::vector<WalkUps::TrueLabel>& labels) {
  std::map<std::string, const WalkUps::TrueLabel*> unknown;
  std::vector<std::string> ids;
  for (const WalkUps::TrueLabel& label : labels) {
    if (contents_.count(label.request_id) > 0) continue;
    unknown[label.shipment_id()] = &label;
    ids.push_back(label.shipment_id());
  }
  if (ids.empty()) return;
  const absl::StatusOr<Rows> rows = db().Exec(
      "SELECT shipment_id, package_number, array_to_string(content_lines, ',') AS lines, "
      "array_to_string(content_schedules, ',') AS schedules, "
      "array_to_string(content_quantities, ',') AS quantities FROM packages WHERE shipment_id = "
      "ANY($1::text[]) ORDER BY shipment_id, package_number",
      {ids});
  ASSERT_OK(rows);
  for (const Row& row : *rows) {
    Contents& contents = contents_[unknown.at(row.Text("shipment_id"))->request_id];
    const auto lines = Split(row.Text("lines"));
    const auto schedules = Split(row.Text("schedules"));
    const auto quantities = Split(row.Text("quantities"));
    auto& parcel = contents.emplace_back();
    for (std::size_t i = 0; i < lines.size(); ++i) {
      parcel[{std::stoi(lines[i]), std::stoi(schedules[i])}] = Number(quantities[i]);
    }
  }
}

void WalkWorld::Check(const std::vector<WalkShipment>& shipments, const std::string& when) {
  const std::vector<WalkUps::TrueLabel> labels = walk_ups_->Labels();
  LearnContents(labels);
  std::map<std::string, std::string> order_of;
  for (const WalkShipment& one : shipments) order_of[one.shipment_id] = one.order_id;
  // By order and schedule: from when to when a parcel with some of it had a live label.
  struct Life {
    const WalkUps::TrueLabel* label;
    int64_t from, to;
  };
  using Key = std::tuple<std::string, int, int>;
  std::map<Key, std::vector<Life>> lives;
  std::map<Key, Decimal> live;
  for (const WalkUps::TrueLabel& label : labels) {
    if (label.twin) continue;
    const Contents& contents = contents_.at(label.request_id);
    ASSERT_EQ(contents.size(), label.parcels.size()) << label.request_id << " " << when;
    for (std::size_t i = 0; i < contents.size(); ++i) {
      const WalkUps::Parcel& parcel = label.parcels[i];
      for (const auto& [schedule, quantity] : contents[i]) {
        const Key key{order_of.at(label.shipment_id()), schedule.first, schedule.second};
        lives[key].push_back({&label, parcel.made, parcel.voided});
        if (parcel.voided == WalkUps::kNever) live[key] = live[key] + quantity;
      }
    }
  }
  for (const auto& [key, all] : lives) {
    for (const Life& a : all) {
      for (const Life& b : all) {
        ASSERT_FALSE(a.label != b.label && a.from < b.to && b.from < a.to)
            << when << ": two live labels at once for " << std::get<0>(key) << " "
            << std::get<1>(key) << "/" << std::get<2>(key) << ": " << a.label->request_id << " and "
            << b.label->request_id << Story(std::get<0>(key));
      }
    }
  }
  const absl::StatusOr<Rows> rows = db().Exec(
      "SELECT order_id, line_number, schedule_number, allocated::text AS allocated FROM schedules");
  ASSERT_OK(rows);
  std::map<Key, Decimal> allocated;
  for (const Row& row : *rows) {
    allocated[{row.Text("order_id"), static_cast<int>(row.Int("line_number")),
               static_cast<int>(row.Int("schedule_number"))}] = Number(row.Text("allocated"));
  }
  for (const auto& [key, quantity] : live) {
    ASSERT_LE(quantity.ToString().size(), 20u);
    ASSERT_TRUE(quantity <= allocated[key])
        << when << ": live at UPS but spoken for by nobody: " << std::get<0>(key) << " "
        << std::get<1>(key) << "/" << std::get<2>(key);
  }
}

std::string WalkWorld::Story(const std::string& order_id) {
  std::string text = walkers_.at(order_id).story;
  for (const WalkShipment& one : ReadShipments()) {
    if (one.order_id == order_id) text += Describe(one);
  }
  return absl::StrCat("\nits story:", text);
}

// Nothing goes wrong any more: all comes to its end by itself, but for what a person is asked.
void WalkWorld::Rest() {
  walk_ups_->calm = walk_tracking_->calm = true;
  orders.down = orders.acknowledge_fails = absl::OkStatus();
  orders.kept_back.clear();
  int quiet = 0;
  for (int round = 0; round < 400 && quiet < 3; ++round) {
    walk_tracking_->LetHear(100);
    walk_ups_->LetTimePass(100);
    walk_ups_->LetArrive(100);
    WaitUntilQuiet();
    LeasesRunOut(100);
    int done = 0;
    for (Side& side : sides_) {
      done += side.replica->Round();
      WaitUntilQuiet();
    }
    quiet = done == 0 ? quiet + 1 : 0;
  }
  EXPECT_EQ(quiet, 3) << "does not come to rest";
}

void WalkWorld::CheckEnd() {
  const std::vector<WalkShipment> shipments = ReadShipments();
  Check(shipments, "at the end");
  if (HasFailure()) return;
  std::map<std::string, std::vector<const WalkShipment*>> of;
  std::map<std::string, const WalkShipment*> by_id;
  for (const WalkShipment& one : shipments) {
    of[one.order_id].push_back(&one);
    by_id[one.shipment_id] = &one;
    EXPECT_TRUE(one.state != "FAILED" && one.state != "VALIDATING" && one.state != "LABELING" &&
                one.state != "VOIDING" && one.work != "HAND_OVER")
        << "stuck:" << Describe(one) << Story(one.order_id);
    EXPECT_TRUE(one.state != "NEEDS_REVIEW" || !one.review.empty())
        << "waits for nobody:" << Describe(one) << Story(one.order_id);
  }
  for (const WalkUps::TrueLabel& label : walk_ups_->Labels()) {
    const WalkShipment& one = *by_id.at(label.shipment_id());
    const bool known = label.live() && !label.twin;
    EXPECT_FALSE(label.twin && label.live()) << label.request_id;
    if (known) {
      EXPECT_TRUE(one.state == "LABELED" || one.state == "IN_TRANSIT" || one.state == "DELIVERED" ||
                  one.state == "RETURNED" || one.state == "LOST")
          << "a live label that nobody knows of:" << Describe(one) << Story(one.order_id);
    }
    for (const WalkUps::Parcel& parcel : label.parcels) {
      if (label.twin || !walk_tracking_->Follows(parcel.number)) continue;
      EXPECT_EQ(walk_tracking_->Closed(parcel.number), parcel.voided != WalkUps::kNever)
          << parcel.number << Describe(one) << Story(one.order_id);
    }
  }
  for (const auto& [id, walker] : walkers_) {
    const WalkOrder& order = walker.order;
    for (const WalkOrder::Line& line : order.lines()) {
      std::vector<const WalkShipment*> holders;
      for (const WalkShipment* one : of[id]) {
        if (one->holds && one->Has(line.line, line.schedule)) holders.push_back(one);
      }
      CheckSchedule(order, line, holders);
    }
  }
  EXPECT_EQ(One("SELECT count(*)::text AS v FROM schedules s WHERE allocated <> (SELECT "
                "coalesce(sum(u.q), 0) FROM shipments h JOIN purchases p ON p.connection_id = "
                "h.connection_id AND p.shipment_id = h.shipment_id AND p.purchase_number = "
                "h.purchase_number, unnest(h.share_lines, h.share_schedules, h.share_quantities) "
                "AS u(l, n, q) WHERE h.order_id = s.order_id AND u.l = s.line_number AND u.n = "
                "s.schedule_number AND p.state IN ('OPEN', 'IN_DOUBT', 'DONE'))"),
            "0")
      << "what is spoken for is not what purchases hold";
}

// What the order wants of a schedule has a label, or a person knows why not.
void WalkWorld::CheckSchedule(const WalkOrder& order, const WalkOrder::Line& line,
                              const Those& holders) {
  const std::string what = absl::StrCat(order.id(), " ", line.line, "/", line.schedule, " ordered ",
                                        line.ordered, " received ", line.received, " why not ",
                                        Schedule::IneligibleReason_Name(order.WhyNot(line)));
  bool accounted = false;
  for (const WalkShipment* one : holders) {
    const bool asked = !one->review.empty();
    const bool decided =
        one->state == "CANCELLED" || (one->state == "VOIDED" && one->undo == "PERSON");
    accounted |= asked || decided || one->state == "IN_TRANSIT" || one->state == "DELIVERED" ||
                 one->state == "RETURNED" || one->state == "LOST" ||
                 (one->state == "RECEIVED" && line.later);
    if (one->state != "LABELED") continue;
    accounted = true;
    if (asked || one->let_go) continue;
    const Share& share = *std::find_if(one->shares.begin(), one->shares.end(), [&](const Share& s) {
      return s.line == line.line && s.schedule == line.schedule;
    });
    const int shipped = static_cast<int>(share.quantity.Floor());
    const int before = static_cast<int>(share.received.Floor());
    if (line.open() == 0 && line.received >= before + shipped) continue;  // it arrived
    const Schedule::IneligibleReason why_not = order.WhyNot(line);
    EXPECT_EQ(why_not, Schedule::INELIGIBLE_REASON_UNSPECIFIED)
        << what << Describe(holders) << Story(order.id());
    EXPECT_EQ(shipped, line.ordered - before) << what << Describe(holders) << Story(order.id());
    for (const WalkUps::TrueLabel& label : walk_ups_->Labels()) {
      if (label.shipment_id() != one->shipment_id || !label.live() || label.twin) continue;
      EXPECT_TRUE(label.spec.ship_to().city() == PlaceAddress(line.place).city() ||
                  line.place == "NOWHERE")
          << what << Describe(holders) << Story(order.id());
    }
  }
  if (order.WhyNot(line) == Schedule::INELIGIBLE_REASON_UNSPECIFIED) {
    EXPECT_TRUE(accounted) << "forgotten: " << what << Describe(holders) << Story(order.id());
  }
}

}  // namespace psups::shipment_builder::testing

#include "services/shipment-builder/rules.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/ascii.h"

namespace psups::shipment_builder {
namespace {

namespace pb = psups::shipments::v1;

constexpr int kMostDaysAhead = 7;  // UPS takes a shipment so many days ahead

std::string Code(const std::string& text) {
  return absl::AsciiStrToUpper(absl::StripAsciiWhitespace(text));
}

// A blank pattern is any.
bool FitsOrAny(const std::string& pattern, const std::string& value) {
  return pattern.empty() || Code(pattern) == Code(value);
}

// "*" is any, a blank one only blank.
bool FitsOrStar(const std::string& pattern, const std::string& value) {
  return pattern == "*" || Code(pattern) == Code(value);
}

// Numbers that were checked when the rules were set.
Decimal NumberOf(const std::string& text, Decimal otherwise) {
  const auto value = Decimal::Parse(text);
  return value.ok() ? *value : otherwise;
}

std::array<Length, 3> SidesOf(const type::v1::Dimensions& dimensions) {
  const auto length = [&](const std::string& text) {
    const Decimal value = NumberOf(text, Decimal(0));
    return Code(dimensions.unit()) == "CM" ? Length::Centimetres(value) : Length::Inches(value);
  };
  return {length(dimensions.length()), length(dimensions.width()), length(dimensions.height())};
}

Box BoxOf(const pb::Rules::Box& box, const std::string& packaging_code) {
  Box result{
      .box_id = box.box_id(),
      .inner = SidesOf(box.inner()),
      .tare_lb = NumberOf(box.tare_lb(), Decimal(0)),
      .max_weight_lb = NumberOf(box.max_weight_lb(), Decimal(kMostPoundsPerPackage)),
      .packaging_code = box.packaging_code().empty() ? packaging_code : box.packaging_code()};
  const std::array<Length, 3> outer = SidesOf(box.has_outer() ? box.outer() : box.inner());
  for (std::size_t i = 0; i < outer.size(); ++i) {
    result.outer_in[i] = static_cast<int>(outer[i].WholeInchesUp());
  }
  return result;
}

MeasureRules::ItemMeasures MeasuresOf(const pb::Rules::Item& item) {
  MeasureRules::ItemMeasures result;
  if (item.has_weight()) {
    result.weight = NumberOf(item.weight().value(), Decimal(0));
    result.weight_unit = Code(item.weight().unit());
  }
  if (item.has_dimensions()) {
    const type::v1::Dimensions& sides = item.dimensions();
    result.sides = {NumberOf(sides.length(), Decimal(0)), NumberOf(sides.width(), Decimal(0)),
                    NumberOf(sides.height(), Decimal(0))};
    result.sides_unit = Code(sides.unit());
  }
  return result;
}

MeasureRules MeasureRulesOf(const pb::Rules& rules) {
  MeasureRules result;
  for (const auto& unit : rules.units()) {
    result.units[Code(unit.unit_of_measure())] = Code(unit.stands_for());
  }
  for (const auto& one : rules.conversions()) {
    result.conversions.push_back({.from = Code(one.unit_of_measure()),
                                  .to = Code(one.unit_of_measure_to()),
                                  .rate = NumberOf(one.rate(), Decimal(1))});
  }
  for (const auto& item : rules.items()) {
    result.items.push_back(
        {{Code(item.setid()), Code(item.item_id()), Code(item.unit_of_measure())},
         MeasuresOf(item)});
  }
  result.gate = !rules.implausible_measures_ship();
  return result;
}

const std::map<std::string, std::string>& UsualServices() {
  static const std::map<std::string, std::string> kServices = {
      {"", "03"}, {"GROUND", "03"}, {"3DAY", "12"}, {"2DAY", "02"}, {"1DAY", "01"}};
  return kServices;
}

}  // namespace

Rules::Rules(const pb::Rules& rules, int64_t version)
    : text_(rules), version_(version), measures_(MeasureRulesOf(rules)) {
  for (const auto& box : rules.boxes()) boxes_.push_back(BoxOf(box, packaging_code()));
  addresses_.review_residential_flip = rules.addresses().ask_about_residential();
  for (const std::string& country : rules.addresses().countries()) {
    addresses_.countries.insert(Code(country));
  }
}

std::optional<std::string> Rules::ServiceFor(const Schedule& schedule) const {
  if (text_.services().empty()) {
    const auto found = UsualServices().find(Code(schedule.ship_type_id()));
    if (found == UsualServices().end()) return std::nullopt;
    return found->second;
  }
  for (const auto& rule : text_.services()) {
    if (FitsOrAny(rule.setid(), schedule.carrier_setid()) &&
        FitsOrAny(rule.carrier_id(), schedule.carrier_id()) &&
        FitsOrStar(rule.ship_type_id(), schedule.ship_type_id())) {
      return rule.service_code();
    }
  }
  return std::nullopt;
}

std::optional<ups::v1::Payment> Rules::PaymentFor(const Schedule& schedule) const {
  if (text_.freight().empty()) return ups::v1::Payment();
  for (const auto& rule : text_.freight()) {
    if (FitsOrStar(rule.freight_terms(), schedule.freight_terms()) &&
        FitsOrAny(rule.vendor_id(), schedule.vendor_id()) &&
        FitsOrAny(rule.ship_to_id(), schedule.ship_to_id())) {
      return rule.payment();
    }
  }
  return std::nullopt;
}

type::v1::Address Rules::Arranged(const std::string& setid,
                                  const type::v1::Address& address) const {
  if (address.lines_size() < 2) return address;
  for (const auto& rule : text_.address_lines()) {
    if (!FitsOrAny(rule.setid(), setid)) continue;
    type::v1::Address result = address;
    result.clear_lines();
    for (int i = 0; i < address.lines_size(); ++i) {
      const auto use = i < rule.lines_size() ? rule.lines(i) : pb::Rules::STREET;
      if (use == pb::Rules::ATTENTION) {
        if (result.attention_name().empty()) result.set_attention_name(address.lines(i));
      } else if (use != pb::Rules::LEFT_OUT) {
        result.add_lines(address.lines(i));
      }
    }
    return result.lines().empty() ? address : result;
  }
  return address;
}

const pb::Rules::Item* Rules::ItemOf(const Schedule& schedule) const {
  for (const auto& item : text_.items()) {
    if (FitsOrAny(item.setid(), schedule.item_setid()) &&
        FitsOrStar(item.item_id(), schedule.item_id()) &&
        FitsOrAny(item.unit_of_measure(), schedule.unit_of_measure())) {
      return &item;
    }
  }
  return nullptr;
}

bool Rules::ShipsTo(const std::string& country_code) const {
  const std::string code = Code(country_code);
  return code == "US" || code == "PR" || addresses_.countries.count(code) > 0;
}

std::string Rules::packaging_code() const {
  return text_.packaging_code().empty() ? "02" : text_.packaging_code();
}

int Rules::days_ahead() const {
  if (!text_.buying().has_days_ahead()) return kMostDaysAhead;
  return std::clamp(text_.buying().days_ahead(), 0, kMostDaysAhead);
}

bool Rules::past_due_is_asked() const {
  return text_.buying().past_due() == pb::Rules::Buying::ASK;
}

bool Rules::estimates() const {
  return text_.choice().estimate() || !text_.choice().service_codes().empty() ||
         text_.choice().has_price_cap();
}

RuleHistory::RuleHistory() { Add(std::make_shared<const Rules>()); }

void RuleHistory::Add(std::shared_ptr<const Rules> rules) {
  const int64_t version = rules->version();
  versions_[version] = std::move(rules);
}

void RuleHistory::DropAfter(int64_t version) {
  versions_.erase(versions_.upper_bound(version), versions_.end());
}

const Rules& RuleHistory::Of(int64_t version) const {
  const auto found = versions_.find(version);
  return found == versions_.end() ? newest() : *found->second;
}

}  // namespace psups::shipment_builder

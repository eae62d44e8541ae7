#include "services/ps-ingest/document.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/decimal.h"
#include "common/status_macros.h"
#include "services/ps-ingest/codes.h"
#include "services/ps-ingest/local_time.h"

namespace psups::ps_ingest {
namespace {

namespace pb = orders::v1;
namespace type_pb = type::v1;
using Schedule = pb::Order::Schedule;

// One row with its columns by our names.
class RowView {
 public:
  RowView(const std::vector<std::string>& row, const ColumnIndex& columns,
          type_pb::DocumentType type, absl::TimeZone zone)
      : row_(row), columns_(columns), type_(type), zone_(zone) {}

  const std::string& Text(Column column) const {
    static const std::string& absent = *new std::string;
    const int at = columns_[static_cast<std::size_t>(column)];
    return at < 0 ? absent : row_[static_cast<std::size_t>(at)];
  }

  // Whether the site's query has the column.
  bool Has(Column column) const { return columns_[static_cast<std::size_t>(column)] >= 0; }

  // A whole number of at least `least`, also written "1.0000"; blank is zero.
  absl::StatusOr<int32_t> Number(Column column, int64_t least) const {
    ASSIGN_OR_RETURN(const Decimal value, Quantity(column));
    const int64_t whole = value.Floor();
    if (Decimal(whole) != value || whole < least || whole > INT32_MAX) {
      return Refused(column, "is not a whole number");
    }
    return static_cast<int32_t>(whole);
  }

  // A decimal; blank is zero.
  absl::StatusOr<Decimal> Quantity(Column column) const {
    const std::string& text = Text(column);
    if (text.empty()) return Decimal();
    absl::StatusOr<Decimal> value = Decimal::Parse(text);
    if (!value.ok()) return Refused(column, "is not a number");
    return value;
  }

  // A decimal that only matters if it is there: what is not a number is as good as not maintained.
  std::string Measured(Column column) const {
    const absl::StatusOr<Decimal> value = Quantity(column);
    return value.ok() && !value->is_zero() ? value->ToString() : "";
  }

  // YYYY-MM-DD or empty.
  absl::StatusOr<std::string> Date(Column column) const {
    const std::string& text = Text(column);
    if (text.empty()) return "";
    const absl::StatusOr<LocalTime> time = ParseLocalTime(text, zone_);
    if (!time.ok()) return Refused(column, "is not a date");
    return absl::FormatCivilTime(absl::CivilDay(time->second));
  }

  absl::StatusOr<std::string> DateTime(Column column) const {
    const absl::StatusOr<LocalTime> time = ParseLocalTime(Text(column), zone_);
    if (!time.ok()) return Refused(column, "is not a date and time");
    return FormatLocalTime(*time);
  }

  absl::StatusOr<std::string> Key(Column column) const {
    if (Text(column).empty()) return Refused(column, "is blank");
    return Text(column);
  }

 private:
  absl::Status Refused(Column column, const char* why) const {
    const std::string name(ColumnName(column, type_));
    return absl::InvalidArgumentError(
        absl::StrCat("document ", Text(Column::kBusinessUnit), " ", Text(Column::kDocumentId),
                     " line ", Text(Column::kLineNumber), " schedule ",
                     Text(Column::kScheduleNumber), ": ", name, " ", why));
  }

  const std::vector<std::string>& row_;
  const ColumnIndex& columns_;
  type_pb::DocumentType type_;
  absl::TimeZone zone_;
};

// The columns of one of the addresses of a row.
struct AddressColumns {
  Column name, lines[4], city, state, postal, country, phone;
};
constexpr AddressColumns kVendor = {Column::kVendorName,
                                    {Column::kVendorAddress1, Column::kVendorAddress2,
                                     Column::kVendorAddress3, Column::kVendorAddress4},
                                    Column::kVendorCity,
                                    Column::kVendorState,
                                    Column::kVendorPostal,
                                    Column::kVendorCountry,
                                    Column::kVendorPhone};
constexpr AddressColumns kShipTo = {Column::kShipToName,
                                    {Column::kShipToAddress1, Column::kShipToAddress2,
                                     Column::kShipToAddress3, Column::kShipToAddress4},
                                    Column::kShipToCity,
                                    Column::kShipToState,
                                    Column::kShipToPostal,
                                    Column::kShipToCountry,
                                    Column::kShipToPhone};

constexpr AddressColumns kCustomer = {Column::kCustomerName,
                                      {Column::kCustomerAddress1, Column::kCustomerAddress2,
                                       Column::kCustomerAddress3, Column::kCustomerAddress4},
                                      Column::kCustomerCity,
                                      Column::kCustomerState,
                                      Column::kCustomerPostal,
                                      Column::kCustomerCountry,
                                      Column::kCustomerPhone};
constexpr AddressColumns kInventory = {Column::kInventoryName,
                                       {Column::kInventoryAddress1, Column::kInventoryAddress2,
                                        Column::kInventoryAddress3, Column::kInventoryAddress4},
                                       Column::kInventoryCity,
                                       Column::kInventoryState,
                                       Column::kInventoryPostal,
                                       Column::kInventoryCountry,
                                       Column::kInventoryPhone};

bool IsAddress(const type_pb::Address& address) {
  return address.lines_size() > 0 || !address.city().empty() || !address.postal_code().empty();
}

// Nothing where the row has none: a name alone is no address.
std::optional<type_pb::Address> ReadAddress(const RowView& row, const AddressColumns& columns) {
  type_pb::Address address;
  address.set_name(row.Text(columns.name));
  for (const Column line : columns.lines) {
    if (!row.Text(line).empty()) address.add_lines(row.Text(line));
  }
  address.set_city(row.Text(columns.city));
  address.set_state(row.Text(columns.state));
  address.set_postal_code(row.Text(columns.postal));
  address.set_country_code(CountryCode(row.Text(columns.country)));
  address.set_phone(row.Text(columns.phone));
  if (!IsAddress(address)) return std::nullopt;
  return address;
}

// From the vendor, else from where the inventory is; to the location or, where the schedule ships
// to a customer, to his address and nowhere else.
void ReadParties(const RowView& row, Schedule& schedule, const ScheduleFacts& facts) {
  std::optional<type_pb::Address> from = ReadAddress(row, kVendor);
  if (!from.has_value()) {
    from = ReadAddress(row, kInventory);
    if (from.has_value()) from->set_attention_name(row.Text(Column::kInventoryAttention));
  }
  if (from.has_value()) *schedule.mutable_ship_from() = *std::move(from);
  std::optional<type_pb::Address> to =
      ReadAddress(row, facts.ships_to_customer ? kCustomer : kShipTo);
  if (!to.has_value()) return;
  if (!facts.ships_to_customer) to->set_attention_name(row.Text(Column::kShipToAttention));
  *schedule.mutable_ship_to() = *std::move(to);
}

// Of the item at this unit of measure; else of any item between the two units; 1 between the same.
std::string ConversionRate(const RowView& row) {
  std::string rate = row.Measured(Column::kConversionRate);
  if (rate.empty()) rate = row.Measured(Column::kUnitConversion);
  const std::string& unit = row.Text(Column::kUnitOfMeasure);
  if (rate.empty() && !unit.empty() && unit == row.Text(Column::kStandardUnit)) return "1";
  return rate;
}

absl::Status ReadSchedule(const RowView& row, Schedule& schedule, ScheduleFacts& facts) {
  ASSIGN_OR_RETURN(const Decimal ordered, row.Quantity(Column::kQuantity));
  ASSIGN_OR_RETURN(const Decimal received, row.Quantity(Column::kReceivedQuantity));
  const Decimal open = std::max(Decimal(), ordered - received);
  ASSIGN_OR_RETURN(*schedule.mutable_due_date(), row.Date(Column::kDueDate));
  ASSIGN_OR_RETURN(*schedule.mutable_ship_date(), row.Date(Column::kShipDate));
  schedule.set_ordered_quantity(ordered.ToString());
  schedule.set_open_quantity(open.ToString());
  schedule.set_unit_of_measure(row.Text(Column::kUnitOfMeasure));
  schedule.set_item_setid(row.Text(Column::kItemSetid));
  schedule.set_item_id(row.Text(Column::kItemId));
  schedule.set_description(row.Text(Column::kDescription));
  schedule.mutable_shipping_weight()->set_value(row.Measured(Column::kShippingWeight));
  schedule.mutable_shipping_weight()->set_unit(row.Text(Column::kShippingWeightUnit));
  schedule.mutable_item_weight()->set_value(row.Measured(Column::kItemWeight));
  schedule.mutable_item_weight()->set_unit(row.Text(Column::kItemWeightUnit));
  schedule.mutable_item_dimensions()->set_length(row.Measured(Column::kItemLength));
  schedule.mutable_item_dimensions()->set_width(row.Measured(Column::kItemWidth));
  schedule.mutable_item_dimensions()->set_height(row.Measured(Column::kItemHeight));
  schedule.mutable_item_dimensions()->set_unit(row.Text(Column::kItemDimensionUnit));
  schedule.set_conversion_rate(ConversionRate(row));
  schedule.set_standard_unit_of_measure(row.Text(Column::kStandardUnit));
  schedule.set_carrier_id(row.Text(Column::kCarrierId));
  schedule.set_carrier_setid(row.Text(Column::kCarrierSetid));
  schedule.set_harmonized_code(row.Text(Column::kHarmonizedCode));
  schedule.set_origin_country_code(CountryCode(row.Text(Column::kOriginCountry)));
  schedule.set_ship_type_id(row.Text(Column::kShipTypeId));
  schedule.set_freight_terms(row.Text(Column::kFreightTerms));
  schedule.set_vendor_setid(row.Text(Column::kVendorSetid));
  schedule.set_vendor_id(row.Text(Column::kVendorId));
  schedule.set_ship_to_setid(row.Text(Column::kShipToSetid));
  schedule.set_ship_to_id(row.Text(Column::kShipToId));
  schedule.set_unit_price(row.Measured(Column::kPrice));
  schedule.set_currency_code(row.Text(Column::kCurrency));

  facts.line_cancel_status = CancelStatusCode(row.Text(Column::kLineCancelStatus));
  facts.schedule_cancel_status = CancelStatusCode(row.Text(Column::kScheduleCancelStatus));
  facts.physical_nature = PhysicalNatureCode(row.Text(Column::kPhysicalNature));
  facts.amount_only = IsYes(row.Text(Column::kAmountOnly));
  facts.ships_to_customer = !row.Text(Column::kShipToCustomer).empty();
  facts.receiving = ReceivingCode(row.Text(Column::kReceiving));
  facts.open_quantity = open;
  ReadParties(row, schedule, facts);
  return absl::OkStatus();
}

absl::Status ReadHeader(const RowView& row, const std::string& connection,
                        type_pb::DocumentType type, pb::Order& order) {
  order.mutable_document()->set_connection(connection);
  order.mutable_document()->set_document_type(type);
  ASSIGN_OR_RETURN(*order.mutable_document()->mutable_business_unit(),
                   row.Key(Column::kBusinessUnit));
  ASSIGN_OR_RETURN(*order.mutable_document()->mutable_document_id(), row.Key(Column::kDocumentId));
  ASSIGN_OR_RETURN(const int32_t batch, row.Number(Column::kChangeOrderBatch, 0));
  order.set_change_order_batch(batch);
  const std::string& status = row.Text(Column::kStatus);
  order.set_document_status(type == type_pb::REQUISITION ? RequisitionStatusCode(status)
                                                         : PurchaseOrderStatusCode(status));
  order.set_document_reference(row.Text(Column::kReference));
  ASSIGN_OR_RETURN(*order.mutable_document_date(), row.Date(Column::kDocumentDate));
  ASSIGN_OR_RETURN(*order.mutable_last_update_local_time(), row.DateTime(Column::kLastUpdate));
  return absl::OkStatus();
}

// A document in the making.
struct Group {
  struct Line {
    Schedule schedule = {};
    ScheduleFacts facts = {};
    int32_t vendor_address = 0;
  };
  pb::Order order = {};
  bool on_hold = false;
  std::map<std::pair<int32_t, int32_t>, Line> lines = {};
  absl::Status fault = absl::OkStatus();
};

// The purchase order that a requisition's schedule went into: of several the first by its key.
void AddSourced(const RowView& row, Schedule& schedule, ScheduleFacts& facts) {
  const std::string& id = row.Text(Column::kSourcedDocument);
  if (id.empty()) return;
  const std::string& unit = row.Text(Column::kSourcedUnit).empty() ? row.Text(Column::kBusinessUnit)
                                                                   : row.Text(Column::kSourcedUnit);
  const DocumentId here = {.business_unit = unit, .id = id};
  const DocumentId before = {.business_unit = schedule.sourced_business_unit(),
                             .id = schedule.sourced_document_id()};
  if (facts.sourced_to_purchase_order && before <= here) return;
  facts.sourced_to_purchase_order = true;
  schedule.set_sourced_document_id(id);
  schedule.set_sourced_business_unit(unit);
}

// The requisition's schedule that a purchase order's came from, unless it is known.
absl::Status AddSource(const RowView& row, Schedule& schedule) {
  if (row.Text(Column::kSourceDocument).empty()) return absl::OkStatus();
  Schedule::SourceSchedule source;
  source.set_business_unit(row.Text(Column::kSourceUnit).empty() ? row.Text(Column::kBusinessUnit)
                                                                 : row.Text(Column::kSourceUnit));
  source.set_requisition_id(row.Text(Column::kSourceDocument));
  ASSIGN_OR_RETURN(const int32_t line, row.Number(Column::kSourceLine, 1));
  ASSIGN_OR_RETURN(const int32_t number, row.Number(Column::kSourceSchedule, 1));
  source.set_line_number(line);
  source.set_schedule_number(number);
  const auto key = [](const Schedule::SourceSchedule& s) {
    return std::tie(s.business_unit(), s.requisition_id());
  };
  const auto same = [&](const Schedule::SourceSchedule& s) {
    return key(s) == key(source) && s.line_number() == line && s.schedule_number() == number;
  };
  const auto& known = schedule.sources();
  if (std::none_of(known.begin(), known.end(), same)) *schedule.add_sources() = std::move(source);
  return absl::OkStatus();
}

absl::Status AddRow(const RowView& row, const std::string& connection, type_pb::DocumentType type,
                    Group& group) {
  if (group.lines.empty()) {
    RETURN_IF_ERROR(ReadHeader(row, connection, type, group.order));
    group.on_hold = IsYes(row.Text(Column::kHoldStatus));
  }
  ASSIGN_OR_RETURN(const int32_t line, row.Number(Column::kLineNumber, 1));
  ASSIGN_OR_RETURN(const int32_t number, row.Number(Column::kScheduleNumber, 1));
  const auto [entry, fresh] = group.lines.try_emplace({line, number});
  auto& [schedule, facts, vendor_address] = entry->second;
  if (fresh) {
    schedule.set_line_number(line);
    schedule.set_schedule_number(number);
    RETURN_IF_ERROR(ReadSchedule(row, schedule, facts));
    ASSIGN_OR_RETURN(vendor_address, row.Number(Column::kVendorAddressSequence, 0));
    facts.document_status = group.order.document_status();
    facts.on_hold = group.on_hold;
    facts.document_date = group.order.document_date();
    facts.business_unit = group.order.document().business_unit();
    facts.link_unknown = type == type_pb::REQUISITION && !row.Has(Column::kSourcedDocument);
  }
  AddSourced(row, schedule, facts);
  return AddSource(row, schedule);
}

// The order of rows says nothing: the content's hash must not depend on it.
void SortSources(Schedule& schedule) {
  const auto key = [](const Schedule::SourceSchedule& s) {
    return std::make_tuple(s.business_unit(), s.requisition_id(), s.line_number(),
                           s.schedule_number());
  };
  std::sort(schedule.mutable_sources()->begin(), schedule.mutable_sources()->end(),
            [&](const auto& a, const auto& b) { return key(a) < key(b); });
}

}  // namespace

Documents ReadDocuments(const QueryResult& result, const ColumnIndex& columns,
                        const std::string& connection, type_pb::DocumentType type,
                        absl::TimeZone zone) {
  std::map<DocumentId, Group> groups;
  Documents documents;
  for (const std::vector<std::string>& values : result.rows) {
    const RowView row(values, columns, type, zone);
    for (const Column key : {Column::kBusinessUnit, Column::kDocumentId}) {
      if (const auto text = row.Key(key); !text.ok()) return {.fault = text.status()};
    }
    DocumentId id = {.business_unit = row.Text(Column::kBusinessUnit),
                     .id = row.Text(Column::kDocumentId)};
    documents.ordered = documents.ordered && documents.last <= id;
    Group& group = groups[id];
    if (group.fault.ok()) group.fault = AddRow(row, connection, type, group);
    documents.last = std::move(id);
  }
  for (auto& [id, group] : groups) {
    if (id < documents.last) documents.before_last = id;
    if (!group.fault.ok()) {
      documents.fault.Update(group.fault);
      continue;
    }
    Document& document = documents.readable.emplace_back();
    document.order = std::move(group.order);
    for (auto& [numbers, line] : group.lines) {
      SortSources(line.schedule);
      *document.order.add_schedules() = std::move(line.schedule);
      document.facts.push_back(std::move(line.facts));
      document.vendor_addresses.push_back(line.vendor_address);
    }
  }
  return documents;
}

DocumentId IdOf(const pb::Order& order) {
  return {.business_unit = order.document().business_unit(), .id = order.document().document_id()};
}

void Judge(Document& document, const ShippingRules& rules) {
  for (int i = 0; i < document.order.schedules_size(); ++i) {
    document.order.mutable_schedules(i)->set_ineligible_reason(
        WhyIneligible(document.facts[static_cast<std::size_t>(i)], rules));
  }
}

bool HasEligible(const pb::Order& order) {
  return std::any_of(order.schedules().begin(), order.schedules().end(), [](const Schedule& s) {
    return s.ineligible_reason() == Schedule::INELIGIBLE_REASON_UNSPECIFIED;
  });
}

}  // namespace psups::ps_ingest

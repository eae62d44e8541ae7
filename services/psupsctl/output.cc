#include "services/psupsctl/output.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/util/json_util.h"
#include "psups/type/v1/address.pb.h"
#include "psups/type/v1/measure.pb.h"

namespace psups::psupsctl {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using nlohmann::ordered_json;

bool Is64Bit(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_INT64 ||
         field.cpp_type() == FieldDescriptor::CPPTYPE_UINT64;
}

void TextToNumber(ordered_json& value) {
  int64_t number = 0;
  if (value.is_string() && absl::SimpleAtoi(value.get_ref<const std::string&>(), &number)) {
    value = number;
  }
}

// proto3 JSON has 64-bit integers as strings; ours are counts and versions, far below 2^53.
void NumbersAsNumbers(ordered_json& json, const Descriptor& type) {
  if (!json.is_object()) return;  // a time or duration: a string
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    const auto found = json.find(field.name());
    if (found == json.end() || field.is_map()) continue;
    const auto each = [&field](ordered_json& value) {
      if (Is64Bit(field)) TextToNumber(value);
      if (field.message_type() != nullptr) NumbersAsNumbers(value, *field.message_type());
    };
    if (field.is_repeated()) {
      for (ordered_json& value : *found) each(value);
    } else {
      each(*found);
    }
  }
}

ordered_json AsJson(const Message& message, bool every_field) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = every_field;
  std::string text;
  if (!google::protobuf::util::MessageToJsonString(message, &text, options).ok()) return nullptr;
  ordered_json json = ordered_json::parse(text);
  NumbersAsNumbers(json, *message.GetDescriptor());
  return json;
}

std::size_t CharactersOf(const std::string& utf8) {
  return static_cast<std::size_t>(
      std::count_if(utf8.begin(), utf8.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string Label(const std::string& field_name) {
  return absl::StrReplaceAll(field_name, {{"_", " "}});
}

// A message that reads best on one line; empty if it is not of such a type.
std::string OneLine(const Message& message) {
  if (const auto* time = dynamic_cast<const google::protobuf::Timestamp*>(&message)) {
    return TimeText(*time, Style::kHuman);
  }
  if (const auto* duration = dynamic_cast<const google::protobuf::Duration*>(&message)) {
    return absl::FormatDuration(absl::Seconds(duration->seconds()) +
                                absl::Nanoseconds(duration->nanos()));
  }
  if (const auto* money = dynamic_cast<const type::v1::Money*>(&message)) return MoneyText(*money);
  if (const auto* key = dynamic_cast<const type::v1::DocumentKey*>(&message)) {
    return absl::StrCat(DocumentText(*key), " (", key->connection(), ")");
  }
  if (const auto* quantity = dynamic_cast<const type::v1::ScheduleQuantity*>(&message)) {
    return QuantityText(*quantity);
  }
  if (const auto* measure = dynamic_cast<const type::v1::Measure*>(&message)) {
    return measure->value().empty() ? "not maintained"
                                    : absl::StrCat(measure->value(), " ", measure->unit());
  }
  if (const auto* size = dynamic_cast<const type::v1::Dimensions*>(&message)) {
    return size->length().empty() ? "not maintained"
                                  : absl::StrCat(size->length(), " x ", size->width(), " x ",
                                                 size->height(), " ", size->unit());
  }
  if (const auto* address = dynamic_cast<const type::v1::Address*>(&message)) {
    std::vector<std::string> parts = {address->name(), address->attention_name()};
    parts.insert(parts.end(), address->lines().begin(), address->lines().end());
    parts.push_back(absl::StrCat(address->city(), " ", address->state(), " ",
                                 address->postal_code(), " ", address->country_code()));
    std::erase(parts, "");
    return absl::StrCat(absl::StrJoin(parts, ", "), address->residential() ? " (a home)" : "");
  }
  return "";
}

// One value that is no message. `index` < 0: the field is singular.
std::string ScalarText(const Message& message, const FieldDescriptor& field, int index) {
  const Reflection& reflection = *message.GetReflection();
  const bool many = index >= 0;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return absl::StrCat(many ? reflection.GetRepeatedInt32(message, &field, index)
                               : reflection.GetInt32(message, &field));
    case FieldDescriptor::CPPTYPE_INT64:
      return absl::StrCat(many ? reflection.GetRepeatedInt64(message, &field, index)
                               : reflection.GetInt64(message, &field));
    case FieldDescriptor::CPPTYPE_BOOL:
      return (many ? reflection.GetRepeatedBool(message, &field, index)
                   : reflection.GetBool(message, &field))
                 ? "yes"
                 : "no";
    case FieldDescriptor::CPPTYPE_ENUM:
      return EnumText(*field.enum_type(),
                      many ? reflection.GetRepeatedEnumValue(message, &field, index)
                           : reflection.GetEnumValue(message, &field),
                      Style::kHuman);
    case FieldDescriptor::CPPTYPE_STRING: {
      const std::string text = many ? reflection.GetRepeatedString(message, &field, index)
                                    : reflection.GetString(message, &field);
      if (field.type() == FieldDescriptor::TYPE_BYTES) return absl::StrCat(text.size(), " bytes");
      return field.name() == "ca_bundle_pem" ? "given" : text;
    }
    case FieldDescriptor::CPPTYPE_UINT32:
    case FieldDescriptor::CPPTYPE_UINT64:
    case FieldDescriptor::CPPTYPE_DOUBLE:
    case FieldDescriptor::CPPTYPE_FLOAT:
    case FieldDescriptor::CPPTYPE_MESSAGE:
      break;  // none in psups' protos, and messages are not scalars
  }
  return "?";
}

void WriteFields(std::ostream& out, const Message& message, const std::string& indent);

void WritePart(std::ostream& out, const std::string& label, const Message& part,
               const std::string& indent) {
  if (const std::string line = OneLine(part); !line.empty()) {
    out << indent << label << ": " << line << "\n";
    return;
  }
  out << indent << label << ":\n";
  WriteFields(out, part, indent + "  ");
}

void WriteMap(std::ostream& out, const Message& message, const FieldDescriptor& field,
              const std::string& indent) {
  const Reflection& reflection = *message.GetReflection();
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
    const Message& entry = reflection.GetRepeatedMessage(message, &field, i);
    const Descriptor& type = *entry.GetDescriptor();
    out << indent << "  " << ScalarText(entry, *type.map_key(), -1) << ": "
        << ScalarText(entry, *type.map_value(), -1) << "\n";
  }
}

void WriteFields(std::ostream& out, const Message& message, const std::string& indent) {
  const Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const std::string label = Label(field->name());
    const bool is_message = field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    if (field->is_map()) {
      out << indent << label << ":\n";
      WriteMap(out, message, *field, indent);
    } else if (!field->is_repeated()) {
      if (is_message) {
        WritePart(out, label, reflection.GetMessage(message, field), indent);
      } else {
        out << indent << label << ": " << ScalarText(message, *field, -1) << "\n";
      }
    } else if (is_message) {
      for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
        WritePart(out, absl::StrCat(label, " ", i + 1),
                  reflection.GetRepeatedMessage(message, field, i), indent);
      }
    } else {
      std::vector<std::string> values;
      for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
        values.push_back(ScalarText(message, *field, i));
      }
      out << indent << label << ": " << absl::StrJoin(values, ", ") << "\n";
    }
  }
}

std::string CsvField(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  return absl::StrCat("\"", absl::StrReplaceAll(text, {{"\"", "\"\""}}), "\"");
}

}  // namespace

ordered_json ToJson(const Message& message) { return AsJson(message, /*every_field=*/true); }

ordered_json SetFieldsAsJson(const Message& message) {
  return AsJson(message, /*every_field=*/false);
}

absl::Time TimeOf(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

std::string TimeText(absl::Time time, Style style) {
  if (style == Style::kMachine) {
    return absl::FormatTime("%Y-%m-%dT%H:%M:%E*SZ", time, absl::UTCTimeZone());
  }
  return absl::FormatTime(absl::RFC3339_sec, time, absl::LocalTimeZone());
}

std::string TimeText(const google::protobuf::Timestamp& time, Style style) {
  if (time.seconds() == 0 && time.nanos() == 0) return "";
  return TimeText(TimeOf(time), style);
}

std::string EnumText(const google::protobuf::EnumDescriptor& type, int value, Style style) {
  const auto* found = type.FindValueByNumber(value);
  if (found == nullptr) return absl::StrCat(value);
  if (style == Style::kMachine) return found->name();
  if (value == 0) return "";
  return absl::StrReplaceAll(absl::AsciiStrToLower(found->name()), {{"_", " "}});
}

std::string MoneyText(const type::v1::Money& money) {
  if (money.currency_code().empty()) return "";
  // All currencies that UPS bills these shipments in have two places.
  const int64_t minor = money.amount_minor();
  return absl::StrFormat("%s%d.%02d %s", minor < 0 ? "-" : "", std::abs(minor) / 100,
                         std::abs(minor) % 100, money.currency_code());
}

std::string DocumentText(const type::v1::DocumentKey& document) {
  if (document.document_id().empty()) return "";
  const bool is_order = document.document_type() == type::v1::PURCHASE_ORDER;
  return absl::StrCat(is_order ? "PO " : "REQ ", document.business_unit(), " ",
                      document.document_id());
}

std::string QuantityText(const type::v1::ScheduleQuantity& quantity) {
  return absl::StrCat("line ", quantity.line_number(), " schedule ", quantity.schedule_number(),
                      ": ", quantity.quantity());
}

void WriteTable(std::ostream& out, const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], CharactersOf(row[i]));
    }
  }
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += absl::StrReplaceAll(row[i], {{"\n", " "}});
      line.append(widths[i] - CharactersOf(row[i]) + 2, ' ');
    }
    out << absl::StripTrailingAsciiWhitespace(line) << "\n";
  }
}

void WriteCsv(std::ostream& out, const std::vector<std::vector<std::string>>& rows) {
  for (const auto& row : rows) {
    std::vector<std::string> fields;
    for (const std::string& cell : row) fields.push_back(CsvField(cell));
    out << absl::StrJoin(fields, ",") << "\n";
  }
}

void WriteDetails(std::ostream& out, const Message& message) { WriteFields(out, message, ""); }

}  // namespace psups::psupsctl

#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/generated_enum_reflection.h"
#include "google/protobuf/message.h"
#include "google/protobuf/timestamp.pb.h"
#include "nlohmann/json.hpp"
#include "psups/type/v1/document.pb.h"
#include "psups/type/v1/money.pb.h"
#include "services/psupsctl/yaml.h"

namespace psups::psupsctl {

enum class Format { kTable, kWide, kJson, kCsv, kYaml };

// For whom a cell is written: a person (local times, "needs review"), or a program (UTC,
// NEEDS_REVIEW).
enum class Style { kHuman, kMachine };

// A message as proto3 JSON with the proto's own field names, every field there, and 64-bit integers
// as numbers.
nlohmann::ordered_json ToJson(const google::protobuf::Message& message);
// The same of those fields only that are set.
nlohmann::ordered_json SetFieldsAsJson(const google::protobuf::Message& message);

absl::Time TimeOf(const google::protobuf::Timestamp& time);
std::string TimeText(absl::Time time, Style style);
std::string TimeText(const google::protobuf::Timestamp& time, Style style);  // "" if it is unset
std::string EnumText(const google::protobuf::EnumDescriptor& type, int value, Style style);
template <typename Enum>
std::string EnumText(Enum value, Style style) {
  return EnumText(*google::protobuf::GetEnumDescriptor<Enum>(), value, style);
}
std::string MoneyText(const type::v1::Money& money);                   // "12.34 USD"
std::string DocumentText(const type::v1::DocumentKey& document);       // "PO US001 0000000123"
std::string QuantityText(const type::v1::ScheduleQuantity& quantity);  // "line 1 schedule 2: 4"

template <typename Row>
struct Column {
  std::string header = {};
  std::function<std::string(const Row&, Style)> cell = {};
  bool wide_only = false;  // not in -o table
};

// Columns as wide as their widest cell, counted in characters.
void WriteTable(std::ostream& out, const std::vector<std::vector<std::string>>& rows);
void WriteCsv(std::ostream& out, const std::vector<std::vector<std::string>>& rows);
// All fields that are set, one a line, those of parts indented.
void WriteDetails(std::ostream& out, const google::protobuf::Message& message);

template <typename Row>
std::vector<std::vector<std::string>> Cells(const std::vector<Row>& rows,
                                            const std::vector<Column<Row>>& columns, bool wide,
                                            Style style) {
  std::vector<std::vector<std::string>> cells(1);
  for (const Column<Row>& column : columns) {
    if (wide || !column.wide_only) cells[0].push_back(column.header);
  }
  for (const Row& row : rows) {
    cells.emplace_back();
    for (const Column<Row>& column : columns) {
      if (wide || !column.wide_only) cells.back().push_back(column.cell(row, style));
    }
  }
  return cells;
}

template <typename Row>
void WriteRows(std::ostream& out, Format format, const std::vector<Row>& rows,
               const std::vector<Column<Row>>& columns,
               const std::function<nlohmann::ordered_json(const Row&)>& to_json = ToJson) {
  switch (format) {
    case Format::kJson:
    case Format::kYaml: {
      nlohmann::ordered_json array = nlohmann::ordered_json::array();
      for (const Row& row : rows) array.push_back(to_json(row));
      if (format == Format::kYaml) return WriteYaml(out, array);
      out << array.dump(2) << "\n";
      return;
    }
    case Format::kCsv:
      WriteCsv(out, Cells(rows, columns, /*wide=*/true, Style::kMachine));
      return;
    case Format::kTable:
    case Format::kWide:
      WriteTable(out, Cells(rows, columns, format == Format::kWide, Style::kHuman));
  }
}

// One thing, as `get` shows it.
template <typename Row>
void WriteOne(std::ostream& out, Format format, const Row& row,
              const std::vector<Column<Row>>& columns) {
  switch (format) {
    case Format::kJson:
      out << ToJson(row).dump(2) << "\n";
      return;
    case Format::kYaml:
      return WriteYaml(out, ToJson(row));
    case Format::kCsv:
      WriteRows<Row>(out, format, {row}, columns);
      return;
    case Format::kTable:
    case Format::kWide:
      WriteDetails(out, row);
  }
}

}  // namespace psups::psupsctl

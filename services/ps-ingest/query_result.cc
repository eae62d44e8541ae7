#include "services/ps-ingest/query_result.h"

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <unordered_map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"

namespace psups::ps_ingest {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kDeepest = 16;
constexpr int kLargestExponent = 40;

// Follows the parser through the text and picks what stands at data.query: no tree is built, and a
// number's digits are kept.
class Reader : public nlohmann::json_sax<Json> {
 public:
  explicit Reader(QueryResult& result) : result_(result) {}

  bool null() override { return Scalar(""); }
  bool boolean(bool value) override { return Scalar(value ? "Y" : "N"); }
  bool number_integer(number_integer_t value) override { return Scalar(std::to_string(value)); }
  bool number_unsigned(number_unsigned_t value) override { return Scalar(std::to_string(value)); }
  bool number_float(number_float_t, const string_t& digits) override {
    return Scalar(WithoutExponent(digits));
  }
  bool string(string_t& value) override { return Scalar(std::move(value)); }
  bool binary(binary_t&) override { return true; }

  bool start_object(std::size_t) override {
    LookThroughRows();
    if (AtRow()) {
      row_depth_ = path_.size() + 1;
      result_.rows.emplace_back(result_.columns.size());
    }
    return Open();
  }
  bool key(string_t& value) override {
    path_.back() = std::move(value);
    return true;
  }
  bool end_object() override {
    if (path_.size() == row_depth_) row_depth_ = 0;
    path_.pop_back();
    return true;
  }
  bool start_array(std::size_t) override {
    LookThroughRows();
    return Open();
  }
  bool end_array() override {
    path_.pop_back();
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
    return false;
  }

 private:
  bool Open() {
    path_.emplace_back();
    return path_.size() <= kDeepest;
  }

  bool At(std::initializer_list<std::string_view> names) const {
    return path_.size() == names.size() && std::equal(names.begin(), names.end(), path_.begin());
  }

  // What was taken for the only row, {"rows": {…}}, holds the rows: {"rows": {"row": […]}}.
  void LookThroughRows() {
    if (!At({"data", "query", "rows", "row"}) || row_depth_ != path_.size()) return;
    result_.rows.pop_back();
    row_depth_ = 0;
  }

  // Whether an object that begins here is a row.
  bool AtRow() const {
    if (row_depth_ != 0) return false;
    return At({"data", "query", "rows", ""}) || At({"data", "query", "rows"}) ||
           At({"data", "query", "rows", "row"}) || At({"data", "query", "rows", "row", ""});
  }

  bool Scalar(std::string text) {
    if (row_depth_ != 0) {
      if (path_.size() == row_depth_) Put(std::move(text));
    } else if (At({"status"})) {
      result_.status = std::move(text);
    } else if (At({"data", "query", "numrows"})) {
      long long count = 0;
      if (absl::SimpleAtoi(text, &count)) result_.row_count = count;
    }
    return true;
  }

  void Put(std::string text) {
    const auto [column, fresh] = columns_.try_emplace(path_.back(), result_.columns.size());
    if (fresh) result_.columns.push_back(path_.back());
    std::vector<std::string>& row = result_.rows.back();
    if (row.size() <= column->second) row.resize(column->second + 1);
    absl::StripAsciiWhitespace(&text);
    row[column->second] = std::move(text);
  }

  QueryResult& result_;
  std::vector<std::string> path_;  // the key at each depth; empty in an array
  std::size_t row_depth_ = 0;      // path_.size() inside the row, 0 outside
  std::unordered_map<std::string, std::size_t> columns_;
};

}  // namespace

absl::StatusOr<QueryResult> ParseQueryResult(std::string_view body) {
  const std::size_t start = body.find_first_not_of(" \t\r\n");
  if (start != std::string_view::npos && body[start] == '<') return ParseXmlpResult(body);
  QueryResult result;
  Reader reader(result);
  if (!Json::sax_parse(body.begin(), body.end(), &reader)) {
    return absl::InvalidArgumentError("the answer is not JSON, or its end is missing");
  }
  std::erase_if(result.rows, [](const auto& row) { return row.empty(); });
  for (auto& row : result.rows) row.resize(result.columns.size());
  return result;
}

std::string WithoutExponent(std::string_view number) {
  const std::size_t at = number.find_first_of("eE");
  if (at == std::string_view::npos) return std::string(number);
  std::string_view digits = number.substr(0, at);
  std::string_view exponent_text = number.substr(at + 1);
  if (!exponent_text.empty() && exponent_text.front() == '+') exponent_text.remove_prefix(1);
  int exponent = 0;
  const auto [end, error] =
      std::from_chars(exponent_text.data(), exponent_text.data() + exponent_text.size(), exponent);
  if (error != std::errc() || exponent > kLargestExponent || exponent < -kLargestExponent) {
    return std::string(number);
  }
  const bool negative = !digits.empty() && digits.front() == '-';
  if (negative) digits.remove_prefix(1);
  const std::size_t dot = digits.find('.');
  std::string all(digits.substr(0, dot));
  int point = static_cast<int>(all.size()) + exponent;
  if (dot != std::string_view::npos) all += digits.substr(dot + 1);
  if (point <= 0) {
    all.insert(0, static_cast<std::size_t>(1 - point), '0');
    point = 1;
  }
  if (static_cast<std::size_t>(point) > all.size()) all.resize(point, '0');
  std::string text = all.substr(0, point);
  if (static_cast<std::size_t>(point) < all.size()) text += "." + all.substr(point);
  return negative ? "-" + text : text;
}

}  // namespace psups::ps_ingest

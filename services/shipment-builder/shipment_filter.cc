#include "services/shipment-builder/shipment_filter.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/status_macros.h"
#include "psups/shipments/v1/shipment_service.pb.h"
#include "services/shipment-builder/address_text.h"
#include "services/shipment-builder/service_fields.h"

namespace psups::shipment_builder {
namespace {

using pb = psups::shipments::v1::Shipment;

constexpr std::size_t kMostBytes = 2000;
constexpr std::size_t kMostShown = 40;  // of what is wrong
constexpr absl::Duration kTick = absl::Microseconds(1);

enum class Kind { kText, kState, kTime };

struct Field {
  std::string_view name = {};
  Kind kind = Kind::kText;
  std::string ShipmentFilter::*text = nullptr;
  std::string_view collection = {};  // of a resource's name
  TimeRange ShipmentFilter::*range = nullptr;
};

const std::array<Field, 9>& Fields() {
  using F = ShipmentFilter;
  static const std::array<Field, 9> fields = {{
      {.name = "state", .kind = Kind::kState},
      {.name = "order", .text = &F::order_id, .collection = "orders"},
      {.name = "document_id", .text = &F::document_id},
      {.name = "connection", .text = &F::connection_id, .collection = "connections"},
      {.name = "tracking_number", .text = &F::tracking_number},
      {.name = "ups_shipment_id", .text = &F::ups_shipment_id},
      {.name = "create_time", .kind = Kind::kTime, .range = &F::created},
      {.name = "update_time", .kind = Kind::kTime, .range = &F::updated},
      {.name = "label_time", .kind = Kind::kTime, .range = &F::labelled},
  }};
  return fields;
}

std::string Join(const std::vector<std::string>& choices) {
  std::string text = choices.front();
  for (std::size_t i = 1; i < choices.size(); ++i) {
    absl::StrAppend(&text, i + 1 == choices.size() ? " or " : ", ", choices[i]);
  }
  return text;
}

std::string FieldNames() {
  std::vector<std::string> names;
  for (const Field& field : Fields()) names.emplace_back(field.name);
  return Join(names);
}

std::string StateNames() {
  std::vector<std::string> names;
  for (int i = 1; i < pb::State_ARRAYSIZE; ++i) {
    names.push_back(pb::State_Name(static_cast<pb::State>(i)));
  }
  return Join(names);
}

std::vector<std::string> Operators(Kind kind) {
  switch (kind) {
    case Kind::kText:
      return {"="};
    case Kind::kState:
      return {"=", "!="};
    case Kind::kTime:
      return {"<", "<=", ">", ">="};
  }
  return {};
}

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool IsOperator(char c) { return c == '=' || c == '!' || c == '<' || c == '>' || c == ':'; }
bool IsQuote(char c) { return c == '"' || c == '\''; }

// A piece of the filter: a word, an operator or a quoted text.
struct Token {
  std::size_t at = 0;  // where it begins
  std::string_view raw = {};
  std::string value = {};  // without quotes
  bool quoted = false;
};

class Parser {
 public:
  Parser(std::string_view text, ShipmentFilter& filter) : text_(text), filter_(filter) {}

  absl::Status Parse() {
    ASSIGN_OR_RETURN(Token token, Next());
    if (token.raw.empty()) return absl::OkStatus();
    while (true) {
      RETURN_IF_ERROR(Comparison(token));
      ASSIGN_OR_RETURN(token, Next());
      if (token.raw.empty()) return absl::OkStatus();
      if (token.quoted || token.value != "AND") return Wrong(token, "AND or the end");
      ASSIGN_OR_RETURN(token, Next());
    }
  }

 private:
  absl::Status Wrong(const Token& token, std::string_view wanted) const {
    const std::string came =
        token.raw.empty()
            ? std::string("the end")
            : absl::StrCat("\"", absl::CHexEscape(std::string(token.raw.substr(0, kMostShown))),
                           "\"");
    return absl::InvalidArgumentError(absl::StrCat("filter: at character ",
                                                   CharacterCount(text_.substr(0, token.at)) + 1,
                                                   ": ", came, ", want ", std::string(wanted)));
  }

  // Empty at the end.
  absl::StatusOr<Token> Next() {
    while (next_ < text_.size() && IsSpace(text_[next_])) ++next_;
    Token token{.at = next_};
    if (next_ == text_.size()) return token;
    const char first = text_[next_];
    if (IsQuote(first)) return Quoted();
    const bool is_operator = IsOperator(first);
    while (next_ < text_.size() && !IsSpace(text_[next_]) && !IsQuote(text_[next_])) {
      // A colon is a part of times.
      const bool one = IsOperator(text_[next_]) && (is_operator || text_[next_] != ':');
      if (one != is_operator) break;
      ++next_;
    }
    token.raw = text_.substr(token.at, next_ - token.at);
    token.value = std::string(token.raw);
    return token;
  }

  absl::StatusOr<Token> Quoted() {
    Token token{.at = next_, .quoted = true};
    const char quote = text_[next_];
    for (++next_; next_ < text_.size() && text_[next_] != quote; ++next_) {
      if (text_[next_] == '\\' && next_ + 1 < text_.size()) ++next_;
      token.value += text_[next_];
    }
    token.raw = text_.substr(token.at);
    if (next_ == text_.size()) {
      return Wrong(token, std::string("a closing ") + quote);
    }
    ++next_;
    token.raw = text_.substr(token.at, next_ - token.at);
    return token;
  }

  absl::Status Comparison(const Token& name) {
    const auto& fields = Fields();
    const auto* const field = std::find_if(fields.begin(), fields.end(), [&](const Field& one) {
      return !name.quoted && one.name == name.value;
    });
    if (field == fields.end()) return Wrong(name, FieldNames());
    ASSIGN_OR_RETURN(const Token sign, Next());
    const std::vector<std::string> allowed = Operators(field->kind);
    if (sign.quoted || std::find(allowed.begin(), allowed.end(), sign.value) == allowed.end()) {
      return Wrong(sign, absl::StrCat(Join(allowed), " after ", std::string(field->name)));
    }
    ASSIGN_OR_RETURN(const Token value, Next());
    if (value.value.empty() || (!value.quoted && IsOperator(value.value[0]))) {
      return Wrong(value, absl::StrCat("a value for ", std::string(field->name)));
    }
    switch (field->kind) {
      case Kind::kText:
        return AddText(*field, value);
      case Kind::kState:
        return AddState(sign.value, value);
      case Kind::kTime:
        return AddTime(*field, sign.value, value);
    }
    return absl::OkStatus();
  }

  absl::Status AddText(const Field& field, const Token& value) {
    // A text that no row of a UTF-8 database holds.
    if (value.value.find('\0') != std::string::npos) return Wrong(value, "a text without NUL");
    std::string wanted = value.value;
    if (!field.collection.empty()) {
      absl::StatusOr<std::string> id = IdIn("filter", field.collection, value.value);
      if (!id.ok()) return Wrong(value, absl::StrCat(std::string(field.collection), "/{id}"));
      wanted = *std::move(id);
    }
    filter_.Require(field.text, wanted);
    return absl::OkStatus();
  }

  absl::Status AddState(const std::string& sign, const Token& value) {
    pb::State state = pb::STATE_UNSPECIFIED;
    if (!pb::State_Parse(value.value, &state) || state == pb::STATE_UNSPECIFIED) {
      return Wrong(value, StateNames());
    }
    const State wanted = StateFromName(pb::State_Name(state));
    if (sign == "=") {
      filter_.RequireState(wanted);
    } else {
      filter_.not_states.push_back(wanted);
    }
    return absl::OkStatus();
  }

  absl::Status AddTime(const Field& field, const std::string& sign, const Token& value) {
    absl::Time time;
    std::string error;
    if (!absl::ParseTime(absl::RFC3339_full, value.value, &time, &error) ||
        time < TimeRange().from || time >= TimeRange().to) {
      return Wrong(value, "a time with its zone, such as 2026-11-01T00:00:00Z");
    }
    TimeRange& range = filter_.*field.range;
    // The database knows microseconds: what is later than a time begins with the next one.
    const absl::Time floor = absl::FromUnixMicros(absl::ToUnixMicros(time));
    const absl::Time at_or_after = floor == time ? floor : floor + kTick;
    const absl::Time after = floor + kTick;
    range.given = true;
    if (sign == ">=") range.from = std::max(range.from, at_or_after);
    if (sign == ">") range.from = std::max(range.from, after);
    if (sign == "<") range.to = std::min(range.to, at_or_after);
    if (sign == "<=") range.to = std::min(range.to, after);
    if (range.from >= range.to) filter_.none = true;
    return absl::OkStatus();
  }

  const std::string_view text_;
  ShipmentFilter& filter_;
  std::size_t next_ = 0;
};

}  // namespace

void ShipmentFilter::RequireState(State wanted) {
  if (state.value_or(wanted) != wanted) none = true;
  state = wanted;
}

void ShipmentFilter::Require(std::string ShipmentFilter::*field, const std::string& wanted) {
  std::string& held = this->*field;
  if (!held.empty() && held != wanted) none = true;
  held = wanted;
}

absl::Status AddFilter(std::string_view text, ShipmentFilter& filter) {
  if (text.size() > kMostBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("filter: ", text.size(), " bytes, want at most ", kMostBytes));
  }
  return Parser(text, filter).Parse();
}

}  // namespace psups::shipment_builder

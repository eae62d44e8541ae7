#include "services/tracking-sync/meaning.h"

#include <optional>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"

namespace psups::tracking_sync {
namespace {

namespace pb = psups::tracking::v1;

// Keyed on both, since a code means one thing under one type and another under the next.
struct CodeRow {
  std::string_view type;
  std::string_view code;
  Meaning meaning;
};
constexpr CodeRow kByCode[] = {
    {"D", "FS", {pb::DELIVERED}},
    {"D", "F4", {pb::DELIVERED}},
    {"D", "KB", {pb::DELIVERED}},
    {"D", "OT", {pb::OUT_FOR_DELIVERY}},
    {"D", "PX", {pb::DELIVERED, "PHOTO", false}},
    {"I", "OR", {pb::PICKED_UP}},
    {"I", "OT", {pb::OUT_FOR_DELIVERY}},
    {"I", "YP", {pb::IN_TRANSIT, "PREPARING"}},
    {"I", "SR", {pb::IN_TRANSIT, "CUSTOMS"}},
    {"I", "UP", {pb::UNKNOWN, "ETA_UPDATE", false}},
    {"I", "UT", {pb::UNKNOWN, "ETA_UPDATE", false}},
    {"X", "SR", {pb::EXCEPTION, "CUSTOMS"}},
    {"X", "UP", {pb::UNKNOWN, "ETA_UPDATE", false}},
    {"X", "UT", {pb::UNKNOWN, "ETA_UPDATE", false}},
};

// One statusCode. Without a status, the type says which: an exception under X, else in transit.
struct StatusCodeRow {
  int status_code;
  std::optional<ParcelStatus> status;
  std::string_view detail;
  bool moves = true;
};
constexpr StatusCodeRow kByStatusCode[] = {
    {7, pb::VOIDED, ""},
    {43, pb::VOIDED, ""},
    {38, pb::PICKED_UP, ""},
    {5, pb::IN_TRANSIT, ""},
    {10, pb::IN_TRANSIT, ""},
    {25, pb::IN_TRANSIT, ""},
    {39, pb::IN_TRANSIT, ""},
    {44, pb::IN_TRANSIT, ""},
    {45, pb::IN_TRANSIT, ""},
    {47, pb::IN_TRANSIT, ""},
    {73, pb::IN_TRANSIT, ""},
    {74, pb::IN_TRANSIT, ""},
    {79, pb::IN_TRANSIT, ""},
    {87, pb::IN_TRANSIT, ""},
    {137, pb::IN_TRANSIT, ""},
    {138, pb::IN_TRANSIT, ""},
    {158, pb::IN_TRANSIT, ""},
    {71, pb::IN_TRANSIT, "PREPARING"},
    {72, pb::IN_TRANSIT, "PREPARING"},
    {6, pb::OUT_FOR_DELIVERY, ""},
    {21, pb::OUT_FOR_DELIVERY, ""},
    {37, pb::OUT_FOR_DELIVERY, ""},
    {89, pb::OUT_FOR_DELIVERY, ""},
    {91, pb::OUT_FOR_DELIVERY, ""},
    {146, pb::OUT_FOR_DELIVERY, ""},
    {11, pb::DELIVERED, ""},
    {26, pb::DELIVERED, ""},
    {143, pb::DELIVERED, ""},
    {144, pb::DELIVERED, ""},
    {17, std::nullopt, "READY_FOR_PICKUP"},
    {40, std::nullopt, "READY_FOR_PICKUP"},
    {57, std::nullopt, "READY_FOR_PICKUP"},
    {70, std::nullopt, "READY_FOR_PICKUP"},
    {100, std::nullopt, "READY_FOR_PICKUP"},
    {106, std::nullopt, "READY_FOR_PICKUP"},
    {22, pb::EXCEPTION, "ATTEMPTED"},
    {23, pb::EXCEPTION, "ATTEMPTED"},
    {24, pb::EXCEPTION, "ATTEMPTED"},
    {60, pb::EXCEPTION, "ATTEMPTED"},
    {61, pb::EXCEPTION, "ATTEMPTED"},
    {62, pb::EXCEPTION, "ATTEMPTED"},
    {66, pb::EXCEPTION, "ATTEMPTED"},
    {145, pb::EXCEPTION, "ATTEMPTED"},
    {12, std::nullopt, "CUSTOMS"},
    {14, std::nullopt, "CUSTOMS"},
    {58, std::nullopt, "CUSTOMS"},
    {84, std::nullopt, "CUSTOMS"},
    {92, std::nullopt, "CUSTOMS"},
    {123, std::nullopt, "CUSTOMS"},
    {124, std::nullopt, "CUSTOMS"},
    {125, std::nullopt, "CUSTOMS"},
    {126, std::nullopt, "CUSTOMS"},
    {134, std::nullopt, "CUSTOMS"},
    {46, std::nullopt, "DELAYED"},
    {48, std::nullopt, "DELAYED"},
    {51, std::nullopt, "DELAYED"},
    {52, std::nullopt, "DELAYED"},
    {53, std::nullopt, "DELAYED"},
    {86, std::nullopt, "DELAYED"},
    {90, std::nullopt, "DELAYED"},
    {132, std::nullopt, "DELAYED"},
    {29, pb::EXCEPTION, "ACTION_REQUIRED"},
    {49, pb::EXCEPTION, "ACTION_REQUIRED"},
    {50, pb::EXCEPTION, "ACTION_REQUIRED"},
    {141, pb::EXCEPTION, "ACTION_REQUIRED"},
    {13, pb::EXCEPTION, ""},
    {30, pb::EXCEPTION, ""},
    {59, pb::EXCEPTION, ""},
    {68, pb::EXCEPTION, ""},
    {69, pb::EXCEPTION, ""},
    {76, pb::EXCEPTION, ""},
    {83, pb::EXCEPTION, ""},
    {129, pb::EXCEPTION, ""},
    {130, pb::EXCEPTION, ""},
    {131, pb::EXCEPTION, ""},
    {55, std::nullopt, "RESCHEDULED"},
    {115, std::nullopt, "RESCHEDULED"},
    {116, std::nullopt, "RESCHEDULED"},
    {136, std::nullopt, "RESCHEDULED"},
    {153, std::nullopt, "RESCHEDULED"},
    {154, std::nullopt, "RESCHEDULED"},
    {33, pb::RETURNING, ""},
    {35, pb::RETURNING, ""},
    {36, pb::RETURNING, ""},
    {118, pb::RETURNING, ""},
    {119, pb::RETURNING, ""},
    {34, pb::RETURNED, ""},
    {67, pb::RETURNED, ""},
    {81, pb::RETURNED, ""},
    {64, pb::EXCEPTION, "REFUSED"},
    {147, pb::LOST, ""},
    {149, pb::LOST, ""},
    {155, pb::DELIVERED, "PHOTO", false},
};

// What a type says when no code says more.
struct TypeRow {
  std::string_view type;
  Meaning meaning;
};
constexpr TypeRow kByType[] = {
    {"P", {pb::PICKED_UP}},   {"I", {pb::IN_TRANSIT}}, {"O", {pb::OUT_FOR_DELIVERY}},
    {"X", {pb::EXCEPTION}},   {"W", {pb::IN_TRANSIT}}, {"DO", {pb::IN_TRANSIT}},
    {"DD", {pb::IN_TRANSIT}},
};

std::string Code(std::string_view text) {
  std::string code(absl::StripAsciiWhitespace(absl::string_view(text.data(), text.size())));
  absl::AsciiStrToUpper(&code);
  return code;
}

}  // namespace

Meaning MeaningOf(std::string_view type_text, std::string_view code_text,
                  std::string_view status_code_text, std::string_view description) {
  const std::string type = Code(type_text);
  const std::string code = Code(code_text);
  int status_code = -1;
  if (!absl::SimpleAtoi(Code(status_code_text), &status_code)) status_code = -1;

  // What these types say no code can unsay.
  if (type == "MV") return {pb::VOIDED};
  if (type == "M") return {status_code == 7 || status_code == 43 ? pb::VOIDED : pb::LABEL_CREATED};
  if (type == "U") return {pb::UNKNOWN, "ETA_UPDATE", false};
  if (type == "RS") return {pb::RETURNED};

  // Before statusCode, which one channel gives and another leaves out: the same scan must mean the
  // same whatever way it came.
  for (const CodeRow& row : kByCode) {
    if (row.type == type && row.code == code) return row.meaning;
  }
  for (const StatusCodeRow& row : kByStatusCode) {
    if (row.status_code != status_code) continue;
    const ParcelStatus by_type = type == "X" ? pb::EXCEPTION : pb::IN_TRANSIT;
    return {row.status.value_or(by_type), row.detail, row.moves};
  }
  for (const TypeRow& row : kByType) {
    if (row.type == type) return row.meaning;
  }
  const std::string words = Code(description);
  if (type == "D" && absl::StartsWith(words, "DELIVERED")) return {pb::DELIVERED};
  return {};
}

int Rank(ParcelStatus status) {
  switch (status) {
    case pb::STATUS_UNSPECIFIED:
    case pb::UNKNOWN:
      return 0;
    case pb::LABEL_CREATED:
      return 1;
    case pb::VOIDED:
      return 2;
    case pb::PICKED_UP:
      return 3;
    case pb::IN_TRANSIT:
      return 4;
    case pb::EXCEPTION:
      return 5;
    case pb::OUT_FOR_DELIVERY:
      return 6;
    case pb::RETURNING:
      return 7;
    case pb::LOST:
      return 8;
    case pb::RETURNED:
      return 9;
    case pb::DELIVERED:
      return 10;
    default:
      return 0;
  }
}

bool IsFinal(ParcelStatus status) { return status == pb::DELIVERED || status == pb::RETURNED; }

bool IsEnded(ParcelStatus status) {
  return IsFinal(status) || status == pb::VOIDED || status == pb::LOST;
}

}  // namespace psups::tracking_sync

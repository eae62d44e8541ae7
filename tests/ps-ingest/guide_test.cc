// docs/peoplesoft-setup.md is what a site is set up by: it must say all that the code wants.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "nlohmann/json.hpp"
#include "psups/orders/v1/connection_service.pb.h"
#include "services/ps-ingest/columns.h"
#include "services/ps-ingest/connection.h"
#include "services/ps-ingest/master_data.h"
#include "services/ps-ingest/prompts.h"
#include "services/ps-ingest/write_back.h"
#include "tests/sandbox/peoplesoft/query.h"

namespace psups::ps_ingest {
namespace {

using ::testing::Contains;
using ::testing::IsSupersetOf;
using Names = std::set<std::string>;

std::string FileText(const std::string& path) {
  std::ifstream file(absl::StrCat(PSUPS_SOURCE_DIR, "/", path));
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

const std::string& Guide() {
  static const std::string& text = *new std::string(FileText("docs/peoplesoft-setup.md"));
  return text;
}

// Every match of `pattern`'s first group.
Names Matches(const std::string& text, const std::string& pattern) {
  const std::regex regex(pattern);
  Names found;
  for (std::sregex_iterator at(text.begin(), text.end(), regex), end; at != end; ++at) {
    found.insert((*at)[1]);
  }
  return found;
}

// What the guide names as code.
const Names& Named() {
  static const Names& names = *new Names(Matches(Guide(), "`([^`\\n]+)`"));
  return names;
}

Names OurColumns() {
  Names names = {"A.MSG_ID", "A.STATUS", "A.MESSAGE"};  // of the status query
  for (std::size_t i = 0; i < kColumnCount; ++i) {
    for (const auto type : {type::v1::PURCHASE_ORDER, type::v1::REQUISITION}) {
      names.insert(std::string(ColumnName(static_cast<Column>(i), type)));
    }
  }
  for (const Master kind : {Master::kVendor, Master::kLocation, Master::kItem}) {
    for (const std::string_view name : MasterColumns(kind)) names.insert(std::string(name));
  }
  names.erase("");
  return names;
}

TEST(SetupGuide, NamesEveryColumnAndNoOther) {
  EXPECT_THAT(Named(), IsSupersetOf(OurColumns()));
  EXPECT_THAT(OurColumns(), IsSupersetOf(Matches(Guide(), "`([A-N]\\.[A-Z0-9_]+)`")));
}

TEST(SetupGuide, MarksTheColumnsWithoutWhichNothingIsRead) {
  Names required;
  for (std::size_t i = 0; i < kColumnCount; ++i) {
    const auto column = static_cast<Column>(i);
    if (!IsRequired(column)) continue;
    required.insert(std::string(ColumnName(column, type::v1::PURCHASE_ORDER)));
    required.insert(std::string(ColumnName(column, type::v1::REQUISITION)));
  }
  required.erase("");
  const std::string columns = Guide().substr(Guide().find("**Columns.**"));
  EXPECT_EQ(
      Matches(columns.substr(0, columns.find("\nA column is found")), "\\*\\*`([^`]+)`\\*\\*"),
      required);
}

TEST(SetupGuide, NamesEveryPrompt) {
  EXPECT_THAT(Named(), IsSupersetOf({kFromPrompt, kToPrompt, kAfterUnitPrompt, kAfterIdPrompt,
                                     kUnitPrompt, kSetidPrompt}));
  EXPECT_THAT(Named(),
              IsSupersetOf({absl::StrCat(kIdPrompt, 1), absl::StrCat(kIdPrompt, kIdPrompts)}));
}

TEST(SetupGuide, NamesEveryFieldOfAWriteBack) {
  const auto body = nlohmann::json::parse(
      MessagesJson({orders::v1::TrackingUpdate()}, absl::UTCTimeZone(), FieldNames()));
  for (const auto& [field, value] : body["MESSAGES"][0].items()) {
    EXPECT_THAT(Named(), Contains(field));
    EXPECT_TRUE(absl::StrContains(Guide(), absl::StrCat("\"", field, "\": "))) << field;
  }
  EXPECT_THAT(Named(), IsSupersetOf({"MESSAGES", "RESULTS", "OK", "DUPLICATE", "ERROR"}));
}

void AddFields(const google::protobuf::Descriptor& type, Names& names) {
  for (int i = 0; i < type.field_count(); ++i) {
    const google::protobuf::FieldDescriptor& field = *type.field(i);
    names.insert(field.name());
    const bool is_part = field.message_type() != nullptr && !field.is_map() &&
                         field.message_type()->containing_type() == &type;
    if (is_part) AddFields(*field.message_type(), names);
  }
}

TEST(SetupGuide, NamesEverySettingOfAConnection) {
  Names settings;
  AddFields(*orders::v1::Connection::descriptor(), settings);
  for (const char* output_only :
       {"name", "state", "state_reason", "version", "watermark", "last_read_time", "last_error",
        "learned_row_cap", "last_sweep_time"}) {
    ASSERT_EQ(settings.erase(output_only), 1u) << output_only;
  }
  for (const char* in_the_example : {"from", "to"}) {
    EXPECT_TRUE(absl::StrContains(Guide(), absl::StrCat("\"", in_the_example, "\": ")));
    ASSERT_EQ(settings.erase(in_the_example), 1u);
  }
  EXPECT_THAT(Named(), IsSupersetOf(settings));
}

// "none" for a setting that no row has; of a row's settings each has its own default.
std::string DefaultInGuide(const std::string& setting) {
  for (const std::string& line : std::vector<std::string>(absl::StrSplit(Guide(), '\n'))) {
    const std::vector<std::string> cells = absl::StrSplit(line, " | ");
    if (cells.size() != 3 || !absl::StrContains(cells[0], "`" + setting + "`")) continue;
    const std::vector<std::string> settings = absl::StrSplit(cells[0], ", ");
    const std::vector<std::string> defaults = absl::StrSplit(cells[1], ", ");
    for (std::size_t i = 0; i < std::min(settings.size(), defaults.size()); ++i) {
      if (absl::StrContains(settings[i], "`" + setting + "`")) return defaults[i];
    }
  }
  return "none";
}

TEST(SetupGuide, SaysTheDefaultsThatAreSet) {
  orders::v1::Connection connection;
  SetDefaults(connection, "c1");
  const auto& reflection = *connection.GetReflection();
  for (int i = 0; i < connection.GetDescriptor()->field_count(); ++i) {
    const google::protobuf::FieldDescriptor& field = *connection.GetDescriptor()->field(i);
    if (field.is_repeated() || field.name() == "learned_row_cap") continue;
    const std::string said = DefaultInGuide(field.name());
    if (field.cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_INT32) {
      EXPECT_EQ(said, absl::StrCat(reflection.GetInt32(connection, &field))) << field.name();
    } else if (absl::EndsWith(field.name(), "_query") || field.name() == "write_back_path") {
      const std::string value = reflection.GetString(connection, &field);
      EXPECT_EQ(said, value.empty() ? "none" : "`" + value + "`") << field.name();
    }
  }
}

TEST(SetupGuide, NamesTheQueriesThatTheSandboxHas) {
  Names known;
  for (const auto& query : peoplesoft_sandbox::Queries()) known.insert(query.name);
  Names named = Matches(Guide(), "`(PSUPS_[A-Z_]+)`");
  EXPECT_EQ(named, known);
}

TEST(SetupGuide, NamesEveryLineOfTheConnectionTest) {
  const std::string code = FileText("services/ps-ingest/doctor.cc") +
                           FileText("services/ps-ingest/host_check.cc") +
                           FileText("services/ps-ingest/sample.cc");
  Names subjects =
      Matches(code, "(?:Add|AddOutcome|MakeCheck)\\(\\s*(?:absl::StrCat\\()?\"([^\"]+)\"");
  subjects.merge(Matches(code, "subject =\\s*(?:absl::StrCat\\()?\"([^\"]+)\""));
  EXPECT_GE(subjects.size(), 15u);
  std::string guide = Guide();
  std::replace(guide.begin(), guide.end(), '\n', ' ');
  for (const std::string& subject : subjects) {
    EXPECT_TRUE(absl::StrContains(guide, "`" + subject)) << subject;
  }
}

}  // namespace
}  // namespace psups::ps_ingest

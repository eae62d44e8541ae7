#include "services/psupsctl/rules_file.h"

#include <random>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"
#include "services/psupsctl/input.h"
#include "services/psupsctl/output.h"

namespace psups::psupsctl {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::util::MessageDifferencer;
using shipments::v1::Rules;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// What is said of a text; "" if it is fine.
std::string Said(const std::string& text) {
  const absl::Status status = ParseRules("r.yaml", text).status();
  EXPECT_TRUE(status.ok() || IsUsageError(status)) << status;
  return std::string(status.message());
}

Rules Parsed(const std::string& text) {
  const auto parsed = ParseRules("r.yaml", text);
  EXPECT_TRUE(parsed.ok()) << parsed.status() << "\n" << text;
  return parsed.ok() ? parsed->rules : Rules();
}

// Texts that YAML's readers like to take for something else.
const char* const kTexts[] = {"",
                              "03",
                              "0.10",
                              "1e3",
                              "NO",
                              "yes",
                              "null",
                              "~",
                              "true",
                              "2026-11-23",
                              "- a",
                              "#x",
                              "a: b",
                              "  padded ",
                              "{",
                              "]",
                              "\"'",
                              "\\",
                              "größer",
                              "📦",
                              "<<",
                              "*",
                              "&a",
                              "!tag",
                              "%",
                              "@",
                              "a\nb\n",
                              "tab\tx",
                              "|",
                              "0x1F",
                              "1_0",
                              "-",
                              "?",
                              "\r\n",
                              "\x01",
                              "\x7f",
                              "🙂\u2028\u0085",
                              ",",
                              "a #b",
                              "010"};

void Fill(Message& message, std::mt19937& random, int depth) {
  const auto* reflection = message.GetReflection();
  const auto below = [&](int most) { return static_cast<int>(random() % most); };
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor* field = message.GetDescriptor()->field(i);
    const int count = field->is_repeated() ? below(4) : 1;
    if (below(3) == 0) continue;
    for (int j = 0; j < count; ++j) {
      const bool many = field->is_repeated();
      const std::string text = kTexts[below(std::size(kTexts))];
      switch (field->cpp_type()) {
        case FieldDescriptor::CPPTYPE_MESSAGE:
          Fill(many ? *reflection->AddMessage(&message, field)
                    : *reflection->MutableMessage(&message, field),
               random, depth + 1);
          break;
        case FieldDescriptor::CPPTYPE_STRING:
          many ? reflection->AddString(&message, field, text)
               : reflection->SetString(&message, field, text);
          break;
        case FieldDescriptor::CPPTYPE_ENUM: {
          const int value =
              field->enum_type()->value(below(field->enum_type()->value_count()))->number();
          many ? reflection->AddEnumValue(&message, field, value)
               : reflection->SetEnumValue(&message, field, value);
          break;
        }
        case FieldDescriptor::CPPTYPE_BOOL:
          reflection->SetBool(&message, field, below(2) == 1);
          break;
        case FieldDescriptor::CPPTYPE_INT32:
          reflection->SetInt32(&message, field, static_cast<int32_t>(random()) / (1 + below(1000)));
          break;
        case FieldDescriptor::CPPTYPE_INT64:
          reflection->SetInt64(&message, field,
                               static_cast<int64_t>((uint64_t{random()} << 32) | random()));
          break;
        default:
          FAIL() << field->full_name() << " is of a kind that no test fills";
      }
    }
  }
}

TEST(RulesFile, AnyRuleSetIsWhatItWasAfterItsYamlAndItsJson) {
  const unsigned seed = std::random_device()();
  for (unsigned i = 0; i < 1000; ++i) {
    SCOPED_TRACE(absl::StrCat("seed ", seed + i));
    std::mt19937 random(seed + i);
    Rules rules;
    Fill(rules, random, 0);
    std::ostringstream yaml;
    WriteRules(yaml, rules);
    ASSERT_TRUE(MessageDifferencer::Equals(Parsed(yaml.str()), rules))
        << yaml.str() << rules.DebugString();
    // Where every field stands, those that are not set too: -o json.
    const std::string json = ToJson(rules).dump(2);
    ASSERT_TRUE(MessageDifferencer::Equals(Parsed(json), rules)) << json;
  }
}

TEST(RulesFile, WhatIsShortStandsOnOneLineAndEachTextInQuotes) {
  Rules rules;
  rules.add_services()->set_service_code("03");
  auto& second = *rules.add_services();
  second.set_ship_type_id("2DAY");
  second.set_service_code("02");
  auto& box = *rules.add_boxes();
  box.set_box_id("Small box with a name");
  for (auto* sides : {box.mutable_inner(), box.mutable_outer()}) {
    sides->set_length("12.50");
    sides->set_width("9");
    sides->set_height("6");
    sides->set_unit("IN");
  }
  rules.mutable_addresses()->add_countries("NO");
  rules.mutable_buying()->set_days_ahead(0);
  std::ostringstream yaml;
  WriteRules(yaml, rules);
  EXPECT_EQ(yaml.str(), R"(services:
  - {service_code: "03"}
  - {ship_type_id: "2DAY", service_code: "02"}
boxes:
  - box_id: "Small box with a name"
    inner: {length: "12.50", width: "9", height: "6", unit: "IN"}
    outer: {length: "12.50", width: "9", height: "6", unit: "IN"}
addresses: {countries: ["NO"]}
buying: {days_ahead: 0}
)");
}

TEST(RulesFile, TextsStayWhatWasWritten) {
  const Rules rules = Parsed(R"(
services:
  - service_code: 03        # not 3
conversions: [{unit_of_measure: DZ, unit_of_measure_to: EA, rate: 0.10}]
boxes:
  - {box_id: 1e3, tare_lb: 1.50, max_weight_lb: 9007199254740993.1}
addresses: {countries: [NO, "NO"]}
description: ~
packaging_code: null
label_format: "null"
)");
  EXPECT_EQ(rules.services(0).service_code(), "03");
  EXPECT_EQ(rules.conversions(0).rate(), "0.10");
  EXPECT_EQ(rules.boxes(0).box_id(), "1e3");
  EXPECT_EQ(rules.boxes(0).tare_lb(), "1.50");
  EXPECT_EQ(rules.boxes(0).max_weight_lb(), "9007199254740993.1");
  EXPECT_THAT(rules.addresses().countries(), ::testing::ElementsAre("NO", "NO"));
  EXPECT_EQ(rules.description(), "");
  EXPECT_EQ(rules.packaging_code(), "");
  EXPECT_EQ(rules.label_format(), "null");
}

TEST(RulesFile, JsonIsYamlAndCamelCaseIsTaken) {
  const Rules rules = Parsed(R"({"labelHeightIn": 8, "boxes": [{"boxId": "S", "tareLb": 0.10}],
      "buying": {"days_ahead": 0, "past_due": null}, "saturday_delivery": true})");
  EXPECT_EQ(rules.label_height_in(), 8);
  EXPECT_EQ(rules.boxes(0).tare_lb(), "0.10");
  EXPECT_TRUE(rules.buying().has_days_ahead());
  EXPECT_TRUE(rules.saturday_delivery());
}

TEST(RulesFile, ValuesAreNamedInAnyCaseWithDashes) {
  const Rules rules = Parsed(
      "freight:\n- payment: {payer: third-party}\nsignature: Adult_Signature_Required\n"
      "address_lines: [{lines: [street, LEFT-OUT, attention]}]\n");
  EXPECT_EQ(rules.freight(0).payment().payer(), ups::v1::Payment::THIRD_PARTY);
  EXPECT_EQ(rules.signature(), ups::v1::ADULT_SIGNATURE_REQUIRED);
  EXPECT_EQ(rules.address_lines(0).lines(1), Rules::LEFT_OUT);
}

TEST(RulesFile, WhatAFieldDoesNotTakeIsNamedWithItsLine) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"services:\n  - setid: SHARE\n    ship_typ_id: X\n",
       "r.yaml:3: services[0].ship_typ_id: unknown; did you mean ship_type_id?"},
      {"service: []\n", "r.yaml:1: service: unknown; did you mean services?"},
      {"boxes:\n- tare: 1\n", "r.yaml:2: boxes[0].tare: unknown; did you mean tare_lb?"},
      {"reference:\n  colour: red\n",
       "r.yaml:2: reference.colour: unknown, want one of purchase_order_code, requisition_code, "
       "source"},
      {"services: 03\n", "r.yaml:1: services: \"03\", want a list"},
      {"services:\n\n  setid: X\n", "r.yaml:3: services: a map, want a list"},
      {"services: [03]\n", "r.yaml:1: services[0]: \"03\", want keys such as setid"},
      {"services:\n  - {service_code: '03'}\n  - ~\n",
       "r.yaml:3: services[1]: nothing, want keys such as setid"},
      {"buying: [1]\n", "r.yaml:1: buying: a list, want keys such as days_ahead"},
      {"description: [a]\n", "r.yaml:1: description: a list, want a text"},
      {"description: {a: b}\n", "r.yaml:1: description: a map, want a text"},
      {"label_height_in: 6.5\n", "r.yaml:1: label_height_in: \"6.5\", want a whole number"},
      {"label_height_in: 010\n", "r.yaml:1: label_height_in: \"010\", want a whole number"},
      {"label_height_in: 99999999999\n",
       "r.yaml:1: label_height_in: \"99999999999\", want a whole number"},
      {"choice:\n  price_cap:\n    amount_minor: 12.50\n",
       "r.yaml:3: choice.price_cap.amount_minor: \"12.50\", want a whole number"},
      {"saturday_delivery: yes\n", "r.yaml:1: saturday_delivery: \"yes\", want true or false"},
      {"saturday_delivery: 'true'\n", "r.yaml:1: saturday_delivery: \"true\", want true or false"},
      {"saturday_delivery: [true]\n", "r.yaml:1: saturday_delivery: a list, want true or false"},
      {"buying: {past_due: later}\n",
       "r.yaml:1: buying.past_due: \"later\", want one of SHIP, ASK"},
      {"address_lines:\n- lines:\n  - STREET\n  - FLOOR\n",
       "r.yaml:4: address_lines[0].lines[1]: \"FLOOR\", want one of STREET, ATTENTION, LEFT_OUT"},
      {"description: a\nsaturday_delivery: true\ndescription: b\n",
       "r.yaml:3: description: given twice, first on line 1"},
      {"label_format: ZPL\nlabelFormat: EPL\n",
       "r.yaml:2: label_format: given twice, first on line 1"},
      {"- services\n", "r.yaml:1: a list, want keys such as services"},
  };
  for (const auto& [text, said] : rows) EXPECT_EQ(Said(text), said) << text;
}

TEST(RulesFile, WhatIsNoYamlIsNamedWithItsLine) {
  EXPECT_THAT(Said("services:\n\t- setid: X\n"), StartsWith("r.yaml:2: "));
  EXPECT_THAT(Said("services: [\n  {setid: X}\n"), StartsWith("r.yaml:"));
  EXPECT_THAT(Said("description: a\ndescription b\nbuying: {}\n"),
              StartsWith("r.yaml:3: illegal map value: is a colon missing in the line before"));
  EXPECT_THAT(Said("description: a: b\n"), StartsWith("r.yaml:1: illegal map value: is"));
  EXPECT_EQ(Said("description: \"a\\Nb\"\n"), "r.yaml:1: an escape that makes no UTF-8");
  EXPECT_THAT(Said("description: \"never ended\nbuying: {}\n"), StartsWith("r.yaml:2: "));
  EXPECT_THAT(Said("description: 'never ended\n"), StartsWith("r.yaml:1: "));
  EXPECT_THAT(Said("buying: {}\n---\nbuying: {}\n"), HasSubstr("r.yaml:2: a second document"));
  EXPECT_THAT(Said("? [a]\n: b\n"), HasSubstr("a key that is no text"));
  EXPECT_EQ(Said("description: a\rb\n"), "r.yaml:1: a control character, want plain text");
  EXPECT_EQ(Said("buying: {}\ndescription: a\x04 b\n"),
            "r.yaml:2: a control character, want plain text");
  EXPECT_EQ(Said("buying: {}\ndescription: \xff\n"),
            "r.yaml:2: not UTF-8, want plain text in UTF-8");
  EXPECT_EQ(Said("buying: {}\r\ndescription: a\r\n"), "");
}

TEST(RulesFile, AnEmptyFileIsNoRuleSetByAccident) {
  for (const char* text : {"", "\n\n", "# nothing\n", "---\n", "~\n"}) {
    EXPECT_THAT(Said(text), StartsWith("r.yaml: nothing in it")) << text;
  }
  EXPECT_EQ(Said("{}"), "");
}

std::string Repeated(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

TEST(RulesFile, HostileFilesAreRefusedAndHarmNothing) {
  EXPECT_THAT(Said("units: &u [{}]\nboxes: *u\n"), HasSubstr("r.yaml:1: an anchor"));
  EXPECT_THAT(Said("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"), HasSubstr("r.yaml:1: "));
  EXPECT_THAT(Said("description: !!binary aGk=\n"), HasSubstr("r.yaml:1: a tag"));
  EXPECT_THAT(Said("<<: {description: a}\n"), HasSubstr("r.yaml:1: <<: unknown"));
  for (const char* open : {"[", "{a: ", "- ", "? ", "[a, ", "{a: [", ": "}) {
    EXPECT_THAT(Said(Repeated(open, 100'000)), StartsWith("r.yaml:1: ")) << open;
  }
  std::string nested;
  for (int i = 0; i < 1000; ++i) nested += std::string(i, ' ') + "a:\n";
  EXPECT_THAT(Said(nested), HasSubstr("lists or maps too deep"));
  EXPECT_EQ(Said(Repeated("#", 1'000'001)), "r.yaml: more than 1000000 bytes");
  // A long key is not repeated.
  EXPECT_THAT(Said(Repeated("k", 1000) + ": 1\n"), StartsWith("r.yaml:1: 1000 bytes: unknown"));
}

TEST(RulesFile, AServersErrorGetsTheLineOfItsField) {
  const auto file = ParseRules("r.yaml",
                               "boxes:\n"
                               "- box_id: S\n"
                               "  tare_lb: 200\n"
                               "- box_id: L\n"
                               "  inner:\n"
                               "    length: 1\n");
  ASSERT_TRUE(file.ok()) << file.status();
  const auto at = [&](const std::string& message) {
    return std::string(AtItsLine(absl::InvalidArgumentError(message), *file).message());
  };
  EXPECT_EQ(at("rules.boxes[0].tare_lb: \"200\", want less"),
            "r.yaml:3: boxes[0].tare_lb: \"200\", want less");
  // What is missing has the line of what it would stand in.
  EXPECT_EQ(at("rules.boxes[1].inner.width: none, want a decimal"),
            "r.yaml:5: boxes[1].inner.width: none, want a decimal");
  EXPECT_EQ(at("rules.boxes[1].outer.width: none"), "r.yaml:4: boxes[1].outer.width: none");
  EXPECT_EQ(at("rules.boxes[7]: x"), "r.yaml:1: boxes[7]: x");
  EXPECT_EQ(at("rules.limits: x"), "r.yaml: limits: x");
  EXPECT_EQ(at("comment: 201 characters"), "comment: 201 characters");
  EXPECT_FALSE(IsUsageError(AtItsLine(absl::InvalidArgumentError("rules.boxes[0]: x"), *file)));
  EXPECT_EQ(AtItsLine(absl::AbortedError("rules.x: y"), *file), absl::AbortedError("rules.x: y"));
}

}  // namespace
}  // namespace psups::psupsctl

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "services/ups-gateway/wire/error_catalogue.h"

namespace psups::ups_gateway {
namespace {

using A = Action;
using O = Operation;

// One row of UPS's error tables as the reference has it: what was read there, written down apart
// from the catalogue.
struct Row {
  std::vector<Operation> operations;
  std::vector<std::string> codes;  // "120200-120218": all of them
  std::vector<int> statuses;
  Action action;
};

const std::vector<Operation> kAll = {
    O::kToken,          O::kAddress,   O::kShip,   O::kVoid,          O::kRecovery,    O::kTrack,
    O::kTrackReference, O::kSubscribe, O::kRating, O::kTimeInTransit, O::kQuantumView, O::kProbe};

std::vector<Operation> AllBut(const std::vector<Operation>& others) {
  std::vector<Operation> operations;
  std::copy_if(kAll.begin(), kAll.end(), std::back_inserter(operations), [&](Operation operation) {
    return std::find(others.begin(), others.end(), operation) == others.end();
  });
  return operations;
}

std::vector<Row> ReferenceRows() {
  const std::vector<Operation> track = {O::kTrack, O::kTrackReference};
  return {
      // all APIs
      {kAll, {"251004", "UJ0001", "250002"}, {401}, A::kRenewToken},
      {kAll, {"10401", "250003", "250007"}, {401}, A::kConfigure},
      {kAll, {""}, {403}, A::kConfigure},
      {kAll, {"10429"}, {429}, A::kBackOff},
      {kAll, {"10001", "10002", "10003", "10006", "10013"}, {400}, A::kReview},
      {AllBut({O::kShip}), {"20001"}, {500, 502, 503, 504}, A::kBackOff},
      {{O::kShip}, {"20001"}, {500, 502, 503, 504}, A::kReconcile},
      {kAll, {"20002", "20006", "20007", "20008", "20012"}, {400}, A::kReview},
      {AllBut({O::kShip}), {""}, {0, 408, 502, 503, 504}, A::kBackOff},
      {{O::kShip}, {""}, {0, 408, 502, 503, 504}, A::kReconcile},
      // Track Alert
      {{O::kSubscribe}, {"10004", "VSS100"}, {500}, A::kBackOff},
      {{O::kSubscribe}, {"10007"}, {400}, A::kConfigure},
      {{O::kSubscribe},
       {"VSS000", "VSS002", "VSS003", "VSS004", "VSS006", "VSS110", "VSS300", "VSS310", "VSS400",
        "VSS930"},
       {400},
       A::kConfigure},
      {{O::kSubscribe}, {"VSS200", "VSS210", "VSS220"}, {400}, A::kReview},
      {{O::kSubscribe}, {"VSS215"}, {400}, A::kConfigure},
      {{O::kSubscribe}, {"VSS500", "VSS600", "VSS610", "VSS700", "VSS800"}, {400}, A::kConfigure},
      // address validation
      {{O::kAddress}, {"9264028"}, {400}, A::kConfigure},
      {{O::kAddress}, {"264030", "9264030"}, {400}, A::kReview},
      // ship
      {{O::kShip}, {"120001"}, {400, 500, 503}, A::kReconcile},
      {{O::kShip},
       {"120100", "120120", "120121", "120122", "120413", "120415"},
       {400},
       A::kConfigure},
      {{O::kShip}, {"120200-120218", "120802"}, {400}, A::kReview},
      {{O::kShip}, {"120101-120119", "120801", "120803", "120300-120399"}, {400}, A::kConfigure},
      {{O::kShip},
       {"120400-120412", "120414", "120416-120437", "121527-121530"},
       {400},
       A::kReview},
      {{O::kShip}, {"120500", "121100", "121210", "121513", "120124"}, {400}, A::kReview},
      {{O::kShip}, {"120541-120544"}, {400}, A::kReview},
      {{O::kShip}, {"120600-120609", "121030", "121050-121056"}, {400}, A::kReview},
      {{O::kShip}, {"120020"}, {400}, A::kReview},
      {{O::kShip}, {"120021"}, {400}, A::kReconcile},
      {{O::kShip}, {"128001-128090"}, {400}, A::kReview},
      {{O::kShip}, {"120900", "120901"}, {200}, A::kStore},
      {{O::kShip}, {"120804-120806", "123020", "123021"}, {200}, A::kStore},
      // void
      {{O::kVoid}, {"190001", "190002"}, {400, 500}, A::kBackOff},
      {{O::kVoid}, {"190117"}, {400}, A::kDone},
      {{O::kVoid}, {"190101", "190102", "190103"}, {400}, A::kReview},
      {{O::kVoid}, {"190109", "190110", "190112", "190113", "190121", "190122"}, {400}, A::kReview},
      // label recovery
      {{O::kRecovery}, {"300000"}, {400, 500}, A::kBackOff},
      {{O::kRecovery}, {"300007"}, {400}, A::kNotFound},
      {{O::kRecovery}, {"300001", "300035"}, {400}, A::kSeveral},
      {{O::kRecovery}, {"300033"}, {400}, A::kVoided},
      {{O::kRecovery}, {"300002", "300006", "300034", "300003"}, {400}, A::kReview},
      {{O::kRecovery}, {"300005", "300014", "300030", "300031"}, {400}, A::kReview},
      // tracking
      {track, {"TV1002"}, {400}, A::kReview},
      {track, {"TW0001"}, {200, 404}, A::kNotFound},
      // rating
      {{O::kRating}, {"111549"}, {400}, A::kReview},
      {{O::kRating},
       {"110002-110006", "110010-110017", "110020-110023", "110045", "110046", "110208", "110308",
        "110548", "110609"},
       {400},
       A::kReview},
      {{O::kRating},
       {"111030", "111031", "111035", "111036", "111055-111057", "111100", "111210", "111215",
        "111217", "111285", "111286", "111546", "111580"},
       {400},
       A::kReview},
  };
}

std::vector<std::string> Expanded(const std::vector<std::string>& codes) {
  std::vector<std::string> all;
  for (const std::string& code : codes) {
    const std::size_t dash = code.find('-');
    if (dash == code.npos) {
      all.push_back(code);
      continue;
    }
    for (int i = std::stoi(code); i <= std::stoi(code.substr(dash + 1)); ++i) {
      all.push_back(std::to_string(i));
    }
  }
  return all;
}

TEST(CatalogueRowsTest, EveryRowOfTheReferenceHasItsActionAndASentenceOfItsOwn) {
  const std::string_view unknown = Look(O::kShip, "999999", 400).sentence;
  int looked = 0;
  for (const Row& row : ReferenceRows()) {
    for (const Operation operation : row.operations) {
      for (const std::string& code : Expanded(row.codes)) {
        for (const int status : row.statuses) {
          const CatalogueEntry entry = Look(operation, code, status);
          EXPECT_EQ(entry.action, row.action) << NameOf(operation) << " " << code << " " << status;
          EXPECT_NE(entry.sentence, unknown) << NameOf(operation) << " " << code << " " << status;
          ++looked;
        }
      }
    }
  }
  EXPECT_GT(looked, 500);
}

TEST(CatalogueRowsTest, WhatNoRowHoldsIsTakenByItsStatus) {
  const std::string_view unknown = Look(O::kShip, "999999", 400).sentence;
  for (const Operation operation : kAll) {
    const bool ship = operation == O::kShip;
    for (const char* code : {"", "999999", "X", "VSS", "VSS999", "120099", "0", "-1",
                             "99999999999999999999999", "120200x", "x120200"}) {
      EXPECT_EQ(Look(operation, code, 400).action, A::kReview) << code;
      EXPECT_EQ(Look(operation, code, 400).sentence, unknown) << code;
      EXPECT_EQ(Look(operation, code, 404).action, A::kReview) << code;
      EXPECT_EQ(Look(operation, code, 401).action, A::kRenewToken) << code;
      EXPECT_EQ(Look(operation, code, 403).action, A::kConfigure) << code;
      EXPECT_EQ(Look(operation, code, 429).action, A::kBackOff) << code;
      for (const int status : {0, 408, 500, 503, 599}) {
        EXPECT_EQ(Look(operation, code, status).action, ship ? A::kReconcile : A::kBackOff)
            << code << " " << status;
      }
    }
  }
  // The neighbours of ranges.
  for (const char* code : {"120123", "120199", "120219", "120438", "120549", "120610", "121057",
                           "121526", "121531", "128000", "128091", "120299"}) {
    EXPECT_EQ(Look(O::kShip, code, 400).sentence, unknown) << code;
  }
}

TEST(CatalogueRowsTest, BehindAServerErrorOrSilenceNoCodeMakesAShipmentSafeToRepeat) {
  for (const Row& row : ReferenceRows()) {
    for (const std::string& code : Expanded(row.codes)) {
      for (const int status : {0, 408, 500, 503}) {
        EXPECT_EQ(Look(O::kShip, code, status).action, A::kReconcile) << code << " " << status;
      }
    }
  }
}

TEST(CatalogueRowsTest, AnAlertsCodeWarnsOnlyBesideASuccess) {
  EXPECT_EQ(Look(O::kShip, "120804", 400).action, A::kReview);
  EXPECT_EQ(Look(O::kAddress, "120804", 200).action, A::kReview);
}

TEST(CatalogueRowsTest, EverySentenceTellsTheClerkWhatToDo) {
  const std::vector<std::string> verbs = {
      "Ask ",   "Check ", "Choose ", "Complete ", "Correct ", "Look ",        "Print ",
      "Split ", "Tell ",  "Use ",    "Void ",     "Wait: ",   "Nothing to do"};
  for (const std::string_view sentence : AllSentences()) {
    const std::string text(sentence);
    EXPECT_TRUE(std::any_of(verbs.begin(), verbs.end(), [&](const std::string& verb) {
      return text.find(". " + verb) != text.npos;
    })) << text;
  }
}

}  // namespace
}  // namespace psups::ups_gateway

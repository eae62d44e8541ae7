#include <string>
#include <vector>

#include "tests/sandbox/peoplesoft/site_fixture.h"

namespace psups::peoplesoft_sandbox {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(PeopleSoftSandboxTest, WriteBackIsIdempotentOnTheMessageId) {
  const Json message = Message(MessageId(1));
  Json other = Message(MessageId(1));
  other["STATUS"] = "LOST";
  EXPECT_THAT(Results(Messages({message, Message(MessageId(2)), message})),
              ElementsAre("OK", "OK", "DUPLICATE"));
  EXPECT_THAT(Results(Messages({other})), ElementsAre("DUPLICATE"));
  const Json updates = Truth()["updates"];
  ASSERT_EQ(updates.size(), 4U);
  EXPECT_EQ(updates[0]["n"], 1);
  EXPECT_EQ(updates[0]["message"], message);
  EXPECT_EQ(updates[0]["result"], "OK");
  EXPECT_EQ(updates[3]["message"]["STATUS"], "LOST");
  EXPECT_EQ(updates[3]["result"], "DUPLICATE");
}

TEST_F(PeopleSoftSandboxTest, TakesAHundredMessagesAndRefusesMore) {
  std::vector<Json> messages;
  for (int n = 1; n <= 100; ++n) messages.push_back(Message(MessageId(n)));
  EXPECT_EQ(Results(Messages(messages)).size(), 100U);
  messages.push_back(Message(MessageId(101)));
  EXPECT_THAT(Post(Messages(messages)).body, HasSubstr("IBResponse"));
  EXPECT_EQ(Truth()["updates"].size(), 100U);
  EXPECT_THAT(Post("not json").body, HasSubstr("IBResponse"));
  Open({{"service_status", "Production"}});
  EXPECT_EQ(Post(Messages(messages)).status, 500);
}

TEST_F(PeopleSoftSandboxTest, NoMessagesAreADryRun) {
  const HttpResponse response = Post("{\"MESSAGES\":[]}");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "{\"RESULTS\":[]}");
  EXPECT_THAT(Truth()["updates"], IsEmpty());
}

TEST_F(PeopleSoftSandboxTest, ASiteMayNameTheFieldsOtherwise) {
  Open({{"write_back_fields", {{"MSG_ID", "UPS_ID"}, {"STATUS", "UPS_STAT"}}}});
  Json message = Message(MessageId(1));
  EXPECT_EQ(Json::parse(Post(Messages({message})).body)["RESULTS"][0]["UPS_STAT"], "ERROR")
      << "the site does not know our names";
  message["UPS_ID"] = message["MSG_ID"];
  message["UPS_STAT"] = message["STATUS"];
  message.erase("MSG_ID");
  message.erase("STATUS");
  EXPECT_EQ(Json::parse(Post(Messages({message})).body)["RESULTS"][0],
            (Json{{"UPS_ID", MessageId(1)}, {"UPS_STAT", "OK"}, {"MESSAGE", ""}}));
  EXPECT_EQ(Dump(Truth()["updates"][1]["message"]), Dump(message)) << "as it came";
  EXPECT_THAT(std::string(site_->Configure(R"({"write_back_fields":{"COLOUR":"X"}})").message()),
              HasSubstr("write_back_fields: want an object of strings by BUSINESS_UNIT|"));
}

TEST_F(PeopleSoftSandboxTest, OneBadMessageDoesNotStopTheOthers) {
  Json unknown = Message(MessageId(2), "0000000999");
  Json text_line = Message(MessageId(3));
  text_line["LINE_NBR"] = "1";
  Json long_text = Message(MessageId(4));
  long_text["DESCR"] = std::string(61, 'x');
  Json no_schedule = Message(MessageId(5));
  no_schedule["SCHED_NBR"] = 2;
  Json offset = Message(MessageId(6));
  offset["EVENT_DTTM"] = "2026-11-23T10:01:02-05:00";
  EXPECT_THAT(Results(Messages({Message("short"), unknown, text_line, long_text, no_schedule,
                                offset, Message(MessageId(7))})),
              ElementsAre("ERROR", "ERROR", "ERROR", "ERROR", "ERROR", "ERROR", "OK"));
  EXPECT_EQ(Truth()["updates"][1]["result"], "ERROR");
  EXPECT_THAT(Results(Messages({Message(MessageId(2))})), ElementsAre("OK"))
      << "an id that failed may come again";
}

TEST_F(PeopleSoftSandboxTest, WriteBackIsKeptAsItCame) {
  Json message = Message(MessageId(1));
  message["DESCR"] = "  Løbenhavn  ";
  message["EXTRA"] = {{"a", 1.50}};
  Results(Messages({message}));
  EXPECT_EQ(Dump(Truth()["updates"][0]["message"]), Dump(message));
}

TEST_F(PeopleSoftSandboxTest, AcceptedButFailedSaysOkAndStoresNothing) {
  Fault({{"id", "x"}, {"route", "writeback"}, {"kind", "accepted_but_failed"}, {"count", 1}});
  const std::string body = Messages({Message(MessageId(1))});
  EXPECT_THAT(Results(body), ElementsAre("OK"));
  EXPECT_EQ(Truth()["updates"][0]["result"], "ERROR");
  EXPECT_THAT(Results(body), ElementsAre("OK")) << "it had not been stored, so it is no duplicate";
  EXPECT_EQ(Truth()["updates"][1]["result"], "OK");
}

}  // namespace
}  // namespace psups::peoplesoft_sandbox

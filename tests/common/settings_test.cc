#include "common/settings.h"

#include <fstream>

#include "common/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace psups {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(SettingsTest, EveryProblemIsReportedAtOnce) {
  Settings settings({{"PSUPS_LIMIT", "many"}, {"PSUPS_WAIT", "-3s"}, {"PSUPS_TYPO", "1"}});
  settings.Number("PSUPS_LIMIT", 1, 10, 5);
  settings.Duration("PSUPS_WAIT", absl::Seconds(1));
  settings.Text("PSUPS_URL");
  const std::string problems(settings.Finish().message());
  EXPECT_THAT(problems, HasSubstr("PSUPS_LIMIT: \"many\", want a whole number from 1 to 10"));
  EXPECT_THAT(problems, HasSubstr("PSUPS_WAIT: \"-3s\", want a duration above zero"));
  EXPECT_THAT(problems, HasSubstr("PSUPS_URL: not set"));
  EXPECT_THAT(problems, HasSubstr("PSUPS_TYPO: this service has no such setting"));
}

TEST(SettingsTest, ValuesAndDefaultsAreRead) {
  Settings settings({{"PSUPS_WAIT", "14d"}, {"PSUPS_ON", "true"}});
  EXPECT_EQ(settings.Duration("PSUPS_WAIT"), absl::Hours(14 * 24));
  EXPECT_EQ(settings.Duration("PSUPS_OTHER", absl::Milliseconds(500)), absl::Milliseconds(500));
  EXPECT_TRUE(settings.Flag("PSUPS_ON", false));
  EXPECT_EQ(settings.Text("PSUPS_TEXT", "x"), "x");
  EXPECT_TRUE(settings.Finish().ok()) << settings.Finish();
}

TEST(SettingsTest, SecretsComeFromFilesAndAreNotShown) {
  const std::string path = ::testing::TempDir() + "/psups_secret";
  std::ofstream(path) << "hunter2\n";
  Settings settings({{"PSUPS_PASSWORD_FILE", path}, {"PSUPS_DATABASE_URL", "postgres://u:pw@h/d"}});
  EXPECT_EQ(settings.Secret("PSUPS_PASSWORD_FILE"), "hunter2");
  settings.Text("PSUPS_DATABASE_URL");
  EXPECT_THAT(settings.Effective(), Not(HasSubstr("hunter2")));
  EXPECT_THAT(settings.Effective(), Not(HasSubstr("pw@h")));
}

TEST(SettingsTest, TheDatabasesPasswordComesFromAFileInEitherFormOfConnectionStrings) {
  const std::string path = ::testing::TempDir() + "/psups_database_password";
  std::ofstream(path) << "p'a\\ss&@word\n";
  for (const auto& [url, wanted] : std::map<std::string, std::string>{
           {"postgresql://u@h/d",
            "postgresql://u@h/d?password=%70%27%61%5c%73%73%26%40%77%6f%72%64"},
           {"postgres://u@h/d?port=1",
            "postgres://u@h/d?port=1&password=%70%27%61%5c%73%73%26%40%77%6f%72%64"},
           {"host=h user=u", R"(host=h user=u password='p\'a\\ss&@word')"}}) {
    Settings settings({{"PSUPS_DATABASE_URL", url}, {"PSUPS_DATABASE_PASSWORD_FILE", path}});
    EXPECT_EQ(settings.DatabaseUrl(), wanted);
    EXPECT_TRUE(settings.Finish().ok()) << settings.Finish();
    EXPECT_THAT(settings.Effective(), Not(HasSubstr("word'")));
    EXPECT_THAT(settings.Effective(), Not(HasSubstr("%77%6f")));
  }
  Settings without(std::map<std::string, std::string>{{"PSUPS_DATABASE_URL", "host=h user=u"}});
  EXPECT_EQ(without.DatabaseUrl(), "host=h user=u");
  EXPECT_TRUE(without.Finish().ok()) << without.Finish();
}

TEST(SettingsTest, APasswordInTheDatabaseUrlIsRefusedAndNotRepeated) {
  for (const std::string url :
       {"postgres://u:hunter2@h/d", "postgresql://u@h/d?password=hunter2",
        "postgresql://u@h/d?port=1&password=hunter2", "password=hunter2 host=h",
        "host=h user=u password = 'hunter2'", "host=h sslkey=/k sslpassword=hunter2"}) {
    Settings settings(std::map<std::string, std::string>{{"PSUPS_DATABASE_URL", url}});
    settings.DatabaseUrl();
    const std::string said(settings.Finish().message());
    EXPECT_THAT(said, HasSubstr("PSUPS_DATABASE_URL: holds a password; take it out, and name a "
                                "file that holds it in PSUPS_DATABASE_PASSWORD_FILE"))
        << url;
    EXPECT_THAT(said, Not(HasSubstr("hunter2")));
  }
  for (const std::string url : {"postgres://u:hunter2%zz@h/d", "host=h password=my hunter2"}) {
    Settings settings(std::map<std::string, std::string>{{"PSUPS_DATABASE_URL", url}});
    settings.DatabaseUrl();
    const std::string said(settings.Finish().message());
    EXPECT_THAT(said, HasSubstr("PSUPS_DATABASE_URL: is no connection string of PostgreSQL"));
    EXPECT_THAT(said, Not(HasSubstr("hunter2")));
  }
  for (const std::string url : {"postgresql://u@/d?host=%2Fa%3Ab&port=5432",
                                "postgresql://u@h:5432/d", "host=h user=u passfile=/x/password"}) {
    Settings settings(std::map<std::string, std::string>{{"PSUPS_DATABASE_URL", url}});
    settings.DatabaseUrl();
    EXPECT_TRUE(settings.Finish().ok()) << settings.Finish();
  }
}

TEST(SettingsTest, AMissingKeyFileIsNamed) {
  Settings settings(std::map<std::string, std::string>{{"PSUPS_KEY_FILE", "/nowhere/key.json"}});
  settings.File("PSUPS_KEY_FILE");
  EXPECT_THAT(std::string(settings.Finish().message()),
              HasSubstr("PSUPS_KEY_FILE: cannot read the file /nowhere/key.json"));
}

}  // namespace
}  // namespace psups

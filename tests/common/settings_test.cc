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

TEST(SettingsTest, AMissingKeyFileIsNamed) {
  Settings settings(std::map<std::string, std::string>{{"PSUPS_KEY_FILE", "/nowhere/key.json"}});
  settings.File("PSUPS_KEY_FILE");
  EXPECT_THAT(std::string(settings.Finish().message()),
              HasSubstr("PSUPS_KEY_FILE: cannot read the file /nowhere/key.json"));
}

}  // namespace
}  // namespace psups

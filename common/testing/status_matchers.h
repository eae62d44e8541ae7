#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace psups::testing {

inline const absl::Status& StatusOf(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}

MATCHER(IsOk, "is OK") {
  *result_listener << StatusOf(arg).ToString();
  return StatusOf(arg).ok();
}

MATCHER_P(HasCode, code, "has that code") {
  *result_listener << StatusOf(arg).ToString();
  return StatusOf(arg).code() == code;
}

MATCHER_P(IsOkAndHolds, value, "is OK and holds that") {
  *result_listener << StatusOf(arg).ToString();
  return arg.ok() && ::testing::ExplainMatchResult(
                         ::testing::SafeMatcherCast<decltype(*arg)>(value), *arg, result_listener);
}

}  // namespace psups::testing

#define ASSERT_OK(expression) ASSERT_THAT(expression, ::psups::testing::IsOk())
#define EXPECT_OK(expression) EXPECT_THAT(expression, ::psups::testing::IsOk())
// ASSERT_OK_AND_ASSIGN(auto value, Compute());
#define ASSERT_OK_AND_ASSIGN(declaration, expression) \
  PSUPS_ASSERT_OK_AND_ASSIGN(PSUPS_TEST_CONCAT(result_, __LINE__), declaration, expression)
#define PSUPS_TEST_CONCAT_INNER(a, b) a##b
#define PSUPS_TEST_CONCAT(a, b) PSUPS_TEST_CONCAT_INNER(a, b)
#define PSUPS_ASSERT_OK_AND_ASSIGN(temporary, declaration, expression) \
  auto temporary = (expression);                                       \
  ASSERT_TRUE(temporary.ok()) << temporary.status();                   \
  declaration = *std::move(temporary)

#pragma once

#include <string>

#include "absl/time/time.h"
#include "common/channel.h"

namespace psups::testing {

// A certificate authority for one test, with its files in a folder that goes with it.
class TestAuthority {
 public:
  TestAuthority();
  ~TestAuthority();

  // A certificate for localhost and 127.0.0.1 with `uri` as its identity, such as
  // "spiffe://psups/service/ups-gateway". Expired if `valid_for` is negative.
  TlsFiles Issue(const std::string& uri, absl::Duration valid_for = absl::Hours(24));

  const std::string& folder() const { return folder_; }

 private:
  std::string folder_;
  int issued_ = 0;
  struct Keys;
  std::unique_ptr<Keys> keys_;
};

}  // namespace psups::testing

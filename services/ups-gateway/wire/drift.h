#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <tuple>

#include "services/ups-gateway/wire/operation.h"

namespace psups::ups_gateway {

// Notes where a successful reply of UPS's is not as we know it, so that a change of theirs is seen
// before it hurts. It refuses nothing and reads no value: paths of member names, no more.
//
//   field  a member that we do not know
//   code   a code that we read, with a value that we do not know
//   shape  one object, an array or a text where another of them was learned
class Drift {
 public:
  // What was noted: operation, kind and path such as
  // "ShipmentResponse.ShipmentResults.PackageResults[].Foo". A path that is too long or odd to be
  // logged, and all beyond `kMostPaths`, are "other".
  using Note = std::tuple<Operation, std::string_view, std::string>;
  static constexpr std::size_t kMostPaths = 200;
  static constexpr std::size_t kMostPathBytes = 120;

  // Counts what differs, each path once a reply, and logs a path when it is new to this process.
  // For a ship's reply only once its outcome is stored. What is not JSON is left to its reader.
  void Look(Operation operation, std::string_view body);

  // How many replies had it.
  std::map<Note, int64_t> Seen() const;

 private:
  void Count(Note note);

  mutable std::mutex mutex_;
  std::map<Note, int64_t> seen_;
};

}  // namespace psups::ups_gateway

#include "services/ups-gateway/wire/drift.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "common/log.h"
#include "common/metrics.h"
#include "services/ups-gateway/wire/known_replies.h"

namespace psups::ups_gateway {
namespace {

const CounterMetric kDrift(
    "psups_ups_drift_total",
    "Differences of UPS's successful replies from what is known of them: a field, code or shape.",
    {"op", "kind"});

constexpr std::string_view kOther = "other";
constexpr std::size_t kMostInAReply = 50;
constexpr std::size_t kMostNested = 64;

// One of "A|B|C".
bool IsOneOf(std::string_view code, std::string_view codes) {
  while (true) {
    const std::size_t end = std::min(codes.find('|'), codes.size());
    if (codes.substr(0, end) == code) return true;
    if (end == codes.size()) return false;
    codes.remove_prefix(end + 1);
  }
}

bool IsAny(const Json& known) {
  return known.is_string() && known.get_ref<const std::string&>() == "*";
}

bool CanBeLogged(std::string_view path) {
  return !path.empty() && path.size() <= Drift::kMostPathBytes &&
         std::all_of(path.begin(), path.end(), [](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' ||
                  c == '[' || c == ']';
         });
}

// Goes through a reply as its reader meets it, keeping nothing of it, with what is known of each
// place beside it.
class Walk : public nlohmann::json_sax<Json> {
 public:
  explicit Walk(const Json& known) : next_(&known) {}

  const std::set<std::pair<std::string_view, std::string>>& notes() const { return notes_; }

  bool null() override { return true; }  // as good as missing
  bool boolean(bool value) override { return Scalar(value ? "true" : "false"); }
  bool number_integer(Json::number_integer_t value) override {
    return Scalar(std::to_string(value));
  }
  bool number_unsigned(Json::number_unsigned_t value) override {
    return Scalar(std::to_string(value));
  }
  bool number_float(Json::number_float_t /*value*/, const std::string& text) override {
    return Scalar(text);
  }
  bool string(std::string& text) override { return Scalar(text); }
  bool binary(Json::binary_t& /*value*/) override { return true; }

  bool start_object(std::size_t /*size*/) override {
    const Json* known = Next();
    if (known != nullptr && known->is_array()) {
      Note("shape");
      known = ItemOf(*known);
      path_ += "[]";
    }
    if (known != nullptr && !known->is_object()) known = Unexpected();
    return Open(known, false);
  }

  bool key(std::string& name) override {
    path_.resize(open_.back().path_size);
    if (open_.back().known == nullptr) return true;
    if (!path_.empty()) path_ += '.';
    path_ += name;
    const auto found = open_.back().known->find(name);
    next_ = found == open_.back().known->end() ? nullptr : &*found;
    if (next_ == nullptr) Note("field");
    return true;
  }

  bool start_array(std::size_t /*size*/) override {
    const Json* known = Next();
    if (known != nullptr && known->is_array()) {
      known = ItemOf(*known);
    } else if (known != nullptr && known->is_object() && !open_.empty() && !open_.back().array) {
      Note("shape");
    } else if (known != nullptr) {
      known = Unexpected();
    }
    path_ += "[]";
    return Open(known, true);
  }

  bool end_object() override { return Close(); }
  bool end_array() override { return Close(); }
  bool parse_error(std::size_t /*at*/, const std::string& /*token*/,
                   const Json::exception& /*error*/) override {
    return false;
  }

 private:
  struct Container {
    const Json* known;  // the object's members or the array's item; null: not looked into
    bool array;
    std::size_t path_size;
  };

  // What is known of the value that begins here.
  const Json* Next() {
    if (open_.empty() || !open_.back().array) {
      const Json* known = std::exchange(next_, nullptr);
      return known != nullptr && IsAny(*known) ? nullptr : known;
    }
    path_.resize(open_.back().path_size);
    return open_.back().known;
  }

  static const Json* ItemOf(const Json& array) {
    return IsAny(array.front()) ? nullptr : &array.front();
  }

  // An object or array where a text was learned: not looked into.
  const Json* Unexpected() {
    Note("shape");
    return nullptr;
  }

  // False ends the walk.
  bool Open(const Json* known, bool array) {
    open_.push_back({known, array, path_.size()});
    return open_.size() <= kMostNested;
  }

  bool Close() {
    open_.pop_back();
    return true;
  }

  bool Scalar(const std::string& text) {
    const Json* known = Next();
    if (known == nullptr || text.empty()) return true;  // "" stands for anything that is not there
    if (!known->is_string()) {
      if (!Trimmed(text).empty()) Note("shape");
    } else if (const auto& codes = known->get_ref<const std::string&>();
               !codes.empty() && !IsOneOf(absl::AsciiStrToUpper(Trimmed(text)), codes)) {
      Note("code");
    }
    return true;
  }

  void Note(std::string_view kind) {
    if (notes_.size() < kMostInAReply) {
      notes_.emplace(kind, CanBeLogged(path_) ? path_ : std::string(kOther));
    }
  }

  const Json* next_;  // of the root, or of the member whose name was just read
  std::vector<Container> open_;
  std::string path_;
  std::set<std::pair<std::string_view, std::string>> notes_;
};

}  // namespace

void Drift::Look(Operation operation, std::string_view body) {
  const Json& known = KnownReply(operation);
  if (known.is_null()) return;
  Walk walk(known);
  Json::sax_parse(body, &walk);
  for (const auto& [kind, path] : walk.notes()) {
    kDrift(NameOf(operation), kind).Increment();
    Count({operation, kind, path});
  }
}

void Drift::Count(Note note) {
  {
    std::lock_guard lock(mutex_);
    auto found = seen_.find(note);
    if (found == seen_.end() && seen_.size() >= kMostPaths) {
      std::get<std::string>(note) = kOther;
      found = seen_.find(note);
    }
    if (found != seen_.end()) {
      ++found->second;
      return;
    }
    seen_.emplace(note, 1);
  }
  LogWarning("ups_reply_drifted", {{"operation", NameOf(std::get<Operation>(note))},
                                   {"kind", std::get<std::string_view>(note)},
                                   {"path", std::get<std::string>(note)}});
}

std::map<Drift::Note, int64_t> Drift::Seen() const {
  std::lock_guard lock(mutex_);
  return seen_;
}

}  // namespace psups::ups_gateway

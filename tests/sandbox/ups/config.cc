#include "tests/sandbox/ups/config.h"

#include <algorithm>
#include <limits>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tests/sandbox/ups/scan_codes.h"

namespace psups::ups_sandbox {
namespace {

// Reads one object's keys and remembers everything that was wrong with it.
class Reader {
 public:
  Reader(const Json& json, std::string where, std::vector<std::string>& problems)
      : json_(json), where_(std::move(where)), problems_(problems) {
    if (!json_.is_object()) problems_.push_back(where_ + ": want an object");
  }

  const Json* Find(const std::string& key) {
    known_.insert(key);
    if (!json_.is_object()) return nullptr;
    const auto found = json_.find(key);
    return found == json_.end() ? nullptr : &*found;
  }

  void Text(const std::string& key, std::string& to, bool required = false) {
    const Json* value = Find(key);
    if (value == nullptr) {
      if (required) Problem(key, "missing");
    } else if (!value->is_string() || (required && *value == "")) {
      Problem(key, "want a text");
    } else {
      to = *value;
    }
  }

  void Number(const std::string& key, int& to, int least) {
    const Json* value = Find(key);
    if (value == nullptr) return;
    if (!value->is_number_integer() || *value < least || *value > std::numeric_limits<int>::max()) {
      Problem(key, absl::StrCat("want a whole number from ", least));
    } else {
      to = *value;
    }
  }

  void Texts(const std::string& key, std::vector<std::string>& to, bool required = true) {
    const Json* value = Find(key);
    if (value == nullptr && !required) return;
    if (value == nullptr || !value->is_array() ||
        !std::all_of(value->begin(), value->end(), [](const Json& v) { return v.is_string(); }))
      return Problem(key, "want a list of texts");
    to = value->get<std::vector<std::string>>();
  }

  void Problem(const std::string& key, const std::string& what) {
    problems_.push_back(absl::StrCat(where_, where_.empty() ? "" : ".", key, ": ", what));
  }

  void RefuseUnknown() {
    if (!json_.is_object()) return;
    for (const auto& [key, unused] : json_.items()) {
      if (known_.count(key) == 0) Problem(key, "no such key");
    }
  }

 private:
  const Json& json_;
  const std::string where_;
  std::vector<std::string>& problems_;
  std::set<std::string> known_;
};

absl::Status Problems(const std::vector<std::string>& problems) {
  if (problems.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("config: ", absl::StrJoin(problems, "; ")));
}

// A client that is new must have a secret and accounts.
Client ReadClient(const Json& json, const std::string& where, std::vector<std::string>& problems,
                  Client client = {}) {
  const bool fresh = client.client_id.empty();
  Reader reader(json, where, problems);
  reader.Text("client_id", client.client_id, /*required=*/true);
  reader.Text("client_secret", client.client_secret, fresh);
  reader.Texts("accounts", client.accounts, fresh);
  for (const std::string& account : client.accounts) {
    if (account.size() != 6) reader.Problem("accounts", "want six characters each");
  }
  if (reader.Find("token_seconds") != nullptr) client.expires_in.reset();
  reader.Number("token_seconds", client.token_seconds, 1);
  if (const Json* says = reader.Find("expires_in")) client.expires_in = *says;
  reader.Number("calls_per_second", client.calls_per_second, 0);
  reader.Number("token_limit_per_day", client.token_limit_per_day, 0);
  reader.RefuseUnknown();
  return client;
}

WebhookConfig ReadWebhook(const Json& json, const std::string& where,
                          std::vector<std::string>& problems) {
  WebhookConfig webhook;
  Reader reader(json, where, problems);
  reader.Text("url", webhook.url, /*required=*/true);
  reader.Text("token_url", webhook.token_url);
  reader.Text("client_id", webhook.client_id);
  reader.Text("client_secret", webhook.client_secret);
  reader.Text("x_api_key", webhook.x_api_key);
  reader.Text("ca_bundle_file", webhook.ca_bundle_file);
  reader.RefuseUnknown();
  return webhook;
}

Visibility ReadVisibility(const Json& json, const std::string& where,
                          std::vector<std::string>& problems) {
  Visibility visibility;
  Reader reader(json, where, problems);
  reader.Number("recovery_ms", visibility.recovery_ms, 0);
  reader.Number("track_ms", visibility.track_ms, 0);
  reader.RefuseUnknown();
  return visibility;
}

AutoScans ReadAutoScans(const Json& json, std::vector<std::string>& problems) {
  AutoScans scans;
  Reader reader(json, "auto_scans", problems);
  int interval = static_cast<int>(scans.interval.count());
  reader.Number("interval_ms", interval, 1000);  // UPS's times are whole seconds
  scans.interval = std::chrono::milliseconds(interval);
  reader.Texts("script", scans.script);
  for (const std::string& code : scans.script) {
    if (FindScanCode(code) == nullptr) reader.Problem("script", "no such code: " + code);
  }
  reader.RefuseUnknown();
  return scans;
}

}  // namespace

bool Client::Owns(const std::string& account) const {
  return std::find(accounts.begin(), accounts.end(), account) != accounts.end();
}

absl::StatusOr<Config> ParseConfig(const std::string& json_text) {
  const Json json = Json::parse(json_text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return absl::InvalidArgumentError("config: not JSON");
  Config config;
  std::vector<std::string> problems;
  Reader reader(json, "", problems);
  reader.Text("api_listen", config.api_listen);
  reader.Text("admin_listen", config.admin_listen);
  reader.Text("tls_certificate_file", config.tls_certificate_file);
  reader.Text("tls_key_file", config.tls_key_file);
  std::string environment = "production";
  reader.Text("environment", environment);
  if (environment != "production" && environment != "cie")
    reader.Problem("environment", "want production|cie");
  config.cie = environment == "cie";
  if (const Json* clients = reader.Find("clients"); clients == nullptr || !clients->is_array()) {
    reader.Problem("clients", "want a list");
  } else {
    for (std::size_t i = 0; i < clients->size(); ++i)
      config.clients.push_back(
          ReadClient((*clients)[i], absl::StrCat("clients[", i, "]"), problems));
  }
  if (const Json* webhook = reader.Find("webhook"))
    config.webhook = ReadWebhook(*webhook, "webhook", problems);
  if (const Json* scans = reader.Find("auto_scans"))
    config.auto_scans = ReadAutoScans(*scans, problems);
  if (const Json* visibility = reader.Find("visibility"))
    config.visibility = ReadVisibility(*visibility, "visibility", problems);
  reader.Number("label_bytes", config.label_bytes, 1);
  reader.Text("base_path", config.base_path);
  reader.RefuseUnknown();
  if (absl::Status status = Problems(problems); !status.ok()) return status;
  return config;
}

absl::StatusOr<WebhookConfig> ParseWebhook(const Json& json) {
  std::vector<std::string> problems;
  WebhookConfig webhook = ReadWebhook(json, "", problems);
  if (absl::Status status = Problems(problems); !status.ok()) return status;
  return webhook;
}

absl::StatusOr<Visibility> ParseVisibility(const Json& json) {
  std::vector<std::string> problems;
  Visibility visibility = ReadVisibility(json, "", problems);
  if (absl::Status status = Problems(problems); !status.ok()) return status;
  return visibility;
}

absl::StatusOr<Client> ParseClient(const Json& json, Client client) {
  std::vector<std::string> problems;
  client = ReadClient(json, "", problems, std::move(client));
  if (absl::Status status = Problems(problems); !status.ok()) return status;
  return client;
}

}  // namespace psups::ups_sandbox

#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/sandbox/ups/wire.h"

namespace psups::ups_sandbox {

// An application registered with UPS, and the accounts its tokens may use.
struct Client {
  std::string client_id = {};
  std::string client_secret = {};
  std::vector<std::string> accounts = {};
  int token_seconds = 14399;
  int token_limit_per_day = 250;
  std::optional<Json> expires_in =
      {};                    // what the answer says in place of token_seconds; null: nothing
  int calls_per_second = 0;  // more are answered with 429; 0: no limit

  bool Owns(const std::string& account) const;
};

// Where Track Alert sends events, and how it proves itself there.
struct WebhookConfig {
  std::string url = {};
  std::string token_url = {};  // empty: no bearer
  std::string client_id = {};
  std::string client_secret = {};
  std::string x_api_key = {};
  std::string ca_bundle_file = {};
};

// Scans that every new package gets by itself, one code each interval.
struct AutoScans {
  std::chrono::milliseconds interval{1000};
  std::vector<std::string> script = {};
};

// How long a new shipment stays unknown to whoever asks for it.
struct Visibility {
  int recovery_ms = 0;
  int track_ms = 0;
};

struct Config {
  std::string api_listen = "127.0.0.1:0";
  std::string admin_listen = "127.0.0.1:0";
  std::string tls_certificate_file = {};  // empty: plain HTTP
  std::string tls_key_file = {};
  bool cie = false;  // UPS's test environment, with its restrictions
  std::vector<Client> clients = {};
  std::optional<WebhookConfig> webhook = {};
  std::optional<AutoScans> auto_scans = {};
  Visibility visibility = {};
  int label_bytes = 4096;
  std::string base_path = "/api";
};

// INVALID_ARGUMENT naming every missing, unknown or bad key at once.
absl::StatusOr<Config> ParseConfig(const std::string& json_text);
absl::StatusOr<WebhookConfig> ParseWebhook(const Json& json);
absl::StatusOr<Visibility> ParseVisibility(const Json& json);

// `client` with the keys that are given changed.
absl::StatusOr<Client> ParseClient(const Json& json, Client client);

}  // namespace psups::ups_sandbox

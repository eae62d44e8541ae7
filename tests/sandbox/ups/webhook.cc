#include "tests/sandbox/ups/webhook.h"

#include <utility>

#include "absl/strings/numbers.h"

namespace psups::ups_sandbox {
namespace {

constexpr auto kTimeout = std::chrono::seconds(30);

// "-05:00" as Track writes it is "-05.00" here.
std::string DottedOffset(std::string offset) {
  for (char& c : offset) {
    if (c == ':') c = '.';
  }
  return offset;
}

std::string Body(const Event& event) {
  const bool delivered = event.type == "D" && event.status_code == "011";
  return Json{{"trackingNumber", event.tracking_number},
              {"localActivityDate", event.stamp.date},
              {"localActivityTime", event.stamp.time},
              {"activityLocation",
               {{"city", event.place.city},
                {"stateProvince", event.place.state},
                {"postalCode", delivered ? event.place.postal : ""},
                {"country", event.place.country}}},
              {"activityStatus",
               {{"type", event.type},
                {"code", event.code},
                {"description", event.description},
                {"descriptionCode", event.status_code}}},
              {"scheduledDeliveryDate", ""},
              {"actualDeliveryDate", delivered ? event.stamp.date : ""},
              {"actualDeliveryTime", delivered ? event.stamp.time : ""},
              {"deliveryStartTime", ""},
              {"deliveryEndTime", ""},
              {"deliveryTimeDescription", ""},
              {"gmtActivityDate", event.stamp.gmt_date},
              {"gmtActivityTime", event.stamp.gmt_time},
              {"gmtOffset", DottedOffset(event.stamp.gmt_offset)}}
      .dump(-1, ' ', false, Json::error_handler_t::replace);
}

HttpRequest Request(const WebhookConfig& config, const std::string& url) {
  HttpRequest request;
  request.method = "POST";
  request.url = url;
  request.ca_bundle_file = config.ca_bundle_file;
  request.total_timeout = kTimeout;
  return request;
}

// expires_in is a number or digits in a text.
absl::Duration Lifetime(const Json& reply) {
  const Json& value = At(reply, {"expires_in"});
  int seconds = 0;
  if (value.is_number_integer()) {
    seconds = value;
  } else if (!value.is_string() || !absl::SimpleAtoi(value.get<std::string>(), &seconds)) {
    return absl::ZeroDuration();
  }
  return absl::Seconds(seconds);
}

}  // namespace

Webhook::Webhook(Parcels& parcels, Faults& faults, Scheduler& scheduler, Parcels::Now now)
    : parcels_(parcels),
      faults_(faults),
      scheduler_(scheduler),
      now_(std::move(now)),
      client_(HttpClient::Create()) {}

Webhook::~Webhook() { client_.reset(); }

void Webhook::Register(std::optional<WebhookConfig> config) {
  const std::lock_guard lock(mutex_);
  config_ = std::move(config);
  bearer_.clear();
  bearer_expiry_ = absl::InfinitePast();
}

void Webhook::Push(const Event& event, Parcels::PushId id) {
  Delivery delivery{.id = id, .body = Body(event)};
  const auto fault = faults_.Draw("webhook", event.tracking_number, delivery.body, "");
  if (!fault) return Deliver(std::move(delivery));
  int copies = 1;
  if (fault->kind == FaultKind::kLost) return parcels_.RecordLostPush(id);
  if (fault->kind == FaultKind::kDuplicate) copies = 2;
  delivery.bad_credential = fault->kind == FaultKind::kBadCredential;
  for (int i = 0; i < copies; ++i) {
    if (fault->delay.count() == 0) {
      Deliver(delivery);
    } else {
      scheduler_.RunAfter(fault->delay, [this, delivery] { Deliver(delivery); });
    }
  }
}

void Webhook::Deliver(Delivery delivery) {
  std::unique_lock lock(mutex_);
  if (!config_) {
    lock.unlock();
    return parcels_.RecordLostPush(delivery.id);
  }
  const WebhookConfig config = *config_;
  if (config.token_url.empty() || bearer_expiry_ > now_()) {
    const std::string bearer = bearer_;
    lock.unlock();
    return Post(config, bearer, delivery);
  }
  waiting_.push_back(std::move(delivery));
  if (std::exchange(fetching_, true)) return;
  lock.unlock();
  FetchToken(config);
}

void Webhook::FetchToken(const WebhookConfig& config) {
  HttpRequest request = Request(config, config.token_url);
  request.headers = {{"Authorization", BasicAuthorization(config.client_id, config.client_secret)},
                     {"Content-Type", "application/x-www-form-urlencoded"},
                     {"User-Agent", "UPSPubSubTrackingService"}};
  request.body = "grant_type=client_credentials";
  client_->Send(std::move(request), [this](const HttpOutcome& outcome) { TokenArrived(outcome); });
}

void Webhook::TokenArrived(const HttpOutcome& outcome) {
  Json reply;
  if (outcome.response.ok() && outcome.response->status == 200)
    reply = Json::parse(outcome.response->body, nullptr, /*allow_exceptions=*/false);
  const std::string bearer = TextAt(reply, {"access_token"});
  std::deque<Delivery> waiting;
  std::optional<WebhookConfig> config;
  {
    const std::lock_guard lock(mutex_);
    fetching_ = false;
    waiting.swap(waiting_);
    config = config_;
    bearer_ = bearer;
    bearer_expiry_ = bearer.empty() ? absl::InfinitePast() : now_() + Lifetime(reply);
  }
  for (const Delivery& delivery : waiting) {
    if (config && !bearer.empty()) {
      Post(*config, bearer, delivery);
    } else {
      parcels_.RecordLostPush(delivery.id);  // no bearer, no event
    }
  }
}

void Webhook::Post(const WebhookConfig& config, const std::string& bearer,
                   const Delivery& delivery) {
  HttpRequest request = Request(config, config.url);
  request.headers = {{"Content-Type", "application/json"},
                     {"User-Agent", "UPSPubSubTrackingService"},
                     {"x-api-key", delivery.bad_credential ? "wrong" : config.x_api_key}};
  if (!bearer.empty()) {
    request.headers.emplace_back("Authorization",
                                 "Bearer " + (delivery.bad_credential ? "wrong" : bearer));
  }
  request.body = delivery.body;
  client_->Send(std::move(request), [this, bearer, id = delivery.id](const HttpOutcome& outcome) {
    const int status = outcome.response.ok() ? outcome.response->status : 0;
    parcels_.RecordPush(id, status);
    if (status != 401) return;
    const std::lock_guard lock(mutex_);
    if (bearer_ == bearer) bearer_expiry_ = absl::InfinitePast();  // the next event gets a new one
  });
}

}  // namespace psups::ups_sandbox

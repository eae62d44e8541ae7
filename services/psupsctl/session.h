#pragma once

#include <algorithm>
#include <functional>
#include <istream>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/channel.h"
#include "common/status_macros.h"
#include "grpcpp/support/sync_stream.h"
#include "services/psupsctl/context.h"
#include "services/psupsctl/output.h"

namespace psups::psupsctl {

inline constexpr char kPsIngest[] = "ps-ingest";
inline constexpr char kShipmentBuilder[] = "shipment-builder";
inline constexpr char kUpsGateway[] = "ups-gateway";
inline constexpr char kTrackingSync[] = "tracking-sync";
inline constexpr char kAuditLedger[] = "audit-ledger";

// 0, or 1 failed, 2 wrong usage, 3 not found, 4 a service cannot be reached.
int ExitCode(const absl::Status& status);

// How a channel to a service is had: by the context file, or a test's own.
struct Endpoint {
  std::string address = {};
  std::shared_ptr<grpc::Channel> channel = {};
};
using Connector = std::function<absl::StatusOr<Endpoint>(const std::string& service)>;

// Reads the context when the first service is asked for.
Connector ConnectByContext(std::string context_path);

// How much of a list is wanted.
struct Paging {
  bool all = false;
  int limit = 0;  // 0: the format's default
};

// One run of the command: where it reads and writes, and whom it asks.
class Session {
 public:
  Session(std::istream& in, std::ostream& out, std::ostream& err, Connector connector)
      : in(in), out(out), err(err), connector_(std::move(connector)) {}

  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  Format format = Format::kTable;
  absl::Duration timeout = absl::Seconds(30);

  // One call; an error names the service, and the next step if it cannot be reached.
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Call(const std::string& service,
                                grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                             Response*),
                                const Request& request) {
    ASSIGN_OR_RETURN(const Endpoint endpoint, EndpointOf(service));
    Stub stub(endpoint.channel);
    absl::StatusOr<Response> response = CallPeer(stub, method, request, timeout);
    if (!response.ok()) return Explain(response.status(), service, endpoint.address);
    return response;
  }

  // One call that is answered by a stream: each message goes to `take`, whose error ends it.
  template <typename Stub, typename Request, typename Response, typename Take>
  absl::Status Read(const std::string& service,
                    std::unique_ptr<grpc::ClientReader<Response>> (Stub::*method)(
                        grpc::ClientContext*, const Request&),
                    const Request& request, absl::Duration within, Take take) {
    ASSIGN_OR_RETURN(const Endpoint endpoint, EndpointOf(service));
    Stub stub(endpoint.channel);
    grpc::ClientContext context;
    PrepareCall(context, within, {});
    const auto reader = (stub.*method)(&context, request);
    absl::Status taken;
    Response message;
    while (taken.ok() && reader->Read(&message)) taken = take(message);
    if (!taken.ok()) context.TryCancel();
    const grpc::Status status = reader->Finish();
    if (!taken.ok()) return taken;
    return status.ok() ? absl::OkStatus() : Explain(FromGrpc(status), service, endpoint.address);
  }

  // The rows of all pages that are wanted; says on `err` if there are more. `rows` gets a page's
  // repeated field.
  template <typename Stub, typename Request, typename Response, typename Rows>
  auto List(const std::string& service,
            grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
            Request request, const Paging& paging, Rows rows)
      -> absl::StatusOr<std::vector<
          typename std::decay_t<decltype(rows(std::declval<Response&>()))>::value_type>> {
    std::vector<typename std::decay_t<decltype(rows(std::declval<Response&>()))>::value_type> all;
    const bool whole =
        paging.all || (paging.limit == 0 && format != Format::kTable && format != Format::kWide);
    const std::size_t limit = paging.limit > 0 ? paging.limit : 100;
    while (true) {
      request.set_page_size(
          whole ? 1000 : static_cast<int>(std::min<std::size_t>(limit - all.size(), 1000)));
      ASSIGN_OR_RETURN(Response page, Call(service, method, request));
      for (auto& row : rows(page)) all.push_back(std::move(row));
      if (page.next_page_token().empty()) return all;
      if (!whole && all.size() >= limit) break;
      request.set_page_token(page.next_page_token());
    }
    if (paging.limit == 0) err << "There are more; --all shows them.\n";
    return all;
  }

  // Asks a yes-or-no question on `err`; anything but y or yes is no.
  bool Confirm(const std::string& question);

 private:
  absl::StatusOr<Endpoint> EndpointOf(const std::string& service);
  static absl::Status Explain(const absl::Status& status, const std::string& service,
                              const std::string& address);

  Connector connector_;
  std::map<std::string, Endpoint> endpoints_;
};

}  // namespace psups::psupsctl

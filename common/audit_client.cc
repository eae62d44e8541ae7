#include "common/audit_client.h"

#include "common/channel.h"
#include "psups/audit/v1/audit_service.grpc.pb.h"

namespace psups {
namespace {

namespace pb = audit::v1;

class LedgerSink : public AuditSink {
 public:
  LedgerSink(std::shared_ptr<grpc::Channel> channel, absl::Duration timeout)
      : stub_(pb::AuditService::NewStub(channel)), timeout_(timeout) {}

  absl::Status Append(const std::vector<Entry>& entries) override {
    pb::AppendEntriesRequest request;
    for (const Entry& entry : entries) {
      pb::NewEntry* added = request.add_entries();
      added->set_event_id(entry.event_id);
      added->set_entry(entry.bytes);
    }
    return CallPeer(*stub_, &pb::AuditService::Stub::AppendEntries, request, timeout_).status();
  }

 private:
  const std::unique_ptr<pb::AuditService::Stub> stub_;
  const absl::Duration timeout_;
};

}  // namespace

std::unique_ptr<AuditSink> MakeLedgerSink(std::shared_ptr<grpc::Channel> channel,
                                          absl::Duration timeout) {
  return std::make_unique<LedgerSink>(std::move(channel), timeout);
}

}  // namespace psups

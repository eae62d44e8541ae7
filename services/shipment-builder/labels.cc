#include "services/shipment-builder/labels.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/crypto.h"
#include "common/log.h"
#include "common/status_macros.h"

namespace psups::shipment_builder {
namespace {

using Recovered = ups::v1::RecoverLabelResponse;

constexpr int kPlacesAhead = 500;

std::string NameOf(const Label& label) {
  return absl::StrCat("shipments/", label.shipment_id, " package ", label.package_number, " (",
                      label.tracking_number, ")");
}

// The label of that number, out of what UPS has.
absl::Status Take(const Recovered& recovered, Label& label) {
  switch (recovered.outcome()) {
    case Recovered::FOUND:
      for (const auto& package : recovered.result().packages()) {
        if (package.tracking_number() != label.tracking_number || package.label().empty()) continue;
        label.bytes = package.label();
        label.format = package.label_format();
        return absl::OkStatus();
      }
      break;
    case Recovered::VOIDED:
      return absl::FailedPreconditionError(
          absl::StrCat(NameOf(label), ": its label was lost here, and is void at UPS"));
    case Recovered::NOT_FOUND:
    case Recovered::SEVERAL:
      break;
    default:
      return absl::InternalError(absl::StrCat(NameOf(label), ": ups-gateway answered ",
                                              Recovered::Outcome_Name(recovered.outcome())));
  }
  return absl::NotFoundError(
      absl::StrCat(NameOf(label),
                   ": its label was lost here, and UPS has it no more; void the shipment, then it "
                   "is bought anew if its order still wants it"));
}

}  // namespace

absl::StatusOr<Label> Labels::Get(const std::string& shipment_id, int package_number,
                                  const std::string& actor) {
  ASSIGN_OR_RETURN(Label label, views_.GetLabel(shipment_id, package_number));
  if (label.bytes.has_value()) {
    label.sha256 = Hex(Sha256(*label.bytes));
  } else {
    RETURN_IF_ERROR(Recover(label, actor));
  }
  return label;
}

absl::Status Labels::Recover(Label& label, const std::string& actor) {
  ups::v1::RecoverLabelRequest request;
  request.set_account(label.account);
  request.set_tracking_number(label.tracking_number);
  request.set_label_format(label.format);
  ASSIGN_OR_RETURN(const Recovered recovered, ups_.RecoverLabel(request, label.trace_id));
  RETURN_IF_ERROR(Take(recovered, label));
  const std::string sha256 = Hex(Sha256(*label.bytes));
  // UPS may have rendered it anew: the number is the same, so it is as good.
  const bool anew = !label.sha256.empty() && label.sha256 != sha256;
  LogWarning(anew ? "label_recovered_anew" : "label_recovered",
             {{"shipment", absl::StrCat("shipments/", label.shipment_id)},
              {"package", label.package_number},
              {"bought_sha256", label.sha256},
              {"label_sha256", sha256}});
  label.sha256 = sha256;
  return views_.KeepLabel(label, actor, anew);
}

absl::StatusOr<std::optional<Label>> LabelReader::Next() {
  while (true) {
    if (ahead_.empty()) {
      ASSIGN_OR_RETURN(const auto places, views_.ListLabels(query_, last_, kPlacesAhead));
      if (places.empty()) {
        if (query_.shipment_id.empty() || last_.has_value()) return std::optional<Label>();
        // Why there is none: no such shipment, or not bought yet, or void.
        RETURN_IF_ERROR(views_.GetLabel(query_.shipment_id, 1).status());
        return absl::FailedPreconditionError(
            absl::StrCat("shipments/", query_.shipment_id, ": its label is void"));
      }
      ahead_.assign(places.begin(), places.end());
    }
    last_ = ahead_.front();
    ahead_.pop_front();
    absl::StatusOr<Label> label = labels_.Get(last_->shipment_id, last_->package_number, actor_);
    // It was voided since, at UPS.
    if (absl::IsFailedPrecondition(label.status()) && query_.shipment_id.empty()) continue;
    if (!label.ok()) return label.status();
    return std::optional<Label>(*std::move(label));
  }
}

}  // namespace psups::shipment_builder

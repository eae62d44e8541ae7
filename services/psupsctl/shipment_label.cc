#include <filesystem>
#include <fstream>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "psups/shipments/v1/shipment_service.grpc.pb.h"
#include "services/psupsctl/cli.h"
#include "services/psupsctl/find.h"
#include "services/psupsctl/input.h"

namespace psups::psupsctl {
namespace {

namespace pb = psups::shipments::v1;
using Stub = pb::ShipmentService::Stub;
using Label = pb::GetLabelResponse;

// A day's labels are many megabytes; lost ones are fetched from UPS meanwhile.
constexpr absl::Duration kReadTimeout = absl::Minutes(30);

struct Options {
  std::string shipment = {};
  int package = 0;
  bool all_packages = false;
  bool all = false;
  std::string since = {};
  std::string connection = {};
  std::string path = {};
};

// Where labels are saved: one file for all, a folder with a file for each, or standard output.
class Target {
 public:
  Target(Session& session, const std::string& path)
      : session_(session),
        path_(path),
        folder_(absl::EndsWith(path, "/") || std::filesystem::is_directory(path)) {}
  ~Target() {
    if (file_.is_open()) std::filesystem::remove(Unfinished());
  }

  absl::Status Add(const Label& label) {
    ++count_;
    shipments_.insert(label.shipment());
    bytes_ += label.label().size();
    if (folder_) return AddFile(label);
    if (count_ == 1) {
      first_ = label;  // held back until it is clear that others can follow it
      return absl::OkStatus();
    }
    if (label.label_format() != first_.label_format()) {
      return CannotJoin(absl::StrCat(first_.label_format(), " and ", label.label_format()));
    }
    if (label.label_format() == "GIF") return CannotJoin("GIF");
    if (count_ == 2) RETURN_IF_ERROR(Write(first_));
    return Write(label);
  }

  // What there is to say at the end goes to the session's err.
  absl::Status Finish() {
    if (count_ == 0) return absl::OkStatus();
    if (!folder_ && count_ == 1) RETURN_IF_ERROR(Write(first_));
    if (path_ == "-") return absl::OkStatus();
    if (!folder_) {
      file_.close();
      std::error_code error;
      if (!file_.fail()) std::filesystem::rename(Unfinished(), path_, error);
      if (file_.fail() || error) return CannotWrite(path_);
    }
    if (count_ == 1 && !folder_) {
      session_.err << first_.tracking_number() << ": " << first_.label_format() << " label, "
                   << bytes_ << " bytes, in " << path_ << "\n";
    } else {
      session_.err << count_ << " labels of " << shipments_.size() << " shipments, " << bytes_
                   << " bytes, in " << path_ << "\n";
    }
    return absl::OkStatus();
  }

  int count() const { return count_; }

 private:
  std::string Unfinished() const { return path_ + ".part"; }
  static absl::Status CannotWrite(const std::string& path) {
    return absl::UnknownError(absl::StrCat(path, ": cannot be written"));
  }
  absl::Status CannotJoin(const std::string& formats) const {
    return UsageError(absl::StrCat(formats,
                                   " labels cannot be joined in one file; -o DIR/ saves "
                                   "each in a file of its own, named by its 1Z number"));
  }

  absl::Status Write(const Label& label) {
    if (path_ == "-") {
      session_.out << label.label();
      return absl::OkStatus();
    }
    if (!file_.is_open()) file_.open(Unfinished(), std::ios::binary | std::ios::trunc);
    file_ << label.label();
    return file_ ? absl::OkStatus() : CannotWrite(path_);
  }

  absl::Status AddFile(const Label& label) {
    std::error_code error;
    std::filesystem::create_directories(path_, error);
    const std::filesystem::path file =
        std::filesystem::path(path_) /
        absl::StrCat(label.tracking_number(), ".", absl::AsciiStrToLower(label.label_format()));
    std::ofstream out(file, std::ios::binary | std::ios::trunc);
    out << label.label();
    out.close();
    return out ? absl::OkStatus() : CannotWrite(file.string());
  }

  Session& session_;
  const std::string path_;
  const bool folder_;
  std::ofstream file_;
  Label first_;
  int count_ = 0;
  std::size_t bytes_ = 0;
  std::set<std::string> shipments_;
};

absl::Status ReadInto(Session& session, const pb::ReadLabelsRequest& request, Target& target) {
  RETURN_IF_ERROR(session.Read(kShipmentBuilder, &Stub::ReadLabels, request,
                               std::max(session.timeout, kReadTimeout),
                               [&](const Label& label) { return target.Add(label); }));
  return target.Finish();
}

// Of one shipment: a package's, or all.
absl::Status OfShipment(Session& session, const Options& options, Target& target) {
  ASSIGN_OR_RETURN(const pb::Shipment found, FindShipment(session, options.shipment));
  if (options.all_packages) {
    pb::ReadLabelsRequest request;
    request.set_name(found.name());
    return ReadInto(session, request, target);
  }
  pb::GetLabelRequest request;
  request.set_name(found.name());
  request.set_package_number(std::max(1, options.package));
  // A 1Z number means that package.
  for (const pb::Shipment::Package& package : found.packages()) {
    if (package.tracking_number() == options.shipment) {
      request.set_package_number(package.package_number());
    }
  }
  ASSIGN_OR_RETURN(const Label label, session.Call(kShipmentBuilder, &Stub::GetLabel, request));
  RETURN_IF_ERROR(target.Add(label));
  return target.Finish();
}

absl::Status Save(Session& session, const Options& options) {
  if (options.all != options.shipment.empty()) {
    return UsageError("whose labels? Name a shipment, or give --all and --since");
  }
  if (options.all == options.since.empty()) {
    return UsageError(options.all ? "--all wants --since, such as --since 2026-11-01"
                                  : "--since goes with --all");
  }
  if (options.all && (options.package > 0 || options.all_packages)) {
    return UsageError("--all takes every package; leave out --package and --all-packages");
  }
  Target target(session, options.path);
  if (!options.all) return OfShipment(session, options, target);
  pb::ReadLabelsRequest request;
  ASSIGN_OR_RETURN(const absl::Time since, ParseSince("--since", options.since));
  request.mutable_since()->set_seconds(absl::ToUnixSeconds(since));
  if (!options.connection.empty()) request.set_connection(Named("connections", options.connection));
  RETURN_IF_ERROR(ReadInto(session, request, target));
  if (target.count() == 0) session.err << "No label was bought since " << options.since << ".\n";
  return absl::OkStatus();
}

}  // namespace

void AddShipmentLabel(CLI::App& noun, Cli& cli) {
  const auto options = std::make_shared<Options>();
  CLI::App* verb = noun.add_subcommand("label", "Save labels: a package's, a shipment's, a day's");
  verb->add_option("shipment", options->shipment, "Its id or a 1Z number");
  verb->add_option("--package", options->package,
                   "Which package, from 1; a 1Z number says it; default: 1")
      ->check(CLI::PositiveNumber);
  verb->add_flag("--all-packages", options->all_packages, "Of all the shipment's packages");
  verb->add_flag("--all", options->all, "Of all shipments that were labelled --since");
  verb->add_option("--since", options->since,
                   "With --all: since a day such as 2026-11-01, or a time");
  verb->add_option("--connection", options->connection, "With --all: only of this connection");
  verb->add_option("--out,-o", options->path,
                   "The file for all of them; a folder, as DIR/: a file for each, named by its 1Z "
                   "number; - is standard output")
      ->required();
  Run(verb, cli, options, Save);
}

}  // namespace psups::psupsctl

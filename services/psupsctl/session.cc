#include "services/psupsctl/session.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "services/psupsctl/input.h"

namespace psups::psupsctl {

int ExitCode(const absl::Status& status) {
  if (status.ok()) return 0;
  if (IsUsageError(status)) return 2;
  switch (status.code()) {
    case absl::StatusCode::kNotFound:
      return 3;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
      return 4;
    default:
      return 1;
  }
}

Connector ConnectByContext(std::string context_path) {
  return [context_path, context = std::optional<Context>()](
             const std::string& service) mutable -> absl::StatusOr<Endpoint> {
    if (!context) {
      ASSIGN_OR_RETURN(context, LoadContext(context_path));
      RETURN_IF_ERROR(CheckTlsFiles(context->tls));
    }
    const auto found = context->endpoints.find(service);
    if (found == context->endpoints.end()) {
      return UsageError(absl::StrCat(context->file, ": endpoints has no ", service));
    }
    return Endpoint{.address = found->second, .channel = MakeChannel(found->second, context->tls)};
  };
}

bool Session::Confirm(const std::string& question) {
  err << question << " [y/N] " << std::flush;
  std::string answer;
  if (!std::getline(in, answer)) err << "\n";  // nobody there, who would have ended the line
  answer = absl::AsciiStrToLower(answer);
  return answer == "y" || answer == "yes";
}

absl::StatusOr<Endpoint> Session::EndpointOf(const std::string& service) {
  if (const auto found = endpoints_.find(service); found != endpoints_.end()) return found->second;
  ASSIGN_OR_RETURN(const Endpoint endpoint, connector_(service));
  endpoints_[service] = endpoint;
  return endpoint;
}

absl::Status Session::Explain(const absl::Status& status, const std::string& service,
                              const std::string& address) {
  std::string message(status.message());
  // Of gRPC's words the last are those that say it.
  for (const std::string words : {"last error: ", "remote host: "}) {
    if (const auto at = message.rfind(words); at != std::string::npos) {
      message = message.substr(at + words.size());
    }
  }
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
      if (message.rfind("database: ", 0) == 0) {
        return absl::UnavailableError(
            absl::StrCat(service, " has lost its ", message,
                         "; start PostgreSQL, the service goes on by itself"));
      }
      return absl::UnavailableError(
          absl::StrCat(service, " at ", address, " is not available: ", message,
                       "; is it running, and is its address in the context right?"));
    case absl::StatusCode::kDeadlineExceeded:
      return absl::DeadlineExceededError(
          absl::StrCat(service, " at ", address,
                       " did not answer in time; try again, or wait longer with --timeout"));
    case absl::StatusCode::kUnimplemented:
      return absl::UnimplementedError(
          absl::StrCat(service, " at ", address, " does not know this; is it of another version?"));
    default:
      return status;
  }
}

}  // namespace psups::psupsctl

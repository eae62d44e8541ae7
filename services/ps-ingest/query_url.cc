#include "services/ps-ingest/query_url.h"

#include "absl/strings/str_cat.h"
#include "common/http_message.h"

namespace psups::ps_ingest {
namespace {

std::string NodeUrl(std::string_view base_url, std::string_view node) {
  while (!base_url.empty() && base_url.back() == '/') base_url.remove_suffix(1);
  return absl::StrCat(absl::string_view(base_url.data(), base_url.size()), "/",
                      PercentEncode(node));
}

}  // namespace

absl::StatusOr<std::string> QueryUrl(const QueryRequest& request) {
  std::string names;
  std::string values;
  for (const auto& [name, value] : request.prompts) {
    if (name.find(',') != std::string::npos || value.find(',') != std::string::npos) {
      return absl::InvalidArgumentError(
          absl::StrCat("prompt ", name, ": a comma stands in it, which a prompt cannot carry"));
    }
    absl::StrAppend(&names, names.empty() ? "" : ",", PercentEncode(name));
    absl::StrAppend(&values, &value == &request.prompts.front().second ? "" : ",",
                    PercentEncode(value));
  }
  std::string url =
      absl::StrCat(NodeUrl(request.base_url, request.node),
                   request.is_private ? "/ExecuteQuery.v1/private/" : "/ExecuteQuery.v1/public/",
                   PercentEncode(request.query), request.xmlp ? "/XMLP" : "/JSON",
                   "/NONFILE?isconnectedquery=N&maxrows=", request.max_rows);
  if (!names.empty()) {
    absl::StrAppend(&url, "&prompt_uniquepromptname=", names, "&prompt_fieldvalue=", values);
  }
  return request.xmlp ? url : url + "&json_resp=true";
}

std::string OperationUrl(std::string_view base_url, std::string_view node, std::string_view path) {
  std::string url = NodeUrl(base_url, node);
  while (!path.empty() && path.front() == '/') path.remove_prefix(1);
  while (true) {
    const std::size_t slash = path.find('/');
    absl::StrAppend(&url, "/", PercentEncode(path.substr(0, slash)));
    if (slash == std::string_view::npos) return url;
    path.remove_prefix(slash + 1);
  }
}

}  // namespace psups::ps_ingest

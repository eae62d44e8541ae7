#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/crypto.h"

namespace psups::audit_ledger {

// RFC 6962, section 2.1, written down as its formulas stand there, over all leaves at once: what
// the real tree is compared with. Shares no code with it.
class NaiveTree {
 public:
  explicit NaiveTree(std::vector<std::string> entries) : entries_(std::move(entries)) {}

  // MTH(D[0:n])
  std::string Root(int n) { return n == 0 ? Sha256("") : Hash(0, n); }

  // PATH(m, D[0:n])
  std::vector<std::string> Path(int m, int n) { return Path(m, 0, n); }

  // PROOF(m, D[0:n])
  std::vector<std::string> Proof(int m, int n) { return SubProof(m, 0, n, true); }

 private:
  // MTH(D[a:b])
  const std::string& Hash(int a, int b) {
    std::string& hash = hashes_[{a, b}];
    if (!hash.empty()) return hash;
    if (b - a == 1) {
      hash = Sha256(std::string(1, '\0') + entries_[a]);
    } else {
      const int k = HalfOf(b - a);
      const std::string children = Hash(a, a + k) + Hash(a + k, b);
      hash = Sha256('\1' + children);
    }
    return hash;
  }

  std::vector<std::string> Path(int m, int a, int b) {
    if (b - a == 1) return {};
    const int k = HalfOf(b - a);
    std::vector<std::string> path = m < k ? Path(m, a, a + k) : Path(m - k, a + k, b);
    path.push_back(m < k ? Hash(a + k, b) : Hash(a, a + k));
    return path;
  }

  std::vector<std::string> SubProof(int m, int a, int b, bool whole) {
    if (m == b - a) return whole ? std::vector<std::string>{} : std::vector{Hash(a, b)};
    const int k = HalfOf(b - a);
    std::vector<std::string> proof =
        m <= k ? SubProof(m, a, a + k, whole) : SubProof(m - k, a + k, b, false);
    proof.push_back(m <= k ? Hash(a + k, b) : Hash(a, a + k));
    return proof;
  }

  // k, the largest power of two smaller than n.
  static int HalfOf(int n) {
    int k = 1;
    while (k * 2 < n) k *= 2;
    return k;
  }

  std::vector<std::string> entries_;
  std::map<std::pair<int, int>, std::string> hashes_;
};

}  // namespace psups::audit_ledger

#include "common/http_address.h"

#include <netinet/in.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <iterator>

namespace psups {
namespace {

constexpr std::uint32_t Ip4(std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d) {
  return a << 24 | b << 16 | c << 8 | d;
}

// Outside 169.254.0.0/16: Alibaba's, Azure's and Oracle's.
constexpr std::uint32_t kMetadata4[] = {Ip4(100, 100, 100, 200), Ip4(168, 63, 129, 16),
                                        Ip4(192, 0, 0, 192)};

// AWS's fd00:ec2::254 and Google's fd20:ce::254.
constexpr std::uint8_t kMetadata6[][16] = {
    {0xfd, 0x00, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54},
    {0xfd, 0x20, 0x00, 0xce, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54}};

bool IsForbidden4(std::uint32_t address) {
  return address >> 16 == (169u << 8 | 254u) ||
         std::count(std::begin(kMetadata4), std::end(kMetadata4), address) > 0;
}

bool IsForbidden6(const in6_addr& address) {
  const std::uint8_t* const bytes = address.s6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&address)) {
    return IsForbidden4(Ip4(bytes[12], bytes[13], bytes[14], bytes[15]));
  }
  if (IN6_IS_ADDR_LINKLOCAL(&address)) return true;
  return std::any_of(std::begin(kMetadata6), std::end(kMetadata6), [&](const auto& metadata) {
    return std::memcmp(metadata, bytes, sizeof(metadata)) == 0;
  });
}

}  // namespace

bool IsForbiddenAddress(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    return IsForbidden4(ntohl(reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr));
  }
  if (address.sa_family == AF_INET6) {
    return IsForbidden6(reinterpret_cast<const sockaddr_in6&>(address).sin6_addr);
  }
  return true;
}

}  // namespace psups

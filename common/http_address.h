#pragma once

#include <sys/socket.h>

namespace psups {

// Whether a call to the address could reach the machine's own cloud instead of a peer: link-local
// addresses and the metadata services of clouds. What is not IP is forbidden too.
bool IsForbiddenAddress(const sockaddr& address);

}  // namespace psups

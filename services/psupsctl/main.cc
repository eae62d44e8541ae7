#include <grpc/support/log.h>

#include <iostream>

#include "services/psupsctl/cli.h"

int main(int argc, char** argv) {
  // gRPC's own lines would stand between ours; what went wrong is in the status.
  gpr_set_log_function([](gpr_log_func_args*) {});
  return psups::psupsctl::RunPsupsctl({argv + 1, argv + argc}, std::cin, std::cout, std::cerr,
                                      psups::psupsctl::ConnectByContext);
}

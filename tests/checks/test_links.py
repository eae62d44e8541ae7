"""The services' binaries are linked with the libraries that the design names."""

import re
import subprocess
import unittest

from deploy.local.layout import BINARIES, SERVICES

WANTED = (r"libgrpc\+\+", "libprotobuf", "libabsl_", "libpqxx", "libprometheus-cpp-", "libcrypto")


class LinksTest(unittest.TestCase):
    def test_every_service_needs_them(self):
        for service in SERVICES:
            said = subprocess.run(["readelf", "-d", BINARIES / service], capture_output=True,
                                  text=True, check=True).stdout
            needed = re.findall(r"NEEDED.*\[(.*)\]", said)
            for library in WANTED:
                with self.subTest(service=service, library=library):
                    self.assertTrue([name for name in needed if re.match(library, name)])


if __name__ == "__main__":
    unittest.main()

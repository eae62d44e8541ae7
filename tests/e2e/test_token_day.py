"""A day of tokens that live an hour under moved time, judged by what UPS saw: see token_day.py.

Small here; `make soak` runs it at full size.
"""

import os
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

from token_day import ACCOUNTS, HOUR, LIMIT, LIMITS, TokenDay, most_in_a_day  # noqa: E402

GATEWAYS = int(os.environ.get("TOKEN_DAY_GATEWAYS", "6"))
HOURS = int(os.environ.get("TOKEN_DAY_HOURS", "26"))
KILLS = int(os.environ.get("TOKEN_DAY_KILLS", "2"))
SEED = int(os.environ.get("TOKEN_DAY_SEED", "1"))
STEP = tuple(map(int, os.environ.get("TOKEN_DAY_STEP", "1200-2400").split("-")))
A_DAY_OF_HOURLY_TOKENS = 26
HANDFUL = 3


class Counting(unittest.TestCase):
    def test_a_day_is_any_24_hours_its_end_not_counted(self):
        day = 24 * HOUR
        self.assertEqual(most_in_a_day([]), 0)
        self.assertEqual(most_in_a_day([5, 0, day - 1]), 3)
        self.assertEqual(most_in_a_day([0, 10, day, day + 5]), 3)


class TokenDays(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        print(f"{GATEWAYS} gateways, {HOURS} hours, {KILLS} kills, seed {SEED}")
        with TokenDay("e2e-token-day", gateways=GATEWAYS, hours=HOURS, kills=KILLS, seed=SEED,
                      step_seconds=STEP) as day:
            day.run()
            cls.day = day
            cls.times = {name: day.request_times(name) for name in ACCOUNTS}
            cls.late_uses = {name: day.late_uses(name) for name in ACCOUNTS}
        print({name: (len(times), most_in_a_day(times)) for name, times in cls.times.items()},
              dict(day.replies), f"{day.restarts} restarts", f"kills: {day.killed}")

    def test_all_that_was_planned_happened(self):
        self.assertEqual(len(self.day.killed), KILLS)
        self.assertEqual((len(self.day.happened), self.day.rotations), (3, 1))
        self.assertGreaterEqual(self.day.restarts, GATEWAYS * (HOURS - 3))

    def test_no_call_of_the_fleet_is_lost(self):
        self.assertEqual(self.day.lost[:5], [])

    def test_a_day_costs_26_requests_and_one_for_each_rotation_and_kill(self):
        bar = A_DAY_OF_HOURLY_TOKENS + self.day.rotations + len(self.day.killed)
        self.assertLessEqual(most_in_a_day(self.times["day"]), bar)
        self.assertGreaterEqual(len(self.times["day"]), HOURS - 4)  # tokens did end

    def test_no_token_is_used_after_it_ended_and_a_revoked_one_only_until_the_first_401(self):
        late = [uses for uses in self.late_uses["day"] if uses]
        self.assertEqual([len(uses) for uses in late], [1], late)
        for name in ("five", "storm"):
            self.assertFalse([uses for uses in self.late_uses[name] if uses])

    def test_with_a_limit_of_five_there_is_never_a_sixth(self):
        self.assertEqual(most_in_a_day(self.times["five"]), LIMITS["five"])
        self.assertGreater(self.day.replies["five", "OK"], 0)
        self.assertGreater(self.day.replies["five", "RESOURCE_EXHAUSTED"], 0)
        self.assertGreater(len(self.times["five"]), LIMITS["five"])  # and on the next day again

    def test_a_wrong_secret_costs_a_handful_and_then_one_an_hour_at_most(self):
        times = sorted(self.times["wrong"])
        self.assertGreater(len(times), HANDFUL)  # it is noticed when the secret is put right at UPS
        self.assertLessEqual(len([t for t in times if t < times[0] + HOUR]), HANDFUL)
        for n, begin in enumerate(times):
            if begin >= times[0] + HOUR and n + 1 < len(times):
                self.assertGreaterEqual(times[n + 1] - begin, HOUR - 1)

    def test_a_storm_of_401_does_not_spend_the_day(self):
        begun, ended = self.day.storm
        in_storm = [t for t in self.times["storm"] if begun <= t <= ended]
        # One forced renewal in six minutes, whoever asks, restarted or not.
        self.assertLessEqual(len(in_storm), (ended - begun) / 360 + 2)
        self.assertGreater(len(in_storm), 2)
        self.assertLessEqual(most_in_a_day(self.times["storm"]), LIMIT / 2)
        self.assertGreater(self.day.replies["storm", "UNAUTHENTICATED"], 0)
        self.assertEqual(self.day.well_after_storm, GATEWAYS)


if __name__ == "__main__":
    unittest.main()

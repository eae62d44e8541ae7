"""What is allowed, what is not, and the count of both."""

from allowances import ALLOWANCES


def said(line: dict) -> str:
    return f"{line['method']} {line['url'].split('?')[0]}"


class Report:
    """Prints a line for each case, and counts."""

    def __init__(self, allowances=ALLOWANCES):
        self.passed = self.failed = 0
        self.hits = {allowance: 0 for allowance in allowances}

    def say(self, name: str, problems: list[str]):
        if problems:
            self.failed += 1
        else:
            self.passed += 1
        print("\n          ".join([f"{'FAILED' if problems else 'ok    '}  {name}", *problems]),
              flush=True)

    def violations(self, line: dict, side: str = "") -> list[str]:
        """The violations of a call that was judged, but for those that are allowed. `side`: of the
        request alone."""
        problems = []
        for violation in line["violations"]:
            if side and violation["side"] != side:
                continue
            fitting = [a for a in self.hits if a.fits(line["url"], violation)]
            for allowance in fitting:
                self.hits[allowance] += 1
            if not fitting:
                problems.append(f"{said(line)}: {violation['side']} {violation['path']}: "
                                f"{violation['message']}")
        return problems

    def say_allowances(self):
        """One that nothing fitted is a failure: what it allowed is not there any more."""
        for allowance, hits in self.hits.items():
            self.say(f"allowed   row {allowance.row}, {hits} times: {allowance.why}",
                     [] if hits else ["nothing fits it any more: take it out"])

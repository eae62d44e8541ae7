"""Moves parcels along as UPS would, a scan at a time."""

from datetime import datetime, timedelta, timezone

from judging.fields import Label

SCRIPT = ("OR", "DP", "OT", "FS")
# UPS writes whole seconds: two scans of a parcel must not fall into the same one.
PAUSE = timedelta(milliseconds=1100)


class Scanner:
    """Scans every parcel that is not held back, each by the script, until it is delivered."""

    def __init__(self, admin):
        self.admin = admin
        self.done: dict[str, int] = {}
        self.last: dict[str, datetime] = {}

    def step(self, ups_truth: dict, held) -> None:
        """One scan for each parcel that is due; `held` says of a label whether it has to wait."""
        now = datetime.now(timezone.utc)
        due = []
        for truth in ups_truth["shipments"]:
            label = Label(truth)
            if label.voided or held(label):
                continue
            made = datetime.fromisoformat(truth["created"].replace("Z", "+00:00"))
            numbers = [p["tracking_number"] for p in truth["packages"] if not p["voided"]]
            due += [number for number in numbers if self._is_due(number, made, now)]
        if not due:
            return
        self.admin.post("/admin/scans", [
            {"tracking_number": number, "code": SCRIPT[self.done.get(number, 0)]}
            for number in due])
        # The pause begins when the scan was made, not when it was found due.
        now = datetime.now(timezone.utc)
        for number in due:
            self.done[number] = self.done.get(number, 0) + 1
            self.last[number] = now

    def _is_due(self, number: str, made: datetime, now: datetime) -> bool:
        return (self.done.get(number, 0) < len(SCRIPT)
                and now - self.last.get(number, made) >= PAUSE)

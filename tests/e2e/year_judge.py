"""What came of a year of ps-ingest: its database, ListOrders and the sandbox's journal against what the
run itself knows of its documents."""

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from ingest_year import FAULTS, LAG, READ_TIMEOUT, SLOW_MS, IngestYear
from year_calendar import is_quiet
from year_documents import DAY, HOUR, ZONE, local

from deploy.local.layout import StackError

LIST = "OrderService/ListOrders"
KINDS = {"PURCHASE_ORDER": "PO", "REQUISITION": "REQ"}
# In place of an answer; and the answers that nobody could take whole.
NO_ANSWER = {"bare_500", "ib_error_200", "status_503", "html_login", "redirect_302", "reset_before",
             "contact_158_10721", "permission_158_536", "away"}
HURT = {"reset_mid_body", "truncate", "withhold"}


def moment(text: str, fold: int = 0) -> float:
    """Of a reading of the base zone's clock; `fold` says which where it is ambiguous."""
    return datetime.fromisoformat(text.replace(" ", "T")).replace(tzinfo=ZONE, fold=fold).timestamp()


def end_of(text: str, fold: int = 0) -> float:
    """Of a window: 02:00:00 may be read an hour before the clock shows it in autumn."""
    second_before = datetime.fromisoformat(text.replace(" ", "T")) - timedelta(seconds=1)
    return moment(second_before.isoformat(), fold) + 1


def instant(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def kind_of(entry: dict) -> str:
    return (entry["fault"] or "").split(":")[0]


def prompts_of(entry: dict) -> dict[str, str]:
    asked = parse_qs(urlsplit(entry["target"]).query)
    names = asked["prompt_uniquepromptname"][0].split(",")
    return dict(zip(names, asked["prompt_fieldvalue"][0].split(",")))


def gaps_of(windows: list[tuple[str, str, float]], begin: float, end: float) -> list[tuple]:
    """What no window of (from, to, moment of the read) covers between `begin` and `end`. A reading that
    stands for two moments counts as the better one: the documents of that hour are looked at each."""
    gaps, covered = [], begin
    for first, last, read in windows:
        starts = moment(first)
        ends = max((m for m in (end_of(last), end_of(last, 1)) if m <= read), default=end_of(last))
        if starts > covered:
            gaps.append((local(covered).isoformat(), first))
        covered = max(covered, ends)
    return gaps + ([(local(covered).isoformat(), "the end")] if covered < end else [])


class Judge:
    def __init__(self, year: IngestYear):
        self.year, self.plan = year, year.plan
        admin = year.world.site.admin
        self.journal = [e for e in admin.journal() if e["route"] == "query"]
        self.reads = dict(self._by_call(admin.truth()["reads"]))
        self.windows = year.world.sql.ask(
            "SELECT call_id, document_type, purpose, from_local, to_local, row_count, truncated, "
            "extract(epoch FROM read_time) FROM ps_ingest.windows ORDER BY window_id")
        self.rows = year.world.sql.ask(
            "SELECT o.document_type, o.business_unit, o.document_id, max(o.revision), "
            "string_agg(extract(epoch FROM r.create_time)::text, ' ' ORDER BY r.revision) FROM ps_ingest.orders o LEFT JOIN ps_ingest.order_revisions r "
            "USING (connection_id, order_id) GROUP BY o.connection_id, o.order_id")
        self.ledger = {call: outcome for call, outcome in year.world.sql.ask(
            "SELECT event_id, convert_from(entry, 'UTF8')::json -> 'detail' ->> 'outcome' "
            "FROM audit_ledger.entries WHERE action = 'ps.query'")}
        self.unclean_starts = int(year.world.sql.ask(
            "SELECT count(*) FROM audit_ledger.entries WHERE action = 'service.unclean_start'")[0][0])
        self.states = year.world.sql.ask("SELECT state FROM ps_ingest.connections")
        self.backfills = year.world.sql.ask("SELECT enabled FROM ps_ingest.source_cursors "
                                      "WHERE purpose = 'BACKFILL'")
        self.orders = {self._key(order): order for order in self._list_orders()}

    # ---- evidence ----

    def _by_call(self, reads: list[dict]):
        """(call id, (read, what kind of fault hurt it)): the truth tells of each answer, the journal of
        each request, in the same order."""
        answered = [entry for entry in self.journal if kind_of(entry) not in NO_ANSWER]
        if len(answered) != len(reads):
            raise StackError(f"{len(answered)} calls answered, {len(reads)} reads")
        for entry, read in zip(answered, reads):
            yield entry["call_id"], (read, kind_of(entry))

    def _list_orders(self) -> list[dict]:
        found, token = [], ""
        while True:
            page = self.year.world.call("viewer", LIST, {"page_size": 1000, "page_token": token})
            found += page.get("orders", [])
            token = page.get("next_page_token", "")
            if not token:
                return found

    @staticmethod
    def _key(order: dict) -> tuple[str, str, str]:
        document = order["document"]
        return (KINDS[document["document_type"]], document["business_unit"],
                document["document_id"])

    # ---- verdicts ----

    def missed(self) -> list[str]:
        """Documents that are not stored as they stand, or lacked a revision when the polls were done
        that were to bring it."""
        stored = {tuple(row[:3]): list(map(float, row[4].split())) for row in self.rows}
        found = []
        for document in self.year.archive.documents:
            order = self.orders.get(document.key)
            said = order and (order["document_status"],
                              [s["ordered_quantity"] for s in order["schedules"]])
            if said != (document.newest.status, document.quantities()):
                found.append(f"{document}: stored is {said}")
                continue
            times = stored[document.key]
            if any(sum(at <= due for at in times) <= n for n, due in enumerate(document.due())):
                found.append(f"{document}: revisions at {times}")
        return found

    def doubles(self) -> list[str]:
        """Rows or revisions more than there were documents and contents."""
        contents = {d.key: d.contents() for d in self.year.archive.documents}
        seen = Counter(tuple(row[:3]) for row in self.rows)
        return ([f"{key}: {count} rows" for key, count in seen.items() if count > 1] +
                [str(row) for row in self.rows
                 if int(row[3]) > contents.get(tuple(row[:3]), 0)
                 or int(row[3]) != len(row[4].split())])

    def unreconciled(self) -> tuple[list, list]:
        """Windows that are not what the site answered, by its truth or by the ledger; and answers, whole
        as far as the site knows, that neither a window nor the ledger tells of."""
        wrong, told = [], set()
        for call, _type, _purpose, first, last, rows, _cut, _read in self.windows:
            read, kind = self.reads.get(call, ({}, "never answered"))
            said = (read.get("from", "").replace(" ", "T"), read.get("to", "").replace(" ", "T"),
                    str(read.get("rows")))
            if (said != (first, last, rows) or kind in HURT or call in told
                    or self.ledger.get(call) not in ("ok", "truncated")):
                wrong.append((call, first, last, rows, said, kind))
            told.add(call)
        # What the ledger says failed on our side (such as an answer in time's last moment) is told.
        untold = [(call, read) for call, (read, kind) in self.reads.items()
                  if call not in told and kind not in HURT | {"wrong_numrows"}
                  and self.ledger.get(call) in (None, "ok", "truncated")]
        return wrong, untold

    def unrecorded(self) -> list[str]:
        """Calls that the site saw and the ledger does not know."""
        return [e["call_id"] for e in self.journal if e["call_id"] not in self.ledger]

    def gaps(self) -> dict[str, list]:
        whole = defaultdict(list)
        for _call, kind, purpose, first, last, _rows, cut, read in self.windows:
            if purpose == "POLL" and cut == "f":
                whole[kind].append((first, last, float(read)))
        begin = self.year.calendar.begin - 30 * DAY + HOUR
        return {kind: gaps_of(whole[kind], begin, self.year.ended - HOUR) for kind in ("PO", "REQ")}

    def quiet_reads(self) -> list[str]:
        return [e["time"] for e in self.journal if is_quiet(instant(e["time"]))]

    def too_fresh(self) -> list[str]:
        """Reads up to less than the lag before the site's clock."""
        return [e["target"] for e in self.journal
                if end_of(prompts_of(e)["TO_DTTM"]) + LAG > instant(e["time"])]

    def together(self) -> list[tuple[str, str]]:
        """Reads that came while the site was still at another. It says how long only where it was told
        to be slow or silent; a run that was killed meanwhile is excused."""
        length = {"slow": SLOW_MS / 1000, "withhold": READ_TIMEOUT - 0.2}
        return [(a["time"], b["time"]) for a, b in zip(self.journal, self.journal[1:])
                if ":kill-" not in (a["fault"] or "") and
                instant(b["time"]) - instant(a["time"]) < length.get(kind_of(a), 0)]

    def faults(self) -> dict[str, int]:
        hits = Counter(kind_of(entry) for entry in self.journal)
        return {kind: hits[kind] for kind in FAULTS}

    def summary(self, seconds: float) -> dict:
        year, documents = self.year, self.year.archive.documents
        wrong, untold = self.unreconciled()
        return {
            "seed": self.plan.seed, "documents": len(documents),
            "purchase_orders": sum(d.kind == "PO" for d in documents),
            "versions": sum(len(d.versions) for d in documents),
            "back_dated": sum(v.late for d in documents for v in d.versions),
            "behind_the_overlap": year.beyond,
            "dst_spring": year.near[year.calendar.spring],
            "dst_spring_in_no_hour": year.no_hour, "dst_autumn": year.near[year.calendar.autumn],
            "faults": self.faults(), "kills": year.kills,
            "downtime_hours": round(sum(year.hours_away.values()), 1),
            "days": round((year.ended - year.calendar.begin) / DAY),
            "strides": len(year.calendar.moments), "strides_polled": year.polled,
            "missed": len(self.missed()), "double": len(self.doubles()),
            "gaps": sum(map(len, self.gaps().values())), "quiet_reads": len(self.quiet_reads()),
            "too_fresh": len(self.too_fresh()), "reads_together": len(self.together()),
            "unreconciled": len(wrong), "answers_untold": len(untold),
            "calls_unrecorded": len(self.unrecorded()), "unclean_starts": self.unclean_starts,
            "reads": len(self.journal), "windows": len(self.windows),
            "windows_by_purpose": dict(Counter(row[2] for row in self.windows)),
            "windows_cut": sum(row[6] == "t" for row in self.windows),
            "seconds": round(seconds)}

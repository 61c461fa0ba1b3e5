"""Weaknesses and items described alike, so that one can be held against the other."""

from collections import defaultdict
from collections.abc import Iterable

from poam.asset_lines import asset_lines
from poam.assets import AssetIndex
from poam.classes import classify
from poam.evidence import Side
from poam.frames import Row
from poam.identifiers import cve_ids, row_identity, series_of, source_identifier
from poam.locations import parameters, without_query
from poam.marks import MarkReader, is_partial
from poam.policy import Policy
from poam.titles import TitleReader

# What of a sighting tells its place.
PLACE = ("asset_identifier", "location", "parameter", "port")


class Describer:
    """Describes weaknesses and items by what the policy and the asset index say of them."""

    def __init__(
        self, index: AssetIndex, policy: Policy, marks: MarkReader, titles: TitleReader
    ) -> None:
        self._index, self._policy = index, policy
        self._marks, self._titles = marks, titles

    def weakness(self, weakness: Row, places: Iterable[Row]) -> Side:
        """Describe a weakness; `places` are its present sightings."""
        title = str(weakness.name or "")
        identifier = source_identifier(
            weakness.source_identifier, self._policy, str(weakness.detector)
        )
        series = series_of(weakness.detector, self._policy)
        hosts: defaultdict[str, set[int]] = defaultdict(set)
        pages: defaultdict[str, set[str]] = defaultdict(set)
        for sighting in places:
            if sighting.location:
                page = without_query(sighting.location)
                named = {sighting.parameter} if sighting.parameter else set()
                pages[page] |= named or parameters(sighting.location)
            else:
                hosts[sighting.asset_identifier.casefold()].add(sighting.port)
        return Side(
            title=title,
            series=frozenset({series}),
            identifiers=frozenset({(series, identifier)} if identifier else ()),
            unscoped=frozenset(),
            marks=self._marks.read(title),
            cves=frozenset(weakness.cves),
            partial=False,
            weakness_class=classify(series, identifier, title, self._policy.weakness_classes),
            rating=str(weakness.original_risk_rating or ""),
            hosts={name: frozenset(ports) for name, ports in hosts.items()},
            pages={page: frozenset(named) for page, named in pages.items()},
        )

    def item(self, item: Row) -> Side:
        """Describe a row of the workbook."""
        identity = row_identity(
            item.weakness_detector_source, item.weakness_source_identifier, self._policy
        )
        title = item.weakness_name
        # People put an advisory or a CVE where the scanner's number belongs.
        written = f"{item.weakness_source_identifier} {title}"
        marks = self._marks.read(written)
        hosts: defaultdict[str, set[int]] = defaultdict(set)
        pages: defaultdict[str, set[str]] = defaultdict(set)
        images = any(map(self._policy.scans_images, identity.detectors))
        for line in asset_lines(item.asset_identifier, images):
            if line.location:
                named = {line.parameter} if line.parameter else parameters(line.location)
                pages[without_query(line.location)] |= named
            for name in () if line.location else line.names:
                hosts[self._index.identifier(name).casefold()].add(line.port)
        identifiers = frozenset(
            (series_of(detector, self._policy), number)
            for detector, number in identity.keys
            if not (cve_ids(number) or self._marks.read(number).families)
        )
        classes = (
            classify(series, number, self._titles.undecorated(title), self._policy.weakness_classes)
            for series, number in sorted(identifiers) or [("", "")]
        )
        return Side(
            title=title,
            series=frozenset(series_of(name, self._policy) for name in identity.detectors),
            identifiers=identifiers,
            unscoped=identity.unscoped,
            marks=marks,
            cves=frozenset(cve_ids(item.cve) or cve_ids(written)),
            partial=is_partial(item.cve),
            weakness_class=next((found for found in classes if found), None),
            rating=item.original_risk_rating,
            hosts={name: frozenset(ports) for name, ports in hosts.items()},
            pages={page: frozenset(named) for page, named in pages.items()},
        )

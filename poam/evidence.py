"""What speaks for and against two descriptions being of one weakness, as a sum to redo."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from poam.classes import WeaknessClass, related
from poam.correlation_rules import Correlation, EvidenceKind
from poam.identifiers import same_check
from poam.marks import MarkReader, Marks
from poam.titles import Likeness, TitleReader, common_words

LOOSE = {"version_bound", "month"}  # of several checks with other CVEs
OF_ONE_PRODUCT: set[EvidenceKind] = {
    *("title", "title_alone", "title_begins", "product", "class", "class_compatible")
}
SHOWN = 3  # names in a sentence before "and n more"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that speaks for a match, with its points."""

    kind: EvidenceKind
    points: int
    words: str


@dataclass(frozen=True, slots=True)
class Match:
    """A weakness held against an item: the evidence, or the veto that stands against it."""

    evidence: tuple[Evidence, ...] = ()
    veto: str = ""

    @property
    def points(self) -> int:
        """The sum."""
        return 0 if self.veto else sum(one.points for one in self.evidence)

    @property
    def by_identifier(self) -> bool:
        """Whether the scanner's own identifier made it."""
        return not self.veto and any(one.kind == "identifier" for one in self.evidence)

    @property
    def words(self) -> str:
        """The sum in words: `same advisory USN-1-1 (70) + web-01 in common (30) = 100`.

        The scanner's own identifier needs no sum.
        """
        if self.veto:
            return self.veto
        if self.by_identifier:
            return "the scanner's own identifier"
        terms = " + ".join(f"{one.words} ({one.points})" for one in self.evidence)
        return f"{terms} = {self.points}"


@dataclass(frozen=True)
class Side:
    """One side of a comparison: a weakness of this batch, or an item of the workbook.

    `series` are the series of numbers its scanners count in, none where the scanner is unknown;
    `identifiers` are scoped by them. `partial` says that the CVE list leaves some out. `rating` is
    the original risk rating. `hosts` maps each name of each asset to the ports it is on (0 where
    none is given), `pages` each page of a site to the parameters named.
    """

    title: str
    series: frozenset[str]
    identifiers: frozenset[tuple[str, str]]
    unscoped: frozenset[str]
    marks: Marks
    cves: frozenset[str]
    partial: bool
    weakness_class: WeaknessClass | None
    rating: str = ""
    hosts: Mapping[str, frozenset[int]] = field(default_factory=dict)
    pages: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def identifiers_in(self, series: frozenset[str]) -> frozenset[str]:
        """The identifiers in these series."""
        return frozenset(number for of in series for number in self.numbers.get(of, ()))

    @cached_property
    def numbers(self) -> Mapping[str, Sequence[str]]:
        """The identifiers by series, in order."""
        numbers: defaultdict[str, list[str]] = defaultdict(list)
        for series, number in sorted(self.identifiers):
            numbers[series].append(number)
        return dict(numbers)

    @cached_property
    def labels(self) -> frozenset[str]:
        """The first labels of full host names."""
        full = (name for name in self.hosts if "." in name and not name[0].isdigit())
        return frozenset(name.partition(".")[0] for name in full)

    @cached_property
    def bare(self) -> frozenset[str]:
        """The host names that are one label."""
        return frozenset(name for name in self.hosts if "." not in name and ":" not in name)


@dataclass(frozen=True)
class Pair:
    """A weakness and an item."""

    weakness: Side
    item: Side

    @cached_property
    def pages(self) -> list[str]:
        """The pages both have."""
        return sorted(self.weakness.pages.keys() & self.item.pages.keys())

    @cached_property
    def hosts(self) -> list[str]:
        """The hosts both have; a bare label stands for any host whose name it begins."""
        weakness, item = self.weakness, self.item
        labels = (weakness.labels & item.bare) | (weakness.bare & item.labels)
        return sorted((weakness.hosts.keys() & item.hosts.keys()) | labels)


class Weigher:
    """Weighs pairs by the rules of the policy.

    `vetoes` are their names. `off` names those to leave out: measuring what each is worth is all
    it is for.
    """

    def __init__(
        self,
        rules: Correlation,
        marks: MarkReader,
        titles: TitleReader,
        off: frozenset[str] = frozenset(),
    ) -> None:
        self._kinds = rules.evidence.kinds
        self._marks = marks
        self._titles = titles
        everywhere: dict[str, Callable[[Pair], str]] = {
            "no page in common": _other_page,
            "another parameter": _other_parameter,
        }
        unidentified: dict[str, Callable[[Pair], str]] = {
            "another check of this scanner": self._other_check,
            "another number": _other_number,
            "another system": _other_system,
            "no CVE in common": _other_cves,
            "another class": _other_class,
            "no asset in common": self._other_asset,
            "another port": _other_port,
        }
        self.vetoes = (*everywhere, *unidentified)
        self._everywhere = [veto for name, veto in everywhere.items() if name not in off]
        others = [veto for name, veto in unidentified.items() if name not in off]
        self._unidentified = [*others, *self._everywhere]

    def weigh(self, weakness: Side, item: Side) -> Match:
        """Hold a weakness against an item: vetoes first, then the identifier, or the sum.

        Where the identifier is the same only the place of a web weakness can speak against it.
        """
        pair = Pair(weakness, item)
        number = _same_identifier(weakness, item)
        for veto in self._everywhere if number else self._unidentified:
            if because := veto(pair):
                return Match(veto=because)
        if number:
            series = "/".join(sorted(weakness.series))
            several = pair.pages and len(item.identifiers_in(weakness.series)) > 1
            # Several checks, several pages: the row does not say which is where.
            kind: EvidenceKind = "identifier_among" if several else "identifier"
            return Match((self.evidence(kind, f"{series} identifier {number}"),))
        return Match(tuple(self._speaking(pair)))

    def evidence(self, kind: EvidenceKind, what: str) -> Evidence:
        """Return one thing that speaks for a match, worth what the policy says."""
        level = self._kinds[kind]
        return Evidence(kind, level.points, level.label.format(what=what))

    def _other_check(self, pair: Pair) -> str:
        others = pair.item.identifiers_in(pair.weakness.series)
        if others and not self._is_twin(pair.weakness, pair.item):
            return f"the item is another check of this scanner ({_listed(others)})"
        return ""

    def _other_asset(self, pair: Pair) -> str:
        if pair.weakness.pages or pair.hosts:
            return ""
        same = self._same_scanners_advisory(pair.weakness, pair.item)
        return "" if same else "no asset in common"

    def _is_twin(self, weakness: Side, item: Side) -> bool:
        """Tell twins: one fault that a scanner checks with credentials and without.

        Such plugins have one title, apart from the words for how they look, and one CVE list;
        so has a row whose number was mistyped.
        """
        alike = self._titles.cleaned(weakness.title) == self._titles.cleaned(item.title)
        return alike and bool(weakness.cves) and weakness.cves == item.cves

    def _same_scanners_advisory(self, weakness: Side, item: Side) -> bool:
        """Tell a row without identifier that names this scanner and the advisory of this check."""
        if not weakness.series & item.series or item.identifiers_in(weakness.series):
            return False
        return any(
            self._marks.kind_of[family] in ("advisory", "bulletin")
            and weakness.marks.families[family] == item.marks.families[family]
            for family in weakness.marks.families.keys() & item.marks.families.keys()
        )

    def _speaking(self, pair: Pair) -> Iterator[Evidence]:
        """Yield what speaks for a match that nothing rules out."""
        weakness, item = pair.weakness, pair.item
        if number := sorted(item.unscoped & {number for _, number in weakness.identifiers}):
            yield self.evidence("unscoped_identifier", number[0])
        words = self._named(pair)
        yield from self._same_marks(weakness, item, {one.kind for one in words})
        yield from self._same_cves(weakness, item)
        yield from words
        if pair.pages:
            yield self.evidence("page", _listed(pair.pages))
        elif pair.hosts:
            yield self.evidence("asset", _listed(pair.hosts))

    def _named(self, pair: Pair) -> list[Evidence]:
        """Return the class in common, or else the words: those that gave it away have spoken."""
        if relation := _relation(pair):
            # A row of an assessment or a person is theirs: a class in common is a question.
            sure = relation == "same" and bool(pair.item.series)
            kind: EvidenceKind = "class" if sure else "class_compatible"
            return [self.evidence(kind, _key(pair.weakness))]
        return list(self._same_words(pair.weakness, pair.item))

    def _same_marks(
        self, weakness: Side, item: Side, words: set[EvidenceKind]
    ) -> Iterator[Evidence]:
        """Yield each kind of mark once, by the family that has it.

        A bound or a month is a product's: without the product, or in a row that has nothing else
        and another rating, it tells nothing.
        """
        given: set[EvidenceKind] = set()
        shared = weakness.marks.families.keys() & item.marks.families.keys()
        little = _says_too_little(weakness, item) and weakness.rating != item.rating
        if little or not words & OF_ONE_PRODUCT:
            shared -= LOOSE
        for family in sorted(shared):
            mine, theirs = weakness.marks.families[family], item.marks.families[family]
            kind = self._marks.kind_of[family]
            exact = kind == "version_bound"
            if kind not in given and (mine == theirs if exact else mine & theirs):
                given.add(kind)
                yield self.evidence(kind, _listed(mine & theirs))

    def _same_cves(self, weakness: Side, item: Side) -> Iterator[Evidence]:
        mine, theirs = weakness.cves, item.cves
        shared = mine & theirs
        if not shared:
            return
        if mine == theirs and not item.partial:
            yield self.evidence("cve_equal", _listed(shared))
        elif theirs <= mine or mine <= theirs:
            yield self.evidence("cve_subset", _listed(shared))
        else:
            yield self.evidence("cve_overlap", _listed(shared))

    def _same_words(self, weakness: Side, item: Side) -> Iterator[Evidence]:
        """Yield the title, within one scanner; where it says nothing, the product in common."""
        likeness = Likeness("other", 0)
        if not item.series or weakness.series & item.series:
            likeness = self._titles.likeness(weakness.title, item.title)
        words = f"{likeness.percent:.0f} %"
        told_apart = item.series and not _says_too_little(weakness, item)
        if likeness.verdict == "same":
            yield self.evidence("title" if told_apart else "title_alone", words)
        elif likeness.verdict == "near":
            yield self.evidence("title_near", words)
        elif likeness.verdict == "begins":
            yield self.evidence("title_begins", words)
        else:
            yield from self._same_product(weakness, item)

    def _same_product(self, weakness: Side, item: Side) -> Iterator[Evidence]:
        """Yield the words of a product that both have; a vendor's one name is not enough."""
        mine, my_vendors = self._titles.products(weakness.title)
        theirs, their_vendors = self._titles.products(item.title)
        products = common_words(mine, theirs)
        vendors = common_words(my_vendors, their_vendors)
        if products or len(vendors) > 1:
            yield self.evidence("product", _listed(products or vendors))


def _says_too_little(weakness: Side, item: Side) -> bool:
    """Tell a row that lacks what its scanner tells its checks apart by: it fits many.

    In Nessus' feed 231 titles are used by 751 plugins with other CVEs each.
    """
    if item.cves or item.marks.families.keys() & weakness.marks.families.keys() - LOOSE:
        return False
    return bool(weakness.marks.families or weakness.cves)


def _same_identifier(weakness: Side, item: Side) -> str:
    for series, numbers in weakness.numbers.items():
        for other in item.numbers.get(series, ()):
            if any(same_check(number, other) for number in numbers):
                return other
    return ""


def _key(side: Side) -> str:
    return side.weakness_class.key if side.weakness_class else ""


def _other_page(pair: Pair) -> str:
    """A web weakness is in the page; a row that lists no page at all cannot say which."""
    if not pair.weakness.pages or pair.pages:
        return ""
    by_number = _same_identifier(pair.weakness, pair.item)
    return "" if by_number and not pair.item.pages else "no page in common"


def _other_parameter(pair: Pair) -> str:
    """An injection is in the parameter of a page, where both sides name one.

    What is of no known class may be an injection too.
    """
    weakness, item = pair.weakness, pair.item
    if not pair.pages or (weakness.weakness_class and not weakness.weakness_class.parameter):
        return ""
    for page in pair.pages:
        mine, theirs = ({name.casefold() for name in side.pages[page]} for side in (weakness, item))
        if not mine or not theirs or mine & theirs:
            return ""
    return "in another parameter"


def _other_number(pair: Pair) -> str:
    rivals = pair.item.marks.rivals
    for series, mine in pair.weakness.marks.rivals.items():
        if (theirs := rivals.get(series)) is None:
            continue
        common = mine & theirs
        # Of two lists of bounds one may leave some out; another bound beside a common one differs.
        within = series != "version_bound" or common in (mine, theirs)
        if not (common and within):
            return f"{series.replace('_', ' ')} {_listed(theirs)}, not {_listed(mine)}"
    return ""


def _other_system(pair: Pair) -> str:
    mine, theirs = pair.weakness.marks.distributions, pair.item.marks.distributions
    return (
        f"for {_listed(theirs)}, not {_listed(mine)}"
        if mine and theirs and not mine & theirs
        else ""
    )


def _other_cves(pair: Pair) -> str:
    mine, theirs = pair.weakness.cves, pair.item.cves
    return "no CVE in common" if mine and theirs and not mine & theirs else ""


def _relation(pair: Pair) -> str:
    mine, theirs = pair.weakness.weakness_class, pair.item.weakness_class
    return related(mine, theirs) if mine and theirs else ""


def _other_class(pair: Pair) -> str:
    return "another class of weakness" if _relation(pair) == "different" else ""


def _other_port(pair: Pair) -> str:
    """A check of a service is of its port, where both sides give one."""
    weakness, item = pair.weakness, pair.item
    if weakness.weakness_class is None or not weakness.weakness_class.service or not pair.hosts:
        return ""
    for host in pair.hosts:
        mine, theirs = weakness.hosts.get(host, ()), item.hosts.get(host, ())
        if not mine or not theirs or 0 in mine or 0 in theirs or set(mine) & set(theirs):
            return ""
    return "on another port"


def _listed(names: "frozenset[str] | list[str]") -> str:
    ordered = sorted(names)
    more = f" and {len(ordered) - SHOWN} more" if len(ordered) > SHOWN else ""
    return ", ".join(ordered[:SHOWN]) + more

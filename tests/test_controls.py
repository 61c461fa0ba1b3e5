"""800-53 controls of a new item: by kind, detector, family, class, CWE, name and solution."""

from fnmatch import fnmatchcase

import pytest
from pydantic import ValidationError

from poam.classes import WeaknessClasses
from poam.controls import Controls, Facts
from poam.policy import read_mapping

RULEBOOK = read_mapping("controls.yaml")
CONTROLS = Controls.model_validate(RULEBOOK)
CLASSES = WeaknessClasses.model_validate(read_mapping("weakness_classes.yaml")).classes
CVE = "CVE-2026-0001"
PATCHES = "Microsoft has released a set\nof patches for Windows Server 2019 and 2022."


def facts(**given):
    """The facts of a Nessus vulnerability; a class brings its CWEs, as it does in a run."""
    known = CLASSES.get(given.get("weakness_class", ""))
    stated = {
        "kind": "vulnerability",
        "detector": "Nessus",
        "class_cwes": known.cwe if known else (),
    }
    stated |= given
    for name in ("cves", "cwes"):
        if isinstance(stated.get(name), str):
            stated[name] = tuple(stated[name].split())
    return Facts(**stated)


def case(controls, words, **given):
    """One weakness, its controls, and the fact that decides."""
    shown = " ".join(str(value).split("\n")[0] for value in given.values())[:60]
    return pytest.param(controls, words, facts(**given), id=f"{controls} {shown}")


def family(controls, name, **given):
    """A weakness of which the plugin family decides."""
    return case(controls, f"family {name}", family=name, **given)


def of_class(controls, key, **given):
    """A weakness of which the class decides, not one of the class's CWEs."""
    return case(controls, f"(class {key})", weakness_class=key, **given)


def cwe(controls, number, **given):
    """A web finding of which the CWE decides."""
    return case(controls, f"(CWE-{number})", detector="ZAP", cwes=f"CWE-{number}", **given)


def named(controls, name, found, **given):
    """A weakness of which the scanner's name decides."""
    return case(controls, f'name "{found}"', name=name, **given)


def solved(solution, found, **given):
    """A weakness with a CVE and a solution that is an update."""
    return case("SI-2", f'{CVE}, solution "{found}"', cves=CVE, solution=solution, **given)


BENCHMARKS = [
    case("CM-6", "kind configuration", kind="configuration", family="Policy Compliance"),
    case("CM-6", "kind configuration", kind="configuration", detector="Qualys Policy Compliance"),
    case(
        "CM-6",
        "kind configuration",
        kind="configuration",
        family="Windows : Microsoft Bulletins",
        cwes="CWE-521",
        name="Windows XP Unsupported Installation Detection",
    ),
]
SOFTWARE = [
    named("SA-22", "PHP Unsupported Version Detection", "Unsupported Version"),
    named("SA-22", "Unsupported Windows OS (remote)", "Unsupported Windows OS"),
    named("SA-22", "Unix Operating System Unsupported Version Detection", "Unsupported Version"),
    named("SA-22", "Apache Tomcat SEoL (8.0.x)", "SEoL", cves=CVE, solution="Upgrade."),
    named("SA-22", "EOL/Obsolete Software: Microsoft ASP.NET 1.1 Detected", "EOL/Obsolete"),
    named("SA-22", "Product X has reached its end of life", "end of life"),
    named("SA-22", "Product X is no longer supported", "no longer supported"),
    family("SI-2", "Red Hat Local Security Checks", cwes="CWE-79"),
    family("SI-2", "Amazon Linux Local Security Checks", solution="Run 'yum update tar'"),
    family("SI-2", "windows : microsoft bulletins"),
    family("SI-2", "Component Vulnerability", detector="Tenable WAS"),
    *(
        family("SI-2", name, detector="Qualys")
        for name in ("RedHat", "Ubuntu", "Debian", "SUSE", "AlmaLinux", "Rocky Linux")
    ),
    case(
        "SI-2",
        f"detector Qualys, family Windows, {CVE}",
        detector="Qualys",
        family="Windows",
        cves=f"{CVE} CVE-2026-0002",
        solution="Please refer to the vendor's advisory.",
    ),
    case("SI-2", "detector Grype (SARIF)", detector="Grype (SARIF)"),
    case("SI-2", f"Container Security, {CVE}", detector="Qualys Container Security", cves=CVE),
    of_class("SI-2", "bluekeep", cves=CVE, solution="Please refer to the vendor's advisory."),
    of_class("SI-2", "tls_ccs"),
    solved("Upgrade to PHP version 8.2.20 or later.", "Upgrade", cwes="CWE-79 CWE-20"),
    solved("Update the affected packages.", "Update"),
    solved("Apply the appropriate hotfix.", "Apply the appropriate hotfix"),
    solved(PATCHES, "has released a set of patches"),
    solved("Following are links for downloading patches:", "links for downloading patches"),
    solved("Patches are available from the vendor.", "Patches are available"),
    solved("See the vendor's newly released fixes.", "released fixes"),
    solved("Version 1.1 and 1.2 have been released.", "have been released"),
    solved("Use release 3.5.0 or later.", "release 3.5.0 or later"),
    named("SI-2", "PHP < 7.3.24 Multiple Vulnerabilities", "< 7.3.24", family="CGI abuses"),
    named("SI-2", "Flash Player <= 30.0.0.154 (APSB18-31)", "<= 30.0.0.154"),
    named("SI-2", "Out-of-date Version (MySQL)", "Out-of-date", cwes="CWE-829"),
    named("SI-2", "Internet Explorer Security Update", "Security Update", detector="Qualys"),
    named("SI-2", "Vulnerable JS Library", "Vulnerable JS Library", cwes="CWE-829"),
    cwe("SI-2", 1395),
    cwe("SI-2", 1104),
]
NETWORK = [
    of_class("SC-8, SC-13", "tls_1_0", solution="Enable support for TLS 1.2 and 1.3."),
    of_class("SC-8, SC-13", "tls_beast", cves=CVE, solution="If possible upgrade to TLSv1.2."),
    of_class("SC-8, SC-13", "ssh_cbc", cves=CVE, cwes="CWE-200"),
    family("SC-8, SC-13", "SSL/TLS", detector="Tenable WAS"),
    of_class("SC-8", "smb_signing"),
    of_class("SC-17", "certificate_self_signed"),
    of_class("SC-17", "certificate_weak_signature", cves=CVE, cwes="CWE-310"),
    cwe("SC-17", 295),
    cwe("SC-8", 319),
    case("SC-8", "CWE-523", cwes="CWE-522 CWE-523"),
    case("SC-8", "CWE-319 of class telnet_cleartext", weakness_class="telnet_cleartext"),
    of_class("CM-7", "http_trace", cves=CVE, cwes="CWE-16 CWE-200"),
    of_class("CM-7", "smb_v1"),
    cwe("CM-7", 489),
    family("CM-7", "Peer-To-Peer File Sharing"),
    family("SI-3", "Backdoors"),
    of_class("SC-5", "tcp_sequence_reset", cves=CVE),
    of_class("AC-3", "smb_shares"),
    family("SC-5", "Denial of Service"),
    family("IA-5", "Default Unix Accounts"),
    case("IA-5", "CWE-1392 of class snmp_public", weakness_class="snmp_public"),
    case("IA-2", "CWE-306 of class redis_open", weakness_class="redis_open"),
]
WEB = [
    cwe("IA-5", 798),
    cwe("IA-5", 521),
    cwe("AC-7", 307),
    cwe("IA-2", 287),
    cwe("SC-23", 352),
    cwe("SC-23", 1004),
    case("SC-23", "CWE-614 of class", cwes="CWE-16", weakness_class="cookie_without_secure"),
    cwe("AC-6", 732),
    cwe("AC-4", 942),
    cwe("AC-3", 22),
    cwe("AC-3", 862),
    case("AC-3", "CWE-548 of class directory_listing", weakness_class="directory_listing"),
    cwe("SI-10", 79),
    cwe("SI-10", 89),
    cwe("SI-10", 918),
    case("SI-10", "(79)", cwes="79"),
    case("SI-10", "(CWE-79)", cwes="CWE-200 CWE-79"),
    family("SI-10", "Cross Site Scripting", detector="Tenable WAS"),
    cwe("SI-16", 120),
    cwe("SC-5", 400),
    cwe("SI-11", 209),
    of_class("SI-11", "private_ip", cwes="CWE-200"),
    cwe("SC-4", 525),
    cwe("SC-28", 312),
    cwe("AU-2", 778),
    cwe("SI-7", 353),
    cwe("SC-12", 321),
    cwe("SC-13", 327),
    cwe("CM-6", 693),
    cwe("CM-6", 16),
    of_class("CM-6", "referrer_policy_missing", cwes="CWE-200"),
    family("CM-6", "HTTP Security Header", detector="Tenable WAS"),
]
LAST_RESORT = [
    case("RA-5", "nothing names", name="An unheard-of weakness", family="Misc."),
    case("RA-5", "nothing names", cwes="CWE-200"),
    case("RA-5", "nothing names", cves=CVE),
    case("RA-5", "nothing names", cves=CVE, solution="There is no update. Disable the service."),
    case("RA-5", "nothing names", cves=CVE, solution="Use TLS version 1.2 or later."),
    case("RA-5", "nothing names", cves=CVE, solution="A fix is awaited."),
    case("RA-5", "nothing names", solution="Upgrade the cabling."),
    case("RA-5", "nothing names", detector="Qualys", family="Windows"),
    case("RA-5", "nothing names", family="Windows", cves=CVE),
    case("RA-5", "nothing names", detector="Trivy (SARIF)"),
    case("RA-5", "nothing names", cwes="CWE-7900"),
    case("RA-5", "nothing names", name="Bolts < M8 and libraries updated"),
]
CASES = [*BENCHMARKS, *SOFTWARE, *NETWORK, *WEB, *LAST_RESORT]


@pytest.mark.parametrize(("controls", "words", "known"), CASES)
def test_the_first_rule_that_holds_decides(controls, words, known):
    """A weakness gets the controls of the first rule that holds, and the fact that decided."""
    choice = CONTROLS.choose(known)
    assert ", ".join(choice.controls) == controls
    assert choice.because.startswith(f"{controls}: ")
    assert words in choice.because


def test_a_reason_reads_as_a_sentence_with_its_fact():
    """The reason names controls, what is wrong, and the facts; the key path leads to the rule."""
    choice = CONTROLS.choose(facts(family="Red Hat Local Security Checks"))
    assert choice.because == "SI-2: a missing patch (family Red Hat Local Security Checks)"
    assert choice.rule == "controls.rules[2]"
    assert CONTROLS.rules[2].controls == choice.controls
    assert CONTROLS.choose(facts()).rule == "controls.otherwise"


@pytest.mark.parametrize("place", range(len(CONTROLS.rules)))
def test_every_rule_decides_a_case(place):
    """No rule can be reached by nothing, and without any one of them a case comes out otherwise."""
    without = CONTROLS.model_copy(
        update={"rules": CONTROLS.rules[:place] + CONTROLS.rules[place + 1 :]}
    )
    decided = [
        known
        for _, _, known in (param.values for param in CASES)
        if CONTROLS.choose(known).rule == f"controls.rules[{place}]"
    ]
    assert decided
    assert any(without.choose(known).because != CONTROLS.choose(known).because for known in decided)


def test_a_cwe_stands_in_one_rule():
    """A CWE that an earlier rule takes would never decide in a later one."""
    numbers = [number for rule in CONTROLS.rules for number in rule.cwes]
    assert len(numbers) == len(set(numbers))


def test_classes_are_those_of_the_rulebook():
    """Every pattern of classes describes a class that there is."""
    patterns = [pattern for rule in CONTROLS.rules for pattern in rule.classes]
    assert patterns
    assert [p for p in patterns if not any(fnmatchcase(key, p) for key in CLASSES)] == []


RULE = {"source": "a test", "controls": ["SI-2"], "because": "a test"}


def controls_with(**changes):
    """A rulebook of one rule."""
    return Controls.model_validate(
        {"source": "a test", "rules": [RULE | changes], "otherwise": RULE}
    )


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({}, "a rule has a condition"),
        ({"has_cve": False}, "a rule has a condition"),
        ({"cwes": [79], "controls": ["SI2"]}, "controls"),
        ({"cwes": [79], "controls": ["ZZ-2"]}, "controls"),
        ({"cwes": [79], "controls": ["SC-7 and more"]}, "controls"),
        ({"cwes": [79], "controls": []}, "controls"),
        ({"cwes": [0]}, "greater than 0"),
        ({"kinds": ["compliance"]}, "kinds"),
        ({"names": ["("]}, "no regular expression"),
        ({"names": [""]}, "names"),
        ({"solution": ["update"]}, "solution needs has_cve or families"),
        ({"cwe": [79]}, "cwe"),
    ],
)
def test_nonsense_is_refused(changes, complaint):
    """A rule without a condition, with a control, kind or pattern that is none, or unknown keys."""
    with pytest.raises(ValidationError, match=complaint):
        controls_with(**changes)


def test_conditions_hold_together():
    """All conditions of a rule have to hold, and of each condition one value."""
    rules = controls_with(
        controls=["SC-7(3)"], detectors=["Qualys*", "Nessus"], families=["Firewalls", "DNS"]
    )
    assert rules.choose(facts(family="DNS")).rule == "controls.rules[0]"
    assert rules.choose(facts(family="DNS")).controls == ("SC-7(3)",)
    assert rules.choose(facts(family="DNS", detector="qualys was")).rule == "controls.rules[0]"
    assert rules.choose(facts(family="DNS", detector="ZAP")).rule == "controls.otherwise"
    assert rules.choose(facts(family="General")).rule == "controls.otherwise"

"""Each real export that is readable is claimed by its parser, each other one refused by name."""

import re

import pytest

from flows.identify import identified
from flows.ingest import parse
from flows.sources import discover
from parsers.registry import HEAD_SIZE, identify
from poam.errors import PoamError, ScanFormatError
from tests.parsers_support import SAMPLES, known, sample

# The formats of expected.csv, and the parser of each.
PARSER_OF = {
    "acunetix_xml": "acunetix_xml",
    "appscan_xml": "appscan_xml",
    "appspider_vulnsummary_xml": "appspider_xml",
    "arachni_json": "arachni_json",
    "burp_dastardly_junit_xml": "burp_dastardly_xml",
    "burp_enterprise_api_json": "burp_enterprise_json",
    "burp_graphql_json": "burp_graphql_json",
    "burp_xml": "burp_xml",
    "insightappsec_csv": "insightappsec_csv",
    "invicti_acunetix360_json": "invicti_json",
    "invicti_enterprise_xml": "invicti_xml",
    "nessus_csv": "nessus_csv",
    "nessus_v2_xml": "nessus_xml",
    "nikto_json": "nikto_json",
    "nikto_xml": "nikto_xml",
    "nuclei_json": "nuclei_json",
    "qualys_asset_data_report_xml": "qualys_asset_data_xml",
    "qualys_host_list_vm_detection_xml": "qualys_detections_xml",
    "qualys_knowledgebase_xml": "qualys_knowledgebase_xml",
    "qualys_pci_hackerguardian_csv": "qualys_pci_csv",
    "qualys_vm_report_csv": "qualys_asset_data_csv",
    "qualys_vm_scan_xml": "qualys_scan_xml",
    "qualys_vmdr_csv_by_cve": "qualys_vmdr_csv",
    "qualys_vmdr_csv_by_qid": "qualys_vmdr_csv",
    "qualys_was_report_xml": "qualys_was_xml",
    "sarif_json": "sarif_json",
    "stackhawk_json": "stackhawk_json",
    "tenable_io_csv": "tenable_vm_csv",
    "tenable_sc_csv": "tenable_sc_csv",
    "tenable_sc_summary_csv": "tenable_sc_csv",
    "tenable_vm_findings_csv_semicolon": "tenable_vm_csv",
    "tenable_was_csv": "tenable_was_csv",
    "veracode_detailedreport_xml": "veracode_xml",
    "wapiti_xml": "wapiti_xml",
    "webinspect_scan_xml": "webinspect_xml",
    "webinspect_sessions_xml": "webinspect_xml",
    "zap_json": "zap_json",
    "zap_xml": "zap_xml",
}
# What is no export at all, and what it looks like.
NO_EXPORT = {
    "empty_file": "an empty file",
    "html_report": "an HTML page",
    "nessus_v1_xml": "XML with the root element NessusClientData",
    "other_json": "JSON",
    "other_xml:NessusClientData_vwrong": "XML with the root element NessusClientData_vwrong",
}


@pytest.mark.parametrize("row", known())
def test_identified(row):
    """The parser is told by content: the name of the file says nothing."""
    head = sample(row["path"])[:HEAD_SIZE]
    if look := NO_EXPORT.get(row["format"]):
        with pytest.raises(ScanFormatError, match=f"^x: no parser claims it; it looks like {look}"):
            identify(head, "x")
    else:
        assert PARSER_OF[row["format"]] == identify(head, "x").NAME


@pytest.mark.parametrize("row", known())
def test_malformed_from_the_start(row):
    """What the first bytes show to be no XML, `poam identify` refuses by name and line."""
    (source,) = discover([SAMPLES / row["path"]])
    if row["strict_parse"] == "ok" and row["format"] not in NO_EXPORT:
        assert PARSER_OF[row["format"]] == identified(source).NAME
    else:
        with pytest.raises(PoamError, match=re.escape(row["path"].rpartition("/")[2])):
            identified(source)


@pytest.mark.parametrize("row", known())
def test_read_or_refused(row, policy):
    """What is well formed is read to its end, what is not is refused in one sentence."""
    (parsed,) = [parse(source, policy) for source in discover([SAMPLES / row["path"]])]
    if row["strict_parse"] == "ok" and row["format"] not in {*NO_EXPORT, "tenable_sc_summary_csv"}:
        assert parsed.refused == ""
    else:
        assert row["path"].rpartition("/")[2] in parsed.refused
        assert "found" in parsed.refused or "looks like" in parsed.refused
        assert parsed.refused.count("Expected") == 1

"""Classes of weakness: the crosswalk between scanners, by identifier and by title."""

import re

import pytest
import yaml

from poam.classes import WeaknessClasses, classify, needed, normalised, related
from poam.errors import PolicyError
from poam.identifiers import series_of
from poam.policy import load_policy

POLICY = load_policy()
CLASSES = POLICY.weakness_classes


def of(detector, identifier, title):
    """Return the class of a detector's check."""
    return classify(series_of(detector, POLICY), identifier, title, CLASSES)


# Titles as their vendors publish them.
TITLES = {
    "xss": [
        "Cross-site Scripting",
        "Cross site scripting",
        "Cross-Site Scripting (XSS) in HTML tag",
        "CGI Generic Cross-Site Scripting (comprehensive test)",
    ],
    "xss_reflected": [
        "Reflected Cross Site Scripting",
        "Cross-site scripting (reflected)",
        "Cross Site Scripting (Reflected)",
        "Reflected Cross-Site Scripting (XSS) Vulnerabilities",
        "Cross-Site Scripting: Reflected",
    ],
    "xss_stored": [
        "Stored Cross-Site Scripting",
        "Cross Site Scripting (Persistent)",
        "Permanent Cross-site Scripting",
        "Persistent Cross-Site Scripting (XSS) Vulnerabilities",
        "Cross-site scripting (stored)",
        "Cross-Site Scripting: Persistent",
        "CGI Generic XSS (persistent)",
    ],
    "xss_dom": [
        "Cross Site Scripting (DOM Based)",
        "DOM-based cross site scripting",
        "Dom Based XSS",
        "Cross-Site Scripting: DOM",
    ],
    "sql_injection": ["SQL injection", "SQL Injection - Oracle"],
    "sql_injection_blind": [
        "Boolean Based SQL Injection",
        "Blind SQL Injection (differential analysis)",
        "Blind SQL Injection (timing attack)",
        "CGI Generic SQL Injection (blind, time based)",
        "SQL Injection - MySQL (Time Based)",
        "SQL Injection - Hypersonic SQL (Time Based)",
    ],
    "x_frame_options_missing": [
        "Missing Anti-clickjacking Header",
        "X-Frame-Options Header Not Set",
        "Frameable response (potential Clickjacking)",
        "Clickjacking - X-Frame-Options header is not set",
        "Clickjacking: X-Frame-Options header missing",
        "Clickjacking: X-Frame-Options header",
        "Missing or insecure Cross-Frame Scripting Defence",
        "Cross-Frame Scripting",
    ],
    "cookie_without_httponly": [
        "Cookie(s) without HttpOnly flag set (verified)",
        "Cookie No HttpOnly Flag",
        "Missing HttpOnly Attribute in Session Cookie",
        "Session Cookie without HttpOnly flag set",
        "HttpOnly cookie",
        "Cookie Security: HTTPOnly not Set",
        "Web Application Cookies Not Marked HttpOnly",
    ],
    "cookie_without_secure": [
        "Cookie Without Secure Flag",
        "Cookie(s) without Secure flag set",
        "Session Cookie without Secure flag set",
        "Missing Secure Attribute in Encrypted Session (SSL) Cookie",
        'Session Cookie Does Not Contain The "Secure" Attribute',
        'Cookie Does Not Contain The "secure" Attribute',
        "Cookie Security: Cookie Not Sent Over SSL",
        "TLS cookie without secure flag set",
        "SSL cookie without secure flag set",
    ],
    "cookie_without_samesite": ["Cookie without SameSite Attribute"],
    "private_ip": [
        "Private IP Disclosure",
        "Private IP addresses disclosed",
        "Possible internal IP address disclosure",
        "Internal IP Address Disclosure",
        "Internal IP Disclosure Pattern Found",
    ],
    "directory_listing": [
        "Directory listing",
        "Directory Browsing",
        "Directory Listing (Apache)",
        "Browsable Web Directories",
        "Web Directories Listable Vulnerability",
        "Web Server Misconfiguration: Directory Listing",
    ],
    "tls_1_0": [
        "TLS Version 1.0 Protocol Detection",
        "SSL/TLS Server supports TLSv1.0",
        "Insecure Transportation Security Protocol Supported (TLS 1.0)",
        "Secure Sockets Layer/Transport Layer Security (SSL/TLS) Server supports "
        "Transport Layer Security (TLSv1.0)",
        "TLS 1.0 enabled",
    ],
    "certificate_self_signed": [
        "SSL Self-Signed Certificate",
        "SSL Certificate - Self-Signed Certificate",
    ],
    "certificate_expired": ["SSL Certificate - Expired", "SSL Certificate Expiry"],
    "certificate_untrusted": [
        "SSL Certificate Cannot Be Trusted",
        "SSL Certificate - Signature Verification Failed Vulnerability",
    ],
    "certificate_wrong_host": [
        "SSL Certificate - Subject Common Name Does Not Match Server FQDN",
        "SSL Certificate with Wrong Hostname",
    ],
    "tls_weak_ciphers": [
        "SSL Weak Cipher Suites Supported",
        "Weak Cipher Suites were detected",
        "Insecure Transport: Weak SSL Cipher",
    ],
    "tls_medium_ciphers": [
        "SSL Medium Strength Cipher Suites Supported (SWEET32)",
        "Birthday attacks against TLS ciphers with 64bit block size vulnerability (Sweet32)",
    ],
    "tls_rc4": [
        "SSL RC4 Cipher Suites Supported (Bar Mitzvah)",
        "SSL/TLS use of weak RC4(Arcfour) cipher",
    ],
    "certificate_weak_signature": ["SSL Certificate Signed Using Weak Hashing Algorithm"],
    "ssh_cbc": ["SSH Server CBC Mode Ciphers Enabled"],
    "ssh_weak_mac": ["SSH Weak MAC Algorithms Enabled"],
    "ssh_weak_kex": [
        "SSH Weak Key Exchange Algorithms Enabled",
        "SSH Server Supports Weak Key Exchange Algorithms",
    ],
    "ssh_weak_algorithms": ["Deprecated SSH Cryptographic Settings"],
    "smb_signing": ["SMB Signing not required", "SMB Signing Disabled or SMB Signing Not Required"],
    "smb_v1": [
        "Server Message Block (SMB) Protocol Version 1 Enabled (uncredentialed check)",
        "SMB Version 1 Enabled",
    ],
    "rdp_nla": [
        "Terminal Services Doesn't Use Network Level Authentication (NLA) Only",
        "Microsoft Windows Network Level Authentication Disabled",
    ],
    "icmp_timestamp": ["ICMP Timestamp Request", "ICMP Timestamp Request Remote Date Disclosure"],
    "http_trace": [
        "HTTP TRACE / TRACK Methods Allowed",
        "HTTP TRACE / TRACK Methods Enabled",
        "TRACE/TRACK Method Detected",
        "TRACE method is enabled",
        "HTTP TRACE",
        "HTTP Methods: TRACE",
        "HTTP TRACE method is enabled",
    ],
    "x_content_type_options_missing": [
        "X-Content-Type-Options Header Missing",
        "Content Sniffing not disabled",
    ],
    "x_xss_protection_missing": [
        "Web Browser XSS Protection Not Enabled",
        'Missing or insecure "X-XSS-Protection" header',
    ],
    "referrer_policy_missing": ["Missing header: Referrer-Policy"],
    "security_headers": ["HTTP Security Header Not Detected"],
    "ssh_terrapin": ["SSH Terrapin Prefix Truncation Weakness (CVE-2023-48795)"],
    "email_disclosure": [
        "E-mail Address Disclosure",
        "Email address found",
        "Email Address Pattern Found",
        "E-mail address disclosure",
        "Email addresses disclosed",
    ],
    "path_disclosure_windows": ["Internal Path Disclosure (Windows)"],
    "path_disclosure_unix": ["Internal Path Disclosure (*nix)"],
    "version_iis": ["Version Disclosure (IIS)"],
    "password_get": [
        "Password Transmitted Over Query String",
        "Password submitted using GET method",
    ],
    "password_cleartext": [
        "Password Transmitted over HTTP",
        "User credentials are sent in clear text",
        "Unencrypted password form",
        "Login Form Is Not Submitted Via HTTPS",
    ],
    "csrf": [
        "[Possible] Cross-site Request Forgery",
        "Cross-Site Request Forgery",
        "Form Can Be Manipulated with Cross-Site Request Forgery (CSRF)",
    ],
    "csrf_login": ["[Possible] Cross-site Request Forgery in Login Form"],
    "application_error": [
        "Programming Error Message",
        "Application error message",
        "Application Error",
        "Verbose Error Message",
    ],
    "database_error": ["Database Error Message Disclosure"],
    "stack_trace": ["Stack Trace Disclosure (ASP.NET)"],
    "viewstate_no_mac": [
        "ViewState is not Signed",
        "MAC is not Enabled in ViewState",
        "Viewstate without MAC Signature (Unsure)",
        "ASP.NET ViewState without MAC enabled",
    ],
    "viewstate_unencrypted": ["ViewState is not Encrypted"],
    "http_options": ["OPTIONS Method Enabled", "Allowed HTTP methods"],
    "open_redirect": [
        "Open Redirection",
        "URL redirection",
        "Unvalidated redirect",
        "External Redirect",
    ],
    "crossdomain_xml": [
        "Open Policy Crossdomain.xml Detected",
        "Insecure cross-domain policy (allow-access-from)",
        "Flash cross-domain policy",
    ],
    "clientaccesspolicy_xml": [
        "Open Silverlight Client Access Policy",
        "Insecure client-access policy",
    ],
    "header_injection": [
        "HTTP Header Injection",
        "CRLF injection/HTTP response splitting",
        "HTTP Response Splitting",
        "Response Splitting",
        "Potential HTTP Response Splitting Vulnerability",
    ],
    "command_injection": [
        "Command Injection",
        "Blind Command Injection",
        "Operating system command injection",
        "Operating system command injection (timing attack)",
        "Remote OS Command Injection (Time Based)",
    ],
    "local_file_inclusion": [
        "Local File Inclusion",
        "File Inclusion",
        "Path Manipulation: Local File Inclusion",
        "CGI Generic Local File Inclusion (2nd pass)",
    ],
    "remote_file_inclusion": ["Remote File Inclusion"],
    "code_injection_php": ["Remote Code Evaluation (PHP)"],
    "code_injection_asp": ["Code Evaluation (ASP)"],
    "source_disclosure_svn": ["SVN Detected"],
    "basic_auth_http": [
        "Basic Authorization over HTTP",
        "Web Server Uses Basic Authentication Without HTTPS",
    ],
    "weak_credentials": ["Weak Basic Authentication Credentials"],
    "source_disclosure_php": ["Source Code Disclosure (PHP)"],
    "source_code_disclosure": [
        "[Possible] Source Code Disclosure (Generic)",
        "Script source code disclosure",
    ],
    "backup_files": ["Backup File Disclosure", "Backup Files Disclosure"],
    "frame_injection": ["Frame Injection", "Phishing Through Frames"],
    "phpinfo": ["Information Disclosure (phpinfo())", "phpinfo() Output Detected"],
    "server_info": ["Apache Server-Info Detected"],
    "server_status": ["Apache Server-Status Detected"],
    "trace_axd": ["ASP.NET Tracing Is Enabled"],
    "aspnet_debug": ["ASP.NET Debugging Enabled"],
    "robots_txt": ["Robots.txt Detected"],
    "sitemap": ["Sitemap Detected"],
    "credit_card_disclosure": [
        "Credit Card Number Disclosure",
        "Credit card number disclosure",
        "Credit Card Number Pattern",
    ],
    "ssn_disclosure": [
        "Social Security Number Disclosure",
        "Disclosed US Social Security Number (SSN)",
        "Social Security Number Pattern",
    ],
    "certificate_problem": ["Invalid SSL Certificate"],
    "ssl_v2": ["Insecure Transportation Security Protocol Supported (SSLv2)"],
    "ssl_v3": ["Insecure Transportation Security Protocol Supported (SSLv3)"],
    "tls_1_1": [
        "Insecure Transportation Security Protocol Supported (TLS 1.1)",
        "TLS Version 1.1 Deprecated Protocol",
        "Secure Sockets Layer/Transport Layer Security (SSL/TLS) Server supports "
        "Transport Layer Security (TLSv1.1)",
    ],
    "hsts_missing": [
        "HTTP Strict Transport Security (HSTS) Policy Not Enabled",
        "HTTP Strict Transport Security (HSTS) not implemented",
        "Missing or insecure HTTP Strict-Transport-Security Header",
        "Insecure Transport: HSTS not Set",
        "HSTS Missing From HTTPS Server (RFC 6797)",
    ],
    "hsts_misconfigured": [
        "HTTP Strict Transport Security (HSTS) Errors and Warnings",
        "HTTP Strict Transport Security (HSTS) not following best practices",
        "Strict-Transport-Security Disabled",
    ],
    "insecure_iframe": ["Insecure Frame (External)"],
    "session_cookie_without_secure": [
        "Session Cookie Not Marked as Secure",
        "Web Application Session Cookies Not Marked Secure",
    ],
    "path_traversal": [
        "Directory traversal",
        "Poison Null Byte Windows Files Retrieval",
        "CGI Generic Path Traversal (extended test)",
        "File path traversal",
    ],
    "directory_found": ["Possible sensitive directories", "Common directory"],
    "sensitive_file": ["Possible sensitive files", "Common sensitive file"],
    "brute_force": ["Login page password-guessing attack", "Inadequate Account Lockout"],
    "password_autocomplete": [
        "Password type input with autocomplete enabled",
        "Password field with auto-complete",
        "Sensitive form field has not disabled autocomplete",
    ],
    "xpath_injection": ["XPath Injection vulnerability"],
    "ldap_injection": ["LDAP injection"],
    "remote_file_inclusion_xss": ["Remote file inclusion XSS"],
    "file_upload_form": ["File upload", "Form-based File Upload"],
    "referrer_policy_insecure": ["Insecure Referrer Policy"],
    "permissions_policy_missing": [
        "Permissions-Policy header not implemented",
        "Missing header: Permissions-Policy",
    ],
    "sri_missing": [
        "Subresource Integrity (SRI) not implemented",
        "SRI (Subresource Integrity) is missing",
        "Sub Resource Integrity Attribute Missing",
    ],
    "host_header_injection": ["Host header attack"],
    "ssrf": ["Server side request forgery"],
    "xxe": ["XML external entity injection", "XML External Entity Attack"],
    "unrestricted_upload": ["Unrestricted file upload"],
    "source_disclosure_git": ["Git repository found", "Source Code Disclosure - Git"],
    "link_injection": ["Link Injection (facilitates Cross-Site Request Forgery)"],
    "session_fixation": ["Session Identifier Not Updated"],
    "cacheable_response": ["Cacheable SSL Page Found"],
    "path_disclosure": ["Possible Server Path Disclosure Pattern Found", "Full Path Disclosure"],
    "sensitive_in_url": ["Query Parameter in SSL Request"],
    "csp_missing": [
        'Missing "Content-Security-Policy" header',
        "HTML5: Missing Content Security Policy",
        "Content security policy: not enforced",
    ],
    "http_put": ['Insecure "PUT" HTTP Method Enabled'],
    "cors_misconfigured": [
        "Overly Permissive CORS Access Policy",
        "Insecure 'Access-Control-Allow-Origin' header",
        "HTML5: Overly Permissive CORS Policy",
    ],
    "ssl_poodle": [
        "Padding Oracle On Downgraded Legacy Encryption (a.k.a. POODLE)",
        "SSLv3 Padding Oracle On Downgraded Legacy Encryption Vulnerability (POODLE)",
    ],
    "code_injection": [
        "Code injection",
        "Code injection (timing attack)",
        "Dynamic Code Evaluation: Code Injection",
    ],
    "open_redirect_dom": ["Unvalidated DOM redirect", "Open redirection (DOM-based)"],
    "backup_directory": ["Backup directory"],
    "insecure_cookie": ["Insecure cookie"],
    "cookie_parent_domain": ["Cookie set for parent domain", "Cookie scoped to parent domain"],
    "mixed_content": ["Mixed Resource", "Secure Pages Include Mixed Content (Including Scripts)"],
    "htaccess_bypass": ["Misconfiguration in LIMIT directive of .htaccess file"],
    "xss_browser_specific": ["Browser-Specific Cross-Site Scripting (XSS) Vulnerabilities"],
    "xss_header": ["Reflected Cross-Site Scripting (XSS) in HTTP Header"],
    "tls_old": ["Insecure Transport: Weak SSL Protocol"],
    "ssl_v2_v3": ["SSL Version 2 and 3 Protocol Detection"],
    "certificate_small_key": ["SSL Certificate Chain Contains RSA Keys Less Than 2048 bits"],
    "tls_anonymous_ciphers": ["SSL Anonymous Cipher Suites Supported"],
    "tls_null_ciphers": ["SSL Null Cipher Suites Supported"],
    "tls_logjam": ["SSL/TLS Diffie-Hellman Modulus <= 1024 Bits (Logjam)"],
    "tls_logjam_export": ["SSL/TLS EXPORT_DHE <= 512-bit Export Cipher Suites Supported (Logjam)"],
    "tls_drown": [
        "SSL DROWN Attack Vulnerability (Decrypting RSA with Obsolete and Weakened eNcryption)"
    ],
    "tls_crime": ["Transport Layer Security (TLS) Protocol CRIME Vulnerability"],
    "heartbleed": ["OpenSSL Heartbeat Information Disclosure (Heartbleed)"],
    "tls_ccs": ["OpenSSL 'ChangeCipherSpec' MiTM Vulnerability"],
    "ssh_v1": ["SSH Protocol Version 1 Session Key Retrieval"],
    "ssh_arcfour": ["SSH Weak Algorithms Supported"],
    "ssh_sha1": ["SHA1 deprecated setting for SSH"],
    "smb_null_session": ["Microsoft Windows SMB NULL Session Authentication"],
    "snmp_public": ["SNMP Agent Default Community Name (public)"],
    "snmp_default_community": ["SNMP Agent Default Community Names"],
    "ipmi_hash": [
        "IPMI v2.0 Password Hash Disclosure",
        "IPMI 2.0 RAKP Authentication Remote Password Hash Retrieval Vulnerability",
    ],
    "ntp_mode6": ["Network Time Protocol (NTP) Mode 6 Scanner"],
    "ntp_monlist": ["Network Time Protocol Daemon (ntpd) monlist Command Enabled DoS"],
    "dns_zone_transfer": ["DNS Server Zone Transfer Information Disclosure (AXFR)"],
    "ftp_anonymous": ["Anonymous FTP Enabled", "Anonymous FTP Access"],
    "ftp_cleartext": ["FTP Supports Cleartext Authentication"],
    "telnet_cleartext": ["Unencrypted Telnet Server", "Telnet Service Detected"],
    "rlogin": ["rlogin Service Detection"],
    "rsh": ["rsh Service Detection"],
    "smtp_open_relay": ["MTA Open Mail Relaying Allowed"],
    "ldap_null_base": ["LDAP NULL BASE Search Access"],
    "nfs_world_readable": ["NFS Shares World Readable"],
    "x11_open": ["X11 Server Unauthenticated Access"],
    "vnc_open": ["VNC Server Unauthenticated Access"],
    "ike_aggressive": ["Internet Key Exchange (IKE) Aggressive Mode with Pre-Shared Key"],
    "ip_forwarding": ["IP Forwarding Enabled"],
    "tcp_sequence_reset": ["TCP/IP Sequence Prediction Blind Reset Spoofing DoS"],
    "mongodb_open": ["MongoDB Service Without Authentication Detection"],
    "redis_open": ["Redis Server Unprotected by Password Authentication"],
    "oracle_tns_poison": ["Oracle TNS Listener Remote Poisoning"],
    "etag_inode": ["Apache Server ETag Header Information Disclosure"],
    "expose_php": ["PHP expose_php Information Disclosure"],
    "xss_server_generic": ["Web Server Generic XSS"],
    "csp_unsafe_script": [
        "CSP: script-src unsafe-inline",
        "Content security policy: allows untrusted script execution",
    ],
    "csp_unsafe_style": ["CSP: style-src unsafe-inline"],
    "x_frame_options_misconfigured": ["Multiple X-Frame-Options Header Entries"],
    "x_powered_by": ['Server Leaks Information via "X-Powered-By" HTTP Response Header Field(s)'],
    "version_aspnet": ["X-AspNet-Version Response Header"],
    "session_id_in_url": ["Session ID in URL Rewrite", "Session token in URL"],
    "referer_exposes_session": ["Referer Exposes Session ID"],
    "cross_domain_misconfiguration": ["Cross-Domain Misconfiguration"],
    "cross_origin_isolation": ["Insufficient Site Isolation Against Spectre Vulnerability"],
    "template_injection": ["Server Side Template Injection (Blind)"],
    "spring_actuator": ["Spring Actuator Information Leak"],
    "source_disclosure_webinf": ["Source Code Disclosure - /WEB-INF Folder"],
    "base64_disclosure": ["Base64 Disclosure"],
    "unencrypted_http": ["HTTP Only Site", "Unencrypted communications"],
    "https_via_http": ["HTTPS Content Available via HTTP"],
    "db_connection_string": ["Database connection string disclosed"],
    "xss_dom_reflected": ["Cross-site scripting (reflected DOM-based)"],
    "big_redirect": ["Long redirection response"],
    "vulnerable_js_library": ["Vulnerable JavaScript dependency"],
    "xml_entity_expansion": ["XML entity expansion"],
}

# Titles of different weaknesses that look alike.
SIBLINGS = [
    ("Cross-site scripting (reflected)", "Cross-site scripting (stored)"),
    ("Cross-site scripting (reflected)", "Cross-site scripting (DOM-based)"),
    ("Cross-site scripting (DOM-based)", "Cross-site scripting (reflected DOM-based)"),
    ("SQL injection", "OS command injection"),
    ("SQL Injection", "NoSQL Injection - MongoDB"),
    ("Blind SQL Injection", "SQL injection (second order)"),
    ("XPath injection", "LDAP injection"),
    ("XML injection", "XML external entity injection"),
    ("Local File Inclusion", "Remote File Inclusion"),
    ("PHP code injection", "Ruby code injection"),
    ("Open redirection (reflected)", "Open redirection (DOM-based)"),
    ("Cookie Not Marked as HttpOnly", "Cookie Not Marked as Secure"),
    ("Cookie without SameSite Attribute", "Cookie Without Secure Flag"),
    ("Cookie No HttpOnly Flag", "Cookie without SameSite Attribute"),
    ("X-Content-Type-Options Header Missing", "X-Frame-Options Header Not Set"),
    ("Missing header: X-XSS-Protection", "Missing header: X-Content-Type-Options"),
    ("Missing X-Frame-Options Header", "Multiple X-Frame-Options Header Entries"),
    ("Strict-Transport-Security Header Not Set", "Strict-Transport-Security Disabled"),
    ("Content Security Policy (CSP) Header Not Set", "CSP: Wildcard Directive"),
    ("CSP: script-src unsafe-inline", "CSP: style-src unsafe-inline"),
    ("Missing header: Referrer-Policy", "Missing header: Permissions-Policy"),
    ("Directory listing", "Hidden Directory Detected"),
    ("Directory Listing", "Directory traversal"),
    ("Backup file", "Backup directory"),
    ("Version Disclosure (Apache)", "Version Disclosure (PHP)"),
    ("HTTP TRACE method is enabled", "HTTP PUT method is enabled"),
    ("Internal Path Disclosure (Windows)", "Internal Path Disclosure (*nix)"),
    ("Apache Server-Info Detected", "Apache Server-Status Detected"),
    ("ViewState is not Signed", "ViewState is not Encrypted"),
    ("External service interaction (DNS)", "External service interaction (HTTP)"),
    ("Cleartext submission of password", "Password submitted using GET method"),
    ("Credit card numbers disclosed", "Social security numbers disclosed"),
    ("Flash cross-domain policy", "Silverlight cross-domain policy"),
    (
        "HTTPS to HTTP Insecure Transition in Form Post",
        "HTTP to HTTPS Insecure Transition in Form Post",
    ),
    ("Slow HTTP headers vulnerability", "Slow HTTP POST vulnerability"),
    ("TLS Version 1.0 Protocol Detection", "TLS Version 1.1 Protocol Detection"),
    ("SSL Server Has SSLv2 Enabled Vulnerability", "SSL Server Has SSLv3 Enabled Vulnerability"),
    ("SSL Weak Cipher Suites Supported", "SSL Medium Strength Cipher Suites Supported"),
    ("SSL RC4 Cipher Suites Supported", "SSL Weak Cipher Suites Supported"),
    ("SSL Anonymous Cipher Suites Supported", "SSL Null Cipher Suites Supported"),
    ("SSL Cipher Block Chaining Cipher Suites Supported", "SSH Server CBC Mode Ciphers Enabled"),
    ("SSL Self-Signed Certificate", "SSL Certificate Cannot Be Trusted"),
    ("SSL Certificate Expiry", "SSL Certificate Expiry - Future Expiry"),
    ("SSL Certificate with Wrong Hostname", "SSL Certificate 'commonName' Mismatch"),
    (
        "SSL Certificate Signed Using Weak Hashing Algorithm",
        "SSL Certificate Signed Using Weak Hashing Algorithm (Known CA)",
    ),
    (
        "SSL Certificate Chain Contains RSA Keys Less Than 2048 bits",
        "SSL Certificate Chain Contains Weak RSA Keys",
    ),
    ("SSH Weak MAC Algorithms Enabled", "SSH Weak Key Exchange Algorithms Enabled"),
    ("SSH Weak Key Exchange Algorithms Enabled", "SSH Server CBC Mode Ciphers Enabled"),
    ("SSH Weak Algorithms Supported", "SSH Weak MAC Algorithms Enabled"),
    ("SMB Signing not required", "SMB Version 1 Enabled"),
    ("LDAP NULL BASE Search Access", "LDAP Server NULL Bind Connection Information Disclosure"),
    ("Readable SNMP Information", "Writeable SNMP Information"),
    (
        "Terminal Services Encryption Level is Medium or Low",
        "Terminal Services Encryption Level is not FIPS-140 Compliant",
    ),
    (
        "DNS Server Cache Snooping Remote Information Disclosure",
        "DNS Server Zone Transfer Information Disclosure (AXFR)",
    ),
    ("rsh Service Detection", "rlogin Service Detection"),
    ("TCP/IP Timestamps Supported", "ICMP Timestamp Request Remote Date Disclosure"),
]

# Generic titles with what they may turn out to be.
COMPATIBLE = [
    ("Cross-site Scripting", "Cross Site Scripting (Reflected)"),
    ("Cross site scripting", "Stored Cross-Site Scripting"),
    ("SQL Injection", "Blind SQL Injection"),
    ("Insecure cookie", "Cookie No HttpOnly Flag"),
    ("HTTP Security Header Not Detected", "X-Content-Type-Options Header Missing"),
    ("Deprecated SSH Cryptographic Settings", "SSH Weak MAC Algorithms Enabled"),
    ("SSL Version 2 and 3 Protocol Detection", "SSL Server Has SSLv3 Enabled Vulnerability"),
    ("Code injection", "PHP code injection"),
]

# Advisories, software found, information and lists.
NONE = [
    "RHEL 8 : kernel (RHSA-2021:4455)",
    "Apache 2.4.x < 2.4.58 Multiple Vulnerabilities",
    "Cisco Unified Intelligence Center Cross-Site Scripting Vulnerability",
    "WordPress Plugin Foo 1.2 SQL Injection",
    "Squid HTTP Request Smuggling Vulnerability (SQUID-2020:11)",
    "OpenSSL 1.0.2 < 1.0.2x Null Pointer Dereference Vulnerability",
    "KB4530717: Windows 10 Version 1803 December 2019 Security Update",
    "TLS Version 1.2 Protocol Detection",
    "TLS Version 1.3 Protocol Detection",
    "SSL / TLS Versions Supported",
    "SSL Cipher Suites Supported",
    "SSL Perfect Forward Secrecy Cipher Suites Supported",
    "SSL Certificate Information",
    "SSL Certificate - Information",
    "SSH Protocol Versions Supported",
    "SSH Server Type and Version Information",
    "Microsoft Windows SMB2 and SMB3 Dialects Supported (remote check)",
    "SMB Version 2 or 3 Enabled",
    "Protection against Clickjacking",
    "Terminal Services Use SSL/TLS",
    "Telnet Server Detection",
    "FTP Server Detection",
    "DNS Server Detection",
    "Network Time Protocol (NTP) Server Detection",
    "MongoDB Detection",
    "Oracle MySQL Connectors Multiple Vulnerabilities (January 2018 CPU)",
    "phpMyAdmin 4.x < 4.8.4 Local File Inclusion (PMASA-2018-6)",
    "PHP < 5.3.9 Multiple Vulnerabilities",
    "Apache Tomcat 9.0.x < 9.0.37 HTTP Request Smuggling",
    "F5 Networks BIG-IP : TLS/SSL vulnerability (SOL15882)",
    "Ubuntu 20.04 LTS : OpenSSH vulnerability (USN-4694-1)",
    "Cisco IOS XE Software Web UI Command Injection (cisco-sa-webui-cmdinj)",
    "jQuery 1.2 < 3.5.0 Multiple XSS",
    "IBM HTTP Server 8.5.0.0 < 8.5.5.20 Information Disclosure",
    "Google Chrome < 114.0.5735.90 Multiple Vulnerabilities",
    "Out-of-date Version (Apache)",
    "Microsoft Exchange Server Open Redirect Vulnerability",
    "SSL VPN Directory Traversal Vulnerability",
    "Modern Web Application",
    "Links Crawled",
    "Scan Diagnostics",
    "Nessus Scan Information",
    "Path-Based Vulnerability",
    "User Controllable Thing",
    "Debian DSA-5000-1 : openjdk-11 security update",
    "vsftpd Detected",
    "Weak Cryptographic Hash",
    "",
]

# Numbers with the title their scanner gives them, and a check of another scanner that is the same.
SAME = [
    (("ZAP", "10020", ""), ("Burp Suite", "5245344", "")),
    (("ZAP", "10020", ""), ("Qualys WAS", "150081", "")),
    (("ZAP", "10038-1", ""), ("StackHawk", "10038", "")),
    (("Nessus", "104743", ""), ("Qualys", "38628", "")),
    (("Nessus", "42873", ""), ("Qualys", "38657", "")),
    (("Nessus", "57582", ""), ("Qualys", "38169", "")),
    (("Nessus", "51192", ""), ("Qualys", "38173", "")),
    (("Nessus", "45411", ""), ("Qualys", "38170", "")),
    (("Nessus", "15901", ""), ("Qualys", "38167", "")),
    (("Nessus", "65821", ""), ("Qualys", "38601", "")),
    (("Nessus", "78479", ""), ("Qualys", "38603", "")),
    (("Nessus", "57608", ""), ("Qualys", "90043", "")),
    (("Nessus", "58453", ""), ("Qualys", "90788", "")),
    (("Nessus", "10114", ""), ("Qualys", "82003", "")),
    (("Burp Suite", "5243392", ""), ("Invicti", "CookieNotMarkedAsSecure", "")),
    (("AppScan", "ATTSQLINJECTIONCHECKS", ""), ("Invicti", "ConfirmedSQLInjection", "")),
    (("Arachni", "", "Private IP address disclosure"), ("ZAP", "2", "")),
]


def found(detector, identifier, title):
    """Return the key of the class, or None."""
    one = of(detector, identifier, title)
    return one and one.key


@pytest.mark.parametrize(
    ("title", "key"), [(title, key) for key, titles in TITLES.items() for title in titles]
)
def test_a_published_title_says_the_class(title, key):
    """A title as published, in any case, finds its class without an identifier."""
    assert found("ZAP", "", title) == key
    assert found("", "", title.upper()) == key


@pytest.mark.parametrize(("title", "other"), SIBLINGS)
def test_siblings_are_different(title, other):
    """Titles that look alike but are of two weaknesses are kept apart."""
    mine, theirs = (classify("", "", each, CLASSES) for each in (title, other))
    assert mine
    assert theirs
    assert related(mine, theirs) == related(theirs, mine) == "different"


@pytest.mark.parametrize(("title", "other"), COMPATIBLE)
def test_a_generic_class_is_compatible_with_its_flavours(title, other):
    """A title that does not say which flavour it is may be any of them."""
    mine, theirs = (classify("", "", each, CLASSES) for each in (title, other))
    assert mine
    assert theirs
    assert related(mine, theirs) == related(theirs, mine) == "compatible"


@pytest.mark.parametrize("title", NONE)
def test_what_is_no_known_weakness_has_no_class(title):
    """Advisories, products found and information have no class."""
    assert found("Nessus", "", title) is None


@pytest.mark.parametrize(("check", "other"), SAME)
def test_checks_of_two_scanners_are_the_same_weakness(check, other):
    """The crosswalk proper: one class for the checks of two scanners."""
    mine, theirs = of(*check), of(*other)
    assert mine
    assert theirs
    assert related(mine, theirs) == "same"


def test_an_identifier_means_something_only_within_its_scanner():
    """The same number is another check, or none, elsewhere."""
    assert found("ZAP", "2", "") == "private_ip"
    assert found("Nessus", "2", "") is None
    assert found("Nessus", "38628", "") is None


def test_the_number_of_every_burp_extension_is_no_class():
    """Burp gives one number to all issues of extensions; the title decides."""
    assert found("Burp Suite", "134217728", "") is None
    assert found("Burp Suite", "134217728", "[SSL Scanner] BREACH") == "breach"


def test_a_title_can_say_that_an_identifier_stands_for_another_flavour():
    """`unless` passes a class over, and the title finds the other one."""
    assert found("ZAP", "10020", "Missing Anti-clickjacking Header") == "x_frame_options_missing"
    assert (
        found("ZAP", "10020", "Multiple X-Frame-Options Header Entries")
        == "x_frame_options_misconfigured"
    )
    assert found("ZAP", "90028", "Insecure HTTP Method - PUT") == "http_put"
    assert found("ZAP", "40019", "SQL Injection - MySQL (Time Based)") == "sql_injection_blind"


def test_a_mistyped_title_keeps_the_class_of_its_identifier():
    """The identifier decides before the title."""
    assert found("Qualys", "12680", "HTTP TRACE / TRACK Meuhods Enabled") == "http_trace"


def test_every_identifier_names_one_class():
    """No number is in two classes."""
    owners = {}
    for key, one in CLASSES.classes.items():
        for number in set(CLASSES.numbers(one)):
            assert owners.setdefault(number, key) == key
    assert len(owners) > 400


def test_detectors_are_those_of_the_scanners():
    """Detectors are spelled as in `mappings/scanners/`."""
    policy = load_policy()
    named = {detector for one in CLASSES.classes.values() for detector in one.identifiers}
    assert named <= {scanner.detector for scanner in policy.scanners}


def test_a_class_is_one_of_a_parameter_or_of_a_port_not_of_both():
    """An injection is not a check of a service."""
    for one in CLASSES.classes.values():
        assert not (one.parameter and one.service), one.key


def test_the_crosswalk_is_wide():
    """At least 120 classes of web weaknesses and 80 of services."""
    services = sum(one.service for one in CLASSES.classes.values())
    assert services >= 80
    assert len(CLASSES.classes) - services >= 120


@pytest.mark.parametrize(
    ("pattern", "words", "text"),
    [
        ("ssl weak ciphers?( suites?)?", ("weak",), "ssl weak cipher"),
        ("cookies?( without)? secure (flag|attribute)", ("secure",), " secure "),
        ("(http )?trace", (), "trace"),
        ("foo( bar)?baz", (), "foo"),
        ("tlsv1|tls 1 0", (), ""),
        ("(dom|dom based) xss", ("xss",), " xss"),
        ("(weak|open) (ftp|tftp)", ("weak", "open"), " "),
        (r"a\d+ [a-z ]{1,4} b+", (), "a"),
    ],
)
def test_what_a_pattern_cannot_match_without(pattern, words, text):
    """What a title must contain is read from the pattern, never too much."""
    assert needed(pattern) == (words, text)


def test_the_shortcut_loses_no_title():
    """Each title finds the classes that trying every pattern on it finds."""
    patterns = [
        (re.compile(pattern), one) for one in CLASSES.classes.values() for pattern in one.titles
    ]
    for titles in TITLES.values():
        for title in titles:
            text = normalised(title)
            tried = {one.key for pattern, one in patterns if pattern.fullmatch(text)}
            short = {
                one.key
                for pattern, one in CLASSES.index._candidates(text)
                if pattern.fullmatch(text)
            }
            assert short == tried


RULES = {
    "source": "here",
    "noise": [],
    "classes": {"a": {"title": "A", "titles": ["a.*"]}, "b": {"title": "B", "titles": [".*b"]}},
}


def test_a_title_that_fits_two_classes_has_none():
    """Rather no class than a wrong one."""
    rules = WeaknessClasses.model_validate(RULES)
    assert classify("", "", "a c", rules).key == "a"
    assert classify("", "", "a b", rules) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"titles": ["("]}, "no regular expression"),
        ({"unless": ["["]}, "no regular expression"),
        ({"generic": True, "flavours": ["absent"]}, "absent, which is no class"),
        ({"flavours": ["b"]}, "generic"),
        ({"generic": True}, "generic"),
        ({"colour": "red"}, "colour"),
        ({"identifiers": {"Nessus": ["10028"]}}, "bind_version"),
    ],
)
def test_a_site_that_gets_a_class_wrong_is_told(tmp_path, change, message):
    """Each mistake in a class is refused with its reason."""
    path = tmp_path / "conmon.yaml"
    mine = {"weakness_classes": {"classes": {"mine": {"title": "Mine", **change}}}}
    path.write_text(yaml.safe_dump(mine), encoding="utf-8")
    with pytest.raises(PolicyError, match=message):
        load_policy(path)


def test_a_site_adds_a_class_of_its_own(tmp_path):
    """A class of conmon.yaml stands beside those of the table."""
    path = tmp_path / "conmon.yaml"
    path.write_text(
        "weakness_classes: {classes: {mine: {title: Mine, identifiers: {Nessus: ['999001']}}}}\n",
        encoding="utf-8",
    )
    classes = load_policy(path).weakness_classes
    assert classify("Nessus", "999001", "", classes).key == "mine"
    assert classify("Nessus", "10028", "", classes).key == "bind_version"

"""Judges messages with dkimpy, pyspf and libopendmarc. Reads JSON lines, and writes one for each.

{"records": {NAME: {"txt": [TEXT], "a": [ADDRESS]}}}                     the records for what follows
{"raw": BASE64, "address": IP, "helo": NAME, "from": ADDRESS, "author": DOMAIN}   a message to judge
"""
import base64
import ctypes
import json
import sys

import dkim
import spf

records = {}


def of(name, kind):
    return records.get(name.lower().rstrip("."), {}).get(kind, [])


def txt(name, timeout=5):
    name = name.decode() if isinstance(name, bytes) else name
    found = of(name, "txt")
    return found[0].encode() if found else None


def lookup(name, qtype, tcpfallback=True, timeout=30):
    value = (lambda text: (text.encode(),)) if qtype == "TXT" else (lambda text: text)
    return [((name, qtype), value(one)) for one in of(name, qtype.lower())]


spf.DNSLookup = lookup

opendmarc = ctypes.CDLL("libopendmarc.so.2")
opendmarc.opendmarc_policy_connect_init.restype = ctypes.c_void_p
PASS, FAIL = 1, 2
POLICIES = {14: "none", 15: "pass", 16: "reject", 17: "quarantine", 18: "none-policy"}


def dmarc(author, spf_domain, spf_pass, signatures):
    record = of("_dmarc." + author, "txt")
    if not record:
        return "none"
    context = ctypes.c_void_p(opendmarc.opendmarc_policy_connect_init(b"192.0.2.1", 0))
    opendmarc.opendmarc_policy_store_from_domain(context, author.encode())
    opendmarc.opendmarc_policy_store_spf(context, spf_domain.encode(), PASS if spf_pass else FAIL, 1, None)
    for domain, selector, passed in signatures:
        opendmarc.opendmarc_policy_store_dkim(
            context, domain.encode(), selector.encode(), PASS if passed else FAIL, None
        )
    opendmarc.opendmarc_policy_store_dmarc(context, record[0].encode(), author.encode(), None)
    verdict = opendmarc.opendmarc_get_policy_to_enforce(context)
    opendmarc.opendmarc_policy_connect_shutdown(context)
    return POLICIES.get(verdict, verdict)


def judge(request):
    raw = base64.b64decode(request["raw"])
    message = dkim.DKIM(raw)
    signatures = []
    count = len([name for name, _ in message.headers if name.lower() == b"dkim-signature"])
    for index in range(count):
        one = dkim.DKIM(raw)
        try:
            passed = one.verify(index, dnsfunc=txt)
        except dkim.DKIMException:
            passed = False
        signatures.append(bool(passed))
    chain, _, _ = dkim.arc_verify(raw, dnsfunc=txt)
    result, _ = spf.check2(i=request["address"], s=request["from"], h=request["helo"])
    facts = [(domain, selector, passed) for (domain, selector), passed in zip(request["signers"], signatures)]
    spf_domain = request["from"].rpartition("@")[2] or request["helo"]
    return {
        "dkim": signatures,
        "arc": (chain or b"none").decode(),
        "spf": result,
        "dmarc": dmarc(request["author"], spf_domain, result == "pass", facts),
    }


for line in sys.stdin:
    request = json.loads(line)
    if "records" in request:
        records = request["records"]
        continue
    print(json.dumps(judge(request)), flush=True)

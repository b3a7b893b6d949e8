"""Judges messages with dkimpy, pyspf, libopendkim and libopendmarc. Reads JSON lines, and writes one for each.

{"records": {NAME: {"txt": [TEXT], "a": [ADDRESS]}}}                     the records for what follows
{"raw": BASE64, "address": IP, "helo": NAME, "from": ADDRESS, "author": DOMAIN}   a message to judge
"""
import base64
import ctypes
import json
import sys
import tempfile

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

libopendkim = ctypes.CDLL("libopendkim.so.11")
libopendkim.dkim_init.restype = ctypes.c_void_p
libopendkim.dkim_verify.restype = ctypes.c_void_p
library = ctypes.c_void_p(libopendkim.dkim_init(None, None))
# The keys come from a file. dkim.h: DKIM_OP_SETOPT, DKIM_OPTS_QUERYMETHOD, DKIM_OPTS_QUERYINFO, DKIM_QUERY_FILE
keys = tempfile.NamedTemporaryFile("w")
path = ctypes.create_string_buffer(keys.name.encode())
libopendkim.dkim_options(library, 1, 6, ctypes.byref(ctypes.c_int(1)), 4)
libopendkim.dkim_options(library, 1, 7, path, len(keys.name) + 1)
SIGNATURE_PASSED, BODY_MATCHES = 4, 0


def opendkim(raw):
    # A CR alone counts as a line end for its relaxed bodies, unlike for RFC 6376 and for the other judges.
    if b"\r" in raw.replace(b"\r\n", b""):
        return None
    status = ctypes.c_int()
    message = ctypes.c_void_p(libopendkim.dkim_verify(library, b"id", None, ctypes.byref(status)))
    header, _, body = raw.partition(b"\r\n\r\n")
    fields = []
    for line in header.split(b"\r\n"):
        if line[:1] in (b" ", b"\t") and fields:
            fields[-1] += b"\r\n" + line
        else:
            fields.append(line)
    for field in fields:
        libopendkim.dkim_header(message, field, ctypes.c_size_t(len(field)))
    if libopendkim.dkim_eoh(message) not in (0, 1):
        return None  # It takes no message without From or Date.
    if body:
        libopendkim.dkim_body(message, body, ctypes.c_size_t(len(body)))
    libopendkim.dkim_eom(message, None)
    found, count = ctypes.POINTER(ctypes.c_void_p)(), ctypes.c_int()
    libopendkim.dkim_getsiglist(message, ctypes.byref(found), ctypes.byref(count))
    signatures = [ctypes.c_void_p(found[index]) for index in range(count.value)]
    verdicts = [
        bool(libopendkim.dkim_sig_getflags(one) & SIGNATURE_PASSED)
        and libopendkim.dkim_sig_getbh(one) == BODY_MATCHES
        for one in signatures
    ]
    libopendkim.dkim_free(message)
    return verdicts


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
        "opendkim": opendkim(raw),
        "arc": (chain or b"none").decode(),
        "spf": result,
        "dmarc": dmarc(request["author"], spf_domain, result == "pass", facts),
    }


for line in sys.stdin:
    request = json.loads(line)
    if "records" in request:
        records = request["records"]
        for name, own in records.items():
            if "._domainkey." in name:
                keys.write(f"{name} {own['txt'][0]}\n")
        keys.flush()
        continue
    print(json.dumps(judge(request)), flush=True)

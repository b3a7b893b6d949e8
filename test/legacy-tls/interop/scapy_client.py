"""
A POP3 client over Scapy's TLS, for the suites that no client of today has. Scapy has no EXPORT1024 suites either: they
are put together here from its RSA_EXPORT key exchange and its ciphers. It verifies no certificates.
Arguments: port, version (0300 or 0301) and number of the suite. Prints "ok" once the greeting was read.
"""
import sys
import warnings

warnings.filterwarnings("ignore")
from scapy.layers.tls.automaton_cli import TLSClientAutomaton  # noqa: E402
from scapy.layers.tls.crypto import cipher_block, cipher_stream, kx_algs, suites  # noqa: E402
from scapy.layers.tls.handshake import TLSClientHello  # noqa: E402


class KX_RSA_EXPORT1024(kx_algs.KX_RSA_EXPORT):
    pass


class Cipher_RC4_56(cipher_stream.Cipher_RC4_128):
    key_len = 7
    expanded_key_len = 16


# Scapy knows an export key exchange by the end of its name, and registered its ciphers when it was loaded.
KX_RSA_EXPORT1024.export = True
KX_RSA_EXPORT1024.no_ske = False
suites._tls_cipher_algs["RC4_56"] = Cipher_RC4_56
cipher_block.Cipher_DES_CBC.expanded_key_len = 8


class TLS_RSA_EXPORT1024_WITH_DES_CBC_SHA(suites._GenericCipherSuite):
    val = 0x0062


class TLS_RSA_EXPORT1024_WITH_RC4_56_SHA(suites._GenericCipherSuite):
    val = 0x0064


class Client(TLSClientAutomaton):
    def vprint(self, text=""):
        said.append(text)


said = []
port, version, suite = int(sys.argv[1]), int(sys.argv[2], 16), int(sys.argv[3], 16)
Client(
    server="127.0.0.1",
    dport=port,
    client_hello=TLSClientHello(version=version, ciphers=[suite]),
    version="sslv3" if version == 0x0300 else "tls1",
    data=["QUIT\r\n", "quit"],
).run()
print("ok" if any("Received: b'+" in text for text in said) else "failed " + " ".join(said).replace("\n", " "))

"""
A POP3 client over Scapy's TLS, for suites that no current client supports. Scapy has no EXPORT1024 suites either, so
they are combined here from its RSA_EXPORT key exchange and its ciphers. It does not verify certificates.
Arguments: port, version (0300 or 0301) and code point of the suite. Prints "ok" once the greeting was read.
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


class Cipher_RC2_CBC_56(cipher_block.Cipher_RC2_CBC_40):
    key_len = 7


# Scapy recognizes an export key exchange by the end of its class name, and registers its ciphers when it is loaded.
KX_RSA_EXPORT1024.export = True
KX_RSA_EXPORT1024.no_ske = False
suites._tls_cipher_algs["RC4_56"] = Cipher_RC4_56
suites._tls_cipher_algs["RC2_CBC_56"] = Cipher_RC2_CBC_56
cipher_block.Cipher_DES_CBC.expanded_key_len = 8


class TLS_RSA_EXPORT1024_WITH_DES_CBC_SHA(suites._GenericCipherSuite):
    val = 0x0062


class TLS_RSA_EXPORT1024_WITH_RC4_56_SHA(suites._GenericCipherSuite):
    val = 0x0064


class TLS_RSA_EXPORT1024_WITH_RC4_56_MD5(suites._GenericCipherSuite):
    val = 0x0060


class TLS_RSA_EXPORT1024_WITH_RC2_CBC_56_MD5(suites._GenericCipherSuite):
    val = 0x0061


class Client(TLSClientAutomaton):
    def vprint(self, text=""):
        output.append(text)


output = []
port, version, suite = int(sys.argv[1]), int(sys.argv[2], 16), int(sys.argv[3], 16)
Client(
    server="127.0.0.1",
    dport=port,
    client_hello=TLSClientHello(version=version, ciphers=[suite]),
    version="sslv3" if version == 0x0300 else "tls1",
    data=["QUIT\r\n", "quit"],
).run()
print("ok" if any("Received: b'+" in text for text in output) else "failed " + " ".join(output).replace("\n", " "))

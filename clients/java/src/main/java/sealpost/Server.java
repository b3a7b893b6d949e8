package sealpost;

import java.util.function.IntUnaryOperator;

/** A virtual server: where clients of a protocol connect. */
public final class Server {
    private final Api.VirtualServer facts;
    private final String host;
    private final IntUnaryOperator portOf;

    Server(Api.VirtualServer facts, String host, IntUnaryOperator portOf) {
        this.facts = facts;
        this.host = host;
        this.portOf = portOf;
    }

    /** Returns all facts about the virtual server. */
    public Api.VirtualServer facts() { return facts; }
    /** Returns its id in the HTTP API. */
    public String id() { return facts.id(); }
    /** Returns its name. */
    public String name() { return facts.name(); }
    /** Returns its protocol, such as {@code smtp}. */
    public String protocol() { return facts.protocol(); }
    /** Returns the host to connect to. */
    public String host() { return host; }
    /** Returns the port that begins in clear text, with STARTTLS or STLS. @throws LabException if it is closed */
    public int port() { return open("port", facts.port()); }
    /** Returns the port with implicit TLS. @throws LabException if it is closed */
    public int tlsPort() { return open("tlsPort", facts.tlsPort()); }

    private int open(String kind, Long port) {
        if (port == null) throw new LabException(name() + " has no " + kind, null);
        return portOf.applyAsInt(port.intValue());
    }
}

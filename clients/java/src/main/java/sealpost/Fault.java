package sealpost;

import java.util.Map;

/** A fault that the lab injects, until {@link #close()} or a reset. */
public final class Fault implements AutoCloseable {
    private final Http http;
    private final String path;

    Fault(Http http, Api.Fault facts) {
        this.http = http;
        this.path = "/faults/" + Http.encoded(facts.id());
    }

    /** Returns how often the fault has happened. */
    public long hits() { return new Api.Fault(http.get(path)).hits(); }

    /** Removes the fault. Has no effect if it does not exist any more. */
    @Override public void close() {
        try {
            http.send("DELETE", path, Map.of(), null);
        } catch (LabException error) {
            if (error.problem() == null || error.problem().status() != 404) throw error;
        }
    }
}

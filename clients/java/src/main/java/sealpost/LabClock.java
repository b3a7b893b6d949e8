package sealpost;

import java.time.Duration;
import java.time.Instant;
import java.util.Deque;
import java.util.Map;

/** The clock of the lab: certificates and dates follow it, time-outs do not. */
public final class LabClock {
    private final Http http;
    private final Deque<Runnable> undo;

    LabClock(Http http, Deque<Runnable> undo) {
        this.http = http;
        this.undo = undo;
    }

    /** Returns the time of the lab. */
    public Instant now() { return Instant.parse(new Api.Clock(http.get("/clock")).now()); }
    /** Moves the clock forward. */
    public void advance(Duration by) { change(Map.of("advance", by.toMillis() + "ms")); }
    /** Goes forward by a text such as 40d. */
    public void advance(String by) { change(Map.of("advance", by)); }
    /** Sets the clock. It goes on from there. */
    public void set(Instant now) { change(Map.of("now", now.toString())); }
    /** Stops the clock until {@code resume()} or a reset. */
    public void freeze() { change(Map.of("frozen", true)); }
    /** Lets a stopped clock go on. */
    public void resume() { change(Map.of("frozen", false)); }
    /** Returns to the time of the machine. */
    public void reset() { http.send("PATCH", "/clock", Map.of(), Map.of("reset", true)); }

    private void change(Map<String, ?> change) {
        undo.push(this::reset);
        http.send("PATCH", "/clock", Map.of(), change);
    }
}

package sealpost;

import java.util.Arrays;

/** No message matched in time. The text lists what arrived instead, and the sessions that were refused. */
public final class WaitTimeout extends AssertionError {
    /** The answer of the lab. */
    public final transient Api.Problem problem;

    WaitTimeout(Api.Problem problem) {
        super(problem.report());
        this.problem = problem;
        // The first line is that of the test.
        var lines = Arrays.stream(getStackTrace()).filter(one -> !one.getClassName().matches("sealpost\\.(Lab|Http)"));
        setStackTrace(lines.toArray(StackTraceElement[]::new));
    }
}

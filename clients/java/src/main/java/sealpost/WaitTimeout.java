package sealpost;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** No message matched in time. The text lists what arrived instead, and the sessions that were refused. */
public final class WaitTimeout extends AssertionError {
    private static final long serialVersionUID = 1;
    private final transient Api.Problem problem;

    WaitTimeout(Api.Problem problem) {
        super(describe(problem));
        this.problem = problem;
        // The first line is that of the test.
        setStackTrace(Arrays.stream(getStackTrace())
            .filter(one -> !one.getClassName().matches("sealpost\\.(Lab|Http)")).toArray(StackTraceElement[]::new));
    }

    public Api.Problem problem() {
        return problem;
    }

    static String describe(Api.Problem problem) {
        var lines = new ArrayList<>(List.of(problem.detail()));
        for (var one : orEmpty(problem.errors()))
            if (!problem.detail().contains(one.message())) lines.add("  " + one.pointer() + ": " + one.message());
        for (var one : orEmpty(problem.arrived())) {
            var to = one.envelope() == null ? List.of() : one.envelope().to();
            lines.add("  arrived: \"" + one.subject() + "\" from " + Mail.senderOf(one) + " to " + to);
        }
        orEmpty(problem.sessions()).forEach(one -> lines.add("  session: " + one.summary()));
        orEmpty(problem.attempts()).forEach(one -> lines.add("  begun: " + one));
        // The others explain the members of the problem.
        orEmpty(problem.hints()).stream().filter(hint -> !hint.startsWith("`")).forEach(hint -> lines.add("  " + hint));
        return String.join("\n", lines);
    }

    private static <T> List<T> orEmpty(List<T> list) {
        return list == null ? List.of() : list;
    }
}

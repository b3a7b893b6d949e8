package sealpost;

/** The lab cannot be reached or started, has nothing of the kind, or has rejected a request. */
public class LabException extends RuntimeException {
    private static final long serialVersionUID = 1;
    private final transient Api.Problem problem;

    LabException(String message, Throwable cause) {
        super(message, cause);
        this.problem = null;
    }

    LabException(Api.Problem problem) {
        super(WaitTimeout.describe(problem));
        this.problem = problem;
    }

    /** Returns the answer to a request that was rejected (RFC 9457), and otherwise null. */
    public Api.Problem problem() {
        return problem;
    }
}

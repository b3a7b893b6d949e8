package sealpost;

/** The lab cannot be reached or started, has nothing of the kind, or has rejected a request. */
public class LabException extends RuntimeException {
    /** The answer to a request that was rejected (RFC 9457), and otherwise null. */
    public final transient Api.Problem problem;

    LabException(String message, Throwable cause) {
        super(message, cause);
        this.problem = null;
    }

    LabException(Api.Problem problem) {
        super(problem.detail());
        this.problem = problem;
    }
}

// How long a step of signing in may take.

/** A step's token is good for five minutes; a little less, since its answer was on its way, too. */
const GOOD_MS = 5 * 60_000 - 2_000;

export interface StepToken {
    token: string;
    /** From when on it is good for nothing. */
    until: number;
}

export function stepToken(token: string): StepToken {
    return { token, until: Date.now() + GOOD_MS };
}

/** Whether a step that was refused was so for its age: the gateway tells nobody which of code and token was wrong. */
export function tooLate(step: StepToken | undefined, status: number): boolean {
    return step !== undefined && status === 401 && Date.now() >= step.until;
}
